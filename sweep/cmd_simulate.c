/* cmd_simulate.c - `mixsweep simulate`. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "sweep/command.h"
#include "sweep/config.h"
#include "sweep/estimate.h"
#include "sweep/plan_early.h"
#include "sweep/simulate.h"

static const char help[] =
    "usage: mixsweep simulate CONFIG --workers N [OPTIONS]\n"
    "\n"
    "Play a sweep without running it: the real scheduler, N executors that are none, a virtual\n"
    "clock. Stages take what `mixsweep plan` thinks that stages of their kind take, 20 % more or\n"
    "less; rank 0 takes 20 us for each event and a message 1 ms for its way.\n"
    "\n"
    "  --workers N          executors, up to 1,000,000\n"
    "  --failure-rate F     share of attempts that end with the death of their executor (0)\n"
    "  --seed S             of the deaths and the times (0)\n"
    "  --json               one JSON object\n"
    "  --set KEY=VALUE      set a key of the configuration; may be repeated\n"
    "  --smoke              apply the configuration's smoke overrides\n"
    "\n"
    "Exit status: 0, or 2 for usage and configuration.\n";

enum {
    MOST_WORKERS = 1000000,
    BATCH_MAX = 256, /* as `run` does it */
};
static const double batch_s = 0.1;

struct options {
    bool                       json, smoke;
    const char               **sets; /* (argc) */
    size_t                     nsets;
    const char                *file;
    struct mx_simulate_options play;
};

enum {
    OPT_WORKERS = 256,
    OPT_RATE,
    OPT_SEED,
    OPT_JSON,
    OPT_SET,
    OPT_SMOKE,
    OPT_HELP
};

static const struct option known[] = {
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"failure-rate", required_argument, NULL, OPT_RATE},
    {"seed", required_argument, NULL, OPT_SEED},
    {"json", no_argument, NULL, OPT_JSON},
    {"set", required_argument, NULL, OPT_SET},
    {"smoke", no_argument, NULL, OPT_SMOKE},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* One option. Returns 0, 1 if help was asked for, -1 with *err. */
static int take_option(int option, struct options *options, struct mx_err *err)
{
    int64_t number;

    switch (option) {
    case OPT_WORKERS:
        if (!mx_num_parse_int(optarg, &number) || number < 1 || number > MOST_WORKERS)
            return mx_fail(err, MX_EINVAL, "--workers %s: give a number from 1 to %d", optarg,
                           (int)MOST_WORKERS);
        options->play.workers = (unsigned)number;
        return 0;
    case OPT_RATE:
        if (!mx_num_parse_real(optarg, &options->play.failure_rate) ||
            !(options->play.failure_rate >= 0 && options->play.failure_rate <= 1))
            return mx_fail(err, MX_EINVAL, "--failure-rate %s: give a share from 0 to 1", optarg);
        return 0;
    case OPT_SEED:
        if (!mx_num_parse_int(optarg, &number) || number < 0)
            return mx_fail(err, MX_EINVAL, "--seed %s: give a whole number, 0 or more", optarg);
        options->play.seed = (uint64_t)number;
        return 0;
    case OPT_JSON:
        options->json = true;
        return 0;
    case OPT_SET:
        options->sets[options->nsets++] = optarg;
        return 0;
    case OPT_SMOKE:
        options->smoke = true;
        return 0;
    case OPT_HELP:
        return 1;
    default: /* getopt_long() has told what is wrong */
        return mx_fail(err, MX_EINVAL, "mixsweep simulate --help lists the options");
    }
}

static int read_arguments(int argc, char **argv, struct options *options, struct mx_err *err)
{
    int option, rc;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if ((rc = take_option(option, options, err)) != 0)
            return rc;
    if (argc - optind != 1)
        return mx_fail(err, MX_EINVAL,
                       "simulate takes one CONFIG; mixsweep simulate --help tells more");
    if (options->play.workers == 0)
        return mx_fail(err, MX_EINVAL, "simulate needs --workers N");
    options->file = argv[optind];
    return 0;
}

/* Nothing is run, so no data is read. */
static int no_fingerprint(void *user, const struct worker_params *params, uint64_t *fingerprint,
                          struct mx_err *err)
{
    (void)user, (void)params, (void)err;
    *fingerprint = 0;
    return 0;
}

