/* A folder of image files as two epochs of a training see it: opened without a cache, and from memory. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "worker/batch.h"
#include "worker/bench_data.h"
#include "worker/images.h"
#include "worker/picture.h"

enum {
    CLASSES = 2,
    LEAST = 64, /* images: files are there again if they are fewer */
    BATCH = 8,
    PASSES = 4,
    FLOATS = 3 * WORKER_BENCH_DATA_SIDE * WORKER_BENCH_DATA_SIDE,
    PATH_SIZE = WORKER_PATH_SIZE + 32,
    NUMBER = sizeof(float),
};

struct epochs {
    const struct worker_bench_files *files;
    struct worker_params             params;
    char                             cache[WORKER_PATH_SIZE];
    struct worker_dataset           *set;
    struct worker_batch             *batch;
    uint32_t                        *order;
    uint8_t                         *copy; /* (BATCH, FLOATS) numbers of NUMBER bytes */
    uint8_t                         *fitted;
    volatile uint64_t                touched; /* what is read from it has to be read */
};

static uint32_t images_of(const struct worker_bench_files *files)
{
    return files->n > LEAST ? files->n : LEAST;
}

/* The place of image i; with folder_only that of its folder. */
static const char *path_of(const struct epochs *e, uint32_t i, bool folder_only,
                           char path[PATH_SIZE])
{
    const int len = snprintf(path, PATH_SIZE, "%s/%u", e->params.data_path, i % CLASSES);

    if (!folder_only)
        snprintf(path + len, PATH_SIZE - (size_t)len, "/%06u", i);
    return path;
}

static int write_files(const struct epochs *e, struct mx_err *err)
{
    char path[PATH_SIZE];

    for (uint32_t i = 0; i < images_of(e->files); i++) {
        const struct mx_buf *bytes = &e->files->bytes[i % e->files->n];

        if (mx_dir_make(path_of(e, i, true, path), err) ||
            mx_file_write(path_of(e, i, false, path), bytes->data, bytes->len, err))
            return -1;
    }
    return 0;
}

/* The same files, from `first` on every step-th, read, decoded and resized one after the other, and
 * nothing else. */
static int decode_some(const struct epochs *e, uint32_t first, uint32_t step, struct mx_err *err)
{
    for (uint32_t i = first; i < images_of(e->files); i += step) {
        struct worker_picture picture = {.pixels = NULL};
        char                  path[PATH_SIZE];
        int                   rc = worker_picture_read(path_of(e, i, false, path), &picture, err) ||
                 worker_picture_channels(&picture, 3, err) ||
                 worker_fit_planes(NULL, picture.pixels, 3, picture.height, picture.width,
                                   e->fitted, WORKER_BENCH_DATA_SIDE, err);

        worker_picture_free(&picture);
        if (rc)
            return -1;
    }
    return 0;
}

static int decode_and_resize(const struct epochs *e, double *seconds, struct mx_err *err)
{
    const double start = mx_clock_cpu_s();
    int          rc = decode_some(e, 0, 1, err);

    *seconds = mx_clock_cpu_s() - start;
    return rc;
}

/* The images are there to be used: mapped, and not only promised. */
static uint64_t touch(const struct worker_split *split)
{
    enum {
        PAGE = 4096
    };
    uint64_t sum = 0;

    for (uint32_t i = 0; i < split->n; i++)
        for (size_t at = 0; at < FLOATS; at += PAGE)
            sum += worker_split_image(split, i, FLOATS)[at];
    return sum;
}

static int forget_set(struct epochs *e, struct mx_err *err)
{
    worker_dataset_free(e->set);
    e->set = NULL;
    return mx_dir_remove(e->cache, err);
}

/* The set without a cache, which this fills. */
static int fill_cache(struct epochs *e, struct mx_err *err)
{
    if (!(e->set = worker_dataset_open(&e->params, 0, err)))
        return -1;
    e->touched += touch(&e->set->train) + touch(&e->set->test);
    return 0;
}

