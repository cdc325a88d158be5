#include "worker/image_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "worker/choices.h"
#include "worker/images.h"
#include "worker/picture.h"

size_t worker_image_store_bytes(const struct worker_image_store *store)
{
    return (size_t)store->channels * store->height * store->width;
}

size_t worker_image_store_columns(uint32_t channels)
{
    return 1 + 2 * (size_t)channels;
}

void worker_image_store_clear(struct worker_image_store *store)
{
    if (store->map) {
        munmap(store->map, store->map_bytes);
    } else {
        free(store->state);
        free(store->rows);
        free(store->pixels);
    }
    free(store->number);
    *store = (struct worker_image_store){0};
}

void worker_image_store_free(struct worker_image_store *store)
{
    if (store)
        worker_image_store_clear(store);
    free(store);
}

int worker_image_store_number(struct worker_image_store *store, struct mx_err *err)
{
    uint32_t good = 0;

    if (!(store->number = calloc(store->nfiles + 1u, sizeof *store->number)))
        return mx_fail(err, MX_ENOMEM, "no memory to number %u images", store->nfiles);
    for (uint32_t i = 0; i < store->nfiles; i++) {
        if (store->state[i] > WORKER_FILE_TURNED)
            return mx_fail(err, MX_EDATA, "file %u is in no known state", i);
        store->number[i] = good;
        good += store->state[i] >= WORKER_FILE_GOOD;
    }
    if (good != store->good)
        return mx_fail(err, MX_EDATA, "%u images are said to be %u", good, store->good);
    return 0;
}

int worker_image_sizes_differ(const char *path, const struct worker_shape *shape,
                              const char *other_path, const struct worker_shape *other,
                              struct mx_err *err)
{
    char one[WORKER_SHOWN_SIZE], two[WORKER_SHOWN_SIZE];

    return mx_fail(err, MX_EINVAL,
                   "%.150s has %u x %u pixels and %.150s has %u x %u: set data.size, to which all "
                   "are brought",
                   worker_shown_path(path, one), shape->width, shape->height,
                   worker_shown_path(other_path, two), other->width, other->height);
}

/* Decoding the files of a store. */
struct decoding {
    const struct worker_store_spec *spec;
    struct worker_image_store      *store;
    int                             fd;      /* -1: into memory */
    const char                     *growing; /* that file's path */
    bool                            unwritable;
    char                           *first; /* path of the image that gave the size */
    uint8_t                        *image; /* the one at hand, as the store has it */
};

/* The native size is that of the first image, and has to be that of all. */
static int settle_size(struct decoding *d, const struct worker_picture *picture, const char *path,
                       struct mx_err *err)
{
    struct worker_image_store *store = d->store;
    const uint32_t             size = (uint32_t)d->spec->params->data_size;
    const char                *first = d->spec->first;

    if (!d->first) {
        store->height = size ? size : first ? d->spec->first_shape->height : picture->height;
        store->width = size ? size : first ? d->spec->first_shape->width : picture->width;
        d->image = malloc(worker_image_store_bytes(store));
        if (!(d->first = strdup(first ? first : path)) || !d->image)
            return mx_fail(err, MX_ENOMEM, "no memory for an image of %u x %u pixels", store->width,
                           store->height);
    }
    if (size == 0 && (picture->height != store->height || picture->width != store->width))
        return worker_image_sizes_differ(
            d->first, &(struct worker_shape){.height = store->height, .width = store->width}, path,
            &(struct worker_shape){.height = picture->height, .width = picture->width}, err);
    return 0;
}

/* Read the file's bytes, which must be those that the store is named after. */
static int load(const struct decoding *d, uint32_t i, const char *path, struct mx_buf *data,
                struct mx_err *err)
{
    if (worker_picture_load(path, data, err))
        return -1;
    if (d->spec->hashes && mx_hash64(mx_buf_str(data), data->len) != d->spec->hashes[i])
        return mx_fail(err, MX_EIO, "%s was changed while its data set was read: start again",
                       path);
    return 0;
}

/* Decode file i to the number of channels. Returns 1, or 0 if it is damaged and to be left
 * out, or -1. */
static int decode(struct decoding *d, uint32_t i, const char *path, struct worker_picture *picture,
                  struct mx_err *err)
{
    const bool    skips = d->spec->params->data_on_decode_error == WORKER_ON_DECODE_ERROR_SKIP;
    struct mx_buf data = {0};
    struct mx_err why = {.code = MX_OK};
    int           rc = load(d, i, path, &data, &why);

