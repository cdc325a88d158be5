#include "sweep/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/axis.h"
#include "sweep/cost_cross.h"
#include "sweep/cost_data.h"
#include "sweep/cost_head.h"
#include "sweep/cost_maps.h"
#include "sweep/cost_scores.h"
#include "sweep/cross.h"
#include "sweep/stages.h"
#include "sweep/words.h"
#include "worker/batch.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/engine.h"
#include "worker/features.h"
#include "worker/params.h"
#include "worker/resamples.h"
#include "worker/weights.h"

enum {
    MEMO_ROOM = 1024,         /* a power of two */
    PROCESS_BYTES = 64 << 20, /* an executor with nothing loaded */
    STAGE_BYTES = 4096,       /* stage.json and the header of a weights file */
    EPOCH_BYTES = 96,         /* a line of history.csv */
    MAP_ROW_BYTES = 32,       /* a line of images.csv */
    TRIAL_BYTES = 1024,       /* journal records and rows of the tables */
    SWEEP_BYTES = 1 << 18,    /* configuration, provenance, log */
    HEAD_FILES = 7,           /* of a head with epochs and a support set */
    SWEEP_FILES = 10,         /* of formats.md "Output directory", without log/exec-N.log */
};

static const double head_start_s = 0.01;

/* What is assumed of one CPU, from fast to slow. Networks: a core with AVX2 trains resnet50 and
 * vgg11_bn at 71 to 74 GFLOP/s, resnet8 at 75, resnet20 at 90, resnet18 at 150 (docs/training.md). */
static const struct speed {
    double flop_s, pixel_s, start_s; /* network; making batches, a value; a stage's start */
    double head_flop_s;              /* heads: few long rows at a time */
} speeds[] = {
    {150e9, 1e-9, 0.1, 10e9},
    {75e9, 3e-9, 0.3, 5e9},
    {20e9, 10e-9, 1, 1e9},
};

enum {
    NSPEEDS = sizeof speeds / sizeof speeds[0]
};

/* One stage. */
struct work {
    bool     filled, known;
    uint64_t same;
    double   seconds[NSPEEDS];
    double   disk_bytes, files;        /* files: beyond those of any stage of its kind */
    uint64_t memory_bytes, kept_bytes; /* kept: in memory while other stages run */
    uint64_t shared_bytes;             /* of memory_bytes */
    char     why[160];                 /* it is not known */

    struct mx_head_size head;
};

/* Sums over stages of a kind: fresh ones, and all uses. */
struct sums {
    double   new_seconds[NSPEEDS], new_bytes, new_files;
    double   all_seconds[NSPEEDS], all_bytes, all_files;
    double   longest[NSPEEDS];
    uint64_t nall;
};

struct mx_costs {
    const struct mx_grid *grid;
    struct mx_cost_sets   sets;
    struct work           memo[MEMO_ROOM];
    struct sums           sums[WORKER_STAGE_KINDS];
    uint64_t              memory_bytes, kept_bytes, own_bytes;
    struct worker_params  scorer; /* of a comparison of models, and its images */
    double                scorer_images;
    char                 *weights;    /* the last file of weights looked into, */
    unsigned              arch, stem; /* for this network: what it decided */
    bool                  unknown;
    char                  why[160];
};

struct mx_costs *mx_costs_new(const struct mx_grid *grid, bool smoke, struct mx_err *err)
{
    struct mx_costs *costs = calloc(1, sizeof *costs);

    if (!costs)
        mx_fail(err, MX_ENOMEM, "no memory to estimate costs");
    else {
        costs->grid = grid;
        costs->sets.smoke = smoke;
    }
    return costs;
}

void mx_costs_free(struct mx_costs *costs)
{
    if (costs)
        free(costs->weights);
    free(costs);
}

/* What a stage is about. */
struct sizes {
    const struct worker_params *params;
    struct mx_cost_set         *data;
    struct worker_cost          cost; /* of the network at the stage's batch size */
    double                      values, train, val, test;
};

static void work_out_training(struct work *work, const struct sizes *s)
{
    double epochs = (double)s->params->train_epochs;
    double trained = s->train * epochs, inferred = s->val * epochs + s->test;
    double flop = trained * s->cost.train_flop + inferred * s->cost.infer_flop;

    for (size_t i = 0; i < NSPEEDS; i++)
        work->seconds[i] = flop / speeds[i].flop_s +
                           (trained + inferred) * s->values * speeds[i].pixel_s + speeds[i].start_s;
    work->disk_bytes = 4 * (double)s->cost.parameters + epochs * EPOCH_BYTES + STAGE_BYTES;
    work->memory_bytes =
        s->cost.memory_bytes + mx_cost_set_bytes(s->data, s->params) + PROCESS_BYTES +
        worker_batch_bytes(s->params, &s->data->shape, (uint32_t)s->params->train_batch_size);
}

