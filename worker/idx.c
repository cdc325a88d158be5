#include "worker/idx.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/* Twice the largest such set, EMNIST's ByClass; a small gzip file could unpack to far more. Keeps
 * products far from wrapping. */
#define MAX_BYTES (UINT64_C(1) << 30)

static uint32_t big_endian(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Read up to `want` bytes; *got tells how many came before the file's end. */
static int read_some(gzFile file, const char *path, uint8_t *to, size_t want, size_t *got,
                     struct mx_err *err)
{
    enum {
        PIECE = 1 << 20
    };

    for (*got = 0; *got < want;) {
        unsigned piece = want - *got < PIECE ? (unsigned)(want - *got) : PIECE;
        int      n = gzread(file, to + *got, piece), status = Z_OK;

        if (n < 0) {
            const char *text = gzerror(file, &status);

            if (status == Z_ERRNO)
                return mx_fail_errno(err, MX_EDATA, errno, "cannot read %s", path);
            if (!strncmp(text, path, strlen(path)) && !strncmp(text + strlen(path), ": ", 2))
                text += strlen(path) + 2; /* zlib names the file too */
            return mx_fail(err, MX_EDATA, "%s is damaged (%s): get the file again", path, text);
        }
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return 0;
}

/* Header and shape. */
static int read_header(gzFile file, const char *path, uint32_t ndims, struct worker_idx *idx,
                       uint64_t *bytes, struct mx_err *err)
{
    uint8_t  header[4 + 4 * WORKER_IDX_MAX_DIMS] = {0};
    size_t   size = 4 + 4 * (size_t)ndims, got;
    uint32_t due = 0x800 + ndims;

    if (read_some(file, path, header, size, &got, err))
        return -1;
    if (got >= 4 && big_endian(header) != due)
        return mx_fail(err, MX_EDATA,
                       "%s is not an IDX file of %s: it starts with 0x%08" PRIx32
                       ", not 0x%08" PRIx32 ": get the file again",
                       path, ndims == 1 ? "labels" : "images", big_endian(header), due);
    if (got < size)
        return mx_fail(err, MX_EDATA,
                       "%s is cut short: %zu of the %zu bytes of its header: get the file again",
                       path, got, size);
    *bytes = 1;
    for (uint32_t d = 0; d < ndims; d++) {
        idx->dims[d] = big_endian(header + 4 + 4 * (size_t)d);
        if (idx->dims[d] == 0)
            return mx_fail(err, MX_EDATA,
                           "%s holds no %s: dimension %" PRIu32 " is 0: get the file again", path,
                           ndims == 1 ? "labels" : "images", d + 1);
        if (*bytes > MAX_BYTES / idx->dims[d])
            return mx_fail(err, MX_EDATA,
                           "%s declares more than %" PRIu64 " bytes: get the file again", path,
                           MAX_BYTES);
        *bytes *= idx->dims[d];
    }
    return 0;
}

/* The data, in memory that grows as it comes; then nothing may follow. */
static int read_data(gzFile file, const char *path, uint64_t bytes, struct worker_idx *idx,
                     struct mx_err *err)
{
    uint64_t have = 0, room = UINT64_C(1) << 20;
    uint8_t  behind;
    size_t   got;

    while (have < bytes) {
        uint8_t *grown;

        room = room > bytes ? bytes : room;
        if (!(grown = realloc(idx->data, room)))
            return mx_fail(err, MX_ENOMEM, "no memory for the %" PRIu64 " bytes of %s", bytes,
                           path);
        idx->data = grown;
        if (read_some(file, path, grown + have, room - have, &got, err))
            return -1;
        have += got;
        if (have < room)
            return mx_fail(err, MX_EDATA,
                           "%s is cut short: %" PRIu64 " of %" PRIu64
                           " bytes behind its header: get the file again",
                           path, have, bytes);
        room *= 2;
    }
    if (read_some(file, path, &behind, 1, &got, err))
        return -1;
    if (got > 0)
        return mx_fail(err, MX_EDATA,
                       "%s goes on behind the %" PRIu64
                       " bytes that its header declares: get the file again",
                       path, bytes);
    return 0;
}

int worker_idx_read(const char *path, uint32_t ndims, struct worker_idx *idx, struct mx_err *err)
{
    gzFile      file = NULL;
    struct stat st;
    uint64_t    bytes = 0;
    int         rc = -1;

    idx->data = NULL;
    if (stat(path, &st))
        return mx_fail_errno(err, MX_EDATA, errno, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return mx_fail(err, MX_EDATA, "%s is not a file", path);
    errno = 0;
    if (!(file = gzopen(path, "rb")))
        return mx_fail_errno(err, MX_EDATA, errno ? errno : ENOMEM, "cannot open %s", path);
    if (!read_header(file, path, ndims, idx, &bytes, err) &&
        !read_data(file, path, bytes, idx, err))
        rc = 0;
    /* All data may be there and the checksum behind it not. */
    if (gzclose(file) == Z_BUF_ERROR && rc == 0)
        rc = mx_fail(err, MX_EDATA, "%s is cut short in its last bytes: get the file again", path);
    if (rc) {
        free(idx->data);
        idx->data = NULL;
    }
    return rc;
}
