/* min_cut.h - the cheapest way to part the nodes of a graph in two.
 *
 * Every node ends on the source's or on the sink's side; an arc from a node of
 * the source's side to one of the sink's costs its capacity. The cut is exact
 * (Dinic's algorithm over whole numbers), and of several cheapest ones the one
 * with the fewest nodes on the source's side, whatever the order of the arcs.
 */
#ifndef MX_WORKER_MIN_CUT_H
#define MX_WORKER_MIN_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_min_cut;

/* An arc, and the arc back, between two nodes. */
struct worker_edge {
    uint32_t from, to;
};

/* A graph of `nodes` nodes with these edges; source and sink are not counted
 * among the nodes. Every node has an edge with each of them. Returns it, to be
 * released with worker_min_cut_free(), or NULL with MX_ENOMEM. */
struct worker_min_cut *worker_min_cut_new(uint32_t nodes, const struct worker_edge *edges,
                                          uint32_t nedges, struct mx_err *err);
void                   worker_min_cut_free(struct worker_min_cut *cut); /* NULL is allowed */

/* Set the capacities of an edge, there and back; at least 0. What being on the
 * source's side costs a node; less than 0: what being on the sink's side does.
 * The sum of all must stay below 2^62. */
void worker_min_cut_edge(struct worker_min_cut *cut, uint32_t edge, int64_t there, int64_t back);
void worker_min_cut_node(struct worker_min_cut *cut, uint32_t node, int64_t cost);

/* Cut, once all capacities are set. side[node] is true on the source's side. */
void worker_min_cut_solve(struct worker_min_cut *cut, bool *side);

#ifdef __cplusplus
}
#endif

#endif
