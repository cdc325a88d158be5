#include "worker/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "worker/choices.h"
#include "worker/idx.h"
#include "worker/images.h"
#include "worker/known_sets.h"
#include "worker/synthetic.h"

static int synthetic_shape(const struct worker_params *params, struct worker_shape *shape,
                           struct mx_err *err)
{
    enum {
        LEAST = 8,
        MOST = 1024
    };
    int64_t size = params->data_size ? params->data_size : WORKER_SYNTHETIC_SIZE;
    int64_t channels = params->data_channels ? params->data_channels : WORKER_SYNTHETIC_CHANNELS;
    int64_t classes = params->data_synthetic_classes;

    if (classes < 2 || classes > WORKER_SYNTHETIC_CLASSES)
        return mx_fail(err, MX_EINVAL, "data.synthetic.classes is %" PRId64 ": give 2 to %d",
                       classes, WORKER_SYNTHETIC_CLASSES);
    if (size < LEAST || size > MOST)
        return mx_fail(err, MX_EINVAL,
                       "data.size is %" PRId64 ": synthetic images have %d to %d pixels", size,
                       LEAST, MOST);
    *shape = (struct worker_shape){
        .channels = (uint32_t)channels,
        .height = (uint32_t)size,
        .width = (uint32_t)size,
        .classes = (uint32_t)classes,
        .groups = 2 * (uint32_t)classes,
    };
    return 0;
}

static int idx_shape(const struct worker_params *params, struct worker_shape *shape,
                     struct mx_err *err)
{
    enum {
        MOST = 1024
    };
    const struct worker_known_set *known = worker_known_set(params->data_set, err);

    if (!known)
        return -1;
    if (params->data_size < 0 || params->data_size > MOST)
        return mx_fail(err, MX_EINVAL,
                       "data.size is %" PRId64 ": give 1 to %d pixels, or 0 for native",
                       params->data_size, MOST);
    *shape = (struct worker_shape){
        .channels = params->data_channels ? (uint32_t)params->data_channels : known->channels,
        .height = params->data_size ? (uint32_t)params->data_size : known->height,
        .width = params->data_size ? (uint32_t)params->data_size : known->width,
        .classes = known->classes,
    };
    return 0;
}

int worker_dataset_shape(const struct worker_params *params, struct worker_shape *shape,
                         struct mx_err *err)
{
    if (params->data_channels != 0 && params->data_channels != 1 && params->data_channels != 3)
        return mx_fail(err, MX_EINVAL, "data.channels is %" PRId64 ": give 1 or 3, or 0 for native",
                       params->data_channels);
    return params->data_set == WORKER_DATA_SYNTHETIC ? synthetic_shape(params, shape, err)
                                                     : idx_shape(params, shape, err);
}

/* A quarter, but every class once at least. */
static uint64_t synthetic_test_count(const struct worker_params *params)
{
    int64_t quarter = params->data_synthetic_n / 4, classes = params->data_synthetic_classes;

    return (uint64_t)(quarter > classes ? quarter : classes);
}

static uint64_t limited(uint64_t n, int64_t limit)
{
    return limit > 0 && (uint64_t)limit < n ? (uint64_t)limit : n;
}

int worker_dataset_counts(const struct worker_params *params, uint64_t *train, uint64_t *test,
                          struct mx_err *err)
{
    const struct worker_known_set *known;

    if (params->data_set == WORKER_DATA_SYNTHETIC) {
        *train = (uint64_t)params->data_synthetic_n;
        *test = synthetic_test_count(params);
    } else {
        if (!(known = worker_known_set(params->data_set, err)))
            return -1;
        *train = known->train;
        *test = known->test;
    }
    *train = limited(*train, params->data_train_limit);
    *test = limited(*test, params->data_test_limit);
    return 0;
}

