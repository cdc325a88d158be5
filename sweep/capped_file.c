#include "sweep/capped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

struct mx_capped_file {
    struct mx_buf path, before; /* PATH and PATH.1 */
    int           fd;           /* -1: it could not be opened again */
    size_t        bytes, most;  /* in the file, and what it may hold */
};

static int open_file(const struct mx_capped_file *file, int flags)
{
    return open(file->path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0666);
}

struct mx_capped_file *mx_capped_file_new(const char *path, size_t most, struct mx_err *err)
{
    struct mx_capped_file *file = calloc(1, sizeof *file);
    struct stat            info;

    if (!file)
        goto nomem;
    file->fd = -1;
    file->most = most;
    mx_buf_text(&file->path, path);
    mx_buf_printf(&file->before, "%s.1", path);
    if (!mx_buf_ok(&file->path) || !mx_buf_ok(&file->before))
        goto nomem;
    if ((file->fd = open_file(file, 0)) < 0 || fstat(file->fd, &info)) {
        mx_fail_errno(err, MX_EIO, errno, "cannot open %s", path);
        goto fail;
    }
    file->bytes = (size_t)info.st_size;
    return file;
nomem:
    mx_fail(err, MX_ENOMEM, "no memory for the log %s", path);
fail:
    mx_capped_file_free(file);
    return NULL;
}

void mx_capped_file_free(struct mx_capped_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    mx_buf_free(&file->path);
    mx_buf_free(&file->before);
    free(file);
}

const char *mx_capped_file_path(const struct mx_capped_file *file)
{
    return file->path.data;
}

size_t mx_capped_file_room(const struct mx_capped_file *file)
{
    return file->bytes < file->most ? file->most - file->bytes : 0;
}

static void begin_anew(struct mx_capped_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    rename(file->path.data, file->before.data);
    file->fd = open_file(file, O_TRUNC);
    file->bytes = 0;
}

int mx_capped_file_add(struct mx_capped_file *file, const void *data, size_t len,
                       struct mx_err *err)
{
    if (len > mx_capped_file_room(file) || file->fd < 0)
        begin_anew(file);
    if (file->fd < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot open %s", file->path.data);
    if (mx_file_write_all(file->fd, data, len, file->path.data, err))
        return -1;
    file->bytes += len;
    return 0;
}
