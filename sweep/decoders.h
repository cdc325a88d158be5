/* decoders.h - image files decoded by several processes while a sweep looks at its data.
 *
 * A sweep opens each set before it starts executors, so that what is wrong with it is told at once. The
 * cores on which they will run decode with it meanwhile (worker/store_parts.h).
 */
#ifndef MX_SWEEP_DECODERS_H
#define MX_SWEEP_DECODERS_H

#include <stdint.h>

#include "worker/params.h"

/* What a decoder is told, as it lies in memory: it is the same program. */
struct mx_decoding {
    struct worker_params params;
    uint64_t             seed;
};

struct mx_decoders;

/* Start `n` decoders of the set, none if it has no image files. Returns what is to be given to
 * mx_decoders_end(), or NULL: then none runs, and the caller is as well off as before. */
struct mx_decoders *mx_decoders_start(const struct worker_params *params, uint64_t seed,
                                      unsigned n);

/* The set is open, or will not be: the decoders end, and are waited for. NULL is allowed. */
void mx_decoders_end(struct mx_decoders *decoders);

#endif
