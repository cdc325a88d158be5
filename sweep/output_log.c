#include "sweep/output_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

enum {
    TAIL_BYTES = 1024
};

struct mx_output_log {
    struct mx_buf path, before; /* PATH and PATH.1 */
    int           fd;           /* -1: it could not be opened again */
    size_t        bytes;        /* in the file */
    size_t        ntail;
    char          tail[TAIL_BYTES]; /* the last bytes of the present process */
};

static int open_file(const struct mx_output_log *log, int flags)
{
    return open(log->path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0666);
}

struct mx_output_log *mx_output_log_new(const char *path, struct mx_err *err)
{
    struct mx_output_log *log = calloc(1, sizeof *log);
    struct stat           info;

    if (!log)
        goto nomem;
    log->fd = -1;
    mx_buf_text(&log->path, path);
    mx_buf_printf(&log->before, "%s.1", path);
    if (!mx_buf_ok(&log->path) || !mx_buf_ok(&log->before))
        goto nomem;
    if ((log->fd = open_file(log, 0)) < 0 || fstat(log->fd, &info)) {
        mx_fail_errno(err, MX_EIO, errno, "cannot open %s", path);
        goto fail;
    }
    log->bytes = (size_t)info.st_size;
    return log;
nomem:
    mx_fail(err, MX_ENOMEM, "no memory for the log %s", path);
fail:
    mx_output_log_free(log);
    return NULL;
}

void mx_output_log_free(struct mx_output_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    mx_buf_free(&log->path);
    mx_buf_free(&log->before);
    free(log);
}

const char *mx_output_log_path(const struct mx_output_log *log)
{
    return log->path.data;
}

static void begin_file(struct mx_output_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    rename(log->path.data, log->before.data);
    log->fd = open_file(log, O_TRUNC);
    log->bytes = 0;
}

static void keep_tail(struct mx_output_log *log, const char *data, size_t len)
{
    size_t kept;

    if (len > TAIL_BYTES) {
        data += len - TAIL_BYTES;
        len = TAIL_BYTES;
    }
    kept = log->ntail < TAIL_BYTES - len ? log->ntail : TAIL_BYTES - len;
    memmove(log->tail, log->tail + log->ntail - kept, kept);
    memcpy(log->tail + kept, data, len);
    log->ntail = kept + len;
}

void mx_output_log_add(struct mx_output_log *log, const void *data, size_t len)
{
    const char *at = data;

    keep_tail(log, at, len);
    while (len > 0) {
        size_t piece;

        if (log->bytes >= MX_OUTPUT_LOG_BYTES)
            begin_file(log);
        piece = MX_OUTPUT_LOG_BYTES - log->bytes;
        piece = piece < len ? piece : len;
        if (log->fd < 0 || mx_file_write_all(log->fd, at, piece, log->path.data, NULL))
            return;
        log->bytes += piece;
        at += piece;
        len -= piece;
    }
}

void mx_output_log_begin(struct mx_output_log *log)
{
    log->ntail = 0;
}

const char *mx_output_log_last_words(const struct mx_output_log *log, char out[MX_LAST_WORDS_SIZE])
{
    size_t start, end = log->ntail, n = 0;

    while (end > 0 && (unsigned char)log->tail[end - 1] <= ' ')
        end--;
    for (start = end; start > 0 && log->tail[start - 1] != '\n'; start--)
        ;
    for (; start < end && n < MX_LAST_WORDS_SIZE - 1; start++)
        out[n++] = log->tail[start] >= ' ' && log->tail[start] <= '~' ? log->tail[start] : '?';
    out[n] = '\0';
    return out;
}
