#include "sweep/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/axis.h"
#include "sweep/cost_cross.h"
#include "sweep/cost_data.h"
#include "sweep/cost_early.h"
#include "sweep/cost_work.h"
#include "sweep/cross.h"
#include "sweep/stages.h"
#include "sweep/words.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/engine.h"
#include "worker/features.h"
#include "worker/params.h"
#include "worker/weights.h"

enum {
    MEMO_ROOM = 1024,      /* a power of two */
    MID = 1,               /* of mx_cost_speeds */
    TRIAL_BYTES = 1024,    /* journal records and rows of the tables */
    SWEEP_BYTES = 1 << 18, /* configuration, provenance, log */
    HEAD_FILES = 7,        /* of a head with epochs and a support set */
    SWEEP_FILES = 13,      /* of the output directory, with sweep.log.1, without log/exec-N.log */
};

/* Sums over stages of a kind: fresh ones, and all uses. */
struct sums {
    double   new_seconds[MX_COST_SPEEDS], new_bytes, new_files;
    double   all_seconds[MX_COST_SPEEDS], all_bytes, all_files;
    double   longest[MX_COST_SPEEDS];
    uint64_t nall;
};

struct mx_costs {
    const struct mx_config *config;
    const struct mx_grid   *grid;
    struct mx_cost_early    early;
    struct mx_cost_sets     sets;
    struct mx_cost_work     memo[MEMO_ROOM];
    struct sums             sums[WORKER_STAGE_KINDS];
    uint64_t                memory_bytes, kept_bytes, own_bytes;
    struct worker_params    scorer; /* of a comparison of models, and its images */
    double                  scorer_images;
    char                   *weights;    /* the last file of weights looked into, */
    unsigned                arch, stem; /* for this network: what it decided */
    bool                    unknown;
    char                    why[160];
};

struct mx_costs *mx_costs_new(const struct mx_config *config, const struct mx_grid *grid,
                              struct mx_err *err)
{
    struct mx_costs *costs = calloc(1, sizeof *costs);

    if (!costs)
        mx_fail(err, MX_ENOMEM, "no memory to estimate costs");
    else {
        costs->config = config;
        costs->grid = grid;
        costs->sets.smoke = config->smoke;
    }
    return costs;
}

