#include "sweep/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/stages.h"
#include "sweep/words.h"
#include "worker/batch.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/engine.h"
#include "worker/params.h"
#include "worker/weights.h"

enum {
    MEMO_ROOM = 1024,         /* a power of two */
    PROCESS_BYTES = 64 << 20, /* an executor with nothing loaded */
    STAGE_BYTES = 4096,       /* stage.json and the header of a weights file */
    EPOCH_BYTES = 96,         /* a line of history.csv */
    TRIAL_BYTES = 1024,       /* journal records and rows of the tables */
    SWEEP_BYTES = 1 << 18,    /* configuration, provenance, log */
    SWEEP_FILES = 10,         /* of formats.md "Output directory", without log/exec-N.log */
};

/* What is assumed of one CPU, from fast to slow. */
static const struct speed {
    double flop_s, pixel_s, start_s; /* network; making batches, a value; a stage's start */
} speeds[] = {
    {60e9, 1e-9, 0.1},
    {40e9, 3e-9, 0.3},
    {15e9, 10e-9, 1},
};

enum {
    NSPEEDS = sizeof speeds / sizeof speeds[0]
};

/* One training. */
struct training {
    bool     filled, known;
    uint64_t same;
    double   seconds[NSPEEDS];
    double   disk_bytes;
    uint64_t memory_bytes;
    char     why[160]; /* it is not known */
};

enum {
    DATA_ROOM = 8
};

/* What is known of a data set: class folders are listed for it, which takes time. */
struct data {
    struct worker_params params; /* those of data count */
    struct worker_shape  shape;
    uint64_t             ntrain, ntest;
    bool                 known;
    struct mx_err        why; /* it is not */
};

struct mx_costs {
    const struct mx_grid *grid;
    struct data           data[DATA_ROOM]; /* a ring of the last ones */
    size_t                ndata;
    struct training       memo[MEMO_ROOM];
    double                new_seconds[NSPEEDS], new_bytes; /* sums over fresh stages */
    double                all_seconds[NSPEEDS], all_bytes; /* and over all uses */
    double                longest[NSPEEDS];
    uint64_t              nall, memory_bytes;
    char                 *weights;    /* the last file of weights looked into, */
    unsigned              arch, stem; /* for this network: what it decided */
    bool                  unknown;
    char                  why[160];
};

struct mx_costs *mx_costs_new(const struct mx_grid *grid, struct mx_err *err)
{
    struct mx_costs *costs = calloc(1, sizeof *costs);

    if (!costs)
        mx_fail(err, MX_ENOMEM, "no memory to estimate costs");
    else
        costs->grid = grid;
    return costs;
}

void mx_costs_free(struct mx_costs *costs)
{
    if (costs)
        free(costs->weights);
    free(costs);
}

static const struct data *data_of(struct mx_costs *costs, const struct worker_params *params)
{
    struct data *data;

    for (size_t k = 0; k < costs->ndata && k < DATA_ROOM; k++)
        if (worker_dataset_same(&costs->data[k].params, 0, params, 0))
            return &costs->data[k];
    data = &costs->data[costs->ndata++ % DATA_ROOM];
    data->params = *params;
    data->known = worker_dataset_shape(params, &data->shape, &data->why) == 0 &&
                  worker_dataset_counts(params, &data->ntrain, &data->ntest, &data->why) == 0;
    return data;
}

/* Images lie in memory as bytes, those of the validation part for a moment twice. */
static void work_out(struct training *training, const struct worker_params *params,
                     const struct data *data, const struct worker_cost *cost)
{
    double values = (double)data->shape.channels * data->shape.height * data->shape.width;
    double ntrain = (double)data->ntrain, ntest = (double)data->ntest;
    double epochs = (double)params->train_epochs;
    double nval = ntrain * params->data_val_fraction;
    double trained = (ntrain - nval) * epochs;
    double inferred = nval * epochs + ntest;
    double flop = trained * cost->train_flop + inferred * cost->infer_flop;

    for (size_t i = 0; i < NSPEEDS; i++)
        training->seconds[i] = flop / speeds[i].flop_s +
                               (trained + inferred) * values * speeds[i].pixel_s +
                               speeds[i].start_s;
    training->disk_bytes = 4 * (double)cost->parameters + epochs * EPOCH_BYTES + STAGE_BYTES;
    training->memory_bytes =
        cost->memory_bytes + (uint64_t)((ntrain + nval + ntest) * values) + PROCESS_BYTES +
        worker_batch_bytes(params, &data->shape, (uint32_t)params->train_batch_size);
    training->known = true;
}

/* model.stem auto with model.weights. A file that is not there, or none, is for
 * `run` to refuse: here the size decides. */
static void decide_stem(struct mx_costs *costs, struct worker_params *params)
{
    if (!params->model_weights[0] || params->model_stem != WORKER_STEM_AUTO)
        return;
    if (costs->weights && costs->arch == params->model_arch &&
        strcmp(costs->weights, params->model_weights) == 0) {
        params->model_stem = costs->stem;
        return;
    }
    worker_weights_stem(params, NULL);
    free(costs->weights);
    costs->weights = strdup(params->model_weights);
    costs->arch = params->model_arch;
    costs->stem = params->model_stem;
}

