#include "worker/bench_head.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "worker/hsfm.h"

enum {
    DIMS = 2048,
    CLASSES = 2,
    GROUPS = 4
};

/* methods.md 4: the table of parameters, and what the sets have in val. */
static const struct {
    const char *word;
    uint32_t    val, support, steps, edits, hard, epochs;
    double      inner_lr, outer_lr;
} shapes[WORKER_BENCH_HEADS] = {
    {"waterbirds", 1199, 16, 15, 15, 64, 40, 5e-5, 1},
    {"celeba", 19867, 1024, 10, 5, 256, 20, 5e-5, 1},
    {"metashift", 130, 32, 15, 10, 64, 10, 5e-5, 1e-2},
    {"dominoes", 2000, 16, 10, 15, 256, 40, 1e-4, 1},
};

/* Positive numbers that lean a little on class and attribute, as a backbone's do. */
static int split_new(struct worker_feature_split *split, uint32_t n, uint32_t name,
                     struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), name, 0, 0);

    split->n = n;
    split->x32 = malloc((size_t)n * DIMS * sizeof *split->x32);
    split->labels = malloc(n * sizeof *split->labels);
    split->groups = malloc(n * sizeof *split->groups);
    if (!split->x32 || !split->labels || !split->groups)
        return mx_fail(err, MX_ENOMEM, "no memory for %u rows of features", n);
    for (uint32_t i = 0; i < n; i++) {
        split->labels[i] = i % CLASSES;
        split->groups[i] = i % GROUPS;
        for (uint32_t j = 0; j < DIMS; j++) {
            const bool higher = j % 64 == split->labels[i] || j % 32 == 2 + split->groups[i] / 2;

            split->x32[(size_t)i * DIMS + j] =
                (float)mx_rng_u32(&rng) * 0x1p-32f + (higher ? 0.05f : 0);
        }
    }
    return 0;
}

static void features_free(struct worker_features *features)
{
    for (int part = 0; part < WORKER_FEATURE_PARTS; part++) {
        free(features->split[part].x32);
        free(features->split[part].labels);
        free(features->split[part].groups);
    }
    free(features->head_w);
    free(features->head_b);
}

static int features_new(struct worker_features *features, uint32_t train, uint32_t val,
                        struct mx_err *err)
{
    *features = (struct worker_features){
        .precision = WORKER_F32, .dims = DIMS, .classes = CLASSES, .groups = GROUPS};
    features->head_w = calloc((size_t)CLASSES * DIMS, sizeof *features->head_w);
    features->head_b = calloc(CLASSES, sizeof *features->head_b);
    if (!features->head_w || !features->head_b)
        return mx_fail(err, MX_ENOMEM, "no memory for a head");
    for (uint32_t j = 0; j < DIMS; j++)
        if (j % 64 < CLASSES)
            features->head_w[j % 64 * DIMS + j] = 0.05;
    return split_new(&features->split[WORKER_FEATURES_TRAIN], train, 0, err) ||
                   split_new(&features->split[WORKER_FEATURES_VAL], val, 1, err)
               ? -1
               : 0;
}

static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int time_cells(const struct worker_head_task    *task,
                      const struct worker_hsfm_options *options, struct worker_bench_head *bench,
                      struct mx_err *err)
{
    for (int r = 0; r < WORKER_BENCH_HEAD_REPEATS; r++) {
        const double       start = mx_clock_monotonic_s(), start_cpu = cpu_s();
        struct worker_head head;

        if (worker_hsfm_train(task, options, &head, err))
            return -1;
        bench->wall_s[r] = mx_clock_monotonic_s() - start;
        bench->cpu_s[r] = cpu_s() - start_cpu;
        worker_head_free(&head);
    }
    return 0;
}

int worker_bench_head(unsigned shape, struct worker_bench_head *bench, struct mx_err *err)
{
    struct worker_hsfm_options    options = worker_hsfm_defaults();
    struct worker_features        features;
    const struct worker_head_task task = {.features = &features,
                                          .support = mx_stream_make(0, 0, MX_PURPOSE_SUPPORT, 0),
                                          .head = mx_stream_make(0, 0, MX_PURPOSE_HEAD, 0)};
    int                           result;

    options.support_per_class = shapes[shape].support;
    options.inner_steps = shapes[shape].steps;
    options.inner_lr = shapes[shape].inner_lr;
    options.outer_lr = shapes[shape].outer_lr;
    options.edit_steps = shapes[shape].edits;
    options.hard_per_class = shapes[shape].hard;
    options.epochs = shapes[shape].epochs;
    bench->word = shapes[shape].word;
    result = features_new(&features, CLASSES * shapes[shape].support, shapes[shape].val, err);
    if (result == 0)
        result = time_cells(&task, &options, bench, err);
    features_free(&features);
    return result;
}
