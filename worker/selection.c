#include "worker/selection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Hits and rows of each group or class, one allocation. */
struct tally {
    uint32_t n, hits;
};

static uint32_t predict(const struct worker_rows *rows, uint32_t i, uint32_t classes,
                        const double *w, const double *b)
{
    uint32_t best = 0;
    double   most = 0;

    for (uint32_t c = 0; c < classes; c++) {
        double logit = worker_row_dot(rows, i, w + (size_t)c * rows->dims) + b[c];

        if (c == 0 || logit > most) {
            best = c;
            most = logit;
        }
    }
    return best;
}

static double rate(const struct tally *tally)
{
    return tally->n > 0 ? (double)tally->hits / (double)tally->n : NAN;
}

int worker_judge(const struct worker_rows *rows, uint32_t classes, uint32_t groups, const double *w,
                 const double *b, struct worker_verdict *verdict, double *group_accuracy,
                 struct mx_err *err)
{
    const uint32_t parts = groups > 0 ? groups : classes;
    struct tally  *tallies = calloc(parts, sizeof *tallies), all = {0};
    uint32_t       first = 0;

    if (!tallies)
        return mx_fail(err, MX_ENOMEM, "no memory for the scores of %u groups", parts);
    *verdict = (struct worker_verdict){.worst = NAN, .one_class = true};
    for (uint32_t i = 0; i < rows->n; i++) {
        uint32_t label = worker_row_label(rows, i), answer = predict(rows, i, classes, w, b);
        uint32_t part = groups > 0 ? worker_row_group(rows, i) : label;

        first = i == 0 ? answer : first;
        verdict->one_class = verdict->one_class && answer == first;
        tallies[part].n++;
        tallies[part].hits += answer == label;
        all.hits += answer == label;
    }
    all.n = rows->n;
    verdict->accuracy = rate(&all);
    for (uint32_t p = 0; p < parts; p++) {
        double accuracy = rate(&tallies[p]);

        verdict->worst = fmin(verdict->worst, accuracy); /* of a NaN and a number: the number */
        if (group_accuracy && groups > 0)
            group_accuracy[p] = accuracy;
    }
    free(tallies);
    return 0;
}

int worker_head_tick(const struct worker_head_task *task, uint64_t done, uint64_t total,
                     struct mx_err *err)
{
    if (task->tick && task->tick(task->user, done, total))
        return mx_fail(err, MX_EINTERRUPTED, "the head was stopped at %llu of %llu",
                       (unsigned long long)done, (unsigned long long)total);
    return 0;
}

void worker_head_round(const struct worker_features *features, double *w, double *b)
{
    const size_t n = (size_t)features->classes * features->dims;

    if (features->precision != WORKER_F32)
        return;
    for (size_t k = 0; k < n; k++)
        w[k] = (double)(float)w[k];
    for (uint32_t c = 0; c < features->classes; c++)
        b[c] = (double)(float)b[c];
}

int worker_head_make_epochs(struct worker_head *head, uint32_t epochs, struct mx_err *err)
{
    head->epochs = calloc(epochs, sizeof *head->epochs);
    return head->epochs ? 0
                        : mx_fail(err, MX_ENOMEM, "no memory for the record of %u epochs", epochs);
}

static bool all_finite(const double *x, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (!isfinite(x[k]))
            return false;
    return true;
}

static bool is_finite(const struct worker_head *head, const double *w, const double *b)
{
    return all_finite(w, (size_t)head->classes * head->dims) && all_finite(b, head->classes);
}

int worker_head_end_epoch(const struct worker_rows *rows, struct worker_head *head, const double *w,
                          const double *b, double loss, struct mx_err *err)
{
    const uint32_t            number = head->nepochs;
    struct worker_head_epoch *epoch = &head->epochs[number];
    struct worker_verdict     verdict;

    if (isinf(loss) || !is_finite(head, w, b))
        return mx_fail(err, MX_EDIVERGED,
                       "a weight of the head is not finite in epoch %u (lower the learning rate of "
                       "head.method)",
                       number);
    if (head->groups > 0) {
        epoch->group_accuracy = calloc(head->groups, sizeof *epoch->group_accuracy);
        if (!epoch->group_accuracy)
            return mx_fail(err, MX_ENOMEM, "no memory for the accuracy of %u groups", head->groups);
    }
    head->nepochs++;
    if (worker_judge(rows, head->classes, head->groups, w, b, &verdict, epoch->group_accuracy, err))
        return -1;
    epoch->outer_loss = loss;
    epoch->edit_norm = NAN;
    epoch->val_accuracy = verdict.accuracy;
    epoch->val_worst_group_accuracy = verdict.worst;
    if (number == 0 || verdict.worst >= head->epochs[head->kept].val_worst_group_accuracy) {
        head->kept = number;
        memcpy(head->w, w, (size_t)head->classes * head->dims * sizeof *w);
        memcpy(head->b, b, head->classes * sizeof *b);
    }
    return 0;
}

int worker_head_settle(const struct worker_head_task *task, struct worker_head *head,
                       struct mx_err *err)
{
    const struct worker_rows val = worker_rows_all(task->features, WORKER_FEATURES_VAL);
    struct worker_verdict    verdict;

    worker_head_round(task->features, head->w, head->b);
    if (!is_finite(head, head->w, head->b))
        return mx_fail(
            err, MX_EDIVERGED,
            "a weight of the head is not finite (lower the learning rate of head.method)");
    if (worker_judge(&val, head->classes, head->groups, head->w, head->b, &verdict, NULL, err))
        return -1;
    head->collapsed = val.n > 0 && verdict.one_class;
    return 0;
}
