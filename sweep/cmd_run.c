/* cmd_run.c - `mixsweep run` and `mixsweep resume`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sweep/command.h"
#include "sweep/launcher.h"
#include "sweep/link.h"
#include "sweep/rank.h"
#include "sweep/run.h"

extern char **environ;

enum {
    MOST_WORKERS = 4096,
    MOST_PER_GPU = 48, /* MPS takes so many clients of a GPU */
};

/* The formats of log records, in the order of enum mx_log_format. */
static const char *const format_words[] = {"text", "json", NULL};
_Static_assert(MX_LOG_TEXT == 0 && MX_LOG_JSON == 1, "words in the order of their numbers");

/* The logs of a system, in the order of enum mx_system_log_kind. */
static const char *const system_words[] = {"none", "syslog", "journal", NULL};
_Static_assert(MX_SYSTEM_LOG_SYSLOG == 1 && MX_SYSTEM_LOG_JOURNAL == 2, "in their order");

struct options {
    const char           *out;
    bool                  resume, smoke;
    int64_t               workers, per_gpu;
    double                time_limit_s;
    unsigned              log_format, system_log;
    struct mx_option_list sets;
};

#define OPTION_WORKERS                                                                             \
    {                                                                                              \
        .name = "workers", .value = "N", .kind = MX_OPTION_COUNT,                                  \
        .at = offsetof(struct options, workers), .low = 1, .high = MOST_WORKERS,                   \
        .help = "executor processes a node; default: one per GPU, else one per usable CPU, "       \
                "bounded by memory"                                                                \
    }
#define OPTION_PER_GPU                                                                             \
    {                                                                                              \
        .name = "per-gpu", .value = "N", .kind = MX_OPTION_COUNT,                                  \
        .at = offsetof(struct options, per_gpu), .low = 1, .high = MOST_PER_GPU,                   \
        .help = "executor processes that share a GPU; default: 1"                                  \
    }
#define OPTION_TIME_LIMIT                                                                          \
    {                                                                                              \
        .name = "time-limit", .value = "T", .kind = MX_OPTION_DURATION,                            \
        .at = offsetof(struct options, time_limit_s), .give = "a time above 0",                    \
        .help = "stop after T (90s, 2h30m); resume goes on"                                        \
    }
#define OPTION_LOG_FORMAT                                                                          \
    {                                                                                              \
        .name = "log-format", .value = "FORMAT", .kind = MX_OPTION_WORD,                           \
        .at = offsetof(struct options, log_format), .words = format_words, .help = "text or json"  \
    }
#define OPTION_SYSTEM_LOG                                                                          \
    {                                                                                              \
        .name = "system-log", .value = "WORD", .kind = MX_OPTION_WORD,                             \
        .at = offsetof(struct options, system_log), .words = system_words,                         \
        .help = "tell this machine's log too: syslog, journal, or none (the default)"              \
    }

static const struct mx_option run_options[] = {
    {.name = "out",
     .value = "DIR",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, out),
     .completes = MX_COMPLETES_FOLDERS,
     .give = "a directory",
     .help = "output directory; default: the configuration's name, then NAME-2, ..."},
    {.name = "resume",
     .at = offsetof(struct options, resume),
     .help = "DIR may exist: go on where it stands"},
    MX_OPTION_SET(struct options, sets),
    {.name = "smoke",
     .at = offsetof(struct options, smoke),
     .help = "apply the configuration's smoke overrides, on generated data"},
    OPTION_WORKERS,
    OPTION_PER_GPU,
    OPTION_TIME_LIMIT,
    OPTION_LOG_FORMAT,
    OPTION_SYSTEM_LOG,
    {.name = NULL},
};

static const struct mx_option resume_options[] = {
    OPTION_WORKERS,    OPTION_PER_GPU,    OPTION_TIME_LIMIT,
    OPTION_LOG_FORMAT, OPTION_SYSTEM_LOG, {.name = NULL},
};

