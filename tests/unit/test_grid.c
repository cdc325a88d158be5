#include <criterion/criterion.h>

#include "sweep/grid.h"
#include "tests/unit/build_config.h"

static struct mx_grid *grid_of(const struct build *b)
{
    struct mx_grid *grid = mx_grid_new(&b->config, NULL);

    cr_assert_not_null(grid);
    return grid;
}

static enum mx_point_fate fate_of(const struct mx_grid *grid, uint64_t number)
{
    struct mx_point point;

    mx_grid_point(grid, number, &point);
    return mx_grid_fate(grid, number, &point);
}

Test(grid, of_no_axes_has_one_point)
{
    struct build   *b = build_new();
    struct mx_grid *grid = grid_of(b);

    cr_expect_eq(mx_grid_count(grid), 1);
    cr_expect_eq(fate_of(grid, 0), MX_POINT_CELL);
    mx_grid_free(grid);
    build_free(b);
}

Test(grid, turns_the_last_axis_fastest)
{
    struct build   *b = build_new();
    struct mx_grid *grid;
    struct mx_point point;

    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(0.2));
    BUILD_LIST(b, KEY_TRAIN_EPOCHS, build_int(5), build_int(6), build_int(7));
    grid = grid_of(b);
    cr_expect_eq(mx_grid_count(grid), 6);
    mx_grid_point(grid, 5, &point);
    cr_expect_eq(point.value[KEY_TRAIN_LR].real, 0.2);
    cr_expect_eq(point.value[KEY_TRAIN_EPOCHS].integer, 7);
    mx_grid_point(grid, 1, &point);
    cr_expect_eq(point.value[KEY_TRAIN_LR].real, 0.1);
    cr_expect_eq(point.value[KEY_TRAIN_EPOCHS].integer, 6);
    mx_grid_free(grid);
    build_free(b);
}

Test(grid, reaches_any_point_of_a_huge_range)
{
    struct build   *b = build_new();
    struct mx_grid *grid;
    struct mx_point point;

    build_linear(b, KEY_TRAIN_EPOCHS, 1, 1e8, 100000000);
    build_linear(b, KEY_DATA_TRAIN_LIMIT, 1, 1e8, 100000000);
    grid = grid_of(b);
    cr_expect_eq(mx_grid_count(grid), 10000000000000000u);
    mx_grid_point(grid, 9999999999999998u, &point);
    cr_expect_eq(point.value[KEY_TRAIN_EPOCHS].integer, 100000000);
    cr_expect_eq(point.value[KEY_DATA_TRAIN_LIMIT].integer, 99999999);
    cr_expect_eq(mx_grid_fate(grid, 9999999999999998u, &point), MX_POINT_CELL);
    mx_grid_free(grid);
    build_free(b);
}

Test(grid, names_the_axis_that_makes_it_too_large)
{
    struct build *b = build_new();
    struct mx_err err = {0};

    build_linear(b, KEY_DATA_TRAIN_LIMIT, 1, 3e9, 3000000000);
    build_linear(b, KEY_DATA_TEST_LIMIT, 1, 3e9, 3000000000);
    build_linear(b, KEY_TRAIN_LR, 0.1, 0.2, 2);
    cr_expect_null(mx_grid_new(&b->config, &err));
    cr_expect_eq(err.code, MX_ERANGE);
    cr_expect_str_eq(err.text,
                     "the grid has more than 9223372036854775807 points: axis 'train.lr' with its "
                     "2 values is too much; use fewer values");
    build_free(b);
}

Test(grid, counts_the_points_of_all_blocks_against_the_limit)
{
    struct build *b = build_new();
    struct mx_err err = {0};

    build_linear(b, KEY_DATA_TRAIN_LIMIT, 1, 3e9, 3000000000);
    build_linear(b, KEY_DATA_TEST_LIMIT, 1, 3e9, 3000000000);
    build_block(b);
    build_linear(b, KEY_DATA_TRAIN_LIMIT, 1, 3e9, 3000000000);
    build_linear(b, KEY_DATA_TEST_LIMIT, 1, 3e9, 3000000000);
    cr_expect_null(mx_grid_new(&b->config, &err));
    cr_expect_eq(err.code, MX_ERANGE);
    build_free(b);
}

Test(grid, folds_what_a_strategy_does_not_use)
{
    struct build   *b = build_new();
    struct mx_grid *grid;
    struct mx_point point;

    b->config.base[KEY_MIX_PROB] = build_real(0.5);
    BUILD_LIST(b, KEY_MIX_ALPHA, build_real(0.2), build_real(0.4));
    BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_MIXUP), build_choice(WORKER_MIX_NONE));
    grid = grid_of(b);
    cr_expect_eq(fate_of(grid, 0), MX_POINT_CELL);
    cr_expect_eq(fate_of(grid, 1), MX_POINT_CELL);
    cr_expect_eq(fate_of(grid, 2), MX_POINT_CELL);
    cr_expect_eq(fate_of(grid, 3), MX_POINT_FOLDED);
    mx_grid_point(grid, 1, &point);
    cr_expect_not(point.used[KEY_MIX_ALPHA]);
    cr_expect_not(point.used[KEY_MIX_PROB]);
    cr_expect_eq(point.value[KEY_MIX_PROB].real, 1.0, "an unused key holds the table's default");
    mx_grid_free(grid);
    build_free(b);
}

