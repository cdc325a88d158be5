/* feature_mixup: the control for hsfm (ours). Hard samples are chosen, and the
 * head is moved, as hsfm does it; but in place of edited support features the
 * head sees lambda of a hard sample and 1 - lambda of an easy one of its class.
 *
 * Each epoch: hard are the hard_per_class validation samples of each class with
 * the highest cross-entropy under the current head, of equal ones the first;
 * easy is a training sample of the class that this head gets right (any of the
 * class if there is none), drawn for each hard one with a lambda from Beta(alpha,
 * alpha). Then inner_steps steps of Adam on the mean loss of the mixed
 * samples; the optimiser's state persists. Both counts are those of head.hsfm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/balance.h"
#include "worker/head.h"
#include "worker/linear_head.h"
#include "worker/selection.h"

/* A row and how wrong the head is about it. */
struct candidate {
    double   loss;
    uint32_t row;
};

struct mixup {
    const struct worker_head_task *task;
    struct worker_head            *head;
    struct worker_rows             train, val;
    struct worker_groups           train_by_class, val_by_class;
    struct worker_linear           linear;
    struct worker_linear_adam      adam;
    struct candidate              *candidates;          /* (val rows) of one class */
    uint32_t                      *easy;                /* (train rows) of one class */
    double                        *probability;         /* (classes) */
    double                        *hard_row, *easy_row; /* (dims) */
    struct worker_feature_split    mixed;
};

static void clean_up(struct mixup *mixup)
{
    worker_groups_free(&mixup->train_by_class);
    worker_groups_free(&mixup->val_by_class);
    worker_linear_free(&mixup->linear);
    worker_linear_adam_free(&mixup->adam);
    free(mixup->candidates);
    free(mixup->easy);
    free(mixup->probability);
    free(mixup->hard_row);
    free(mixup->mixed.x32);
    free(mixup->mixed.x64);
    free(mixup->mixed.labels);
}

/* How many hard samples a class gives. */
static uint32_t hard_of(const struct mixup *mixup, uint32_t class)
{
    const uint32_t n = worker_groups_count(&mixup->val_by_class, class);
    const int64_t  most = mixup->task->params->head_hsfm_hard_per_class;

    return (int64_t)n < most ? n : (uint32_t)most;
}

/* Room for the mixed samples of an epoch, and for making them. */
static int make_room(struct mixup *mixup, struct mx_err *err)
{
    const struct worker_features *features = mixup->task->features;
    const size_t                  dims = features->dims;
    size_t                        rows = 1; /* never an allocation of nothing */

    for (uint32_t c = 0; c < features->classes; c++)
        rows += hard_of(mixup, c);
    mixup->candidates = calloc((size_t)mixup->val.n + 1, sizeof *mixup->candidates);
    mixup->easy = calloc((size_t)mixup->train.n + 1, sizeof *mixup->easy);
    mixup->probability = calloc((size_t)features->classes + 1, sizeof *mixup->probability);
    mixup->hard_row = calloc(2 * dims, sizeof *mixup->hard_row);
    mixup->mixed.labels = calloc(rows, sizeof *mixup->mixed.labels);
    if (features->precision == WORKER_F32)
        mixup->mixed.x32 = calloc(rows * dims, sizeof *mixup->mixed.x32);
    else
        mixup->mixed.x64 = calloc(rows * dims, sizeof *mixup->mixed.x64);
    if (!mixup->candidates || !mixup->easy || !mixup->probability || !mixup->hard_row ||
        !mixup->mixed.labels || (!mixup->mixed.x32 && !mixup->mixed.x64))
        return mx_fail(err, MX_ENOMEM, "no memory for feature_mixup on %zu rows", rows);
    mixup->easy_row = mixup->hard_row + dims;
    return 0;
}

static int check_classes(const struct mixup *mixup, struct mx_err *err)
{
    for (uint32_t c = 0; c < mixup->head->classes; c++)
        if (worker_groups_count(&mixup->val_by_class, c) > 0 &&
            worker_groups_count(&mixup->train_by_class, c) == 0)
            return mx_fail(
                err, MX_EDATA,
                "head.method feature_mixup mixes within a class, and class %u has no "
                "sample in train, but some in val (give it some, or take another head.method)",
                c);
    return 0;
}

static int set_up(struct mixup *mixup, struct mx_err *err)
{
    const struct worker_head_task *task = mixup->task;
    const struct worker_features  *features = task->features;
    const uint32_t                 classes = features->classes;

    if (worker_head_start(features, mixup->head, err) ||
        worker_head_make_epochs(mixup->head, (uint32_t)task->params->head_feature_mixup_epochs,
                                err) ||
        worker_groups_sort(&mixup->train, 0, classes, &mixup->train_by_class, err) ||
        worker_groups_sort(&mixup->val, 0, classes, &mixup->val_by_class, err) ||
        check_classes(mixup, err) || worker_linear_new(features, &mixup->linear, err) ||
        worker_linear_adam_new(features, &mixup->adam, err) || make_room(mixup, err))
        return -1;
    worker_linear_take_erm(&mixup->linear);
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->loss != y->loss)
        return x->loss > y->loss ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* The hardest rows of a class, in front. Returns how many. */
