#include "sweep/submit.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static const double most_lead_s = 180, share_lead = 0.2;

/* A job that waits for the end of another one, its number behind it. */
static const char after_option[] = "--dependency=afterany:";

unsigned mx_submit_lead_s(double time_s)
{
    return (unsigned)(time_s > 0 ? fmin(most_lead_s, share_lead * time_s) : most_lead_s);
}

/* A line that grows. */
struct words {
    char **list;
    size_t count, room;
    bool   failed;
};

static void add(struct words *words, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *words, const char *fmt, ...)
{
    va_list args;
    char   *text = NULL;

    if (words->count + 1 >= words->room) {
        const size_t room = words->room ? 2 * words->room : 32;
        char       **list = realloc(words->list, room * sizeof *list);

        if (!list) {
            words->failed = true;
            return;
        }
        words->list = list;
        words->room = room;
    }
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    words->failed |= !text;
    if (text)
        words->list[words->count++] = text;
    words->list[words->count] = NULL;
}

/* What Slurm is asked for. */
static void add_request(struct words *words, const struct mx_submit *submit)
{
    add(words, "sbatch");
    if (submit->report)
        add(words, "--parsable"); /* its number alone, for the job that follows */
    add(words, "--job-name=%s", submit->name);
    add(words, "--nodes=%u", submit->nodes);
    add(words, "--ntasks-per-node=%u", submit->tasks);
    if (submit->cpus > 0)
        add(words, "--cpus-per-task=%u", (submit->cpus + submit->tasks - 1) / submit->tasks);
    else if (submit->gpus == 0)
        add(words, "--exclusive");
    if (submit->gpus > 0)
        add(words, "--gpus-per-node=%u", submit->gpus);
    if (submit->time_s > 0)
        add(words, "--time=%.0f", ceil(submit->time_s / 60)); /* minutes */
    add(words, "--signal=B:USR2@%u", mx_submit_lead_s(submit->time_s));
    add(words, "--requeue");
    add(words, "--open-mode=append");
    add(words, "--no-kill");
    for (size_t k = 0; k < submit->nextra; k++)
        add(words, "%s", submit->extra[k]);
}

static void add_script(struct words *words, const struct mx_submit *submit, const char *launcher)
{
    add(words, "%s", submit->script);
    add(words, "%s", submit->job);
    add(words, "%s", submit->directory);
    add(words, "%s", submit->site);
    add(words, "%s", launcher);
    add(words, "%s", submit->program);
}

/* What the batch script is given. */
static void add_sweep(struct words *words, const struct mx_submit *submit)
{
    add_script(words, submit, submit->launcher);
    add(words, "run");
    add(words, "--out=%s", submit->directory);
    add(words, "--resume");
    for (size_t k = 0; k < submit->nsets; k++)
        add(words, "--set=%s", submit->sets[k]);
    if (submit->smoke)
        add(words, "--smoke");
    if (submit->workers > 0)
        add(words, "--workers=%u", submit->workers);
    if (submit->per_gpu > 0)
        add(words, "--per-gpu=%u", submit->per_gpu);
    add(words, "--");
    add(words, "%s", submit->config);
}

static char **list_of(const struct words *words, struct mx_err *err)
{
    if (!words->failed)
        return words->list;
    mx_submit_free(words->list);
    mx_fail(err, MX_ENOMEM, "no memory for the line of sbatch");
    return NULL;
}

char **mx_submit_line(const struct mx_submit *submit, struct mx_err *err)
{
    struct words words = {.list = NULL};

    add_request(&words, submit);
    add_sweep(&words, submit);
    return list_of(&words, err);
}

/* The user's own options go to both jobs (a partition, an account); what this one needs comes
 * behind them, and wins. */
