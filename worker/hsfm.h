/* hsfm.h - hard-set-guided feature-space meta-learning (Parast et al., arXiv
 * 2603.29313; methods.md 4).
 *
 * The features of a few training samples, the support set, are edited so that a
 * head trained on them does well on the validation samples that are hard for the
 * head so far. An edit follows the gradient of the hard samples' loss with respect
 * to the support features, through all T gradient steps of the head.
 *
 * Two forms of that gradient give the same numbers up to rounding. The direct one
 * goes through the features in each step; the Gram one knows only the products of
 * support rows among themselves. Both work with the differences of the classes'
 * logits to the last class's, of which there is one fewer: that is all that softmax
 * looks at.
 */
#ifndef MX_WORKER_HSFM_H
#define MX_WORKER_HSFM_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/features.h"
#include "worker/head.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_hsfm_options {
    uint32_t              support_per_class; /* S */
    uint32_t              inner_steps;       /* T */
    double                inner_lr;          /* alpha */
    double                outer_lr;          /* eta */
    uint32_t              edit_steps;        /* K_H */
    uint32_t              hard_per_class;    /* K_hard, at most; a smaller class gives all it has */
    uint32_t              epochs;
    double                grad_clip; /* largest norm of an edit's gradient */
    bool                  half;      /* hard samples from one half of val, the model by the other */
    enum worker_hsfm_form form;
    const uint32_t       *support; /* lent: rows of train for the support set, in any order, S of
                                     each class; NULL: drawn */
    uint32_t              nsupport;
};

/* The published values for Waterbirds: the defaults of head.hsfm.* */
struct worker_hsfm_options worker_hsfm_defaults(void);

/* Multiplications and additions of one edit: n support rows of d numbers, C
 * classes, T inner steps, K hard rows in all (methods.md, "Doing it fast"). */
double worker_hsfm_cost(bool gram, uint32_t n, uint32_t dims, uint32_t classes, uint32_t steps,
                        uint32_t hard);

/* Whether `form` means the Gram form for a shape. */
bool worker_hsfm_is_gram(enum worker_hsfm_form form, uint32_t n, uint32_t dims, uint32_t classes,
                         uint32_t steps);

/* Train a head from task->features->head_*, as worker_head_train() promises, with
 * these options instead of those in task->params. Random choices: class c's support
 * rows are the first S of a permutation at place (c, 0, 0) of the support stream; so
 * a smaller set is part of a larger one. With `half`, each class, or each part of a
 * class that has one group, is permuted at place (class, group, 0) of the head stream,
 * and the first half, rounded down, gives the hard samples.
 * Every epoch's accuracies are of the validation samples that choose the model. */
int worker_hsfm_train(const struct worker_head_task    *task,
                      const struct worker_hsfm_options *options, struct worker_head *head,
                      struct mx_err *err);

/* Say that a class has too few training samples for a support set: MX_EDATA. Returns -1. */
int worker_hsfm_too_few(uint32_t label, uint32_t found, uint32_t wanted, struct mx_err *err);

/* What one edit's gradient depends on, in double precision. */
struct worker_hsfm_edit {
    uint32_t        n, dims, classes, hard; /* rows of support, hard rows */
    const double   *support, *w, *b;        /* (n, dims), (classes, dims), (classes) */
    const double   *hard_rows;              /* (hard, dims) */
    const uint32_t *support_labels, *hard_labels;
    uint32_t        inner_steps;
    double          inner_lr;
    bool            gram;
};

/* The loss on the hard rows after the inner steps, and its gradient (n, dims) with
 * respect to the support rows, not clipped; computed in `precision`, from rounded
 * inputs. Returns 0, or -1 with MX_ENOMEM. */
int worker_hsfm_gradient(const struct worker_hsfm_edit *edit, enum worker_precision precision,
                         double *gradient, double *loss, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
