/* bench_train.h - how fast an engine trains, for `mixsweep bench train`. */
#ifndef MX_WORKER_BENCH_TRAIN_H
#define MX_WORKER_BENCH_TRAIN_H

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_BATCH = 128,
    WORKER_BENCH_REPEATS = 7
};

/* Images a second over WORKER_BENCH_REPEATS repeats of a quarter of a second
 * or one step, whichever is longer. */
struct worker_bench_rate {
    double median, min, max;
    double flop; /* floating-point operations an image (worker_engine_cost()) */
};

/* Train `arch` (enum worker_arch) on noise of 3 x 32 x 32 in 10 classes, in
 * batches of 128, on this many threads: whole steps, and its convolutions
 * alone (forward and backward), which no training can outrun. Returns 0, or -1
 * with the engine's *err. */
int worker_bench_train(unsigned arch, unsigned threads, struct worker_bench_rate *train,
                       struct worker_bench_rate *convolutions, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
