/* cmd_clean.c - `mixsweep clean`. */
#include <stdio.h>

#include "sweep/clean.h"
#include "sweep/command.h"
#include "sweep/console.h"

struct options {
    bool dry_run;
};

static const struct mx_option known[] = {
    {.name = "dry-run",
     .at = offsetof(struct options, dry_run),
     .help = "tell what would be removed, file by file, and leave everything as it is"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep clean ratios --dry-run", "Look first:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_clean = {
    .command = "clean",
    .forms = {"clean DIR [--dry-run]"},
    .takes = "one DIR",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "remove what schedule.keep does not keep",
    .about = "Remove from the sweep in DIR what its schedule.keep does not keep: checkpoints of "
             "stages that are done and files that were half written when a process was killed; "
             "files of heads, unless all is kept; and where only results are kept, weights, "
             "features and maps that no stage still to be done reads. Tables, journal, logs, "
             "histories and what a stage that failed would need again stay.",
    .options = known,
    .examples = examples,
    .exits = "0 also if there is nothing to remove; 2 usage, or DIR holds no sweep; 3 it cannot be "
             "read or written; 4 a sweep runs there: stop it before.",
};

int mx_cmd_clean(int argc, char **argv)
{
    struct options options = {.dry_run = false};
    struct mx_buf  out = {0};
    struct mx_err  err = {0};
    const char    *directory;
    size_t         n;
    int rc = mx_command_read(&mx_usage_clean, argc, argv, &options, &directory, &n, &err);

    if (rc == 0 && (rc = mx_clean(directory, options.dry_run, mx_console_waiting, &out, &err)) == 0)
        fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
