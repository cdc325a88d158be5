#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "mix_sets.h"
#include "tests/reference/naive_mix.h"
#include "worker/min_cut.h"

static struct mx_rng rng_of(uint32_t seed)
{
    return mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
}

/* Random graphs of few nodes against all of their cuts. */
static void check_graph(struct mx_rng *rng)
{
    enum {
        MOST = 8
    };
    uint32_t               nodes = 1 + (uint32_t)mx_rng_below(rng, MOST), nedges = 0;
    struct worker_edge     edges[MOST * MOST];
    int64_t                there[MOST * MOST], back[MOST * MOST], cost[MOST], best = INT64_MAX;
    int64_t                got = 0;
    bool                   side[MOST];
    int                    fewest = MOST + 1, size = 0;
    struct worker_min_cut *cut;

    for (uint32_t a = 0; a < nodes; a++)
        for (uint32_t b = 0; b < a; b++)
            if (mx_rng_below(rng, 3) > 0) {
                there[nedges] = (int64_t)mx_rng_below(rng, 6);
                back[nedges] = (int64_t)mx_rng_below(rng, 6);
                edges[nedges++] = (struct worker_edge){a, b};
            }
    cut = worker_min_cut_new(nodes, edges, nedges, NULL);
    for (uint32_t v = 0; v < nodes; v++)
        worker_min_cut_node(cut, v, cost[v] = (int64_t)mx_rng_below(rng, 21) - 10);
    for (uint32_t e = 0; e < nedges; e++)
        worker_min_cut_edge(cut, e, there[e], back[e]);
    worker_min_cut_solve(cut, side);
    for (uint32_t set = 0; set < 1u << nodes; set++) {
        int64_t sum = 0;
        int     members = __builtin_popcount(set);
        bool    mine = true;

        for (uint32_t v = 0; v < nodes; v++) {
            sum += (set >> v & 1) == (cost[v] > 0) ? llabs(cost[v]) : 0;
            mine &= side[v] == (set >> v & 1);
        }
        for (uint32_t e = 0; e < nedges; e++) {
            bool from = set >> edges[e].from & 1, to = set >> edges[e].to & 1;

            sum += from && !to ? there[e] : to && !from ? back[e] : 0;
        }
        if (sum < best || (sum == best && members < fewest)) {
            best = sum;
            fewest = members;
        }
        got = mine ? sum : got;
        size = mine ? members : size;
    }
    cr_assert_eq(got, best);
    cr_assert_eq(size, fewest, "not the smallest of the cheapest");
    worker_min_cut_free(cut);
}

Test(min_cut, is_the_cheapest_of_all_cuts_and_of_those_the_smallest)
{
    struct mx_rng rng = rng_of(1);

    for (int k = 0; k < 2000; k++)
        check_graph(&rng);
    worker_min_cut_free(NULL);
}

static struct worker_border draw_border(struct mx_rng *rng)
{
    return (struct worker_border){mx_rng_uniform(rng), mx_rng_uniform(rng), mx_rng_uniform(rng),
                                  mx_rng_uniform(rng)};
}

static void draw_puzzle(struct worker_puzzle *puzzle, uint32_t side, bool published,
                        struct mx_rng *rng)
{
    static const double strengths[] = {0, 0.3, 1.2, 10, 100};
    double              sum_a = 0, sum_b = 0;

    memset(puzzle, 0, sizeof *puzzle);
    puzzle->side = side;
    puzzle->lambda = mx_rng_beta(rng, 1, 1);
    puzzle->beta = strengths[mx_rng_below(rng, 5)];
    puzzle->gamma = mx_rng_below(rng, 4) ? mx_rng_uniform(rng) : 1;
    puzzle->eta = strengths[mx_rng_below(rng, 4)] * 0.2;
    if (published) {
        puzzle->beta = 1.2;
        puzzle->gamma = 0.5;
        puzzle->eta = 0.2;
    }
    for (uint32_t i = 0; i < side * side; i++) {
        sum_a += puzzle->u_a[i] = mx_rng_uniform(rng);
        sum_b += puzzle->u_b[i] = mx_rng_uniform(rng);
        puzzle->right[i] = draw_border(rng);
        puzzle->below[i] = draw_border(rng);
    }
    for (uint32_t i = 0; i < side * side; i++) {
        puzzle->u_a[i] /= sum_a;
        puzzle->u_b[i] /= sum_b;
    }
}

