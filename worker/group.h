/* group.h - what an executor does together with those of other GPUs, upon an order
 * (WORKER_MESSAGE_GROUP).
 *
 * NAME has it make a group's identifier, which then travels to the other members through their
 * supervisors. REDUCE has it join and contribute, to the sum of the result table,
 * the numbers of stages that it computed itself and those that were handed over to it; member 0
 * gives the sum. HAND has it give the numbers of stages that it computed, for one of the same GPU
 * that takes part.
 */
#ifndef MX_WORKER_GROUP_H
#define MX_WORKER_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "reduce/group.h"
#include "worker/contribution.h"

#ifdef __cplusplus
extern "C" {
#endif

enum worker_group_task {
    WORKER_GROUP_NAME,
    WORKER_GROUP_REDUCE,
    WORKER_GROUP_HAND,
    WORKER_GROUP_TASKS
};

/* A run of stages. */
struct worker_group_stages {
    uint32_t first, count;
};

struct worker_group_order {
    enum worker_group_task            task;
    /* REDUCE and HAND: */
    unsigned char                     id[REDUCE_GROUP_ID]; /* HAND: not used */
    uint32_t                          round, position, count;
    double                            seconds; /* that it may take */
    uint64_t                          nstages; /* of the plan */
    const char *const                *names;   /* of the metrics: a slot is stage x metric */
    size_t                            nnames;
    const struct worker_group_stages *stages; /* that this member contributes, or gives */
    size_t                            nruns;
    const void *handed; /* REDUCE: of each who gave, bytes of reduce_sum_emit() by mx_put_bytes() */
    size_t      nhanded;
};

/* Append an order as the bytes of its message. */
void worker_group_put(struct mx_buf *out, const struct worker_group_order *order);

/* The way out of it: leave() says, often asked, whether to give up; part() sends some of the sum, or
 * of what HAND gives, as bytes for reduce_sum_take(). */
struct worker_group_talk {
    bool (*leave)(void *user);
    int (*part)(void *user, const void *bytes, size_t len, struct mx_err *err);
    void *user;
};

/* Do what an order says. NAME: the identifier is appended to *answer. Returns 0; or -1 with
 *   MX_EGPU         CUDA or NCCL said no: this process's part of the group may not be sound
 *   MX_EINTERRUPTED left, or the time is over: nothing is wrong with this process
 *   MX_EINTERNAL    the order is damaged, or one number was contributed or handed over twice
 *   MX_EIO          part() failed
 *   MX_ENOMEM */
int worker_group_serve(const struct worker_contributions *own, const void *order, size_t len,
                       const struct worker_group_talk *talk, struct mx_buf *answer,
                       struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
