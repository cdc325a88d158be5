/* cmd_retry.c - `mixsweep retry`. */
#include <getopt.h>
#include <stdio.h>

#include "sweep/command.h"
#include "sweep/retry.h"

static const char help[] =
    "usage: mixsweep retry DIR --failed | --missing | --id ID [--dry-run]\n"
    "\n"
    "Mark trials of the sweep in DIR to be run again, with all their attempts, by the next\n"
    "mixsweep resume DIR. Trials that share a stage with them, or are compared with them, are "
    "open\n"
    "until that is done again, and their numbers come out the same.\n"
    "\n"
    "  --failed   those that failed or were quarantined\n"
    "  --missing  those that are done, but whose files in DIR/stages are gone\n"
    "  --id ID    a trial of results.csv, or a cell with all its repeats, whatever came of them\n"
    "  --dry-run  tell which, and leave everything as it is\n"
    "\n"
    "--failed and --missing may be given together.\n"
    "\n"
    "Exit status: 0 also if there are none; 2 DIR holds no sweep, or no such ID; 3 it cannot be\n"
    "written; 4 a sweep runs there: stop it before.\n";

enum {
    OPT_FAILED = 256,
    OPT_MISSING,
    OPT_ID,
    OPT_DRY_RUN,
    OPT_HELP
};

static const struct option known[] = {
    {"failed", no_argument, NULL, OPT_FAILED}, {"missing", no_argument, NULL, OPT_MISSING},
    {"id", required_argument, NULL, OPT_ID},   {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"help", no_argument, NULL, OPT_HELP},     {NULL, 0, NULL, 0},
};

/* One option. Returns 0, 1 if help was asked for, -1 with *err. */
static int take_option(int option, struct mx_retry *asked, struct mx_err *err)
{
    switch (option) {
    case OPT_FAILED:
        asked->failed = true;
        return 0;
    case OPT_MISSING:
        asked->missing = true;
        return 0;
    case OPT_ID:
        if (!*optarg)
            return mx_fail(err, MX_EINVAL, "--id: give a trial or a cell of results.csv");
        asked->id = optarg;
        return 0;
    case OPT_DRY_RUN:
        asked->dry_run = true;
        return 0;
    case OPT_HELP:
        return 1;
    default: /* getopt_long() has told what is wrong */
        return mx_fail(err, MX_EINVAL, "mixsweep retry --help lists the options");
    }
}

static int read_arguments(int argc, char **argv, struct mx_retry *asked, const char **directory,
                          struct mx_err *err)
{
    int option, rc;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if ((rc = take_option(option, asked, err)) != 0)
            return rc;
    if (argc - optind != 1)
        return mx_fail(err, MX_EINVAL, "retry takes one DIR; mixsweep retry --help tells more");
    if ((asked->failed || asked->missing) == (asked->id != NULL))
        return mx_fail(err, MX_EINVAL,
                       "retry takes --failed, --missing or both, or --id ID; mixsweep retry "
                       "--help tells more");
    *directory = argv[optind];
    return 0;
}

static void tell_waiting(void *user, const char *text)
{
    (void)user;
    fprintf(stderr, "mixsweep: %s\n", text);
}

int mx_cmd_retry(int argc, char **argv)
{
    struct mx_retry asked = {0};
    struct mx_buf   out = {0};
    struct mx_err   err = {0};
    const char     *directory = NULL;
    int             rc = read_arguments(argc, argv, &asked, &directory, &err);

    if (rc == 0)
        rc = mx_retry(directory, &asked, tell_waiting, &out, &err);
    if (rc == 0)
        fputs(mx_buf_str(&out), stdout);
    else if (rc > 0)
        fputs(help, stdout);
    mx_buf_free(&out);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
