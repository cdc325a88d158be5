#include "sweep/console.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "sweep/capped_file.h"
#include "sweep/log_limit.h"

static const double bar_every_s = 0.1, line_every_s = 60.0, first_line_s = 20.0,
                    fold_window_s = 60.0, stage_lines_a_second = 20.0, left_out_every_s = 1.0;

struct mx_console {
    char                   host[64];
    struct mx_capped_file *log; /* sweep.log */
    struct mx_buf          warnings, line;
    int                    warnings_fd; /* -1: there was none yet */
    struct mx_system_log  *system;      /* NULL: not asked for */
    bool                   log_failed;  /* told once that it cannot be written */
    enum mx_log_format     format;
    bool                   terminal, bar_shown;
    unsigned               width;
    double                 next_s; /* progress is due */
    uint64_t               told;   /* trials ended when progress was last told */
    struct mx_log_fold     fold;
    struct mx_log_limit    limit; /* of lines about stages */
};

static int open_files(struct mx_console *console, const struct mx_console_options *options,
                      struct mx_err *err)
{
    char *path = mx_path_join(options->directory, "log/sweep.log");

    mx_buf_printf(&console->warnings, "%s/log/warnings.log", options->directory);
    if (path && mx_buf_ok(&console->warnings))
        console->log = mx_capped_file_new(
            path, options->log_bytes ? options->log_bytes : MX_SWEEP_LOG_BYTES, err);
    else
        mx_fail(err, MX_ENOMEM, "no memory for a path");
    free(path);
    if (console->log && options->system_log != MX_SYSTEM_LOG_NONE &&
        !(console->system = mx_system_log_open(options->system_log, NULL, options->directory, err)))
        return -1;
    return console->log ? 0 : -1;
}

static void release(struct mx_console *console)
{
    mx_capped_file_free(console->log);
    mx_system_log_close(console->system);
    mx_buf_free(&console->warnings);
    mx_buf_free(&console->line);
    if (console->warnings_fd >= 0)
        close(console->warnings_fd);
    free(console);
}

struct mx_console *mx_console_open(const struct mx_console_options *options, struct mx_err *err)
{
    struct mx_console *console = calloc(1, sizeof *console);

    if (!console) {
        mx_fail(err, MX_ENOMEM, "no memory for the console");
        return NULL;
    }
    console->warnings_fd = -1;
    if (open_files(console, options, err)) {
        release(console);
        return NULL;
    }
    gethostname(console->host, sizeof console->host - 1);
    console->format = options->format;
    console->terminal = options->terminal;
    console->width = options->width;
    console->fold.window_s = fold_window_s;
    console->limit.rate = stage_lines_a_second;
    console->limit.every_s = left_out_every_s;
    console->next_s = options->terminal ? 0 : mx_clock_monotonic_s() + first_line_s;
    console->told = UINT64_MAX;
    return console;
}

static void hide_bar(struct mx_console *console)
{
    if (console->bar_shown)
        fputs("\r\033[K", stderr);
    console->bar_shown = false;
}

