/* resamples.h - which images a bootstrap draws.
 *
 * A resample of n images draws n of them with replacement; what counts is how
 * often each was drawn. Draws depend on stream, part and number of the resample
 * alone, so all heads of one repeat share them: they are kept while they fit.
 */
#ifndef MX_WORKER_RESAMPLES_H
#define MX_WORKER_RESAMPLES_H

#include <stdint.h>

#include "base/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_RESAMPLES_BYTES = 64 << 20 /* that are kept at most */
};

/* How often each of n images is in resample r, into counts (n): drawn at place
 * (part, r) of the stream. */
void worker_resample(struct mx_stream stream, uint32_t part, uint32_t r, uint32_t n,
                     uint8_t *counts);

/* Resamples that are kept. */
struct worker_resamples;

struct worker_resamples *worker_resamples_new(void);                           /* NULL: no memory */
void                     worker_resamples_free(struct worker_resamples *kept); /* NULL is allowed */

/* Resamples 0 .. count-1 as (count, n), lent until the next call; NULL where they
 * are too many to keep, or kept is NULL: they are then drawn one at a time. */
const uint8_t *worker_resamples_get(struct worker_resamples *kept, struct mx_stream stream,
                                    uint32_t part, uint32_t n, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