static uint32_t find_hard(struct mixup *mixup, uint32_t class)
{
    const struct worker_groups *sorted = &mixup->val_by_class;
    const uint32_t              n = worker_groups_count(sorted, class);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = sorted->rows[sorted->start[class] + i];

        mixup->candidates[i] =
            (struct candidate){worker_linear_loss(&mixup->linear, &mixup->val, row, NULL), row};
    }
    qsort(mixup->candidates, n, sizeof *mixup->candidates, compare);
    return hard_of(mixup, class);
}

/* Training rows of a class that the head gets right; all of the class if there is none. */
static uint32_t find_easy(struct mixup *mixup, uint32_t class)
{
    const struct worker_groups *sorted = &mixup->train_by_class;
    const uint32_t             *rows = sorted->rows + sorted->start[class];
    const uint32_t              n = worker_groups_count(sorted, class);
    uint32_t                    easy = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t best = 0;

        worker_linear_loss(&mixup->linear, &mixup->train, rows[i], mixup->probability);
        for (uint32_t c = 1; c < mixup->head->classes; c++)
            if (mixup->probability[c] > mixup->probability[best])
                best = c;
        if (best == class)
            mixup->easy[easy++] = rows[i];
    }
    if (easy > 0)
        return easy;
    memcpy(mixup->easy, rows, n * sizeof *rows);
    return n;
}

/* Append lambda of a validation row and 1 - lambda of a training row. */
static void mix(struct mixup *mixup, uint32_t hard, uint32_t easy, double lambda, uint32_t label)
{
    const size_t at = (size_t)mixup->mixed.n * mixup->train.dims;

    worker_row_copy(&mixup->val, hard, mixup->hard_row, 1);
    worker_row_copy(&mixup->train, easy, mixup->easy_row, 1);
    for (uint32_t k = 0; k < mixup->train.dims; k++) {
        double x = lambda * mixup->hard_row[k] + (1 - lambda) * mixup->easy_row[k];

        if (mixup->mixed.x32)
            mixup->mixed.x32[at + k] = (float)x;
        else
            mixup->mixed.x64[at + k] = x;
    }
    mixup->mixed.labels[mixup->mixed.n++] = label;
}

/* The samples of an epoch, and how many hard ones each group gave (NULL without groups). */
static void make_samples(struct mixup *mixup, uint32_t epoch, double *hard_count)
{
    const double alpha = mixup->task->params->head_feature_mixup_alpha;

    mixup->mixed.n = 0;
    for (uint32_t c = 0; c < mixup->head->classes; c++) {
        const uint32_t hard = find_hard(mixup, c), easy = hard > 0 ? find_easy(mixup, c) : 0;

        for (uint32_t i = 0; i < hard; i++) {
            struct mx_rng rng =
                mx_rng_at(mixup->task->head, WORKER_HEAD_DRAW_MIXUP, epoch, mixup->mixed.n);
            uint32_t row = mixup->candidates[i].row;
            uint32_t partner = mixup->easy[mx_rng_below(&rng, easy)];

            mix(mixup, row, partner, mx_rng_beta(&rng, alpha, alpha), c);
            if (hard_count)
                hard_count[worker_row_group(&mixup->val, row)]++;
        }
    }
}

static int run_epoch(struct mixup *mixup, uint32_t number, struct mx_err *err)
{
    const struct worker_params *params = mixup->task->params;
    struct worker_head         *head = mixup->head;
    double                     *hard_count = NULL, loss = 0;
    struct worker_rows          mixed = {.split = &mixup->mixed, .dims = head->dims};
    int                         rc;

    if (head->groups > 0) {
        hard_count = calloc(head->groups, sizeof *hard_count);
        if (!hard_count)
            return mx_fail(err, MX_ENOMEM, "no memory for the counts of %u groups", head->groups);
    }
    make_samples(mixup, number, hard_count);
    mixed.n = mixup->mixed.n;
    for (int64_t s = 0; s < params->head_hsfm_inner_steps; s++) {
        loss = worker_linear_gradient(&mixup->linear, &mixed, NULL);
        worker_linear_adam_step(&mixup->linear, &mixup->adam, params->head_feature_mixup_lr);
    }
    rc = worker_head_end_epoch(&mixup->val, head, mixup->linear.w, mixup->linear.b, loss, err);
    if (head->nepochs > number)
        head->epochs[number].hard_count = hard_count;
    else
        free(hard_count);
    return rc;
}

int worker_head_feature_mixup(const struct worker_head_task *task, struct worker_head *head,
                              struct mx_err *err)
{
    struct mixup   mixup = {.task = task,
                            .head = head,
                            .train = worker_rows_all(task->features, WORKER_FEATURES_TRAIN),
                            .val = worker_rows_all(task->features, WORKER_FEATURES_VAL)};
    const uint32_t epochs = (uint32_t)task->params->head_feature_mixup_epochs;
    int            result;

    result = set_up(&mixup, err);
    for (uint32_t e = 0; result == 0 && e < epochs; e++)
        result = worker_head_tick(task, e, epochs, err) ? -1 : run_epoch(&mixup, e, err);
    if (result == 0)
        result = worker_head_settle(task, head, err);
    clean_up(&mixup);
    return result;
}
