#include "worker/folder_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "worker/augment.h"
#include "worker/choices.h"
#include "worker/file_index.h"
#include "worker/image_cache.h"
#include "worker/known_sets.h"
#include "worker/listing.h"
#include "worker/picture.h"

/* "FOLDER/NAME", to be freed; NULL with *err. */
static char *path_of(const char *folder, const struct worker_folder_file *file, struct mx_err *err)
{
    char *path = mx_path_join(folder, file->name);

    if (!path)
        mx_fail(err, MX_ENOMEM, "no memory for a path in %s", folder);
    return path;
}

/* Files that are decoded together, and what their contents are. */
struct source {
    struct worker_folder_part  part;
    uint64_t                  *hashes; /* (part.n); NULL: not to be cached */
    uint32_t                   keep;
    bool                       all;
    struct worker_image_store *store; /* the data set's */
};

/* Reading the images of a set. */
struct reading {
    const struct worker_params *params;
    const char                 *path;
    struct worker_shape        *shape; /* height 0 until the first store tells it */
    struct worker_raw_set      *raw;
    struct mx_buf               cache;     /* its folder, if has_cache */
    bool                        has_cache; /* where it can be */
    bool                        measure;   /* all training images count for the moments */
    char                       *first;     /* path of the image that gave the shape */

    struct source  sources[WORKER_PARTS];
    struct source *source_of[WORKER_PARTS];
};

static void keep_text(char out[WORKER_REMARK_SIZE], const char *text)
{
    size_t len = strlen(text);

    len = len < WORKER_REMARK_SIZE ? len : WORKER_REMARK_SIZE - 1;
    memcpy(out, text, len);
    out[len] = '\0';
}

/* Published constants spare looking at all training images. */
static bool has_to_measure(const struct reading *r)
{
    const struct worker_known_set *known = worker_known_set(r->params->data_set, NULL);

    return worker_dataset_normalize(r->params) == WORKER_NORMALIZE_DATASET &&
           !(known->sd[0] > 0 && r->shape->channels >= known->channels);
}

static int64_t limit_of(const struct reading *r, int part)
{
    return part == WORKER_PART_TRAIN  ? r->params->data_train_limit
           : part == WORKER_PART_TEST ? r->params->data_test_limit
                                      : 0;
}

static uint32_t room_of(const struct reading *r, int part, uint32_t n)
{
    const int64_t limit = limit_of(r, part);

    return limit > 0 && limit < n ? (uint32_t)limit : n;
}

/* Which files are decoded together: each part's own, as many as are used. Where test images
 * are held out by seed, and all are used, it is all files as listed, in a store that serves every
 * seed. `listed` is that list. */
static void choose_sources(struct reading *r, struct worker_folder *folder,
                           const struct worker_folder_part *listed)
{
    const bool whole =
        listed->n > 0 && limit_of(r, WORKER_PART_TRAIN) <= 0 && limit_of(r, WORKER_PART_TEST) <= 0;

    for (int p = 0; p < WORKER_PARTS; p++) {
        struct worker_folder_part *part = &folder->parts[p];

        r->source_of[p] = &r->sources[p];
        r->sources[p] = (struct source){.part = *part,
                                        .keep = room_of(r, p, part->n),
                                        .all = p == WORKER_PART_TRAIN && r->measure};
        for (uint32_t i = 0; !whole && i < part->n; i++)
            part->files[i].place = i;
    }
    if (whole) {
        r->sources[WORKER_PART_TRAIN].part = *listed;
        r->sources[WORKER_PART_TRAIN].keep = listed->n;
        r->sources[WORKER_PART_TEST].part.n = 0;
        r->source_of[WORKER_PART_TEST] = &r->sources[WORKER_PART_TRAIN];
    }
    for (int p = 0; p < WORKER_PARTS; p++)
        if (r->sources[p].keep == r->sources[p].part.n)
            r->sources[p].all = true; /* which it is, and so one name serves */
}