/* The folder of the files, into *folder. */
static int find_folder(const struct worker_params *params, const struct worker_known_set *known,
                       struct mx_buf *folder, struct mx_err *err)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    const char *name = worker_set_name(params->data_set);

    if (params->data_path[0])
        mx_buf_text(folder, params->data_path);
    else if (known->package_path)
        mx_buf_text(folder, known->package_path);
    else if (data && data[0])
        mx_buf_printf(folder, "%s/mixsweep/%s", data, name);
    else
        mx_buf_printf(folder, "%s/.local/share/mixsweep/%s", home ? home : "", name);
    if (!mx_buf_ok(folder))
        return mx_fail(err, MX_ENOMEM, "no memory for the path of %s", name);
    return 0;
}

const char *worker_dataset_default_path(unsigned data_set)
{
    const struct worker_known_set *known = worker_known_set(data_set, NULL);

    return known && known->package_path ? known->package_path : "";
}

/* Find the files of an IDX set. */
static int find_files(const struct worker_params *params, const struct worker_known_set *known,
                      struct worker_idx_paths *paths, struct mx_err *err)
{
    struct mx_buf folder = {0};
    int           rc = find_folder(params, known, &folder, err);

    if (!rc)
        rc = worker_idx_find(folder.data, worker_set_name(params->data_set), known->advice, paths,
                             err);
    mx_buf_free(&folder);
    return rc;
}

/* Read both halves of an IDX set. */
static int load_files(const struct worker_idx_paths *paths, const struct worker_known_set *known,
                      struct worker_images halves[2], struct mx_err *err)
{
    for (int h = 0; h < 2; h++)
        if (worker_idx_load(paths->file[h ? WORKER_IDX_TEST_IMAGES : WORKER_IDX_TRAIN_IMAGES],
                            paths->file[h ? WORKER_IDX_TEST_LABELS : WORKER_IDX_TRAIN_LABELS],
                            known, &halves[h], err))
            return -1;
    return 0;
}

/* "NAME SIZE HASH" of each file, one a line, hashed again. */
static int fingerprint_files(const struct worker_idx_paths *paths, uint64_t *fingerprint,
                             struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc = -1;

    for (int f = 0; f < WORKER_IDX_FILES; f++) {
        uint64_t bytes, hash;

        if (mx_hash_file(paths->file[f], &bytes, &hash, err))
            goto done;
        mx_buf_printf(&text, "%s %" PRIu64 " %016" PRIx64 "\n", strrchr(paths->file[f], '/') + 1,
                      bytes, hash);
    }
    if (!mx_buf_ok(&text)) {
        mx_fail(err, MX_ENOMEM, "no memory to fingerprint %s", paths->file[0]);
        goto done;
    }
    *fingerprint = mx_hash64(text.data, text.len);
    rc = 0;
done:
    mx_buf_free(&text);
    return rc;
}

int worker_dataset_probe(const struct worker_params *params, uint64_t *fingerprint,
                         struct mx_err *err)
{
    struct worker_idx_paths        paths = {{NULL}};
    struct worker_images           halves[2] = {{0}};
    const struct worker_known_set *known;
    struct worker_shape            shape;
    int                            rc = -1;

    if (worker_dataset_shape(params, &shape, err))
        return -1;
    if (params->data_set == WORKER_DATA_SYNTHETIC) {
        *fingerprint = 0;
        return 0;
    }
    known = worker_known_set(params->data_set, err);
    if (!find_files(params, known, &paths, err) && !load_files(&paths, known, halves, err) &&
        !fingerprint_files(&paths, fingerprint, err))
        rc = 0;
    worker_images_free(&halves[0]);
    worker_images_free(&halves[1]);
    worker_idx_paths_free(&paths);
    return rc;
}

static int make_synthetic(const struct worker_params *params, uint64_t seed,
                          const struct worker_shape *shape, struct worker_images halves[2],
                          struct mx_err *err)
{
    if (params->data_synthetic_n < shape->classes || params->data_synthetic_n > INT32_MAX)
        return mx_fail(err, MX_EINVAL,
                       "data.synthetic.n is %" PRId64 ": give at least one image a class",
                       params->data_synthetic_n);
    if (worker_synthetic_make(params, seed, WORKER_SYNTHETIC_TRAIN, shape,
                              (uint32_t)params->data_synthetic_n, &halves[0], err))
        return -1;
    return worker_synthetic_make(params, seed, WORKER_SYNTHETIC_TEST, shape,
                                 (uint32_t)synthetic_test_count(params), &halves[1], err);
}

