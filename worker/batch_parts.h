/* batch_parts.h - what batch.c and batch_mix.c share. */
#ifndef MX_WORKER_BATCH_PARTS_H
#define MX_WORKER_BATCH_PARTS_H

#include "worker/batch.h"
#include "worker/mix.h"

/* The name of a training batch. */
struct batch_name {
    struct mx_stream stream; /* MIX */
    uint32_t         epoch, number;
};

/* Make the batch's images from batch->samples, where they belong: on the host or on a device.
 * `history`: second images come from the batch's history. Returns 0, or -1 with *err; on the host
 * it cannot fail. */
int batch_make_images(struct worker_batch *batch, const struct worker_dataset *set, bool history,
                      struct mx_err *err);

/* The same, in batch->images. */
void batch_make_here(struct worker_batch *batch, const struct worker_dataset *set, bool history);

/* (channels, 256): bytes to normalised values. */
void batch_make_table(float *table, const struct worker_dataset *set);

/* A feeder's (worker/feeder.c): make the images on its device; keep them there for the next batch. */
int  batch_feed_images(const struct worker_batch *batch, bool history, struct mx_err *err);
void batch_feed_remember(const struct worker_batch *batch);
void batch_feeder_free(struct worker_feeder *feeder); /* NULL is allowed */

/* Mix a batch whose samples show the augmented images: draw, label, and make
 * the images. Returns 0, or -1 with *err. */
int batch_mix(struct worker_batch *batch, const struct worker_params *params,
              const struct worker_dataset *set, const struct batch_name *name, struct mx_err *err);

#endif
