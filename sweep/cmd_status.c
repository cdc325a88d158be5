/* cmd_status.c - `mixsweep status`. */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "sweep/command.h"
#include "sweep/status_print.h"
#include "sweep/terminal.h"

struct options {
    bool json;
};

static const struct mx_option known[] = {
    MX_OPTION_JSON(struct options, json, "the same as one JSON object, with all nodes"),
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep status ratios --json", "For a program, that asks now and then:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_status = {
    .command = "status",
    .forms = {"status DIR [--json]"},
    .takes = "one DIR",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "how a sweep is doing: counts, speed, time to the end, nodes, failures",
    .about =
        "Tell how the sweep in DIR is doing: trials by state, speed and time to the end, nodes, "
        "the stages that have run longest, the last failures. It reads DIR alone, so it works "
        "from any host that sees it. A sweep whose process is gone is `lost`; one on another "
        "host counts as gone when it has written nothing for a minute.",
    .options = known,
    .examples = examples,
    .exits = "0 whatever came of the sweep; 2 DIR holds no sweep; 3 it cannot be read.",
};

static int show(const char *directory, bool json, struct mx_err *err)
{
    struct mx_status_view view;
    struct mx_buf         out = {0};
    int                   rc = 0;

    if (mx_status_view_open(directory, &mx_owner_machine, &view, err))
        return -1;
    if (json)
        mx_status_json(&view.status, &out);
    else
        mx_status_text(&view, directory, mx_terminal_width(STDOUT_FILENO), &out);
    if (mx_buf_ok(&out))
        fputs(mx_buf_str(&out), stdout);
    else
        rc = mx_fail(err, MX_ENOMEM, "no memory to tell how %s is doing", directory);
    mx_buf_free(&out);
    mx_status_view_close(&view);
    return rc;
}

int mx_cmd_status(int argc, char **argv)
{
    struct options options = {.json = false};
    struct mx_err  err = {0};
    const char    *directory;
    size_t         n;
    int rc = mx_command_read(&mx_usage_status, argc, argv, &options, &directory, &n, &err);

    if (rc == 0)
        rc = show(directory, options.json, &err);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
