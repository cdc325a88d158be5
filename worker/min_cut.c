#include "worker/min_cut.h"

#include <stdlib.h>
#include <string.h>

/* Arcs 2 e and 2 e + 1 are edge e there and back; behind the caller's edges
 * come one with the source and one with the sink for each node. */
struct worker_min_cut {
    uint32_t  nodes, nedges;   /* the caller's */
    uint32_t  source, sink;    /* nodes, nodes + 1 */
    uint32_t *first;           /* (nodes + 3): where a node's arcs begin in `arcs` */
    uint32_t *arcs;            /* by node */
    uint32_t *to;              /* of each arc */
    int64_t  *left;            /* capacity that is left of each arc */
    uint32_t *level, *current; /* (nodes + 2) */
    uint32_t *queue;           /* nodes to visit; then the arcs of a path */
};

enum {
    UNSEEN = UINT32_MAX
};

static void put_arc(struct worker_min_cut *cut, uint32_t edge, uint32_t from, uint32_t to)
{
    cut->to[2 * edge] = to;
    cut->to[2 * edge + 1] = from;
    cut->first[from + 1]++;
    cut->first[to + 1]++;
}

/* Sort the arcs by the node they leave. */
static void index_arcs(struct worker_min_cut *cut, uint32_t edges)
{
    for (uint32_t v = 0; v < cut->nodes + 2; v++) {
        cut->first[v + 1] += cut->first[v];
        cut->current[v] = cut->first[v];
    }
    for (uint32_t a = 0; a < 2 * edges; a++)
        cut->arcs[cut->current[cut->to[a ^ 1]]++] = a;
}

struct worker_min_cut *worker_min_cut_new(uint32_t nodes, const struct worker_edge *edges,
                                          uint32_t nedges, struct mx_err *err)
{
    struct worker_min_cut *cut = calloc(1, sizeof *cut);
    const uint32_t         all = nedges + 2 * nodes;

    if (!cut)
        goto nomem;
    cut->nodes = cut->source = nodes;
    cut->sink = nodes + 1;
    cut->nedges = nedges;
    cut->first = calloc((size_t)nodes + 3, sizeof *cut->first);
    cut->arcs = calloc(2 * (size_t)all + 1, sizeof *cut->arcs);
    cut->to = calloc(2 * (size_t)all + 1, sizeof *cut->to);
    cut->left = calloc(2 * (size_t)all + 1, sizeof *cut->left);
    cut->level = calloc((size_t)nodes + 2, sizeof *cut->level);
    cut->current = calloc((size_t)nodes + 2, sizeof *cut->current);
    cut->queue = calloc((size_t)nodes + 2, sizeof *cut->queue);
    if (!cut->first || !cut->arcs || !cut->to || !cut->left || !cut->level || !cut->current ||
        !cut->queue)
        goto nomem;
    for (uint32_t e = 0; e < nedges; e++)
        put_arc(cut, e, edges[e].from, edges[e].to);
    for (uint32_t v = 0; v < nodes; v++) {
        put_arc(cut, nedges + 2 * v, cut->source, v);
        put_arc(cut, nedges + 2 * v + 1, v, cut->sink);
    }
    index_arcs(cut, all);
    return cut;

nomem:
    worker_min_cut_free(cut);
    mx_fail(err, MX_ENOMEM, "no memory for a graph of %u nodes", nodes);
    return NULL;
}

void worker_min_cut_free(struct worker_min_cut *cut)
{
    if (!cut)
        return;
    free(cut->first);
    free(cut->arcs);
    free(cut->to);
    free(cut->left);
    free(cut->level);
    free(cut->current);
    free(cut->queue);
    free(cut);
}

void worker_min_cut_edge(struct worker_min_cut *cut, uint32_t edge, int64_t there, int64_t back)
{
    cut->left[2 * edge] = there;
    cut->left[2 * edge + 1] = back;
}

void worker_min_cut_node(struct worker_min_cut *cut, uint32_t node, int64_t cost)
{
    uint32_t edge = cut->nedges + 2 * node;

    worker_min_cut_edge(cut, edge, cost < 0 ? -cost : 0, 0);
    worker_min_cut_edge(cut, edge + 1, cost > 0 ? cost : 0, 0);
}

/* Distance from the source over arcs that have something left. Returns true if
 * the sink can be reached; visits everything that can. */
static bool find_levels(struct worker_min_cut *cut)
{
    uint32_t head = 0, tail = 0;

    memset(cut->level, 0xff, ((size_t)cut->nodes + 2) * sizeof *cut->level); /* UNSEEN */
    cut->level[cut->source] = 0;
    cut->queue[tail++] = cut->source;
    while (head < tail) {
        uint32_t v = cut->queue[head++];

        for (uint32_t k = cut->first[v]; k < cut->first[v + 1]; k++) {
            uint32_t a = cut->arcs[k], to = cut->to[a];

            if (cut->left[a] == 0 || cut->level[to] != UNSEEN)
                continue;
            cut->level[to] = cut->level[v] + 1;
            cut->queue[tail++] = to;
        }
    }
    return cut->level[cut->sink] != UNSEEN;
}

/* Send as much as goes along a path of `length` arcs in the queue. Returns the
 * number of arcs before the first one that has nothing left. */
static uint32_t push(struct worker_min_cut *cut, uint32_t length)
{
    int64_t  flow = INT64_MAX;
    uint32_t kept = length;

    for (uint32_t k = 0; k < length; k++)
        if (cut->left[cut->queue[k]] < flow)
            flow = cut->left[cut->queue[k]];
    for (uint32_t k = length; k-- > 0;) {
        cut->left[cut->queue[k]] -= flow;
        cut->left[cut->queue[k] ^ 1] += flow;
        if (cut->left[cut->queue[k]] == 0)
            kept = k;
    }
    return kept;
}

/* Fill every path of the levels: forward along arcs that lead one level on,
 * back from dead ends, whose arcs are not tried again. */
static void fill_levels(struct worker_min_cut *cut)
{
    uint32_t length = 0, v = cut->source;

    memcpy(cut->current, cut->first, ((size_t)cut->nodes + 2) * sizeof *cut->current);
    for (;;) {
        bool found = false;

        if (v == cut->sink) {
            length = push(cut, length);
            v = cut->to[cut->queue[length] ^ 1];
        }
        for (; !found && cut->current[v] < cut->first[v + 1]; cut->current[v] += !found) {
            uint32_t a = cut->arcs[cut->current[v]];

            found = cut->left[a] > 0 && cut->level[cut->to[a]] == cut->level[v] + 1;
            if (found)
                cut->queue[length] = a;
        }
        if (found) {
            v = cut->to[cut->queue[length++]];
        } else {
            if (length == 0)
                return;
            v = cut->to[cut->queue[--length] ^ 1];
            cut->current[v]++;
        }
    }
}

void worker_min_cut_solve(struct worker_min_cut *cut, bool *side)
{
    while (find_levels(cut))
        fill_levels(cut);
    for (uint32_t v = 0; v < cut->nodes; v++)
        side[v] = cut->level[v] != UNSEEN;
}
