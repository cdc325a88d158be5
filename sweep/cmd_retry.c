/* cmd_retry.c - `mixsweep retry`. */
#include <stdio.h>

#include "sweep/command.h"
#include "sweep/console.h"
#include "sweep/retry.h"

static const struct mx_option known[] = {
    {.name = "failed",
     .at = offsetof(struct mx_retry, failed),
     .help = "those that failed or were quarantined"},
    {.name = "missing",
     .at = offsetof(struct mx_retry, missing),
     .help = "those that are done, but whose files in DIR/stages are gone"},
    {.name = "id",
     .value = "ID",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct mx_retry, id),
     .give = "a trial or a cell of results.csv",
     .help = "a trial of results.csv, or a cell with all its repeats, whatever came of them"},
    {.name = "dry-run",
     .at = offsetof(struct mx_retry, dry_run),
     .help = "tell which, and leave everything as it is"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep retry ratios --failed && mixsweep resume ratios",
     "Run again what failed, once its cause is mended:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_retry = {
    .command = "retry",
    .forms = {"retry DIR --failed | --missing | --id ID [--dry-run]"},
    .takes = "one DIR",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "mark failed or lost trials to be run again by the next resume",
    .about =
        "Mark trials of the sweep in DIR to be run again, with all their attempts, by the next "
        "mixsweep resume DIR. Trials that share a stage with them, or are compared with them, "
        "are open until that is done again, and their numbers come out the same.",
    .options = known,
    .notes = "--failed and --missing may be given together.",
    .examples = examples,
    .exits =
        "0 also if there are none; 2 DIR holds no sweep, or no such ID; 3 it cannot be written; "
        "4 a sweep runs there: stop it before.",
};

int mx_cmd_retry(int argc, char **argv)
{
    struct mx_retry asked = {0};
    struct mx_buf   out = {0};
    struct mx_err   err = {0};
    const char     *directory;
    size_t          n;
    int             rc = mx_command_read(&mx_usage_retry, argc, argv, &asked, &directory, &n, &err);

    if (rc == 0 && (asked.failed || asked.missing) == (asked.id != NULL))
        rc = mx_usage_fail(&mx_usage_retry, &err, "takes --failed, --missing or both, or --id ID");
    if (rc == 0)
        rc = mx_retry(directory, &asked, mx_console_waiting, &out, &err);
    if (rc == 0)
        fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