void mx_costs_free(struct mx_costs *costs)
{
    if (costs)
        free(costs->weights);
    free(costs);
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

/* The network as the stage has it. */
static void fit_params(enum worker_kind kind, struct worker_params *params)
{
    if (kind == WORKER_STAGE_TRAIN)
        return;
    params->mix_strategy = WORKER_MIX_NONE;
    params->train_batch_size = WORKER_FEATURE_BATCH;
}

static int look_up(struct mx_costs *costs, struct mx_cost_work *work, enum worker_kind kind,
                   const struct mx_point *point, struct mx_err *err)
{
    struct worker_params params;
    struct mx_cost_sizes sizes = {.params = &params};
    struct mx_err        why;

    *work = (struct mx_cost_work){.filled = true, .same = work->same};
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
    mx_cost_work_out[kind](work, &sizes);
    work->shared_bytes = mx_cost_set_shared(&costs->sets, sizes.data, &params);
    if (kind == WORKER_STAGE_SCORER) {
        costs->scorer = params;
        costs->scorer_images = fmin((double)params.score_inter_model_images, sizes.test);
    }
    work->known = true;
    return 0;
}

static void add(struct mx_costs *costs, enum worker_kind kind, const struct mx_cost_work *work,
                bool fresh)
{
    struct sums *sums = &costs->sums[kind];

    for (size_t i = 0; i < MX_COST_SPEEDS; i++) {
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
    const uint64_t       name = mx_mix64(same + kind);
    struct mx_cost_work *work = &costs->memo[name & (MEMO_ROOM - 1)];

    if (!work->filled || work->same != name) {
        work->same = name;
        if (look_up(costs, work, kind, point, err))
            return -1;
    }
    if (work->known) {
        struct mx_cost_work own = *work;

        if (kind == WORKER_STAGE_HEAD)
            mx_cost_add_head(&own, point->value);
        add(costs, kind, &own, fresh);
        if (fresh && kind == WORKER_STAGE_TRAIN)
            mx_cost_early_take(&costs->early, costs->config,
                               (uint32_t)point->value[KEY_TRAIN_EPOCHS].integer, own.seconds[MID]);
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

/* What early stopping leaves. */
static struct mx_cost_early_shares left_of(const struct mx_costs    *costs,
                                           const struct mx_estimate *estimate)
{
    const double repeats = (double)costs->config->base[KEY_REPEATS].integer;
    const double n = (double)estimate->kinds[WORKER_STAGE_TRAIN].planned / repeats;

    return mx_cost_early_shares(&costs->early, costs->config, n);
}

/* Of the last scorer that was looked up. */
static struct mx_cross_join join_of(const struct mx_costs    *costs,
                                    const struct mx_estimate *estimate)
{
    return estimate->cross.models > 0 && costs->scorer_images > 0
               ? mx_cross_join(estimate, &costs->scorer, costs->scorer_images)
               : (struct mx_cross_join){0};
}

/* Of all stages of a kind: what follows from trainings that are stopped is not run. */
static double kind_seconds(const struct mx_costs *costs, enum worker_kind kind, size_t speed,
                           const struct mx_estimate *estimate)
{
    const double                      repeats = (double)costs->config->base[KEY_REPEATS].integer;
    const struct sums                *sums = &costs->sums[kind];
    const struct mx_cost_early_shares left = left_of(costs, estimate);

    return total(sums, &estimate->kinds[kind], repeats, sums->new_seconds[speed],
                 sums->all_seconds[speed]) *
           (kind == WORKER_STAGE_TRAIN ? left.seconds : left.ended);
}

/* What a stage of each kind takes. One that scores does so with the maps of all models: what was
 * worked out is one model's. */
static void fill_kinds(const struct mx_costs *costs, struct mx_estimate *estimate)
{
    const struct mx_cross_join   join = join_of(costs, estimate);
    const struct mx_kind_counts *joined = &estimate->kinds[WORKER_STAGE_INTER_MODEL];
    const struct mx_kind_counts *scorers = &estimate->kinds[WORKER_STAGE_SCORER];

    for (size_t k = 0; k < WORKER_STAGE_KINDS; k++)
        if (costs->sums[k].nall > 0)
            estimate->kind_s[k] = costs->sums[k].all_seconds[MID] / (double)costs->sums[k].nall;
    if (scorers->planned > 0)
        estimate->kind_s[WORKER_STAGE_SCORER] *=
            mx_cross_share(estimate, costs->config, &costs->scorer) * estimate->cross.pairs /
            (double)scorers->planned;
    if (joined->planned > 0)
        estimate->kind_s[WORKER_STAGE_INTER_MODEL] =
            join.operations / mx_cost_speeds[MID].head_flop_s / (double)joined->planned;
}

static void fill_hours(const struct mx_costs *costs, unsigned workers, struct mx_estimate *estimate)
{
    const double ended = left_of(costs, estimate).ended;
    const double share = mx_cross_share(estimate, costs->config, &costs->scorer) * ended * ended;
    const struct mx_cross_join join = join_of(costs, estimate);
    double                     hours[MX_COST_SPEEDS], cross[MX_COST_SPEEDS];

    for (size_t i = 0; i < MX_COST_SPEEDS; i++) {
        double sum = 0, longest = 0;

        for (size_t k = 0; k < WORKER_STAGE_KINDS; k++) {
            if (mx_cross_kind((enum worker_kind)k))
                continue;
            sum += kind_seconds(costs, (enum worker_kind)k, i, estimate);
            longest += costs->sums[k].longest[i];
        }
        cross[i] =
            share * of_pairs(costs, estimate, costs->sums[WORKER_STAGE_SCORER].new_seconds[i]) +
            join.operations / mx_cost_speeds[i].head_flop_s;
        hours[i] = (fmax(sum / workers, longest) + cross[i] / workers) / 3600;
        if (i >= MX_COST_GPU) {
            estimate->on_gpu[i - MX_COST_GPU].all_s = sum + cross[i];
            estimate->on_gpu[i - MX_COST_GPU].longest_s = longest;
        }
    }
    estimate->cross.hours_mid = cross[MID] / workers / 3600;
    fill_kinds(costs, estimate);
    estimate->hours_low = hours[0];
    estimate->hours_mid = hours[1];
    estimate->hours_high = hours[2];
    estimate->timed = true;
    snprintf(estimate->basis, sizeof estimate->basis,
             "%u %s of one CPU each, assumed to train at %g, %g and %g GFLOP/s; nothing was "
             "measured",
             workers, workers == 1 ? "executor" : "executors", mx_cost_speeds[0].flop_s / 1e9,
             mx_cost_speeds[1].flop_s / 1e9, mx_cost_speeds[2].flop_s / 1e9);
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
                      ? of_pairs(costs, estimate, sums->new_bytes) + planned * MX_COST_STAGE_BYTES
                  : kind->kind == WORKER_STAGE_INTER_MODEL ? join.disk_bytes
                                                           : 0;
    } else if (kind->kind == WORKER_STAGE_HEAD) {
        *files += keep == MX_KEEP_ALL ? planned * HEAD_FILES : 0;
        *bytes += keep == MX_KEEP_ALL ? planned * MX_COST_STAGE_BYTES : 0;
    } else if (keep == MX_KEEP_RESULTS) {
        *files += planned * (kind->kind == WORKER_STAGE_TRAIN  ? kind->files - 1
                             : kind->kind == WORKER_STAGE_MAPS ? 2 /* images.csv stays */
                                                               : 1);
        *bytes += planned * MX_COST_STAGE_BYTES;
    } else {
        *files +=
            planned * kind->files + total(sums, counts, repeats, sums->new_files, sums->all_files);
        *bytes += total(sums, counts, repeats, sums->new_bytes, sums->all_bytes);
    }
}

static void fill_disk(const struct mx_costs *costs, double repeats, unsigned workers,
                      struct mx_estimate *estimate)
{
    const unsigned keep = costs->config->base[KEY_SCHEDULE_KEEP].choice;
    double         files = SWEEP_FILES + (double)workers;
    double         bytes = SWEEP_BYTES + (double)estimate->counts.trials * TRIAL_BYTES;

    for (size_t k = 0; k < mx_stage_nkinds; k++)
        add_disk(costs, &mx_stage_kinds[k], keep, repeats, estimate, &bytes, &files);
    estimate->files = whole(files);
    estimate->disk_bytes = whole(bytes);
}

void mx_costs_fill(const struct mx_costs *costs, unsigned workers, struct mx_estimate *estimate)
{
    double repeats = (double)costs->config->base[KEY_REPEATS].integer;

    if (!estimate->counts.counted) {
        snprintf(estimate->basis, sizeof estimate->basis,
                 "more than %d points: not walked through, so only their number is known",
                 MX_ESTIMATE_POINTS);
        return;
    }
    fill_disk(costs, repeats, workers, estimate);
    estimate->memory_bytes = costs->memory_bytes + costs->kept_bytes;
    estimate->shared_bytes = costs->sets.shared_bytes;
    estimate->own_bytes = costs->own_bytes + costs->kept_bytes;
    if (estimate->memory_bytes <
            (uint64_t)join_of(costs, estimate).memory_bytes + MX_COST_PROCESS_BYTES &&
        estimate->cross.models > 0)
        estimate->own_bytes = estimate->memory_bytes =
            (uint64_t)join_of(costs, estimate).memory_bytes + MX_COST_PROCESS_BYTES;
    if (costs->unknown)
        snprintf(estimate->basis, sizeof estimate->basis, "unknown: %s", costs->why);
    else
        fill_hours(costs, workers, estimate);
}

void mx_estimate_on_gpus(struct mx_estimate *estimate, unsigned gpus)
{
    double hours[MX_ESTIMATE_SPEEDS];

    estimate->gpus = gpus;
    if (!estimate->timed)
        return;
    for (size_t i = 0; i < MX_ESTIMATE_SPEEDS; i++)
        hours[i] = fmax(estimate->on_gpu[i].all_s / gpus, estimate->on_gpu[i].longest_s) / 3600;
    /* The comparison's share of the time is taken to be that of CPUs. */
    if (estimate->hours_mid > 0)
        estimate->cross.hours_mid *= hours[MID] / estimate->hours_mid;
    estimate->hours_low = hours[0];
    estimate->hours_mid = hours[MID];
    estimate->hours_high = hours[2];
    snprintf(estimate->basis, sizeof estimate->basis,
             "%u GPU%s with an executor each, assumed to train at %g, %g and %g TFLOP/s; nothing "
             "was measured",
             gpus, gpus == 1 ? "" : "s", mx_cost_speeds[MX_COST_GPU].flop_s / 1e12,
             mx_cost_speeds[MX_COST_GPU + 1].flop_s / 1e12,
             mx_cost_speeds[MX_COST_GPU + 2].flop_s / 1e12);
}
