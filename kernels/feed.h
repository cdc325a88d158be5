/* feed.h - training batches for a network on a device that is not the host.
 *
 * The host draws and says how each image is made (struct kern_batch_sample); the images are made on
 * the device, from the same body as on the CPU and with its bits. What the host says of a batch,
 * with the bytes of images that are not on the device already, goes through one of two slots: pinned
 * memory of the host's and as much of the device's. Streams and events:
 *
 *     host    waits for the slot's `copied` (of two batches ago), fills its pinned memory
 *     copies  waits for the slot's `read` (of two batches ago), copies, records `copied`
 *     work    waits for `copied`, makes the images, records `read`, goes on with the step
 *
 * `copies` is the feed's own stream, `work` that of the network. So the batch after this one is drawn
 * and copied while the step still runs, and nothing but the host's own wait ever stops the host.
 */
#ifndef KERN_FEED_H
#define KERN_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kernels/kern.h"
#include "kernels/mask_args.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kern_nn;
struct kern_feed;

/* What batches are made of, at most. Arrays are the host's, and are copied. */
struct kern_feed_plan {
    uint32_t     room, channels, height, width;
    const float *table;        /* (channels, 256): byte to normalised value */
    uint32_t     masks, moves; /* of the host's, a batch */
    bool         pixels;       /* images may come with a batch */
    uint32_t     recipes;      /* masks that the device makes, a batch */
    const float *damping;      /* (height, width / 2 + 1), for them */
};

/* One batch. The host's arrays can be changed when it has been made. */
struct kern_feed_batch {
    uint32_t                        n;
    const struct kern_batch_sample *samples; /* (n); which image each shows is said below */
    const uint8_t                  *stored;  /* images on the device; NULL: they come along */
    const uint32_t                 *numbers; /* (n), with `stored`: which of them */
    const uint8_t *const           *images;  /* (n), without: the bytes of each, the host's */
    uint32_t                        masks, moves, recipes; /* masks and recipes not together */
    const uint8_t                  *mask;                  /* (masks, height, width) */
    const uint16_t                 *move;                  /* (moves, KERN_MOVES) */
    const struct kern_mask_recipe  *recipe;                /* (recipes), instead of masks */
    const float *history; /* on the device; NULL: second images are the batch's */
    float       *out;     /* on the device, (n, channels, height, width) */
};

struct kern_feed_table {
    /* NULL with MX_ENOMEM or MX_EGPU. close takes NULL, and comes before the network's device ends. */
    struct kern_feed *(*open)(struct kern_nn *nn, const struct kern_feed_plan *plan,
                              struct mx_err *err);
    void (*close)(struct kern_feed *feed);

    /* Queue a batch. 0, or -1 with MX_EGPU, or MX_EINTERNAL for more than was planned. */
    int (*make)(struct kern_feed *feed, const struct kern_feed_batch *batch, struct mx_err *err);

    /* Memory of the device, free and all of it. */
    int (*memory)(struct kern_nn *nn, size_t *left, size_t *all, struct mx_err *err);
};

#ifdef __cplusplus
}
#endif

#endif
