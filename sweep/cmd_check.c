/* cmd_check.c - `mixsweep check`. */
#include <stdio.h>
#include <stdlib.h>

#include "sweep/check.h"
#include "sweep/command.h"
#include "sweep/key_page.h"

struct options {
    bool                  smoke, keys;
    struct mx_option_list sets;
};

static const struct mx_option known[] = {
    MX_OPTION_SET(struct options, sets),
    MX_OPTION_SMOKE(struct options, smoke),
    {.name = "keys",
     .at = offsetof(struct options, keys),
     .help = "print every key with its default, bounds and meaning, and stop"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep check ratios.yaml --set train.epochs=5", "With another value than the file's:"},
    {"mixsweep check --keys | less", "Which keys there are:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_check = {
    .command = "check",
    .forms = {"check CONFIG [OPTIONS]"},
    .takes = "one CONFIG",
    .most = 1,
    .completes = MX_COMPLETES_CONFIGS,
    .summary = "validate a configuration; every mistake with its place and a hint",
    .about =
        "Validate a configuration: every mistake with its line, its column and a hint. Nothing "
        "is run and no data file is read.",
    .options = known,
    .examples = examples,
    .exits = "0 if the configuration is good, warnings or not; 2 if it is not.",
};

static int check(const struct options *options, const char *file, struct mx_err *err)
{
    struct mx_buf out = {0}, messages = {0};
    int           rc = 0;

    if (options->keys)
        mx_key_page(&out);
    else
        rc = mx_check(file, options->sets.items, options->sets.count, options->smoke, &out,
                      &messages, err);
    fputs(mx_buf_str(&messages), stderr);
    fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    mx_buf_free(&messages);
    return rc;
}

int mx_cmd_check(int argc, char **argv)
{
    struct options options = {.smoke = false};
    struct mx_err  err = {0};
    const char    *file = NULL;
    size_t         n;
    int            rc = mx_command_read(&mx_usage_check, argc, argv, &options, &file, &n, &err);

    if (rc == 0 && n == 0 && !options.keys)
        rc = mx_usage_fail(&mx_usage_check, &err, "takes one CONFIG");
    if (rc == 0)
        rc = check(&options, file, &err);
    free(options.sets.items);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