/* Under strategy none alpha does not count, so the second and third entry are
 * the same cell as the first; the fourth has another rate. */
Test(grid, folds_zip_entries_that_agree_on_the_used_keys)
{
    static const enum mx_key_id  keys[] = {KEY_MIX_ALPHA, KEY_TRAIN_LR};
    static const struct mx_value alphas[] = {{.real = 1}, {.real = 2}, {.real = 3}, {.real = 1}};
    static const struct mx_value rates[] = {
        {.real = 0.1}, {.real = 0.1}, {.real = 0.1}, {.real = 0.2}};
    static const struct mx_value *const lists[] = {alphas, rates};
    static const enum mx_point_fate expected[] = {MX_POINT_CELL, MX_POINT_FOLDED, MX_POINT_FOLDED,
                                                  MX_POINT_CELL};
    struct build                   *b = build_new();
    struct mx_grid                 *grid;

    build_zip(b, 2, keys, 4, lists);
    grid = grid_of(b);
    for (uint64_t i = 0; i < 4; i++)
        cr_expect_eq(fate_of(grid, i), expected[i], "entry %lu", (unsigned long)i);
    mx_grid_free(grid);
    b->config.base[KEY_MIX_STRATEGY] = build_choice(WORKER_MIX_MIXUP);
    grid = grid_of(b);
    for (uint64_t i = 0; i < 4; i++)
        cr_expect_eq(fate_of(grid, i), MX_POINT_CELL, "entry %lu", (unsigned long)i);
    mx_grid_free(grid);
    build_free(b);
}

Test(grid, folds_what_an_earlier_block_contains)
{
    struct build   *b = build_new();
    struct mx_grid *grid;

    build_linear(b, KEY_TRAIN_LR, 0.1, 0.5, 5);
    build_block(b);
    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.5), build_real(0.15));
    BUILD_LIST(b, KEY_TRAIN_EPOCHS, build_int(30), build_int(10));
    grid = grid_of(b);
    cr_expect_eq(mx_grid_count(grid), 9);
    cr_expect_eq(fate_of(grid, 5), MX_POINT_FOLDED, "lr 0.5 with the default of 30 epochs");
    cr_expect_eq(fate_of(grid, 6), MX_POINT_CELL);
    cr_expect_eq(fate_of(grid, 7), MX_POINT_CELL);
    cr_expect_eq(fate_of(grid, 8), MX_POINT_CELL);
    mx_grid_free(grid);
    build_free(b);
}

Test(grid, excludes_by_what_remains_after_folding)
{
    struct build   *b = build_new();
    struct mx_match low = {.key = KEY_MIX_ALPHA, .has_below = true, .below = 0.4};
    struct mx_grid *grid;

    BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_MIXUP), build_choice(WORKER_MIX_NONE));
    BUILD_LIST(b, KEY_MIX_ALPHA, build_real(0.2), build_real(0.4));
    build_exclude(b, 1, &low);
    grid = grid_of(b);
    cr_expect_eq(fate_of(grid, 0), MX_POINT_EXCLUDED);
    cr_expect_eq(fate_of(grid, 1), MX_POINT_CELL, "below is strict");
    cr_expect_eq(fate_of(grid, 2), MX_POINT_CELL, "none has no alpha to exclude it by");
    cr_expect_eq(fate_of(grid, 3), MX_POINT_FOLDED);
    mx_grid_free(grid);
    build_free(b);
}

Test(grid, counts_a_repeated_excluded_point_as_folded)
{
    struct build   *b = build_new();
    struct mx_match none = build_is(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_NONE));
    struct mx_grid *grid;

    BUILD_LIST(b, KEY_MIX_ALPHA, build_real(0.2), build_real(0.4));
    build_exclude(b, 1, &none);
    grid = grid_of(b);
    cr_expect_eq(fate_of(grid, 0), MX_POINT_EXCLUDED);
    cr_expect_eq(fate_of(grid, 1), MX_POINT_FOLDED);
    mx_grid_free(grid);
    build_free(b);
}

Test(grid, tells_exclude_rules_that_can_never_match)
{
    struct build   *b = build_new();
    struct mx_match dead[] = {build_is(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_NONE)),
                              build_is(b, KEY_MIX_ALPHA, build_real(0.4))};
    struct mx_match absent = {.key = KEY_TRAIN_LR, .has_above = true, .above = 0.1};
    struct mx_match live = build_is(b, KEY_MIX_ALPHA, build_real(0.4));
    bool            unmatched[3];
    struct mx_grid *grid;

    BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_MIXUP), build_choice(WORKER_MIX_NONE));
    BUILD_LIST(b, KEY_MIX_ALPHA, build_real(0.2), build_real(0.4));
    build_exclude(b, 2, dead);
    build_exclude(b, 1, &absent);
    build_exclude(b, 1, &live);
    grid = grid_of(b);
    cr_assert_eq(mx_grid_unmatched_excludes(grid, unmatched, NULL), 0);
    cr_expect(unmatched[0], "alpha is folded away under none");
    cr_expect(unmatched[1]);
    cr_expect_not(unmatched[2]);
    mx_grid_free(grid);
    build_free(b);
}

