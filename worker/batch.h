/* batch.h - from images in memory to the mixed batch a network sees.
 *
 * Order of work (methods.md 1): pad and crop, flip, bytes/255 and normalise,
 * mix. Every draw is keyed by (epoch, batch, sample) in the streams AUGMENT
 * and MIX, so a batch is the same on any rank and for any worker count.
 */
#ifndef MX_WORKER_BATCH_H
#define MX_WORKER_BATCH_H

#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/dataset.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A batch with room for `room` images; the arrays are owned. The loss of
 * sample i is lambda[i] CE(y_a[i]) + (1 - lambda[i]) CE(y_b[i]). */
struct worker_batch {
    uint32_t  n, room;
    float    *images;    /* (n, channels, height, width), normalised, 64-byte aligned */
    uint32_t *y_a, *y_b; /* (n); y_b = y_a where only one label counts */
    float    *lambda;    /* (n), weight of y_a */
    uint32_t *partner;   /* (n), place in the batch of the second image */
    float    *area;      /* (n), image weight of the base image, as drawn after clipping */
    uint32_t  mixed;     /* images that were mixed (or had pixels hidden) */
};

/* Returns a batch to be released with worker_batch_free(), or NULL with MX_ENOMEM. */
struct worker_batch *worker_batch_new(const struct worker_shape *shape, uint32_t room,
                                      struct mx_err *err);
void                 worker_batch_free(struct worker_batch *batch); /* NULL is allowed */

/* Fill a training batch: images order[0..n) of set->train, augmented and mixed
 * as params say, for this epoch and batch number. n <= room. Allocates nothing. */
void worker_batch_train(struct worker_batch *batch, const struct worker_params *params,
                        const struct worker_dataset *set, const uint32_t *order, uint32_t n,
                        struct mx_stream augment, struct mx_stream mix, uint32_t epoch,
                        uint32_t number);

/* Fill a batch of rows first .. first+n-1 of a split, only normalised. */
void worker_batch_plain(struct worker_batch *batch, const struct worker_dataset *set,
                        const struct worker_split *split, uint32_t first, uint32_t n);

#ifdef __cplusplus
}
#endif

#endif
