#include "worker/bench_train.h"

#include <stdlib.h>

#include "worker/bench_clock.h"
#include "worker/engine_parts.h"

enum {
    CHANNELS = 3,
    MOST_TASKS = 2,
    WARM_STEPS =
        5 /* on a GPU the third of a kind is noted, the fourth the first one that is like the others */
};

static const double repeat_s = 0.25, slow_s = 2;

struct bench {
    struct worker_bench_setup setup;
    struct worker_params      params;
    struct worker_cost        cost;
    struct worker_engine     *engine;
    struct worker_batch       batch;
    float                    *noise; /* the host's images */
    uint32_t                 *labels;
    float                    *lambda, *logits;
};

static struct worker_shape shape_of(const struct worker_bench_setup *setup)
{
    return (struct worker_shape){CHANNELS, setup->side, setup->side, setup->classes, 0};
}

static size_t floats_of(const struct worker_bench_setup *setup)
{
    return (size_t)setup->batch * CHANNELS * setup->side * setup->side;
}

static int make_noise(struct bench *bench, struct mx_err *err)
{
    const uint32_t n = bench->setup.batch;
    const size_t   values = floats_of(&bench->setup);
    struct mx_rng  rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    bench->noise = aligned_alloc(KERN_ALIGN, (values * sizeof(float) + KERN_ALIGN - 1) /
                                                 KERN_ALIGN * KERN_ALIGN);
    bench->labels = calloc(n, sizeof *bench->labels);
    bench->lambda = calloc(n, sizeof *bench->lambda);
    bench->logits = calloc((size_t)n * bench->setup.classes, sizeof *bench->logits);
    if (!bench->noise || !bench->labels || !bench->lambda || !bench->logits)
        return mx_fail(err, MX_ENOMEM, "no memory for a batch of %u images", n);
    for (size_t k = 0; k < values; k++)
        bench->noise[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < n; i++) {
        bench->labels[i] = i % bench->setup.classes;
        bench->lambda[i] = 1;
    }
    bench->batch = (struct worker_batch){.n = n,
                                         .images = bench->noise,
                                         .y_a = bench->labels,
                                         .y_b = bench->labels,
                                         .lambda = bench->lambda};
    return 0;
}

/* As a training's batches are: where the engine has room for them, they are there. */
static int place_images(struct bench *bench, struct mx_err *err)
{
    struct kern_nn *nn;
    float          *room = worker_engine_images(bench->engine, &nn);

    if (!room)
        return 0;
    bench->batch.on_device = room;
    return kern_nn_device(nn)->put(nn, room, bench->noise, floats_of(&bench->setup) * sizeof(float),
                                   err);
}

static int bench_fill(struct bench *bench, struct mx_err *err)
{
    const struct worker_bench_setup *setup = &bench->setup;
    const struct worker_shape        shape = shape_of(setup);

    bench->params = (struct worker_params){.model_arch = setup->arch,
                                           .device = setup->device,
                                           .train_threads = setup->threads,
                                           .train_batch_size = setup->batch,
                                           .train_momentum = 0.9,
                                           .train_weight_decay = 5e-4,
                                           .train_decay_norm_and_bias = true,
                                           .train_precision = setup->precision,
                                           .train_deterministic = !setup->any_order};
    if (make_noise(bench, err) || worker_engine_cost(&bench->params, &shape, &bench->cost, err) ||
        !(bench->engine = worker_engine_new(&bench->params, &shape, setup->batch,
                                            mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), err)))
        return -1;
    return place_images(bench, err);
}

static void bench_free(struct bench *bench)
{
    if (!bench)
        return;
    worker_engine_free(bench->engine);
    free(bench->noise);
    free(bench->labels);
    free(bench->lambda);
    free(bench->logits);
    free(bench);
}

static struct bench *bench_new(const struct worker_bench_setup *setup, struct mx_err *err)
{
    struct bench *bench = calloc(1, sizeof *bench);

    if (!bench) {
        mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
        return NULL;
    }
    bench->setup = *setup;
    if (bench_fill(bench, err)) {
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

/* Queued work is done when the device can tell something. */
static int wait_for(struct bench *bench, struct mx_err *err)
{
    struct kern_nn *nn;
    const float    *room = worker_engine_images(bench->engine, &nn);
    float           any;

    return room ? kern_nn_device(nn)->get(nn, &any, room, sizeof any, err) : 0;
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
    return wait_for(bench, err);
}

static int all_logits(struct bench *bench, struct mx_err *err)
{
    const struct worker_batch *batch = &bench->batch;

    return worker_engine_infer(bench->engine, batch->on_device ? batch->on_device : batch->images,
                               batch->n, bench->logits, err);
}

/* Something to time, and the rates it had. */
struct task {
    int (*work)(struct bench *, struct mx_err *);
    double rates[WORKER_BENCH_REPEATS];
};

/* Work for at least so long and so often; gives the images a second. */
static int time_task(struct bench *bench, const struct task *task, double at_least, unsigned times,
                     double *rate, struct mx_err *err)
{
    const double start = worker_bench_clock(bench->setup.device);
    double       images = 0, seconds;

    for (unsigned t = 0;; t++) {
        if (task->work(bench, err))
            return -1;
        images += bench->batch.n;
        seconds = worker_bench_clock(bench->setup.device) - start;
        if (seconds >= at_least && t + 1 >= times)
            break;
    }
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
    const unsigned warm = bench->setup.device == WORKER_DEVICE_CPU ? 1 : WARM_STEPS;
    unsigned       repeats = WORKER_BENCH_REPEATS;

    for (int t = 0; t < ntasks; t++) {
        double rate;

        if (time_task(bench, &tasks[t], repeat_s, warm, &rate, err))
            return -1;
        if (bench->batch.n / rate > slow_s)
            repeats = WORKER_BENCH_REPEATS_SLOW;
    }
    for (unsigned r = 0; r < repeats; r++)
        for (int t = 0; t < ntasks; t++)
            if (time_task(bench, &tasks[t], repeat_s, 1, &tasks[t].rates[r], err))
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

int worker_bench_train(const struct worker_bench_setup *setup, struct worker_bench_rate *train,
                       struct worker_bench_rate *convolutions, struct mx_err *err)
{
    struct task                     tasks[MOST_TASKS] = {{one_step, {0}}, {only_convolutions, {0}}};
    struct worker_bench_rate *const rates[MOST_TASKS] = {train, convolutions};
    struct bench                   *bench = bench_new(setup, err);
    int                             result;

    if (!bench)
        return -1;
    result = measure(bench, tasks, MOST_TASKS, rates, err);
    train->flop = convolutions->flop = bench->cost.train_flop;
    bench_free(bench);
    return result;
}

int worker_bench_infer(const struct worker_bench_setup *setup, struct worker_bench_rate *infer,
                       struct mx_err *err)
{
    struct task   task = {all_logits, {0}};
    struct bench *bench = bench_new(setup, err);
    int           result;

    if (!bench)
        return -1;
    result = measure(bench, &task, 1, &infer, err);
    infer->flop = bench->cost.infer_flop;
    bench_free(bench);
    return result;
}
