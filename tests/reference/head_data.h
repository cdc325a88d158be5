/* head_data.h - features with groups from a closed formula, which
 * tests/reference/sklearn/make.py computes too.
 *
 * Labels and a binary attribute that agrees with them (label 0 with 0, others with 1) in 85 % of train
 * and 60 % of val and test; group = 2 label + attribute. Features are what the
 * label and the attribute say, and noise, each on a scale of its own; no head is always right.
 */
#ifndef TESTS_HEAD_DATA_H
#define TESTS_HEAD_DATA_H

#include "worker/features.h"

enum {
    HEAD_DATA_TRAIN = 400,
    HEAD_DATA_VAL = 300,
    HEAD_DATA_TEST = 250,
    HEAD_DATA_DIMS = 16,
};

/* A number in [0, 1) for the k-th draw of a name. */
double head_data_uniform(uint32_t name, uint32_t k);

/* Features to be released with head_data_free(). Their own head is a mediocre
 * one. Without groups: groups 0 and NULL. */
struct worker_features *head_data_new(enum worker_precision precision, uint32_t classes,
                                      int with_groups);
void                    head_data_free(struct worker_features *features);

#endif
