/* memory_cap.h - a bound on what a process may still take, so that a trial that needs too much fails alone
 * instead of the machine's memory killer choosing a victim.
 */
#ifndef MX_WORKER_MEMORY_CAP_H
#define MX_WORKER_MEMORY_CAP_H

#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From now on the process may take so many bytes of data (RLIMIT_DATA) besides those that it has: what its
 * libraries have brought counts as well, and CUDA's bring half a gigabyte. A bound that is lower already stays. Nothing is bounded where a sanitizer
 * reserves terabytes. Returns 0, or -1 with MX_EIO and the bound as it was. */
int worker_memory_cap(uint64_t bytes, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
