/* cmd_check.c - `mixsweep check`. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/check.h"
#include "sweep/command.h"
#include "sweep/key_page.h"

static const char help[] =
    "usage: mixsweep check CONFIG [OPTIONS]\n"
    "\n"
    "Validate a configuration: every mistake with its line, its column and a hint. Nothing is run\n"
    "and no data file is read.\n"
    "\n"
    "  --set KEY=VALUE      set a key of the configuration; may be repeated\n"
    "  --smoke              apply the configuration's smoke overrides\n"
    "  --keys               print every key with its default, bounds and meaning, and stop\n"
    "\n"
    "Exit status: 0 if the configuration is good, warnings or not; 2 if it is not.\n";

struct options {
    bool         smoke, keys;
    const char **sets; /* (argc) */
    size_t       nsets;
    const char  *file;
};

enum {
    OPT_SET = 256,
    OPT_SMOKE,
    OPT_KEYS,
    OPT_HELP
};

static const struct option known[] = {
    {"set", required_argument, NULL, OPT_SET},
    {"smoke", no_argument, NULL, OPT_SMOKE},
    {"keys", no_argument, NULL, OPT_KEYS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* Returns 0, 1 if help was asked for, -1 with *err. */
static int read_arguments(int argc, char **argv, struct options *options, struct mx_err *err)
{
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (option == OPT_SET)
            options->sets[options->nsets++] = optarg;
        else if (option == OPT_SMOKE)
            options->smoke = true;
        else if (option == OPT_KEYS)
            options->keys = true;
        else if (option == OPT_HELP)
            return 1;
        else /* getopt_long() has told what is wrong */
            return mx_fail(err, MX_EINVAL, "mixsweep check --help lists the options");
    if (options->keys)
        return 0;
    if (argc - optind != 1)
        return mx_fail(err, MX_EINVAL, "check takes one CONFIG; mixsweep check --help tells more");
    options->file = argv[optind];
    return 0;
}

static int check(const struct options *options, struct mx_err *err)
{
    struct mx_buf out = {0}, messages = {0};
    int           rc = 0;

    if (options->keys)
        mx_key_page(&out);
    else
        rc = mx_check(options->file, options->sets, options->nsets, options->smoke, &out, &messages,
                      err);
    fputs(mx_buf_str(&messages), stderr);
    fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    mx_buf_free(&messages);
    return rc;
}

int mx_cmd_check(int argc, char **argv)
{
    struct options options = {.sets = calloc((size_t)argc, sizeof *options.sets)};
    struct mx_err  err = {0};
    int            rc, code = 0;

    if (!options.sets)
        rc = mx_fail(&err, MX_ENOMEM, "no memory for the command line");
    else if ((rc = read_arguments(argc, argv, &options, &err)) == 0)
        rc = check(&options, &err);
    if (rc > 0)
        fputs(help, stdout);
    if (rc < 0)
        code = mx_command_fail(&err);
    free(options.sets);
    return code;
}
