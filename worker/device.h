/* device.h - what an executor computes on. */
#ifndef MX_WORKER_DEVICE_H
#define MX_WORKER_DEVICE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kind of device in stage keys and stage.json. */
#define WORKER_DEVICE_KIND "cpu"

/* The processor's model name and the vector instructions that results depend
 * on ("AMD EPYC 7763, avx2"), as run.device shows it. Cut to fit. */
void worker_device_name(char *out, size_t room);

/* "avx512", "avx2" or "sse2": the widest that the libraries will choose. */
const char *worker_device_instructions(void);

#ifdef __cplusplus
}
#endif

#endif
