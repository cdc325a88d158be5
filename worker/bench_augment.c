#include "worker/bench_augment.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "worker/engine_parts.h"
#include "worker/mix.h"

const unsigned worker_bench_augments[WORKER_BENCH_AUGMENTS - WORKER_MIXES] = {
    WORKER_AUGMENT_FLIP_CROP, WORKER_AUGMENT_RANDOM_RESIZED_CROP,
    WORKER_AUGMENT_RANDOM_RESIZED_CROP_JITTER};

static const struct worker_shape shape = {3, 32, 32, 10, 0};

enum {
    IMAGES = 128,
    PIXELS = 3 * 32 * 32,
    BATCHES = 4 /* of each strategy in one repeat */
};

struct bench {
    struct worker_params  params;
    struct worker_dataset set;
    uint32_t              order[IMAGES], labels[IMAGES];
    uint8_t              *pixels;
    struct worker_engine *engine;
    struct worker_batch  *batches[WORKER_BENCH_AUGMENTS];
    uint32_t              number; /* of the next batch */
};

/* In place of a network's gradient: what costs nothing, and has places that
 * stand out. */
static int no_pass(void *network, const float *images, const uint32_t *labels, uint32_t n,
                   float *gradient, struct mx_err *err)
{
    (void)network;
    (void)labels;
    (void)err;
    memcpy(gradient, images, (size_t)n * PIXELS * sizeof *gradient);
    return 0;
}

/* Of a batch: a strategy, or behind them an augmentation without one. */
static struct worker_params params_of(unsigned which)
{
    const bool     mixes = which < WORKER_MIXES;
    const unsigned augment =
        mixes ? WORKER_AUGMENT_NONE : worker_bench_augments[which - WORKER_MIXES];

    return (struct worker_params){.data_augment = augment,
                                  .data_random_resized_crop_scale = {2, {0.08, 1}},
                                  .data_random_resized_crop_ratio = {2, {0.75, 4.0 / 3}},
                                  .data_jitter_brightness = 0.4,
                                  .data_jitter_contrast = 0.4,
                                  .data_jitter_saturation = 0.4,
                                  .data_jitter_hue = 0.1,
                                  .model_arch = WORKER_ARCH_RESNET20,
                                  .train_threads = 1,
                                  .train_batch_size = IMAGES,
                                  .train_momentum = 0.9,
                                  .mix_strategy = mixes ? which : WORKER_MIX_NONE,
                                  .mix_granularity = WORKER_GRANULARITY_SAMPLE,
                                  .mix_alpha = 1,
                                  .mix_prob = 1,
                                  .mix_cells = 4,
                                  .mix_decay = 3,
                                  .mix_scale = {2, {0.1, 0.8}},
                                  .mix_beta = 1.2,
                                  .mix_gamma = 0.5,
                                  .mix_eta = 0.2,
                                  .mix_transport_cost = 0.8,
                                  .mix_layers = {1, {WORKER_LAYER_STAGE1}}};
}

/* Smooth images, so that shapes and borders are not all alike. */
static void draw_images(struct bench *bench)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    int           level = 128;

    for (size_t k = 0; k < (size_t)IMAGES * PIXELS; k++) {
        level += (int)mx_rng_below(&rng, 31) - 15;
        level = level < 0 ? 0 : level > 255 ? 255 : level;
        bench->pixels[k] = (uint8_t)level;
    }
    for (uint32_t i = 0; i < IMAGES; i++) {
        bench->order[i] = i;
        bench->labels[i] = i % shape.classes;
    }
    bench->set.shape = shape;
    bench->set.train = (struct worker_split){
        .n = IMAGES, .pixels = bench->pixels, .labels = bench->labels, .rows = bench->order};
    for (int c = 0; c < 3; c++)
        bench->set.sd[c] = 0.25f;
}

