/* Sets of JPEG and PNG files, a file an image: class folders, and published sets whose tables
 * name the files (worker/listing.h). */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/choices.h"
#include "worker/known_sets.h"
#include "worker/listing.h"
#include "worker/picture.h"
#include "worker/set_format.h"

enum {
    LEAST = 8, /* pixels a side */
    MOST = 1024,
    CHANNELS = 3, /* native */
};

static int shape_of(const struct worker_params *params, const char *path,
                    struct worker_shape *shape, struct mx_err *err)
{
    struct worker_folder *folder;

    if (worker_check_size(params, LEAST, MOST, err))
        return -1;
    if (params->data_size == 0)
        return mx_fail(err, MX_EINVAL,
                       "only the files of a folder tell their size, and none is read: set "
                       "data.size");
    if (!(folder = worker_listing(params, path, err)))
        return -1;
    *shape = (struct worker_shape){
        .channels = params->data_channels ? (uint32_t)params->data_channels : CHANNELS,
        .height = (uint32_t)params->data_size,
        .width = (uint32_t)params->data_size,
        .classes = folder->nclasses,
        .groups = folder->ngroups,
    };
    worker_folder_free(folder);
    return 0;
}

static int counts(const struct worker_params *params, const char *path, uint64_t *train,
                  uint64_t *test, struct mx_err *err)
{
    struct worker_folder *folder = worker_listing(params, path, err);
    int                   rc = -1;

    /* Which files are held out depends on the seed, how many does not. */
    if (folder && worker_folder_hold_out(folder, params->data_test_fraction, 0, path, err) == 0) {
        *train = (uint64_t)folder->parts[WORKER_PART_TRAIN].n + folder->parts[WORKER_PART_VAL].n;
        *test = folder->parts[WORKER_PART_TEST].n;
        rc = 0;
    }
    worker_folder_free(folder);
    return rc;
}

/* "FOLDER/NAME", to be freed; NULL with *err. */
static char *path_of(const char *folder, const struct worker_folder_file *file, struct mx_err *err)
{
    char *path = mx_path_join(folder, file->name);

    if (!path)
        mx_fail(err, MX_ENOMEM, "no memory for a path in %s", folder);
    return path;
}

static int probe(const struct worker_params *params, const char *path, uint64_t *fingerprint,
                 struct mx_err *err)
{
    struct worker_folder *folder = worker_listing(params, path, err);
    struct mx_buf         text = {0};
    int                   rc = folder ? 0 : -1;

    for (int p = 0; p < WORKER_PARTS; p++)
        for (uint32_t i = 0; rc == 0 && i < folder->parts[p].n; i++) {
            char *file = path_of(path, &folder->parts[p].files[i], err);

            if (!file || worker_picture_check(file, err) ||
                worker_fingerprint_add(&text, file, folder->parts[p].files[i].name, err))
                rc = -1;
            free(file);
        }
    if (rc == 0)
        rc = worker_fingerprint_end(&text, fingerprint, err);
    mx_buf_free(&text);
    worker_folder_free(folder);
    return rc;
}

/* Reading the images of a set. */
struct reading {
    const struct worker_params *params;
    const char                 *path;
    struct worker_shape        *shape; /* height 0 until the first image tells it */
    struct worker_raw_set      *raw;
    uint8_t                    *spare; /* an image that is measured and not kept */
    char                       *first; /* path of the image that gave the shape */
};

static size_t image_bytes(const struct worker_shape *shape)
{
    return (size_t)shape->channels * shape->height * shape->width;
}

/* The native size is that of the first image, and has to be that of all. */
static int settle_shape(struct reading *r, const struct worker_picture *picture, const char *path,
                        struct mx_err *err)
{
    struct worker_shape *shape = r->shape;
    char                 first[WORKER_SHOWN_SIZE], other[WORKER_SHOWN_SIZE];

    if (shape->height == 0) {
        shape->height = picture->height;
        shape->width = picture->width;
        if (!(r->first = strdup(path)))
            return mx_fail(err, MX_ENOMEM, "no memory for a path");
    }
    if (r->params->data_size == 0 &&
        (picture->height != shape->height || picture->width != shape->width))
        return mx_fail(err, MX_EINVAL,
                       "%.150s has %u x %u pixels and %.150s has %u x %u: set data.size, to which "
                       "all are brought",
                       worker_shown_path(r->first, first), shape->width, shape->height,
                       worker_shown_path(path, other), picture->width, picture->height);
    return 0;
}

static void note(uint32_t *count, char first[WORKER_REMARK_SIZE], const char *text)
{
    size_t len = strlen(text);

    if ((*count)++ > 0)
        return;
    len = len < WORKER_REMARK_SIZE ? len : WORKER_REMARK_SIZE - 1;
    memcpy(first, text, len);
    first[len] = '\0';
}

/* Read one file and bring it to channels and shape. Returns 1, or 0 if it is damaged and
 * to be left out, or -1. */
static int read_picture(struct reading *r, const char *path, struct worker_picture *picture,
                        struct mx_err *err)
{
    struct worker_remarks *remarks = &r->raw->remarks;
    struct mx_err          why = {.code = MX_OK};
    char                   shown[WORKER_SHOWN_SIZE];

    if (worker_picture_read(path, picture, &why)) {
        if (why.code == MX_EDATA &&
            r->params->data_on_decode_error == WORKER_ON_DECODE_ERROR_SKIP) {
            note(&remarks->skipped, remarks->first_skipped, why.text);
            return 0;
        }
        return mx_fail(err, why.code, "%s", why.text);
    }
    if (picture->turn != 1)
        note(&remarks->turned, remarks->first_turned, worker_shown_path(path, shown));
    if (worker_picture_channels(picture, r->shape->channels, err) ||
        settle_shape(r, picture, path, err)) {
        worker_picture_free(picture);
        return -1;
    }
    return 1;
}

