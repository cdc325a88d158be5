/* npy_parts.h - private to npy*.c. */
#ifndef MX_WORKER_NPY_PARTS_H
#define MX_WORKER_NPY_PARTS_H

#include <stdbool.h>

#include "worker/npy.h"

/* What a header says. */
struct worker_npy_header {
    struct worker_npy_shape shape;
    bool                    big;     /* bytes of a number: the highest one first */
    bool                    fortran; /* column-major */
};

struct worker_npy {
    int                      fd;
    char                    *path;
    struct worker_npy_header header;
    uint64_t                 data_at; /* place of the first number in the file */
};

enum {
    WORKER_NPY_MAGIC = 8,          /* bytes: "\x93NUMPY" and two of the version */
    WORKER_NPY_MOST_HEADER = 65536 /* bytes of its text */
};

/* Bytes of a number. */
unsigned worker_npy_type_bytes(enum worker_npy_type type);

/* Read `bytes` bytes at a place of the file. Returns 0, or -1 with MX_EIO, or MX_EDATA
 * if it ends before. */
int worker_npy_read_at(const struct worker_npy *file, uint64_t at, void *out, size_t bytes,
                       struct mx_err *err);

/* Read the text of a header, a Python dict with descr, fortran_order and shape. Returns
 * 0, or -1 with MX_EDATA; `path` is for the message. */
int worker_npy_parse(const char *text, size_t len, const char *path,
                     struct worker_npy_header *header, struct mx_err *err);

#endif
