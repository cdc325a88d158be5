/* npy.h - NumPy's array files, read and written a piece at a time.
 *
 * Read: versions 1 to 3 of the format; bool, integers of 1 to 8 bytes and floats
 * of 2, 4 or 8 in either byte order; row-major and column-major (Fortran) arrays,
 * which are always handed out row-major; up to four dimensions, none included
 * (shape ()). Everything else is refused with what was found: nothing of the
 * header is trusted before it fits the file's length to the byte. The format:
 * numpy.lib.format, NEP 1.
 *
 * A "row" is everything that one index of the first dimension holds; an array of
 * shape () is one row of one number.
 */
#ifndef MX_WORKER_NPY_H
#define MX_WORKER_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum worker_npy_type {
    WORKER_NPY_BOOL,
    WORKER_NPY_U8,
    WORKER_NPY_U16,
    WORKER_NPY_U32,
    WORKER_NPY_U64,
    WORKER_NPY_I8,
    WORKER_NPY_I16,
    WORKER_NPY_I32,
    WORKER_NPY_I64,
    WORKER_NPY_F16,
    WORKER_NPY_F32,
    WORKER_NPY_F64,
    WORKER_NPY_TYPES
};

enum {
    WORKER_NPY_DIMS = 4 /* at most */
};

struct worker_npy_shape {
    enum worker_npy_type type;
    uint32_t             ndims;
    uint64_t             dims[WORKER_NPY_DIMS];
    uint64_t             rows, row; /* dims[0], or 1 for (); numbers of one row */
};

/* ---- reading ---- */

struct worker_npy; /* a file that is open */

/* Open a file and check its header and its length. Returns a file to be released
 * with worker_npy_close(); or NULL with MX_EDATA that names the file and what is
 * wrong with it (missing, not of this format, a type that is not a number, cut
 * short, bytes left over), MX_EIO or MX_ENOMEM. */
struct worker_npy *worker_npy_open(const char *path, struct mx_err *err);
void               worker_npy_close(struct worker_npy *file); /* NULL is allowed */

/* Its shape and type, lent. */
const struct worker_npy_shape *worker_npy_shape(const struct worker_npy *file);

/* Check the shape: ndims dimensions, each dims[k] long, UINT64_MAX for any length.
 * Returns 0, or -1 with MX_EDATA: "FILE has shape (3, 4), not (any, 2048)". */
int worker_npy_want(const struct worker_npy *file, uint32_t ndims, const uint64_t *dims,
                    struct mx_err *err);

/* Read n rows from `first` on (first + n <= rows), row-major, into out (n, row), as
 * floats or doubles: any type is converted, wide ones are rounded. A column-major
 * file is read a block at a time. Returns 0, or -1 with MX_EIO, MX_ENOMEM or, if the
 * file has become shorter, MX_EDATA. */
int worker_npy_read_f32(const struct worker_npy *file, uint64_t first, uint64_t n, float *out,
                        struct mx_err *err);
int worker_npy_read_f64(const struct worker_npy *file, uint64_t first, uint64_t n, double *out,
                        struct mx_err *err);

/* The same as whole numbers below `below`; floats that are whole will do. A value that
 * is none is MX_EDATA: "FILE: the WHAT of row 7 is 12, not one of 0 to 9". */
int worker_npy_read_u32(const struct worker_npy *file, uint64_t first, uint64_t n, uint32_t below,
                        const char *what, uint32_t *out, struct mx_err *err);

/* ---- writing ---- */

struct worker_npy_writer; /* a file that is being written */

/* Begin a row-major array in this machine's byte order, little-endian; type: F32, F64,
 * U8, U32, I32, I64. Nothing is seen under `path` until worker_npy_finish(). Returns a
 * writer for worker_npy_finish() or worker_npy_drop(); or NULL with MX_EIO, MX_ENOMEM. */
struct worker_npy_writer *worker_npy_begin(const char *path, enum worker_npy_type type,
                                           uint32_t ndims, const uint64_t *dims,
                                           struct mx_err *err);

/* Append `count` numbers of the type. Returns 0, or -1 with MX_EIO; then drop it. */
int worker_npy_append(struct worker_npy_writer *writer, const void *data, uint64_t count,
                      struct mx_err *err);

/* Put the file, which has to be whole, in its place and release the writer. Returns 0,
 * or -1 with MX_EIO or, if numbers are missing or too many, MX_EINTERNAL; `path` is then
 * as it was. */
int  worker_npy_finish(struct worker_npy_writer *writer, struct mx_err *err);
void worker_npy_drop(struct worker_npy_writer *writer); /* leaves nothing; NULL is allowed */

/* All of it at once. */
int worker_npy_write(const char *path, enum worker_npy_type type, uint32_t ndims,
                     const uint64_t *dims, const void *data, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