static int hash_source(const struct reading *r, struct worker_file_index *index,
                       struct source *source, struct mx_err *err)
{
    uint64_t bytes;

    if (!(source->hashes = calloc(source->part.n + 1u, sizeof *source->hashes)))
        return mx_fail(err, MX_ENOMEM, "no memory to hash %u files", source->part.n);
    for (uint32_t i = 0; i < source->part.n; i++) {
        if (worker_file_index_hash(index, source->part.files[i].name, &bytes, &source->hashes[i],
                                   err))
            return -1;
        if (worker_progress_tick(r->raw->progress, i + 1, 0))
            return mx_fail(err, MX_EINTERRUPTED, "stopped while image files were hashed");
    }
    return 0;
}

/* The contents of all files, which name the stores in the cache. */
static int hash_sources(struct reading *r, struct mx_err *err)
{
    struct worker_file_index *index;
    struct mx_err             why = {.code = MX_OK};
    int                       rc = 0;

    r->has_cache = worker_image_cache_folder(&r->cache, &why) == 0;
    if (!r->has_cache) {
        keep_text(r->raw->remarks.uncached, why.text);
        return 0;
    }
    if (!(index = worker_file_index_open(mx_buf_str(&r->cache), r->path, mx_clock_utc_s(), err)))
        return -1;
    for (int p = 0; rc == 0 && p < WORKER_PARTS; p++)
        rc = hash_source(r, index, &r->sources[p], err);
    worker_file_index_close(index);
    return rc;
}

/* All stores of a set without data.size have the size of the first. */
static int settle_shape(struct reading *r, const struct source *source, struct mx_err *err)
{
    const struct worker_image_store *store = source->store;
    uint32_t                         i = 0;
    char                            *path;
    int                              rc = 0;

    while (store->state[i] < WORKER_FILE_GOOD)
        i++;
    if (!(path = path_of(r->path, &source->part.files[i], err)))
        return -1;
    if (r->shape->height == 0) {
        r->shape->height = store->height;
        r->shape->width = store->width;
        r->first = path;
        return 0;
    }
    if (r->shape->height != store->height || r->shape->width != store->width)
        rc = worker_image_sizes_differ(
            r->first, r->shape, path,
            &(struct worker_shape){.height = store->height, .width = store->width}, err);
    free(path);
    return rc;
}

static int open_store(struct reading *r, int part, struct mx_err *err)
{
    struct source                 *source = &r->sources[part];
    struct mx_err                  note = {.code = MX_OK};
    const struct worker_store_spec spec = {.params = r->params,
                                           .path = r->path,
                                           .files = source->part.files,
                                           .nfiles = source->part.n,
                                           .hashes = source->hashes,
                                           .keep = source->keep,
                                           .all = source->all,
                                           .channels = r->shape->channels,
                                           .first = r->first,
                                           .first_shape = r->shape,
                                           .only_helps = r->raw->only_helps,
                                           .progress = r->raw->progress};

    if (source->part.n == 0)
        return 0;
    source->store =
        worker_image_cache_open(r->has_cache ? mx_buf_str(&r->cache) : NULL, &spec, &note, err);
    if (!source->store)
        return -1;
    r->raw->stores[part] = source->store;
    r->raw->decoded += source->store->decoded;
    if (note.code != MX_OK)
        keep_text(r->raw->remarks.uncached, note.text);
    return source->store->good > 0 ? settle_shape(r, source, err) : 0;
}

/* The training images once more, as data.augment needs them: the same files, so the same numbers. */
static int open_originals(struct reading *r, struct mx_err *err)
{
    const uint32_t                 side = worker_originals_side(r->params);
    const struct source           *source = r->source_of[WORKER_PART_TRAIN];
    struct mx_err                  note = {.code = MX_OK};
    const struct worker_store_spec spec = {.params = r->params,
                                           .side = side,
                                           .path = r->path,
                                           .files = source->part.files,
                                           .nfiles = source->part.n,
                                           .hashes = source->hashes,
                                           .keep = source->keep,
                                           .channels = r->shape->channels,
                                           .only_helps = r->raw->only_helps,
                                           .progress = r->raw->progress};

    if (side == 0)
        return 0;
    r->raw->originals =
        worker_image_cache_open(r->has_cache ? mx_buf_str(&r->cache) : NULL, &spec, &note, err);
    if (!r->raw->originals)
        return -1;
    if (r->raw->decoded == 0)
        r->raw->decoded = r->raw->originals->decoded;
    if (note.code != MX_OK)
        keep_text(r->raw->remarks.uncached, note.text);
    return 0;
}