    if (rc == 0)
        rc = worker_picture_decode(mx_buf_str(&data), data.len, path, picture, &why);
    mx_buf_free(&data);
    if (rc && why.code == MX_EDATA && skips) {
        d->store->state[i] = WORKER_FILE_DAMAGED;
        return 0;
    }
    if (rc)
        return mx_fail(err, why.code, "%s", why.text);
    d->store->state[i] = picture->turn == 1 ? WORKER_FILE_GOOD : WORKER_FILE_TURNED;
    return worker_picture_channels(picture, d->spec->channels, err) ||
                   settle_size(d, picture, path, err)
               ? -1
               : 1;
}

static int fit(struct decoding *d, const struct worker_picture *picture, struct mx_err *err)
{
    const struct worker_image_store *store = d->store;

    if (d->spec->params->data_size == 0) {
        memcpy(d->image, picture->pixels, worker_image_store_bytes(store));
        return 0;
    }
    return worker_fit_planes(picture->pixels, store->channels, picture->height, picture->width,
                             d->image, store->height, err);
}

static int keep(struct decoding *d, struct mx_err *err)
{
    struct worker_image_store *store = d->store;
    const size_t               bytes = worker_image_store_bytes(store);

    if (store->kept == d->spec->keep)
        return 0;
    if (d->fd >= 0) {
        if (mx_file_write_all(d->fd, d->image, bytes, d->growing, err)) {
            d->unwritable = true;
            return -1;
        }
    } else {
        if (!store->pixels && !(store->pixels = calloc(d->spec->keep, bytes)))
            return mx_fail(err, MX_ENOMEM, "no memory for %u images of %u x %u pixels",
                           d->spec->keep, store->width, store->height);
        memcpy(store->pixels + store->kept * bytes, d->image, bytes);
    }
    store->kept++;
    return 0;
}

/* The image's own row: hash and moments. */
static void measure(struct decoding *d)
{
    struct worker_image_store *store = d->store;
    struct worker_moments      moments = {0};
    uint64_t *row = store->rows + store->good * worker_image_store_columns(store->channels);

    worker_moments_add(&moments, d->image, 1, store->channels,
                       (size_t)store->height * store->width);
    *row++ = mx_hash64(d->image, worker_image_store_bytes(store));
    for (uint32_t c = 0; c < store->channels; c++) {
        *row++ = moments.sum[c];
        *row++ = moments.squares[c];
    }
    store->good++;
}

static int take_file(struct decoding *d, uint32_t i, struct mx_err *err)
{
    struct worker_picture picture = {.pixels = NULL};
    char                 *path = mx_path_join(d->spec->path, d->spec->files[i].name);
    int                   rc = -1;

    if (!path)
        mx_fail(err, MX_ENOMEM, "no memory for a path in %s", d->spec->path);
    else
        rc = decode(d, i, path, &picture, err);
    d->store->decoded++;
    if (rc == 1) {
        rc = fit(d, &picture, err) || keep(d, err) ? -1 : 0;
        if (rc == 0)
            measure(d);
    }
    worker_picture_free(&picture);
    free(path);
    return rc;
}

int worker_image_store_decode(const struct worker_store_spec *spec, int fd, const char *growing,
                              struct worker_image_store *store, bool *unwritable,
                              struct mx_err *err)
{
    struct decoding d = {.spec = spec, .store = store, .fd = fd, .growing = growing};
    int             rc = 0;

    *store = (struct worker_image_store){.nfiles = spec->nfiles, .channels = spec->channels};
    store->state = calloc(spec->nfiles + 1u, 1);
    store->rows =
        calloc(spec->nfiles + 1u, worker_image_store_columns(spec->channels) * sizeof *store->rows);
    if (!store->state || !store->rows)
        rc = mx_fail(err, MX_ENOMEM, "no memory to list %u images", spec->nfiles);
    for (uint32_t i = 0; rc == 0 && i < spec->nfiles; i++)
        if (spec->all || store->kept < spec->keep)
            rc = take_file(&d, i, err);
    if (rc == 0)
        rc = worker_image_store_number(store, err);
    if (unwritable)
        *unwritable = d.unwritable;
    free(d.first);
    free(d.image);
    if (rc)
        worker_image_store_clear(store);
    return rc;
}
