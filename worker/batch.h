/* batch.h - from images in memory to the mixed batch a network sees.
 *
 * Order of work: pad by 4 with byte 0 and crop, flip, bytes/255 and normalise,
 * mix. Draws of the augmentation come from the stream AUGMENT at (epoch, row
 * of the image in its set, 0 = crop or 1 = flip), those of mixing from MIX at
 * the places of worker/mix.h; so a batch is the same on any rank and for any
 * worker count, and an image is cropped alike whatever the batch size.
 */
#ifndef MX_WORKER_BATCH_H
#define MX_WORKER_BATCH_H

#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "kernels/kern.h"
#include "worker/dataset.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A batch with room for `room` images; the arrays are owned. The loss of
 * sample i is lambda[i] CE(y_a[i]) + (1 - lambda[i]) CE(y_b[i]). */
struct worker_batch {
    uint32_t  n, room;
    float    *images;     /* (n, channels, height, width), normalised, 64-byte aligned */
    uint32_t *y_a, *y_b;  /* (n); y_b = y_a where only one label counts */
    float    *lambda;     /* (n), weight of y_a */
    uint32_t *partner;    /* (n), place in the batch of the second image; i itself without one */
    float    *area;       /* (n), image weight of the base image, as drawn after clipping */
    uint32_t  mixed;      /* n if the batch was mixed (or had pixels hidden), else 0 */
    uint32_t  self_pairs; /* images of a mixed batch whose partner is the image itself */

    struct kern_batch_sample *samples; /* (n), as the kernel made them */
    uint8_t *masks;    /* (room, height, width), of strategies that have masks; else NULL */
    void    *scratch;  /* the strategy's */
    unsigned strategy; /* that it was made for */
    float    table[WORKER_MAX_CHANNELS * 256]; /* byte to normalised value */
};

/* A batch for params->mix_strategy. Returns it, to be released with
 * worker_batch_free(); or NULL with MX_ENOMEM, or MX_EINVAL where the strategy
 * cannot do with such images or parameters. */
struct worker_batch *worker_batch_new(const struct worker_params *params,
                                      const struct worker_shape *shape, uint32_t room,
                                      struct mx_err *err);
void                 worker_batch_free(struct worker_batch *batch); /* NULL is allowed */

/* Fill a training batch: images order[0..n) of set->train, augmented and mixed
 * as params say, for this epoch and batch number. 1 <= n <= room. Allocates
 * nothing. A batch of one image has no partner: it passes unmixed with weight 1
 * (cutout needs none and applies).
 *
 * Labels (mix.labels; lambda and the image as the strategy drew them):
 *   mixed     both, weighed by what is left of each image
 *   dominant  the label of the larger share alone; a tie goes to the base
 *   host      the base's label alone; mixup's lambda is max(lambda, 1 - lambda), and
 *             a mask of fmix or gridmix gives way to its complement if that shows
 *             more of the base
 *   only      both as under mixed, on the clean base image
 * No rule matters under none and cutout. */
void worker_batch_train(struct worker_batch *batch, const struct worker_params *params,
                        const struct worker_dataset *set, const uint32_t *order, uint32_t n,
                        struct mx_stream augment, struct mx_stream mix_stream, uint32_t epoch,
                        uint32_t number);

/* Fill a batch of rows first .. first+n-1 of a split, only normalised. */
void worker_batch_plain(struct worker_batch *batch, const struct worker_dataset *set,
                        const struct worker_split *split, uint32_t first, uint32_t n);

#ifdef __cplusplus
}
#endif

#endif