/* Returns which of the labels 0, 1 and 2 there are, as bits. */
static unsigned check_minimum(uint32_t side, bool published, struct mx_rng *rng)
{
    struct worker_puzzler *puzzler = worker_puzzler_new(side, NULL);
    struct worker_puzzle   puzzle;
    uint8_t                got[16], best[16];
    unsigned               seen = 0;
    double                 lowest, energy;

    draw_puzzle(&puzzle, side, published, rng);
    worker_puzzle_mask(puzzler, &puzzle, got);
    lowest = naive_puzzle_minimum(&puzzle, best);
    energy = naive_puzzle_energy(&puzzle, got);
    cr_assert(fabs(energy - lowest) <= 1e-10 * fmax(fabs(lowest), 1), "%.17g, lowest %.17g", energy,
              lowest);
    cr_assert(fabs(naive_puzzle_energy(&puzzle, best) - lowest) <= 1e-12 * fmax(fabs(lowest), 1));
    for (uint32_t i = 0; i < side * side; i++)
        seen |= 1u << got[i];
    worker_puzzler_free(puzzler);
    return seen;
}

Test(puzzle, the_mask_has_the_lowest_energy_of_all_81_of_2_by_2_blocks)
{
    struct mx_rng rng = rng_of(2);
    unsigned      seen = 0;

    for (int k = 0; k < 3000; k++)
        seen |= 1u << check_minimum(2, k % 2, &rng);
    cr_expect_eq(seen & 0xfe, 0xfe); /* every set of labels came up: {0}, {1}, {0, 1} ... */
}

Test(puzzle, the_mask_has_the_lowest_energy_of_all_3_to_the_16_of_4_by_4_blocks)
{
    struct mx_rng rng = rng_of(21);
    unsigned      several = 0;

    for (int k = 0; k < 2; k++)
        several += __builtin_popcount(check_minimum(4, true, &rng)) > 1;
    cr_expect_geq(several, 1); /* not only masks of one label */
}

Test(puzzle, the_mask_of_4_by_4_blocks_is_as_good_as_any_change_of_two_of_them)
{
    struct mx_rng          rng = rng_of(3);
    struct worker_puzzler *puzzler = worker_puzzler_new(4, NULL);
    struct worker_puzzle   puzzle;
    uint8_t                got[16];

    for (int k = 0; k < 60; k++) {
        double energy;

        draw_puzzle(&puzzle, 4, k % 2, &rng);
        worker_puzzle_mask(puzzler, &puzzle, got);
        energy = naive_puzzle_energy(&puzzle, got);
        for (uint32_t i = 0; i < 16 * 3; i++)
            for (uint32_t j = 0; j < i; j++) {
                uint8_t other[16];

                memcpy(other, got, sizeof other);
                other[i / 3] = (uint8_t)(i % 3);
                other[j / 3] = (uint8_t)(j % 3);
                cr_assert(naive_puzzle_energy(&puzzle, other) >= energy - 1e-10 * fabs(energy));
            }
    }
    worker_puzzler_free(puzzler);
}