char **mx_submit_report_line(const struct mx_submit *submit, const char *id, struct mx_err *err)
{
    struct words words = {.list = NULL};

    add(&words, "sbatch");
    for (size_t k = 0; k < submit->nextra; k++)
        add(&words, "%s", submit->extra[k]);
    add(&words, "--job-name=%s-report", submit->name);
    add(&words, "--nodes=1");
    add(&words, "--ntasks=1");
    add(&words, "--ntasks-per-node=1");
    add(&words, "--cpus-per-task=1");
    add(&words, "--open-mode=append");
    add(&words, "%s%s", after_option, id);
    add_script(&words, submit, "once");
    add(&words, "report");
    add(&words, "--");
    add(&words, "%s", submit->directory);
    return list_of(&words, err);
}

void mx_submit_free(char **line)
{
    for (size_t k = 0; line && line[k]; k++)
        free(line[k]);
    free(line);
}

/* True if a shell takes the word as it is. */
static bool is_plain(const char *word)
{
    size_t n = 0;

    while (isalnum((unsigned char)word[n]) || (word[n] && strchr("_@%+=:,./-", word[n])))
        n++;
    return n > 0 && word[n] == '\0';
}

static void quote_word(const char *word, struct mx_buf *out)
{
    if (is_plain(word)) {
        mx_buf_text(out, word);
        return;
    }
    mx_buf_text(out, "'");
    for (const char *at = word; *at; at++)
        if (*at == '\'')
            mx_buf_text(out, "'\\''");
        else
            mx_buf_add(out, at, 1);
    mx_buf_text(out, "'");
}

/* job: the number behind after_option is a variable of the shell. */
static void quote_words(char *const *line, const char *job, struct mx_buf *out)
{
    for (size_t k = 0; line[k]; k++) {
        if (k > 0)
            mx_buf_text(out, " ");
        if (job && line[k] == job)
            mx_buf_printf(out, "%s\"${job%%%%;*}\"",
                          after_option); /* behind it: a cluster's name */
        else
            quote_word(line[k], out);
    }
}

/* The last one, behind those of the user. */
static const char *dependency_of(char *const *report)
{
    const char *found = NULL;

    for (size_t k = 0; report[k]; k++)
        if (strncmp(report[k], after_option, strlen(after_option)) == 0)
            found = report[k];
    return found;
}

void mx_submit_print(char *const *line, char *const *report, struct mx_buf *out)
{
    if (report)
        mx_buf_text(out, "job=$(");
    quote_words(line, NULL, out);
    mx_buf_text(out, report ? ")\n" : "\n");
    if (!report)
        return;
    quote_words(report, dependency_of(report), out);
    mx_buf_text(out, "\n");
}

char *mx_submit_script(const char *program, struct mx_err *err)
{
    static const char *const places[] = {"../share/mixsweep/slurm/mixsweep.sbatch",
                                         "../../slurm/mixsweep.sbatch"};
    const char              *slash = strrchr(program, '/');
    const int                folder = slash ? (int)(slash - program) : 0;
    char                    *path = NULL;

    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        char *real;

        if (asprintf(&path, "%.*s/%s", folder, program, places[k]) < 0) {
            mx_fail(err, MX_ENOMEM, "no memory for a path");
            return NULL;
        }
        real = realpath(path, NULL);
        free(path);
        if (real)
            return real;
    }
    mx_fail(err, MX_EIO,
            "there is no mixsweep.sbatch in %.*s/../share/mixsweep/slurm nor in %.*s/../../slurm; "
            "give its place with --script",
            folder, program, folder, program);
    return NULL;
}

char *mx_submit_job(const char *script, struct mx_err *err)
{
    const char *slash = strrchr(script, '/');
    char       *path = NULL, *real;

    if (asprintf(&path, "%.*s/mixsweep-job.sh", (int)(slash - script), script) < 0) {
        mx_fail(err, MX_ENOMEM, "no memory for a path");
        return NULL;
    }
    real = realpath(path, NULL);
    if (!real)
        mx_fail(err, MX_EIO, "there is no %s, which the batch script reads", path);
    free(path);
    return real;
}
