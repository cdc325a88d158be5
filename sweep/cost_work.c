#include "sweep/cost_work.h"

#include <math.h>

#include "sweep/cost_cross.h"
#include "sweep/cost_maps.h"
#include "sweep/cost_scores.h"
#include "sweep/words.h"
#include "worker/batch.h"
#include "worker/features.h"
#include "worker/resamples.h"

enum {
    EPOCH_BYTES = 96,   /* a line of history.csv */
    MAP_ROW_BYTES = 32, /* a line of images.csv */
};

static const double head_start_s = 0.01;

/* Networks: a core with AVX2 trains resnet50 and vgg11_bn at 71 to 74 GFLOP/s, resnet8 at 75, resnet20 at 90,
 * resnet18 at 150 (docs/training.md). */
const struct mx_cost_speed mx_cost_speeds[MX_COST_SPEEDS] = {
    {150e9, 1e-9, 0.1, 10e9},
    {75e9, 3e-9, 0.3, 5e9},
    {20e9, 10e-9, 1, 1e9},
    /* GPUs: nothing of ours is measured. Published trainings of ResNets reach 30 to 60 TFLOP/s on
     * an A100; networks of small images wait for their launches. */
    {60e12, 1e-10, 0.5, 2e12},
    {15e12, 5e-10, 2, 500e9},
    {3e12, 3e-9, 5, 100e9},
};

static void work_out_training(struct mx_cost_work *work, const struct mx_cost_sizes *s)
{
    double epochs = (double)s->params->train_epochs;
    double trained = s->train * epochs, inferred = s->val * epochs + s->test;
    double flop = trained * s->cost.train_flop + inferred * s->cost.infer_flop;

    for (size_t i = 0; i < MX_COST_SPEEDS; i++)
        work->seconds[i] = flop / mx_cost_speeds[i].flop_s +
                           (trained + inferred) * s->values * mx_cost_speeds[i].pixel_s +
                           mx_cost_speeds[i].start_s;
    work->disk_bytes = 4 * (double)s->cost.parameters + epochs * EPOCH_BYTES + MX_COST_STAGE_BYTES;
    work->memory_bytes =
        s->cost.memory_bytes + mx_cost_set_bytes(s->data, s->params) + MX_COST_PROCESS_BYTES +
        worker_batch_bytes(s->params, &s->data->shape, (uint32_t)s->params->train_batch_size);
}

static void work_out_features(struct mx_cost_work *work, const struct mx_cost_sizes *s)
{
    double images = s->train + s->val + s->test;

    for (size_t i = 0; i < MX_COST_SPEEDS; i++)
        work->seconds[i] = images * s->cost.infer_flop / mx_cost_speeds[i].flop_s +
                           images * s->values * mx_cost_speeds[i].pixel_s +
                           mx_cost_speeds[i].start_s;
    work->disk_bytes = images * (4 * (double)s->cost.features + 8) +
                       4 * (double)s->cost.features * s->data->shape.classes + MX_COST_STAGE_BYTES;
    work->memory_bytes = s->cost.memory_bytes + mx_cost_set_bytes(s->data, s->params) +
                         MX_COST_PROCESS_BYTES +
                         worker_batch_bytes(s->params, &s->data->shape, WORKER_FEATURE_BATCH);
}

/* What the heads on one network share; the rest is added for each, since grids of
 * heads are large. They leave nothing on disk, but under schedule.keep all. */
static void work_out_head(struct mx_cost_work *work, const struct mx_cost_sizes *s)
{
    work->head =
        (struct mx_head_size){s->train, s->val, s->test, s->cost.features, s->data->shape.classes};
    work->memory_bytes = mx_cost_set_bytes(s->data, s->params) + MX_COST_PROCESS_BYTES;
}

