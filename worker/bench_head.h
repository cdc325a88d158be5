/* bench_head.h - what a cell of HSFM takes, for `mixsweep bench head`. */
#ifndef MX_WORKER_BENCH_HEAD_H
#define MX_WORKER_BENCH_HEAD_H

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_HEADS = 4,
    WORKER_BENCH_HEAD_REPEATS = 3
};

/* Seconds a cell, of each repeat. */
struct worker_bench_head {
    const char *word; /* the data set whose sizes and published parameters these are */
    double      wall_s[WORKER_BENCH_HEAD_REPEATS], cpu_s[WORKER_BENCH_HEAD_REPEATS];
};

/* Train HSFM on generated features of a published shape (0 .. WORKER_BENCH_HEADS -
 * 1): 2048 numbers a sample, two classes, as many validation samples as the set
 * has; in single precision, on one thread. Making the features is not timed. Returns
 * 0, or -1 with MX_ENOMEM. */
int worker_bench_head(unsigned shape, struct worker_bench_head *bench, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