static int open_set(struct epochs *e, double *seconds, struct mx_err *err)
{
    double start;
    int    rc;

    if (forget_set(e, err))
        return -1;
    start = mx_clock_cpu_s();
    rc = fill_cache(e, err);
    *seconds = mx_clock_cpu_s() - start;
    return rc;
}

/* What process 0 or 1 of two does. */
static int decode_half(struct epochs *e, uint32_t which, struct mx_err *err)
{
    return decode_some(e, which, 2, err);
}

static int open_together(struct epochs *e, uint32_t which, struct mx_err *err)
{
    (void)which;
    return fill_cache(e, err);
}

/* Have two processes work at once, and take the time until both are done. */
static int in_two(struct epochs *e, int (*work)(struct epochs *, uint32_t, struct mx_err *),
                  double *seconds, struct mx_err *err)
{
    const double start = mx_clock_monotonic_s();
    const pid_t  other = fork();
    int          status, rc;

    if (other < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot start a second process");
    rc = work(e, other == 0, err);
    if (other == 0)
        _exit(rc ? 1 : 0);
    if (waitpid(other, &status, 0) != other)
        return mx_fail_errno(err, MX_EIO, errno, "cannot wait for the second process");
    *seconds = mx_clock_monotonic_s() - start;
    return rc == 0 && status != 0
               ? mx_fail(err, MX_EINTERNAL, "the second process of the benchmark failed")
               : rc;
}

/* What two processes that open the set reach of one, and of two, that only decode. */
static int measure_two(struct epochs *e, double *of_one, double *of_two, struct mx_err *err)
{
    const double start = mx_clock_monotonic_s();
    double       one, two, opened;

    if (decode_some(e, 0, 1, err))
        return -1;
    one = mx_clock_monotonic_s() - start;
    if (in_two(e, decode_half, &two, err) || forget_set(e, err) ||
        in_two(e, open_together, &opened, err))
        return -1;
    *of_one = one / opened;
    *of_two = two / opened;
    return 0;
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

/* Of each number, as for the batches, one byte is read and four are written: its image four times. */
static double copy_batches(const struct epochs *e)
{
    const double start = mx_clock_cpu_s();

    for (uint32_t epoch = 0; epoch < PASSES; epoch++)
        for (uint32_t first = 0; first + BATCH <= e->set->train.n; first += BATCH)
            for (uint32_t k = 0; k < BATCH * NUMBER; k++)
                memcpy(e->copy + (size_t)k * FLOATS,
                       worker_split_image(&e->set->train, first + k / NUMBER, FLOATS), FLOATS);
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
        double of_one, of_two, alone, opened, batches;

        if (measure_two(e, &of_one, &of_two, err) || decode_and_resize(e, &alone, err) ||
            open_set(e, &opened, err) || (!e->batch && make_ready(e, err)) ||
            make_batches(e, &batches, err))
            return -1;
        if (r < 0)
            continue;
        out->two_of_one[r] = of_one;
        out->two_of_two[r] = of_two;
        out->first_epoch[r] = alone / opened;
        out->second_epoch[r] = copy_batches(e) / batches;
    }
    return 0;
}

int worker_bench_epochs(const char *scratch, const struct worker_bench_files *files,
                        struct worker_bench_data *out, struct mx_err *err)
{
    struct epochs e = {
        .files = files,
        .params = {.data_set = WORKER_DATA_FOLDER,
                   .data_size = WORKER_BENCH_DATA_SIDE,
                   .data_test_fraction = 0.25,
                   .data_augment = WORKER_AUGMENT_FLIP_CROP,
                   .data_normalize = WORKER_NORMALIZE_NONE, /* any files will do, grey ones too */
                   .mix_strategy = WORKER_MIX_NONE,
                   .train_batch_size = BATCH,
                   .train_threads = 1}};
    int rc = -1;

    snprintf(e.params.data_path, sizeof e.params.data_path, "%s/files", scratch);
    snprintf(e.cache, sizeof e.cache, "%s/cache", scratch);
    e.copy = calloc((size_t)BATCH * NUMBER, FLOATS);
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
