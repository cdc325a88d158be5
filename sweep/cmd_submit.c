/* cmd_submit.c - `mixsweep submit`. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "sweep/capacity.h"
#include "sweep/check.h"
#include "sweep/command.h"
#include "sweep/config.h"
#include "sweep/estimate.h"
#include "sweep/outdir.h"
#include "sweep/plan_print.h"
#include "sweep/spawn.h"
#include "sweep/submit.h"

static const char help[] =
    "usage: mixsweep submit CONFIG --nodes N [OPTIONS] [-- OPTIONS OF SBATCH]\n"
    "\n"
    "Check a configuration, estimate what it costs, print the line of sbatch that runs it as a\n"
    "Slurm job, and call it. The job saves itself before its time limit and goes back into the\n"
    "queue until the sweep is done; so it does when it is preempted or loses nodes.\n"
    "\n"
    "  --nodes N            nodes\n"
    "  --time T             limit of one turn of the job (2h30m); default: the partition's\n"
    "  --cpus N             CPUs a node; default: whole nodes\n"
    "  --tasks N            ranks a node; default: 1\n"
    "  --out DIR            output directory; default: the configuration's name\n"
    "  --resume             DIR may hold a sweep: go on with it\n"
    "  --launcher L         mpirun, srun (as --mpi=pmix) or none; default: mpirun, none for one "
    "rank\n"
    "  --set KEY=VALUE      set a key of the configuration; may be repeated\n"
    "  --smoke              apply the configuration's smoke overrides, on generated data\n"
    "  --workers N          executor processes a node\n"
    "  --script FILE        the batch script, if not the one that came with the program\n"
    "  --site FILE          settings of the site; default: site.env beside the script, if any\n"
    "  --dry-run            only check, estimate and print\n"
    "\n"
    "Exit status: 0 submitted; 2 usage or configuration; 3 sbatch is missing or says no.\n";

extern char **environ;

enum {
    OPT_NODES = 256,
    OPT_TIME,
    OPT_CPUS,
    OPT_TASKS,
    OPT_OUT,
    OPT_RESUME,
    OPT_LAUNCHER,
    OPT_SET,
    OPT_SMOKE,
    OPT_WORKERS,
    OPT_SCRIPT,
    OPT_SITE,
    OPT_DRY_RUN,
    OPT_HELP
};

static const struct option known[] = {
    {"nodes", required_argument, NULL, OPT_NODES},
    {"time", required_argument, NULL, OPT_TIME},
    {"cpus", required_argument, NULL, OPT_CPUS},
    {"tasks", required_argument, NULL, OPT_TASKS},
    {"out", required_argument, NULL, OPT_OUT},
    {"resume", no_argument, NULL, OPT_RESUME},
    {"launcher", required_argument, NULL, OPT_LAUNCHER},
    {"set", required_argument, NULL, OPT_SET},
    {"smoke", no_argument, NULL, OPT_SMOKE},
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"script", required_argument, NULL, OPT_SCRIPT},
    {"site", required_argument, NULL, OPT_SITE},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct options {
    struct mx_submit submit;
    const char     **sets; /* (argc) */
    bool             resume, dry_run;
};

static int take_number(const char *name, unsigned *out, struct mx_err *err)
{
    enum {
        MOST = 100000
    };
    int64_t value;

    if (!mx_num_parse_int(optarg, &value) || value < 1 || value > MOST)
        return mx_fail(err, MX_EINVAL, "%s %s: give a number from 1 to %d", name, optarg, MOST);
    *out = (unsigned)value;
    return 0;
}

static int take_time(double *time_s, struct mx_err *err)
{
    if (mx_num_parse_duration(optarg, time_s, err))
        return mx_err_prefix(err, "--time");
    if (*time_s < 60)
        return mx_fail(err, MX_EINVAL, "--time %s: give a minute or more", optarg);
    return 0;
}

static int take_launcher(const char **launcher, struct mx_err *err)
{
    static const char *const words[] = {"mpirun", "srun", "none"};

    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (strcmp(optarg, words[k]) == 0) {
            *launcher = words[k];
            return 0;
        }
    return mx_fail(err, MX_EINVAL, "--launcher %s: give mpirun, srun or none", optarg);
}

static int take_text(const char *name, const char **out, struct mx_err *err)
{
    if (!*optarg)
        return mx_fail(err, MX_EINVAL, "%s: give a path", name);
    *out = optarg;
    return 0;
}

