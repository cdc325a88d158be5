/* mix_sets.h - small sets of flat or noisy images, and batches of them under
 * any strategy. */
#ifndef MX_TEST_MIX_SETS_H
#define MX_TEST_MIX_SETS_H

#include <stdlib.h>
#include <string.h>

#include "mix_draws.h"

struct mix_set {
    uint8_t              *pixels;
    uint32_t             *labels, *rows, *order;
    struct worker_dataset set;
    struct worker_params  params;
    struct worker_batch  *batch;
    uint32_t              n;
    size_t                image; /* values of one image */
};

static inline void mix_set_free(struct mix_set *set)
{
    worker_batch_free(set->batch);
    free(set->pixels);
    free(set->labels);
    free(set->rows);
    free(set->order);
}

/* Instead of a network's gradient: noise that depends on the place in the batch. */
static inline int mix_set_gradient(void *image, const float *images, const uint32_t *labels,
                                   uint32_t n, float *gradient, struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(7, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    (void)images;
    (void)labels;
    (void)err;
    for (size_t k = 0; k < n * *(const size_t *)image; k++)
        gradient[k] = (float)mx_rng_uniform(&rng) - 0.5f;
    return 0;
}

/* n images of as many classes: black and white by turns, or of noise. Pixels
 * are seen as byte / 255. */
static inline struct mix_set mix_set_make(const struct worker_params *params,
                                          const struct worker_shape *shape, uint32_t n, bool noise)
{
    struct mx_rng  rng = mx_rng_at(mx_stream_make(3, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct mix_set set = {.params = *params, .n = n};

    set.set.shape = *shape;
    set.set.shape.classes = n;
    set.image = (size_t)shape->channels * shape->height * shape->width;
    set.pixels = malloc(n * set.image);
    set.labels = malloc(n * sizeof *set.labels);
    set.rows = malloc(n * sizeof *set.rows);
    set.order = malloc(n * sizeof *set.order);
    set.batch = worker_batch_new(params, &set.set.shape, n, NULL);
    if (!set.pixels || !set.labels || !set.rows || !set.order || !set.batch)
        abort();
    for (size_t k = 0; k < n * set.image; k++)
        set.pixels[k] = noise ? (uint8_t)mx_rng_u32(&rng) : k / set.image % 2 ? 255 : 0;
    for (uint32_t i = 0; i < n; i++) {
        set.labels[i] = set.order[i] = i;
        set.rows[i] = 100 + i;
    }
    for (uint32_t c = 0; c < shape->channels; c++)
        set.set.sd[c] = 1;
    return set;
}

/* Batch `number` of an epoch: the first n images. Gradients are noise, unless
 * another network was lent. */
static inline void mix_set_train(struct mix_set *set, uint32_t n, uint32_t epoch, uint32_t number)
{
    set->set.train = (struct worker_split){set->n, set->pixels, set->labels, NULL, set->rows, NULL};
    if (!set->batch->gradient_of.of)
        worker_batch_lend(set->batch, (struct worker_gradient){mix_set_gradient, &set->image});
    worker_batch_train(set->batch, &set->params, &set->set, set->order, n,
                       mx_stream_make(1, 0, MX_PURPOSE_AUGMENT, 0),
                       mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), epoch, number, NULL);
}

static inline double mix_set_mean(const struct mix_set *set, uint32_t i)
{
    double sum = 0;

    for (size_t k = 0; k < set->image; k++)
        sum += (double)set->batch->images[i * set->image + k];
    return sum / (double)set->image;
}

#endif
