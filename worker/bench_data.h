/* bench_data.h - how fast image files are decoded and resized, for `mixsweep bench data`. */
#ifndef MX_WORKER_BENCH_DATA_H
#define MX_WORKER_BENCH_DATA_H

#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_DATA_REPEATS = 7,
    WORKER_BENCH_DATA_FILES = 64, /* of a folder, at most */
    WORKER_BENCH_DATA_SIDE = 224,
};

/* Images a second of CPU time, in each repeat. */
struct worker_bench_data {
    uint32_t files;
    double   decode[WORKER_BENCH_DATA_REPEATS], resize[WORKER_BENCH_DATA_REPEATS];
};

/* Decode JPEG and PNG files, the first of `folder` in the order of their names, from memory to
 * planes; and bring those to 224 x 224, the shorter side and then the centre. folder NULL: made
 * ones, 24 JPEG images of 500 x 375 pixels at quality 90. Returns 0, or -1 with *err. */
int worker_bench_data(const char *folder, struct worker_bench_data *bench, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
