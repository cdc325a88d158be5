/* strength.h - choosing the strength of a logistic regression's penalty. */
#ifndef MX_WORKER_STRENGTH_H
#define MX_WORKER_STRENGTH_H

#include "worker/head.h"
#include "worker/logistic.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_strength_search {
    enum worker_penalty        penalty;
    const struct worker_list  *candidates; /* values of C */
    const struct worker_rows  *fit, *choose;
    const struct worker_scale *scale; /* standardises both */
};

/* Fit to the rows `fit` with each strength, and put into head->w, b and chosen
 * the one whose worst group (class) on the rows `choose` is best, the first of
 * equals; head->fit_rows is how many were fitted. Returns 0, or -1 as
 * worker_logistic_fit(), or with MX_EINTERRUPTED. */
int worker_strength_choose(const struct worker_head_task       *task,
                           const struct worker_strength_search *search, struct worker_head *head,
                           struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