/* Count a file that is odd; of the first of each kind, what is to be said. */
static int remark(struct reading *r, const struct worker_folder_file *file,
                  enum worker_file_state state, struct mx_err *err)
{
    struct worker_remarks *remarks = &r->raw->remarks;
    const bool             damaged = state == WORKER_FILE_DAMAGED;
    uint32_t              *count = damaged ? &remarks->skipped : &remarks->turned;
    struct worker_picture  picture = {.pixels = NULL};
    struct mx_err          why = {.code = MX_OK};
    char                   shown[WORKER_SHOWN_SIZE];
    char                  *path;

    if (state == WORKER_FILE_GOOD || (*count)++ >= (damaged ? WORKER_REMARK_NAMES : 1))
        return 0;
    if (!(path = path_of(r->path, file, err)))
        return -1;
    worker_shown_path(path, shown);
    if (damaged)
        keep_text(remarks->skipped_names[*count - 1], shown);
    if (!damaged)
        keep_text(remarks->first_turned, shown);
    else if (*count == 1 && worker_picture_read(path, &picture, &why))
        keep_text(remarks->first_skipped, why.text);
    else if (*count == 1)
        keep_text(remarks->first_skipped, shown); /* it has been mended since */
    worker_picture_free(&picture);
    free(path);
    return 0;
}

static void add_moments(struct reading *r, const struct worker_image_store *store, uint32_t number)
{
    struct worker_moments *moments = &r->raw->moments;
    const uint64_t *row = store->rows + number * worker_image_store_columns(store->channels) + 1;

    moments->pixels += (uint64_t)store->height * store->width;
    for (uint32_t c = 0; c < store->channels; c++) {
        moments->sum[c] += *row++;
        moments->squares[c] += *row++;
    }
}

static int make_room(struct reading *r, const struct worker_image_store *store, uint32_t room,
                     struct worker_images *images, struct mx_err *err)
{
    images->at = calloc(room + 1u, sizeof *images->at);
    images->labels = calloc(room + 1u, sizeof *images->labels);
    if (r->shape->groups > 0)
        images->groups = calloc(room + 1u, sizeof *images->groups);
    if (!images->at || !images->labels || (r->shape->groups > 0 && !images->groups))
        return mx_fail(err, MX_ENOMEM, "no memory for %u images of %u x %u pixels", room,
                       r->shape->width, r->shape->height);
    images->pixels = store->pixels;
    images->channels = store->channels;
    images->height = store->height;
    images->width = store->width;
    return 0;
}

/* The first good images of a part, up to its limit, in its store; with r->measure all of
 * training are looked at. */
static int read_part(struct reading *r, int p, const struct worker_folder_part *part,
                     struct worker_images *images, struct mx_err *err)
{
    const struct worker_image_store *store = r->source_of[p]->store;
    const uint32_t                   room = room_of(r, p, part->n);
    const bool                       measure = p == WORKER_PART_TRAIN && r->measure;
    char                             shown[WORKER_SHOWN_SIZE];

