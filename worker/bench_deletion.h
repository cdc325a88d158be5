/* bench_deletion.h - what a deletion curve costs beside the inferences that it is made of, for
 * `mixsweep bench`. */
#ifndef MX_WORKER_BENCH_DELETION_H
#define MX_WORKER_BENCH_DELETION_H

#include "base/err.h"
#include "worker/choices.h"
#include "worker/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_BENCH_DELETION_REPEATS = 7
};

/* rates: images x steps a second of the curves of `arch` (28 steps, images of 3 x 32 x 32, one thread);
 * shares: that over the images a second of the same network in plain inference. In CPU time of
 * this process, on a GPU by the clock; the two measured in turn, so that what disturbs one disturbs the
 * other. Returns 0, or -1 with the engine's *err. */
int worker_bench_deletion(unsigned arch, enum worker_device device, enum worker_fill fill,
                          double shares[WORKER_BENCH_DELETION_REPEATS],
                          double rates[WORKER_BENCH_DELETION_REPEATS], struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
