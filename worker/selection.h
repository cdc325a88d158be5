/* selection.h - which head is kept: the one that is best on validation rows.
 *
 * One rule for all methods: the highest accuracy of the worst group, or of the
 * worst class in a set without groups. Groups without samples do not count.
 */
#ifndef MX_WORKER_SELECTION_H
#define MX_WORKER_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/head.h"
#include "worker/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How right a head is on some rows. */
struct worker_verdict {
    double accuracy, worst; /* of all; of the worst group (class). NaN without rows */
    bool   one_class;       /* all rows are given the same class */
};

/* Judge the head w (classes, dims), b (classes). group_accuracy: room for
 * `groups` numbers, NaN where a group has no row; or NULL. Of equal logits the
 * first is predicted. Returns 0, or -1 with MX_ENOMEM. */
int worker_judge(const struct worker_rows *rows, uint32_t classes, uint32_t groups, const double *w,
                 const double *b, struct worker_verdict *verdict, double *group_accuracy,
                 struct mx_err *err);

/* Fail with MX_EINTERRUPTED where task->tick says so. */
int worker_head_tick(const struct worker_head_task *task, uint64_t done, uint64_t total,
                     struct mx_err *err);

/* The head in float32 arithmetic has the values of floats: round to them. */
void worker_head_round(const struct worker_features *features, double *w, double *b);

/* Make room for so many lines of epochs.csv. Returns 0, or -1 with MX_ENOMEM. */
int worker_head_make_epochs(struct worker_head *head, uint32_t epochs, struct mx_err *err);

/* Judge the head w, b on rows, write the next line of head->epochs, and keep
 * the head (in head->w, b, and its line in head->kept) if it is at least as good
 * as the best so far. Returns 0; or -1 with MX_EDIVERGED if a number of it, or the loss,
 * is not finite (a loss of NaN: there is none), or MX_ENOMEM. */
int worker_head_end_epoch(const struct worker_rows *rows, struct worker_head *head, const double *w,
                          const double *b, double loss, struct mx_err *err);

/* Last of all: the rounding of float32, and whether the head has collapsed on
 * all of val. Returns 0, or -1 with MX_EDIVERGED or MX_ENOMEM. */
int worker_head_settle(const struct worker_head_task *task, struct worker_head *head,
                       struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
