#include <criterion/criterion.h>
#include <math.h>

#include "sweep/search.h"
#include "sweep/walk.h"
#include "tests/unit/build_config.h"

/* Learning rate x epochs x batch size: 4 x 5 x 6 points. */
static struct build *cube(unsigned strategy, int64_t budget, int64_t seed)
{
    struct build *b = build_new();

    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(0.2), build_real(0.3), build_real(0.4));
    build_linear(b, KEY_TRAIN_EPOCHS, 5, 9, 5);
    build_linear(b, KEY_TRAIN_BATCH_SIZE, 10, 15, 6);
    b->config.base[KEY_SEARCH_STRATEGY].choice = strategy;
    b->config.base[KEY_SEARCH_BUDGET].integer = budget;
    b->config.base[KEY_SEED].integer = seed;
    return b;
}

enum {
    ROOM = 2000
};

/* The points that a walk goes over; all of them must be cells, in order. */
static size_t walk(struct build *b, uint64_t points[ROOM])
{
    struct mx_err   err = {0};
    struct mx_grid *grid = mx_grid_new(&b->config, &err);
    struct mx_walk *walk;
    size_t          n = 0;

    cr_assert(grid, "%s", err.text);
    cr_assert(walk = mx_walk_new(grid, NULL));
    while (mx_walk_next(walk)) {
        cr_assert_eq(mx_walk_fate(walk), MX_POINT_CELL);
        cr_assert_lt(n, ROOM);
        points[n] = mx_walk_number(walk);
        cr_assert(n == 0 || points[n] > points[n - 1], "in order, none twice");
        n++;
    }
    cr_expect_eq(mx_grid_walked(grid), n);
    mx_walk_free(walk);
    mx_grid_free(grid);
    return n;
}

static size_t chosen(unsigned strategy, int64_t budget, int64_t seed, uint64_t points[ROOM])
{
    struct build *b = cube(strategy, budget, seed);
    const size_t  n = walk(b, points);

    build_free(b);
    return n;
}

static bool holds(const uint64_t *points, size_t n, uint64_t point)
{
    for (size_t k = 0; k < n; k++)
        if (points[k] == point)
            return true;
    return false;
}

Test(search, of_the_grid_takes_the_first_cells)
{
    uint64_t points[ROOM];

    cr_assert_eq(chosen(MX_SEARCH_GRID, 7, 1, points), 7);
    for (uint64_t k = 0; k < 7; k++)
        cr_expect_eq(points[k], k);
}

Test(search, gives_as_many_cells_as_asked_for_and_all_if_there_are_fewer)
{
    uint64_t points[ROOM];

    for (unsigned s = MX_SEARCH_GRID; s <= MX_SEARCH_SOBOL; s++) {
        cr_expect_eq(chosen(s, 1, 1, points), 1);
        cr_expect_eq(chosen(s, 119, 1, points), 119);
        cr_expect_eq(chosen(s, 120, 1, points), 120);
        cr_expect_eq(chosen(s, 5000, 1, points), 120);
    }
}

Test(search, with_a_larger_budget_keeps_the_cells_of_a_smaller_one)
{
    uint64_t few[ROOM], many[ROOM];

    for (unsigned s = MX_SEARCH_GRID; s <= MX_SEARCH_SOBOL; s++)
        for (int64_t budget = 1; budget < 120; budget += 17) {
            const size_t n = chosen(s, budget, 3, few), m = chosen(s, budget + 1, 3, many);

            for (size_t k = 0; k < n; k++)
                cr_expect(holds(many, m, few[k]));
        }
}

Test(search, depends_on_the_seed_alone)
{
    uint64_t a[ROOM], b[ROOM];

    for (unsigned s = MX_SEARCH_RANDOM; s <= MX_SEARCH_SOBOL; s++) {
        chosen(s, 20, 1, a);
        chosen(s, 20, 1, b);
        cr_expect_arr_eq(a, b, 20 * sizeof a[0]);
        chosen(s, 20, 2, b);
        cr_expect_arr_neq(a, b, 20 * sizeof a[0]);
    }
}

/* Chance 12 / 120 over 2,000 seeds: 200, sd 13.4. */
Test(search, at_random_gives_every_cell_the_same_chance)
{
    unsigned hits[120] = {0};
    uint64_t points[ROOM];

    for (int64_t seed = 0; seed < 2000; seed++) {
        chosen(MX_SEARCH_RANDOM, 12, seed, points);
        for (unsigned k = 0; k < 12; k++)
            hits[points[k]]++;
    }
    for (unsigned p = 0; p < 120; p++)
        cr_expect(abs((int)hits[p] - 200) < 67, "point %u: %u times", p, hits[p]);
}

/* 20 of 4 x 5 x 6: a Sobol sequence has each value of each axis about as often as
 * the others, which random draws do not manage. */
Test(search, by_sobol_spreads_over_each_axis)
{
    uint64_t points[ROOM];

    for (int64_t seed = 0; seed < 50; seed++) {
        unsigned lr[4] = {0}, epochs[5] = {0}, batch[6] = {0};

        chosen(MX_SEARCH_SOBOL, 20, seed, points);
        for (unsigned k = 0; k < 20; k++) {
            lr[points[k] / 30]++;
            epochs[points[k] / 6 % 5]++;
            batch[points[k] % 6]++;
        }
        for (unsigned v = 0; v < 4; v++)
            cr_expect(lr[v] >= 3 && lr[v] <= 7, "seed %d: lr %u %u times", (int)seed, v, lr[v]);
        for (unsigned v = 0; v < 5; v++)
            cr_expect(epochs[v] >= 2 && epochs[v] <= 6);
        for (unsigned v = 0; v < 6; v++)
            cr_expect(batch[v] >= 1 && batch[v] <= 6);
    }
}

Test(search, passes_over_what_is_folded_or_excluded)
{
    uint64_t points[ROOM];

    for (unsigned s = MX_SEARCH_GRID; s <= MX_SEARCH_SOBOL; s++) {
        struct build *b = build_new();

        BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_NONE),
                   build_choice(WORKER_MIX_MIXUP));
        build_linear(b, KEY_MIX_ALPHA, 0.1, 1, 10);
        b->config.base[KEY_SEARCH_STRATEGY].choice = s;
        b->config.base[KEY_SEARCH_BUDGET].integer = 100;
        cr_expect_eq(walk(b, points), 11, "one without mixing, ten with");
        build_free(b);
    }
}

Test(search, reaches_into_grids_that_nobody_could_walk_through)
{
    uint64_t points[ROOM];

    for (unsigned s = MX_SEARCH_GRID; s <= MX_SEARCH_SOBOL; s++) {
        struct build *b = build_new();
        double        sum = 0;

        build_linear(b, KEY_TRAIN_EPOCHS, 1, 1e8, 100000000);
        build_linear(b, KEY_DATA_TRAIN_LIMIT, 1, 1e8, 100000000);
        b->config.base[KEY_SEARCH_STRATEGY].choice = s;
        b->config.base[KEY_SEARCH_BUDGET].integer = 1000;
        cr_assert_eq(walk(b, points), 1000);
        for (unsigned k = 0; k < 1000; k++)
            sum += (double)points[k] / 1e16 / 1000;
        cr_expect(s == MX_SEARCH_GRID || fabs(sum - 0.5) < 0.05, "mean %g", sum);
        build_free(b);
    }
}