/* One option. Returns 0, 1 if help was asked for, -1 with *err. */
static int take_option(int option, struct options *options, struct mx_err *err)
{
    struct mx_submit *submit = &options->submit;

    switch (option) {
    case OPT_NODES:
        return take_number("--nodes", &submit->nodes, err);
    case OPT_TIME:
        return take_time(&submit->time_s, err);
    case OPT_CPUS:
        return take_number("--cpus", &submit->cpus, err);
    case OPT_TASKS:
        return take_number("--tasks", &submit->tasks, err);
    case OPT_OUT:
        return take_text("--out", &submit->directory, err);
    case OPT_RESUME:
        options->resume = true;
        return 0;
    case OPT_LAUNCHER:
        return take_launcher(&submit->launcher, err);
    case OPT_SET:
        options->sets[submit->nsets++] = optarg;
        return 0;
    case OPT_SMOKE:
        submit->smoke = true;
        return 0;
    case OPT_WORKERS:
        return take_number("--workers", &submit->workers, err);
    case OPT_SCRIPT:
        return take_text("--script", &submit->script, err);
    case OPT_SITE:
        return take_text("--site", &submit->site, err);
    case OPT_DRY_RUN:
        options->dry_run = true;
        return 0;
    case OPT_HELP:
        return 1;
    default: /* getopt_long() has told what is wrong */
        return mx_fail(err, MX_EINVAL, "mixsweep submit --help lists the options");
    }
}

/* Everything before "--" is ours. 0, 1 for help, -1 with *err. */
static int read_arguments(int argc, char **argv, struct options *options, struct mx_err *err)
{
    struct mx_submit *submit = &options->submit;
    int               ours = 0, option, rc;

    while (ours < argc && strcmp(argv[ours], "--") != 0)
        ours++;
    if (ours < argc) {
        submit->extra = (const char *const *)argv + ours + 1;
        submit->nextra = (size_t)(argc - ours - 1);
    }
    while ((option = getopt_long(ours, argv, "", known, NULL)) != -1)
        if ((rc = take_option(option, options, err)) != 0)
            return rc;
    if (ours - optind != 1)
        return mx_fail(err, MX_EINVAL,
                       "submit takes one CONFIG; mixsweep submit --help tells more");
    submit->config = argv[optind];
    if (submit->nodes == 0)
        return mx_fail(err, MX_EINVAL, "submit needs --nodes N");
    if (!submit->launcher)
        submit->launcher = submit->nodes * submit->tasks > 1 ? "mpirun" : "none";
    if (strcmp(submit->launcher, "none") == 0 && submit->nodes * submit->tasks > 1)
        return mx_fail(err, MX_EINVAL, "--launcher none starts one rank: give --nodes 1 --tasks 1");
    return 0;
}

/* Print what the sweep costs on these nodes, as `plan` does. */
static int print_estimate(const struct mx_config *config, const struct mx_grid *grid,
                          const struct mx_submit *submit, struct mx_err *err)
{
    struct mx_capacity capacity;
    struct mx_estimate estimate;
    struct mx_sink     sink = {.file = stdout};
    unsigned           cpus = submit->workers ? submit->workers : submit->cpus;
    int                rc;

    mx_capacity_read("", &capacity);
    if (cpus == 0)
        cpus = mx_capacity_cpus(&capacity);
    if (mx_estimate(config, grid, submit->nodes * cpus, &estimate, err))
        return -1;
    rc = mx_plan_print_text(config, grid, &estimate, 0, &sink, err);
    mx_buf_free(&sink.buf);
    if (rc == 0 && estimate.counts.counted && estimate.counts.cells == 0)
        return mx_fail(err, MX_EINVAL, "%s: the exclude rules leave no cell", config->file);
    printf("           (%u node%s of %u executors%s)\n", submit->nodes,
           submit->nodes == 1 ? "" : "s", cpus,
           submit->workers || submit->cpus ? "" : ", if they have as many CPUs as this host");
    if (estimate.timed && submit->time_s > 0 && estimate.hours_high * 3600 > submit->time_s)
        printf("           may need more than one turn of the job, which goes back into the queue "
               "then\n");
    printf("\n");
    return rc;
}

/* A directory that holds a sweep is another one's, unless it is said to be ours. */
static int look_at_directory(const struct options *options, struct mx_err *err)
{
    const char *directory = options->submit.directory;
    char       *config = mx_path_join(directory, "config.yaml");
    const bool  there = config && mx_file_exists(config);

    free(config);
    if (there && !options->resume)
        return mx_fail(err, MX_EINVAL,
                       "%s holds a sweep already; give --resume to go on with it, or another --out",
                       directory);
    return 0;
}

