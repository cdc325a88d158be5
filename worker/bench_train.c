#include "worker/bench_train.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "worker/engine_parts.h"

static const struct worker_shape shape = {3, 32, 32, 10, 0};

enum {
    PIXELS = 3 * 32 * 32,
    WARM_UP = 2 /* steps: the first ones make code and touch memory */
};

static const double repeat_s = 0.25;

struct bench {
    struct worker_engine *engine;
    struct worker_batch   batch;
    uint32_t              labels[WORKER_BENCH_BATCH];
    float                 lambda[WORKER_BENCH_BATCH];
};

static int bench_new(unsigned arch, unsigned threads, struct bench *bench,
                     struct worker_params *params, struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    size_t        values = (size_t)WORKER_BENCH_BATCH * PIXELS;

    *params = (struct worker_params){.model_arch = arch,
                                     .train_threads = threads,
                                     .train_batch_size = WORKER_BENCH_BATCH,
                                     .train_momentum = 0.9,
                                     .train_weight_decay = 5e-4,
                                     .train_decay_norm_and_bias = true};
    bench->batch = (struct worker_batch){.n = WORKER_BENCH_BATCH,
                                         .y_a = bench->labels,
                                         .y_b = bench->labels,
                                         .lambda = bench->lambda};
    bench->batch.images = aligned_alloc(KERN_ALIGN, values * sizeof(float));
    if (!bench->batch.images)
        return mx_fail(err, MX_ENOMEM, "no memory for a batch of %d images", WORKER_BENCH_BATCH);
    for (size_t k = 0; k < values; k++)
        bench->batch.images[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < WORKER_BENCH_BATCH; i++) {
        bench->labels[i] = i % shape.classes;
        bench->lambda[i] = 1;
    }
    bench->engine = worker_engine_new(params, &shape, WORKER_BENCH_BATCH,
                                      mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), err);
    return bench->engine ? 0 : -1;
}

static int one_step(struct bench *bench, struct mx_err *err)
{
    double loss;

    return worker_engine_step(bench->engine, &bench->batch, 0.01, &loss, err);
}

/* Every convolution there and back, on whatever the last step left. */
static int only_convolutions(struct bench *bench, struct mx_err *err)
{
    const struct worker_net  *net = &bench->engine->net;
    const struct engine_plan *plan = &bench->engine->training[0];

    for (uint32_t l = 1; l < net->nlayers; l++)
        if (net->layers[l].kind == WORKER_CONV &&
            (kern_op_forward(plan->layers[l].op, err) || kern_op_backward(plan->layers[l].op, err)))
            return -1;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int measure(struct bench             *bench, int (*work)(struct bench *, struct mx_err *),
                   struct worker_bench_rate *rate, struct mx_err *err)
{
    double rates[WORKER_BENCH_REPEATS];

    for (int w = 0; w < WARM_UP; w++)
        if (work(bench, err))
            return -1;
    for (int r = 0; r < WORKER_BENCH_REPEATS; r++) {
        double start = mx_clock_monotonic_s(), seconds;
        double images = 0;

        do {
            if (work(bench, err))
                return -1;
            images += WORKER_BENCH_BATCH;
            seconds = mx_clock_monotonic_s() - start;
        } while (seconds < repeat_s);
        rates[r] = images / seconds;
    }
    qsort(rates, WORKER_BENCH_REPEATS, sizeof rates[0], by_value);
    rate->median = rates[WORKER_BENCH_REPEATS / 2];
    rate->min = rates[0];
    rate->max = rates[WORKER_BENCH_REPEATS - 1];
    return 0;
}

int worker_bench_train(unsigned arch, unsigned threads, struct worker_bench_rate *train,
                       struct worker_bench_rate *convolutions, struct mx_err *err)
{
    struct bench        *bench = calloc(1, sizeof *bench);
    struct worker_params params;
    struct worker_cost   cost;
    int                  result = -1;

    if (!bench)
        return mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
    if (bench_new(arch, threads, bench, &params, err) ||
        worker_engine_cost(&params, &shape, &cost, err) || measure(bench, one_step, train, err) ||
        measure(bench, only_convolutions, convolutions, err))
        goto done;
    train->flop = convolutions->flop = cost.train_flop;
    result = 0;

done:
    worker_engine_free(bench->engine);
    free(bench->batch.images);
    free(bench);
    return result;
}
