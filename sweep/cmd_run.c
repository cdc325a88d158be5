/* cmd_run.c - `mixsweep run` and `mixsweep resume`. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/command.h"
#include "sweep/launcher.h"
#include "sweep/link.h"
#include "sweep/rank.h"
#include "sweep/run.h"

static const char help_run[] =
    "usage: mixsweep run CONFIG [OPTIONS]\n"
    "\n"
    "Run every trial of a configuration on this machine and print the table.\n"
    "\n"
    "  --out DIR            output directory; default: the configuration's name, then NAME-2, ...\n"
    "  --resume             DIR may exist: go on where it stands\n"
    "  --set KEY=VALUE      set a key of the configuration; may be repeated\n"
    "  --smoke              apply the configuration's smoke overrides, on generated data\n"
    "  --workers N          executor processes; default: one per usable CPU, bounded by memory\n"
    "  --time-limit T       stop after T (90s, 2h30m); resume goes on\n"
    "  --log-format FORMAT  text or json\n"
    "\n"
    "Exit status: 0 all done, 1 some trials failed, 2 usage or configuration, 3 environment,\n"
    "4 the directory is in use, 75 interrupted (resume goes on).\n";

static const char help_resume[] =
    "usage: mixsweep resume DIR [OPTIONS]\n"
    "\n"
    "Go on with the sweep in DIR: what is done stays done, everything else is run.\n"
    "\n"
    "  --workers N          executor processes; default: one per usable CPU, bounded by memory\n"
    "  --time-limit T       stop after T (90s, 2h30m); resume goes on\n"
    "  --log-format FORMAT  text or json\n";

extern char **environ;

enum {
    OPT_OUT = 256,
    OPT_RESUME,
    OPT_SET,
    OPT_SMOKE,
    OPT_WORKERS,
    OPT_LIMIT,
    OPT_FORMAT,
    OPT_HELP
};

static const struct option run_options[] = {
    {"out", required_argument, NULL, OPT_OUT},
    {"resume", no_argument, NULL, OPT_RESUME},
    {"set", required_argument, NULL, OPT_SET},
    {"smoke", no_argument, NULL, OPT_SMOKE},
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"time-limit", required_argument, NULL, OPT_LIMIT},
    {"log-format", required_argument, NULL, OPT_FORMAT},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const struct option resume_options[] = {
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"time-limit", required_argument, NULL, OPT_LIMIT},
    {"log-format", required_argument, NULL, OPT_FORMAT},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int read_workers(const char *text, unsigned *workers, struct mx_err *err)
{
    enum {
        MOST = 4096
    };
    int64_t value;

    if (!mx_num_parse_int(text, &value) || value < 1 || value > MOST)
        return mx_fail(err, MX_EINVAL, "--workers %s: give a number from 1 to %d", text, MOST);
    *workers = (unsigned)value;
    return 0;
}

/* One option into *run. Returns 0, 1 if help was asked for, -1 with *err. */
static int take_option(int option, const char **sets, struct mx_run_options *run,
                       struct mx_err *err)
{
    switch (option) {
    case OPT_OUT:
        if (!*optarg)
            return mx_fail(err, MX_EINVAL, "--out: give a directory");
        run->directory = optarg;
        return 0;
    case OPT_RESUME:
        run->resume = true;
        return 0;
    case OPT_SET:
        sets[run->nsets++] = optarg;
        return 0;
    case OPT_SMOKE:
        run->smoke = true;
        return 0;
    case OPT_WORKERS:
        return read_workers(optarg, &run->workers, err);
    case OPT_LIMIT:
        if (mx_num_parse_duration(optarg, &run->time_limit_s, err))
            return mx_err_prefix(err, "--time-limit");
        if (run->time_limit_s <= 0)
            return mx_fail(err, MX_EINVAL, "--time-limit %s: give a time above 0", optarg);
        return 0;
    case OPT_FORMAT:
        if (!mx_log_format_parse(optarg, &run->log_format))
            return mx_fail(err, MX_EINVAL, "--log-format %s: give text or json", optarg);
        return 0;
    case OPT_HELP:
        return 1;
    default: /* getopt_long() has told what is wrong */
        return mx_fail(err, MX_EINVAL, "--help lists the options");
    }
}

/* All options and the one argument. 0, 1 for help, -1 with *err. */
static int read_arguments(int argc, char **argv, const struct option *known, const char **sets,
                          struct mx_run_options *run, const char **argument, struct mx_err *err)
{
    int option, rc;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if ((rc = take_option(option, sets, run, err)) != 0)
            return rc;
    if (argc - optind != 1)
        return mx_fail(err, MX_EINVAL, "%s takes one %s; mixsweep %s --help tells more", argv[0],
                       known == run_options ? "CONFIG" : "DIR", argv[0]);
    *argument = argv[optind];
    return 0;
}

/* The command on rank 0, or alone. Returns the exit code. */
static int run_root(int argc, char **argv, const struct option *known, const char *help,
                    struct mx_comm *comm)
{
    struct mx_run_options run = {.argc = argc,
                                 .argv = argv,
                                 .comm = comm,
                                 .launched = mx_launcher_find(environ).name != NULL};
    const char          **sets = calloc((size_t)argc, sizeof *sets);
    const char           *argument = NULL;
    struct mx_err         err = {0};
    int                   rc, code;

    if (!sets) {
        mx_fail(&err, MX_ENOMEM, "no memory for the command line");
        return mx_command_fail(&err);
    }
    run.sets = sets;
    rc = read_arguments(argc, argv, known, sets, &run, &argument, &err);
    if (rc == 1) {
        fputs(help, stdout);
        code = 0;
    } else if (rc < 0) {
        code = mx_command_fail(&err);
    } else {
        if (known == run_options) {
            run.config_file = argument;
        } else {
            run.directory = argument;
            run.resume = true;
        }
        code = mx_run(&run, &err);
        if (err.code != MX_OK)
            fprintf(stderr, "mixsweep: %s\n", err.text);
    }
    free(sets);
    return code;
}

/* Under a launcher each process comes here; rank 0 alone reads the command line,
 * speaks to the user, and decides about the exit code. */
static int run_command(int argc, char **argv, const struct option *known, const char *help)
{
    struct mx_comm *comm;
    struct mx_err   err = {0};
    bool            quiet, lossy;
    int             code;

    if (mx_comm_open(&comm, &quiet, &err))
        return quiet ? mx_exit_code(err.code) : mx_command_fail(&err);
    if (comm && mx_comm_rank(comm) > 0)
        return mx_rank_serve(comm);
    code = run_root(argc, argv, known, help, comm);
    mx_ranks_dismiss(comm);
    lossy = comm && mx_comm_lossy(comm);
    if (mx_launcher_drops_status(environ))
        code = 0; /* DIR/exit_code has the truth */
    mx_comm_close(comm, lossy, code);
    return code;
}

int mx_cmd_run(int argc, char **argv)
{
    return run_command(argc, argv, run_options, help_run);
}

int mx_cmd_resume(int argc, char **argv)
{
    return run_command(argc, argv, resume_options, help_resume);
}