static void work_out_features(struct work *work, const struct sizes *s)
{
    double images = s->train + s->val + s->test;

    for (size_t i = 0; i < NSPEEDS; i++)
        work->seconds[i] = images * s->cost.infer_flop / speeds[i].flop_s +
                           images * s->values * speeds[i].pixel_s + speeds[i].start_s;
    work->disk_bytes = images * (4 * (double)s->cost.features + 8) +
                       4 * (double)s->cost.features * s->data->shape.classes + STAGE_BYTES;
    work->memory_bytes = s->cost.memory_bytes + mx_cost_set_bytes(s->data, s->params) +
                         PROCESS_BYTES +
                         worker_batch_bytes(s->params, &s->data->shape, WORKER_FEATURE_BATCH);
}

/* What the heads on one network share; the rest is added for each, since grids of
 * heads are large. They leave nothing on disk, but under schedule.keep all. */
static void work_out_head(struct work *work, const struct sizes *s)
{
    work->head =
        (struct mx_head_size){s->train, s->val, s->test, s->cost.features, s->data->shape.classes};
    work->memory_bytes = mx_cost_set_bytes(s->data, s->params) + PROCESS_BYTES;
}

static void add_head(struct work *work, const struct mx_value *value)
{
    const double number = value[KEY_HEAD_PRECISION].choice == WORKER_F64 ? 8 : 4;
    const double images = work->head.train + work->head.val + work->head.test;
    const double flop = mx_head_flop(value, &work->head);

    for (size_t i = 0; i < NSPEEDS; i++)
        work->seconds[i] = flop / speeds[i].head_flop_s + head_start_s;
    work->kept_bytes = (uint64_t)(images * (work->head.dims * number + 8)) + WORKER_RESAMPLES_BYTES;
    work->memory_bytes += (uint64_t)mx_head_bytes(value, &work->head);
}

static void work_out_maps(struct work *work, const struct sizes *s)
{
    const double images = fmin((double)s->params->score_images, s->test);
    const double flop = images * s->cost.infer_flop * mx_maps_passes(s->params, &s->data->shape);
    const double pixels = (double)s->data->shape.height * s->data->shape.width;

    for (size_t i = 0; i < NSPEEDS; i++)
        work->seconds[i] = flop / speeds[i].flop_s + speeds[i].start_s;
    work->disk_bytes =
        images * (4 * pixels * mx_maps_count(s->params) + MAP_ROW_BYTES) + STAGE_BYTES;
    work->memory_bytes = mx_cost_set_bytes(s->data, s->params) + PROCESS_BYTES +
                         mx_maps_bytes(s->params, &s->data->shape);
}

static void work_out_scores(struct work *work, const struct sizes *s)
{
    const struct mx_scores_size size = {fmin((double)s->params->score_images, s->test), s->val,
                                        s->test, mx_maps_bytes(s->params, &s->data->shape)};
    const struct mx_scores_cost cost = mx_scores_cost(s->params, &s->data->shape, &size);

    for (size_t i = 0; i < NSPEEDS; i++)
        work->seconds[i] =
            (cost.passes * s->cost.infer_flop + cost.flop) / speeds[i].flop_s + speeds[i].start_s;
    work->disk_bytes = cost.disk_bytes + STAGE_BYTES;
    work->files = cost.files;
    work->memory_bytes = s->cost.memory_bytes + mx_cost_set_bytes(s->data, s->params) +
                         PROCESS_BYTES + cost.memory_bytes +
                         worker_batch_bytes(s->params, &s->data->shape, WORKER_FEATURE_BATCH);
}

/* What one model has to do for the maps of one: of itself or of another. */
static void work_out_scorer(struct work *work, const struct sizes *s)
{
    const double images = fmin((double)s->params->score_inter_model_images, s->test);
    const double passes = mx_cross_passes(s->params, images);
    const double pixels = (double)s->data->shape.height * s->data->shape.width;

    for (size_t i = 0; i < NSPEEDS; i++)
        work->seconds[i] =
            passes * (s->cost.infer_flop / speeds[i].flop_s + s->values * speeds[i].pixel_s);
    work->disk_bytes = 4 * mx_cross_numbers(s->params, images);
    work->memory_bytes = s->cost.memory_bytes + mx_cost_set_bytes(s->data, s->params) +
                         PROCESS_BYTES + (uint64_t)(3 * 4 * images * pixels);
}

static void (*const work_out[WORKER_STAGE_KINDS])(struct work *, const struct sizes *) = {
    [WORKER_STAGE_TRAIN] = work_out_training, [WORKER_STAGE_FEATURES] = work_out_features,
    [WORKER_STAGE_HEAD] = work_out_head,      [WORKER_STAGE_MAPS] = work_out_maps,
    [WORKER_STAGE_SCORES] = work_out_scores,  [WORKER_STAGE_SCORER] = work_out_scorer,
};

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

