/* tally.h - what the batches of an epoch add up to: its row of history.csv.
 *
 * Sums over images in the order of the batches, so that an epoch that goes on
 * from a checkpoint (which holds them) gives the same row.
 */
#ifndef MX_WORKER_TALLY_H
#define MX_WORKER_TALLY_H

#include "base/wire.h"
#include "worker/batch.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_tally {
    double images;           /* trained on so far */
    double loss;             /* sum of theirs */
    double hits;             /* sum of worker_batch_hits() */
    double mixed;            /* images of batches that were mixed, or had pixels hidden */
    double drawn, effective; /* of those, sums of the base image's weight, before and after
                                clipping */
    double self_pairs;       /* of those, images whose partner was the image itself */
};

/* The weight, in the loss, of the label that the network takes each image for,
 * summed over the batch: lambda where it is the base's, 1 - lambda where it is the
 * partner's; of soft targets, that of the class. Of equal logits (n, classes)
 * the first counts. Labels are not smoothed. */
double worker_batch_hits(const struct worker_batch *batch, const float *logits, uint32_t classes);

/* Add a batch with its mean loss and its hits. */
void worker_tally_add(struct worker_tally *tally, const struct worker_batch *batch, double loss,
                      double hits);

/* Append to a message, and take back. */
void worker_tally_put(struct mx_buf *out, const struct worker_tally *tally);
void worker_tally_take(struct mx_wire *wire, struct worker_tally *tally);

/* The columns of history.csv that say how an epoch was mixed, with a comma before
 * each: their names, and, behind a row, their values. Means over mixed images are
 * empty where there is none. */
extern const char worker_tally_names[];
void              worker_tally_format(const struct worker_tally *tally, struct mx_buf *out);

#ifdef __cplusplus
}
#endif

#endif
