/* bench_data.h - how fast image files are decoded and resized, for `mixsweep bench data`. */
#ifndef MX_WORKER_BENCH_DATA_H
#define MX_WORKER_BENCH_DATA_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_DATA_REPEATS = 7,
    WORKER_BENCH_DATA_FILES = 64, /* of a folder, at most */
    WORKER_BENCH_DATA_SIDE = 224,
};

/* Image files, in memory. */
struct worker_bench_files {
    uint32_t      n;
    struct mx_buf bytes[WORKER_BENCH_DATA_FILES];
};

/* In each repeat: images a second of CPU time; and shares. */
struct worker_bench_data {
    uint32_t files;
    double   decode[WORKER_BENCH_DATA_REPEATS], resize[WORKER_BENCH_DATA_REPEATS];

    /* What opening a folder of the files without a cache reaches of the speed of reading, decoding
     * and resizing them; what making batches of its images in memory, as floats, padded, cut and
     * flipped, reaches of the speed of memcpy(), where it reads and writes as many bytes. */
    double first_epoch[WORKER_BENCH_DATA_REPEATS], second_epoch[WORKER_BENCH_DATA_REPEATS];

    /* By the clock: what two processes that open the folder at once reach of the speed of one that
     * reads, decodes and resizes the files and does nothing else, and of two that do so. */
    double two_of_one[WORKER_BENCH_DATA_REPEATS], two_of_two[WORKER_BENCH_DATA_REPEATS];
};

/* Decode JPEG and PNG files, the first of `folder` in the order of their names, from memory to
 * planes; and bring those to 224 x 224, the shorter side and then the centre. folder NULL: made
 * ones, 24 JPEG images of 500 x 375 pixels at quality 90. Then both epochs: `scratch` is an empty
 * folder, in which the files are written to `files`, and `cache` is where images are to be cached
 * (MIXSWEEP_CACHE). Returns 0, or -1 with *err. */
int worker_bench_data(const char *folder, const char *scratch, struct worker_bench_data *bench,
                      struct mx_err *err);

/* Its second half. */
int worker_bench_epochs(const char *scratch, const struct worker_bench_files *files,
                        struct worker_bench_data *out, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