/* Too many points to look at: only what the values of one key tell is sure. */
Test(grid, gives_exclude_rules_of_huge_grids_the_benefit_of_the_doubt)
{
    struct build   *b = build_new();
    struct mx_match sure = build_is(b, KEY_TRAIN_LR, build_real(7));
    struct mx_match open[] = {build_is(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_NONE)),
                              build_is(b, KEY_MIX_ALPHA, build_real(1))};
    bool            unmatched[2];
    struct mx_grid *grid;

    build_linear(b, KEY_DATA_TRAIN_LIMIT, 1, 1e9, 1000000000);
    build_exclude(b, 1, &sure);
    build_exclude(b, 2, open);
    grid = grid_of(b);
    cr_assert_eq(mx_grid_unmatched_excludes(grid, unmatched, NULL), 0);
    cr_expect(unmatched[0]);
    cr_expect_not(unmatched[1]);
    mx_grid_free(grid);
    build_free(b);
}

Test(grid, lists_axis_keys_of_all_blocks_by_first_appearance)
{
    struct build         *b = build_new();
    struct mx_grid       *grid;
    const enum mx_key_id *keys;

    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1));
    BUILD_LIST(b, KEY_MIX_ALPHA, build_real(1));
    build_block(b);
    BUILD_LIST(b, KEY_DATA_SIZE, build_int(16));
    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1));
    grid = grid_of(b);
    cr_assert_eq(mx_grid_axis_keys(grid, &keys), 3);
    cr_expect_eq(keys[0], KEY_TRAIN_LR);
    cr_expect_eq(keys[1], KEY_MIX_ALPHA);
    cr_expect_eq(keys[2], KEY_DATA_SIZE);
    mx_grid_free(grid);
    build_free(b);
}

static uint64_t id_of(const struct build *b)
{
    struct mx_grid *grid = grid_of(b);
    struct mx_buf   scratch = {0};
    struct mx_point point;
    uint64_t        id;

    mx_grid_point(grid, 0, &point);
    id = mx_grid_cell(&point, &scratch);
    cr_assert(mx_buf_ok(&scratch));
    mx_buf_free(&scratch);
    mx_grid_free(grid);
    return id;
}

Test(grid, gives_equal_ids_to_equal_values_only)
{
    struct build    *b = build_new();
    struct mx_value *base = b->config.base;
    uint64_t         id = id_of(b);

    base[KEY_TRAIN_MOMENTUM] = build_real(0);
    cr_expect_neq(id_of(b), id);
    id = id_of(b);
    base[KEY_TRAIN_MOMENTUM] = build_real(-0.0);
    cr_expect_eq(id_of(b), id);
    base[KEY_DATA_PATH] = build_text("elsewhere");
    base[KEY_SEED] = build_int(9);
    base[KEY_SCHEDULE_RETRIES] = build_int(9);
    cr_expect_eq(id_of(b), id, "neither place nor seed nor schedule is part of a cell");
    base[KEY_DATA_SET] = build_choice(WORKER_DATA_MNIST);
    id = id_of(b);
    base[KEY_DATA_PATH] = build_text("here");
    cr_expect_eq(id_of(b), id, "data.path is used, and still no part of the id");
    build_free(b);
}

/* "a.b" stands before "a.b.c" as a key and behind it as a line, so the table
 * must not hold such a pair if both ways of sorting shall give the same ids. */
Test(grid, has_no_key_that_is_a_prefix_of_another)
{
    for (unsigned a = 0; a < KEY_COUNT; a++)
        for (unsigned k = 0; k < KEY_COUNT; k++) {
            size_t len = strlen(mx_keys[a].name);

            if (strncmp(mx_keys[a].name, mx_keys[k].name, len) == 0 && mx_keys[k].name[len])
                cr_expect_gt(mx_keys[k].name[len], '=', "%s and %s", mx_keys[a].name,
                             mx_keys[k].name);
        }
}

static bool has_condition(const struct mx_key *key, const struct mx_condition *wanted)
{
    for (const struct mx_condition *c = key->used; c->words; c++)
        if (c->key == wanted->key && (c->words & ~wanted->words) == 0)
            return true;
    return false;
}

/* Folding decides axis by axis, which is right only if whether a key is used
 * never depends on a key that is not: a row repeats the conditions of the keys
 * that it looks at. */
Test(grid, stands_on_a_table_whose_conditions_look_at_used_keys_only)
{
    for (unsigned k = 0; k < KEY_COUNT; k++)
        for (const struct mx_condition *c = mx_keys[k].used; c->words; c++)
            for (const struct mx_condition *inner = mx_keys[c->key].used; inner->words; inner++)
                cr_expect(has_condition(&mx_keys[k], inner), "%s looks at %s and not at %s",
                          mx_keys[k].name, mx_keys[c->key].name, mx_keys[inner->key].name);
}
