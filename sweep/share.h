/* share.h - how many executors each rank of a job gets.
 *
 * --workers is a number for a node; it is shared out over the ranks on it. Pure
 * arithmetic on what the ranks told about themselves, so that tests can make up
 * any cluster.
 */
#ifndef MX_SWEEP_SHARE_H
#define MX_SWEEP_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/wire.h"
#include "sweep/gpu.h"

enum {
    MX_MAX_CPUS = 4096
};

/* What a rank says of its place. */
struct mx_place {
    char     host[64];
    char     boot[40];               /* ranks of the same host and boot are on one node */
    uint32_t quota_cpus;             /* CPU time that the control group grants; 0 = no limit */
    uint32_t node_cpus;              /* CPUs that the job has on the node */
    uint64_t memory_bytes;           /* free */
    uint64_t cpus[MX_MAX_CPUS / 64]; /* the ones this rank may run on, as bits */
    int32_t  local;                  /* its number among the ranks of its node; -1: not told */

    const struct mx_gpus *gpus; /* that it may use; lent, not in the frame; NULL: none */
};

/* Look at this process's place. What the job has on the node is what its
 * launcher, this process's parent, may run on. */
int mx_place_look(struct mx_place *place, struct mx_err *err);

/* Append to, and take from, the body of a frame. */
void mx_place_put(struct mx_buf *out, const struct mx_place *place);
void mx_place_take(struct mx_wire *wire, struct mx_place *place);

struct mx_share_request {
    unsigned asked;      /* executors a node, 0 = as many as it carries */
    uint64_t bytes_each; /* memory that one needs for itself */
    uint64_t bytes_node; /* and that all on a node have in common */
    uint64_t jobs;       /* never more executors than this in all */
    bool     launched;   /* by a launcher that can bind: speak of --bind-to */
    bool     cuda;       /* executors compute on GPUs */
    unsigned per_gpu;    /* executors that share one; 0: one each */
};

/* The GPUs of a rank: places in its list. Executor i of the rank has gpus[i % n]. */
struct mx_gpu_hand {
    unsigned n;
    uint16_t gpus[MX_MAX_GPUS];
};

/* Set workers[rank] for ranks [0 .. nranks); places[rank] is NULL for one that
 * never came, and gets 0. For each node: as many as asked for, else its usable
 * CPUs (the union of its ranks' CPUs, within the quota), bounded by memory;
 * shared out in order of rank, the first ones get one more. Appends to *why a
 * line where memory or the control group lowered the number, where more were
 * asked for than there are CPUs, and, if launched, for each node, and for each
 * rank bound to fewer CPUs than the job has on its node. Returns the number of executors in all, 1 or more.
 *
 * With request->cuda executors are for GPUs, hands[rank] says which, and there may be none at
 * all: 0 is returned then. For each node: per_gpu for each GPU that is fit, or as many as asked
 * for, dealt out in turn. A GPU that several ranks of a node see goes to one of them: those that
 * few see first, each to the rank that has fewest so far, of several to the first by local
 * number. One that takes one process at a time gets one executor unless MPS runs. *why tells
 * what was left out and why. hands may be NULL without request->cuda. */
unsigned mx_share_out(const struct mx_place *const *places, unsigned nranks,
                      const struct mx_share_request *request, unsigned *workers,
                      struct mx_gpu_hand *hands, struct mx_buf *why);

/* The part of it that deals GPUs, for the node of rank `first`; not beyond `carries` executors
 * (0: no bound) unless asked for. For mx_share_out() alone. */
void mx_share_gpus(const struct mx_place *const *places, unsigned nranks, unsigned first,
                   const struct mx_share_request *request, unsigned carries, unsigned *workers,
                   struct mx_gpu_hand *hands, struct mx_buf *why);

/* Whether two ranks are on one node. */
bool mx_place_same_node(const struct mx_place *a, const struct mx_place *b);

#endif
