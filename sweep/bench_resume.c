/* bench_resume.c - what a sweep of many done trials costs until it goes on: the plan is made
 * again, the journal read, scheduler and tables are filled. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/bench.h"
#include "sweep/bench_dispatch.h"
#include "sweep/bench_record.h"
#include "sweep/plan_sched.h"
#include "sweep/replay.h"

enum {
    RUNS = 3,
    REPEATS = 100, /* trials of a cell */
    DEFAULT_TRIALS = 100000
};

struct times {
    double wall[RUNS], cpu[RUNS]; /* microseconds a trial */
    double bytes[RUNS];           /* of the scheduler, a trial */
};

struct resume {
    char               folder[MX_BENCH_FOLDER_SIZE];
    struct mx_config  *config;
    struct mx_grid    *grid;
    struct mx_plan    *plan;
    struct mx_sched   *sched;
    struct mx_results *results;
    struct mx_journal *journal;
    struct mx_replay   replay;
};

static int write_config(const struct resume *resume, unsigned trials, struct mx_err *err)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(resume->folder, "config.yaml");
    int           rc;

    mx_buf_printf(&text,
                  "name: resume\n"
                  "repeats: %d\n"
                  "data: {set: synthetic, synthetic.n: 16}\n"
                  "model: {arch: linear}\n"
                  "grid: {train.lr: {linear: [0.0001, 0.2], count: %u}}\n",
                  (int)REPEATS, trials / REPEATS);
    rc = path && mx_buf_ok(&text) ? mx_file_write(path, text.data, text.len, err)
                                  : mx_fail(err, MX_ENOMEM, "no memory for a configuration");
    mx_buf_free(&text);
    free(path);
    return rc;
}

/* Every stage done, with its numbers. */
static int write_records(const struct resume *resume, struct mx_err *err)
{
    struct worker_metric metrics[MX_BENCH_METRICS];
    struct mx_record     record;

    for (uint32_t s = 0; s < resume->plan->nstages; s++) {
        mx_bench_record(&record, metrics, s + 1);
        record.key = resume->plan->stages[s].key;
        record.seconds = 1 + s % 1000 / 7.0;
        record.ended_utc_s = 1.8e9 + s;
        record.started_utc_s = record.ended_utc_s - record.seconds;
        if (mx_journal_append(resume->journal, &record, err) ||
            (s % 10000 == 0 && mx_journal_sync(resume->journal, err)))
            return -1;
    }
    return mx_journal_sync(resume->journal, err);
}

static int make_plan(struct resume *resume, struct mx_err *err)
{
    struct mx_config_report report = {{0}, 0, 0};
    char                   *path = mx_path_join(resume->folder, "config.yaml");

    if (path)
        resume->config = mx_config_read(path, NULL, 0, false, &report, err);
    else
        mx_fail(err, MX_ENOMEM, "no memory for a path");
    mx_buf_free(&report.text);
    free(path);
    if (!resume->config || !(resume->grid = mx_grid_new(resume->config, err)))
        return -1;
    resume->plan = mx_plan_new(resume->config, resume->grid, mx_dispatch_no_data, NULL, err);
    return resume->plan ? 0 : -1;
}

static void release(struct resume *resume)
{
    mx_replay_end(&resume->replay);
    mx_journal_close(resume->journal);
    mx_results_free(resume->results);
    mx_sched_free(resume->sched);
    mx_plan_free(resume->plan);
    mx_grid_free(resume->grid);
    mx_config_free(resume->config);
    resume->config = NULL;
    resume->grid = NULL;
    resume->plan = NULL;
    resume->sched = NULL;
    resume->results = NULL;
    resume->journal = NULL;
    resume->replay = (struct mx_replay){0};
}

static int restore(struct resume *resume, struct mx_err *err)
{
    struct mx_journal_report report;

    resume->sched = mx_plan_sched(resume->plan, &(struct mx_sched_options){.retries = 2}, err);
    if (!resume->sched || !(resume->results = mx_results_new(resume->config, resume->plan, err)))
        return -1;
    resume->replay = (struct mx_replay){.sched = resume->sched, .results = resume->results};
    if (mx_replay_begin(&resume->replay, resume->plan, err) ||
        !(resume->journal =
              mx_journal_open(resume->folder, mx_replay_record, &resume->replay, &report, err)))
        return -1;
    mx_replay_forget_partial(&resume->replay);
    mx_replay_settle(&resume->replay);
    if (!mx_sched_finished(resume->sched))
        return mx_fail(err, MX_EINTERNAL, "the journal does not have all that was written");
    return 0;
}

/* A sweep of which everything is done, in the folder. */
static int make_sweep(struct resume *resume, unsigned trials, struct mx_err *err)
{
    struct mx_journal_report report;
    int                      rc = -1;

    if (write_config(resume, trials, err) == 0 && make_plan(resume, err) == 0 &&
        (resume->journal =
             mx_journal_open(resume->folder, mx_dispatch_no_record, NULL, &report, err)))
        rc = write_records(resume, err);
    release(resume);
    return rc;
}

static int time_resume(struct resume *resume, struct times *times, unsigned run, struct mx_err *err)
{
    const double start_s = mx_clock_monotonic_s(), start_cpu_s = mx_clock_cpu_s();
    double       trials;

    if (make_plan(resume, err) || restore(resume, err))
        return -1;
    trials = resume->plan->ntrials;
    times->wall[run] = 1e6 * (mx_clock_monotonic_s() - start_s) / trials;
    times->cpu[run] = 1e6 * (mx_clock_cpu_s() - start_cpu_s) / trials;
    times->bytes[run] = (double)mx_sched_bytes(resume->sched) / trials;
    return 0;
}

int mx_bench_resume(const struct mx_bench_options *options, struct mx_bench_results *results,
                    struct mx_err *err)
{
    const unsigned trials = options->trials ? options->trials : DEFAULT_TRIALS;
    struct resume  resume = {.folder = ""};
    struct times   times;
    struct mx_err  later;
    int            rc;

    if (trials % REPEATS != 0)
        return mx_fail(err, MX_EINVAL, "bench journal --trials %u: give a multiple of %d", trials,
                       (int)REPEATS);
    if (mx_bench_folder(resume.folder, err))
        return -1;
    rc = make_sweep(&resume, trials, err);
    for (unsigned r = 0; rc == 0 && r < RUNS; r++) {
        rc = time_resume(&resume, &times, r, err);
        release(&resume);
    }
    if (mx_dir_remove(resume.folder, rc ? &later : err) || rc)
        return -1;
    mx_bench_add(results, "journal.resume", "us", times.wall, RUNS);
    mx_bench_add(results, "journal.resume.cpu", "us", times.cpu, RUNS);
    mx_bench_add(results, "journal.scheduler", "B", times.bytes, RUNS);
    return 0;
}
