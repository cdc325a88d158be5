/* bench_dispatch.c - what a trial costs besides its work: a real sweep of trials
 * that do nothing, with two executor processes, journal and results; and the
 * same without processes and messages. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/bench.h"
#include "sweep/run.h"

enum {
    CELLS = 2000,
    REPEATS_A_CELL = 100,
    TRIALS = CELLS * REPEATS_A_CELL,
    EXECUTORS = 2,
    RUNS = 3
};

static const char config[] = "name: dispatch\n"
                             "repeats: 100\n"
                             "data: {set: synthetic}\n"
                             "model: {arch: linear}\n"
                             "grid: {train.lr: {linear: [0.0001, 0.2], count: 2000}}\n";

/* In the child: everything that a sweep does, its words into a file. */
static int run_child(const char *folder)
{
    char                  file[256], out[256], words[256];
    struct mx_run_options options = {
        .config_file = file, .directory = out, .workers = EXECUTORS, .empty_stages = true};
    struct mx_err err = {0};
    int           fd;

    snprintf(file, sizeof file, "%s/dispatch.yaml", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(words, sizeof words, "%s/words", folder);
    fd = open(words, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    return mx_run(&options, &err);
}

static int time_run(const char *folder, double *us, struct mx_err *err)
{
    double start_s = mx_clock_monotonic_s();
    char   out[256];
    int    status = 0;
    pid_t  child = fork();

    if (child == 0)
        _exit(run_child(folder));
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return mx_fail(err, MX_EIO, "the sweep of empty trials did not come to its end; see %s",
                       folder);
    *us = 1e6 * (mx_clock_monotonic_s() - start_s) / TRIALS;
    snprintf(out, sizeof out, "%s/out", folder);
    return mx_dir_remove(out, err);
}

int mx_bench_dispatch(struct mx_bench_results *results, struct mx_err *err)
{
    char   folder[] = "/tmp/mixsweep-bench-XXXXXX", file[256];
    double us[RUNS];
    int    rc;

    if (!mkdtemp(folder))
        return mx_fail(err, MX_EIO, "cannot make a folder in /tmp");
    snprintf(file, sizeof file, "%s/dispatch.yaml", folder);
    rc = mx_file_write(file, config, strlen(config), err);
    for (unsigned r = 0; rc == 0 && r < RUNS; r++)
        rc = time_run(folder, &us[r], err);
    if (rc == 0) {
        mx_bench_add(results, "dispatch.empty_trial", "us", us, RUNS);
        rc = mx_dir_remove(folder, err);
    }
    return rc;
}