static void print_json(const struct options *options, const struct mx_simulated *s)
{
    struct mx_buf  text = {0};
    struct mx_json json = {.out = &text};

    mx_json_object(&json, NULL);
    mx_json_uint(&json, "seed", options->play.seed);
    mx_json_real(&json, "makespan_s", s->makespan_s);
    mx_json_real(&json, "utilisation", s->utilisation);
    mx_json_uint(&json, "planned", s->planned);
    for (int state = MX_STATE_DONE; state < MX_STATES; state++)
        mx_json_uint(&json, mx_state_names[state], s->by_state[state]);
    mx_json_uint(&json, "lost", s->lost);
    mx_json_uint(&json, "duplicated", s->duplicated);
    mx_json_uint(&json, "deaths", s->deaths);
    mx_json_uint(&json, "events", s->events);
    mx_json_end_object(&json);
    puts(mx_buf_str(&text));
    mx_buf_free(&text);
}

static void print_text(const struct options *options, const struct mx_simulated *s)
{
    printf("makespan     %.1f s (%.2f hours)\n", s->makespan_s, s->makespan_s / 3600);
    printf("executors    %u, %.1f %% of their time at work\n", options->play.workers,
           100 * s->utilisation);
    printf("trials       %" PRIu64 " planned", s->planned);
    for (int state = MX_STATE_DONE; state < MX_STATES; state++)
        if (s->by_state[state] > 0 || state == MX_STATE_DONE)
            printf(", %" PRIu64 " %s", s->by_state[state], mx_state_names[state]);
    printf("; %" PRIu64 " lost, %" PRIu64 " duplicated\n", s->lost, s->duplicated);
    printf("deaths       %" PRIu64 ", which took %.1f s of work with them\n", s->deaths,
           s->wasted_s);
    printf("events       %" PRIu64 "\n", s->events);
}

static int play(struct options *options, const struct mx_config *config, const struct mx_grid *grid,
                struct mx_err *err)
{
    struct mx_simulated simulated;
    struct mx_estimate  estimate;
    struct mx_plan     *plan;
    int                 rc;

    if (mx_estimate(config, grid, options->play.workers, &estimate, err))
        return -1;
    if (!estimate.timed)
        return mx_fail(err, MX_EINVAL, "%s: how long its stages take is %.200s", options->file,
                       estimate.basis);
    memcpy(options->play.kind_s, estimate.kind_s, sizeof options->play.kind_s);
    options->play.sched = (struct mx_sched_options){
        .retries = (unsigned)config->base[KEY_SCHEDULE_RETRIES].integer,
        .trial_timeout_s = config->base[KEY_SCHEDULE_TRIAL_TIMEOUT].real,
        .batch_seconds = batch_s,
        .batch_max = BATCH_MAX,
        .early = mx_plan_early_rule(config),
    };
    if (!(plan = mx_plan_new(config, grid, no_fingerprint, NULL, err)))
        return -1;
    rc = mx_simulate(plan, &options->play, &simulated, err);
    mx_plan_free(plan);
    if (rc == 0 && options->json)
        print_json(options, &simulated);
    else if (rc == 0)
        print_text(options, &simulated);
    return rc;
}

static int simulate(struct options *options, struct mx_err *err)
{
    struct mx_config_report report = {.errors = 0};
    struct mx_config       *config =
        mx_config_read(options->file, options->sets, options->nsets, options->smoke, &report, err);
    struct mx_grid *grid = config ? mx_grid_new(config, err) : NULL;
    int             rc = grid ? play(options, config, grid, err) : -1;

    fputs(mx_buf_str(&report.text), stderr);
    mx_buf_free(&report.text);
    mx_grid_free(grid);
    mx_config_free(config);
    return rc;
}

int mx_cmd_simulate(int argc, char **argv)
{
    struct options options = {.sets = calloc((size_t)argc, sizeof(char *))};
    struct mx_err  err = {0};
    int            rc;

    if (!options.sets)
        rc = mx_fail(&err, MX_ENOMEM, "no memory for the command line");
    else if ((rc = read_arguments(argc, argv, &options, &err)) == 0)
        rc = simulate(&options, &err);
    else if (rc == 1)
        fputs(help, stdout);
    free(options.sets);
    return rc >= 0 ? 0 : mx_command_fail(&err);
}
