/* Dominoes as a data set: two sets are read, cut to the chosen classes and to halves of
 * the image, and paired. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "worker/choices.h"
#include "worker/dominoes.h"
#include "worker/known_sets.h"

/* Where a half comes from. */
struct origin {
    const char                    *key; /* of its classes */
    const struct worker_list      *classes;
    const char                    *path;
    const struct worker_known_set *known;
    unsigned                       data_set;
};

static int find_origins(const struct worker_params *params,
                        struct origin origins[WORKER_DOMINO_HALVES], struct mx_err *err)
{
    origins[WORKER_DOMINO_TOP] = (struct origin){
        .key = "data.dominoes.top_classes",
        .classes = &params->data_dominoes_top_classes,
        .path = params->data_dominoes_top_path,
        .data_set = worker_domino_data_set(params->data_dominoes_top),
    };
    origins[WORKER_DOMINO_BOTTOM] = (struct origin){
        .key = "data.dominoes.bottom_classes",
        .classes = &params->data_dominoes_bottom_classes,
        .path = params->data_dominoes_bottom_path,
        .data_set = worker_domino_data_set(params->data_dominoes_bottom),
    };
    for (struct origin *o = origins; o < origins + WORKER_DOMINO_HALVES; o++) {
        if (!(o->known = worker_known_set(o->data_set, err)))
            return -1;
        if (o->classes->count < 2)
            return mx_fail(err, MX_EINVAL, "%s has %" PRIu32 " classes: give two or more", o->key,
                           o->classes->count);
        for (uint32_t k = 0; k < o->classes->count; k++)
            if (!(o->classes->items[k] < o->known->classes))
                return mx_fail(err, MX_EINVAL, "%s: %s has the classes 0 to %" PRIu32 ", not %g",
                               o->key, worker_set_name(o->data_set), o->known->classes - 1,
                               o->classes->items[k]);
    }
    return 0;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* A domino of the larger of both images, unless data.size makes it square. */
static int shape_from(const struct worker_params *params, const struct origin *origins,
                      struct worker_shape *shape, struct mx_err *err)
{
    const struct worker_known_set *top = origins[WORKER_DOMINO_TOP].known;
    const struct worker_known_set *bottom = origins[WORKER_DOMINO_BOTTOM].known;
    const uint32_t                 size = (uint32_t)params->data_size;

    if (worker_check_size(params, 8, 1024, err))
        return -1;
    *shape = (struct worker_shape){
        .channels = params->data_channels ? (uint32_t)params->data_channels
                                          : larger(top->channels, bottom->channels),
        .height = size ? size : 2 * larger(top->height, bottom->height),
        .width = size ? size : larger(top->width, bottom->width),
        .classes = origins[WORKER_DOMINO_BOTTOM].classes->count,
        .groups = origins[WORKER_DOMINO_BOTTOM].classes->count *
                  origins[WORKER_DOMINO_TOP].classes->count,
    };
    return 0;
}

static int shape_of(const struct worker_params *params, const char *folder,
                    struct worker_shape *shape, struct mx_err *err)
{
    struct origin origins[WORKER_DOMINO_HALVES];

