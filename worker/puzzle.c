#include "worker/puzzle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/min_cut.h"

enum {
    EDGES_A_BORDER = 4, /* between the two nodes of one block and the two of the other */
};

/* Node 2 i says that the label of block i is at least 1, node 2 i + 1 that it
 * is 2. Edges: for each border its four, those to the right first; then for each
 * block the one that forbids the second node without the first. */
struct worker_puzzler {
    uint32_t               side, blocks, borders;
    struct worker_min_cut *cut;
    double                *node;   /* (2 blocks): cost of the node's statement being true */
    double                *weight; /* (borders): of (2 z_i - 2 z_j)^2 */
    bool                  *is;     /* (2 blocks) */
    double                *cost;   /* (blocks, blocks): of a block in a place */
    uint32_t              *choice; /* (blocks): place */
};

/* Visit each border: its number, blocks i and j, and the differences. */
static uint32_t border_of(const struct worker_puzzler *puzzler, uint32_t number, uint32_t *i)
{
    const uint32_t side = puzzler->side, across = side * (side - 1);

    if (number < across) {
        *i = number / (side - 1) * side + number % (side - 1);
        return *i + 1;
    }
    *i = number - across;
    return *i + side;
}

static int make_cut(struct worker_puzzler *puzzler, struct mx_err *err)
{
    uint32_t            nedges = EDGES_A_BORDER * puzzler->borders + puzzler->blocks, e = 0;
    struct worker_edge *edges = calloc(nedges, sizeof *edges);

    if (!edges)
        return mx_fail(err, MX_ENOMEM, "no memory for a puzzle of %u blocks", puzzler->blocks);
    for (uint32_t b = 0; b < puzzler->borders; b++) {
        uint32_t i, j = border_of(puzzler, b, &i);

        for (uint32_t k = 0; k < EDGES_A_BORDER; k++)
            edges[e++] = (struct worker_edge){2 * i + k / 2, 2 * j + k % 2};
    }
    for (uint32_t i = 0; i < puzzler->blocks; i++)
        edges[e++] = (struct worker_edge){2 * i + 1, 2 * i};
    puzzler->cut = worker_min_cut_new(2 * puzzler->blocks, edges, nedges, err);
    free(edges);
    return puzzler->cut ? 0 : -1;
}

struct worker_puzzler *worker_puzzler_new(uint32_t side, struct mx_err *err)
{
    struct worker_puzzler *puzzler = calloc(1, sizeof *puzzler);
    size_t                 blocks = (size_t)side * side;

    if (!puzzler)
        goto nomem;
    puzzler->side = side;
    puzzler->blocks = (uint32_t)blocks;
    puzzler->borders = 2 * side * (side - 1);
    puzzler->node = calloc(2 * blocks, sizeof *puzzler->node);
    puzzler->weight = calloc(puzzler->borders + 1, sizeof *puzzler->weight);
    puzzler->is = calloc(2 * blocks, sizeof *puzzler->is);
    puzzler->cost = calloc(blocks * blocks, sizeof *puzzler->cost);
    puzzler->choice = calloc(blocks, sizeof *puzzler->choice);
    if (!puzzler->node || !puzzler->weight || !puzzler->is || !puzzler->cost || !puzzler->choice)
        goto nomem;
    if (make_cut(puzzler, err))
        goto fail;
    return puzzler;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory for a puzzle of %u x %u blocks", side, side);
fail:
    worker_puzzler_free(puzzler);
    return NULL;
}

void worker_puzzler_free(struct worker_puzzler *puzzler)
{
    if (!puzzler)
        return;
    worker_min_cut_free(puzzler->cut);
    free(puzzler->node);
    free(puzzler->weight);
    free(puzzler->is);
    free(puzzler->cost);
    free(puzzler->choice);
    free(puzzler);
}

/* Costs of single blocks, linear in z but for the prior: each of the two steps
 * of the label costs half of the whole, and what the prior's step costs. */
static void price_blocks(struct worker_puzzler *puzzler, const struct worker_puzzle *puzzle)
{
    const double lambda = fmin(fmax(puzzle->lambda, 1e-9), 1 - 1e-9);
    const double prior = puzzle->eta / (puzzle->side * puzzle->side);
    const double first = -prior * log(2 * lambda / (1 - lambda));
    const double second = -prior * log(lambda / (2 * (1 - lambda)));

    for (uint32_t i = 0; i < puzzler->blocks; i++) {
        double half = (puzzle->u_b[i] - puzzle->u_a[i]) / 2;

        puzzler->node[2 * i] = half + first;
        puzzler->node[2 * i + 1] = half + second;
    }
}

/* A border's costs of single labels, and the weight w of (l_i - l_j)^2. Written
 * in the nodes, the latter is -p_i + q_i - p_j + q_j and the four absolute
 * differences of a node of i and one of j. */
