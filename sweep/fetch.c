#include "sweep/fetch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"

/* The places of one fetch. */
struct fetch {
    const struct mx_download      *download;
    const struct mx_fetch_options *options;
    struct mx_buf                  folder, fresh; /* FOLDER.fetch, FOLDER.new */
    int                            lock;
    bool                           locked;
};

int mx_fetch_check_mirror(const char *mirror, struct mx_err *err)
{
    static const char *const kinds[] = {"http://", "https://", "file:///"};

    if (!mirror || !strstr(mirror, "://"))
        return 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (strncasecmp(mirror, kinds[k], strlen(kinds[k])) == 0)
            return 0;
    return mx_fail(err, MX_EINVAL,
                   "MIXSWEEP_DATA_MIRROR is '%.100s': give an address that begins with http://, "
                   "https:// or file:///, or a folder",
                   mirror);
}

static void put_escaped(const char *path, size_t len, struct mx_buf *out)
{
    for (size_t k = 0; k < len; k++) {
        const unsigned char c = (unsigned char)path[k];

        mx_buf_printf(out, isalnum(c) || strchr("/-._~", c) ? "%c" : "%%%02X", c);
    }
}

/* A folder as an address. */
static void put_folder(const char *folder, size_t len, struct mx_buf *out)
{
    char here[PATH_MAX];

    mx_buf_text(out, "file://");
    if (folder[0] != '/' && getcwd(here, sizeof here)) {
        put_escaped(here, strlen(here), out);
        mx_buf_text(out, "/");
    }
    put_escaped(folder, len, out);
}

void mx_fetch_url(const struct mx_download *download, const struct mx_download_file *file,
                  const char *mirror, struct mx_buf *out)
{
    size_t len = mirror ? strlen(mirror) : 0;

    while (len > 0 && mirror[len - 1] == '/')
        len--;
    if (len == 0) {
        mx_buf_text(out, file->url);
        return;
    }
    if (strstr(mirror, "://"))
        mx_buf_printf(out, "%.*s", (int)len, mirror);
    else
        put_folder(mirror, len, out);
    mx_buf_printf(out, "/%s/%s", mx_download_word(download), mx_download_name(file));
}

