/* bench_train.h - how fast an engine trains and infers, for `mixsweep bench`. */
#ifndef MX_WORKER_BENCH_TRAIN_H
#define MX_WORKER_BENCH_TRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_BATCH = 128, /* where nothing else is asked for */
    WORKER_BENCH_SIDE = 32,
    WORKER_BENCH_REPEATS = 7,     /* ... */
    WORKER_BENCH_REPEATS_SLOW = 3 /* where a step takes seconds */
};

/* What is measured: noise of 3 x side x side in `classes` classes. */
struct worker_bench_setup {
    unsigned           arch; /* enum worker_arch */
    unsigned           threads;
    enum worker_device device;
    uint32_t           batch, side, classes;
    unsigned           precision; /* enum worker_net_precision */
    bool               any_order; /* sums whose order may change from run to run */
};

/* Images a second. On the CPU of CPU time of this process, which what else runs on the machine
 * disturbs least; on one thread of an idle machine, that is a second of the clock. On a GPU by the
 * clock, with the images on it.
 * Over repeats of a quarter of a second or one step, whichever is longer. */
struct worker_bench_rate {
    double   median, min, max;
    double   flop; /* floating-point operations an image (worker_engine_cost()) */
    unsigned repeats;
};

/* Train: whole steps, and the network's convolutions alone (forward and backward), which no training can
 * outrun, in turn. Returns 0, or -1 with the engine's *err. */
int worker_bench_train(const struct worker_bench_setup *setup, struct worker_bench_rate *train,
                       struct worker_bench_rate *convolutions, struct mx_err *err);

/* Logits of the same images in eval mode. */
int worker_bench_infer(const struct worker_bench_setup *setup, struct worker_bench_rate *infer,
                       struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
