/* naive_hsfm.h - an edit of HSFM by its definition, in double precision, with all
 * classes and plain loops; and features that follow a formula, which
 * tests/reference/torch/hsfm.py computes too.
 */
#ifndef MX_NAIVE_HSFM_H
#define MX_NAIVE_HSFM_H

#include "worker/hsfm.h"

/* The loss on the hard rows after the inner steps. */
double naive_hsfm_loss(const struct worker_hsfm_edit *edit);

/* Its gradient (n, dims) with respect to the support rows: reverse mode through each
 * step. edit->gram means nothing here. */
void naive_hsfm_gradient(const struct worker_hsfm_edit *edit, double *gradient);

/* A number in [-0.5, 0.5) for element k of what has this name. */
double formula(const char *name, uint32_t k);

/* Features of `classes` classes with an attribute of two values that goes with the
 * class's parity in 19 of 20 training rows and in every second row of val and test.
 * Rows, directions and head follow the formula; seed makes other rows. Labels go round
 * robin; group = 2 label + attribute. */
struct worker_features *formula_features(enum worker_precision precision, uint32_t dims,
                                         uint32_t classes, uint32_t train, uint32_t val,
                                         uint32_t test, unsigned seed);
void                    formula_features_free(struct worker_features *features);

/* Share of right answers of a head in a split's worst group. */
double formula_worst_group(const struct worker_features *features, enum worker_feature_part part,
                           const double *w, const double *b);

#endif