/* The network as the stage has it. */
static void fit_params(enum worker_kind kind, struct worker_params *params)
{
    if (kind == WORKER_STAGE_TRAIN)
        return;
    params->mix_strategy = WORKER_MIX_NONE;
    params->train_batch_size = WORKER_FEATURE_BATCH;
}

static int look_up(struct mx_costs *costs, struct work *work, enum worker_kind kind,
                   const struct mx_point *point, struct mx_err *err)
{
    struct worker_params params;
    struct sizes         sizes = {.params = &params};
    struct mx_err        why;

    *work = (struct work){.filled = true, .same = work->same};
    if (mx_grid_params(costs->grid, point, &params, err))
        return -1;
    decide_stem(costs, &params);
    fit_params(kind, &params);
    sizes.data = mx_cost_set_find(&costs->sets, &params);
    if (!sizes.data->known || worker_engine_cost(&params, &sizes.data->shape, &sizes.cost, &why)) {
        snprintf(work->why, sizeof work->why, "%.*s", (int)sizeof work->why - 1,
                 sizes.data->known ? why.text : sizes.data->why.text);
        return 0;
    }
    sizes.values =
        (double)sizes.data->shape.channels * sizes.data->shape.height * sizes.data->shape.width;
    sizes.val = (double)sizes.data->ntrain * params.data_val_fraction;
    sizes.train = (double)sizes.data->ntrain - sizes.val;
    sizes.test = (double)sizes.data->ntest;
    work_out[kind](work, &sizes);
    work->shared_bytes = mx_cost_set_shared(&costs->sets, sizes.data, &params);
    if (kind == WORKER_STAGE_SCORER) {
        costs->scorer = params;
        costs->scorer_images = fmin((double)params.score_inter_model_images, sizes.test);
    }
    work->known = true;
    return 0;
}

static void add(struct mx_costs *costs, enum worker_kind kind, const struct work *work, bool fresh)
{
    struct sums *sums = &costs->sums[kind];

    for (size_t i = 0; i < NSPEEDS; i++) {
        sums->all_seconds[i] += work->seconds[i];
        sums->new_seconds[i] += fresh ? work->seconds[i] : 0;
        sums->longest[i] = fmax(sums->longest[i], work->seconds[i]);
    }
    sums->all_bytes += work->disk_bytes;
    sums->new_bytes += fresh ? work->disk_bytes : 0;
    sums->all_files += work->files;
    sums->new_files += fresh ? work->files : 0;
    sums->nall++;
    if (work->memory_bytes > costs->memory_bytes)
        costs->memory_bytes = work->memory_bytes;
    if (work->memory_bytes - work->shared_bytes > costs->own_bytes)
        costs->own_bytes = work->memory_bytes - work->shared_bytes;
    if (work->kept_bytes > costs->kept_bytes)
        costs->kept_bytes = work->kept_bytes;
}

int mx_costs_take(struct mx_costs *costs, enum worker_kind kind, const struct mx_point *point,
                  uint64_t same, bool fresh, struct mx_err *err)
{
    const uint64_t name = mx_mix64(same + kind);
    struct work   *work = &costs->memo[name & (MEMO_ROOM - 1)];

    if (!work->filled || work->same != name) {
        work->same = name;
        if (look_up(costs, work, kind, point, err))
            return -1;
    }
    if (work->known) {
        struct work own = *work;

        if (kind == WORKER_STAGE_HEAD)
            add_head(&own, point->value);
        add(costs, kind, &own, fresh);
    } else if (!costs->unknown) {
        costs->unknown = true;
        memcpy(costs->why, work->why, sizeof costs->why);
    }
    return 0;
}

/* What is worked out for a pair of models, for all pairs. */
static double of_pairs(const struct mx_costs *costs, const struct mx_estimate *estimate, double sum)
{
    const uint64_t n = costs->sums[WORKER_STAGE_SCORER].nall;

    return n > 0 ? sum / (double)n * estimate->cross.pairs : 0;
}

/* A sum over distinct stages: exact while they are counted exactly, else the
 * mean over all uses times their estimated number. */
static double total(const struct sums *sums, const struct mx_kind_counts *counts, double repeats,
                    double of_new, double of_all)
{
    if (!counts->estimated)
        return of_new * repeats;
    return sums->nall ? of_all / (double)sums->nall * (double)counts->planned : 0;
}

/* Of the last scorer that was looked up. */
static struct mx_cross_join join_of(const struct mx_costs    *costs,
                                    const struct mx_estimate *estimate)
{
    return estimate->cross.models > 0 && costs->scorer_images > 0
               ? mx_cross_join(estimate, &costs->scorer, costs->scorer_images)
               : (struct mx_cross_join){0};
}