void mx_cost_add_head(struct mx_cost_work *work, const struct mx_value *value)
{
    const double number = value[KEY_HEAD_PRECISION].choice == WORKER_F64 ? 8 : 4;
    const double images = work->head.train + work->head.val + work->head.test;
    const double flop = mx_head_flop(value, &work->head);

    for (size_t i = 0; i < MX_COST_SPEEDS; i++)
        work->seconds[i] = flop / mx_cost_speeds[i].head_flop_s + head_start_s;
    work->kept_bytes = (uint64_t)(images * (work->head.dims * number + 8)) + WORKER_RESAMPLES_BYTES;
    work->memory_bytes += (uint64_t)mx_head_bytes(value, &work->head);
}

static void work_out_maps(struct mx_cost_work *work, const struct mx_cost_sizes *s)
{
    const double images = fmin((double)s->params->score_images, s->test);
    const double flop = images * s->cost.infer_flop * mx_maps_passes(s->params, &s->data->shape);
    const double pixels = (double)s->data->shape.height * s->data->shape.width;

    for (size_t i = 0; i < MX_COST_SPEEDS; i++)
        work->seconds[i] = flop / mx_cost_speeds[i].flop_s + mx_cost_speeds[i].start_s;
    work->disk_bytes =
        images * (4 * pixels * mx_maps_count(s->params) + MAP_ROW_BYTES) + MX_COST_STAGE_BYTES;
    work->memory_bytes = mx_cost_set_bytes(s->data, s->params) + MX_COST_PROCESS_BYTES +
                         mx_maps_bytes(s->params, &s->data->shape);
}

static void work_out_scores(struct mx_cost_work *work, const struct mx_cost_sizes *s)
{
    const struct mx_scores_size size = {fmin((double)s->params->score_images, s->test), s->val,
                                        s->test, mx_maps_bytes(s->params, &s->data->shape)};
    const struct mx_scores_cost cost = mx_scores_cost(s->params, &s->data->shape, &size);

    for (size_t i = 0; i < MX_COST_SPEEDS; i++)
        work->seconds[i] =
            (cost.passes * s->cost.infer_flop + cost.flop) / mx_cost_speeds[i].flop_s +
            mx_cost_speeds[i].start_s;
    work->disk_bytes = cost.disk_bytes + MX_COST_STAGE_BYTES;
    work->files = cost.files;
    work->memory_bytes = s->cost.memory_bytes + mx_cost_set_bytes(s->data, s->params) +
                         MX_COST_PROCESS_BYTES + cost.memory_bytes +
                         worker_batch_bytes(s->params, &s->data->shape, WORKER_FEATURE_BATCH);
}

/* What one model has to do for the maps of one: of itself or of another. */
static void work_out_scorer(struct mx_cost_work *work, const struct mx_cost_sizes *s)
{
    const double images = fmin((double)s->params->score_inter_model_images, s->test);
    const double passes = mx_cross_passes(s->params, images);
    const double pixels = (double)s->data->shape.height * s->data->shape.width;

    for (size_t i = 0; i < MX_COST_SPEEDS; i++)
        work->seconds[i] = passes * (s->cost.infer_flop / mx_cost_speeds[i].flop_s +
                                     s->values * mx_cost_speeds[i].pixel_s);
    work->disk_bytes = 4 * mx_cross_numbers(s->params, images);
    work->memory_bytes = s->cost.memory_bytes + mx_cost_set_bytes(s->data, s->params) +
                         MX_COST_PROCESS_BYTES + (uint64_t)(3 * 4 * images * pixels);
}

void (*const mx_cost_work_out[WORKER_STAGE_KINDS])(struct mx_cost_work *,
                                                   const struct mx_cost_sizes *) = {
    [WORKER_STAGE_TRAIN] = work_out_training, [WORKER_STAGE_FEATURES] = work_out_features,
    [WORKER_STAGE_HEAD] = work_out_head,      [WORKER_STAGE_MAPS] = work_out_maps,
    [WORKER_STAGE_SCORES] = work_out_scores,  [WORKER_STAGE_SCORER] = work_out_scorer,
};
