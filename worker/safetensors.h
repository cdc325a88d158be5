/* safetensors.h - named arrays in one file, as huggingface/safetensors reads it.
 *
 * Eight bytes: length of the header, little-endian. The header: a JSON object
 * {name: {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}}, filled
 * up with blanks to a multiple of eight. Then the arrays without gaps, row-major
 * and little-endian.
 */
#ifndef MX_WORKER_SAFETENSORS_H
#define MX_WORKER_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Write tensors[0..count), sorted by name, as path: whole or not at all.
 * Returns 0, or -1 with MX_EIO or MX_ENOMEM. */
int worker_safetensors_write(const char *path, const struct worker_tensor *tensors, size_t count,
                             struct mx_err *err);

enum {
    WORKER_STORED_DIMS = 8 /* at most */
};

/* An array of a file. */
struct worker_stored {
    const char *name;  /* as the file has it: any text */
    const char *dtype; /* "F32" ... */
    uint32_t    ndims;
    uint64_t    dims[WORKER_STORED_DIMS];
    uint64_t    count;        /* product of dims */
    uint64_t    begin, bytes; /* its place behind the header */
};

struct worker_safetensors; /* a file that is open */

/* Open a file and check its header whole: JSON of at most 1 MiB without duplicate
 * names, known dtypes, and arrays that fill the rest of the file without overlaps,
 * gaps or bytes left over, each as large as its shape says. Returns a file to be
 * released with worker_safetensors_close(); or NULL with MX_EDATA that names file,
 * tensor and what is wrong, MX_EIO or MX_ENOMEM. */
struct worker_safetensors *worker_safetensors_open(const char *path, struct mx_err *err);
void worker_safetensors_close(struct worker_safetensors *file); /* NULL is allowed */

/* Its arrays, lent until it is closed: by number, in the order of the file, below
 * worker_safetensors_count(); by name, NULL if there is none. */
size_t                      worker_safetensors_count(const struct worker_safetensors *file);
const struct worker_stored *worker_safetensors_at(const struct worker_safetensors *file, size_t t);
const struct worker_stored *worker_safetensors_find(const struct worker_safetensors *file,
                                                    const char                      *name);

/* Text of a file as it can be told: one line, printable, cut off if it is long. */
enum {
    WORKER_STORED_SHOWN = 80
};
const char *worker_stored_shown(const char *text, char out[WORKER_STORED_SHOWN]);

/* Read an array as floats, tensor->count of them; F32, F16 and BF16 can be. Returns
 * 0, or -1 with MX_EDATA or MX_EIO. */
int worker_safetensors_read(const struct worker_safetensors *file,
                            const struct worker_stored *tensor, float *out, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
