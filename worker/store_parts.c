#include "worker/store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/file.h"
#include "worker/stage.h"
#include "worker/store_file.h"

enum {
    PARTS = 32, /* of a list, if that makes them neither smaller ... */
    LEAST = 4,
    MOST = 64, /* files, nor larger */
    NONE = UINT32_MAX,
};

static const double pause_s = 0.002;
/* Who has nothing to do waits so long for a part of another, which may have been stopped. */
static const double patience_s = 1;

struct worker_store_parts {
    const char                     *stem;
    const struct worker_store_spec *spec;
    struct worker_store_share       share;
    int                             claims;   /* that file */
    uint32_t                        n, files; /* parts; files of each but the last */

    /* Of the holder. */
    uint32_t                  at;      /* the part at hand, or NONE */
    bool                      claimed; /* by this process */
    struct worker_image_store part;    /* it, if somebody has decoded it */
    uint32_t                  decoded;
    bool                      alone; /* it cannot write parts itself */
};

/* Files that have to be decoded whatever becomes of those before them. */
static uint32_t certain(const struct worker_store_spec *spec)
{
    return spec->all || spec->keep > spec->nfiles ? spec->nfiles : spec->keep;
}

/* All who work on a store cut it in the same way. */
static void cut(struct worker_store_parts *parts)
{
    const uint32_t n = certain(parts->spec), files = n / PARTS;

    parts->files = files < LEAST ? LEAST : files > MOST ? MOST : files;
    parts->n = (n + parts->files - 1) / parts->files;
}

/* A path beside the store, to be freed; NULL: no memory. */
static char *path_with(const char *stem, const char *end)
{
    struct mx_buf path = {0};

    mx_buf_printf(&path, "%s%s", stem, end);
    if (mx_buf_ok(&path))
        return path.data;
    mx_buf_free(&path);
    return NULL;
}

/* That of a part, or of one that grows. */
static char *path_of(const struct worker_store_parts *parts, uint32_t k, const char *end)
{
    char text[32];

    snprintf(text, sizeof text, ".part-%" PRIu32 "%s", k, end);
    return path_with(parts->stem, text);
}

static void remove_part(const struct worker_store_parts *parts, uint32_t k)
{
    static const char *const ends[] = {"", ".tmp"};

    for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++) {
        char *path = path_of(parts, k, ends[e]);

        if (path)
            mx_disk_remove(path);
        free(path);
    }
}

/* Lock a byte, or give it free. A lock of this kind belongs to the opened file: it holds against
 * whoever else has opened it, and is free when that is closed. */
static bool set_lock(const struct worker_store_parts *parts, uint32_t k, short type)
{
    struct flock byte = {.l_type = type, .l_whence = SEEK_SET, .l_start = k, .l_len = 1};

    return fcntl(parts->claims, F_OFD_SETLK, &byte) == 0;
}

static bool claim(const struct worker_store_parts *parts, uint32_t k)
{
    return set_lock(parts, k, F_WRLCK);
}

static void unclaim(const struct worker_store_parts *parts, uint32_t k)
{
    set_lock(parts, k, F_UNLCK);
}

static bool put_next(const struct worker_store_parts *parts, uint32_t next)
{
    return pwrite(parts->claims, &next, sizeof next, 0) == sizeof next;
}

/* The first part that is not in the store; NONE where the store has another claims file by now, or
 * none, because it is whole or given up. */
static uint32_t next_of(const struct worker_store_parts *parts)
{
    char       *path = path_with(parts->stem, ".claims");
    struct stat mine, there;
    uint32_t    next = NONE;

    if (!path || fstat(parts->claims, &mine) || stat(path, &there) || mine.st_ino != there.st_ino ||
        mine.st_dev != there.st_dev || pread(parts->claims, &next, sizeof next, 0) != sizeof next)
        next = NONE;
    free(path);
    return next;
}

static uint32_t files_of(const struct worker_store_parts *parts, uint32_t k)
{
    const uint32_t rest = certain(parts->spec) - k * parts->files;

    return rest < parts->files ? rest : parts->files;
}

/* Part k as a store of its own. */
static struct worker_store_spec spec_of(const struct worker_store_parts *parts, uint32_t k)
{
    struct worker_store_spec spec = *parts->spec;
    const uint32_t           first = k * parts->files;

    spec.files += first;
    spec.hashes += first;
    spec.nfiles = files_of(parts, k);
    spec.keep = spec.nfiles;
    spec.all = true;
    spec.share = NULL;
    return spec;
}

/* Decode part k, which is claimed. Nothing is left of one that fails. */
static int make_part(const struct worker_store_parts *parts, uint32_t k)
{
    const struct worker_store_spec spec = spec_of(parts, k);
    struct worker_image_store      store = {0};
    struct mx_hash128              key;
    char *path = path_of(parts, k, ""), *growing = path_of(parts, k, ".tmp");
    bool  unwritable;
    int   fd = -1, rc = -1;

    if (path && growing) {
        /* Not into a file that somebody may still have open. */
        mx_disk_remove(growing);
        fd = mx_disk_open(growing, O_RDWR | O_CREAT | O_EXCL);
    }
    if (fd >= 0 && worker_store_key(&spec, &key, NULL) == 0 &&
        worker_store_write(fd, growing, &key, &spec, &store, &unwritable, NULL) == 0)
        rc = mx_disk_rename(growing, path);
    worker_image_store_clear(&store);
    if (fd >= 0) {
        close(fd);
        if (rc)
            mx_disk_remove(growing);
    }
    free(path);
    free(growing);
    return rc;
}

static bool is_made(const struct worker_store_parts *parts, uint32_t k)
{
    char *path = path_of(parts, k, "");
    bool  made = path && mx_disk_exists(path);

    free(path);
    return made;
}

