#include "base/rng.h"
#include "config_files.h"
#include "sweep/grid.h"

/* Every point of two grids: the same fate and id. Returns the number of cells. */
static uint64_t expect_same_cells(const struct mx_config *a, const struct mx_config *b)
{
    struct mx_grid *ga = mx_grid_new(a, NULL), *gb = mx_grid_new(b, NULL);
    struct mx_buf   scratch = {0};
    uint64_t        cells = 0;

    cr_assert(ga && gb);
    cr_assert_eq(mx_grid_count(ga), mx_grid_count(gb));
    for (uint64_t i = 0; i < mx_grid_count(ga); i++) {
        struct mx_point    pa, pb;
        enum mx_point_fate fate;

        mx_grid_point(ga, i, &pa);
        mx_grid_point(gb, i, &pb);
        fate = mx_grid_fate(ga, i, &pa);
        cr_assert_eq(fate, mx_grid_fate(gb, i, &pb));
        cr_assert_eq(mx_grid_cell(&pa, &scratch), mx_grid_cell(&pb, &scratch));
        cells += fate == MX_POINT_CELL;
    }
    mx_buf_free(&scratch);
    mx_grid_free(ga);
    mx_grid_free(gb);
    return cells;
}

/* Read, write, read: the same values, cells and text. Returns the number of cells. */
static uint64_t expect_round_trip(const char *text)
{
    struct mx_config *config = good_config(text), *copy;
    struct mx_buf     first = {0}, second = {0};
    uint64_t          cells;

    mx_config_write(config, &first);
    copy = good_config(first.data);
    mx_config_write(copy, &second);
    cr_assert_str_eq(mx_buf_str(&first), mx_buf_str(&second));
    cr_assert_str_eq(config->directory, copy->directory);
    cr_assert_str_eq(config->name, copy->name);
    for (size_t k = KEY_SEED; k < KEY_COUNT; k++) {
        enum mx_key_id key = (enum mx_key_id)k;

        cr_assert(mx_value_equal(key, &config->base[k], &copy->base[k]), "%s differs after\n%s",
                  mx_keys[k].name, text);
    }
    cells = expect_same_cells(config, copy);
    mx_config_free(config);
    mx_config_free(copy);
    mx_buf_free(&first);
    mx_buf_free(&second);
    return cells;
}

Test(config_write, awkward_text_numbers_and_times_read_back)
{
    cr_expect_eq(expect_round_trip(
                     CONFIG_BASE
                     "name: \"a \\\"b\\\" \\\\ # {c}: \xc3\xa4\"\nseed: 9007199254740991\n"
                     "train: {lr: 0.30000000000000004, weight_decay: 5e-324, momentum: 1e-05}\n"
                     "schedule: {trial_timeout: 3600.1s, stall_timeout: 1d}\n"
                     "grid: {data.path: [a, 'b c', \"null\", \"1\", 'd: e', \"#f\", ' g ']}\n"),
                 1);
}

Test(config_write, every_form_of_axis_and_rule_reads_back)
{
    expect_round_trip(CONFIG_BASE
                      "grids:\n- mix.strategy: [none, mixup]\n"
                      "  mix.alpha: {log: [.1, 1.6], count: 5}\n"
                      "- zip: {mix.prob: {linear: [0, 1], step: .5}, train.momentum: [0, .5, .9]}\n"
                      "  train.epochs: {linear: [30, 10], step: -10}\n- {}\n"
                      "exclude:\n- {mix.strategy: [none], mix.alpha: {below: .2, above: 0.01}}\n"
                      "- mix.prob: {above: 0.9}\n  train.momentum: [0, .9]\n");
}

