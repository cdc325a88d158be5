/* Unpacking through libarchive, which only reads here: files are made by ourselves, below one
 * folder that holds no link, and nothing else is made. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/fetch.h"

enum {
    READ_AT_ONCE = 1 << 16,
    MOST_ENTRIES = 1000000,
};

struct unpacking {
    const char     *name, *below, *folder;
    struct archive *archive;
    uint64_t       *room;
};

/* Whether a name stays below the folder: no empty, "." or ".." part, not absolute. */
static bool is_safe(const char *name)
{
    while (*name) {
        const size_t len = strcspn(name, "/");

        if (len == 0 || (len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0))
            return false;
        name += len + (name[len] == '/');
    }
    return true;
}

static int copy_bytes(struct unpacking *u, int fd, const char *path, struct mx_err *err)
{
    const void *data;
    size_t      len;
    la_int64_t  offset, end = 0; /* of the file so far */
    int         rc;

    while ((rc = archive_read_data_block(u->archive, &data, &len, &offset)) == ARCHIVE_OK) {
        if (offset < end)
            return mx_fail(err, MX_EDATA, "%s is damaged: a file's parts overlap", u->name);
        /* Holes count as bytes: a file is as long as it says. */
        if ((uint64_t)(offset - end) > *u->room || len > *u->room - (uint64_t)(offset - end))
            return mx_fail(err, MX_EDATA,
                           "%s unpacks to more than its set has: it is not the file that was "
                           "published",
                           u->name);
        *u->room -= (uint64_t)(offset - end) + len;
        end = offset + (la_int64_t)len;
        if (lseek(fd, offset, SEEK_SET) < 0)
            return mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
        if (mx_file_write_all(fd, data, len, path, err))
            return -1;
    }
    if (rc != ARCHIVE_EOF)
        return mx_fail(err, MX_EDATA, "%s is damaged: %s", u->name,
                       archive_error_string(u->archive));
    return 0;
}

static int make_file(struct unpacking *u, const char *path, struct mx_err *err)
{
    char *folder = strdup(path);
    int   fd, rc;

    if (!folder)
        return mx_fail(err, MX_ENOMEM, "no memory to unpack %s", u->name);
    *strrchr(folder, '/') = '\0';
    rc = mx_dir_make(folder, err);
    free(folder);
    if (rc)
        return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return mx_fail_errno(err, errno == EEXIST ? MX_EDATA : MX_EIO, errno, "cannot make %s",
                             path);
    rc = copy_bytes(u, fd, path, err);
    if (close(fd) && rc == 0)
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    return rc;
}

static int take_entry(struct unpacking *u, struct archive_entry *entry, struct mx_err *err)
{
    const char    *name = archive_entry_pathname(entry);
    const unsigned type = archive_entry_filetype(entry);
    const char    *slash = strrchr(u->below, '/');
    const size_t   cut = slash ? (size_t)(slash - u->below) + 1 : 0;
    char          *path;
    int            rc;

    while (name && strncmp(name, "./", 2) == 0)
        name += 2;
    if (!name || !is_safe(name))
        return mx_fail(err, MX_EDATA,
                       "%s holds the path '%s', which leads out of it: nothing of it is used",
                       u->name, name ? name : "");
    if (archive_entry_hardlink(entry) || (type != AE_IFREG && type != AE_IFDIR))
        return mx_fail(err, MX_EDATA,
                       "%s holds '%s', which is neither file nor folder: nothing of it is used",
                       u->name, name);
    if (type == AE_IFDIR || strncmp(name, u->below, strlen(u->below)) != 0)
        return 0;
    if (!(path = mx_path_join(u->folder, name + cut)))
        return mx_fail(err, MX_ENOMEM, "no memory to unpack %s", u->name);
    rc = make_file(u, path, err);
    free(path);
    return rc;
}

static int take_all(struct unpacking *u, struct mx_err *err)
{
    struct archive_entry *entry;
    uint64_t              entries = 0;
    int                   rc;

    while ((rc = archive_read_next_header(u->archive, &entry)) == ARCHIVE_OK) {
        if (++entries > MOST_ENTRIES)
            return mx_fail(err, MX_EDATA, "%s holds more than %d files", u->name, MOST_ENTRIES);
        if (take_entry(u, entry, err))
            return -1;
    }
    if (rc != ARCHIVE_EOF)
        return mx_fail(err, MX_EDATA, "%s is damaged: %s", u->name,
                       archive_error_string(u->archive));
    return 0;
}

int mx_fetch_unpack(const char *archive, const char *below, const char *folder, uint64_t *room,
                    struct mx_err *err)
{
    struct unpacking u = {archive, below, folder, archive_read_new(), room};
    int              rc;

    if (!u.archive)
        return mx_fail(err, MX_ENOMEM, "no memory to unpack %s", archive);
    archive_read_support_filter_gzip(u.archive);
    archive_read_support_format_tar(u.archive);
    archive_read_support_format_zip(u.archive);
    if (archive_read_open_filename(u.archive, archive, READ_AT_ONCE) != ARCHIVE_OK)
        rc = mx_fail(err, MX_EDATA, "%s is damaged: %s", archive, archive_error_string(u.archive));
    else
        rc = take_all(&u, err);
    archive_read_free(u.archive);
    return rc;
}
