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

/* Make batch->images from batch->samples. `history`: second images come from
 * the batch's history. */
void batch_make_images(struct worker_batch *batch, const struct worker_dataset *set, bool history);

/* Mix a batch whose samples show the augmented images: draw, label, and make
 * the images. Returns 0, or -1 with *err. */
int batch_mix(struct worker_batch *batch, const struct worker_params *params,
              const struct worker_dataset *set, const struct batch_name *name, struct mx_err *err);

#endif
