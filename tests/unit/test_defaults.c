/* Defaults that depend on another key: mix.alpha is 2 under manifold_mixup. */
#include <criterion/criterion.h>
#include <string.h>

#include "config_files.h"
#include "sweep/defaults.h"
#include "sweep/grid.h"
#include "sweep/value.h"
#include "sweep/walk.h"
#include "worker/params.h"

Test(defaults, other_ones_are_numbers_or_words_within_their_bounds)
{
    struct mx_specials specials;

    mx_specials_find(&specials);
    cr_assert_geq(specials.n, 1);
    for (size_t s = 0; s < specials.n; s++) {
        const struct mx_key *key = &mx_keys[specials.key[s].key];
        double               x = mx_value_number(specials.key[s].key, &specials.key[s].other);

        cr_expect(key->type == MX_TYPE_REAL || key->type == MX_TYPE_INT);
        cr_expect(key->above_low ? x > key->low : x >= key->low, "%s", key->name);
        cr_expect_leq(x, key->high);
        cr_expect_eq(mx_keys[key->other_when.key].type, MX_TYPE_CHOICE);
        cr_expect_str_neq(key->other_text, key->default_text);
    }
}

/* The alphas of all cells in turn, "-" where it is not used; and their ids. */
static size_t read_cells(const struct mx_config *config, char *alphas, size_t size,
                         uint64_t ids[16])
{
    struct mx_grid *grid = mx_grid_new(config, NULL);
    struct mx_walk *walk = mx_walk_new(grid, NULL);
    struct mx_buf   text = {0}, scratch = {0};
    size_t          n = 0;

    while (mx_walk_next(walk)) {
        const struct mx_point *point = mx_walk_point(walk);
        struct mx_point        again;
        struct worker_params   params;

        mx_grid_point(grid, mx_walk_number(walk), &again);
        cr_assert_eq(again.value[KEY_MIX_ALPHA].real, point->value[KEY_MIX_ALPHA].real);
        if (mx_walk_fate(walk) != MX_POINT_CELL)
            continue;
        mx_buf_text(&text, n > 0 ? " " : "");
        if (point->used[KEY_MIX_ALPHA])
            mx_value_format(KEY_MIX_ALPHA, &point->value[KEY_MIX_ALPHA], &text);
        else
            mx_buf_text(&text, "-");
        cr_assert_eq(mx_grid_params(grid, point, &params, NULL), 0);
        cr_assert_eq(params.mix_alpha, point->value[KEY_MIX_ALPHA].real);
        ids[n++] = mx_grid_cell(point, &scratch);
    }
    snprintf(alphas, size, "%s", mx_buf_str(&text));
    mx_buf_free(&text);
    mx_buf_free(&scratch);
    mx_walk_free(walk);
    mx_grid_free(grid);
    return n;
}

/* The alphas of a configuration's cells; the same after it was written and read. */
static void expect_alphas(const char *text, const char *expected)
{
    struct mx_config *config = good_config(text), *copy;
    struct mx_buf     written = {0};
    uint64_t          ids[16], again[16];
    char              alphas[128];
    size_t            n = read_cells(config, alphas, sizeof alphas, ids);

    cr_expect_str_eq(alphas, expected, "%s: %s", text, alphas);
    mx_config_write(config, &written);
    copy = good_config(mx_buf_str(&written));
    cr_expect_eq(read_cells(copy, alphas, sizeof alphas, again), n);
    cr_expect_str_eq(alphas, expected, "%s: %s", mx_buf_str(&written), alphas);
    cr_expect_arr_eq(ids, again, n * sizeof ids[0]);
    mx_buf_free(&written);
    mx_config_free(config);
    mx_config_free(copy);
}

Test(defaults, alpha_is_2_under_manifold_mixup_and_1_elsewhere)
{
    expect_alphas(CONFIG_BASE "mix: {strategy: manifold_mixup, layers: [input]}\n", "2");
    expect_alphas(CONFIG_BASE "mix: {strategy: mixup}\n", "1");
    expect_alphas(CONFIG_BASE "mix: {strategy: manifold_mixup, layers: [input], alpha: 1}\n", "1");
    /* One alpha for all choices. */
    expect_alphas(
        CONFIG_BASE "mix: {strategy: choices, choices: [manifold_mixup], layers: [input]}\n", "1");
}

