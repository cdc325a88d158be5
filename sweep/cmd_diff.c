/* cmd_diff.c - `mixsweep diff`. */
#include <stdio.h>

#include "sweep/command.h"
#include "sweep/diff.h"

enum {
    SHOWN = 20 /* lines of a kind, without --all */
};

struct options {
    bool all;
};

static const struct mx_option known[] = {
    {.name = "all",
     .at = offsetof(struct options, all),
     .help = "all lines; without it 20 of a kind"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep diff ratios ratios-2", "Did another number of workers change anything?"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_diff = {
    .command = "diff",
    .forms = {"diff A B [--all]"},
    .takes = "two directories, A and B",
    .least = 2,
    .most = 2,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "which cells, metrics and keys of two sweeps differ",
    .about = "Compare the results of the sweeps in two directories: cells that one of them lacks, "
             "trials that came to another end, columns and numbers that differ (how many, and "
             "where most), the cells whose means do, and keys of the configuration. Trials are "
             "paired by their names, and numbers are compared digit by digit.",
    .options = known,
    .notes = "Neither the run.* columns nor keys alone make a difference, such as the number of "
             "retries: what a key changes is in cells and numbers.",
    .examples = examples,
    .exits =
        "0 the same results; 1 they differ; 2 usage, or a directory holds no sweep; 3 it cannot "
        "be read.",
};

int mx_cmd_diff(int argc, char **argv)
{
    struct options options = {.all = false};
    struct mx_buf  out = {0};
    struct mx_err  err = {0};
    const char    *directories[2];
    size_t         n;
    bool           same = true;
    int rc = mx_command_read(&mx_usage_diff, argc, argv, &options, directories, &n, &err);

    if (rc == 0 && (rc = mx_diff(directories[0], directories[1], options.all ? 0 : SHOWN, &same,
                                 &out, &err)) == 0)
        fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    return rc < 0 ? mx_command_fail(&err) : same ? 0 : 1;
}
