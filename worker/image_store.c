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
#include "worker/resample.h"

/* Where sizes do not vary. */
static size_t image_bytes(const struct worker_image_store *store)
{
    return (size_t)store->channels * store->height * store->width;
}

size_t worker_image_store_bytes(const struct worker_image_store *store)
{
    return store->offset ? store->offset[store->kept] : store->kept * image_bytes(store);
}

struct worker_image worker_image_store_at(const struct worker_image_store *store, uint32_t number)
{
    const uint64_t *row = store->rows + number * worker_image_store_columns(store->channels);

    if (!store->offset)
        return (struct worker_image){store->pixels + number * image_bytes(store), store->height,
                                     store->width};
    return (struct worker_image){store->pixels + store->offset[number], (uint32_t)row[1],
                                 (uint32_t)row[2]};
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
    free(store->offset);
    *store = (struct worker_image_store){0};
}

void worker_image_store_free(struct worker_image_store *store)
{
    if (store)
        worker_image_store_clear(store);
    free(store);
}

/* Where the pixels of images of their own sizes begin. */
static int find_pixels(struct worker_image_store *store, struct mx_err *err)
{
    const size_t    columns = worker_image_store_columns(store->channels);
    const uint64_t *row = store->rows;

    if (!(store->offset = calloc(store->kept + 1u, sizeof *store->offset)))
        return mx_fail(err, MX_ENOMEM, "no memory to find %u images", store->kept);
    for (uint32_t i = 0; i < store->kept; i++, row += columns) {
        if (row[1] == 0 || row[1] > store->height || row[2] == 0 || row[2] > store->width ||
            row[1] * row[2] > WORKER_MAX_PIXELS)
            return mx_fail(err, MX_EDATA,
                           "the file of decoded images is damaged: image %u has no possible size",
                           i);
        store->offset[i + 1] = store->offset[i] + store->channels * row[1] * row[2];
    }
    return 0;
}

