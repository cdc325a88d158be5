/* engine_pairs.h - an engine beside the double-precision reference. */
#ifndef MX_TEST_ENGINE_PAIRS_H
#define MX_TEST_ENGINE_PAIRS_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/naive_net.h"
#include "worker/choices.h"
#include "worker/engine.h"
#include "worker/engine_parts.h"

enum {
    PAIR_ROOM = 16 /* images in a batch, at most */
};

/* An engine, its reference with the same weights, and a batch for both. */
struct pair {
    struct worker_params  params;
    struct worker_shape   shape;
    struct worker_engine *engine;
    struct worker_net     net;
    struct naive_net     *naive;
    struct worker_batch   batch;
    uint32_t              y_a[PAIR_ROOM], y_b[PAIR_ROOM];
    float                 lambda[PAIR_ROOM];
};

static const struct worker_params pair_plain = {.train_threads = 1, .train_batch_size = 5};

static inline struct worker_tensor *pair_export(struct worker_engine *engine, size_t *count)
{
    struct worker_tensor *tensors;
    struct mx_err         err;

    cr_assert_eq(worker_engine_export(engine, &tensors, count, &err), 0, "%s", err.text);
    return tensors;
}

static inline void pair_take_weights(struct pair *pair)
{
    size_t                count;
    struct worker_tensor *tensors = pair_export(pair->engine, &count);

    for (size_t p = 0; p < pair->naive->nparameters; p++) {
        cr_assert_str_eq(tensors[p].name, pair->naive->infos[p].name);
        for (size_t k = 0; k < pair->naive->infos[p].count; k++)
            pair->naive->parameters[p][k] = tensors[p].data[k];
    }
    worker_tensors_free(tensors, count);
}

static inline void pair_draw_batch(struct pair *pair, uint32_t n, uint32_t number)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_DATA, 0), number, 0, 0);
    size_t        image = (size_t)pair->shape.channels * pair->shape.height * pair->shape.width;

    pair->batch.n = n;
    for (size_t k = 0; k < n * image; k++)
        pair->batch.images[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < n; i++) {
        pair->y_a[i] = (uint32_t)mx_rng_below(&rng, pair->shape.classes);
        pair->y_b[i] = (uint32_t)mx_rng_below(&rng, pair->shape.classes);
        pair->lambda[i] = (float)mx_rng_uniform(&rng);
    }
}

/* For an architecture in any form, of fewer channels than published, say. */
static inline struct pair *pair_new_form(struct worker_params params, struct worker_form form,
                                         struct worker_shape shape)
{
    struct pair      *pair = calloc(1, sizeof *pair);
    uint32_t          n = (uint32_t)params.train_batch_size;
    struct worker_net net;
    struct mx_err     err;

    form.classes = shape.classes;
    pair->params = params;
    pair->shape = shape;
    cr_assert_eq(worker_net_build_form(params.model_arch, &form, &shape, &net, &err), 0, "%s",
                 err.text);
    cr_assert_eq(worker_net_build_form(params.model_arch, &form, &shape, &pair->net, &err), 0, "%s",
                 err.text);
    pair->engine = engine_new(&params, WORKER_DEVICE_CPU, &net, n,
                              mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), &err);
    cr_assert_not_null(pair->engine, "%s", err.text);
    pair->naive = naive_net_new(&pair->net, n);
    pair->batch.images =
        malloc(PAIR_ROOM * sizeof(float) * shape.channels * shape.height * (size_t)shape.width);
    pair->batch.y_a = pair->y_a;
    pair->batch.y_b = pair->y_b;
    pair->batch.lambda = pair->lambda;
    pair_take_weights(pair);
    return pair;
}

static inline struct pair *pair_new(struct worker_params params, struct worker_shape shape)
{
    return pair_new_form(params, (struct worker_form){0}, shape);
}

static inline void pair_free(struct pair *pair)
{
    worker_engine_free(pair->engine);
    naive_net_free(pair->naive);
    worker_net_free(&pair->net);
    free(pair->batch.images);
    free(pair);
}

static inline void pair_step(struct pair *pair, double lr)
{
    struct naive_batch batch = {pair->batch.images, pair->y_a, pair->y_b, pair->lambda};
    double             expected = naive_net_step(pair->naive, &batch, &pair->params, lr), loss;
    struct mx_err      err;

    cr_assert_eq(worker_engine_step(pair->engine, &pair->batch, lr, &loss, &err), 0, "%s",
                 err.text);
    cr_assert(fabs(loss - expected) <= 2e-6 * expected, "loss %.9g, not %.9g", loss, expected);
}

/* Every tensor, its error measured against its own largest value. */
static inline void pair_expect_weights(struct pair *pair, double tolerance)
{
    size_t                count;
    struct worker_tensor *tensors = pair_export(pair->engine, &count);

    for (size_t p = 0; p < pair->naive->nparameters; p++) {
        double largest = 0, error = 0;

        for (size_t k = 0; k < pair->naive->infos[p].count; k++) {
            double want = pair->naive->parameters[p][k], got = tensors[p].data[k];

            largest = fmax(largest, fabs(want));
            cr_assert(isfinite(got));
            error = fmax(error, fabs(got - want));
        }
        cr_expect(error <= tolerance * fmax(largest, 1), "%s is off by %g of %g", tensors[p].name,
                  error, largest);
    }
    worker_tensors_free(tensors, count);
}

#endif
