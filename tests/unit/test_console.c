#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "sweep/console.h"

enum {
    LOG_BYTES = 1 << 20
};

static char folder[] = "/tmp/mixsweep-console-XXXXXX";

/* A console whose standard error is a file, too. */
static struct mx_console *open_console(enum mx_log_format format)
{
    struct mx_console_options options = {
        .directory = folder, .format = format, .log_bytes = LOG_BYTES};
    struct mx_err      err = {0};
    struct mx_console *console;
    char               path[64];
    int                fd;

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/stderr", folder);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    cr_assert_geq(dup2(fd, STDERR_FILENO), 0);
    cr_assert_not_null(console = mx_console_open(&options, &err), "%s", err.text);
    return console;
}

/* The text of a file, "" if there is none. */
static const char *text_of(const char *name, struct mx_buf *out)
{
    char path[64];

    mx_buf_clear(out);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (mx_file_exists(path))
        cr_assert_eq(mx_file_read(path, 256 << 20, out, NULL), 0);
    return mx_buf_str(out);
}

static unsigned lines_of(const char *name)
{
    struct mx_buf text = {0};
    unsigned      lines = 0;

    for (const char *at = text_of(name, &text); (at = strchr(at, '\n')); at++)
        lines++;
    mx_buf_free(&text);
    return lines;
}

static void close_console(struct mx_console *console)
{
    mx_console_close(console);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

Test(console, an_hour_is_told_in_a_line_a_minute)
{
    struct mx_console *console = open_console(MX_LOG_TEXT);
    struct mx_progress progress = {.planned = 1000000};
    const double       start_s = mx_clock_monotonic_s();

    for (double s = 0; s < 3600; s += 0.05) { /* twenty trials a second */
        progress.ended = progress.ended_here += 1;
        progress.elapsed_s = s;
        mx_console_progress(console, &progress, 0, start_s + s);
    }
    cr_expect_eq(lines_of("log/sweep.log"), 60);
    cr_expect_eq(lines_of("stderr"), 60);
    close_console(console);
}

Test(console, an_hour_in_which_nothing_ends_is_told_once)
{
    struct mx_console *console = open_console(MX_LOG_TEXT);
    struct mx_progress progress = {.planned = 10, .ended = 3};
    const double       start_s = mx_clock_monotonic_s();

    for (double s = 0; s < 3600; s += 1)
        mx_console_progress(console, &progress, 0, start_s + s);
    cr_expect_eq(lines_of("log/sweep.log"), 1);
    close_console(console);
}

Test(console, names_the_rank_that_a_message_is_about)
{
    struct mx_console      *console = open_console(MX_LOG_TEXT);
    struct mx_console_about about = {"n2", 3, "00000000000000aa.r0"};
    struct mx_buf           text = {0};

    mx_console_tell(console, MX_LOG_WARNING, about, "it fell");
    about.trial = NULL;
    mx_console_tell(console, MX_LOG_ERROR, about, "it is gone");
    mx_console_log(console, MX_LOG_INFO, NULL, "all is well");
    cr_expect_str_eq(text_of("stderr", &text), "warning: n2/3 00000000000000aa.r0: it fell\n"
                                               "mixsweep: n2/3: it is gone\nall is well\n");
    cr_expect_not_null(
        strstr(text_of("log/sweep.log", &text), "Z warning n2/3 00000000000000aa.r0: it fell\n"));
    cr_expect_not_null(strstr(text.data, "Z error n2/3: it is gone\n"));
    mx_buf_free(&text);
    close_console(console);
}

Test(console, warnings_outlive_a_log_that_is_too_large)
{
    struct mx_console *console = open_console(MX_LOG_TEXT);
    struct mx_buf      text = {0};
    struct stat        info;
    char               path[64], long_text[1001];

    memset(long_text, 'x', 1000);
    long_text[1000] = '\0';
    mx_console_log(console, MX_LOG_WARNING, NULL, "the first of all");
    for (int i = 0; i < 3 * (LOG_BYTES / 1000); i++)
        mx_console_log(console, MX_LOG_DEBUG, NULL, "%s %d", long_text, i);
    cr_expect_null(strstr(text_of("log/sweep.log", &text), "the first of all"));
    cr_expect_null(strstr(text_of("log/sweep.log.1", &text), "the first of all"));
    cr_expect_not_null(strstr(text_of("log/warnings.log", &text), ": the first of all\n"));
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/log/sweep.log%s", folder, i ? ".1" : "");
        cr_assert_eq(stat(path, &info), 0);
        cr_expect_leq(info.st_size, LOG_BYTES);
    }
    mx_buf_free(&text);
    close_console(console);
}

Test(console, there_are_no_warnings_where_nothing_was_wrong)
{
    struct mx_console *console = open_console(MX_LOG_JSON);
    struct mx_buf      text = {0};

    mx_console_log(console, MX_LOG_INFO, NULL, "all is well");
    cr_expect_str_eq(text_of("log/warnings.log", &text), "");
    cr_expect_eq(lines_of("log/sweep.log"), 1);
    mx_buf_free(&text);
    close_console(console);
}
