/* EMNIST (Cohen and others 2017): IDX files of one of six splits, told by their names. Its images
 * are stored with rows and columns exchanged, and are turned to be read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/choices.h"
#include "worker/idx.h"
#include "worker/set_format.h"

enum {
    SIDE = 28,
    NAME_SIZE = 64,
};

static const struct split {
    const char *name;
    uint32_t    classes, first; /* first: the number of the first class in the files */
    uint32_t    train, test;
} splits[] = {
    {"balanced", 47, 0, 112800, 18800}, {"byclass", 62, 0, 697932, 116323},
    {"bymerge", 47, 0, 697932, 116323}, {"digits", 10, 0, 240000, 40000},
    {"letters", 26, 1, 124800, 20800},  {"mnist", 10, 0, 60000, 10000},
};

/* The four names of a split. */
static void name_files(const struct split *split, char names[WORKER_IDX_FILES][NAME_SIZE])
{
    static const char *const ends[WORKER_IDX_FILES] = {
        [WORKER_IDX_TRAIN_IMAGES] = "train-images-idx3-ubyte",
        [WORKER_IDX_TRAIN_LABELS] = "train-labels-idx1-ubyte",
        [WORKER_IDX_TEST_IMAGES] = "test-images-idx3-ubyte",
        [WORKER_IDX_TEST_LABELS] = "test-labels-idx1-ubyte",
    };

    for (int f = 0; f < WORKER_IDX_FILES; f++)
        snprintf(names[f], NAME_SIZE, "emnist-%s-%s", split->name, ends[f]);
}

static bool has_split(const char *folder, const struct split *split)
{
    char          names[WORKER_IDX_FILES][NAME_SIZE];
    struct mx_buf path = {0};
    bool          there;

    name_files(split, names);
    mx_buf_printf(&path, "%s/%s", folder, names[0]);
    there = mx_file_exists(mx_buf_str(&path));
    mx_buf_text(&path, ".gz");
    there |= mx_file_exists(mx_buf_str(&path));
    mx_buf_free(&path);
    return there;
}

/* The one split whose files are there; NULL with *err. */
static const struct split *find_split(const char *folder, struct mx_err *err)
{
    const struct split *found = NULL;

    for (size_t s = 0; s < sizeof splits / sizeof splits[0]; s++) {
        if (!has_split(folder, &splits[s]))
            continue;
        if (found) {
            mx_fail(err, MX_EDATA,
                    "emnist: %s holds the splits %s and %s: leave only the one that is meant",
                    folder, found->name, splits[s].name);
            return NULL;
        }
        found = &splits[s];
    }
    if (!found)
        mx_fail(err, MX_EDATA, "emnist: there are no images of any split in %s: %s", folder,
                worker_known_set(WORKER_DATA_EMNIST, NULL)->advice);
    return found;
}

static int shape_of(const struct worker_params *params, const char *folder,
                    struct worker_shape *shape, struct mx_err *err)
{
    const struct split *split = find_split(folder, err);

    if (!split || worker_known_shape(params, folder, shape, err))
        return -1;
    shape->classes = split->classes;
    return 0;
}

static int counts(const struct worker_params *params, const char *folder, uint64_t *train,
                  uint64_t *test, struct mx_err *err)
{
    const struct split *split = find_split(folder, err);

    (void)params;
    if (!split)
        return -1;
    *train = split->train;
    *test = split->test;
    return 0;
}

static int find_files(const struct split *split, const char *folder, struct worker_idx_paths *paths,
                      struct mx_err *err)
{
    char        names[WORKER_IDX_FILES][NAME_SIZE];
    const char *spelt[WORKER_IDX_FILES][2];

    name_files(split, names);
    for (int f = 0; f < WORKER_IDX_FILES; f++)
        spelt[f][0] = spelt[f][1] = names[f];
    return worker_idx_find_named(folder, "emnist",
                                 worker_known_set(WORKER_DATA_EMNIST, NULL)->advice,
                                 (const char *const(*)[2])spelt, paths, err);
}

static void turn(uint8_t *image)
{
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < y; x++) {
            uint8_t held = image[y * SIDE + x];

            image[y * SIDE + x] = image[x * SIDE + y];
            image[x * SIDE + y] = held;
        }
}

/* One half, with labels from 0. */
static int load_half(const struct split *split, const struct worker_idx_paths *paths, int first,
                     struct worker_images *images, struct mx_err *err)
{
    struct worker_known_set known = *worker_known_set(WORKER_DATA_EMNIST, NULL);

    known.classes = split->first + split->classes;
    if (worker_idx_load(paths->file[first], paths->file[first + 1], &known, images, err))
        return -1;
    for (uint32_t i = 0; i < images->n; i++) {
        if (images->labels[i] < split->first)
            return mx_fail(err, MX_EDATA,
                           "%s: label 0 of image %" PRIu32 " is not one of 1 to %" PRIu32
                           ": get the file again",
                           paths->file[first + 1], i, split->classes);
        images->labels[i] -= split->first;
        turn(images->pixels + (size_t)i * SIDE * SIDE);
    }
    return 0;
}

static int load(const char *folder, struct worker_raw_set *raw, uint64_t *fingerprint,
                struct mx_err *err)
{
    const struct split     *split = find_split(folder, err);
    struct worker_idx_paths paths = {{NULL}};
    int                     rc = split ? find_files(split, folder, &paths, err) : -1;

    if (rc == 0 &&
        (load_half(split, &paths, WORKER_IDX_TRAIN_IMAGES, &raw->parts[WORKER_PART_TRAIN], err) ||
         worker_images_differ(&raw->parts[WORKER_PART_TRAIN], "emnist", folder, err) ||
         load_half(split, &paths, WORKER_IDX_TEST_IMAGES, &raw->parts[WORKER_PART_TEST], err)))
        rc = -1;
    if (rc == 0 && fingerprint)
        rc = worker_idx_fingerprint(&paths, fingerprint, err);
    worker_idx_paths_free(&paths);
    return rc;
}

static int probe(const struct worker_params *params, const char *folder, uint64_t *fingerprint,
                 struct mx_err *err)
{
    struct worker_raw_set raw = {.measured = false};
    int                   rc = load(folder, &raw, fingerprint, err);

    (void)params;
    for (int p = 0; p < WORKER_PARTS; p++)
        worker_images_free(&raw.parts[p]);
    return rc;
}

static int read_set(const struct worker_params *params, const char *folder, uint64_t seed,
                    struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err)
{
    (void)seed;
    if (shape_of(params, folder, shape, err) || load(folder, raw, NULL, err))
        return -1;
    return worker_raw_fit(raw, shape, err);
}

const struct worker_set_format worker_emnist_format = {shape_of, counts, probe, read_set};
