/* head.h - last layers retrained on frozen features (methods.md 4).
 *
 * Each method is a row of a table: it takes features and parameters and gives a
 * head. Test rows are never looked at here; worker/head_stage.c measures the
 * head that comes out.
 */
#ifndef MX_WORKER_HEAD_H
#define MX_WORKER_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/choices.h"
#include "worker/features.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a method is given. */
struct worker_head_task {
    const struct worker_features *features; /* lent; in the precision of the arithmetic */
    const struct worker_params   *params;   /* head_METHOD_* */
    uint64_t                      seed;     /* what is held out of training is drawn by it */
    struct mx_stream              support;  /* draws the support set (hsfm) */
    struct mx_stream              head;     /* every other draw */
    bool (*tick)(void *user, uint64_t done, uint64_t total); /* NULL: none; true: end early */
    void *user;
};

/* One line of epochs.csv. group_accuracy and hard_count have `groups` numbers each. */
struct worker_head_epoch {
    double  outer_loss;                             /* NaN: the method has none */
    double  val_accuracy, val_worst_group_accuracy; /* without groups: of the worst class */
    double  edit_norm;                              /* of H - H before; NaN: none */
    double *group_accuracy;                         /* of val; NaN: no sample */
    double *hard_count;                             /* hard samples a group; NULL: none */
};

/* A head, and how it came about. A zeroed struct is empty. */
struct worker_head {
    uint32_t classes, dims, groups;
    double  *w, *b; /* (classes, dims), (classes); float32 arithmetic gives floats' values */

    struct worker_head_epoch *epochs;        /* nepochs rows, NULL for methods without */
    uint32_t                  nepochs, kept; /* kept: the row of the head that was chosen */

    uint32_t  nsupport;                       /* hsfm: rows of the support set, 0 = none */
    uint32_t *support_rows;                   /* of train */
    double   *support_before, *support_after; /* (nsupport, dims): as kept */

    double   chosen;    /* the strength that was chosen (llr, dfr, subg); NaN: none */
    bool     gram;      /* hsfm: the form that was used */
    bool     collapsed; /* one class is predicted for all of val: flagged, not hidden */
    uint32_t errors;    /* jtt_head: training errors found; hsfm: hard samples that are errors */
    uint32_t fit_rows;  /* rows of the last fit (dfr, subg: of one subset) */
};

/* Train the head that params->head_method asks for. Returns 0 with *head to be
 * released with worker_head_free(); or -1:
 *   MX_EDATA         the features cannot carry the method (too few samples in a
 *                    class, no groups, an empty group): which, and what to do
 *   MX_EDIVERGED     a loss or a weight that is not finite: the epoch is named
 *   MX_EINTERRUPTED  tick said so
 *   MX_ENOMEM
 * One head has the same bits alone and beside any other. *head is empty after
 * a failure. */
int  worker_head_train(const struct worker_head_task *task, struct worker_head *head,
                       struct mx_err *err);
void worker_head_free(struct worker_head *head);

/* For the methods: sizes from the features, and room for w and b, which hold
 * the head that came with the backbone. chosen is NaN, everything else as it
 * was. Returns 0, or -1 with MX_ENOMEM; worker_head_train() releases what a
 * method leaves in *head when it fails. */
int worker_head_start(const struct worker_features *features, struct worker_head *head,
                      struct mx_err *err);

/* The methods, each in a file of its own; the same contract. erm is
 * features->head_w, head_b as they are. */
int worker_head_erm(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err);
int worker_head_llr(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err);
int worker_head_dfr(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err);
int worker_head_jtt(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err);
int worker_head_group_dro(const struct worker_head_task *task, struct worker_head *head,
                          struct mx_err *err);
int worker_head_subg(const struct worker_head_task *task, struct worker_head *head,
                     struct mx_err *err);
int worker_head_afr(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err);
int worker_head_feature_mixup(const struct worker_head_task *task, struct worker_head *head,
                              struct mx_err *err);
int worker_head_hsfm(const struct worker_head_task *task, struct worker_head *head,
                     struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
