/* An npy file written from front to back under another name, then renamed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/npy_parts.h"

struct worker_npy_writer {
    FILE    *file;
    char    *path, *temporary;
    unsigned bytes; /* of a number */
    uint64_t left;  /* numbers that are still due */
};

/* Version 1, filled up with blanks so that the numbers begin at a multiple of 64. */
static void put_header(struct mx_buf *out, enum worker_npy_type type, uint32_t ndims,
                       const uint64_t *dims)
{
    static const char *const descr[WORKER_NPY_TYPES] = {
        [WORKER_NPY_U8] = "|u1",  [WORKER_NPY_U32] = "<u4", [WORKER_NPY_I32] = "<i4",
        [WORKER_NPY_I64] = "<i8", [WORKER_NPY_F32] = "<f4", [WORKER_NPY_F64] = "<f8"};
    const size_t start = WORKER_NPY_MAGIC + 2;
    size_t       length;

    mx_buf_add(out, "\x93NUMPY\1\0\0\0", start);
    mx_buf_printf(out, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr[type]);
    for (uint32_t d = 0; d < ndims; d++)
        mx_buf_printf(out, d + 1 < ndims ? "%" PRIu64 ", " : "%" PRIu64, dims[d]);
    mx_buf_text(out, ndims == 1 ? ",), }" : "), }");
    while ((out->len + 1) % 64)
        mx_buf_text(out, " ");
    mx_buf_text(out, "\n");
    if (!mx_buf_ok(out))
        return;
    length = out->len - start;
    out->data[WORKER_NPY_MAGIC] = (char)(length & 255);
    out->data[WORKER_NPY_MAGIC + 1] = (char)(length >> 8);
}

static int cannot_write(const struct worker_npy_writer *writer, struct mx_err *err)
{
    return mx_fail_errno(err, MX_EIO, errno, "cannot write %s", writer->path);
}

struct worker_npy_writer *worker_npy_begin(const char *path, enum worker_npy_type type,
                                           uint32_t ndims, const uint64_t *dims, struct mx_err *err)
{
    struct worker_npy_writer *writer = calloc(1, sizeof *writer);
    struct mx_buf             header = {0}, name = {0};
    int                       rc = -1;

    put_header(&header, type, ndims, dims);
    mx_buf_printf(&name, "%s.tmp.%ld", path, (long)getpid());
    if (!writer || !mx_buf_ok(&header) || !mx_buf_ok(&name) ||
        !(writer->temporary = strdup(mx_buf_str(&name))) || !(writer->path = strdup(path))) {
        mx_fail(err, MX_ENOMEM, "no memory to write %s", path);
        goto done;
    }
    writer->bytes = worker_npy_type_bytes(type);
    writer->left = 1;
    for (uint32_t d = 0; d < ndims; d++)
        writer->left *= dims[d];
    if (!(writer->file = fopen(writer->temporary, "wbe")))
        mx_fail_errno(err, MX_EIO, errno, "cannot create %s", writer->temporary);
    else if (fwrite(header.data, 1, header.len, writer->file) != header.len)
        cannot_write(writer, err);
    else
        rc = 0;
done:
    mx_buf_free(&header);
    mx_buf_free(&name);
    if (rc) {
        worker_npy_drop(writer);
        writer = NULL;
    }
    return writer;
}

int worker_npy_append(struct worker_npy_writer *writer, const void *data, uint64_t count,
                      struct mx_err *err)
{
    if (count > writer->left)
        return mx_fail(err, MX_EINTERNAL, "%s gets more numbers than its shape has", writer->path);
    writer->left -= count;
    if (fwrite(data, writer->bytes, count, writer->file) != count)
        return cannot_write(writer, err);
    return 0;
}

int worker_npy_finish(struct worker_npy_writer *writer, struct mx_err *err)
{
    int rc = -1;

    if (writer->left > 0)
        mx_fail(err, MX_EINTERNAL, "%s gets fewer numbers than its shape has", writer->path);
    else if (fflush(writer->file) || fsync(fileno(writer->file)))
        cannot_write(writer, err);
    else
        rc = mx_file_replace(writer->temporary, writer->path, err);
    worker_npy_drop(writer);
    return rc;
}

void worker_npy_drop(struct worker_npy_writer *writer)
{
    if (!writer)
        return;
    if (writer->file) {
        fclose(writer->file);
        unlink(writer->temporary); /* gone already where it was renamed */
    }
    free(writer->temporary);
    free(writer->path);
    free(writer);
}

int worker_npy_write(const char *path, enum worker_npy_type type, uint32_t ndims,
                     const uint64_t *dims, const void *data, struct mx_err *err)
{
    struct worker_npy_writer *writer = worker_npy_begin(path, type, ndims, dims, err);

    if (!writer)
        return -1;
    if (worker_npy_append(writer, data, writer->left, err)) {
        worker_npy_drop(writer);
        return -1;
    }
    return worker_npy_finish(writer, err);
}
