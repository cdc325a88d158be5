/* naive_heads.h - head methods in double by plain loops over all rows, each
 * written from its definition (docs/heads.md) and sharing nothing with
 * worker/head_*.c but the random numbers of base/rng.h. */
#ifndef TESTS_NAIVE_HEADS_H
#define TESTS_NAIVE_HEADS_H

#include "worker/head.h"

enum {
    NAIVE_MAX_EPOCHS = 64
};

struct naive_head {
    double  *w, *b;                    /* (classes, dims), (classes): the kept head */
    double   losses[NAIVE_MAX_EPOCHS]; /* of each epoch */
    double   worst[NAIVE_MAX_EPOCHS];  /* group of the rows that choose */
    uint32_t kept, errors;
};

/* Features in double, with groups. jtt_head, group_dro, afr and feature_mixup. */
void naive_head_train(const struct worker_head_task *task, struct naive_head *head);
void naive_head_free(struct naive_head *head);

#endif