Test(defaults, alpha_follows_an_axis_of_strategies)
{
    static const char layers[] = CONFIG_BASE "mix: {layers: [input]}\n";
    char              text[1000];

    snprintf(text, sizeof text, "%s%s", layers,
             "grid:\n  mix.strategy: [mixup, manifold_mixup, none, cutmix]\n"
             "  train.lr: [0.1, 0.2]\n");
    expect_alphas(text, "1 1 2 2 - - 1 1");
    snprintf(text, sizeof text, "%s%s", layers,
             "grid:\n  train.lr: [0.1, 0.2]\n  mix.strategy: [manifold_mixup, mixup]\n");
    expect_alphas(text, "2 1 2 1");
    /* What is set counts, on an axis too. */
    snprintf(text, sizeof text, "%s%s", layers,
             "grid:\n  mix.strategy: [manifold_mixup, mixup]\n  mix.alpha: [1, 3]\n");
    expect_alphas(text, "1 3 1 3");
    snprintf(text, sizeof text, "%s",
             CONFIG_BASE "mix: {layers: [input], alpha: 1}\n"
                         "grid: {mix.strategy: [manifold_mixup, mixup]}\n");
    expect_alphas(text, "1 1");
}

Test(defaults, blocks_and_exclude_rules_see_the_alpha_that_counts)
{
    static const char layers[] = CONFIG_BASE "mix: {layers: [input]}\n";
    char              text[1000];

    /* The second block's first cell is one of the first block. */
    snprintf(text, sizeof text, "%s%s", layers,
             "grids:\n- mix.strategy: [mixup, manifold_mixup]\n"
             "- {mix.strategy: [manifold_mixup], mix.alpha: [2, 1]}\n");
    expect_alphas(text, "1 2 1");
    snprintf(text, sizeof text, "%s%s", layers,
             "grids:\n- {mix.strategy: [manifold_mixup], mix.alpha: [2, 1]}\n"
             "- mix.strategy: [mixup, manifold_mixup]\n");
    expect_alphas(text, "2 1 1");
    snprintf(text, sizeof text, "%s%s", layers,
             "grid: {mix.strategy: [mixup, manifold_mixup, cutmix]}\n"
             "exclude:\n- {mix.alpha: 2}\n");
    expect_alphas(text, "1 1");
    /* Only what remains must make sense: rule `only` goes with all but manifold_mixup. */
    snprintf(text, sizeof text, "%s%s", layers,
             "grid:\n  mix.strategy: [mixup, manifold_mixup]\n  mix.labels: [mixed, only]\n"
             "exclude:\n- {mix.alpha: {above: 1.5}, mix.labels: only}\n");
    expect_alphas(text, "1 1 2");
}

Test(defaults, a_written_configuration_names_both_where_the_grid_decides)
{
    struct mx_config *config = good_config(CONFIG_BASE "grid: {mix.strategy: [mixup, cutmix]}\n");
    struct mx_buf     written = {0};

    mx_config_write(config, &written);
    cr_expect_not_null(
        strstr(mx_buf_str(&written), "  # alpha: 1, but 2 with mix.strategy: manifold_mixup\n"),
        "%s", mx_buf_str(&written));
    cr_expect_null(strstr(mx_buf_str(&written), "\n  alpha:"));
    mx_config_free(config);
    mx_buf_clear(&written);
    config = good_config(CONFIG_BASE "mix: {strategy: manifold_mixup, layers: [input]}\n");
    mx_config_write(config, &written);
    cr_expect_not_null(strstr(mx_buf_str(&written), "\n  alpha: 2\n"));
    mx_config_free(config);
    mx_buf_free(&written);
}

/* Those of the papers, where they name any: a number that is changed by mistake changes results. */
Test(defaults, of_mixing_are_those_of_the_papers)
{
    struct mx_config *config =
        good_config(CONFIG_BASE "mix: {strategy: choices, choices: [mixup, cutmix]}\n");
    struct mx_grid      *grid = mx_grid_new(config, NULL);
    struct worker_params params;
    struct mx_point      point;

    mx_grid_point(grid, 0, &point);
    cr_assert_eq(mx_grid_params(grid, &point, &params, NULL), 0);
    cr_expect_eq(params.mix_alpha, 1);
    cr_expect_eq(params.mix_prob, 1);
    cr_expect_eq(params.mix_labels, WORKER_LABELS_MIXED);
    cr_expect_eq(params.mix_granularity, WORKER_GRANULARITY_BATCH);
    cr_expect_eq(params.mix_weight, WORKER_WEIGHT_EFFECTIVE);
    cr_expect_eq(params.mix_size, 0); /* half of the side */
    cr_expect_eq(params.mix_cells, 4);
    cr_expect_eq(params.mix_decay, 3);
    cr_expect_eq(params.mix_scale.count, 2);
    cr_expect_eq(params.mix_scale.items[0], 0.1);
    cr_expect_eq(params.mix_scale.items[1], 0.8);
    cr_expect_eq(params.mix_beta, 1.2);
    cr_expect_eq(params.mix_gamma, 0.5);
    cr_expect_eq(params.mix_eta, 0.2);
    cr_expect_eq(params.mix_transport_cost, 0.8);
    cr_expect_eq(params.mix_layers.count, 3);
    cr_expect_eq(params.mix_off_epochs, 0);
    cr_expect_eq(params.mix_ramp_epochs, 0);
    mx_grid_free(grid);
    mx_config_free(config);
}
