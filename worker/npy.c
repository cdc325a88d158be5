#include "worker/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "worker/npy_parts.h"

/* Read all of `bytes` at a place. */
int worker_npy_read_at(const struct worker_npy *file, uint64_t at, void *out, size_t bytes,
                       struct mx_err *err)
{
    char *to = out;

    while (bytes > 0) {
        ssize_t n = pread(file->fd, to, bytes, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mx_fail_errno(err, MX_EIO, errno, "cannot read %s", file->path);
        if (n == 0)
            return mx_fail(err, MX_EDATA, "%s is cut short: it ends at byte %" PRIu64, file->path,
                           at);
        to += n;
        at += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return 0;
}

/* Version and length of the header's text. */
static int read_start(struct worker_npy *file, uint64_t bytes, uint32_t *length, struct mx_err *err)
{
    unsigned char start[WORKER_NPY_MAGIC + 4];
    unsigned      wide;

    if (bytes < WORKER_NPY_MAGIC + 4)
        return mx_fail(err, MX_EDATA, "%s is cut short: %" PRIu64 " bytes are no npy file",
                       file->path, bytes);
    if (worker_npy_read_at(file, 0, start, sizeof start, err))
        return -1;
    if (memcmp(start, "\x93NUMPY", 6) != 0)
        return mx_fail(err, MX_EDATA, "%s is not an npy file: it does not begin with \\x93NUMPY%s",
                       file->path,
                       memcmp(start, "PK\3\4", 4) == 0 ? " but as an npz archive: unpack it" : "");
    if (start[6] < 1 || start[6] > 3)
        return mx_fail(err, MX_EDATA, "%s has version %u of the npy format: 1 to 3 can be read",
                       file->path, start[6]);
    wide = start[6] == 1 ? 2 : 4;
    *length = 0;
    for (unsigned k = 0; k < wide; k++)
        *length |= (uint32_t)start[WORKER_NPY_MAGIC + k] << 8 * k;
    file->data_at = WORKER_NPY_MAGIC + wide + (uint64_t)*length;
    if (*length > WORKER_NPY_MOST_HEADER)
        return mx_fail(err, MX_EDATA,
                       "%s is damaged: its header has %" PRIu32 " bytes, at most %d "
                       "are read",
                       file->path, *length, WORKER_NPY_MOST_HEADER);
    if (file->data_at > bytes)
        return mx_fail(err, MX_EDATA, "%s is cut short: it ends within its header", file->path);
    return 0;
}

/* The file is as long as the header says. */
static int check_length(const struct worker_npy *file, uint64_t bytes, struct mx_err *err)
{
    const struct worker_npy_shape *shape = &file->header.shape;
    const uint64_t due = shape->rows * shape->row * worker_npy_type_bytes(shape->type);
    const uint64_t have = bytes - file->data_at;

    if (have < due)
        return mx_fail(err, MX_EDATA,
                       "%s is cut short: it has %" PRIu64 " of the %" PRIu64
                       " bytes that its header declares",
                       file->path, have, due);
    if (have > due)
        return mx_fail(err, MX_EDATA,
                       "%s goes on behind the %" PRIu64 " bytes that its header declares",
                       file->path, due);
    return 0;
}

static int read_header(struct worker_npy *file, uint64_t bytes, struct mx_err *err)
{
    uint32_t length = 0;
    char    *text = NULL;
    int      rc = -1;

    if (read_start(file, bytes, &length, err))
        return -1;
    if (!(text = malloc((size_t)length + 1)))
        mx_fail(err, MX_ENOMEM, "no memory for the header of %s", file->path);
    else if (!worker_npy_read_at(file, file->data_at - length, text, length, err) &&
             !worker_npy_parse(text, length, file->path, &file->header, err))
        rc = check_length(file, bytes, err);
    free(text);
    return rc;
}

struct worker_npy *worker_npy_open(const char *path, struct mx_err *err)
{
    struct worker_npy *file = calloc(1, sizeof *file);
    struct stat        st;

    if (!file || !(file->path = strdup(path))) {
        mx_fail(err, MX_ENOMEM, "no memory to read %s", path);
        free(file);
        return NULL;
    }
    /* Not blocking: a pipe would make it wait for a writer. */
    if ((file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        mx_fail_errno(err, errno == ENOENT ? MX_EDATA : MX_EIO, errno, "cannot open %s", path);
    else if (fstat(file->fd, &st))
        mx_fail_errno(err, MX_EIO, errno, "cannot read %s", path);
    else if (!S_ISREG(st.st_mode))
        mx_fail(err, MX_EDATA, "%s is not a file", path);
    else if (read_header(file, (uint64_t)st.st_size, err) == 0)
        return file;
    worker_npy_close(file);
    return NULL;
}

void worker_npy_close(struct worker_npy *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    free(file);
}

const struct worker_npy_shape *worker_npy_shape(const struct worker_npy *file)
{
    return &file->header.shape;
}

/* A shape as Python writes it. */
static void put_shape(struct mx_buf *out, uint32_t ndims, const uint64_t *dims)
{
    mx_buf_text(out, "(");
    for (uint32_t d = 0; d < ndims; d++) {
        mx_buf_text(out, d ? ", " : "");
        if (dims[d] == UINT64_MAX)
            mx_buf_text(out, "any");
        else
            mx_buf_uint(out, dims[d]);
    }
    mx_buf_text(out, ndims == 1 ? ",)" : ")");
}

int worker_npy_want(const struct worker_npy *file, uint32_t ndims, const uint64_t *dims,
                    struct mx_err *err)
{
    const struct worker_npy_shape *shape = &file->header.shape;
    struct mx_buf                  found = {0}, wanted = {0};
    bool                           same = shape->ndims == ndims;

    for (uint32_t d = 0; same && d < ndims; d++)
        same = dims[d] == UINT64_MAX || dims[d] == shape->dims[d];
    if (same)
        return 0;
    put_shape(&found, shape->ndims, shape->dims);
    put_shape(&wanted, ndims, dims);
    mx_fail(err, MX_EDATA, "%s has shape %s, not %s", file->path, mx_buf_str(&found),
            mx_buf_str(&wanted));
    mx_buf_free(&found);
    mx_buf_free(&wanted);
    return -1;
}