    (void)folder;
    if (params->data_path[0])
        return mx_fail(err, MX_EINVAL,
                       "only the files of dominoes in data.path tell their shape, and none is "
                       "read");
    if (find_origins(params, origins, err))
        return -1;
    return shape_from(params, origins, shape, err);
}

/* As many as there are lower images, in sets whose classes are equally large. */
static int counts(const struct worker_params *params, const char *folder, uint64_t *train,
                  uint64_t *test, struct mx_err *err)
{
    struct origin                  origins[WORKER_DOMINO_HALVES];
    const struct worker_known_set *bottom;
    uint32_t                       chosen;

    (void)folder;
    if (params->data_path[0])
        return mx_fail(err, MX_EINVAL, "only the files of dominoes in data.path tell their number");
    if (find_origins(params, origins, err))
        return -1;
    bottom = origins[WORKER_DOMINO_BOTTOM].known;
    chosen = origins[WORKER_DOMINO_BOTTOM].classes->count;
    *train = (uint64_t)bottom->train * chosen / bottom->classes;
    *test = (uint64_t)bottom->test * chosen / bottom->classes;
    return 0;
}

/* The parameters of the set that a half comes from, as if it were read alone; to be freed. */
static struct worker_params *params_of(const struct worker_params *params,
                                       const struct origin *origin, struct mx_err *err)
{
    struct worker_params *own = malloc(sizeof *own);

    if (!own) {
        mx_fail(err, MX_ENOMEM, "no memory for the halves of dominoes");
        return NULL;
    }
    *own = *params;
    own->data_set = origin->data_set;
    own->data_size = own->data_channels = 0;
    memcpy(own->data_path, origin->path, sizeof own->data_path);
    return own;
}

static int probe(const struct worker_params *params, const char *folder, uint64_t *fingerprint,
                 struct mx_err *err)
{
    struct origin origins[WORKER_DOMINO_HALVES];
    uint64_t      both[WORKER_DOMINO_HALVES];

    if (params->data_path[0])
        return worker_dominoes_npy_probe(folder, fingerprint, err);
    if (find_origins(params, origins, err))
        return -1;
    for (int h = 0; h < WORKER_DOMINO_HALVES; h++) {
        struct worker_params *own = params_of(params, &origins[h], err);
        int                   rc = own ? worker_dataset_probe(own, &both[h], err) : -1;

        free(own);
        if (rc)
            return -1;
    }
    *fingerprint = mx_hash64(both, sizeof both);
    return 0;
}

/* Read the set of a half whole. */
static int load(const struct worker_params *params, const struct origin *origin,
                struct worker_raw_set *raw, struct mx_err *err)
{
    struct worker_params *own = params_of(params, origin, err);
    struct worker_shape   shape;
    struct mx_buf         folder = {0};
    int                   rc = -1;

    if (own && worker_set_folder(own, &folder, err) == 0)
        rc = origin->known->format->read(own, mx_buf_str(&folder), 0, &shape, raw, err);
    mx_buf_free(&folder);
    free(own);
    return rc;
}

/* Keep the images of the chosen classes, labelled by their place in the list. */
static void choose(struct worker_images *images, const struct worker_list *classes)
{
    const size_t bytes = (size_t)images->channels * images->height * images->width;
    uint32_t     kept = 0;

    for (uint32_t i = 0; i < images->n; i++) {
        uint32_t k = 0;

        while (k < classes->count && classes->items[k] != images->labels[i])
            k++;
        if (k == classes->count)
            continue;
        memmove(images->pixels + kept * bytes, images->pixels + i * bytes, bytes);
        images->labels[kept++] = k;
    }
    images->n = kept;
}

/* A class without an image would be right in every answer, and worth nothing. */
static int check_chosen(const struct worker_images *images, const struct origin *origin,
                        struct mx_err *err)
{
    for (uint32_t k = 0; k < origin->classes->count; k++) {
        uint32_t i = 0;

        while (i < images->n && images->labels[i] != k)
            i++;
        if (i == images->n)
            return mx_fail(err, MX_EDATA, "dominoes: %s has no image of class %g of %s",
                           worker_set_name(origin->data_set), origin->classes->items[k],
                           origin->key);
    }
    return 0;
}

/* One plane in the middle of a black one of (height, width), and that resized. */
static int frame_plane(const uint8_t *plane, const struct worker_images *from, uint32_t height,
                       uint32_t width, uint8_t *framed, const struct worker_images *to,
                       uint8_t *out, struct mx_err *err)
{
    const uint32_t down = (height - from->height) / 2, right = (width - from->width) / 2;

    memset(framed, 0, (size_t)height * width);
    for (uint32_t y = 0; y < from->height; y++)
        memcpy(framed + (size_t)(down + y) * width + right, plane + (size_t)y * from->width,
               from->width);
    if (to->height != height || to->width != width)
        return worker_resize(framed, height, width, out, to->height, to->width, err);
    memcpy(out, framed, (size_t)height * width);
    return 0;
}

/* Bring images to a half of the domino: the frame of both sets' images, resized. */
static int bring(struct worker_images *images, uint32_t channels, const uint32_t frame[2],
                 uint32_t height, uint32_t width, struct mx_err *err)
{
    struct worker_images to = {.channels = channels, .height = height, .width = width};
    const size_t         from_plane = (size_t)images->height * images->width;
    const size_t         to_plane = (size_t)height * width;
    uint8_t             *framed = malloc((size_t)frame[0] * frame[1]);
    int                  rc = 0;

    /* The sets' images are square: only the channels change here. */
    if (images->n > 0 && worker_images_fit(images, channels, images->height, err)) {
        free(framed);
        return -1;
    }
    to.pixels = calloc((size_t)images->n * channels + 1, to_plane);
    if (!framed || !to.pixels)
        rc = mx_fail(err, MX_ENOMEM, "no memory for the halves of %" PRIu32 " dominoes", images->n);
    for (size_t k = 0; rc == 0 && k < (size_t)images->n * channels; k++)
        rc = frame_plane(images->pixels + k * from_plane, images, frame[0], frame[1], framed, &to,
                         to.pixels + k * to_plane, err);
    free(framed);
    if (rc) {
        free(to.pixels);
        return -1;
    }
    free(images->pixels);
    images->pixels = to.pixels;
    images->channels = channels;
    images->height = height;
    images->width = width;
    return 0;
}

/* Both sets cut to what a half of the dominoes is made of: `part` train or test. */
static int make_half(const struct origin *origins, const struct worker_shape *shape,
                     struct worker_raw_set *sets, int part, struct worker_domino_half *half,
                     struct mx_err *err)
{
    const struct worker_known_set *top = origins[WORKER_DOMINO_TOP].known;
    const struct worker_known_set *bottom = origins[WORKER_DOMINO_BOTTOM].known;
    const uint32_t                 upper = shape->height / 2;
    const uint32_t                 frame[2] = {larger(top->height, bottom->height),
                                               larger(top->width, bottom->width)};