static int bench_new(struct bench *bench, struct mx_err *err)
{
    const struct worker_params hidden = params_of(WORKER_MIX_MANIFOLD_MIXUP);

    if (!(bench->pixels = malloc((size_t)IMAGES * PIXELS)))
        return mx_fail(err, MX_ENOMEM, "no memory for %d images", IMAGES);
    draw_images(bench);
    for (unsigned s = 0; s < WORKER_BENCH_AUGMENTS; s++) {
        const struct worker_params params = params_of(s);

        if (!(bench->batches[s] = worker_batch_new(&params, &shape, IMAGES, err)))
            return -1;
        worker_batch_lend(bench->batches[s], (struct worker_gradient){no_pass, NULL});
    }
    bench->engine =
        worker_engine_new(&hidden, &shape, IMAGES, mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), err);
    return bench->engine ? 0 : -1;
}

static void bench_free(struct bench *bench)
{
    for (unsigned s = 0; s < WORKER_BENCH_AUGMENTS; s++)
        worker_batch_free(bench->batches[s]);
    worker_engine_free(bench->engine);
    free(bench->pixels);
    free(bench);
}

static int make_batch(struct bench *bench, unsigned which, uint32_t number, struct mx_err *err)
{
    const struct worker_params params = params_of(which);
    const struct mx_stream     stream = mx_stream_make(0, 0, MX_PURPOSE_MIX, 0);

    return worker_batch_train(bench->batches[which], &params, &bench->set, bench->order, IMAGES,
                              stream, stream, 0, number, err);
}

/* Seconds of a batch under a strategy. */
static int time_batch(struct bench *bench, unsigned which, double *seconds, struct mx_err *err)
{
    const double start = mx_clock_monotonic_s();

    for (uint32_t b = 0; b < BATCHES; b++)
        if (make_batch(bench, which, bench->number + b, err))
            return -1;
    *seconds = (mx_clock_monotonic_s() - start) / BATCHES;
    return 0;
}

static int time_step(struct bench *bench, double *seconds, struct mx_err *err)
{
    const double start = mx_clock_monotonic_s();
    double       loss;

    if (worker_engine_step(bench->engine, bench->batches[WORKER_MIX_NONE], 0.01, &loss, err))
        return -1;
    *seconds = mx_clock_monotonic_s() - start;
    return 0;
}

/* Seconds that mixing after stage 1 adds to a step, there and back. */
static double time_hidden(struct bench *bench)
{
    const struct engine_plan *plan = &bench->engine->training[0];
    const uint32_t            layer = worker_net_stage_end(&bench->engine->net, 1);
    double                    seconds = mx_clock_monotonic_s();

    plan->hidden->batch = bench->batches[WORKER_MIX_MANIFOLD_MIXUP];
    engine_hidden_forward(plan, layer);
    engine_hidden_backward(plan, layer, true);
    plan->hidden->batch = NULL;
    return mx_clock_monotonic_s() - seconds;
}

static int one_repeat(struct bench *bench, double shares[WORKER_BENCH_AUGMENTS], struct mx_err *err)
{
    double seconds[WORKER_BENCH_AUGMENTS], step;

    for (unsigned s = 0; s < WORKER_BENCH_AUGMENTS; s++)
        if (time_batch(bench, s, &seconds[s], err))
            return -1;
    if (time_step(bench, &step, err))
        return -1;
    bench->number += BATCHES;
    seconds[WORKER_MIX_MANIFOLD_MIXUP] += time_hidden(bench);
    for (unsigned s = 0; s < WORKER_BENCH_AUGMENTS; s++)
        shares[s] =
            (s == WORKER_MIX_NONE ? seconds[s] : seconds[s] - seconds[WORKER_MIX_NONE]) / step;
    return 0;
}

int worker_bench_augment(struct worker_bench_shares *shares, struct mx_err *err)
{
    struct bench *bench = calloc(1, sizeof *bench);
    int           result = -1;

    if (!bench)
        return mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
    if (bench_new(bench, err))
        goto done;
    for (int r = -1; r < WORKER_BENCH_AUGMENT_REPEATS; r++) { /* the first one warms up */
        double of[WORKER_BENCH_AUGMENTS];

        if (one_repeat(bench, of, err))
            goto done;
        for (unsigned s = 0; r >= 0 && s < WORKER_BENCH_AUGMENTS; s++)
            shares->of[s][r] = of[s];
    }
    result = 0;

done:
    bench_free(bench);
    return result;
}