static int lock_folder(struct fetch *f, struct mx_err *err)
{
    const char *folder = mx_buf_str(&f->folder);

    if (mx_dir_make(folder, err))
        return -1;
    if ((f->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot open %s", folder);
    if (flock(f->lock, LOCK_EX | LOCK_NB))
        return mx_fail(err, MX_EOWNED, "another process is fetching into %s: wait for it", folder);
    f->locked = true;
    return 0;
}

static uint64_t size_of(const char *path)
{
    struct stat at;

    return stat(path, &at) == 0 ? (uint64_t)at.st_size : 0;
}

/* What is still to come must fit on the disk. */
static int check_room(const struct fetch *f, struct mx_err *err)
{
    const char    *folder = mx_buf_str(&f->folder);
    uint64_t       needed = f->download->unpacked_bytes / 2;
    struct statvfs disk;
    struct mx_buf  text = {0};
    int            rc = 0;

    for (size_t i = 0; i < f->download->nfiles; i++) {
        const struct mx_download_file *file = &f->download->files[i];

        mx_buf_clear(&text);
        mx_buf_printf(&text, "%s/%s", folder, mx_download_name(file));
        if (mx_file_exists(mx_buf_str(&text)))
            continue;
        mx_buf_text(&text, ".part");
        needed += file->bytes - (size_of(mx_buf_str(&text)) % (file->bytes + 1));
    }
    if (statvfs(folder, &disk) == 0 && disk.f_bavail * (uint64_t)disk.f_frsize < needed) {
        mx_buf_clear(&text);
        mx_download_size(needed, &text);
        mx_buf_text(&text, " are needed and ");
        mx_download_size(disk.f_bavail * (uint64_t)disk.f_frsize, &text);
        rc = mx_fail(err, MX_EIO, "%s are free for %s: make room, or give --out another disk",
                     mx_buf_str(&text), folder);
    }
    mx_buf_free(&text);
    return rc;
}

/* The file is whole: give it its name if it is the right one. */
static int accept_file(const struct mx_download_file *file, const char *part, const char *path,
                       const char *url, struct mx_err *err)
{
    bool wrong;

    if (mx_fetch_check(part, file->checksum, &wrong, err))
        return -1;
    if (wrong) {
        unlink(part);
        return mx_fail(err, MX_EDATA,
                       "%s is not the file that was published (its checksum is not %s); it was "
                       "removed: try again, or another mirror",
                       url, file->checksum);
    }
    if (rename(part, path))
        return mx_fail_errno(err, MX_EIO, errno, "cannot rename %s", part);
    return 0;
}

static int get_file(const struct fetch *f, const struct mx_download_file *file, struct mx_err *err)
{
    struct mx_buf url = {0}, part = {0};
    char         *path = mx_path_join(mx_buf_str(&f->folder), mx_download_name(file));
    int           rc = 0;

    mx_fetch_url(f->download, file, f->options->mirror, &url);
    mx_buf_printf(&part, "%s.part", path ? path : "");
    if (!path || !mx_buf_ok(&url) || !mx_buf_ok(&part))
        rc = mx_fail(err, MX_ENOMEM, "no memory to fetch %s", file->url);
    else if (!mx_file_exists(path)) {
        const char *from = mx_buf_str(&url), *to = mx_buf_str(&part);

        if (f->options->progress)
            fprintf(f->options->progress, "%s\n", from);
        rc = mx_fetch_get(from, to, file->bytes, f->options->progress, err);
        if (rc == 0)
            rc = accept_file(file, to, path, from, err);
    }
    mx_buf_free(&url);
    mx_buf_free(&part);
    free(path);
    return rc;
}

/* Unpack or move one file into the fresh folder. */
static int place_file(const struct fetch *f, const struct mx_download_file *file, uint64_t *room,
                      struct mx_err *err)
{
    const char   *fresh = mx_buf_str(&f->fresh), *percent;
    struct mx_buf from = {0}, to = {0}, below = {0};
    int           rc;

    mx_buf_printf(&from, "%s/%s", mx_buf_str(&f->folder), mx_download_name(file));
    mx_buf_printf(&to, "%s/%s", fresh, mx_download_name(file));
    if (!file->below) {
        /* It stays until all are placed, where the file system has links. */
        rc = link(mx_buf_str(&from), mx_buf_str(&to)) && rename(mx_buf_str(&from), mx_buf_str(&to))
                 ? mx_fail_errno(err, MX_EIO, errno, "cannot move %s", mx_buf_str(&from))
                 : 0;
    } else {
        percent = strstr(file->below, "%s");
        if (percent)
            mx_buf_printf(&below, "%.*s%s%s", (int)(percent - file->below), file->below,
                          f->options->part, percent + 2);
        else
            mx_buf_text(&below, file->below);
        if (f->options->progress)
            fprintf(f->options->progress, "unpacking %s\n", mx_download_name(file));
        rc = mx_fetch_unpack(mx_buf_str(&from), mx_buf_str(&below), fresh, room, err);
    }
    mx_buf_free(&from);
    mx_buf_free(&to);
    mx_buf_free(&below);
    return rc;
}

static int place_all(const struct fetch *f, struct mx_err *err)
{
    const char *fresh = mx_buf_str(&f->fresh), *folder = f->options->folder;
    uint64_t    room = f->download->unpacked_bytes;

    if (mx_dir_remove(fresh, err) || mx_dir_make(fresh, err))
        return -1;
    for (size_t i = 0; i < f->download->nfiles; i++)
        if (place_file(f, &f->download->files[i], &room, err))
            return -1;
    /* An empty folder may be in the way; anything else stays. */
    if (rmdir(folder) && errno != ENOENT)
        return mx_fail_errno(err, MX_EIO, errno, "%s is in the way", folder);
    if (rename(fresh, folder))
        return mx_fail_errno(err, MX_EIO, errno, "cannot rename %s to %s", fresh, folder);
    return mx_dir_remove(mx_buf_str(&f->folder), err);
}

/* After a failure: nothing is left but what a later fetch can go on with. */
static void tidy(const struct fetch *f)
{
    struct mx_buf part = {0};

    for (size_t i = 0; i < f->download->nfiles; i++) {
        mx_buf_clear(&part);
        mx_buf_printf(&part, "%s/%s.part", mx_buf_str(&f->folder),
                      mx_download_name(&f->download->files[i]));
        if (size_of(mx_buf_str(&part)) == 0)
            unlink(mx_buf_str(&part));
    }
    mx_buf_free(&part);
    rmdir(mx_buf_str(&f->folder)); /* if it is empty */
}

int mx_fetch(const struct mx_download *download, const struct mx_fetch_options *options,
             struct mx_err *err)
{
    struct fetch f = {.download = download, .options = options, .lock = -1};
    size_t       done = 0;
    int          rc;

    mx_buf_printf(&f.folder, "%s.fetch", options->folder);
    mx_buf_printf(&f.fresh, "%s.new", options->folder);
    if (!mx_buf_ok(&f.folder) || !mx_buf_ok(&f.fresh))
        rc = mx_fail(err, MX_ENOMEM, "no memory to fetch %s", mx_download_word(download));
    else if ((rc = lock_folder(&f, err)) == 0 && (rc = check_room(&f, err)) == 0) {
        while (rc == 0 && done < download->nfiles)
            rc = get_file(&f, &download->files[done++], err);
        if (rc == 0)
            rc = place_all(&f, err);
    }
    if (rc && f.locked)
        tidy(&f);
    if (f.lock >= 0)
        close(f.lock);
    mx_buf_free(&f.folder);
    mx_buf_free(&f.fresh);
    return rc;
}
