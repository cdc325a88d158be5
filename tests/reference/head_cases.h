/* head_cases.h - small runs of the head methods on the features of head_data.h. */
#ifndef TESTS_HEAD_CASES_H
#define TESTS_HEAD_CASES_H

#include "tests/reference/head_data.h"
#include "worker/head.h"

/* The defaults of a method, with epochs and steps for a short run. */
struct worker_params head_case_params(enum worker_head_method method);

/* Features and parameters with fixed streams and nobody who asks for progress. */
struct worker_head_task head_case_task(const struct worker_features *features,
                                       const struct worker_params   *params);

/* Keep the first so many rows of each group. */
void head_case_thin_out(struct worker_features *features, enum worker_feature_part part,
                        const uint32_t *keep);

/* Share of a split's rows that a head is right about. */
double head_case_accuracy(const struct worker_features *features, enum worker_feature_part part,
                          const struct worker_head *head);

#endif
