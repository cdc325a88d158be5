#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "worker/images.h"

/* Copy the rows whose mark is `wanted`, in their order. */
static int take_rows(const struct worker_images *images, const uint8_t *marks, uint32_t limit,
                     uint8_t wanted, struct worker_split *split, struct mx_err *err)
{
    size_t   bytes = (size_t)images->channels * images->height * images->width;
    uint32_t n = 0;

    for (uint32_t i = 0; i < limit; i++)
        n += marks[i] == wanted;
    split->pixels = malloc(n ? n * bytes : 1);
    split->labels = calloc(n ? n : 1, sizeof *split->labels);
    split->rows = calloc(n ? n : 1, sizeof *split->rows);
    split->groups = images->groups ? calloc(n ? n : 1, sizeof *split->groups) : NULL;
    if (!split->pixels || !split->labels || !split->rows || (images->groups && !split->groups))
        return mx_fail(err, MX_ENOMEM, "no memory for %u images", n);
    for (uint32_t i = 0; i < limit; i++) {
        if (marks[i] != wanted)
            continue;
        memcpy(split->pixels + split->n * bytes, images->pixels + i * bytes, bytes);
        split->labels[split->n] = images->labels[i];
        split->rows[split->n] = i;
        if (split->groups)
            split->groups[split->n] = images->groups[i];
        split->n++;
    }
    return 0;
}

/* round(fraction n), half up; the small term undoes what a decimal fraction
 * loses in binary (0.145 of 100 is 15). */
static uint32_t val_share(double fraction, uint32_t n)
{
    return (uint32_t)floor(fraction * n + 0.5 + 1e-9);
}

/* Mark the validation rows of one class with 1. `members` has room for limit. */
static void mark_class(const struct worker_images *train, uint32_t limit, uint32_t class,
                       double fraction, struct mx_stream stream, uint32_t *members, uint32_t *order,
                       uint8_t *marks)
{
    struct mx_rng rng = mx_rng_at(stream, class, 0, 0);
    uint32_t      n = 0;

    for (uint32_t i = 0; i < limit; i++)
        if (train->labels[i] == class)
            members[n++] = i;
    mx_rng_permutation(&rng, order, n);
    for (uint32_t k = 0; k < val_share(fraction, n) && k < n; k++)
        marks[members[order[k]]] = 1;
}

static uint32_t limited(uint32_t n, int64_t limit)
{
    return limit > 0 && limit < n ? (uint32_t)limit : n;
}

int worker_split_images(const struct worker_images *train, const struct worker_images *test,
                        const struct worker_params *params, uint64_t seed,
                        struct worker_dataset *set, struct mx_err *err)
{
    struct mx_stream stream = mx_stream_make(seed, 0, MX_PURPOSE_SPLIT, 0);
    uint32_t         n_train = limited(train->n, params->data_train_limit);
    uint32_t         n_test = limited(test->n, params->data_test_limit);
    size_t           most = n_train > n_test ? n_train : n_test;
    uint8_t         *marks = calloc(most ? most : 1, 1);
    uint32_t        *members = calloc(most ? most : 1, 2 * sizeof *members);
    int              rc = -1;

    if (!marks || !members) {
        mx_fail(err, MX_ENOMEM, "no memory to split %u images", n_train);
        goto done;
    }
    if (take_rows(test, marks, n_test, 0, &set->test, err))
        goto done;
    for (uint32_t c = 0; c < set->shape.classes; c++)
        mark_class(train, n_train, c, params->data_val_fraction, stream, members, members + most,
                   marks);
    if (take_rows(train, marks, n_train, 0, &set->train, err) ||
        take_rows(train, marks, n_train, 1, &set->val, err))
        goto done;
    if (set->train.n == 0) {
        mx_fail(err, MX_EDATA,
                "all %u training images went into validation: lower data.val_fraction", n_train);
        goto done;
    }
    rc = 0;
done:
    free(marks);
    free(members);
    return rc;
}
