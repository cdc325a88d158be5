/* cmd_simulate.c - `mixsweep simulate`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sweep/bench_dispatch.h"
#include "sweep/command.h"
#include "sweep/config.h"
#include "sweep/estimate.h"
#include "sweep/plan_early.h"
#include "sweep/simulate.h"

enum {
    MOST_WORKERS = 1000000,
    BATCH_MAX = 256, /* as `run` does it */
};
static const double batch_s = 0.1;

struct options {
    bool                  json, smoke;
    int64_t               workers, seed;          /* workers 0: not given */
    double                failure_rate, event_us; /* event_us 0: measured */
    struct mx_option_list sets;
};

static const struct mx_option known[] = {
    {.name = "workers",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, workers),
     .low = 1,
     .high = MOST_WORKERS,
     .help = "executors, up to 1,000,000"},
    {.name = "failure-rate",
     .value = "F",
     .kind = MX_OPTION_REAL,
     .at = offsetof(struct options, failure_rate),
     .high = 1,
     .give = "a share from 0 to 1",
     .help = "share of attempts that end with the death of their executor (0)"},
    {.name = "seed",
     .value = "S",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, seed),
     .high = INT64_MAX,
     .give = "a whole number, 0 or more",
     .help = "of the deaths and the times (0)"},
    {.name = "event-us",
     .value = "U",
     .kind = MX_OPTION_REAL,
     .at = offsetof(struct options, event_us),
     .high = 1e6,
     .give = "microseconds, up to 1000000",
     .help = "what rank 0 takes for an event, in microseconds (measured here)"},
    MX_OPTION_JSON(struct options, json, "one JSON object"),
    MX_OPTION_SET(struct options, sets),
    MX_OPTION_SMOKE(struct options, smoke),
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep simulate ratios.yaml --workers 64 --failure-rate 0.01",
     "On 64 executors, of which one attempt in a hundred dies:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_simulate = {
    .command = "simulate",
    .forms = {"simulate CONFIG --workers N [OPTIONS]"},
    .takes = "one CONFIG",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_CONFIGS,
    .summary = "play a sweep with executors that are none: how long, how busy",
    .about =
        "Play a sweep without running it: the real scheduler, N executors that are none, a "
        "virtual clock. Stages take what `mixsweep plan` thinks that stages of their kind take, "
        "20 % more or less; a message takes 1 ms for its way. What rank 0 takes for an event is "
        "measured first, with two small sweeps of trials that do nothing: its CPU time for the "
        "message, the records, the scheduler and the tables of a trial.",
    .options = known,
    .examples = examples,
    .exits = "0, or 2 for usage and configuration.",
};

/* Nothing is run, so no data is read. */
static int no_fingerprint(void *user, const struct worker_params *params, uint64_t *fingerprint,
                          struct mx_err *err)
{
    (void)user, (void)params, (void)err;
    *fingerprint = 0;
    return 0;
}

static void print_json(const struct options *options, double event_s, const struct mx_simulated *s)
{
    struct mx_buf  text = {0};
    struct mx_json json = {.out = &text};

    mx_json_object(&json, NULL);
    mx_json_uint(&json, "seed", (uint64_t)options->seed);
    mx_json_real(&json, "makespan_s", s->makespan_s);
    mx_json_real(&json, "utilisation", s->utilisation);
    mx_json_uint(&json, "planned", s->planned);
    for (int state = MX_STATE_DONE; state < MX_STATES; state++)
        mx_json_uint(&json, mx_state_names[state], s->by_state[state]);
    mx_json_uint(&json, "lost", s->lost);
    mx_json_uint(&json, "duplicated", s->duplicated);
    mx_json_uint(&json, "deaths", s->deaths);
    mx_json_uint(&json, "events", s->events);
    mx_json_real(&json, "event_s", event_s);
    mx_json_bool(&json, "event_measured", options->event_us <= 0);
    mx_json_real(&json, "rank_0_share", s->root_share);
    mx_json_end_object(&json);
    puts(mx_buf_str(&text));
    mx_buf_free(&text);
}

