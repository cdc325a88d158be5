/* Dominoes in npy files. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/dominoes.h"
#include "worker/npy.h"

enum {
    MOST = 1000 /* classes, attributes */
};

static const char *const part_names[WORKER_PARTS] = {
    [WORKER_PART_TRAIN] = "train", [WORKER_PART_VAL] = "val", [WORKER_PART_TEST] = "test"};
static const char *const arrays[] = {"X", "y", "env"};

/* "FOLDER/ARRAY_PART.npy", to be freed; NULL with *err. */
static char *path_of(const char *folder, const char *array, int part, struct mx_err *err)
{
    char  name[32];
    char *path;

    snprintf(name, sizeof name, "%s_%s.npy", array, part_names[part]);
    if (!(path = mx_path_join(folder, name)))
        mx_fail(err, MX_ENOMEM, "no memory for a path in %s", folder);
    return path;
}

static struct worker_npy *open_array(const char *folder, const char *array, int part,
                                     struct mx_err *err)
{
    char              *path = path_of(folder, array, part, err);
    struct worker_npy *file = path ? worker_npy_open(path, err) : NULL;

    free(path);
    return file;
}

/* The validation part may be missing. */
static bool has_part(const char *folder, int part)
{
    char *path = path_of(folder, arrays[0], part, NULL);
    bool  there = path && mx_file_exists(path);

    free(path);
    return part != WORKER_PART_VAL || there;
}

/* Where the channels are: (n, high, wide), (n, channels, ...) or (n, ..., channels). */
static int read_layout(const struct worker_npy *file, struct worker_images *images, bool *last,
                       struct mx_err *err)
{
    const struct worker_npy_shape *shape = worker_npy_shape(file);
    const uint64_t                *d = shape->dims;
    uint64_t                       sizes[3] = {1, 0, 0}; /* channels, height, width */

    *last = shape->ndims == 4 && d[1] != 1 && d[1] != 3;
    if (shape->ndims == 3) {
        sizes[1] = d[1];
        sizes[2] = d[2];
    } else if (shape->ndims == 4) {
        sizes[0] = *last ? d[3] : d[1];
        sizes[1] = *last ? d[1] : d[2];
        sizes[2] = *last ? d[2] : d[3];
    }
    if (shape->ndims > 0 && d[0] == 0)
        return mx_fail(err, MX_EDATA, "there is no image in it");
    if (shape->ndims == 0 || d[0] > INT32_MAX || (sizes[0] != 1 && sizes[0] != 3) || sizes[1] < 8 ||
        sizes[1] > 1024 || sizes[2] < 8 || sizes[2] > 1024)
        return mx_fail(err, MX_EDATA,
                       "X_*.npy of dominoes are (images, high, wide), with 1 or 3 channels before "
                       "or behind high and wide, of 8 to 1024 pixels a side");
    images->n = (uint32_t)d[0];
    images->channels = (uint32_t)sizes[0];
    images->height = (uint32_t)sizes[1];
    images->width = (uint32_t)sizes[2];
    return 0;
}

static int to_bytes(const float *x, size_t n, bool bytes, bool last, uint32_t channels,
                    uint8_t *out)
{
    const size_t plane = n / channels;

    for (size_t k = 0; k < n; k++) {
        const float level = bytes ? x[k] : x[k] * 255;

        if (!(level >= 0 && level <= 255))
            return -1;
        out[last ? k % channels * plane + k / channels : k] = (uint8_t)(level + 0.5f);
    }
    return 0;
}

static int read_pixels(const struct worker_npy *file, bool last, struct worker_images *images,
                       struct mx_err *err)
{
    const bool   bytes = worker_npy_shape(file)->type == WORKER_NPY_U8;
    const size_t one = (size_t)images->channels * images->height * images->width;
    float       *row = malloc(one * sizeof *row);
    int          rc = 0;

    images->pixels = calloc(images->n, one);
    if (!row || !images->pixels)
        rc = mx_fail(err, MX_ENOMEM, "no memory for %" PRIu32 " dominoes", images->n);
    for (uint32_t i = 0; rc == 0 && i < images->n; i++) {
        rc = worker_npy_read_f32(file, i, 1, row, err);
        if (rc == 0 && to_bytes(row, one, bytes, last, images->channels, images->pixels + i * one))
            rc =
                mx_fail(err, MX_EDATA,
                        "image %" PRIu32 " has a pixel outside of 0 to 1: store bytes as uint8", i);
    }
    free(row);
    return rc;
}

static int read_images(const char *folder, int part, struct worker_images *images,
                       struct mx_err *err)
{
    struct worker_npy *file = open_array(folder, arrays[0], part, err);
    bool               last = false;
    int                rc = -1;

    if (!file)
        return -1;
    if (read_layout(file, images, &last, err) || read_pixels(file, last, images, err))
        mx_err_prefix(err, "%s/X_%s.npy", folder, part_names[part]);
    else
        rc = 0;
    worker_npy_close(file);
    return rc;
}

