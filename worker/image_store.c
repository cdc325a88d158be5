#include "worker/image_store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "worker/images.h"
#include "worker/picture.h"

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