    if (part->n == 0)
        return 0;
    if (make_room(r, store, room, images, err))
        return -1;
    for (uint32_t i = 0; i < part->n && (measure || images->n < room); i++) {
        const struct worker_folder_file *file = &part->files[i];
        const uint32_t                   number = store->number[file->place];

        if (remark(r, file, store->state[file->place], err))
            return -1;
        if (store->state[file->place] < WORKER_FILE_GOOD)
            continue;
        if (measure)
            add_moments(r, store, number);
        if (images->n == room)
            continue;
        images->at[images->n] = number;
        images->labels[images->n] = file->label;
        if (images->groups)
            images->groups[images->n] = file->group;
        images->n++;
    }
    if (images->n == 0)
        return mx_fail(
            err, MX_EDATA,
            "folder: none of the %u files of a part of %s is an image: JPEG and PNG can be read",
            part->n, worker_shown_path(r->path, shown));
    return 0;
}

static int read_all(struct reading *r, struct worker_folder *folder, struct mx_err *err)
{
    r->raw->measured = r->measure;
    if (hash_sources(r, err))
        return -1;
    for (int p = 0; p < WORKER_PARTS; p++)
        if (open_store(r, p, err))
            return -1;
    if (r->raw->only_helps)
        return open_originals(r, err);
    for (int p = 0; p < WORKER_PARTS; p++)
        if (read_part(r, p, &folder->parts[p], &r->raw->parts[p], err))
            return -1;
    return open_originals(r, err);
}

static int name_classes(const struct worker_folder *folder, struct worker_raw_set *raw,
                        struct mx_err *err)
{
    raw->class_names = calloc(folder->nclasses, sizeof *raw->class_names);
    for (uint32_t c = 0; c < folder->nclasses; c++)
        if (!raw->class_names || !(raw->class_names[c] = strdup(folder->classes[c])))
            return mx_fail(err, MX_ENOMEM, "no memory for the names of %u classes",
                           folder->nclasses);
    return 0;
}

/* Hold test images out where there are none, and keep the list as it was before; without any
 * to hold out it is empty. */
static int hold_out(struct reading *r, struct worker_folder *folder, uint64_t seed,
                    struct worker_folder_part *listed, struct mx_err *err)
{
    struct worker_folder_part *train = &folder->parts[WORKER_PART_TRAIN];

    *listed = (struct worker_folder_part){.n = 0};
    for (uint32_t i = 0; i < train->n; i++)
        train->files[i].place = i;
    if (folder->parts[WORKER_PART_TEST].n == 0) {
        if (!(listed->files = calloc(train->n + 1u, sizeof *listed->files)))
            return mx_fail(err, MX_ENOMEM, "no memory to split %u images", train->n);
        memcpy(listed->files, train->files, train->n * sizeof *listed->files);
        listed->n = train->n;
    }
    return worker_folder_hold_out(folder, r->params->data_test_fraction, seed, r->path, err);
}

void worker_folder_shape(const struct worker_params *params, const struct worker_folder *folder,
                         struct worker_shape *shape)
{
    *shape = (struct worker_shape){
        .channels =
            params->data_channels ? (uint32_t)params->data_channels : WORKER_FOLDER_CHANNELS,
        .height = (uint32_t)params->data_size,
        .width = (uint32_t)params->data_size,
        .classes = folder->nclasses,
        .groups = folder->ngroups,
    };
}

int worker_folder_read(const struct worker_params *params, const char *path, uint64_t seed,
                       struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err)
{
    struct reading            r = {.params = params, .path = path, .shape = shape, .raw = raw};
    struct worker_folder     *folder = NULL;
    struct worker_folder_part listed = {.n = 0};
    int                       rc = -1;

    if (worker_check_size(params, WORKER_FOLDER_LEAST, WORKER_FOLDER_MOST, err) ||
        !(folder = worker_listing(params, path, err)))
        return -1;
    worker_folder_shape(params, folder, shape);
    r.measure = has_to_measure(&r);
    if (!name_classes(folder, raw, err) && !hold_out(&r, folder, seed, &listed, err)) {
        choose_sources(&r, folder, &listed);
        rc = read_all(&r, folder, err);
    }
    for (int p = 0; p < WORKER_PARTS; p++)
        free(r.sources[p].hashes);
    worker_folder_free(folder);
    mx_buf_free(&r.cache);
    free(listed.files);
    free(r.first);
    return rc;
}
