/* share.h - how many executors each rank of a job gets.
 *
 * --workers is a number for a node; it is shared out over the ranks on it. Pure
 * arithmetic on what the ranks told about themselves, so that tests can make up
 * any cluster.
 */
#ifndef MX_SWEEP_SHARE_H
#define MX_SWEEP_SHARE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    MX_MAX_CPUS = 4096
};

/* What a rank says of its place. */
struct mx_place {
    char     host[64];
    char     boot[40];     /* ranks of the same host and boot are on one node */
    unsigned quota_cpus;   /* CPU time that the control group grants; 0 = no limit */
    unsigned node_cpus;    /* CPUs that the job has on the node: online, within the cpuset */
    uint64_t memory_bytes; /* free */
    uint64_t cpus[MX_MAX_CPUS / 64]; /* the ones this rank may run on, as bits */
};

/* Look at this process's place. */
void mx_place_look(struct mx_place *place);

/* Append to / take from a frame body (base/wire.h). */
struct mx_wire;
void mx_place_put(struct mx_buf *out, const struct mx_place *place);
void mx_place_take(struct mx_wire *wire, struct mx_place *place);

/* Set workers[rank] for ranks [0 .. nranks); places of ranks that never came are
 * NULL and get 0. For each node: `asked` if not 0, else its usable CPUs (the
 * union of its ranks' CPUs, within the quota), bounded by memory at
 * `bytes_each`; shared out in order of rank, the first ones get one more. In
 * all never more than `jobs`. Appends to *why a line for each node where memory
 * or the control group lowered the number or where more were asked for than
 * there are CPUs, and for each rank bound to fewer CPUs than the job has on its
 * node, which names --bind-to none. */
int mx_share_out(const struct mx_place *const *places, unsigned nranks, unsigned asked,
                 uint64_t bytes_each, uint64_t jobs, unsigned *workers, struct mx_buf *why,
                 struct mx_err *err);

#endif