/* Into the files. */
static int keep(struct mx_console *console, const struct mx_log_record *record, struct mx_err *err)
{
    mx_buf_clear(&console->line);
    mx_log_line(record, console->format, &console->line);
    if (!mx_buf_ok(&console->line))
        return mx_fail(err, MX_ENOMEM, "no memory to write log/sweep.log");
    if (mx_capped_file_add(console->log, console->line.data, console->line.len, err))
        return -1;
    if (record->level < MX_LOG_WARNING)
        return 0;
    if (console->warnings_fd < 0)
        console->warnings_fd =
            open(console->warnings.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (console->warnings_fd < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot open %s", console->warnings.data);
    return mx_file_write_all(console->warnings_fd, console->line.data, console->line.len,
                             console->warnings.data, err);
}

/* On standard error. */
static void show(const struct mx_console *console, const struct mx_log_record *record)
{
    /* An error ends the program: it looks like those of all commands. */
    static const char *const prefixes[MX_LOG_LEVELS] = {[MX_LOG_DEBUG] = "",
                                                        [MX_LOG_INFO] = "",
                                                        [MX_LOG_WARNING] = "warning: ",
                                                        [MX_LOG_ERROR] = "mixsweep: "};
    char                     rank[96] = "";

    if (console->format == MX_LOG_JSON) {
        mx_log_write(STDERR_FILENO, "standard error", record, console->format, NULL);
        return;
    }
    if (record->rank > 0) /* what is not said of another one is of rank 0 */
        snprintf(rank, sizeof rank, "%.64s/%d", record->host ? record->host : "", record->rank);
    fprintf(stderr, "%s%s%s%s%s%s\n", prefixes[record->level], rank,
            rank[0] && record->trial ? " " : "", record->trial ? record->trial : "",
            rank[0] || record->trial ? ": " : "", record->text);
}

static void write_record(struct mx_console *console, const struct mx_log_record *record)
{
    struct mx_err err;

    if (keep(console, record, &err) && !console->log_failed) {
        console->log_failed = true;
        fprintf(stderr, "mixsweep: %s\n", err.text);
    }
    if (record->level < MX_LOG_INFO)
        return;
    if (console->system)
        mx_system_log_write(console->system, record);
    hide_bar(console);
    show(console, record);
}

static void tell_counts(struct mx_console *console, double utc_s)
{
    struct mx_log_record record;

    while (mx_log_fold_due(&console->fold, utc_s, &record))
        write_record(console, &record);
}

static void tell(struct mx_console *console, enum mx_log_level level,
                 const struct mx_console_about *about, const char *fmt, va_list args)
{
    char                 text[1024];
    struct mx_log_record record = {.utc_s = mx_clock_utc_s(),
                                   .level = level,
                                   .host = about->host ? about->host : console->host,
                                   .rank = about->host ? about->rank : 0,
                                   .trial = about->trial,
                                   .text = text};

    vsnprintf(text, sizeof text, fmt, args);
    tell_counts(console, record.utc_s);
    if (mx_log_fold_take(&console->fold, &record))
        write_record(console, &record);
}

void mx_console_waiting(void *user, const char *text)
{
    (void)user;
    fprintf(stderr, "mixsweep: %s\n", text);
}

void mx_console_tell(struct mx_console *console, enum mx_log_level level,
                     struct mx_console_about about, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(console, level, &about, fmt, args);
    va_end(args);
}

void mx_console_log(struct mx_console *console, enum mx_log_level level, const char *trial,
                    const char *fmt, ...)
{
    const struct mx_console_about about = {.trial = trial};
    va_list                       args;

    va_start(args, fmt);
    tell(console, level, &about, fmt, args);
    va_end(args);
}

static void tell_left_out(struct mx_console *console, double now_s)
{
    double   seconds;
    uint64_t lines = mx_log_limit_due(&console->limit, now_s, &seconds);

    if (lines > 0)
        mx_console_log(console, MX_LOG_DEBUG, NULL,
                       "%llu more line%s about stages in the last %.1f s",
                       (unsigned long long)lines, lines == 1 ? "" : "s", seconds);
}

bool mx_console_wants(struct mx_console *console)
{
    double now_s = mx_clock_monotonic_s();

    tell_left_out(console, now_s);
    return mx_log_limit_take(&console->limit, now_s);
}

void mx_console_progress(struct mx_console *console, const struct mx_progress *progress,
                         uint64_t failed, double now_s)
{
    char line[512];

    tell_left_out(console, now_s);
    if (now_s < console->next_s)
        return;
    console->next_s = now_s + (console->terminal ? bar_every_s : line_every_s);
    if (console->terminal) {
        mx_progress_bar(progress, failed, console->width - 1, line, sizeof line);
        fprintf(stderr, "\r\033[K%s", line);
        fflush(stderr);
        console->bar_shown = true;
    } else if (progress->ended != console->told) {
        mx_progress_line(progress, failed, line, sizeof line);
        mx_console_log(console, MX_LOG_INFO, NULL, "%s", line);
        console->told = progress->ended;
    }
}

double mx_console_due_s(const struct mx_console *console)
{
    return console->next_s;
}

void mx_console_close(struct mx_console *console)
{
    if (!console)
        return;
    hide_bar(console);
    tell_left_out(console, INFINITY);
    tell_counts(console, INFINITY);
    if (console->system && mx_system_log_lost(console->system) > 0)
        mx_console_log(console, MX_LOG_WARNING, NULL, "the system's log did not take %llu records",
                       (unsigned long long)mx_system_log_lost(console->system));
    release(console);
}