int worker_image_store_number(struct worker_image_store *store, bool varied, struct mx_err *err)
{
    uint32_t good = 0;

    if (!(store->number = calloc(store->nfiles + 1u, sizeof *store->number)))
        return mx_fail(err, MX_ENOMEM, "no memory to number %u images", store->nfiles);
    for (uint32_t i = 0; i < store->nfiles; i++) {
        if (store->state[i] > WORKER_FILE_TURNED)
            return mx_fail(err, MX_EDATA,
                           "the file of decoded images is damaged: image %u is in no known state",
                           i);
        store->number[i] = good;
        good += store->state[i] >= WORKER_FILE_GOOD;
    }
    if (good != store->good)
        return mx_fail(err, MX_EDATA,
                       "the file of decoded images is damaged: %u images are said to be %u", good,
                       store->good);
    return varied ? find_pixels(store, err) : 0;
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

enum {
    PAGE = 4096,
    BLOCK = 1 << 20, /* bytes that are written at once; whole pages of them */
};

/* Decoding the files of a store. */
struct decoding {
    const struct worker_store_spec *spec;
    struct worker_image_store      *store;
    int                             fd;      /* -1: into memory */
    const char                     *growing; /* that file's path */
    bool                            unwritable;
    char                           *first;   /* path of the image that gave the size */
    struct mx_buf                   file;    /* its bytes */
    uint8_t                        *block;   /* pixels that wait to be written; then `image` */
    size_t                          room;    /* bytes of `block` */
    size_t                          waiting; /* of them, those that wait */
    uint8_t                        *image;   /* the one at hand, as the store has it: */
    uint32_t                        height, width;
    struct worker_resampler        *resampler;
    size_t                          used, have; /* bytes of the store's pixels in memory */
};

static size_t bytes_at_hand(const struct decoding *d)
{
    return (size_t)d->store->channels * d->height * d->width;
}

static int make_room(struct decoding *d, struct mx_err *err)
{
    const size_t bytes = d->waiting + bytes_at_hand(d);

    if (!d->block || bytes > d->room) {
        uint8_t *block = realloc(d->block, d->fd >= 0 ? BLOCK + bytes : bytes);

        if (!block)
            return mx_fail(err, MX_ENOMEM, "no memory for an image of %u x %u pixels", d->width,
                           d->height);
        d->room = d->fd >= 0 ? BLOCK + bytes : bytes;
        d->block = block;
    }
    d->image = d->block + d->waiting;
    return 0;
}

/* Every image its own size, as far as the side goes. */
static int settle_own_size(struct decoding *d, const struct worker_picture *picture,
                           struct mx_err *err)
{
    const uint32_t side = d->spec->side;
    const uint32_t shorter = picture->height < picture->width ? picture->height : picture->width;
    const uint32_t to = shorter < side ? shorter : side;

    d->height = (uint32_t)((uint64_t)picture->height * to / shorter);
    d->width = (uint32_t)((uint64_t)picture->width * to / shorter);
    return make_room(d, err);
}

/* The native size is that of the first image, and has to be that of all. */
static int settle_size(struct decoding *d, const struct worker_picture *picture, const char *path,
                       struct mx_err *err)
{
    struct worker_image_store *store = d->store;
    const uint32_t             size = (uint32_t)d->spec->params->data_size;
    const char                *first = d->spec->first;

    if (d->spec->side > 0)
        return settle_own_size(d, picture, err);
    if (!d->first) {
        store->height = size ? size : first ? d->spec->first_shape->height : picture->height;
        store->width = size ? size : first ? d->spec->first_shape->width : picture->width;
        d->height = store->height;
        d->width = store->width;
        if (!(d->first = strdup(first ? first : path)))
            return mx_fail(err, MX_ENOMEM, "no memory for a path");
    }
    if (size == 0 && (picture->height != store->height || picture->width != store->width))
        return worker_image_sizes_differ(
            d->first, &(struct worker_shape){.height = store->height, .width = store->width}, path,
            &(struct worker_shape){.height = picture->height, .width = picture->width}, err);
    return make_room(d, err);
}

/* Read the file's bytes, which must be those that the store is named after. */
static int load(struct decoding *d, uint32_t i, const char *path, struct mx_err *err)
{
    if (worker_picture_load(path, &d->file, err))
        return -1;
    if (d->spec->hashes && mx_hash64(mx_buf_str(&d->file), d->file.len) != d->spec->hashes[i])
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
    struct mx_err why = {.code = MX_OK};
    int           rc = load(d, i, path, &why);

    if (rc == 0)
        rc = worker_picture_decode(mx_buf_str(&d->file), d->file.len, path, picture, &why);
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
    const uint32_t channels = d->store->channels;

    if (picture->height == d->height && picture->width == d->width) {
        memcpy(d->image, picture->pixels, bytes_at_hand(d));
        return 0;
    }
    if (d->spec->side > 0)
        return worker_resize_planes(d->resampler, picture->pixels, channels, picture->height,
                                    picture->width, d->image, d->height, d->width, err);
    return worker_fit_planes(d->resampler, picture->pixels, channels, picture->height,
                             picture->width, d->image, d->height, err);
}

/* In memory: of images of one size, room for all at once. */
static int append(struct decoding *d, size_t bytes, struct mx_err *err)
{
    struct worker_image_store *store = d->store;

    if (d->used + bytes > d->have) {
        size_t   have = d->spec->side > 0 ? 2 * (d->used + bytes) : d->spec->keep * bytes;
        uint8_t *pixels = realloc(store->pixels, have ? have : 1);

        if (!pixels)
            return mx_fail(err, MX_ENOMEM, "no memory for %u images of %u x %u pixels",
                           d->spec->keep, d->width, d->height);
        store->pixels = pixels;
        d->have = have;
    }
    memcpy(store->pixels + d->used, d->image, bytes);
    d->used += bytes;
    return 0;
}

/* Write what waits, whole pages of it; at the `end` all. */
static int write_block(struct decoding *d, bool end, struct mx_err *err)
{
    const size_t bytes = end ? d->waiting : d->waiting / PAGE * PAGE;

    if (mx_file_write_all(d->fd, d->block, bytes, d->growing, err)) {
        d->unwritable = true;
        return -1;
    }
    d->waiting -= bytes;
    memmove(d->block, d->block + bytes, d->waiting);
    return 0;
}

static int keep(struct decoding *d, struct mx_err *err)
{
    struct worker_image_store *store = d->store;
    const size_t               bytes = bytes_at_hand(d);

    if (store->kept == d->spec->keep)
        return 0;
    if (d->fd >= 0) {
        d->waiting += bytes;
        if (d->waiting >= BLOCK && write_block(d, false, err))
            return -1;
    } else if (append(d, bytes, err)) {
        return -1;
    }
    store->height = d->height > store->height ? d->height : store->height;
    store->width = d->width > store->width ? d->width : store->width;
    store->kept++;
    return 0;
}

/* The image's own row: hash, and moments or size. */
static void measure(struct decoding *d)
{
    struct worker_image_store *store = d->store;
    struct worker_moments      moments = {0};
    uint64_t *row = store->rows + store->good * worker_image_store_columns(store->channels);

    *row++ = mx_hash64(d->image, bytes_at_hand(d));
    store->good++;
    if (d->spec->side > 0) {
        *row++ = d->height;
        *row = d->width;
        return;
    }
    worker_moments_add(&moments, d->image, 1, store->channels, (size_t)d->height * d->width);
    for (uint32_t c = 0; c < store->channels; c++) {
        *row++ = moments.sum[c];
        *row++ = moments.squares[c];
    }
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
        if ((rc = fit(d, &picture, err)) == 0) {
            measure(d); /* before it is kept, when it may be written and moved */
            rc = keep(d, err);
        }
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
    else if (!(d.resampler = worker_resampler_new(1, 1, 1, 1, err)))
        rc = -1;
    for (uint32_t i = 0; rc == 0 && i < spec->nfiles; i++)
        if (spec->all || store->kept < spec->keep)
            rc = take_file(&d, i, err);
    if (rc == 0 && d.waiting > 0)
        rc = write_block(&d, true, err);
    if (rc == 0)
        rc = worker_image_store_number(store, spec->side > 0, err);
    if (unwritable)
        *unwritable = d.unwritable;
    worker_resampler_free(d.resampler);
    free(d.first);
    free(d.block);
    mx_buf_free(&d.file);
    if (rc)
        worker_image_store_clear(store);
    return rc;
}