static int read_set(const struct worker_params *params, const struct worker_shape *shape,
                    struct worker_images halves[2], struct mx_err *err)
{
    const struct worker_known_set *known = worker_known_set(params->data_set, err);
    struct worker_idx_paths        paths = {{NULL}};
    int                            rc = -1;

    if (!known || find_files(params, known, &paths, err) || load_files(&paths, known, halves, err))
        goto done;
    for (int h = 0; h < 2; h++)
        if (worker_images_fit(&halves[h], shape->channels, shape->height, err))
            goto done;
    rc = 0;
done:
    worker_idx_paths_free(&paths);
    return rc;
}

/* Constants by data.normalize. */
static int choose_moments(const struct worker_params *params, const struct worker_images *train,
                          struct worker_dataset *set, struct mx_err *err)
{
    /* Red, green, blue, and their mean for one channel. */
    static const float             imagenet[2][WORKER_MAX_CHANNELS] = {{.485f, .456f, .406f, .449f},
                                                                       {.229f, .224f, .225f, .226f}};
    const struct worker_known_set *known = worker_known_set(params->data_set, NULL);
    bool                           grey = set->shape.channels == 1;

    if (params->data_normalize == WORKER_NORMALIZE_DATASET && !(known && known->sd > 0))
        return worker_images_moments(train, worker_set_name(params->data_set), set->mean, set->sd,
                                     err);
    for (uint32_t c = 0; c < set->shape.channels; c++) {
        set->mean[c] = 0;
        set->sd[c] = 1;
        if (params->data_normalize == WORKER_NORMALIZE_IMAGENET) {
            set->mean[c] = imagenet[0][grey ? 3 : c];
            set->sd[c] = imagenet[1][grey ? 3 : c];
        } else if (params->data_normalize == WORKER_NORMALIZE_DATASET) {
            set->mean[c] = known->mean;
            set->sd[c] = known->sd;
        }
    }
    return 0;
}

struct worker_dataset *worker_dataset_open(const struct worker_params *params, uint64_t seed,
                                           struct mx_err *err)
{
    struct worker_dataset *set = calloc(1, sizeof *set);
    struct worker_images   halves[2] = {{0}};
    int                    rc = -1;

    if (!set) {
        mx_fail(err, MX_ENOMEM, "no memory for a data set");
        goto done;
    }
    if (worker_dataset_shape(params, &set->shape, err))
        goto done;
    rc = params->data_set == WORKER_DATA_SYNTHETIC
             ? make_synthetic(params, seed, &set->shape, halves, err)
             : read_set(params, &set->shape, halves, err);
    if (!rc)
        rc = choose_moments(params, &halves[0], set, err);
    if (!rc)
        rc = worker_split_images(&halves[0], &halves[1], params, seed, set, err);
done:
    worker_images_free(&halves[0]);
    worker_images_free(&halves[1]);
    if (rc) {
        worker_dataset_free(set);
        set = NULL;
    }
    return set;
}

static void free_split(struct worker_split *split)
{
    free(split->pixels);
    free(split->labels);
    free(split->groups);
    free(split->rows);
}

void worker_dataset_free(struct worker_dataset *set)
{
    if (!set)
        return;
    free_split(&set->train);
    free_split(&set->val);
    free_split(&set->test);
    free(set);
}

bool worker_dataset_same(const struct worker_params *a, uint64_t seed_a,
                         const struct worker_params *b, uint64_t seed_b)
{
    return seed_a == seed_b && a->data_set == b->data_set && !strcmp(a->data_path, b->data_path) &&
           a->data_size == b->data_size && a->data_channels == b->data_channels &&
           a->data_train_limit == b->data_train_limit && a->data_test_limit == b->data_test_limit &&
           a->data_val_fraction == b->data_val_fraction && a->data_normalize == b->data_normalize &&
           a->data_spurious_rate == b->data_spurious_rate &&
           a->data_synthetic_n == b->data_synthetic_n &&
           a->data_synthetic_classes == b->data_synthetic_classes &&
           a->data_synthetic_noise == b->data_synthetic_noise;
}
