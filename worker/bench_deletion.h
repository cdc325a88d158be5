/* bench_deletion.h - what a deletion curve costs beside the inferences that it is made of, for
 * `mixsweep bench`. */
#ifndef MX_WORKER_BENCH_DELETION_H
#define MX_WORKER_BENCH_DELETION_H

#include <stdint.h>

#include "base/err.h"
#include "worker/choices.h"
#include "worker/device.h"
#include "worker/features.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_DELETION_REPEATS = 7,
    WORKER_BENCH_DELETION_IMAGES =
        WORKER_FEATURE_BATCH, /* that the scores stage looks at together */
    WORKER_BENCH_DELETION_SIDE = 32
};

/* Of which curves: images of 3 x side x side, all of them together. */
struct worker_bench_curves {
    unsigned           arch; /* enum worker_arch */
    enum worker_device device;
    uint32_t           images, side; /* above 0 */
};

/* rates: images x steps a second of the curves (28 steps, one thread);
 * shares: that over the images a second of the same network in plain inference. In CPU time of
 * this process, on a GPU by the clock; the two measured in turn, so that what disturbs one disturbs the
 * other. Returns 0, or -1 with MX_ENOMEM or the engine's *err. */
int worker_bench_deletion(const struct worker_bench_curves *what, enum worker_fill fill,
                          double shares[WORKER_BENCH_DELETION_REPEATS],
                          double rates[WORKER_BENCH_DELETION_REPEATS], struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
