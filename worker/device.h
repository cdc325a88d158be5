/* device.h - what an executor computes on. */
#ifndef MX_WORKER_DEVICE_H
#define MX_WORKER_DEVICE_H

#include <stddef.h>

#include "base/err.h"
#include "worker/choices.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where an engine runs: worker_params.device. */
enum worker_device {
    WORKER_DEVICE_CPU,
    WORKER_DEVICE_CUDA, /* the first device that CUDA_VISIBLE_DEVICES leaves visible */
};

enum {
    WORKER_DEVICES = WORKER_DEVICE_CUDA + 1
};

/* "cpu" and "cuda", in stage keys, stage.json and configurations. */
extern const struct worker_choice worker_devices[WORKER_DEVICES + 1];

/* Whether this build can run stages on a GPU, should there be one. Returns 0, or -1 with
 * MX_EGPU that says why not. Touches no GPU. */
int worker_cuda_ready(struct mx_err *err);

/* Begin to use the GPU that is visible. Returns 0, or -1 with MX_EGPU: nothing can be computed
 * on it. */
int worker_cuda_open(struct mx_err *err);

/* The processor's model name and the vector instructions that results depend
 * on ("AMD EPYC 7763, avx2"), as run.device shows it. Cut to fit. */
void worker_device_name(char *out, size_t room);

/* "avx512", "avx2" or "sse2": the widest that the libraries will choose. */
const char *worker_device_instructions(void);

#ifdef __cplusplus
}
#endif

#endif