static void fill_hours(const struct mx_costs *costs, const struct mx_config *config,
                       unsigned workers, struct mx_estimate *estimate)
{
    const double               repeats = (double)config->base[KEY_REPEATS].integer;
    const double               share = mx_cross_share(estimate, config, &costs->scorer);
    const struct mx_cross_join join = join_of(costs, estimate);
    double                     hours[NSPEEDS], cross[NSPEEDS];

    for (size_t i = 0; i < NSPEEDS; i++) {
        double sum = 0, longest = 0;

        for (size_t k = 0; k < WORKER_STAGE_KINDS; k++) {
            const struct sums *sums = &costs->sums[k];

            if (mx_cross_kind((enum worker_kind)k))
                continue;
            sum += total(sums, &estimate->kinds[k], repeats, sums->new_seconds[i],
                         sums->all_seconds[i]);
            longest += sums->longest[i];
        }
        cross[i] =
            share * of_pairs(costs, estimate, costs->sums[WORKER_STAGE_SCORER].new_seconds[i]) +
            join.operations / speeds[i].head_flop_s;
        hours[i] = (fmax(sum / workers, longest) + cross[i] / workers) / 3600;
    }
    estimate->cross.hours_mid = cross[1] / workers / 3600;
    for (size_t k = 0; k < WORKER_STAGE_KINDS; k++)
        if (costs->sums[k].nall > 0)
            estimate->kind_s[k] = costs->sums[k].all_seconds[1] / (double)costs->sums[k].nall;
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

/* What stages of a kind leave. Under keep results the files that they write for
 * others go, and under keep all there is a folder for each head. */
static void add_disk(const struct mx_costs *costs, const struct mx_stage_kind *kind, unsigned keep,
                     double repeats, const struct mx_estimate *estimate, double *bytes,
                     double *files)
{
    const struct mx_kind_counts *counts = &estimate->kinds[kind->kind];
    const struct sums           *sums = &costs->sums[kind->kind];
    const double                 planned = (double)counts->planned;

    if (mx_cross_kind(kind->kind)) {
        const struct mx_cross_join join = join_of(costs, estimate);

        *files += kind->kind == WORKER_STAGE_SCORER        ? planned * kind->files
                  : kind->kind == WORKER_STAGE_INTER_MODEL ? join.files
                                                           : 0;
        *bytes += kind->kind == WORKER_STAGE_SCORER
                      ? of_pairs(costs, estimate, sums->new_bytes) + planned * STAGE_BYTES
                  : kind->kind == WORKER_STAGE_INTER_MODEL ? join.disk_bytes
                                                           : 0;
    } else if (kind->kind == WORKER_STAGE_HEAD) {
        *files += keep == MX_KEEP_ALL ? planned * HEAD_FILES : 0;
        *bytes += keep == MX_KEEP_ALL ? planned * STAGE_BYTES : 0;
    } else if (keep == MX_KEEP_RESULTS) {
        *files += planned * (kind->kind == WORKER_STAGE_TRAIN  ? kind->files - 1
                             : kind->kind == WORKER_STAGE_MAPS ? 2 /* images.csv stays */
                                                               : 1);
        *bytes += planned * STAGE_BYTES;
    } else {
        *files +=
            planned * kind->files + total(sums, counts, repeats, sums->new_files, sums->all_files);
        *bytes += total(sums, counts, repeats, sums->new_bytes, sums->all_bytes);
    }
}

static void fill_disk(const struct mx_costs *costs, const struct mx_config *config, double repeats,
                      unsigned workers, struct mx_estimate *estimate)
{
    const unsigned keep = config->base[KEY_SCHEDULE_KEEP].choice;
    double         files = SWEEP_FILES + (double)workers;
    double         bytes = SWEEP_BYTES + (double)estimate->counts.trials * TRIAL_BYTES;

    for (size_t k = 0; k < mx_stage_nkinds; k++)
        add_disk(costs, &mx_stage_kinds[k], keep, repeats, estimate, &bytes, &files);
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
    estimate->memory_bytes = costs->memory_bytes + costs->kept_bytes;
    estimate->shared_bytes = costs->sets.shared_bytes;
    estimate->own_bytes = costs->own_bytes + costs->kept_bytes;
    if (estimate->memory_bytes < (uint64_t)join_of(costs, estimate).memory_bytes + PROCESS_BYTES &&
        estimate->cross.models > 0)
        estimate->own_bytes = estimate->memory_bytes =
            (uint64_t)join_of(costs, estimate).memory_bytes + PROCESS_BYTES;
    if (costs->unknown)
        snprintf(estimate->basis, sizeof estimate->basis, "unknown: %s", costs->why);
    else
        fill_hours(costs, config, workers, estimate);
}