/* One number an image; *most becomes one more than the largest if `below` is 0. */
static int read_numbers(const char *folder, const char *array, int part, uint32_t n,
                        uint32_t *below, uint32_t **out, struct mx_err *err)
{
    struct worker_npy *file = open_array(folder, array, part, err);
    const char        *what = strcmp(array, "y") == 0 ? "label" : "attribute";
    int                rc = -1;

    if (!file)
        return -1;
    if (!(*out = calloc(n, sizeof **out)))
        mx_fail(err, MX_ENOMEM, "no memory for %" PRIu32 " labels", n);
    else if (worker_npy_want(file, 1, (uint64_t[]){n}, err) == 0)
        rc = worker_npy_read_u32(file, 0, n, *below ? *below : MOST, what, *out, err);
    worker_npy_close(file);
    if (rc == 0 && *below == 0)
        for (uint32_t i = 0; i < n; i++)
            if ((*out)[i] >= *below)
                *below = (*out)[i] + 1;
    return rc;
}

/* A part, as the training part, which comes first, tells its classes and attributes. */
static int read_part(const char *folder, int part, uint32_t *classes, uint32_t *attributes,
                     struct worker_images *images, struct mx_err *err)
{
    if (read_images(folder, part, images, err) ||
        read_numbers(folder, arrays[1], part, images->n, classes, &images->labels, err) ||
        read_numbers(folder, arrays[2], part, images->n, attributes, &images->groups, err))
        return -1;
    for (uint32_t i = 0; i < images->n; i++)
        images->groups[i] += images->labels[i] * *attributes;
    return 0;
}

/* The parts' images are of one form. */
static int check_form(const char *folder, int part, const struct worker_images *images,
                      const struct worker_images *train, struct mx_err *err)
{
    if (images->height == train->height && images->width == train->width &&
        images->channels == train->channels)
        return 0;
    return mx_fail(err, MX_EDATA,
                   "%s/X_%s.npy has images of %" PRIu32 " x %" PRIu32 " pixels and %" PRIu32
                   " channels, X_train.npy of %" PRIu32 " x %" PRIu32 " and %" PRIu32,
                   folder, part_names[part], images->width, images->height, images->channels,
                   train->width, train->height, train->channels);
}

/* With data.size they become square, whole; grey ones are repeated. */
static int bring(const struct worker_shape *shape, struct worker_images *images, struct mx_err *err)
{
    const size_t from = (size_t)images->height * images->width;
    const size_t to = (size_t)shape->height * shape->width;
    uint8_t     *pixels;

    if (from == to && images->height == shape->height && shape->channels == images->channels)
        return 0;
    if (!(pixels = calloc((size_t)images->n * shape->channels, to)))
        return mx_fail(err, MX_ENOMEM, "no memory for %" PRIu32 " dominoes", images->n);
    for (size_t k = 0; k < (size_t)images->n * shape->channels; k++) {
        const size_t i = k / shape->channels, c = k % shape->channels % images->channels;

        if (worker_resize(images->pixels + (i * images->channels + c) * from, images->height,
                          images->width, pixels + k * to, shape->height, shape->width, err)) {
            free(pixels);
            return -1;
        }
    }
    free(images->pixels);
    images->pixels = pixels;
    images->channels = shape->channels;
    images->height = shape->height;
    images->width = shape->width;
    return 0;
}

int worker_dominoes_npy_read(const struct worker_params *params, const char *folder,
                             struct worker_shape *shape, struct worker_raw_set *raw,
                             struct mx_err *err)
{
    const struct worker_images *train = &raw->parts[WORKER_PART_TRAIN];
    uint32_t                    classes = 0, attributes = 0;

    for (int p = 0; p < WORKER_PARTS; p++) {
        if (has_part(folder, p) && read_part(folder, p, &classes, &attributes, &raw->parts[p], err))
            return -1;
        if (p == WORKER_PART_TRAIN && classes < 2)
            return mx_fail(err, MX_EDATA,
                           "%s/y_train.npy holds one class only: there is nothing to tell apart",
                           folder);
    }
    if (params->data_channels == 1 && train->channels == 3)
        return mx_fail(err, MX_EINVAL,
                       "dominoes in npy form keep their 3 channels: take "
                       "data.channels out");
    *shape = (struct worker_shape){
        .channels = params->data_channels ? (uint32_t)params->data_channels : train->channels,
        .height = params->data_size ? (uint32_t)params->data_size : train->height,
        .width = params->data_size ? (uint32_t)params->data_size : train->width,
        .classes = classes,
        .groups = classes * attributes,
    };
    for (int p = 0; p < WORKER_PARTS; p++)
        if (raw->parts[p].n > 0 && check_form(folder, p, &raw->parts[p], train, err))
            return -1;
    for (int p = 0; p < WORKER_PARTS; p++)
        if (raw->parts[p].n > 0 && bring(shape, &raw->parts[p], err))
            return -1;
    return 0;
}

int worker_dominoes_npy_probe(const char *folder, uint64_t *fingerprint, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc = 0;

    for (int p = 0; rc == 0 && p < WORKER_PARTS; p++)
        for (size_t a = 0; rc == 0 && has_part(folder, p) && a < 3; a++) {
            char              *path = path_of(folder, arrays[a], p, err);
            struct worker_npy *file = path ? worker_npy_open(path, err) : NULL;

            rc = file ? worker_fingerprint_add(&text, path, strrchr(path, '/') + 1, err) : -1;
            worker_npy_close(file);
            free(path);
        }
    if (rc == 0)
        rc = worker_fingerprint_end(&text, fingerprint, err);
    mx_buf_free(&text);
    return rc;
}