    half->attributes = origins[WORKER_DOMINO_TOP].classes->count;
    half->classes = shape->classes;
    for (int h = 0; h < WORKER_DOMINO_HALVES; h++) {
        half->images[h] = sets[h].parts[part];
        sets[h].parts[part] = (struct worker_images){0};
        choose(&half->images[h], origins[h].classes);
        if (check_chosen(&half->images[h], &origins[h], err))
            return -1;
        if (bring(&half->images[h], shape->channels, frame,
                  h == WORKER_DOMINO_TOP ? upper : shape->height - upper, shape->width, err))
            return -1;
    }
    return 0;
}

static void free_half(struct worker_domino_half *half)
{
    for (int h = 0; h < WORKER_DOMINO_HALVES; h++)
        worker_images_free(&half->images[h]);
}

/* Moments of all dominoes that could be made: every upper image counts as often as
 * every other, and so does every lower one. Exact in 64 bits for any such set. */
static void measure(const struct worker_domino_half *half, struct worker_moments *moments)
{
    struct worker_moments of[WORKER_DOMINO_HALVES] = {{.pixels = 0}, {.pixels = 0}};
    const uint64_t        n[WORKER_DOMINO_HALVES] = {half->images[WORKER_DOMINO_TOP].n,
                                                     half->images[WORKER_DOMINO_BOTTOM].n};

    for (int h = 0; h < WORKER_DOMINO_HALVES; h++) {
        const struct worker_images *images = &half->images[h];
        const uint64_t              others = n[WORKER_DOMINO_HALVES - 1 - h];

        worker_moments_add(&of[h], images->pixels, images->n, images->channels,
                           (size_t)images->height * images->width);
        moments->pixels += of[h].pixels * others;
        for (uint32_t c = 0; c < images->channels; c++) {
            moments->sum[c] += of[h].sum[c] * others;
            moments->squares[c] += of[h].squares[c] * others;
        }
    }
}

static uint32_t limited(uint32_t n, int64_t limit)
{
    return limit > 0 && limit < n ? (uint32_t)limit : n;
}

/* Limits first, then the validation part, then what agrees in each. */
static int make_train(const struct worker_params *params, struct worker_domino_half *half,
                      uint64_t seed, struct worker_raw_set *raw, struct mx_err *err)
{
    struct worker_images *bottom = &half->images[WORKER_DOMINO_BOTTOM];
    struct worker_images *train = &raw->parts[WORKER_PART_TRAIN];
    uint8_t              *marks = calloc(bottom->n, 1);
    int                   rc;

    raw->measured = params->data_normalize == WORKER_NORMALIZE_DATASET;
    if (raw->measured)
        measure(half, &raw->moments);
    bottom->n = limited(bottom->n, params->data_train_limit);
    if (!marks)
        return mx_fail(err, MX_ENOMEM, "no memory to split %" PRIu32 " images", bottom->n);
    rc = worker_mark_validation(bottom, bottom->n, half->classes, params->data_val_fraction, seed,
                                marks, err);
    if (rc == 0)
        rc = worker_dominoes_pair_train(half, params->data_spurious_rate, seed, marks, train,
                                        &raw->parts[WORKER_PART_VAL], err);
    if (rc == 0 && train->n == 0)
        rc = mx_fail(err, MX_EDATA,
                     "all %" PRIu32 " training images went into validation: lower "
                     "data.val_fraction",
                     bottom->n);
    free(marks);
    return rc;
}

static int make_test(const struct worker_params *params, struct worker_domino_half *half,
                     uint64_t seed, struct worker_raw_set *raw, struct mx_err *err)
{
    struct worker_images *bottom = &half->images[WORKER_DOMINO_BOTTOM];

    bottom->n = limited(bottom->n, params->data_test_limit);
    return worker_dominoes_pair_test(half, seed, &raw->parts[WORKER_PART_TEST], err);
}

/* The lower classes' names, or their numbers. */
static int name_classes(const struct origin *bottom, struct worker_raw_set *raw, struct mx_err *err)
{
    const struct worker_list *classes = bottom->classes;
    const char *const        *names = bottom->known->class_names;

    raw->class_names = calloc(classes->count, sizeof *raw->class_names);
    for (uint32_t k = 0; k < classes->count; k++) {
        char number[32];

        snprintf(number, sizeof number, "%g", classes->items[k]);
        if (!raw->class_names ||
            !(raw->class_names[k] = strdup(names ? names[(uint32_t)classes->items[k]] : number)))
            return mx_fail(err, MX_ENOMEM, "no memory for the names of classes");
    }
    return 0;
}

static int read_set(const struct worker_params *params, const char *folder, uint64_t seed,
                    struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err)
{
    struct origin             origins[WORKER_DOMINO_HALVES];
    struct worker_raw_set     sets[WORKER_DOMINO_HALVES] = {{.measured = false}};
    struct worker_domino_half train = {.classes = 0}, test = {.classes = 0};
    int                       rc = -1;

    if (params->data_path[0])
        return worker_dominoes_npy_read(params, folder, shape, raw, err);
    if (find_origins(params, origins, err) || shape_from(params, origins, shape, err) ||
        name_classes(&origins[WORKER_DOMINO_BOTTOM], raw, err))
        return -1;
    if (!load(params, &origins[WORKER_DOMINO_TOP], &sets[WORKER_DOMINO_TOP], err) &&
        !load(params, &origins[WORKER_DOMINO_BOTTOM], &sets[WORKER_DOMINO_BOTTOM], err) &&
        !make_half(origins, shape, sets, WORKER_PART_TRAIN, &train, err) &&
        !make_half(origins, shape, sets, WORKER_PART_TEST, &test, err) &&
        !make_train(params, &train, seed, raw, err))
        rc = make_test(params, &test, seed, raw, err);
    free_half(&train);
    free_half(&test);
    for (int h = 0; h < WORKER_DOMINO_HALVES; h++)
        for (int p = 0; p < WORKER_PARTS; p++)
            worker_images_free(&sets[h].parts[p]);
    return rc;
}

const struct worker_set_format worker_dominoes_format = {shape_of, counts, probe, read_set};
