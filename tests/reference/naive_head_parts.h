/* naive_head_parts.h - what naive_heads.c shares with the methods in files of their own. */
#ifndef TESTS_NAIVE_HEAD_PARTS_H
#define TESTS_NAIVE_HEAD_PARTS_H

#include <stdbool.h>

#include "tests/reference/naive_heads.h"

/* A head being trained, and what is needed for it. */
struct naive_run {
    const struct worker_head_task *task;
    const struct worker_features  *f;
    struct naive_head             *head;
    double                        *w, *b, *gw, *gb;
    uint32_t                       epoch;
};

const double *naive_row(const struct naive_run *run, enum worker_feature_part part, uint32_t i);
double        naive_probability(const struct naive_run *run, const double *x, uint32_t c);
uint32_t      naive_answer(const struct naive_run *run, const double *x);

/* The k-th row of a group (class), counted in the order of the split; UINT32_MAX behind the
 * last. And how many there are. */
uint32_t naive_kth(const uint32_t *of, uint32_t n, uint32_t which, uint64_t k);
uint32_t naive_count(const uint32_t *of, uint32_t n, uint32_t which);

void naive_no_gradient(struct naive_run *run);

/* Add `by` times one sample's gradient; its loss times `by`. */
double naive_add_sample(struct naive_run *run, const double *x, uint32_t label, double by);
void   naive_go_down(struct naive_run *run, double lr);

/* Keep the head if it is the best so far. rows of val; NULL: all n of them. */
void naive_end_epoch(struct naive_run *run, const uint32_t *rows, uint32_t n, double loss);

/* Whole methods. */
void naive_jtt(struct naive_run *run);
void naive_afr(struct naive_run *run);

#endif
