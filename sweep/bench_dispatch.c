/* bench_dispatch.c - what a trial costs besides its work: a real sweep of trials
 * that do nothing, with two executor processes, journal and results; and the
 * same without processes and messages. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/bench.h"
#include "sweep/bench_dispatch.h"
#include "sweep/run.h"

enum {
    EXECUTORS = 2,
    RUNS = 3,
    DEFAULT_TRIALS = 200000,
    FEW_TRIALS = 200, /* what they take is start and end */
    MANY_TRIALS = 4200,
};

/* Where things are, and what came out: microseconds a trial, of each run. */
struct dispatch {
    unsigned trials;
    char     folder[MX_BENCH_FOLDER_SIZE], config[128], out[128], words[128];
    double   wall[RUNS], cpu[RUNS], in_process[RUNS];
};

static int write_config(const struct dispatch *d, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc;

    mx_buf_printf(&text,
                  "name: dispatch\n"
                  "repeats: %d\n"
                  "data: {set: synthetic, synthetic.n: 16}\n"
                  "model: {arch: linear}\n"
                  "grid: {train.lr: {linear: [0.0001, 0.2], count: %u}}\n",
                  (int)MX_DISPATCH_REPEATS, d->trials / MX_DISPATCH_REPEATS);
    rc = mx_buf_ok(&text) ? mx_file_write(d->config, text.data, text.len, err)
                          : mx_fail(err, MX_ENOMEM, "no memory for a configuration");
    mx_buf_free(&text);
    return rc;
}

/* In the child: everything that a sweep does, its words into a file. */
static int run_sweep(const struct dispatch *d)
{
    struct mx_run_options options = {
        .config_file = d->config, .directory = d->out, .workers = EXECUTORS, .empty_stages = true};
    struct mx_err err = {0};

    return mx_run(&options, &err);
}

static int run_in_process(const struct dispatch *d)
{
    struct mx_err err = {0};

    if (mx_dispatch_in_process(d->config, d->out, &err) == 0)
        return 0;
    fprintf(stderr, "%s\n", err.text);
    return 1;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

/* Microseconds a trial in a child of ours; CPU time is that of all its processes. */
static int time_child(const struct dispatch *d, int (*work)(const struct dispatch *), double *wall,
                      double *cpu, struct mx_err *err)
{
    double        start_s = mx_clock_monotonic_s();
    struct rusage usage;
    int           status = 0;
    pid_t         child = fork();

    if (child == 0) {
        int fd = open(d->words, O_WRONLY | O_CREAT | O_TRUNC, 0666);

        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        _exit(work(d));
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
        return mx_fail(err, MX_EIO, "the sweep of empty trials did not come to its end; see %s",
                       d->folder);
    *wall = 1e6 * (mx_clock_monotonic_s() - start_s) / d->trials;
    *cpu = 1e6 * (seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)) / d->trials;
    return mx_dir_remove(d->out, err);
}

/* In a child: a sweep of n trials, each given out by itself. Its own CPU time goes through the pipe. */
static int run_alone(const struct dispatch *d, int out)
{
    struct mx_run_options options = {.config_file = d->config,
                                     .directory = d->out,
                                     .workers = EXECUTORS,
                                     .empty_stages = true,
                                     .alone = true};
    struct mx_err         err = {0};
    struct rusage         usage;
    double                seconds;
    int                   rc = mx_run(&options, &err);

    getrusage(RUSAGE_SELF, &usage);
    seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    return rc || write(out, &seconds, sizeof seconds) != (ssize_t)sizeof seconds;
}

static int time_alone(struct dispatch *d, unsigned trials, double *seconds, struct mx_err *err)
{
    int   fds[2], status = 0;
    pid_t child;
    bool  told;

    d->trials = trials;
    if (write_config(d, err))
        return -1;
    if (pipe2(fds, O_CLOEXEC))
        return mx_fail_errno(err, MX_EIO, errno, "cannot make a pipe");
    if ((child = fork()) == 0) {
        const int words = open(d->words, O_WRONLY | O_CREAT | O_TRUNC, 0666);

        dup2(words, STDOUT_FILENO);
        dup2(words, STDERR_FILENO);
        _exit(run_alone(d, fds[1]));
    }
    close(fds[1]);
    told = read(fds[0], seconds, sizeof *seconds) == (ssize_t)sizeof *seconds;
    close(fds[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0 || !told)
        return mx_fail(err, MX_EIO, "the sweep of empty trials did not come to its end; see %s",
                       d->folder);
    return mx_dir_remove(d->out, err);
}

static int make_folder(struct dispatch *d, struct mx_err *err)
{
    if (mx_bench_folder(d->folder, err))
        return -1;
    snprintf(d->config, sizeof d->config, "%s/dispatch.yaml", d->folder);
    snprintf(d->out, sizeof d->out, "%s/out", d->folder);
    snprintf(d->words, sizeof d->words, "%s/words", d->folder);
    return 0;
}

int mx_dispatch_event_s(double *seconds, struct mx_err *err)
{
    struct dispatch d;
    double          few, many;

    if (make_folder(&d, err) || time_alone(&d, FEW_TRIALS, &few, err) ||
        time_alone(&d, MANY_TRIALS, &many, err) || mx_dir_remove(d.folder, err))
        return -1;
    *seconds = fmax(0, many - few) / (MANY_TRIALS - FEW_TRIALS);
    return 0;
}

int mx_bench_dispatch(const struct mx_bench_options *options, struct mx_bench_results *results,
                      struct mx_err *err)
{
    struct dispatch d = {.trials = options->trials ? options->trials : DEFAULT_TRIALS};
    double          unused, event[RUNS] = {0};
    int             rc;

    if (d.trials % MX_DISPATCH_REPEATS != 0 || d.trials < 2 * MX_DISPATCH_REPEATS)
        return mx_fail(err, MX_EINVAL, "bench dispatch --trials %u: give a multiple of %d, from %d",
                       d.trials, (int)MX_DISPATCH_REPEATS, 2 * MX_DISPATCH_REPEATS);
    rc = make_folder(&d, err) || write_config(&d, err) ? -1 : 0;
    for (unsigned r = 0; rc == 0 && r < RUNS; r++) {
        rc = time_child(&d, run_sweep, &d.wall[r], &d.cpu[r], err);
        if (rc == 0)
            rc = time_child(&d, run_in_process, &d.in_process[r], &unused, err);
        if (rc == 0)
            rc = mx_dispatch_event_s(&event[r], err);
        event[r] *= 1e6;
    }
    if (rc)
        return -1;
    mx_bench_add(results, "dispatch.empty_trial", "us", d.wall, RUNS);
    mx_bench_add(results, "dispatch.empty_trial.cpu", "us", d.cpu, RUNS);
    mx_bench_add(results, "dispatch.in_process", "us", d.in_process, RUNS);
    mx_bench_add(results, "dispatch.event.cpu", "us", event, RUNS);
    return mx_dir_remove(d.folder, err);
}
