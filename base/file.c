#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"

/* Up to the end, or until there is more than most. */
static int read_pieces(int fd, const char *path, size_t most, struct mx_buf *out,
                       struct mx_err *err)
{
    char    piece[1 << 14];
    ssize_t n = 1;

    while (mx_buf_ok(out) && out->len <= most && n > 0) {
        n = mx_disk_read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            mx_buf_add(out, piece, (size_t)n);
    }
    if (n < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot read %s", path);
    if (!mx_buf_ok(out))
        return mx_fail(err, MX_ENOMEM, "no memory to read %s", path);
    return 0;
}

static int read_file(const char *path, size_t most, struct mx_buf *out, struct mx_err *err)
{
    int fd = mx_disk_open(path, O_RDONLY);
    int rc;

    mx_buf_clear(out);
    if (fd < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot open %s", path);
    rc = read_pieces(fd, path, most, out, err);
    mx_disk_close(fd);
    return rc;
}

int mx_file_read(const char *path, size_t max_bytes, struct mx_buf *out, struct mx_err *err)
{
    if (read_file(path, max_bytes, out, err))
        return -1;
    if (out->len > max_bytes)
        return mx_fail(err, MX_ERANGE, "%s is larger than %zu bytes", path, max_bytes);
    return 0;
}

int mx_file_refuse_pipe(const char *path, struct mx_err *err)
{
    struct stat st;

    if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
        return mx_fail(err, MX_EDATA, "%s is a pipe, not a file", path);
    return 0;
}

int mx_file_read_head(const char *path, size_t max_bytes, struct mx_buf *out, struct mx_err *err)
{
    if (read_file(path, max_bytes, out, err))
        return -1;
    if (out->len > max_bytes) {
        out->len = max_bytes;
        out->data[max_bytes] = '\0';
    }
    return 0;
}

int mx_file_write_all(int fd, const void *data, size_t len, const char *path, struct mx_err *err)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = mx_disk_write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int sync_parent(const char *path, struct mx_err *err)
{
    char *copy = strdup(path);
    int   rc;

    if (!copy)
        return mx_fail(err, MX_ENOMEM, "no memory to write %s", path);
    rc = mx_dir_sync(dirname(copy), err);
    free(copy);
    return rc;
}

int mx_file_replace(const char *temporary, const char *path, struct mx_err *err)
{
    if (mx_disk_rename(temporary, path))
        return mx_fail_errno(err, MX_EIO, errno, "cannot rename %s to %s", temporary, path);
    return sync_parent(path, err);
}

int mx_file_write(const char *path, const void *data, size_t len, struct mx_err *err)
{
    return mx_file_write_pieces(path, &(struct mx_piece){data, len}, 1, err);
}

int mx_file_write_pieces(const char *path, const struct mx_piece *pieces, size_t npieces,
                         struct mx_err *err)
{
    struct mx_buf temporary = {0};
    int           fd = -1, rc = -1;

    mx_buf_printf(&temporary, "%s.tmp.%ld", path, (long)getpid());
    if (!mx_buf_ok(&temporary)) {
        mx_fail(err, MX_ENOMEM, "no memory to write %s", path);
        goto done;
    }
    if ((fd = mx_disk_open(temporary.data, O_WRONLY | O_CREAT | O_TRUNC)) < 0) {
        mx_fail_errno(err, MX_EIO, errno, "cannot create %s", temporary.data);
        goto done;
    }
    for (size_t p = 0; p < npieces; p++)
        if (mx_file_write_all(fd, pieces[p].data, pieces[p].len, path, err))
            goto done;
    if (mx_disk_sync(fd)) {
        mx_fail_errno(err, MX_EIO, errno, "cannot sync %s", path);
        goto done;
    }
    rc = mx_file_replace(temporary.data, path, err);
done:
    if (fd >= 0)
        mx_disk_close(fd);
    if (rc && fd >= 0)
        mx_disk_remove(temporary.data);
    mx_buf_free(&temporary);
    return rc;
}

int mx_dir_make(const char *path, struct mx_err *err)
{
    char *copy;
    int   rc = 0;

    if (!*path)
        return mx_fail(err, MX_EIO, "cannot make a directory without a name");
    if (!(copy = strdup(path)))
        return mx_fail(err, MX_ENOMEM, "no memory to make %s", path);
    for (char *at = copy + 1; rc == 0; at++) {
        char held = *at;

        if (held != '/' && held != '\0')
            continue;
        *at = '\0';
        if (mx_disk_make_dir(copy) && errno != EEXIST)
            rc = mx_fail_errno(err, MX_EIO, errno, "cannot make directory %s", copy);
        *at = held;
        if (held == '\0')
            break;
    }
    if (rc == 0 && !mx_disk_is_dir(path))
        rc = mx_fail(err, MX_EIO, "%s exists and is not a directory", path);
    free(copy);
    return rc;
}

int mx_dir_sync(const char *path, struct mx_err *err)
{
    bool opened;

    if (mx_disk_sync_dir(path, &opened) == 0)
        return 0;
    if (!opened)
        return mx_fail_errno(err, MX_EIO, errno, "cannot open directory %s", path);
    /* Some network file systems refuse to sync a directory: nothing better exists there. */
    if (errno == EINVAL || errno == ENOTSUP)
        return 0;
    return mx_fail_errno(err, MX_EIO, errno, "cannot sync directory %s", path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    return remove(path);
}

int mx_dir_remove(const char *path, struct mx_err *err)
{
    enum {
        OPEN_AT_ONCE = 16
    };

    if (nftw(path, remove_one, OPEN_AT_ONCE, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return mx_fail_errno(err, MX_EIO, errno, "cannot remove %s", path);
    return 0;
}

int mx_dir_clear(const char *path, bool (*keeps)(const char *name), struct mx_err *err)
{
    DIR           *dir = opendir(path);
    struct dirent *entry;
    int            rc = 0;

    if (!dir)
        return mx_fail_errno(err, MX_EIO, errno, "cannot open directory %s", path);
    while (rc == 0 && (entry = readdir(dir))) {
        char *at;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            keeps(entry->d_name))
            continue;
        if ((at = mx_path_join(path, entry->d_name)))
            rc = mx_dir_remove(at, err);
        else
            rc = mx_fail(err, MX_ENOMEM, "no memory to clear %s", path);
        free(at);
    }
    closedir(dir);
    return rc;
}

bool mx_file_exists(const char *path)
{
    return mx_disk_exists(path);
}

char *mx_path_join(const char *dir, const char *name)
{
    size_t ndir = strlen(dir);
    char  *path;

    if (*name == '/' || ndir == 0 || strcmp(dir, ".") == 0)
        return strdup(name);
    if (!(path = malloc(ndir + strlen(name) + 2)))
        return NULL;
    sprintf(path, "%s%s%s", dir, dir[ndir - 1] == '/' ? "" : "/", name);
    return path;
}
