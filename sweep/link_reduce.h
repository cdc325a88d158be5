/* link_reduce.h - inside the link: a reduction, shared by the files that carry one out.
 *
 * link_reduce.c  over the ranks, as a tree; and the comparison with the journal
 * link_group.c   over the executors of GPUs, by NCCL; link_members.c, who they are
 */
#ifndef MX_SWEEP_LINK_REDUCE_H
#define MX_SWEEP_LINK_REDUCE_H

#include "sweep/link_ranks.h"

/* What a reduction works with. */
struct link_job {
    struct mx_link             *link;
    const struct mx_link_table *table;
    const char                **names;
    size_t                      nnames;
    struct reduce_slots        *expected; /* what the journal says */
    uint32_t                   *ranks;    /* that take part */
    bool                       *ours; /* by stage: rank 0 contributes it, from its executors ... */
    bool                       *kept; /* ... or from the journal */
    struct mx_reduction_round   round;
};

/* Sum the numbers over the executors of GPUs that computed some and still live, and the
 * journal's for the rest. Returns 1 with *sum, to be freed, and reduced->path, ranks and bytes; 0 if
 * that is not to be had: there is no NCCL, fewer than two such executors, or it failed again and
 * again (reduced->told has the lines); -1 with MX_EINTERNAL if two contributed one number,
 * MX_ENOMEM. Executors that failed are ended. */
int link_reduce_by_group(struct link_job *job, struct reduce_slots **sum,
                         struct mx_link_reduced *reduced, struct mx_err *err);

#endif
