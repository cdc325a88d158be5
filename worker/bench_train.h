/* bench_train.h - how fast an engine trains and infers, for `mixsweep bench`. */
#ifndef MX_WORKER_BENCH_TRAIN_H
#define MX_WORKER_BENCH_TRAIN_H

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_BATCH = 128,
    WORKER_BENCH_REPEATS = 7,     /* ... */
    WORKER_BENCH_REPEATS_SLOW = 3 /* where a step takes seconds */
};

/* Images a second of CPU time of this process, which what else runs on the machine
 * disturbs least; on one thread of an idle machine, that is a second of the clock.
 * Over repeats of a quarter of a second or one step, whichever is longer. */
struct worker_bench_rate {
    double   median, min, max;
    double   flop; /* floating-point operations an image (worker_engine_cost()) */
    unsigned repeats;
};

/* Train `arch` (enum worker_arch) on noise of 3 x 32 x 32 in 10 classes, in
 * batches of 128, on this many threads: whole steps, and its convolutions
 * alone (forward and backward), which no training can outrun, in turn. Returns 0, or
 * -1 with the engine's *err. */
int worker_bench_train(unsigned arch, unsigned threads, struct worker_bench_rate *train,
                       struct worker_bench_rate *convolutions, struct mx_err *err);

/* Logits of the same images in eval mode. */
int worker_bench_infer(unsigned arch, unsigned threads, struct worker_bench_rate *infer,
                       struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