static void price_borders(struct worker_puzzler *puzzler, const struct worker_puzzle *puzzle)
{
    const double   scale = puzzle->beta / (16 * puzzle->side), half = scale * puzzle->gamma / 2;
    const uint32_t across = puzzle->side * (puzzle->side - 1);

    for (uint32_t b = 0; b < puzzler->borders; b++) {
        uint32_t             i, j = border_of(puzzler, b, &i);
        struct worker_border d = b < across ? puzzle->right[i] : puzzle->below[i];
        double               linear_i = half * (d.ab + d.aa - d.ba - d.bb) / 2;
        double               linear_j = half * (d.ba + d.aa - d.ab - d.bb) / 2;
        double               weight = /* at least 0 but for rounding */
            fmax(0, scale * (1 + puzzle->gamma * (d.ab + d.ba - d.aa - d.bb) / 2) / 4);

        puzzler->weight[b] = weight;
        puzzler->node[2 * i] += linear_i - weight;
        puzzler->node[2 * i + 1] += linear_i + weight;
        puzzler->node[2 * j] += linear_j - weight;
        puzzler->node[2 * j + 1] += linear_j + weight;
    }
}

/* Hand the costs to the cut as whole numbers. */
static void set_capacities(struct worker_puzzler *puzzler)
{
    const uint32_t forbidden = EDGES_A_BORDER * puzzler->borders;
    double         largest = 0, scale;

    for (uint32_t v = 0; v < 2 * puzzler->blocks; v++)
        largest = fmax(largest, fabs(puzzler->node[v]));
    for (uint32_t b = 0; b < puzzler->borders; b++)
        largest = fmax(largest, puzzler->weight[b]);
    scale = largest > 0 ? 0x1p40 / largest : 0;
    for (uint32_t v = 0; v < 2 * puzzler->blocks; v++)
        worker_min_cut_node(puzzler->cut, v, llrint(puzzler->node[v] * scale));
    for (uint32_t e = 0; e < forbidden; e++) {
        int64_t capacity = llrint(puzzler->weight[e / EDGES_A_BORDER] * scale);

        worker_min_cut_edge(puzzler->cut, e, capacity, capacity);
    }
    for (uint32_t i = 0; i < puzzler->blocks; i++)
        worker_min_cut_edge(puzzler->cut, forbidden + i, INT64_C(1) << 52, 0);
}

void worker_puzzle_mask(struct worker_puzzler *puzzler, const struct worker_puzzle *puzzle,
                        uint8_t *labels)
{
    price_blocks(puzzler, puzzle);
    price_borders(puzzler, puzzle);
    set_capacities(puzzler);
    worker_min_cut_solve(puzzler->cut, puzzler->is);
    for (uint32_t i = 0; i < puzzler->blocks; i++)
        labels[i] = (uint8_t)(puzzler->is[2 * i] + puzzler->is[2 * i + 1]);
}

static void price_places(struct worker_puzzler *puzzler, const double *saliency, const bool *shown,
                         double t)
{
    const uint32_t side = puzzler->side;
    const double   unit = side > 1 ? t / ((side - 1) * (side - 1)) : 0;
    double        *cost = puzzler->cost;

    for (uint32_t i = 0; i < puzzler->blocks; i++)
        for (uint32_t y = 0; y < side; y++)
            for (uint32_t x = 0; x < side; x++, cost++) {
                int32_t down = (int32_t)(i / side) - (int32_t)y;
                int32_t along = (int32_t)(i % side) - (int32_t)x;

                *cost =
                    unit * (down * down + along * along) - (shown[y * side + x] ? saliency[i] : 0);
            }
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* The first of the lowest: first how low, four at a time without a branch, then where.
 * Some place, too, if a network that diverges has made NaN of the costs. */
static uint32_t cheapest(const double *cost, uint32_t n)
{
    double   low[4] = {cost[0], cost[0], cost[0], cost[0]}, lowest;
    uint32_t j = 0;

    for (; j + 4 <= n; j += 4)
        for (uint32_t k = 0; k < 4; k++)
            low[k] = smaller(cost[j + k], low[k]);
    for (; j < n; j++)
        low[0] = smaller(cost[j], low[0]);
    lowest = smaller(smaller(low[0], low[1]), smaller(low[2], low[3]));
    for (j = 0; j + 1 < n && cost[j] != lowest;)
        j++;
    return j;
}

void worker_puzzle_transport(struct worker_puzzler *puzzler, const double *saliency,
                             const bool *shown, double t, uint16_t *from)
{
    const uint32_t n = puzzler->blocks;
    const uint16_t nobody = UINT16_MAX;

    price_places(puzzler, saliency, shown, t);
    for (uint32_t i = 0; i < n; i++)
        puzzler->choice[i] = cheapest(puzzler->cost + (size_t)i * n, n);
    for (uint32_t round = 0; round < puzzler->side; round++) {
        for (uint32_t j = 0; j < n; j++)
            from[j] = nobody;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t at = puzzler->choice[i];

            if (from[at] == nobody ||
                puzzler->cost[(size_t)i * n + at] < puzzler->cost[(size_t)from[at] * n + at])
                from[at] = (uint16_t)i;
        }
        for (uint32_t i = 0; i < n; i++) {
            double *row = puzzler->cost + (size_t)i * n;

            if (from[puzzler->choice[i]] == i)
                continue;
            row[puzzler->choice[i]] += 1;
            puzzler->choice[i] = cheapest(row, n);
        }
    }
    for (uint32_t j = 0; j < n; j++)
        if (from[j] == nobody)
            from[j] = (uint16_t)j;
}