/* Claim the first part from `from` on that nobody has; NONE where there is none. */
static uint32_t claim_any(const struct worker_store_parts *parts, uint32_t from)
{
    for (uint32_t k = from; k < parts->n; k++) {
        uint32_t next;

        if (is_made(parts, k) || !claim(parts, k))
            continue;
        /* It may have been made, or come into the store, before it was claimed. */
        next = next_of(parts);
        if (next <= k && !is_made(parts, k))
            return k;
        unclaim(parts, k);
        if (next == NONE)
            break;
    }
    return NONE;
}

/* Decode a part from `from` on that nobody has. Returns as worker_store_parts_help(). */
static int help(const struct worker_store_parts *parts, uint32_t from)
{
    const uint32_t k = claim_any(parts, from);
    int            rc;

    if (k == NONE)
        return 0;
    rc = make_part(parts, k);
    /* A holder that did not wait, or gave up, has looked for it before. */
    if (next_of(parts) > k)
        remove_part(parts, k);
    unclaim(parts, k);
    return rc ? -1 : (int)files_of(parts, k);
}

/* The part at hand is in the store. */
static void leave(struct worker_store_parts *parts)
{
    worker_image_store_clear(&parts->part);
    if (parts->at == NONE)
        return;
    put_next(parts, parts->at + 1);
    remove_part(parts, parts->at);
    if (parts->claimed)
        unclaim(parts, parts->at);
    parts->at = NONE;
}

static bool asked_to_stop(const struct worker_store_parts *parts)
{
    return worker_progress_tick(parts->spec->progress, parts->decoded, 0);
}

/* Claim part k, whose turn it is; meanwhile, decode others. */
static int await(struct worker_store_parts *parts, uint32_t k, struct mx_err *err)
{
    double idle_s = 0;

    while (!(parts->claimed = claim(parts, k)) && idle_s < patience_s) {
        const int made = parts->alone ? 0 : help(parts, k + 1);

        if (made > 0)
            parts->decoded += (uint32_t)made;
        parts->alone = parts->alone || made < 0;
        if (asked_to_stop(parts))
            return mx_fail(err, MX_EINTERRUPTED, "stopped while images were decoded");
        if (made == 0)
            mx_clock_sleep_s(pause_s);
        idle_s = made > 0 ? 0 : idle_s + pause_s;
    }
    return 0;
}

/* Have part k at hand. */
static int enter(struct worker_store_parts *parts, uint32_t k, struct mx_err *err)
{
    const struct worker_store_spec spec = spec_of(parts, k);
    struct mx_hash128              key;
    char                          *path;

    if (await(parts, k, err))
        return -1;
    parts->at = k;
    if (!(path = path_of(parts, k, "")))
        return mx_fail(err, MX_ENOMEM, "no memory for the path of a part of %s", parts->stem);
    if (mx_disk_exists(path) && worker_store_key(&spec, &key, NULL) == 0)
        worker_store_load(path, &key, &spec, true, &parts->part);
    free(path);
    return 0;
}

static int find(void *user, uint32_t file, struct worker_store_piece *piece, struct mx_err *err)
{
    struct worker_store_parts *parts = user;
    const uint32_t             k = file / parts->files;

    if (k != parts->at) {
        leave(parts);
        if (k < parts->n && enter(parts, k, err))
            return -1;
    }
    if (parts->part.nfiles > 0 && file - k * parts->files < parts->part.nfiles)
        *piece = (struct worker_store_piece){&parts->part, k * parts->files};
    return 0;
}

static int open_claims(const char *stem, int flags)
{
    char *path = path_with(stem, ".claims");
    int   fd = path ? mx_disk_open(path, flags) : -1;

    free(path);
    return fd;
}

static void remove_claims(const char *stem)
{
    char *path = path_with(stem, ".claims");

    if (path)
        mx_disk_remove(path);
    free(path);
}

struct worker_store_parts *worker_store_parts_new(const char                     *stem,
                                                  const struct worker_store_spec *spec)
{
    struct worker_store_parts *parts = calloc(1, sizeof *parts);

    if (!parts)
        return NULL;
    *parts = (struct worker_store_parts){.stem = stem, .spec = spec, .claims = -1, .at = NONE};
    parts->share = (struct worker_store_share){find, parts};
    cut(parts);
    if (parts->n > 1)
        parts->claims = open_claims(stem, O_RDWR | O_CREAT);
    if (parts->claims >= 0 && put_next(parts, 0) && claim(parts, parts->n)) {
        unclaim(parts, parts->n);
        return parts;
    }
    worker_store_parts_free(parts);
    return NULL;
}

const struct worker_store_share *worker_store_parts_share(struct worker_store_parts *parts)
{
    return &parts->share;
}

uint32_t worker_store_parts_decoded(const struct worker_store_parts *parts)
{
    return parts->decoded;
}

void worker_store_parts_free(struct worker_store_parts *parts)
{
    if (!parts)
        return;
    worker_image_store_clear(&parts->part);
    if (parts->claims >= 0) { /* without that file nobody begins another */
        remove_claims(parts->stem);
        for (uint32_t k = 0; k < parts->n; k++)
            remove_part(parts, k);
        close(parts->claims);
    }
    free(parts);
}

int worker_store_parts_help(const char *stem, const struct worker_store_spec *spec)
{
    struct worker_store_parts parts = {.stem = stem, .spec = spec};
    uint32_t                  next;
    int                       rc = 0;

    cut(&parts);
    if ((parts.claims = open_claims(stem, O_RDWR)) < 0)
        return 0;
    if ((next = next_of(&parts)) != NONE)
        rc = help(&parts, next);
    close(parts.claims);
    return rc;
}
