/* bench_norm.h - how near a GPU's batch norms come to the speed of its memory, for `mixsweep bench`. */
#ifndef MX_WORKER_BENCH_NORM_H
#define MX_WORKER_BENCH_NORM_H

#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_NORM_REPEATS = 7
};

enum worker_bench_norm_pass {
    WORKER_BENCH_NORM_COPY, /* of the same array: one read, one write */
    WORKER_BENCH_NORM_FORWARD,
    WORKER_BENCH_NORM_BACKWARD,
    WORKER_BENCH_NORM_PASSES
};

struct worker_bench_norm_shape {
    uint32_t images, channels, side;
};

/* Bytes a second that norms with a ReLU move on the first visible GPU: forward two reads and one
 * write of an array (statistics come first), backward four reads (two arrays, twice) and one write. Returns 0,
 * or -1 with MX_EGPU or MX_ENOMEM. */
int worker_bench_norm(const struct worker_bench_norm_shape *shape,
                      double         rates[WORKER_BENCH_NORM_PASSES][WORKER_BENCH_NORM_REPEATS],
                      struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
