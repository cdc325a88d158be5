/* Training with dropout, momentum and a moving average, broken off after any step
 * and taken up by another engine: the same bits. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"
#include "worker/engine_parts.h"

enum {
    IMAGES = 5,
    SIDE = 6,
    STEPS = 5
};

static const struct worker_shape shape = {1, SIDE, SIDE, 3, 0};

/* The end of vgg11_bn's form for ImageNet, with few units. */
static struct worker_engine *dropping_engine(void)
{
    static const struct worker_params params = {.train_threads = 1,
                                                .train_batch_size = IMAGES,
                                                .train_momentum = 0.9,
                                                .train_weight_decay = 5e-4,
                                                .train_decay_norm_and_bias = true,
                                                .train_label_smoothing = 0.1,
                                                .train_ema = 0.8};
    struct worker_net                 net = {0};
    struct worker_engine             *engine;
    struct mx_err                     err;
    uint32_t                          at;

    worker_net_input(&net, &shape);
    at = worker_net_conv(&net, "features.0", 0, 8, 3, 1, 1);
    at = worker_net_norm(&net, "features.1", at, true);
    at = worker_net_linear(&net, "classifier.0", at, 40);
    at = worker_net_relu(&net, "classifier.1", at, 0, 0.5f);
    at = worker_net_linear(&net, "classifier.3", at, 40);
    at = worker_net_relu(&net, "classifier.4", at, 0, 0.5f);
    worker_net_linear(&net, "classifier.6", at, 3);
    engine = engine_new(&params, WORKER_DEVICE_CPU, &net, IMAGES,
                        mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), &err);
    cr_assert_not_null(engine, "%s", err.text);
    return engine;
}

static void step(struct worker_engine *engine, uint32_t number)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_DATA, 0), number, 0, 0);
    float         images[IMAGES * SIDE * SIDE], lambda[IMAGES];
    uint32_t      labels[IMAGES];
    double        loss;

    struct worker_batch batch = {
        .n = IMAGES, .images = images, .y_a = labels, .y_b = labels, .lambda = lambda};

    for (size_t k = 0; k < sizeof images / sizeof images[0]; k++)
        images[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < IMAGES; i++) {
        labels[i] = (uint32_t)mx_rng_below(&rng, 3);
        lambda[i] = 1;
    }
    cr_assert_eq(worker_engine_step(engine, &batch, 0.1, &loss, NULL), 0);
}

/* What a checkpoint holds. */
struct saved {
    void    *data;
    size_t   bytes;
    uint64_t steps;
};

static struct saved save(struct worker_engine *engine)
{
    struct worker_engine_memory memory;
    struct saved                saved;

    cr_assert_eq(worker_engine_memory(engine, &memory, NULL), 0);
    saved = (struct saved){malloc(memory.bytes), memory.bytes, *memory.steps};
    memcpy(saved.data, memory.data, memory.bytes);
    return saved;
}

static struct worker_engine *taken_up(const struct saved *saved)
{
    struct worker_engine       *engine = dropping_engine();
    struct worker_engine_memory memory;

    cr_assert_eq(worker_engine_memory(engine, &memory, NULL), 0);
    cr_assert_eq(memory.bytes, saved->bytes);
    memcpy(memory.data, saved->data, saved->bytes);
    *memory.steps = saved->steps;
    return engine;
}

Test(dropout_resume, gives_the_same_bits_after_every_step)
{
    struct worker_engine *engine = dropping_engine();
    struct saved          after[STEPS], whole;

    for (uint32_t s = 0; s < STEPS; s++) {
        step(engine, s);
        after[s] = save(engine);
    }
    whole = after[STEPS - 1];
    worker_engine_free(engine);
    for (uint32_t s = 0; s + 1 < STEPS; s++) {
        struct saved pieces;

        engine = taken_up(&after[s]);
        for (uint32_t rest = s + 1; rest < STEPS; rest++)
            step(engine, rest);
        pieces = save(engine);
        cr_expect_eq(pieces.steps, STEPS);
        cr_expect_arr_eq(pieces.data, whole.data, whole.bytes, "broken off after step %u", s);
        free(pieces.data);
        free(after[s].data);
        worker_engine_free(engine);
    }
    free(whole.data);
}

/* Were the count of steps lost, other units would be dropped. */
Test(dropout_resume, depends_on_the_number_of_the_step)
{
    struct worker_engine *engine = dropping_engine(), *other;
    struct saved          first, a, b;

    step(engine, 0);
    first = save(engine);
    step(engine, 1);
    a = save(engine);
    first.steps++;
    other = taken_up(&first);
    step(other, 1);
    b = save(other);
    cr_expect_neq(memcmp(a.data, b.data, a.bytes), 0);
    worker_engine_free(engine);
    worker_engine_free(other);
    free(first.data);
    free(a.data);
    free(b.data);
}