static int fit(const struct worker_shape *shape, bool native, const struct worker_picture *picture,
               uint8_t *out, struct mx_err *err)
{
    const size_t from = (size_t)picture->height * picture->width;
    const size_t to = (size_t)shape->height * shape->width;

    if (native) {
        memcpy(out, picture->pixels, image_bytes(shape));
        return 0;
    }
    for (uint32_t c = 0; c < shape->channels; c++)
        if (worker_fit_plane(picture->pixels + c * from, picture->height, picture->width,
                             out + c * to, shape->height, err))
            return -1;
    return 0;
}

static int make_room(struct reading *r, struct worker_images *images, uint32_t room,
                     struct mx_err *err)
{
    const size_t bytes = image_bytes(r->shape);

    if (!images->pixels) {
        images->pixels = calloc(room, bytes);
        images->labels = calloc(room, sizeof *images->labels);
        if (r->shape->groups > 0)
            images->groups = calloc(room, sizeof *images->groups);
        images->channels = r->shape->channels;
        images->height = r->shape->height;
        images->width = r->shape->width;
    }
    if (!r->spare)
        r->spare = malloc(bytes);
    if (!images->pixels || !images->labels || !r->spare ||
        (r->shape->groups > 0 && !images->groups))
        return mx_fail(err, MX_ENOMEM, "no memory for %u images of %u x %u pixels", room,
                       r->shape->width, r->shape->height);
    return 0;
}

/* Add one file to a part; beyond `room` it is measured only. */
static int read_file(struct reading *r, const struct worker_folder_file *file, uint32_t room,
                     bool measure, struct worker_images *images, struct mx_err *err)
{
    struct worker_picture picture = {.pixels = NULL};
    char                 *path = path_of(r->path, file, err);
    int                   rc = path ? read_picture(r, path, &picture, err) : -1;
    uint8_t              *out;

    if (rc == 1) {
        rc = -1;
        if (make_room(r, images, room, err))
            goto done;
        out = images->n < room ? images->pixels + images->n * image_bytes(r->shape) : r->spare;
        if (fit(r->shape, r->params->data_size == 0, &picture, out, err))
            goto done;
        if (measure)
            worker_moments_add(&r->raw->moments, out, 1, r->shape->channels,
                               (size_t)r->shape->height * r->shape->width);
        if (images->n < room) {
            images->labels[images->n] = file->label;
            if (images->groups)
                images->groups[images->n] = file->group;
            images->n++;
        }
        rc = 0;
    }
done:
    worker_picture_free(&picture);
    free(path);
    return rc;
}

/* The first `limit` good images of a part (0: all); with `measure` all are looked at. */
static int read_part(struct reading *r, const struct worker_folder_part *part, int64_t limit,
                     bool measure, struct worker_images *images, struct mx_err *err)
{
    const uint32_t room = limit > 0 && limit < part->n ? (uint32_t)limit : part->n;
    char           shown[WORKER_SHOWN_SIZE];

    for (uint32_t i = 0; i < part->n && (measure || images->n < room); i++)
        if (read_file(r, &part->files[i], room, measure, images, err))
            return -1;
    if (part->n > 0 && images->n == 0)
        return mx_fail(err, MX_EDATA, "folder: none of the %u files of a part of %s is an image",
                       part->n, worker_shown_path(r->path, shown));
    return 0;
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

/* Published constants spare looking at all training images. */
static bool has_to_measure(const struct reading *r)
{
    const struct worker_known_set *known = worker_known_set(r->params->data_set, NULL);

    return worker_dataset_normalize(r->params) == WORKER_NORMALIZE_DATASET &&
           !(known->sd[0] > 0 && r->shape->channels >= known->channels);
}

static int read_all(struct reading *r, struct worker_folder *folder, struct mx_err *err)
{
    struct worker_images *parts = r->raw->parts;
    const bool            measure = has_to_measure(r);

    r->raw->measured = measure;
    if (read_part(r, &folder->parts[WORKER_PART_TRAIN], r->params->data_train_limit, measure,
                  &parts[WORKER_PART_TRAIN], err) ||
        read_part(r, &folder->parts[WORKER_PART_VAL], 0, false, &parts[WORKER_PART_VAL], err))
        return -1;
    return read_part(r, &folder->parts[WORKER_PART_TEST], r->params->data_test_limit, false,
                     &parts[WORKER_PART_TEST], err);
}

static int read_set(const struct worker_params *params, const char *path, uint64_t seed,
                    struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err)
{
    struct reading        r = {.params = params, .path = path, .shape = shape, .raw = raw};
    struct worker_folder *folder = NULL;
    int                   rc = -1;

    if (worker_check_size(params, LEAST, MOST, err) ||
        !(folder = worker_listing(params, path, err)))
        return -1;
    *shape = (struct worker_shape){
        .channels = params->data_channels ? (uint32_t)params->data_channels : CHANNELS,
        .height = (uint32_t)params->data_size,
        .width = (uint32_t)params->data_size,
        .classes = folder->nclasses,
        .groups = folder->ngroups,
    };
    if (!name_classes(folder, raw, err) &&
        !worker_folder_hold_out(folder, params->data_test_fraction, seed, path, err))
        rc = read_all(&r, folder, err);
    worker_folder_free(folder);
    free(r.spare);
    free(r.first);
    return rc;
}

const struct worker_set_format worker_folder_format = {shape_of, counts, probe, read_set};
