#include "worker/bench_train.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "worker/engine_parts.h"

static const struct worker_shape shape = {3, 32, 32, 10, 0};

enum {
    PIXELS = 3 * 32 * 32,
    CLASSES = 10,
    MOST_TASKS = 2
};

static const double repeat_s = 0.25, slow_s = 2;

struct bench {
    struct worker_params  params;
    struct worker_cost    cost;
    struct worker_engine *engine;
    struct worker_batch   batch;
    uint32_t              labels[WORKER_BENCH_BATCH];
    float                 lambda[WORKER_BENCH_BATCH];
    float                 logits[WORKER_BENCH_BATCH * CLASSES];
};

static int bench_fill(struct bench *bench, unsigned arch, unsigned threads, struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    size_t        values = (size_t)WORKER_BENCH_BATCH * PIXELS;

    bench->params = (struct worker_params){.model_arch = arch,
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
    bench->engine = worker_engine_new(&bench->params, &shape, WORKER_BENCH_BATCH,
                                      mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), err);
    return bench->engine ? worker_engine_cost(&bench->params, &shape, &bench->cost, err) : -1;
}

static void bench_free(struct bench *bench)
{
    if (!bench)
        return;
    worker_engine_free(bench->engine);
    free(bench->batch.images);
    free(bench);
}

static struct bench *bench_new(unsigned arch, unsigned threads, struct mx_err *err)
{
    struct bench *bench = calloc(1, sizeof *bench);

    if (!bench) {
        mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
        return NULL;
    }
    if (bench_fill(bench, arch, threads, err)) {
        bench_free(bench);
        return NULL;
    }
    return bench;
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

static int all_logits(struct bench *bench, struct mx_err *err)
{
    return worker_engine_infer(bench->engine, bench->batch.images, WORKER_BENCH_BATCH,
                               bench->logits, err);
}

/* Something to time, and the rates it had. */
struct task {
    int (*work)(struct bench *, struct mx_err *);
    double rates[WORKER_BENCH_REPEATS];
};

/* Work for at least so long; gives the images a second. */
static int time_task(struct bench *bench, const struct task *task, double at_least, double *rate,
                     struct mx_err *err)
{
    const double start = mx_clock_cpu_s();
    double       images = 0, seconds;

    do {
        if (task->work(bench, err))
            return -1;
        images += WORKER_BENCH_BATCH;
        seconds = mx_clock_cpu_s() - start;
    } while (seconds < at_least);
    *rate = images / seconds;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* All tasks in turn, so that what disturbs one disturbs the others. First without
 * counting: that makes code and touches memory. */
static int measure(struct bench *bench, struct task *tasks, int ntasks,
                   struct worker_bench_rate *const rates[], struct mx_err *err)
{
    unsigned repeats = WORKER_BENCH_REPEATS;

    for (int t = 0; t < ntasks; t++) {
        double rate;

        if (time_task(bench, &tasks[t], repeat_s, &rate, err))
            return -1;
        if (WORKER_BENCH_BATCH / rate > slow_s)
            repeats = WORKER_BENCH_REPEATS_SLOW;
    }
    for (unsigned r = 0; r < repeats; r++)
        for (int t = 0; t < ntasks; t++)
            if (time_task(bench, &tasks[t], repeat_s, &tasks[t].rates[r], err))
                return -1;
    for (int t = 0; t < ntasks; t++) {
        qsort(tasks[t].rates, repeats, sizeof tasks[t].rates[0], by_value);
        rates[t]->median = tasks[t].rates[repeats / 2];
        rates[t]->min = tasks[t].rates[0];
        rates[t]->max = tasks[t].rates[repeats - 1];
        rates[t]->repeats = repeats;
    }
    return 0;
}

int worker_bench_train(unsigned arch, unsigned threads, struct worker_bench_rate *train,
                       struct worker_bench_rate *convolutions, struct mx_err *err)
{
    struct task                     tasks[MOST_TASKS] = {{one_step, {0}}, {only_convolutions, {0}}};
    struct worker_bench_rate *const rates[MOST_TASKS] = {train, convolutions};
    struct bench                   *bench = bench_new(arch, threads, err);
    int                             result;

    if (!bench)
        return -1;
    result = measure(bench, tasks, MOST_TASKS, rates, err);
    train->flop = convolutions->flop = bench->cost.train_flop;
    bench_free(bench);
    return result;
}

int worker_bench_infer(unsigned arch, unsigned threads, struct worker_bench_rate *infer,
                       struct mx_err *err)
{
    struct task   task = {all_logits, {0}};
    struct bench *bench = bench_new(arch, threads, err);
    int           result;

    if (!bench)
        return -1;
    result = measure(bench, &task, 1, &infer, err);
    infer->flop = bench->cost.infer_flop;
    bench_free(bench);
    return result;
}
