/* A folder of image files as two epochs of a training see it: opened without a cache, and from memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "worker/batch.h"
#include "worker/bench_data.h"
#include "worker/images.h"
#include "worker/picture.h"

enum {
    CLASSES = 2,
    LEAST = 16, /* images: files are there again if they are fewer */
    BATCH = 8,
    PASSES = 4,
    FLOATS = 3 * WORKER_BENCH_DATA_SIDE * WORKER_BENCH_DATA_SIDE,
};

struct epochs {
    const struct worker_bench_files *files;
    struct worker_params             params;
    char                             cache[WORKER_PATH_SIZE];
    struct worker_dataset           *set;
    struct worker_batch             *batch;
    uint32_t                        *order;
    float                           *copy; /* (BATCH, FLOATS) */
    uint8_t                         *fitted;
};

static uint32_t images_of(const struct worker_bench_files *files)
{
    return files->n > LEAST ? files->n : LEAST;
}

static int write_files(const struct epochs *e, struct mx_err *err)
{
    struct mx_buf path = {0};
    int           rc = 0;

    for (uint32_t i = 0; rc == 0 && i < images_of(e->files); i++) {
        const struct mx_buf *bytes = &e->files->bytes[i % e->files->n];

        mx_buf_clear(&path);
        mx_buf_printf(&path, "%s/%u", e->params.data_path, i % CLASSES);
        if (!mx_buf_ok(&path))
            rc = mx_fail(err, MX_ENOMEM, "no memory for a path");
        else if ((rc = mx_dir_make(path.data, err)) == 0) {
            mx_buf_printf(&path, "/%06u", i);
            rc = mx_buf_ok(&path) ? mx_file_write(path.data, bytes->data, bytes->len, err)
                                  : mx_fail(err, MX_ENOMEM, "no memory for a path");
        }
    }
    mx_buf_free(&path);
    return rc;
}

/* The same images decoded and resized one after the other, and nothing else. */
static int decode_and_resize(const struct epochs *e, double *seconds, struct mx_err *err)
{
    const double start = mx_clock_cpu_s();

    for (uint32_t i = 0; i < images_of(e->files); i++) {
        const struct mx_buf  *bytes = &e->files->bytes[i % e->files->n];
        struct worker_picture picture = {.pixels = NULL};
        int rc = worker_picture_decode(bytes->data, bytes->len, "an image", &picture, err) ||
                 worker_picture_channels(&picture, 3, err) ||
                 worker_fit_planes(picture.pixels, 3, picture.height, picture.width, e->fitted,
                                   WORKER_BENCH_DATA_SIDE, err);

        worker_picture_free(&picture);
        if (rc)
            return -1;
    }
    *seconds = mx_clock_cpu_s() - start;
    return 0;
}

/* The set without a cache, which this fills. */
static int open_set(struct epochs *e, double *seconds, struct mx_err *err)
{
    double start;

    worker_dataset_free(e->set);
    e->set = NULL;
    if (mx_dir_remove(e->cache, err))
        return -1;
    start = mx_clock_cpu_s();
    e->set = worker_dataset_open(&e->params, 0, err);
    *seconds = mx_clock_cpu_s() - start;
    return e->set ? 0 : -1;
}

static int make_batches(struct epochs *e, double *seconds, struct mx_err *err)
{
    const struct mx_stream augment = mx_stream_make(0, 0, MX_PURPOSE_AUGMENT, 0);
    const struct mx_stream mix = mx_stream_make(0, 0, MX_PURPOSE_MIX, 0);
    const double           start = mx_clock_cpu_s();

    for (uint32_t epoch = 0; epoch < PASSES; epoch++)
        for (uint32_t first = 0; first + BATCH <= e->set->train.n; first += BATCH)
            if (worker_batch_train(e->batch, &e->params, e->set, e->order + first, BATCH, augment,
                                   mix, epoch, first / BATCH, err))
                return -1;
    *seconds = mx_clock_cpu_s() - start;
    return 0;
}

/* As many numbers as the batches have, from memory to memory. */
static double copy_batches(const struct epochs *e)
{
    const double start = mx_clock_cpu_s();

    for (uint32_t epoch = 0; epoch < PASSES; epoch++)
        for (uint32_t first = 0; first + BATCH <= e->set->train.n; first += BATCH)
            memcpy(e->copy, e->batch->images, (size_t)BATCH * FLOATS * sizeof *e->copy);
    return mx_clock_cpu_s() - start;
}

static int make_ready(struct epochs *e, struct mx_err *err)
{
    e->batch = worker_batch_new(&e->params, &e->set->shape, BATCH, err);
    e->order = calloc(e->set->train.n + 1u, sizeof *e->order);
    if (!e->batch)
        return -1;
    if (!e->order)
        return mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
    for (uint32_t i = 0; i < e->set->train.n; i++)
        e->order[i] = i;
    return 0;
}

static int measure(struct epochs *e, struct worker_bench_data *out, struct mx_err *err)
{
    for (int r = -1; r < WORKER_BENCH_DATA_REPEATS; r++) { /* the first one warms up */
        double alone, opened, batches;

        if (decode_and_resize(e, &alone, err) || open_set(e, &opened, err) ||
            (!e->batch && make_ready(e, err)) || make_batches(e, &batches, err))
            return -1;
        if (r < 0)
            continue;
        out->first_epoch[r] = alone / opened;
        out->second_epoch[r] = copy_batches(e) / batches;
    }
    return 0;
}

int worker_bench_epochs(const char *scratch, const struct worker_bench_files *files,
                        struct worker_bench_data *out, struct mx_err *err)
{
    struct epochs e = {.files = files,
                       .params = {.data_set = WORKER_DATA_FOLDER,
                                  .data_size = WORKER_BENCH_DATA_SIDE,
                                  .data_test_fraction = 0.25,
                                  .data_augment = WORKER_AUGMENT_FLIP_CROP,
                                  .mix_strategy = WORKER_MIX_NONE,
                                  .train_batch_size = BATCH,
                                  .train_threads = 1}};
    int           rc = -1;

    snprintf(e.params.data_path, sizeof e.params.data_path, "%s/files", scratch);
    snprintf(e.cache, sizeof e.cache, "%s/cache", scratch);
    e.copy = calloc((size_t)BATCH * FLOATS, sizeof *e.copy);
    e.fitted = malloc(FLOATS);
    if (!e.copy || !e.fitted)
        mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
    else if (write_files(&e, err) == 0)
        rc = measure(&e, out, err);
    worker_batch_free(e.batch);
    worker_dataset_free(e.set);
    free(e.order);
    free(e.copy);
    free(e.fitted);
    return rc;
}
