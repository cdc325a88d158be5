/* feeder.h - a batch's images made on the device of an engine, from a data set that lies there.
 *
 * What is drawn, and labels, stay the host's (worker/batch.h); the images have the same bits as on the
 * host, but for masks of fmix that the device makes. Bytes of a split stay on the device where they
 * fit; those of others, and of images that the host changes (data.augment that resizes or jitters),
 * come along with each batch by way of pinned memory. It makes no difference to any bit.
 */
#ifndef MX_WORKER_FEEDER_H
#define MX_WORKER_FEEDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "worker/batch.h"
#include "worker/dataset.h"
#include "worker/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WORKER_FEEDER_SPARED UINT64_MAX

/* From now on make the batch's images in the room of the engine: batch->on_device. Training
 * images, then those for validation and tests stay on the device as long as `budget` bytes last;
 * WORKER_FEEDER_SPARED is half of what is free but for a reserve of the engine's. Appends a line to
 * notes (may be NULL). The batch is at most as large as the engine's. Does nothing where the engine reads the host's memory. The batch must be
 * released before the engine, and all its batches are of this set. Returns 0, or -1 with MX_ENOMEM or
 * MX_EGPU: then the batch makes its images on the host as before. */
int worker_batch_feed(struct worker_batch *batch, struct worker_engine *engine,
                      const struct worker_params *params, const struct worker_dataset *set,
                      uint64_t budget, struct mx_buf *notes, struct mx_err *err);

/* The batch before (recursivemix) lies where the images are made: bring it up to date in
 * batch->history before it is read there; let the device have it after it was written. On the host
 * they do nothing. */
int worker_batch_history_take(const struct worker_batch *batch, struct mx_err *err);
int worker_batch_history_give(const struct worker_batch *batch, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
