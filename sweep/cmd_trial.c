/* cmd_trial.c - `mixsweep trial`. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sweep/command.h"
#include "sweep/terminal.h"
#include "sweep/trial_view.h"

static const char help[] =
    "usage: mixsweep trial DIR ID [--json]\n"
    "\n"
    "Tell everything about one trial of the sweep in DIR: its settings, its stages and where\n"
    "their files are, every attempt and what came of it, and its numbers. ID is a trial of\n"
    "results.csv, or a cell that has one repeat. Nothing is changed, and no data is read.\n"
    "\n"
    "  --json  the same as one JSON object\n"
    "\n"
    "Exit status: 0; 2 DIR holds no sweep or no such trial; 3 it cannot be read.\n";

static int show(const char *directory, const char *id, bool json, struct mx_err *err)
{
    struct mx_trial_view view;
    struct mx_buf        out = {0};
    int                  rc = 0;

    if (mx_trial_view_open(directory, id, &view, err))
        return -1;
    if (json)
        mx_trial_view_json(&view, &out);
    else
        mx_trial_view_text(&view, mx_terminal_width(STDOUT_FILENO), &out);
    if (mx_buf_ok(&out))
        fputs(mx_buf_str(&out), stdout);
    else
        rc = mx_fail(err, MX_ENOMEM, "no memory for what is known of a trial");
    mx_buf_free(&out);
    mx_trial_view_close(&view);
    return rc;
}

int mx_cmd_trial(int argc, char **argv)
{
    const char   *argument[2];
    int           n = 0;
    bool          json = false;
    struct mx_err err = {0};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (argv[i][0] == '-' || n == 2) {
            mx_fail(&err, MX_EINVAL, "trial does not take '%s'; mixsweep trial --help tells more",
                    argv[i]);
            return mx_command_fail(&err);
        } else {
            argument[n++] = argv[i];
        }
    }
    if (n < 2)
        mx_fail(&err, MX_EINVAL, "trial takes a DIR and an ID; mixsweep trial --help tells more");
    else if (show(argument[0], argument[1], json, &err) == 0)
        return 0;
    return mx_command_fail(&err);
}