static int look_up(struct mx_costs *costs, struct training *training, const struct mx_point *point,
                   struct mx_err *err)
{
    struct worker_params params;
    const struct data   *data;
    struct worker_cost   cost;
    struct mx_err        why;

    training->filled = true;
    training->known = false;
    if (mx_grid_params(costs->grid, point, &params, err))
        return -1;
    decide_stem(costs, &params);
    data = data_of(costs, &params);
    if (!data->known || worker_engine_cost(&params, &data->shape, &cost, &why))
        snprintf(training->why, sizeof training->why, "%.*s", (int)sizeof training->why - 1,
                 data->known ? why.text : data->why.text);
    else
        work_out(training, &params, data, &cost);
    return 0;
}

static void add(struct mx_costs *costs, const struct training *training, bool fresh)
{
    for (size_t i = 0; i < NSPEEDS; i++) {
        costs->all_seconds[i] += training->seconds[i];
        costs->new_seconds[i] += fresh ? training->seconds[i] : 0;
        costs->longest[i] = fmax(costs->longest[i], training->seconds[i]);
    }
    costs->all_bytes += training->disk_bytes;
    costs->new_bytes += fresh ? training->disk_bytes : 0;
    costs->nall++;
    if (training->memory_bytes > costs->memory_bytes)
        costs->memory_bytes = training->memory_bytes;
}

int mx_costs_take(struct mx_costs *costs, const struct mx_point *point, uint64_t same, bool fresh,
                  struct mx_err *err)
{
    struct training *training = &costs->memo[same & (MEMO_ROOM - 1)];

    if (!training->filled || training->same != same) {
        training->same = same;
        if (look_up(costs, training, point, err))
            return -1;
    }
    if (training->known) {
        add(costs, training, fresh);
    } else if (!costs->unknown) {
        costs->unknown = true;
        memcpy(costs->why, training->why, sizeof costs->why);
    }
    return 0;
}

/* A sum over distinct trainings: exact while they are counted exactly, else
 * the mean over all uses times their estimated number. */
static double total(const struct mx_costs *costs, const struct mx_kind_counts *train,
                    double repeats, double of_new, double of_all)
{
    if (!train->estimated)
        return of_new * repeats;
    return costs->nall ? of_all / (double)costs->nall * (double)train->planned : 0;
}

static void fill_hours(const struct mx_costs *costs, double repeats, unsigned workers,
                       struct mx_estimate *estimate)
{
    const struct mx_kind_counts *train = &estimate->kinds[WORKER_STAGE_TRAIN];
    double                       hours[NSPEEDS];

    for (size_t i = 0; i < NSPEEDS; i++)
        hours[i] = fmax(total(costs, train, repeats, costs->new_seconds[i], costs->all_seconds[i]) /
                            workers,
                        costs->longest[i]) /
                   3600;
    estimate->hours_low = hours[0];
    estimate->hours_mid = hours[1];
    estimate->hours_high = hours[2];
    estimate->timed = true;
    snprintf(estimate->basis, sizeof estimate->basis,
             "%u %s of one CPU each, assumed to train at %g, %g and %g GFLOP/s; nothing was "
             "measured",
             workers, workers == 1 ? "executor" : "executors", speeds[0].flop_s / 1e9,
             speeds[1].flop_s / 1e9, speeds[2].flop_s / 1e9);
}

static uint64_t whole(double x)
{
    return x < 18e18 ? (uint64_t)llround(fmin(x, 9e18)) : (uint64_t)18e18;
}

static void fill_disk(const struct mx_costs *costs, const struct mx_config *config, double repeats,
                      unsigned workers, struct mx_estimate *estimate)
{
    const struct mx_kind_counts *train = &estimate->kinds[WORKER_STAGE_TRAIN];
    double                       files = SWEEP_FILES + (double)workers;
    double bytes = SWEEP_BYTES + (double)estimate->counts.trials * TRIAL_BYTES;

    for (size_t k = 0; k < mx_stage_nkinds; k++)
        files += (double)estimate->kinds[mx_stage_kinds[k].kind].planned * mx_stage_kinds[k].files;
    if (config->base[KEY_SCHEDULE_KEEP].choice == MX_KEEP_RESULTS) {
        files -= (double)train->planned;
        bytes += (double)train->planned * STAGE_BYTES;
    } else {
        bytes += total(costs, train, repeats, costs->new_bytes, costs->all_bytes);
    }
    estimate->files = whole(files);
    estimate->disk_bytes = whole(bytes);
}

void mx_costs_fill(const struct mx_costs *costs, const struct mx_config *config, unsigned workers,
                   struct mx_estimate *estimate)
{
    double repeats = (double)config->base[KEY_REPEATS].integer;

    if (!estimate->counts.counted) {
        snprintf(estimate->basis, sizeof estimate->basis,
                 "more than %d points: not walked through, so only their number is known",
                 MX_ESTIMATE_POINTS);
        return;
    }
    fill_disk(costs, config, repeats, workers, estimate);
    estimate->memory_bytes = costs->memory_bytes;
    if (costs->unknown)
        snprintf(estimate->basis, sizeof estimate->basis, "unknown: %s", costs->why);
    else
        fill_hours(costs, repeats, workers, estimate);
}
