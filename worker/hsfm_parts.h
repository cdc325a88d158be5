/* hsfm_parts.h - what the files hsfm*.c share: choices that have no precision,
 * and the two precisions of the rest.
 */
#ifndef MX_WORKER_HSFM_PARTS_H
#define MX_WORKER_HSFM_PARTS_H

#include "worker/hsfm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One training's fixed choices, and the scores of val under the head so far. */
struct hsfm_plan {
    const struct worker_head_task    *task;
    const struct worker_hsfm_options *options;

    uint32_t  n;              /* rows of the support set */
    uint32_t *support;        /* their rows of train, in class order */
    uint32_t *support_labels; /* (n) */
    bool      gram;

    bool     *chooses, *may_be_hard; /* (val rows): what a row is used for */
    double   *losses;                /* (val rows): cross-entropy */
    uint32_t *predicted;             /* (val rows) */

    uint32_t *hard; /* rows of val, nhard of them; room for hard_room */
    uint32_t  nhard, hard_room;
};

/* Draw the support set and split val. Returns 0 with *plan to be released with
 * hsfm_plan_free(), also after -1: MX_EDATA, MX_ENOMEM. */
int  hsfm_plan_make(struct hsfm_plan *plan, const struct worker_head_task *task,
                    const struct worker_hsfm_options *options, struct mx_err *err);
void hsfm_plan_free(struct hsfm_plan *plan);

/* Fill plan->hard from plan->losses: class by class, the largest loss first, of
 * equal ones the first row. Returns 0, or -1 with MX_ENOMEM. */
int hsfm_pick_hard(struct hsfm_plan *plan, struct mx_err *err);

/* Hard samples that are errors under plan->predicted; hard samples a group. */
uint32_t hsfm_hard_errors(const struct hsfm_plan *plan);
void     hsfm_hard_counts(const struct hsfm_plan *plan, double *counts);

/* Accuracies of the rows that choose: epoch->val_* and group_accuracy. Without
 * groups the worst class takes the worst group's place. Returns 0 or MX_ENOMEM. */
int hsfm_score(const struct hsfm_plan *plan, struct worker_head_epoch *epoch, struct mx_err *err);

/* Whether one class is predicted for all of val. */
bool hsfm_collapsed(const struct hsfm_plan *plan);

/* The epochs, in one precision: fill *head, which has room for all of it. */
int hsfm_run_f32(struct hsfm_plan *plan, struct worker_head *head, struct mx_err *err);
int hsfm_run_f64(struct hsfm_plan *plan, struct worker_head *head, struct mx_err *err);

int hsfm_gradient_f32(const struct worker_hsfm_edit *what, double *gradient, double *loss,
                      struct mx_err *err);
int hsfm_gradient_f64(const struct worker_hsfm_edit *what, double *gradient, double *loss,
                      struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
