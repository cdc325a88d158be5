/* run_open.c - everything before a sweep's directory is ours, and the first things after. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/outdir.h"
#include "sweep/plan_early.h"
#include "sweep/plan_sched.h"
#include "sweep/run_state.h"
#include "sweep/smoke_data.h"
#include "sweep/terminal.h"

enum {
    MOST_POINTS = 10000000, /* a grid beyond this would take weeks to run whole */
    BATCH_MAX = 256,        /* stages that an executor may hold ahead, if they are short */
};

/* Work that an executor may hold ahead: some times what a message takes to come
 * and go, and little enough to be lost, or to be waited for. */
static const double batch_s = 0.1;

static int make_scheduler(struct run *run, struct mx_err *err)
{
    const struct mx_value  *base = run->config->base;
    struct mx_sched_options options = {
        .retries = (unsigned)base[KEY_SCHEDULE_RETRIES].integer,
        .trial_timeout_s = base[KEY_SCHEDULE_TRIAL_TIMEOUT].real,
        .batch_seconds = batch_s,
        .batch_max = run->options->alone ? 0 : BATCH_MAX,
        .limit_s = isfinite(run->limit.at_s) ? run->limit.at_s : 0,
        .early = mx_plan_early_rule(run->config),
    };

    run->sched = mx_plan_sched(run->plan, &options, err);
    return run->sched ? 0 : -1;
}

/* Read the configuration; what is wrong with it goes to standard error. */
static int read_config(struct run *run, struct mx_err *err)
{
    const struct mx_run_options *options = run->options;
    struct mx_config_report      report = {{0}, 0, 0};
    char                        *kept = NULL;
    const char                  *file = options->config_file;

    if (!file) {
        if (mx_outdir_expect(options->directory, err))
            return -1;
        if (!(kept = mx_path_join(options->directory, "config.yaml")))
            return mx_fail(err, MX_ENOMEM, "no memory for a path");
        file = kept;
    }
    run->config = mx_config_read(file, options->sets, options->nsets, options->smoke, &report, err);
    fputs(mx_buf_str(&report.text), stderr);
    mx_buf_free(&report.text);
    free(kept);
    return run->config ? 0 : -1;
}

static int make_grid(struct run *run, struct mx_err *err)
{
    uint64_t points;

    if (!(run->grid = mx_grid_new(run->config, err)))
        return -1;
    points = mx_grid_walked(run->grid);
    if (points > MOST_POINTS)
        return mx_fail(err, MX_EINVAL,
                       "the grid has %llu points, more than the %d that are run whole; make it "
                       "smaller, or have search.budget choose among them",
                       (unsigned long long)points, MOST_POINTS);
    return 0;
}

/* When it has to have ended, if ever. */
static void find_limit(struct run *run)
{
    const char  *job_end = getenv("SLURM_JOB_END_TIME");
    const double asked_s = run->options->time_limit_s;
    bool         ignored;

    run->limit = mx_time_limit(asked_s > 0 ? run->started_s + asked_s : INFINITY, job_end,
                               mx_clock_monotonic_s(), mx_clock_utc_s(), &ignored);
    if (ignored)
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "SLURM_JOB_END_TIME '%.40s' is no time to come: it does not count", job_end);
    if (run->limit.why[0])
        mx_console_log(run->console, MX_LOG_INFO, NULL, "%s", run->limit.why);
}

/* Find or make the output directory. */
static int open_directory(struct run *run, struct mx_err *err)
{
    const struct mx_run_options *options = run->options;
    bool                         existed = false;

    if (options->directory)
        run->directory = strdup(options->directory);
    else
        run->directory = mx_outdir_create(run->config->name, err);
    if (options->directory && !run->directory)
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    if (!run->directory ||
        (options->directory && mx_outdir_open(run->directory, options->resume, &existed, err)))
        return -1;
    run->made_directory = !existed;
    return 0;
}

/* Under --smoke the data lies in the output directory, and a directory that
 * has some was begun under --smoke. */
static int find_smoke_data(struct run *run, struct mx_err *err)
{
    if (mx_smoke_find(run->directory, &run->smoke_data, err))
        return -1;
    if (!run->config->smoke || run->smoke_data)
        return 0;
    run->smoke_data = mx_path_join(run->directory, "smoke-data");
    return run->smoke_data ? mx_dir_make(run->smoke_data, err)
                           : mx_fail(err, MX_ENOMEM, "no memory for a path");
}

static int open_console(struct run *run, struct mx_err *err)
{
    const unsigned            width = run_terminal_width(run, STDERR_FILENO);
    struct mx_console_options options = {
        .directory = run->directory,
        .format = run->options->log_format,
        .terminal = width > 0 && run->options->log_format == MX_LOG_TEXT,
        .width = width,
        .system_log = run->options->system_log,
    };

    run->console = mx_console_open(&options, err);
    return run->console ? 0 : -1;
}

int run_open(struct run *run, struct mx_err *err)
{
    if (read_config(run, err) || make_grid(run, err) || open_directory(run, err))
        return -1;
    if (!(run->owner =
              mx_owner_take(run->directory, &mx_owner_machine, mx_console_waiting, NULL, err)))
        return -1;
    if (find_smoke_data(run, err) || (!run->made_directory && run_compare_config(run, err)) ||
        run_choose_device(run, err))
        return -1;
    run->plan = mx_plan_new(run->config, run->grid, run_fingerprint, run, err);
    if (!run->plan ||
        (!run->made_directory && (run_compare_edited(run, err) || run_compare_data(run, err))) ||
        run_look(run, err) || open_console(run, err))
        return -1;
    find_limit(run);
    run->results = mx_results_new(run->config, run->plan, err);
    return run->results ? make_scheduler(run, err) : -1;
}
