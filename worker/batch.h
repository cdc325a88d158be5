/* batch.h - from images in memory to the mixed batch a network sees.
 *
 * Order of work: pad by 4 with byte 0 and crop, or take a random part to full
 * size; jitter the colours; flip; bytes/255 and normalise; mix. Draws of the
 * augmentation come from the stream AUGMENT at (epoch, row of the image in its
 * set, enum worker_augment_what), those of mixing from MIX at
 * the places of worker/mix.h; so a batch is the same on any rank and for any
 * worker count, and an image is cropped alike whatever the batch size.
 */
#ifndef MX_WORKER_BATCH_H
#define MX_WORKER_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "kernels/kern.h"
#include "kernels/mask_args.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_feeder; /* worker/feeder.h */

/* Who knows the gradient of the summed loss of clean images under their own
 * labels: worker_engine_image_gradient() and its engine. The images are worker_batch_shown().
 * Returns 0, or -1 with *err. */
struct worker_gradient {
    int (*of)(void *network, const float *images, const uint32_t *labels, uint32_t n,
              float *gradient, struct mx_err *err);
    void *network;
};

/* The batch before, as the network saw it (recursivemix). */
struct worker_history {
    uint32_t epoch, number; /* its name */
    uint32_t n;             /* images; 0: there is none */
    float   *images;        /* (room, channels, height, width) */
    float   *targets;       /* (room, classes), each summing to 1 */
};

/* A batch with room for `room` images; the arrays are owned. The loss of
 * sample i is lambda[i] CE(y_a[i]) + (1 - lambda[i]) CE(y_b[i]), or, where there
 * are targets, the cross-entropy with those. */
struct worker_batch {
    uint32_t     n, room;
    float       *images;    /* (n, channels, height, width), normalised, 64-byte aligned */
    float       *on_device; /* where they are instead, in an engine's own room; NULL: in images */
    uint32_t    *y_a, *y_b; /* (n); y_b = y_a where only one label counts */
    float       *lambda;    /* (n), weight of y_a */
    uint32_t     classes;
    const float *targets; /* (n, classes), each summing to 1; NULL: y_a, y_b, lambda say it all */
    uint32_t    *partner; /* (n), place in the batch of the second image; i itself without one */
    float       *area;    /* (n), image weight of the base image, after clipping */
    uint32_t    *own;     /* (n), the base image's own label, whatever a rule made of it */
    float       *drawn;   /* (n), the same as drawn, neither clipped nor rounded to pixels */
    unsigned     layer;   /* enum worker_mix_layer: where images mix, each with its area; below
                                the input: in `images` nothing is mixed yet */
    uint32_t     mixed;   /* n if the batch was mixed (or had pixels hidden), else 0 */
    uint32_t     self_pairs; /* images of a mixed batch whose partner is the image itself */

    struct kern_batch_sample *samples; /* (n), as the kernel made them */
    const uint8_t *pixels; /* that samples name images of: a split's, or the augmenter's */
    const struct worker_split *split; /* whose images it shows */
    uint32_t                  *shown; /* (n), which of them */

    /* What bytes become under these constants; channels 0: not made yet. */
    uint32_t channels;
    float    mean[WORKER_MAX_CHANNELS], sd[WORKER_MAX_CHANNELS];
    float    table[WORKER_MAX_CHANNELS * 256]; /* byte to normalised value */
    double   lines[WORKER_MAX_CHANNELS * 2];   /* as struct kern_batch_args has them */
    float    parts[WORKER_MAX_CHANNELS * 4];

    /* What strategies need; NULL where they do not. */
    uint8_t               *masks;         /* (room, height, width) */
    uint16_t              *moves;         /* (room, KERN_MOVES) */
    float                 *gradient;      /* (room, channels, height, width) */
    float                 *mixed_targets; /* (room, classes) */
    struct worker_history  history;
    struct worker_gradient gradient_of;
    void                  *scratch[WORKER_MIXES];

    struct worker_feeder    *feeder;  /* who makes the images on a device; NULL: the host */
    struct kern_mask_recipe *recipes; /* of masks that the device makes; NULL: it makes none */
    bool                     noised;  /* such masks are at work */

    struct worker_augmenter *augmenter; /* where data.augment changes more than places; or NULL */
};

/* A batch for the strategies of params. Returns it, to be released with
 * worker_batch_free(); or NULL with MX_ENOMEM, or MX_EINVAL where a strategy
 * cannot do with such images or parameters. */
struct worker_batch *worker_batch_new(const struct worker_params *params,
                                      const struct worker_shape *shape, uint32_t room,
                                      struct mx_err *err);
void                 worker_batch_free(struct worker_batch *batch); /* NULL is allowed */

/* Bytes of such a batch, a few for each image and strategy aside. */
uint64_t worker_batch_bytes(const struct worker_params *params, const struct worker_shape *shape,
                            uint32_t room);

/* Lend the batch a network, for strategies that look at gradients. Without one
 * they take every pixel for equally salient. */
void worker_batch_lend(struct worker_batch *batch, struct worker_gradient gradient_of);

/* Fill a training batch: images order[0..n) of set->train, augmented and mixed
 * as params say, for this epoch and batch number. 1 <= n <= room. Allocates
 * nothing, but room for a set's originals when it first sees them. Returns 0, or -1 with *err if the lent network or a device failed. A batch of one
 * image has no partner: it passes unmixed with weight 1 (cutout needs none and
 * applies).
 *
 * Labels (mix.labels; lambda and the image as the strategy drew them):
 *   mixed     both, weighed by what is left of each image
 *   dominant  the label of the larger share alone; a tie goes to the base
 *   host      the base's label alone; lambda of mixup and manifold_mixup is
 *             max(lambda, 1 - lambda), and a mask gives way to its complement if
 *             that shows more of the base
 *   only      both as under mixed, on the clean base image
 * No rule matters under none and cutout. With mix.weight drawn, what counts as
 * left of an image with a clipped box is what was drawn, as if nothing were
 * clipped.
 *
 * recursivemix takes its second images from batch number - 1 of the same epoch,
 * which must have been the batch made before this one; the first batch of an
 * epoch, and one made out of turn, pass unmixed. */
int worker_batch_train(struct worker_batch *batch, const struct worker_params *params,
                       const struct worker_dataset *set, const uint32_t *order, uint32_t n,
                       struct mx_stream augment, struct mx_stream mix_stream, uint32_t epoch,
                       uint32_t number, struct mx_err *err);

/* Fill a batch of rows first .. first+n-1 of a split, only normalised: batch->images, always the
 * host's. */
void worker_batch_plain(struct worker_batch *batch, const struct worker_dataset *set,
                        const struct worker_split *split, uint32_t first, uint32_t n);

/* The same where training batches are made: worker_batch_shown(). Returns 0, or -1 with *err of a
 * device. */
int worker_batch_show(struct worker_batch *batch, const struct worker_dataset *set,
                      const struct worker_split *split, uint32_t first, uint32_t n,
                      struct mx_err *err);

/* The batch's images for functions of its engine: on the device, or the host's. */
static inline const float *worker_batch_shown(const struct worker_batch *batch)
{
    return batch->on_device ? batch->on_device : batch->images;
}

#ifdef __cplusplus
}
#endif

#endif
