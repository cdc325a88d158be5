/* cmd_status.c - `mixsweep status`. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sweep/command.h"
#include "sweep/status_print.h"
#include "sweep/terminal.h"

static const char help[] =
    "usage: mixsweep status DIR [--json]\n"
    "\n"
    "Tell how the sweep in DIR is doing: trials by state, speed and time to the end, nodes, the\n"
    "stages that have run longest, the last failures. It reads DIR alone, so it works from any\n"
    "host that sees it. A sweep whose process is gone is `lost`; one on another host counts as\n"
    "gone when it has written nothing for a minute.\n"
    "\n"
    "  --json  the same as one JSON object, with all nodes\n"
    "\n"
    "Exit status: 0 whatever came of the sweep; 2 DIR holds no sweep; 3 it cannot be read.\n";

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
    const char   *directory = NULL;
    bool          json = false;
    struct mx_err err = {0};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (argv[i][0] == '-' || directory) {
            mx_fail(&err, MX_EINVAL, "status does not take '%s'; mixsweep status --help tells more",
                    argv[i]);
            return mx_command_fail(&err);
        } else {
            directory = argv[i];
        }
    }
    if (!directory)
        mx_fail(&err, MX_EINVAL, "status takes one DIR; mixsweep status --help tells more");
    else if (show(directory, json, &err) == 0)
        return 0;
    return mx_command_fail(&err);
}