static int call(char *const *line, struct mx_err *err)
{
    pid_t pid;
    int   status = 0;
    int   error;

    fflush(stdout);
    if ((error = posix_spawnp(&pid, line[0], NULL, NULL, line, environ)) != 0)
        return mx_fail_errno(err, MX_EIO, error,
                             "cannot start %s; submit works where Slurm's commands do, and "
                             "--dry-run only prints the line",
                             line[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return mx_fail(err, MX_EIO, "%s ended with %d: nothing was submitted", line[0],
                   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Print the line, and call it if that is wanted. */
static int send(const struct options *options, struct mx_err *err)
{
    char        **line = mx_submit_line(&options->submit, err);
    struct mx_buf text = {0};
    int           rc = line ? 0 : -1;

    if (rc == 0) {
        mx_submit_quote(line, &text);
        fputs(mx_buf_str(&text), stdout);
        if (!mx_buf_ok(&text))
            rc = mx_fail(err, MX_ENOMEM, "no memory for the line of sbatch");
        else if (!options->dry_run)
            rc = call(line, err);
    }
    mx_buf_free(&text);
    mx_submit_free(line);
    return rc;
}

/* Paths that hold from wherever the job runs, to be freed. */
struct files {
    char *program, *script, *site;
};

static void free_files(struct files *files)
{
    free(files->program);
    free(files->script);
    free(files->site);
}

/* The file of an option. */
static int find_file(const char *name, const char *path, char **real, struct mx_err *err)
{
    if ((*real = realpath(path, NULL)))
        return 0;
    return mx_fail_errno(err, MX_EINVAL, errno, "%s %s", name, path);
}

/* The program, the script, and the site's settings, if there are any. */
static int find_files(struct mx_submit *submit, struct files *files, struct mx_err *err)
{
    char *beside = NULL;

    if (!(files->program = mx_program_path(err)))
        return -1;
    if (submit->script ? find_file("--script", submit->script, &files->script, err)
                       : !(files->script = mx_submit_script(files->program, err)))
        return -1;
    if (submit->site && find_file("--site", submit->site, &files->site, err))
        return -1;
    if (!submit->site) {
        const int folder = (int)(strrchr(files->script, '/') - files->script);

        if (asprintf(&beside, "%.*s/site.env", folder, files->script) < 0)
            return mx_fail(err, MX_ENOMEM, "no memory for a path");
        files->site = realpath(beside, NULL);
        free(beside);
    }
    submit->program = files->program;
    submit->script = files->script;
    submit->site = files->site ? files->site : "";
    return 0;
}

static int submit_with(struct options *options, const struct mx_config *config, struct mx_buf *text,
                       struct mx_err *err)
{
    struct mx_grid *grid = mx_grid_new(config, err);
    struct files    files = {.program = NULL};
    int             rc = -1;

    options->submit.name = config->name;
    if (!options->submit.directory)
        options->submit.directory = config->name;
    options->submit.sets = options->sets;
    if (!grid || mx_check_warnings(config, grid, text, err))
        goto done;
    fputs(mx_buf_str(text), stderr);
    if (look_at_directory(options, err) || find_files(&options->submit, &files, err) ||
        print_estimate(config, grid, &options->submit, err))
        goto done;
    rc = send(options, err);
done:
    free_files(&files);
    mx_grid_free(grid);
    return rc;
}

static int submit(struct options *options, struct mx_err *err)
{
    struct mx_config_report report = {.errors = 0};
    struct mx_config       *config =
        mx_config_read(options->submit.config, options->sets, options->submit.nsets,
                       options->submit.smoke, &report, err);
    int rc = -1;

    if (config)
        rc = submit_with(options, config, &report.text, err);
    else
        fputs(mx_buf_str(&report.text), stderr);
    mx_buf_free(&report.text);
    mx_config_free(config);
    return rc;
}

int mx_cmd_submit(int argc, char **argv)
{
    struct options options = {.submit = {.tasks = 1}, .sets = calloc((size_t)argc, sizeof(char *))};
    struct mx_err  err = {0};
    int            rc;

    if (!options.sets)
        rc = mx_fail(&err, MX_ENOMEM, "no memory for the command line");
    else if ((rc = read_arguments(argc, argv, &options, &err)) == 0)
        rc = submit(&options, &err);
    else if (rc == 1)
        fputs(help, stdout);
    free(options.sets);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