/* By hand: nothing but saliency decides, then nothing but the prior. */
Test(puzzle, follows_saliency_or_the_prior_where_nothing_else_counts)
{
    static const double    lambdas[] = {0.1, 0.5, 0.9};
    struct worker_puzzler *puzzler = worker_puzzler_new(2, NULL);
    struct worker_puzzle   puzzle = {
          .side = 2, .lambda = 0.3, .u_a = {.4, .1, .2, .3}, .u_b = {.1, .2, .3, .4}};
    uint8_t labels[4];

    worker_puzzle_mask(puzzler, &puzzle, labels);
    cr_expect_arr_eq(labels, ((uint8_t[]){2, 0, 0, 0}), 4);
    puzzle.eta = 1000;
    for (int k = 0; k < 3; k++) {
        puzzle.lambda = lambdas[k];
        worker_puzzle_mask(puzzler, &puzzle, labels);
        for (int i = 0; i < 4; i++)
            cr_expect_eq(labels[i], k);
    }
    puzzle.lambda = 0; /* and at the ends of lambda it stays finite */
    worker_puzzle_mask(puzzler, &puzzle, labels);
    cr_expect_eq(labels[0], 0);
    puzzle.lambda = 1;
    worker_puzzle_mask(puzzler, &puzzle, labels);
    cr_expect_eq(labels[3], 2);
    worker_puzzler_free(puzzler);
}

/* One salient block in a corner that is not shown goes to the nearest place that
 * is; the block that was there gives way, and keeps to places not shown. */
Test(puzzle, salient_blocks_move_to_where_the_image_is_shown)
{
    struct worker_puzzler *puzzler = worker_puzzler_new(4, NULL);
    double                 saliency[16] = {[0] = 0.9, [5] = 0.01};
    bool                   shown[16] = {[2] = true, [15] = true};
    uint16_t               from[16];

    worker_puzzle_transport(puzzler, saliency, shown, 0.8, from);
    cr_expect_eq(from[2], 0);   /* 0.8 * 4 / 9 - 0.9 < 0 */
    cr_expect_eq(from[15], 15); /* too far for the other */
    for (uint16_t j = 0; j < 16; j++)
        if (j != 2)
            cr_expect_eq(from[j], j); /* place 0 keeps what nobody took from it */
    worker_puzzle_transport(puzzler, saliency, shown, 1000, from);
    for (uint16_t j = 0; j < 16; j++)
        cr_expect_eq(from[j], j); /* too dear to move at all */
    worker_puzzler_free(puzzler);
}

/* Two blocks want one place: the more salient one gets it, the other the next. */
Test(puzzle, of_blocks_that_want_one_place_the_cheapest_gets_it)
{
    struct worker_puzzler *puzzler = worker_puzzler_new(2, NULL);
    double                 saliency[4] = {0.5, 0.1, 0.3, 0.1};
    bool                   shown[4] = {[1] = true};
    uint16_t               from[4];

    worker_puzzle_transport(puzzler, saliency, shown, 0.01, from);
    cr_expect_eq(from[1], 0);
    cr_expect_eq(from[2], 2);
    cr_expect_eq(from[3], 3);
    worker_puzzler_free(puzzler);
}

/* Many blocks want few places; also numbers of which several are equal. */
Test(puzzle, blocks_go_where_a_plain_walk_through_the_rounds_puts_them)
{
    struct mx_rng rng = rng_of(31);

    for (uint32_t side = 2; side <= 8; side *= 2) {
        struct worker_puzzler *puzzler = worker_puzzler_new(side, NULL);

        for (int k = 0; k < 200; k++) {
            const double t = k % 4 == 0 ? 0.8 : 3 * mx_rng_uniform(&rng) * mx_rng_uniform(&rng);
            const double often = mx_rng_uniform(&rng);
            double       saliency[64];
            bool         shown[64];
            uint16_t     from[64], expected[64];

            for (uint32_t b = 0; b < side * side; b++) {
                saliency[b] = k % 2 ? mx_rng_uniform(&rng) : (double)mx_rng_below(&rng, 4) / 4;
                shown[b] = mx_rng_uniform(&rng) < often;
            }
            worker_puzzle_transport(puzzler, saliency, shown, t, from);
            naive_puzzle_transport(side, saliency, shown, t, expected);
            cr_assert_arr_eq(from, expected, side * side * sizeof *from,
                             "%u blocks a side, case %d", side, k);
        }
        worker_puzzler_free(puzzler);
    }
}
