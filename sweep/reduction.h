/* reduction.h - one rank's part in the reduction of the result table.
 *
 * Rank 0 asks the living ranks, in rounds: when one of them is lost, a new round
 * begins without it. Each rank puts the numbers of its executors into slots and
 * passes sums on towards rank 0 (reduce/tree.h) over the streams of sweep/comm.h.
 * Nothing waits here: the event loops of the ranks call these functions.
 */
#ifndef MX_SWEEP_REDUCTION_H
#define MX_SWEEP_REDUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "reduce/tree.h"
#include "sweep/comm.h"
#include "sweep/rank_message.h"
#include "worker/contribution.h"

struct mx_reduction;

/* comm: NULL for a process that is alone. */
struct mx_reduction *mx_reduction_new(struct mx_comm *comm, struct mx_err *err);
void                 mx_reduction_free(struct mx_reduction *reduction); /* NULL is allowed */

/* What a round is about. */
struct mx_reduction_round {
    uint32_t           round;  /* from 1 */
    uint64_t           nslots; /* stages x metrics */
    const char *const *names;  /* of the metrics */
    size_t             nnames;
    const uint32_t    *ranks; /* that take part, rank 0 first */
    size_t             nranks;
};

/* Write it as the body of MX_RANK_REDUCE, and read it there. What is read
 * is allocated in one piece that *memory points to, for the caller to free. */
void mx_reduction_ask(struct mx_buf *out, const struct mx_reduction_round *round);
int  mx_reduction_read(const struct mx_rank_message *message, struct mx_reduction_round *round,
                       void **memory, struct mx_err *err);

/* Begin a round with the slots that this rank contributes; the reduction owns
 * them from now on, also on failure. A round under way is forgotten. */
int mx_reduction_begin(struct mx_reduction *reduction, const struct mx_reduction_round *round,
                       struct reduce_slots *slots, struct mx_err *err);

/* A MX_RANK_TREE body from another rank. One of a later round is kept for it,
 * one of an earlier round ignored. -1 with MX_EINTERNAL: see reduce_part_take(). */
int mx_reduction_take(struct mx_reduction *reduction, unsigned rank, const void *body, size_t len,
                      struct mx_err *err);

/* Send on what can be sent; little waits in the streams at any time. NULL is
 * allowed. */
int mx_reduction_pump(struct mx_reduction *reduction, struct mx_err *err);

/* This rank's part of the round is done; at rank 0: the sum is there. */
bool mx_reduction_finished(const struct mx_reduction *reduction);

/* The part of the round under way, NULL if there is none. */
const struct reduce_part *mx_reduction_part(const struct mx_reduction *reduction);

#endif
