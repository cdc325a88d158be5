/* cmd_report.c - `mixsweep report`. */
#include <stdio.h>

#include "sweep/command.h"
#include "sweep/kept.h"
#include "sweep/report.h"

static const struct mx_example examples[] = {
    {"mixsweep report quickstart", "The page of a sweep:"},
    {"mixsweep report quickstart-2 quickstart", "Of one, compared with another:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_report = {
    .command = "report",
    .forms = {"report DIR [DIR2]"},
    .takes = "a DIR",
    .least = 1,
    .most = 2,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "one page on a sweep: failures, tables with intervals, plots",
    .about = "Write DIR/report.html: what was run, what failed and why, the cells in order with "
             "intervals and tests, and plots. One file without scripts that needs nothing else: it "
             "opens from disk, on a telephone too, and prints. Nothing else is changed, and the "
             "sweep may still run; `run` and `resume` write the same file at their end.\n\n"
             "With DIR2, another sweep, the page also compares the cells that both have.",
    .examples = examples,
    .exits =
        "0 whatever the sweep's result; 2 DIR holds no sweep; 3 it cannot be read, or the page "
        "cannot be written.",
};

static struct mx_report_sweep sweep_of(const struct mx_kept *kept)
{
    return (struct mx_report_sweep){.directory = kept->directory,
                                    .config = kept->config,
                                    .plan = kept->plan,
                                    .results = kept->replay.results,
                                    .used = kept->replay.used};
}

static int report(const char *directory, const char *against, struct mx_err *err)
{
    struct mx_kept         kept = {0}, other = {0};
    struct mx_report_sweep sweep, second;
    int                    rc = -1;

    if (mx_kept_open(directory, &kept, err) == 0 && mx_kept_read(&kept, err) == 0 &&
        (!against || (mx_kept_open(against, &other, err) == 0 && mx_kept_read(&other, err) == 0))) {
        sweep = sweep_of(&kept);
        second = sweep_of(&other);
        rc = mx_report_write(&sweep, against ? &second : NULL, err);
    }
    mx_kept_close(&other);
    mx_kept_close(&kept);
    return rc;
}

int mx_cmd_report(int argc, char **argv)
{
    const char   *directory[2] = {NULL, NULL};
    struct mx_err err = {0};
    size_t        n;
    int           rc = mx_command_read(&mx_usage_report, argc, argv, NULL, directory, &n, &err);

    if (rc == 0 && (rc = report(directory[0], directory[1], &err)) == 0)
        printf("report: %s/report.html\n", directory[0]);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
