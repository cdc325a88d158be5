#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "worker/images.h"

/* The small term undoes what a decimal fraction loses in binary. */
uint32_t worker_share(double fraction, uint32_t n)
{
    double share = floor(fraction * n + 0.5 + 1e-9);

    return share < n ? (uint32_t)share : n;
}

void worker_draw_share(uint64_t seed, uint32_t class_, enum worker_split_what what, double share,
                       const uint32_t *members, uint32_t n, uint32_t *order, uint8_t *marks)
{
    struct mx_stream stream = mx_stream_make(seed, 0, MX_PURPOSE_SPLIT, 0);
    struct mx_rng    rng = mx_rng_at(stream, class_, (uint32_t)what, 0);
    uint32_t         drawn = worker_share(share, n);

    mx_rng_permutation(&rng, order, n);
    for (uint32_t k = 0; k < drawn; k++)
        marks[members[order[k]]] = 1;
}

static size_t image_bytes(const struct worker_images *images)
{
    return (size_t)images->channels * images->height * images->width;
}

/* Copy the first `limit` rows whose mark is 1, in their order. */
static int copy_marked(const struct worker_images *images, const uint8_t *marks, uint32_t limit,
                       struct worker_split *split, struct mx_err *err)
{
    const size_t bytes = image_bytes(images);
    uint32_t     n = 0;

    for (uint32_t i = 0; i < limit; i++)
        n += marks[i];
    if (images->at && (split->at = calloc(n ? n : 1, sizeof *split->at)))
        split->pixels = images->pixels;
    else if (!images->at)
        split->pixels = malloc(n ? n * bytes : 1);
    split->labels = calloc(n ? n : 1, sizeof *split->labels);
    split->rows = calloc(n ? n : 1, sizeof *split->rows);
    split->groups = images->groups ? calloc(n ? n : 1, sizeof *split->groups) : NULL;
    if (!split->pixels || !split->labels || !split->rows || (images->groups && !split->groups))
        return mx_fail(err, MX_ENOMEM, "no memory for %u images", n);
    for (uint32_t i = 0; i < limit; i++) {
        if (!marks[i])
            continue;
        if (images->at && split->at)
            split->at[split->n] = images->at[i];
        else
            memcpy(split->pixels + split->n * bytes, images->pixels + i * bytes, bytes);
        split->labels[split->n] = images->labels[i];
        split->rows[split->n] = i;
        if (split->groups)
            split->groups[split->n] = images->groups[i];
        split->n++;
    }
    return 0;
}

/* Give memory that is not needed back. */
static void *shrink(void *memory, size_t bytes)
{
    void *smaller = realloc(memory, bytes ? bytes : 1);

    /* cppcheck-suppress memleak ; one of the two is returned */
    return smaller ? smaller : memory;
}

/* Hand the first `limit` rows over to a split, those left out whose mark is 1. They move
 * up within their memory: a set is never there twice. marks may be NULL. */
static int hand_over(struct worker_images *images, const uint8_t *marks, uint32_t limit,
                     struct worker_split *split, struct mx_err *err)
{
    const size_t bytes = image_bytes(images);

    if (!(split->rows = calloc(limit ? limit : 1, sizeof *split->rows)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u images", limit);
    split->pixels = images->pixels;
    split->labels = images->labels;
    split->groups = images->groups;
    split->at = images->at;
    *images = (struct worker_images){0};
    for (uint32_t i = 0; i < limit; i++) {
        uint32_t to = split->n;

        if (marks && marks[i])
            continue;
        if (to < i) {
            if (split->at)
                split->at[to] = split->at[i];
            else
                memmove(split->pixels + to * bytes, split->pixels + i * bytes, bytes);
            split->labels[to] = split->labels[i];
            if (split->groups)
                split->groups[to] = split->groups[i];
        }
        split->rows[to] = i;
        split->n++;
    }
    if (!split->at)
        split->pixels = shrink(split->pixels, split->n * bytes);
    return 0;
}

static uint32_t limited(uint32_t n, int64_t limit)
{
    return limit > 0 && limit < n ? (uint32_t)limit : n;
}

/* Draw a share of each class. */
static int mark_share(const uint32_t *labels, uint32_t n, uint32_t classes,
                      enum worker_split_what what, double share, uint64_t seed, uint8_t *marks,
                      struct mx_err *err)
{
    uint32_t *members = calloc(n ? n : 1, 2 * sizeof *members);

    if (!members)
        return mx_fail(err, MX_ENOMEM, "no memory to split %u images", n);
    for (uint32_t c = 0; c < classes; c++) {
        uint32_t found = 0;

        for (uint32_t i = 0; i < n; i++)
            if (labels[i] == c)
                members[found++] = i;
        worker_draw_share(seed, c, what, share, members, found, members + n, marks);
    }
    free(members);
    return 0;
}

int worker_mark_validation(const struct worker_images *train, uint32_t limit, uint32_t classes,
                           double fraction, uint64_t seed, uint8_t *marks, struct mx_err *err)
{
    return mark_share(train->labels, limit, classes, WORKER_SPLIT_VAL, fraction, seed, marks, err);
}

int worker_mark_holdout(const uint32_t *labels, uint32_t n, uint32_t classes, uint64_t seed,
                        uint8_t *marks, struct mx_err *err)
{
    return mark_share(labels, n, classes, WORKER_SPLIT_HOLDOUT, 0.2, seed, marks, err);
}

int worker_split_images(struct worker_images        parts[WORKER_PARTS],
                        const struct worker_params *params, uint64_t seed,
                        struct worker_dataset *set, struct mx_err *err)
{
    struct worker_images *train = &parts[WORKER_PART_TRAIN], *val = &parts[WORKER_PART_VAL];
    struct worker_images *test = &parts[WORKER_PART_TEST];
    uint32_t              n_train = limited(train->n, params->data_train_limit);
    uint8_t              *marks = calloc(n_train ? n_train : 1, 1);
    int                   rc = -1;

    if (!marks) {
        mx_fail(err, MX_ENOMEM, "no memory to split %u images", n_train);
        goto done;
    }
    if (hand_over(test, NULL, limited(test->n, params->data_test_limit), &set->test, err))
        goto done;
    if (val->n > 0 ? hand_over(val, NULL, val->n, &set->val, err)
                   : worker_mark_validation(train, n_train, set->shape.classes,
                                            params->data_val_fraction, seed, marks, err) ||
                         copy_marked(train, marks, n_train, &set->val, err))
        goto done;
    if (hand_over(train, marks, n_train, &set->train, err))
        goto done;
    if (set->train.n == 0) {
        mx_fail(err, MX_EDATA,
                "all %u training images went into validation: lower data.val_fraction", n_train);
        goto done;
    }
    rc = 0;
done:
    free(marks);
    return rc;
}
