#include "worker/image_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/file.h"
#include "base/hash.h"
#include "worker/stage.h"
#include "worker/store_file.h"
#include "worker/store_parts.h"

int worker_image_cache_folder(struct mx_buf *folder, struct mx_err *err)
{
    const char *own = getenv("MIXSWEEP_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (own && own[0])
        mx_buf_text(folder, own);
    else if (xdg && xdg[0])
        mx_buf_printf(folder, "%s/mixsweep", xdg);
    else if (home && home[0])
        mx_buf_printf(folder, "%s/.cache/mixsweep", home);
    else
        return mx_fail(err, MX_EIO, "there is no home directory: set MIXSWEEP_CACHE");
    if (!mx_buf_ok(folder))
        return mx_fail(err, MX_ENOMEM, "no memory for the path of the cache");
    return mx_dir_make(mx_buf_str(folder), err);
}

/* A store of the cache that is to be opened. */
struct opening {
    const struct worker_store_spec *spec;
    struct mx_hash128               key;
    struct mx_buf                   path, growing; /* its file, and that while it grows */
    uint32_t                        helped;     /* files that were decoded for who has it locked */
    bool                            is_no_help; /* decoding for that one failed */
    bool                            unwritable; /* it is the cache that failed */
    bool                            watched;    /* what has its last name grew while this waited */
};

static const double pause_s = 0.005;

/* Decode a part for who has the store locked, or wait a moment. `grown`: what that one has written. */
static int help(struct opening *o, uint64_t grown, struct mx_err *err)
{
    int done = 0;

    if (!o->is_no_help)
        done = worker_store_parts_help(mx_buf_str(&o->path), o->spec);
    if (done < 0)
        o->is_no_help = true;
    if (done > 0)
        o->helped += (uint32_t)done;
    if (worker_progress_tick(o->spec->progress, grown + o->helped, 0)) {
        o->unwritable = false;
        return mx_fail(err, MX_EINTERRUPTED, "stopped while another decoded the same images");
    }
    if (done <= 0)
        mx_clock_sleep_s(pause_s);
    return 0;
}

/* Lock the file that grows; while another has it locked, decode for that one. */
static int await_lock(struct opening *o, int fd, struct mx_err *err)
{
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        struct stat st = {.st_size = 0};

        if (errno != EWOULDBLOCK && errno != EINTR)
            return mx_fail_errno(err, MX_EIO, errno, "cannot lock %s", mx_buf_str(&o->growing));
        fstat(fd, &st); /* it grows as long as whoever has it locked makes progress */
        if (help(o, (uint64_t)st.st_size, err))
            return -1;
    }
    return 0;
}

static bool is_file(const char *path, const struct stat *file)
{
    struct stat there;

    return stat(path, &there) == 0 && there.st_ino == file->st_ino && there.st_dev == file->st_dev;
}

/* Open the file that grows, locked, and empty. Returns -1 with *err; fd -1 and 0 if another
 * process has finished it meanwhile. */
