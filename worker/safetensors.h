/* safetensors.h - named arrays in one file, as huggingface/safetensors reads it.
 *
 * Eight bytes: length of the header, little-endian. The header: a JSON object
 * {name: {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}}, filled
 * up with blanks to a multiple of eight. Then the arrays without gaps.
 */
#ifndef MX_WORKER_SAFETENSORS_H
#define MX_WORKER_SAFETENSORS_H

#include <stddef.h>

#include "base/err.h"
#include "worker/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Write tensors[0..count), sorted by name, as path: whole or not at all.
 * Returns 0, or -1 with MX_EIO or MX_ENOMEM. */
int worker_safetensors_write(const char *path, const struct worker_tensor *tensors, size_t count,
                             struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
