/* Numbering, folding, excluding and cell ids against a plain enumeration that
 * remembers every cell, over many random configurations. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/rng.h"
#include "sweep/grid.h"
#include "sweep/walk.h"
#include "tests/unit/draw_config.h"

enum {
    CONFIGS = 300,
    MAX_POINTS = 4096,
};

/* The plain enumeration: values of a point by dividing its number. */
static void plain_values(const struct mx_config *config, uint64_t number, struct mx_value *raw)
{
    const struct mx_block *block = config->blocks;
    bool                   alpha = config->given[KEY_MIX_ALPHA];

    memcpy(raw, config->base, sizeof config->base);
    for (;; block++) {
        uint64_t count = 1;

        for (size_t a = 0; a < block->naxes; a++)
            count *= block->axes[a].count;
        if (number < count)
            break;
        number -= count;
    }
    for (size_t a = block->naxes; a-- > 0; number /= block->axes[a].count)
        for (size_t k = 0; k < block->axes[a].nkeys; k++) {
            raw[block->axes[a].keys[k]] = mx_axis_value(
                &block->axes[a].values[k], block->axes[a].keys[k], number % block->axes[a].count);
            alpha |= block->axes[a].keys[k] == KEY_MIX_ALPHA;
        }
    if (!alpha && raw[KEY_MIX_STRATEGY].choice == WORKER_MIX_MANIFOLD_MIXUP)
        raw[KEY_MIX_ALPHA].real = 2; /* its default there */
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The id as formats.md says it, with none of the program's own order of keys. */
static uint64_t plain_cell(const struct mx_value *raw)
{
    struct mx_buf lines[KEY_COUNT] = {{0}}, all = {0};
    char         *sorted[KEY_COUNT];
    size_t        n = 0;
    uint64_t      id;

    for (unsigned k = 0; k < KEY_COUNT; k++) {
        bool text = mx_keys[k].type == MX_TYPE_PATH;
        bool list = mx_keys[k].type == MX_TYPE_LIST;

        if (!mx_key_sweepable(k) || !mx_key_used(k, raw) || k == KEY_DATA_PATH ||
            (text && (!raw[k].text || !*raw[k].text)) || (list && raw[k].list.count == 0))
            continue;
        mx_buf_printf(&lines[k], "%s=", mx_keys[k].name);
        if (mx_keys[k].type == MX_TYPE_REAL && raw[k].real == 0)
            mx_buf_text(&lines[k], "0"); /* -0 too */
        else
            mx_value_format(k, &raw[k], &lines[k]);
        mx_buf_text(&lines[k], "\n");
        sorted[n++] = lines[k].data;
    }
    qsort(sorted, n, sizeof *sorted, by_bytes);
    for (size_t i = 0; i < n; i++)
        mx_buf_text(&all, sorted[i]);
    id = mx_hash64(all.data, all.len);
    mx_buf_free(&all);
    for (unsigned k = 0; k < KEY_COUNT; k++)
        mx_buf_free(&lines[k]);
    return id;
}

static bool plain_match(const struct mx_match *match, const struct mx_value *raw)
{
    const struct mx_value *value = &raw[match->key];
    double x = mx_keys[match->key].type == MX_TYPE_INT ? (double)value->integer : value->real;

    if (!mx_key_used(match->key, raw))
        return false;
    if (match->nany > 0)
        return mx_value_equal(match->key, value, match->any);
    return (!match->has_below || x < match->below) && (!match->has_above || x > match->above);
}

static bool plain_excluded(const struct mx_config *config, const struct mx_value *raw,
                           bool *matched)
{
    bool excluded = false;

    for (size_t i = 0; i < config->nexcludes; i++) {
        bool all = true;

        for (size_t m = 0; m < config->excludes[i].nmatches; m++)
            all = all && plain_match(&config->excludes[i].matches[m], raw);
        matched[i] |= all;
        excluded |= all;
    }
    return excluded;
}

/* One assertion a point: a hundred thousand points times all keys are many. */
static void compare_points(const struct mx_point *a, const struct mx_point *b, uint64_t seed)
{
    unsigned k = 0;

    while (k < KEY_COUNT && a->used[k] == b->used[k] &&
           mx_value_equal(k, &a->value[k], &b->value[k]))
        k++;
    cr_assert_eq(k, KEY_COUNT, "%s in config %lu", mx_keys[k % KEY_COUNT].name,
                 (unsigned long)seed);
}

static void check_config(uint64_t seed, const struct build *b, uint64_t tally[3])
{
    struct mx_grid *grid = mx_grid_new(&b->config, NULL);
    struct mx_walk *walk = mx_walk_new(grid, NULL);
    uint64_t        seen[MAX_POINTS], nseen = 0, count = mx_grid_count(grid);
    struct mx_buf   scratch = {0};
    bool            matched[BUILD_RULES] = {0}, unmatched[BUILD_RULES];

    for (uint64_t number = 0; number < count && number < MAX_POINTS; number++) {
        struct mx_value    raw[KEY_COUNT];
        struct mx_point    point;
        uint64_t           cell, i = 0;
        enum mx_point_fate fate = MX_POINT_CELL;

        plain_values(&b->config, number, raw);
        cell = plain_cell(raw);
        while (i < nseen && seen[i] != cell)
            i++;
        if (plain_excluded(&b->config, raw, matched))
            fate = MX_POINT_EXCLUDED;
        if (i < nseen)
            fate = MX_POINT_FOLDED;
        else
            seen[nseen++] = cell;

        mx_grid_point(grid, number, &point);
        cr_assert_eq(mx_grid_cell(&point, &scratch), cell, "config %lu", (unsigned long)seed);
        cr_assert_eq(mx_grid_fate(grid, number, &point), fate, "config %lu point %lu",
                     (unsigned long)seed, (unsigned long)number);
        cr_assert(mx_walk_next(walk));
        cr_assert_eq(mx_walk_number(walk), number);
        compare_points(mx_walk_point(walk), &point, seed);
        cr_assert_eq(mx_walk_fate(walk), fate);
        tally[fate]++;
    }
    if (count <= MAX_POINTS) {
        cr_assert_not(mx_walk_next(walk));
        cr_assert_eq(mx_grid_unmatched_excludes(grid, unmatched, NULL), 0);
        for (size_t i = 0; i < b->config.nexcludes; i++)
            cr_assert_eq(unmatched[i], !matched[i], "rule %zu of config %lu", i,
                         (unsigned long)seed);
    }
    mx_buf_free(&scratch);
    mx_walk_free(walk);
    mx_grid_free(grid);
}

Test(grid_property, agrees_with_a_plain_enumeration_of_random_configurations)
{
    uint64_t tally[3] = {0};

    for (uint32_t seed = 0; seed < CONFIGS; seed++) {
        struct mx_rng rng = mx_rng_at(mx_stream_make(20, 0, MX_PURPOSE_ORDER, 0), seed, 0, 0);
        struct build *b = draw_config(&rng);

        check_config(seed, b, tally);
        build_free(b);
    }
    cr_expect_gt(tally[MX_POINT_CELL], 2000);
    cr_expect_gt(tally[MX_POINT_EXCLUDED], 150);
    cr_expect_gt(tally[MX_POINT_FOLDED], 2000);
}