static void print_text(const struct options *options, double event_s, const struct mx_simulated *s)
{
    printf("makespan     %.1f s (%.2f hours)\n", s->makespan_s, s->makespan_s / 3600);
    printf("executors    %u, %.1f %% of their time at work\n", (unsigned)options->workers,
           100 * s->utilisation);
    printf("trials       %" PRIu64 " planned", s->planned);
    for (int state = MX_STATE_DONE; state < MX_STATES; state++)
        if (s->by_state[state] > 0 || state == MX_STATE_DONE)
            printf(", %" PRIu64 " %s", s->by_state[state], mx_state_names[state]);
    printf("; %" PRIu64 " lost, %" PRIu64 " duplicated\n", s->lost, s->duplicated);
    printf("deaths       %" PRIu64 ", which took %.1f s of work with them\n", s->deaths,
           s->wasted_s);
    printf("events       %" PRIu64 ", %.1f us each at rank 0, %s: %.1f %% of its time\n", s->events,
           1e6 * event_s, options->event_us > 0 ? "as told" : "as measured here",
           100 * s->root_share);
}

static int play(const struct options *options, const struct mx_config *config,
                const struct mx_grid *grid, struct mx_err *err)
{
    struct mx_simulate_options playing = {.workers = (unsigned)options->workers,
                                          .failure_rate = options->failure_rate,
                                          .seed = (uint64_t)options->seed,
                                          .event_s = 1e-6 * options->event_us};
    struct mx_simulated        simulated;
    struct mx_estimate         estimate;
    struct mx_plan            *plan;
    int                        rc;

    if (mx_estimate(config, grid, (unsigned)options->workers, &estimate, err))
        return -1;
    if (!estimate.timed)
        return mx_fail(err, MX_EINVAL, "%s: how long its stages take is %.200s", config->file,
                       estimate.basis);
    memcpy(playing.kind_s, estimate.kind_s, sizeof playing.kind_s);
    playing.sched = (struct mx_sched_options){
        .retries = (unsigned)config->base[KEY_SCHEDULE_RETRIES].integer,
        .trial_timeout_s = config->base[KEY_SCHEDULE_TRIAL_TIMEOUT].real,
        .batch_seconds = batch_s,
        .batch_max = BATCH_MAX,
        .early = mx_plan_early_rule(config),
    };
    if (options->event_us <= 0 && mx_dispatch_event_s(&playing.event_s, err))
        return mx_err_prefix(err, "what an event takes cannot be measured; give --event-us");
    if (!(plan = mx_plan_new(config, grid, no_fingerprint, NULL, err)))
        return -1;
    rc = mx_simulate(plan, &playing, &simulated, err);
    mx_plan_free(plan);
    if (rc == 0 && options->json)
        print_json(options, playing.event_s, &simulated);
    else if (rc == 0)
        print_text(options, playing.event_s, &simulated);
    return rc;
}

static int simulate(const struct options *options, const char *file, struct mx_err *err)
{
    struct mx_config_report report = {.errors = 0};
    struct mx_config       *config = mx_config_read(file, options->sets.items, options->sets.count,
                                                    options->smoke, &report, err);
    struct mx_grid         *grid = config ? mx_grid_new(config, err) : NULL;
    int                     rc = grid ? play(options, config, grid, err) : -1;

    fputs(mx_buf_str(&report.text), stderr);
    mx_buf_free(&report.text);
    mx_grid_free(grid);
    mx_config_free(config);
    return rc;
}

int mx_cmd_simulate(int argc, char **argv)
{
    struct options options = {.json = false};
    struct mx_err  err = {0};
    const char    *file;
    size_t         n;
    int            rc = mx_command_read(&mx_usage_simulate, argc, argv, &options, &file, &n, &err);

    if (rc == 0 && options.workers == 0)
        rc = mx_fail(&err, MX_EINVAL, "simulate needs --workers N");
    if (rc == 0)
        rc = simulate(&options, file, &err);
    free(options.sets.items);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
