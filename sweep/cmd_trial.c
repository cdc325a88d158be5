/* cmd_trial.c - `mixsweep trial`. */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "sweep/command.h"
#include "sweep/terminal.h"
#include "sweep/trial_view.h"

struct options {
    bool json;
};

static const struct mx_option known[] = {
    MX_OPTION_JSON(struct options, json, "the same as one JSON object"),
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep trial ratios 201052e749bde365.r0", "Why did it fail, and where did it run?"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_trial = {
    .command = "trial",
    .forms = {"trial DIR ID [--json]"},
    .takes = "a DIR and an ID",
    .least = 2,
    .most = 2,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "everything about one trial",
    .about =
        "Tell everything about one trial of the sweep in DIR: its settings, its stages and where "
        "their files are, every attempt and what came of it, and its numbers. ID is a trial of "
        "results.csv, or a cell that has one repeat. Nothing is changed, and no data is read.",
    .options = known,
    .examples = examples,
    .exits = "0; 2 DIR holds no sweep or no such trial; 3 it cannot be read.",
};

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
    struct options options = {.json = false};
    struct mx_err  err = {0};
    const char    *arguments[2];
    size_t         n;
    int            rc = mx_command_read(&mx_usage_trial, argc, argv, &options, arguments, &n, &err);

    if (rc == 0)
        rc = show(arguments[0], arguments[1], options.json, &err);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
