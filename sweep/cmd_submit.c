/* cmd_submit.c - `mixsweep submit`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/capacity.h"
#include "sweep/check.h"
#include "sweep/command.h"
#include "sweep/config.h"
#include "sweep/estimate.h"
#include "sweep/outdir.h"
#include "sweep/plan_print.h"
#include "sweep/spawn.h"
#include "sweep/submit.h"
#include "sweep/submit_call.h"

struct options {
    int64_t               nodes, cpus, tasks, workers, gpus, per_gpu;
    double                time_s;
    const char           *out, *script, *site;
    unsigned              launcher;
    bool                  resume, smoke, dry_run, report;
    struct mx_option_list sets;
    struct mx_submit      submit; /* what comes of them */
};

enum {
    MOST = 100000, /* nodes, CPUs, ranks */
    LEAST_TIME_S = 60,
};

static const char *const launchers[] = {"auto", "mpirun", "srun", "none", NULL};

#define COUNT(option, member, text)                                                                \
    {                                                                                              \
        .name = option, .value = "N", .kind = MX_OPTION_COUNT,                                     \
        .at = offsetof(struct options, member), .low = 1, .high = MOST, .help = text               \
    }

static const struct mx_option known[] = {
    COUNT("nodes", nodes, "nodes; needed"),
    {.name = "time",
     .value = "T",
     .kind = MX_OPTION_DURATION,
     .at = offsetof(struct options, time_s),
     .help = "limit of one turn of the job (2h30m); default: the partition's"},
    COUNT("cpus", cpus, "CPUs a node; default: whole nodes"),
    COUNT("gpus", gpus, "GPUs a node; default: none"),
    COUNT("per-gpu", per_gpu, "executor processes that share a GPU; default: 1"),
    COUNT("tasks", tasks, "ranks a node; default: 1"),
    {.name = "out",
     .value = "DIR",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, out),
     .completes = MX_COMPLETES_FOLDERS,
     .help = "output directory; default: the configuration's name"},
    {.name = "resume",
     .at = offsetof(struct options, resume),
     .help = "DIR may hold a sweep: go on with it"},
    {.name = "launcher",
     .value = "WORD",
     .kind = MX_OPTION_WORD,
     .at = offsetof(struct options, launcher),
     .words = launchers,
     .help = "what starts the ranks: mpirun, srun (as srun --mpi=pmix), none for a single rank, or "
             "auto (the default): mpirun, or none for a single rank"},
    MX_OPTION_SET(struct options, sets),
    MX_OPTION_SMOKE(struct options, smoke),
    COUNT("workers", workers, "executor processes a node"),
    {.name = "script",
     .value = "FILE",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, script),
     .completes = MX_COMPLETES_FILES,
     .help = "the batch script, if not the one that came with the program"},
    {.name = "site",
     .value = "FILE",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, site),
     .completes = MX_COMPLETES_FILES,
     .help = "settings of the site; default: site.env beside the script, if there is one"},
    {.name = "report",
     .at = offsetof(struct options, report),
     .help = "submit a second job, too, that makes DIR/report.html once this one has ended, "
             "however it did"},
    {.name = "dry-run",
     .at = offsetof(struct options, dry_run),
     .help = "only check, estimate and print"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep submit ratios.yaml --nodes 4 --cpus 16 --time 4h",
     "On four nodes, in turns of four hours:"},
    {"mixsweep submit ratios.yaml --nodes 2 --gpus 4 --time 8h",
     "On two nodes with four GPUs each:"},
    {"mixsweep submit ratios.yaml --nodes 1 --dry-run -- --partition=low", "What would be called?"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_submit = {
    .command = "submit",
    .forms = {"submit CONFIG --nodes N [OPTIONS] [-- OPTIONS OF SBATCH]"},
    .takes = "one CONFIG",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_CONFIGS,
    .summary = "run the sweep as a job of Slurm that survives limits and lost nodes",
    .about =
        "Check a configuration, estimate what it costs, print the line of sbatch that runs it as "
        "a Slurm job, and call it. The job saves itself before its time limit and goes back into "
        "the queue until the sweep is done; so it does when it is preempted or loses nodes.",
    .options = known,
    .examples = examples,
    .exits = "0 submitted; 2 usage or configuration; 3 sbatch is missing or says no.",
};

/* What the options come to. What stands behind "--" is for sbatch. */
static int understand(struct options *options, const char *config, char **extra, size_t nextra,
                      struct mx_err *err)
{
    const int64_t ranks = options->nodes * options->tasks;

    if (options->nodes == 0)
        return mx_usage_fail(&mx_usage_submit, err, "needs --nodes N");
    if (options->time_s > 0 && options->time_s < LEAST_TIME_S)
        return mx_usage_fail(&mx_usage_submit, err, "takes a --time of a minute or more");
    if (options->per_gpu > 0 && options->gpus == 0)
        return mx_usage_fail(&mx_usage_submit, err, "takes --per-gpu with --gpus");
    if (strcmp(launchers[options->launcher], "none") == 0 && ranks > 1)
        return mx_usage_fail(&mx_usage_submit, err, "starts one rank with --launcher none");
    options->submit = (struct mx_submit){
        .config = config,
        .directory = options->out,
        .nodes = (unsigned)options->nodes,
        .tasks = (unsigned)options->tasks,
        .cpus = (unsigned)options->cpus,
        .gpus = (unsigned)options->gpus,
        .per_gpu = (unsigned)options->per_gpu,
        .time_s = options->time_s,
        .launcher = launchers[options->launcher],
        .workers = (unsigned)options->workers,
        .smoke = options->smoke,
        .report = options->report,
        .sets = options->sets.items,
        .nsets = options->sets.count,
        .extra = (const char *const *)extra,
        .nextra = nextra,
    };
    if (options->launcher == 0)
        options->submit.launcher = ranks > 1 ? "mpirun" : "none";
    return 0;
}

/* Print what the sweep costs on these nodes, as `plan` does. */
static int print_estimate(const struct mx_config *config, const struct mx_grid *grid,
                          const struct mx_submit *submit, struct mx_err *err)
{
    struct mx_capacity capacity;
    struct mx_estimate estimate;
    struct mx_sink     sink = {.file = stdout};
    const unsigned     on_gpus = submit->gpus * (submit->per_gpu ? submit->per_gpu : 1);
    unsigned           cpus = submit->workers ? submit->workers : on_gpus ? on_gpus : submit->cpus;
    int                rc;

    mx_capacity_read("", &capacity);
    if (cpus == 0)
        cpus = mx_capacity_cpus(&capacity);
    if (mx_estimate(config, grid, submit->nodes * cpus, &estimate, err))
        return -1;
    if (submit->gpus > 0)
        mx_estimate_on_gpus(&estimate, submit->nodes * submit->gpus);
    rc = mx_plan_print_text(config, grid, &estimate, 0, &sink, err);
    mx_buf_free(&sink.buf);
    if (rc == 0 && estimate.counts.counted && estimate.counts.cells == 0)
        return mx_fail(err, MX_EINVAL, "%s: the exclude rules leave no cell", config->file);
    printf("           (%u node%s of %u executors%s)\n", submit->nodes,
           submit->nodes == 1 ? "" : "s", cpus,
           submit->workers || submit->cpus || on_gpus ? ""
                                                      : ", if they have as many CPUs as this host");
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

/* The sweep's job is submitted as `job`; its report's follows. */
static int call_report(const struct mx_submit *submit, char *job, struct mx_err *err)
{
    struct mx_err why;
    char        **line;
    int           rc;

    job[strcspn(job, ";")] = '\0';
    printf("Submitted batch job %s\n", job);
    line = mx_submit_report_line(submit, job, err);
    rc = line ? mx_submit_call(line, NULL, &why) : -1;
    if (line && rc)
        mx_fail(err, why.code, "the sweep is job %s; its report is no job: %.200s", job, why.text);
    mx_submit_free(line);
    return rc;
}

/* Print the lines, and call them if that is wanted. */
static int send(const struct options *options, struct mx_err *err)
{
    const struct mx_submit *submit = &options->submit;
    char                  **line = mx_submit_line(submit, err);
    char                  **report = submit->report ? mx_submit_report_line(submit, "", err) : NULL;
    struct mx_buf           text = {0};
    char                    job[MX_SUBMIT_JOB_SIZE];
    int                     rc = line && (report || !submit->report) ? 0 : -1;

    if (rc == 0) {
        mx_submit_print(line, report, &text);
        fputs(mx_buf_str(&text), stdout);
        if (!mx_buf_ok(&text))
            rc = mx_fail(err, MX_ENOMEM, "no memory for the line of sbatch");
        else if (!options->dry_run)
            rc = mx_submit_call(line, report ? job : NULL, err);
    }
    if (rc == 0 && report && !options->dry_run)
        rc = call_report(submit, job, err);
    mx_buf_free(&text);
    mx_submit_free(line);
    mx_submit_free(report);
    return rc;
}

/* Paths that hold from wherever the job runs, to be freed. */
struct files {
    char *program, *script, *job, *site;
};

static void free_files(struct files *files)
{
    free(files->program);
    free(files->script);
    free(files->job);
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
static int find_files(struct options *options, struct files *files, struct mx_err *err)
{
    struct mx_submit *submit = &options->submit;
    char             *beside = NULL;

    if (!(files->program = mx_program_path(err)))
        return -1;
    if (options->script ? find_file("--script", options->script, &files->script, err)
                        : !(files->script = mx_submit_script(files->program, err)))
        return -1;
    if (!(files->job = mx_submit_job(files->script, err)))
        return -1;
    if (options->site && find_file("--site", options->site, &files->site, err))
        return -1;
    if (!options->site) {
        const int folder = (int)(strrchr(files->script, '/') - files->script);

        if (asprintf(&beside, "%.*s/site.env", folder, files->script) < 0)
            return mx_fail(err, MX_ENOMEM, "no memory for a path");
        files->site = realpath(beside, NULL);
        free(beside);
    }
    submit->program = files->program;
    submit->script = files->script;
    submit->job = files->job;
    submit->site = files->site ? files->site : "";
    return 0;
}

/* Why data that are missing are a warning, which has been told: they may be where the nodes are,
 * and nowhere else. */
static int tell_missing(const struct mx_config *config, const struct mx_grid *grid,
                        struct mx_err *err)
{
    struct mx_buf missing = {0};
    const int     rc = config->smoke ? 0 : mx_estimate_missing_data(config, grid, &missing, err);

    if (rc == 0 && missing.len > 0)
        fputs(
            "on this host, that is; the job ends with 3 if its nodes do not see the data either\n",
            stderr);
    mx_buf_free(&missing);
    return rc;
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
    if (!grid || mx_check_warnings(config, grid, text, err))
        goto done;
    fputs(mx_buf_str(text), stderr);
    if (tell_missing(config, grid, err))
        goto done;
    if (look_at_directory(options, err) || find_files(options, &files, err) ||
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
    struct mx_config       *config = mx_config_read(options->submit.config, options->sets.items,
                                                    options->sets.count, options->smoke, &report, err);
    int                     rc = -1;

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
    struct options options = {.tasks = 1};
    struct mx_err  err = {0};
    const char    *config;
    size_t         n;
    int            ours = 0, rc;

    while (ours < argc && strcmp(argv[ours], "--") != 0)
        ours++;
    rc = mx_command_read(&mx_usage_submit, ours, argv, &options, &config, &n, &err);
    if (rc == 0)
        rc = understand(&options, config, argv + ours + (ours < argc),
                        (size_t)(argc - ours - (ours < argc)), &err);
    if (rc == 0)
        rc = submit(&options, &err);
    free(options.sets.items);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
