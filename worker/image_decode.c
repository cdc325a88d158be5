/* image_decode.c - the files of a store, one after the other, into memory or a file of the cache. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "worker/choices.h"
#include "worker/image_store.h"
#include "worker/images.h"
#include "worker/picture.h"
#include "worker/resample.h"
#include "worker/stage.h"

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
    if (size == 0 && (picture->height != store->height || picture->width != store->width)) {
        worker_image_sizes_differ(
            d->first, &(struct worker_shape){.height = store->height, .width = store->width}, path,
            &(struct worker_shape){.height = picture->height, .width = picture->width}, err);
        return -1;
    }
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

static uint64_t *next_row(struct worker_image_store *store)
{
    return store->rows + store->good++ * worker_image_store_columns(store->channels);
}

/* The image's own row: hash, and moments or size. */
static void measure(struct decoding *d)
{
    struct worker_image_store *store = d->store;
    struct worker_moments      moments = {0};
    uint64_t                  *row = next_row(store);

    *row++ = mx_hash64(d->image, bytes_at_hand(d));
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

/* Take image i from a piece that somebody has decoded; `path` is its file. Returns 1, 0 if it is not
 * as it was written, or -1. */
static int take_decoded(struct decoding *d, uint32_t i, const struct worker_store_piece *piece,
                        const char *path, struct mx_err *err)
{
    const struct worker_image_store *from = piece->store;
    const uint32_t                   k = i - piece->first;
    const size_t                     columns = worker_image_store_columns(from->channels);
    const uint64_t                  *row = from->rows + from->number[k] * columns;
    struct worker_image              image;
    struct worker_picture            size;

    if (from->state[k] < WORKER_FILE_GOOD) {
        d->store->state[i] = from->state[k];
        return 1;
    }
    image = worker_image_store_at(from, from->number[k]);
    size = (struct worker_picture){.height = image.height, .width = image.width};
    if (mx_hash64(image.pixels, (size_t)from->channels * image.height * image.width) != row[0])
        return 0;
    if (settle_size(d, &size, path, err))
        return -1;
    d->store->state[i] = from->state[k];
    memcpy(d->image, image.pixels, bytes_at_hand(d));
    memcpy(next_row(d->store), row, columns * sizeof *row);
    return keep(d, err) ? -1 : 1;
}

static int decode_file(struct decoding *d, uint32_t i, const char *path, struct mx_err *err)
{
    struct worker_picture picture = {.pixels = NULL};
    int                   rc = decode(d, i, path, &picture, err);

    d->store->decoded++;
    if (rc == 1) {
        if ((rc = fit(d, &picture, err)) == 0) {
            measure(d); /* before it is kept, when it may be written and moved */
            rc = keep(d, err);
        }
    }
    worker_picture_free(&picture);
    return rc;
}

static int take_file(struct decoding *d, uint32_t i, struct mx_err *err)
{
    const struct worker_store_share *share = d->spec->share;
    struct worker_store_piece        piece = {.store = NULL};
    char                            *path;
    int                              rc = 0;

    if (share && share->find(share->user, i, &piece, err))
        return -1;
    if (!(path = mx_path_join(d->spec->path, d->spec->files[i].name)))
        return mx_fail(err, MX_ENOMEM, "no memory for a path in %s", d->spec->path);
    if (piece.store)
        rc = take_decoded(d, i, &piece, path, err);
    if (rc == 0)
        rc = decode_file(d, i, path, err);
    free(path);
    if (rc >= 0 && worker_progress_tick(d->spec->progress, i + 1, 0))
        rc = mx_fail(err, MX_EINTERRUPTED, "stopped while images were decoded");
    return rc < 0 ? -1 : 0;
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
