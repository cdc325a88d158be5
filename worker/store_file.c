#include "worker/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "worker/picture.h"

enum {
    PAGE = 4096,
    PIXELS_VERSION = 2, /* raise it when decoding or resizing gives other pixels */
};

struct header {
    char              magic[16]; /* with the version of this form */
    struct mx_hash128 key;
    uint32_t          nfiles, good, kept, channels, height, width;
    uint64_t          state_hash, rows_hash;
    uint64_t          own_hash; /* of all before it */
};

static const char magic[16] = "mx images 1\n";

struct place {
    uint64_t state, rows, pixels, end;
};

static uint64_t up(uint64_t offset, uint64_t to)
{
    return (offset + to - 1) / to * to;
}

/* Where things are; the rows have room for every file, so that the pixels' place is known
 * before the first is decoded. */
static struct place places(uint32_t nfiles, uint32_t channels, uint64_t pixel_bytes)
{
    struct place place = {.state = up(sizeof(struct header), sizeof(uint64_t))};

    place.rows = up(place.state + nfiles, sizeof(uint64_t));
    place.pixels =
        up(place.rows + nfiles * worker_image_store_columns(channels) * sizeof(uint64_t), PAGE);
    place.end = place.pixels + pixel_bytes;
    return place;
}

int worker_store_key(const struct worker_store_spec *spec, struct mx_hash128 *key,
                     struct mx_err *err)
{
    const struct worker_params *params = spec->params;
    struct mx_buf               text = {0};
    int                         rc = 0;

    mx_buf_printf(&text, "pixels %d size %" PRId64 " channels %u policy %u keep %u all %d",
                  PIXELS_VERSION, spec->side > 0 ? 0 : params->data_size, spec->channels,
                  (unsigned)params->data_on_decode_error, spec->keep, spec->all);
    if (spec->side > 0)
        mx_buf_printf(&text, " side %u", spec->side);
    worker_picture_decoders(&text);
    mx_buf_printf(&text, " files %u\n", spec->nfiles);
    mx_buf_add(&text, spec->hashes, spec->nfiles * sizeof *spec->hashes);
    if (mx_buf_ok(&text))
        *key = mx_hash128(text.data, text.len);
    else
        rc = mx_fail(err, MX_ENOMEM, "no memory to name %u images", spec->nfiles);
    mx_buf_free(&text);
    return rc;
}

static uint64_t hash_header(const struct header *header)
{
    return mx_hash64(header, offsetof(struct header, own_hash));
}

static size_t rows_bytes(const struct worker_image_store *store)
{
    return store->good * worker_image_store_columns(store->channels) * sizeof *store->rows;
}

/* Whether its images' pixels are those that were written. */
static bool has_pixels(const struct worker_image_store *store)
{
    const size_t columns = worker_image_store_columns(store->channels);

    for (uint32_t i = 0; i < store->kept; i++) {
        const struct worker_image image = worker_image_store_at(store, i);

        if (mx_hash64(image.pixels, (size_t)store->channels * image.height * image.width) !=
            store->rows[i * columns])
            return false;
    }
    return true;
}

/* Whether the mapped bytes are a whole store of that key; then *store looks into them. */
static bool is_sound(uint8_t *map, uint64_t bytes, const struct mx_hash128 *key,
                     const struct worker_store_spec *spec, bool trusted,
                     struct worker_image_store *store)
{
    struct header header;
    struct place  place;

    memcpy(&header, map, sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) != 0 || header.own_hash != hash_header(&header) ||
        header.key.high != key->high || header.key.low != key->low ||
        header.nfiles != spec->nfiles || header.channels != spec->channels ||
        header.good > header.nfiles ||
        header.kept != (header.good < spec->keep ? header.good : spec->keep) ||
        (spec->side == 0 && (uint64_t)header.height * header.width > WORKER_MAX_PIXELS))
        return false;
    store->nfiles = header.nfiles;
    store->good = header.good;
    store->kept = header.kept;
    store->channels = header.channels;
    store->height = header.height;
    store->width = header.width;
    place = places(header.nfiles, header.channels, 0);
    if (place.end > bytes)
        return false;
    store->state = map + place.state;
    store->rows = (uint64_t *)(void *)(map + place.rows);
    store->pixels = map + place.pixels;
    if (mx_hash64(store->state, store->nfiles) != header.state_hash ||
        mx_hash64(store->rows, rows_bytes(store)) != header.rows_hash ||
        worker_image_store_number(store, spec->side > 0, NULL))
        return false;
    return place.end + worker_image_store_bytes(store) == bytes && (trusted || has_pixels(store));
}

bool worker_store_load(const char *path, const struct mx_hash128 *key,
                       const struct worker_store_spec *spec, bool trusted,
                       struct worker_image_store *store)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void       *map = MAP_FAILED;
    bool        sound = false;

    *store = (struct worker_image_store){0};
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(struct header))
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return false;
    sound = is_sound(map, (uint64_t)st.st_size, key, spec, trusted, store);
    store->map = map;
    store->map_bytes = (size_t)st.st_size;
    if (sound)
        return true;
    worker_image_store_clear(store);
    return false;
}

static int write_at(int fd, uint64_t offset, const void *data, size_t len, const char *path,
                    struct mx_err *err)
{
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    return mx_file_write_all(fd, data, len, path, err);
}

/* What stands before the pixels. */
static int write_front(int fd, const char *path, const struct mx_hash128 *key,
                       const struct worker_image_store *store, struct mx_err *err)
{
    struct header header;
    struct place  place = places(store->nfiles, store->channels, worker_image_store_bytes(store));

    memset(&header, 0, sizeof header);
    memcpy(header.magic, magic, sizeof magic);
    header.key = *key;
    header.nfiles = store->nfiles;
    header.good = store->good;
    header.kept = store->kept;
    header.channels = store->channels;
    header.height = store->height;
    header.width = store->width;
    header.state_hash = mx_hash64(store->state, store->nfiles);
    header.rows_hash = mx_hash64(store->rows, rows_bytes(store));
    header.own_hash = hash_header(&header);
    if (write_at(fd, place.state, store->state, store->nfiles, path, err) ||
        write_at(fd, place.rows, store->rows, rows_bytes(store), path, err))
        return -1;
    if (ftruncate(fd, (off_t)place.end))
        return mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    return write_at(fd, 0, &header, sizeof header, path, err);
}

int worker_store_write(int fd, const char *path, const struct mx_hash128 *key,
                       const struct worker_store_spec *spec, struct worker_image_store *store,
                       bool *unwritable, struct mx_err *err)
{
    const uint64_t pixels = places(spec->nfiles, spec->channels, 0).pixels;

    *unwritable = true;
    if (lseek(fd, (off_t)pixels, SEEK_SET) < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    if (worker_image_store_decode(spec, fd, path, store, unwritable, err))
        return -1;
    *unwritable = write_front(fd, path, key, store, err) != 0;
    if (*unwritable)
        worker_image_store_clear(store);
    return *unwritable ? -1 : 0;
}