static const struct mx_example run_examples[] = {
    {"mixsweep run ratios.yaml", "Into the folder that the configuration names:"},
    {"mixsweep run ratios.yaml --smoke --out /tmp/try",
     "A quick try of everything, on made-up data:"},
    {"mpirun --quiet --bind-to none --enable-recovery -n 4 mixsweep run ratios.yaml --out ratios",
     "With several processes, on the nodes of a job:"},
    {NULL, NULL},
};

static const struct mx_example resume_examples[] = {
    {"mixsweep resume ratios --workers 8", "With another number of executors:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_run = {
    .command = "run",
    .forms = {"run CONFIG [OPTIONS]"},
    .takes = "one CONFIG",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_CONFIGS,
    .summary = "run the sweep",
    .about = "Run every trial of a configuration, on this machine or, under mpirun or srun, on the "
             "nodes of a job, and print the table.",
    .options = run_options,
    .examples = run_examples,
    .exits = "0 all done, 1 some trials failed, 2 usage or configuration, 3 environment, 4 the "
             "directory is in use, 75 interrupted (resume goes on).",
};

const struct mx_usage mx_usage_resume = {
    .command = "resume",
    .forms = {"resume DIR [OPTIONS]"},
    .takes = "one DIR",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "go on with an interrupted sweep",
    .about = "Go on with the sweep in DIR: what is done stays done, everything else is run.",
    .options = resume_options,
    .examples = resume_examples,
    .exits = "as of run.",
};

/* The command on rank 0, or alone. Returns the exit code. */
static int run_root(int argc, char **argv, const struct mx_usage *usage, struct mx_comm *comm)
{
    struct options options = {.out = NULL};
    struct mx_err  err = {0};
    const char    *argument;
    size_t         n;
    int            code = 0, rc = mx_command_read(usage, argc, argv, &options, &argument, &n, &err);

    if (rc < 0)
        code = mx_command_fail(&err);
    if (rc == 0) {
        const bool            fresh = usage == &mx_usage_run;
        struct mx_run_options run = {.config_file = fresh ? argument : NULL,
                                     .directory = fresh ? options.out : argument,
                                     .resume = options.resume || !fresh,
                                     .sets = options.sets.items,
                                     .nsets = options.sets.count,
                                     .smoke = options.smoke,
                                     .workers = (unsigned)options.workers,
                                     .per_gpu = (unsigned)options.per_gpu,
                                     .time_limit_s = options.time_limit_s,
                                     .log_format = (enum mx_log_format)options.log_format,
                                     .system_log = (enum mx_system_log_kind)options.system_log,
                                     .argc = argc,
                                     .argv = argv,
                                     .comm = comm,
                                     .launched = mx_launcher_find(environ).name != NULL};

        code = mx_run(&run, &err);
        if (err.code != MX_OK)
            fprintf(stderr, "mixsweep: %s\n", err.text);
    }
    free(options.sets.items);
    return code;
}

/* Under a launcher each process comes here; rank 0 alone reads the command line,
 * speaks to the user, and decides about the exit code. */
static int run_command(int argc, char **argv, const struct mx_usage *usage)
{
    struct mx_comm *comm;
    struct mx_err   err = {0};
    bool            quiet, lossy;
    int             code;

    if (mx_comm_open(&comm, &quiet, &err))
        return quiet ? mx_exit_code(err.code) : mx_command_fail(&err);
    if (comm && mx_comm_rank(comm) > 0)
        return mx_rank_serve(comm);
    code = run_root(argc, argv, usage, comm);
    mx_ranks_dismiss(comm);
    lossy = comm && mx_comm_lossy(comm);
    if (mx_launcher_drops_status(environ))
        code = 0; /* DIR/exit_code has the truth */
    mx_comm_close(comm, lossy, code);
    return code;
}

int mx_cmd_run(int argc, char **argv)
{
    return run_command(argc, argv, &mx_usage_run);
}

int mx_cmd_resume(int argc, char **argv)
{
    return run_command(argc, argv, &mx_usage_resume);
}
