/* cmd_report.c - `mixsweep report`. */
#include <stdio.h>
#include <string.h>

#include "sweep/command.h"
#include "sweep/kept.h"
#include "sweep/report.h"

static const char help[] =
    "usage: mixsweep report DIR [DIR2]\n"
    "\n"
    "Write DIR/report.html: what was run, what failed and why, the cells in order with\n"
    "intervals and tests, and plots. One file without scripts that needs nothing else: it\n"
    "opens from disk, on a telephone too, and prints. Nothing else is changed, and the sweep\n"
    "may still run; `run` and `resume` write the same file at their end.\n"
    "\n"
    "With DIR2, another sweep, the page also compares the cells that both have.\n"
    "\n"
    "examples:\n"
    "  mixsweep report quickstart\n"
    "  mixsweep report quickstart-2 quickstart\n"
    "\n"
    "Exit status: 0 whatever the sweep's result; 2 DIR holds no sweep; 3 it cannot be read,\n"
    "or the page cannot be written.\n";

static struct mx_report_sweep sweep_of(const struct mx_kept *kept)
{
    return (struct mx_report_sweep){.directory = kept->directory,
                                    .config = kept->config,
                                    .plan = kept->plan,
                                    .results = kept->replay.results};
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
    int           n = 0;
    struct mx_err err = {0};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (argv[i][0] == '-' || n == 2) {
            mx_fail(&err, MX_EINVAL, "report does not take '%s'; mixsweep report --help tells more",
                    argv[i]);
            return mx_command_fail(&err);
        }
        directory[n++] = argv[i];
    }
    if (n == 0)
        mx_fail(&err, MX_EINVAL, "report takes a DIR; mixsweep report --help tells more");
    else if (report(directory[0], directory[1], &err) == 0) {
        printf("report: %s/report.html\n", directory[0]);
        return 0;
    }
    return mx_command_fail(&err);
}