static int lock(struct opening *o, int *fd, struct mx_err *err)
{
    const char *growing = mx_buf_str(&o->growing);
    struct stat mine = {.st_ino = 0};
    int         failed;

    if ((*fd = open(growing, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot create %s", growing);
    failed = await_lock(o, *fd, err);
    if (failed == 0 && fstat(*fd, &mine))
        failed = mx_fail_errno(err, MX_EIO, errno, "cannot lock %s", growing);
    else if (failed == 0 && !is_file(growing, &mine))
        failed = 1; /* it has its last name already, or none */
    else if (failed == 0 && ftruncate(*fd, 0))
        failed = mx_fail_errno(err, MX_EIO, errno, "cannot write %s", growing);
    if (failed == 0)
        return 0;
    o->watched = failed > 0 && is_file(mx_buf_str(&o->path), &mine);
    close(*fd);
    *fd = -1;
    return failed > 0 ? 0 : -1;
}

/* Decode into the file that grows, which is locked; then it gets its name. */
static int write_store(struct opening *o, int fd, struct worker_image_store *store,
                       struct mx_err *err)
{
    const char                *path = mx_buf_str(&o->path), *growing = mx_buf_str(&o->growing);
    struct worker_store_spec   spec = *o->spec;
    struct worker_store_parts *parts = worker_store_parts_new(path, o->spec);
    int                        rc;

    if (parts)
        spec.share = worker_store_parts_share(parts);
    rc = worker_store_write(fd, growing, &o->key, &spec, store, &o->unwritable, err);
    if (parts)
        store->decoded += worker_store_parts_decoded(parts);
    worker_store_parts_free(parts);
    if (rc == 0 && mx_disk_rename(growing, path)) {
        o->unwritable = true;
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot rename %s to %s", growing, path);
    }
    return rc;
}

/* Make the store and map it. */
static int build(struct opening *o, int fd, struct worker_image_store *store, struct mx_err *err)
{
    const char *path = mx_buf_str(&o->path);
    uint32_t    decoded;
    int         rc = write_store(o, fd, store, err);

    decoded = store->decoded;
    worker_image_store_clear(store);
    if (rc)
        return -1;
    if (!worker_store_load(path, &o->key, o->spec, true, store)) {
        o->unwritable = true;
        return mx_fail(err, MX_EIO,
                       "%s does not hold what was written to it: set MIXSWEEP_CACHE to a folder on "
                       "another disk",
                       path);
    }
    store->decoded = decoded;
    return 0;
}

/* Decode parts of the store until another process has made it. */
static int open_helping(struct opening *o, struct worker_image_store *store, struct mx_err *err)
{
    while (!worker_store_load(mx_buf_str(&o->path), &o->key, o->spec, true, store))
        if (help(o, 0, err))
            return -1;
    store->decoded += o->helped;
    return 0;
}

/* As the public function, from the cache or not at all. */
static int open_cached(struct opening *o, struct worker_image_store *store, struct mx_err *err)
{
    const char *path = mx_buf_str(&o->path), *growing = mx_buf_str(&o->growing);
    int         fd = -1, rc = 0;

    while (!worker_store_load(path, &o->key, o->spec, o->watched, store)) {
        o->watched = false;
        o->unwritable = true;
        if (lock(o, &fd, err))
            return -1;
        if (fd < 0)
            continue;
        /* Whoever held the lock before may have finished. */
        if (worker_store_load(path, &o->key, o->spec, false, store) ||
            (rc = build(o, fd, store, err)))
            unlink(growing);
        close(fd);
        break;
    }
    store->decoded += o->helped;
    return rc;
}

static int open_in(const char *folder, const struct worker_store_spec *spec,
                   struct worker_image_store *store, bool *unwritable, struct mx_err *err)
{
    struct opening o = {.spec = spec};
    char           hex[MX_HASH128_HEX];
    int            rc = worker_store_key(spec, &o.key, err);

    if (rc == 0) {
        mx_buf_printf(&o.path, "%s/images-%s", folder, mx_hash128_hex(o.key, hex));
        mx_buf_printf(&o.growing, "%s.tmp", mx_buf_str(&o.path));
        if (!mx_buf_ok(&o.path) || !mx_buf_ok(&o.growing))
            rc = mx_fail(err, MX_ENOMEM, "no memory for a path in %s", folder);
        else
            rc = spec->only_helps ? open_helping(&o, store, err) : open_cached(&o, store, err);
    }
    *unwritable = o.unwritable;
    mx_buf_free(&o.path);
    mx_buf_free(&o.growing);
    return rc;
}

struct worker_image_store *worker_image_cache_open(const char                     *folder,
                                                   const struct worker_store_spec *spec,
                                                   struct mx_err *note, struct mx_err *err)
{
    struct worker_image_store *store = calloc(1, sizeof *store);
    struct mx_err              why = {.code = MX_OK};
    bool                       unwritable = false;

    if (!store) {
        mx_fail(err, MX_ENOMEM, "no memory for a list of images");
        return NULL;
    }
    if (folder && open_in(folder, spec, store, &unwritable, &why) == 0)
        return store;
    if (!folder && spec->only_helps) {
        mx_fail(err, MX_EIO, "there is no cache to decode into");
    } else if (folder && !unwritable) {
        mx_fail(err, why.code, "%s", why.text);
    } else {
        if (folder)
            mx_fail(note, why.code, "%s", why.text);
        if (worker_image_store_decode(spec, -1, NULL, store, NULL, err) == 0)
            return store;
    }
    free(store);
    return NULL;
}
