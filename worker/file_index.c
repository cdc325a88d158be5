#include "worker/file_index.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "worker/picture.h"

enum {
    SETTLED_S = 2,
    MOST_BYTES = 1 << 30,
};

/* What a file was and what it held. */
struct entry {
    struct mx_hash128 file; /* of its path and status */
    uint64_t          content;
};

struct header {
    char     magic[16];
    uint64_t n, hash; /* of the entries, which follow */
};

static const struct header blank = {.magic = "mx files 1\n"};

struct worker_file_index {
    char         *file; /* of the index; NULL: nothing is remembered */
    char         *folder, *real;
    double        now_s;
    struct mx_buf stored; /* header and entries, sorted */
    struct mx_buf fresh;  /* entries asked for */
    struct mx_buf data;   /* of the file that is read */
    uint64_t      known;  /* of them, those that were stored */
    uint32_t      reads;
};

static const struct entry *stored_entries(const struct worker_file_index *index, uint64_t *n)
{
    struct header header;

    *n = 0;
    if (index->stored.len < sizeof header)
        return NULL;
    memcpy(&header, index->stored.data, sizeof header);
    *n = header.n;
    return (const struct entry *)(const void *)(index->stored.data + sizeof header);
}

static void read_stored(struct worker_file_index *index)
{
    struct header header;
    size_t        left;

    if (index->file && mx_file_read(index->file, MOST_BYTES, &index->stored, NULL) == 0 &&
        index->stored.len >= sizeof header) {
        memcpy(&header, index->stored.data, sizeof header);
        left = index->stored.len - sizeof header;
        if (!memcmp(header.magic, blank.magic, sizeof header.magic) &&
            left % sizeof(struct entry) == 0 && left / sizeof(struct entry) == header.n &&
            mx_hash64(index->stored.data + sizeof header, left) == header.hash)
            return;
    }
    mx_buf_clear(&index->stored);
}

struct worker_file_index *worker_file_index_open(const char *cache, const char *folder,
                                                 double now_s, struct mx_err *err)
{
    struct worker_file_index *index = calloc(1, sizeof *index);
    char                      name[64];

    if (!index || !(index->folder = strdup(folder)))
        goto nomem;
    if (!(index->real = realpath(folder, NULL)) && !(index->real = strdup(folder)))
        goto nomem;
    index->now_s = now_s;
    snprintf(name, sizeof name, "files-%016" PRIx64, mx_hash64(index->real, strlen(index->real)));
    if (cache && !(index->file = mx_path_join(cache, name)))
        goto nomem;
    read_stored(index);
    return index;
nomem:
    mx_fail(err, MX_ENOMEM, "no memory for the index of %s", folder);
    if (index)
        free(index->folder);
    free(index);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->file.high != y->file.high)
        return x->file.high < y->file.high ? -1 : 1;
    return x->file.low < y->file.low ? -1 : x->file.low > y->file.low;
}

static double seconds(struct timespec time)
{
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The hash that stands for the file as it is now. */
static int look_at(const struct worker_file_index *index, const char *name, const char *path,
                   struct stat *st, struct mx_hash128 *file, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc = 0;

    if (worker_picture_status(path, st, err))
        return -1;
    mx_buf_printf(&text, "%s/%s", index->real, name);
    mx_buf_add(&text, "", 1);
    mx_buf_printf(&text, "%jd %ju %ju %jd.%09ld %jd.%09ld", (intmax_t)st->st_size,
                  (uintmax_t)st->st_dev, (uintmax_t)st->st_ino, (intmax_t)st->st_mtim.tv_sec,
                  st->st_mtim.tv_nsec, (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
    if (!mx_buf_ok(&text))
        rc = mx_fail(err, MX_ENOMEM, "no memory to look at %s", path);
    else
        *file = mx_hash128(text.data, text.len);
    mx_buf_free(&text);
    return rc;
}

/* Read the file; remember it if nothing has changed it for a while. */
static int read_file(struct worker_file_index *index, const char *name, const char *path,
                     const struct stat *before, struct entry *entry, uint64_t *bytes,
                     struct mx_err *err)
{
    struct mx_hash128 after;
    struct stat       st;

    if (mx_file_read(path, WORKER_MAX_FILE_BYTES, &index->data, err) ||
        look_at(index, name, path, &st, &after, err))
        return -1;
    *bytes = index->data.len;
    entry->content = mx_hash64(mx_buf_str(&index->data), index->data.len);
    index->reads++;
    if (after.high == entry->file.high && after.low == entry->file.low &&
        seconds(before->st_mtim) < index->now_s - SETTLED_S &&
        seconds(before->st_ctim) < index->now_s - SETTLED_S)
        mx_buf_add(&index->fresh, entry, sizeof *entry);
    return 0;
}

static int find_hash(struct worker_file_index *index, const char *name, const char *path,
                     uint64_t *bytes, uint64_t *hash, struct mx_err *err)
{
    const struct entry *stored, *found = NULL;
    struct entry        entry = {.content = 0};
    struct stat         st;
    uint64_t            n;

    if (look_at(index, name, path, &st, &entry.file, err))
        return -1;
    stored = stored_entries(index, &n);
    if (stored)
        found = bsearch(&entry, stored, n, sizeof entry, compare);
    if (found) {
        mx_buf_add(&index->fresh, found, sizeof *found);
        index->known++;
        *bytes = (uint64_t)st.st_size;
        *hash = found->content;
        return 0;
    }
    if (read_file(index, name, path, &st, &entry, bytes, err))
        return -1;
    *hash = entry.content;
    return 0;
}

int worker_file_index_hash(struct worker_file_index *index, const char *name, uint64_t *bytes,
                           uint64_t *hash, struct mx_err *err)
{
    char *path = mx_path_join(index->folder, name);
    int   rc = path ? find_hash(index, name, path, bytes, hash, err)
                    : mx_fail(err, MX_ENOMEM, "no memory for a path in %s", index->folder);

    free(path);
    return rc;
}

uint32_t worker_file_index_reads(const struct worker_file_index *index)
{
    return index->reads;
}

static void save(struct worker_file_index *index)
{
    struct header   header = blank;
    struct mx_piece pieces[2] = {{&header, sizeof header},
                                 {mx_buf_str(&index->fresh), index->fresh.len}};

    header.n = index->fresh.len / sizeof(struct entry);
    if (!mx_buf_ok(&index->fresh) || header.n == index->known)
        return;
    qsort(index->fresh.data, header.n, sizeof(struct entry), compare);
    header.hash = mx_hash64(index->fresh.data, index->fresh.len);
    mx_file_write_pieces(index->file, pieces, 2, NULL);
}

void worker_file_index_close(struct worker_file_index *index)
{
    if (!index)
        return;
    if (index->file)
        save(index);
    mx_buf_free(&index->stored);
    mx_buf_free(&index->fresh);
    mx_buf_free(&index->data);
    free(index->file);
    free(index->folder);
    free(index->real);
    free(index);
}
