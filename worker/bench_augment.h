/* bench_augment.h - what mixing and other augmentation cost, for `mixsweep bench augment`. */
#ifndef MX_WORKER_BENCH_AUGMENT_H
#define MX_WORKER_BENCH_AUGMENT_H

#include "base/err.h"
#include "worker/choices.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_AUGMENT_REPEATS = 7,
    WORKER_BENCH_AUGMENTS = WORKER_MIXES + 3 /* the strategies, then worker_bench_augments */
};

/* What is measured besides strategies: enum worker_augment. */
extern const unsigned worker_bench_augments[WORKER_BENCH_AUGMENTS - WORKER_MIXES];

/* For each repeat: the time that a strategy or augmentation takes beyond a batch that is not
 * mixed, as a share of a step of resnet20. Slot 0 (none) is the whole time that
 * such a batch takes. */
struct worker_bench_shares {
    double of[WORKER_BENCH_AUGMENTS][WORKER_BENCH_AUGMENT_REPEATS];
};

/* Batches of 128 images of 3 x 32 x 32, a draw for each image, which is the dearer
 * granularity; on one thread. Each repeat times a step and every strategy, one
 * after the other, so that load from elsewhere falls on all. puzzlemix without
 * its pass through the network; manifold_mixup as if it mixed after stage 1
 * always. Returns 0, or -1 with *err. */
int worker_bench_augment(struct worker_bench_shares *shares, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