/* Keys with texts that they can have. */
static const struct {
    const char *key;
    const char *values[5];
} choices[] = {
    {"mix.strategy", {"none", "mixup", "cutmix", "cutout", "manifold_mixup"}},
    {"mix.alpha", {"0.2", "1", "1e-1", "3."}},
    {"mix.prob", {"0", ".5", "1", "0.25"}},
    {"mix.labels", {"mixed", "dominant", "host", NULL}},
    {"mix.granularity", {"batch", "sample", NULL}},
    {"mix.weight", {"effective", "drawn", NULL}},
    {"mix.size", {"half", "3", "12", NULL}},
    {"train.lr", {"0.1", "1e-3", "0.30000000000000004", "7"}},
    {"train.epochs", {"1", "2", "1e1", "30"}},
    {"train.schedule", {"cosine", "step", "constant", NULL}},
    {"train.gamma", {"0.1", "0.5", "1", NULL}},
    {"train.nesterov", {"true", "false", NULL}},
    {"data.train_limit", {"all", "500", "50", NULL}},
    {"data.synthetic.n", {"100", "2000", "20", NULL}},
    {"data.path", {"a", "\"b c\"", "'d: e'", "../f"}},
};

enum {
    CHOICES = sizeof choices / sizeof choices[0]
};

static size_t count_values(size_t key)
{
    size_t n = 0;

    while (n < 5 && choices[key].values[n])
        n++;
    return n;
}

/* A list of n different values, from a random first one on. */
static void draw_list(struct mx_rng *rng, size_t key, size_t n, struct mx_buf *out)
{
    size_t all = count_values(key), first = mx_rng_below(rng, all);

    for (size_t i = 0; i < n; i++)
        mx_buf_printf(out, "%s%s", i > 0 ? ", " : "[", choices[key].values[(first + i) % all]);
    mx_buf_text(out, "]");
}

/* A block of up to four axes, the first two zipped now and then. */
static void draw_block(struct mx_rng *rng, struct mx_buf *out)
{
    uint32_t order[CHOICES];
    size_t   n = 1 + mx_rng_below(rng, 4), at = 0;

    mx_rng_permutation(rng, order, CHOICES);
    mx_buf_text(out, "{");
    if (n > 1 && mx_rng_below(rng, 3) == 0) {
        mx_buf_printf(out, "zip: {%s: ", choices[order[0]].key);
        draw_list(rng, order[0], 2, out);
        mx_buf_printf(out, ", %s: ", choices[order[1]].key);
        draw_list(rng, order[1], 2, out);
        mx_buf_text(out, "}");
        at = 2;
    }
    for (; at < n; at++) {
        mx_buf_printf(out, "%s%s: ", at > 0 ? ", " : "", choices[order[at]].key);
        draw_list(rng, order[at], 1 + mx_rng_below(rng, count_values(order[at])), out);
    }
    mx_buf_text(out, "}");
}

static void draw_rule(struct mx_rng *rng, struct mx_buf *out)
{
    size_t key = mx_rng_below(rng, CHOICES);

    mx_buf_printf(out, "- {%s: ", choices[key].key);
    draw_list(rng, key, 1, out);
    mx_buf_text(out, ", train.threads: {below: 2}}\n");
}

Test(config_write, a_random_configuration_reads_back_with_the_same_cells)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    uint64_t      cells = 0;

    for (int i = 0; i < 150; i++) {
        struct mx_buf text = {0};
        uint64_t      blocks = 1 + mx_rng_below(&rng, 3), rules = mx_rng_below(&rng, 2);

        mx_buf_text(&text, CONFIG_BASE "mix: {layers: [input]}\ngrids:\n");
        while (blocks-- > 0) {
            mx_buf_text(&text, "- ");
            draw_block(&rng, &text);
            mx_buf_text(&text, "\n");
        }
        mx_buf_text(&text, rules > 0 ? "exclude:\n" : "");
        while (rules-- > 0)
            draw_rule(&rng, &text);
        cells += expect_round_trip(mx_buf_str(&text));
        mx_buf_free(&text);
    }
    cr_expect_gt(cells, 500);
}
