#include "config_files.h"
#include "sweep/grid.h"
#include "worker/params.h"

/* The values of the only axis of a configuration, as text. */
static void expect_axis(const char *axis, const char *values)
{
    struct mx_buf     text = {0}, out = {0};
    struct mx_config *config;

    mx_buf_printf(&text, CONFIG_BASE "grid: {%s}\n", axis);
    config = good_config(text.data);
    cr_assert_eq(config->nblocks, 1);
    cr_assert_eq(config->blocks[0].naxes, 1);
    for (uint64_t i = 0; i < config->blocks[0].axes[0].count; i++) {
        const struct mx_axis *a = &config->blocks[0].axes[0];
        struct mx_value       value = mx_axis_value(&a->values[0], a->keys[0], i);

        mx_buf_text(&out, i > 0 ? " " : "");
        mx_value_format(a->keys[0], &value, &out);
    }
    cr_expect_str_eq(mx_buf_str(&out), values);
    mx_config_free(config);
    mx_buf_free(&text);
    mx_buf_free(&out);
}

Test(config, ranges_hold_the_numbers_that_one_would_write)
{
    expect_axis("mix.prob: {linear: [0, 1], step: 0.1}", "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1");
    expect_axis("mix.prob: {linear: [0.1, 0.7], count: 4}", "0.1 0.3 0.5 0.7");
    expect_axis("mix.prob: {linear: [1, 0], step: -0.25}", "1 0.75 0.5 0.25 0");
    expect_axis("mix.prob: {linear: [0, 1], count: 4}",
                "0 0.3333333333333333 0.6666666666666666 1");
    expect_axis("mix.prob: {linear: [0.5, 0.5], count: 1}", "0.5");
    expect_axis("train.epochs: {linear: [10, 30], step: 5}", "10 15 20 25 30");
    expect_axis("train.epochs: {linear: [1e2, 1], count: 2}", "100 1");
    expect_axis("mix.alpha: {log: [0.1, 1.6], count: 5}", "0.1 0.2 0.4 0.8 1.6");
    expect_axis("mix.alpha: {log: [1, 0.001], count: 4}", "1 0.1 0.01 0.001");
    expect_axis("train.epochs: {log: [1, 16], count: 5}", "1 2 4 8 16");
    expect_axis("train.lr: {log: [1e-3, 1], count: 2}", "0.001 1");
}

Test(config, values_of_a_range_are_the_same_numbers_as_those_of_a_list)
{
    struct mx_config *config = good_config(
        CONFIG_BASE "grid: {zip: {mix.prob: {linear: [0, 1], step: 0.1}, "
                    "train.momentum: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]}}\n");
    const struct mx_axis *axis = &config->blocks[0].axes[0];

    cr_assert_eq(axis->nkeys, 2);
    cr_assert_eq(axis->count, 11);
    for (uint64_t i = 0; i < axis->count; i++)
        cr_expect_eq(mx_axis_value(&axis->values[0], KEY_MIX_PROB, i).real,
                     mx_axis_value(&axis->values[1], KEY_TRAIN_MOMENTUM, i).real);
    mx_config_free(config);
}

Test(config, a_range_of_10_to_the_14_values_takes_no_memory)
{
    struct mx_config *config = good_config(
        CONFIG_BASE "grid: {train.lr: {linear: [1e-3, 100], count: 100000000000000}}\n");
    const struct mx_axis *axis = &config->blocks[0].axes[0];

    cr_expect_eq(axis->count, UINT64_C(100000000000000));
    cr_expect_eq(mx_axis_value(&axis->values[0], KEY_TRAIN_LR, 0).real, 1e-3);
    cr_expect_eq(mx_axis_value(&axis->values[0], KEY_TRAIN_LR, axis->count - 1).real, 100);
    mx_config_free(config);
}

static const struct {
    enum mx_key_id key;
    const char    *text;
} defaults[] = {
    {KEY_SEED, "0"},
    {KEY_REPEATS, "1"},
    {KEY_SEEDS, "paired"},
    {KEY_DATA_SIZE, "native"},
    {KEY_DATA_NORMALIZE, "dataset"},
    {KEY_DATA_AUGMENT, "none"},
    {KEY_DATA_VAL_FRACTION, "0.1"},
    {KEY_DATA_ON_DECODE_ERROR, "fail"},
    {KEY_TRAIN_EPOCHS, "30"},
    {KEY_TRAIN_BATCH_SIZE, "128"},
    {KEY_TRAIN_OPTIMIZER, "sgd"},
    {KEY_TRAIN_LR, "0.1"},
    {KEY_TRAIN_MOMENTUM, "0.9"},
    {KEY_TRAIN_NESTEROV, "false"},
    {KEY_TRAIN_WEIGHT_DECAY, "0.0005"},
    {KEY_TRAIN_DECAY_NORM_AND_BIAS, "true"},
    {KEY_TRAIN_SCHEDULE, "cosine"},
    {KEY_TRAIN_STEP_EPOCHS, "30"},
    {KEY_TRAIN_GAMMA, "0.1"},
    {KEY_TRAIN_WARMUP_EPOCHS, "0"},
    {KEY_TRAIN_LABEL_SMOOTHING, "0"},
    {KEY_TRAIN_CLIP_NORM, "0"},
    {KEY_TRAIN_EMA, "0"},
    {KEY_TRAIN_PRECISION, "f32"},
    {KEY_TRAIN_THREADS, "1"},
    {KEY_TRAIN_DETERMINISTIC, "true"},
    {KEY_MIX_STRATEGY, "none"},
    {KEY_MIX_PROB, "1"},
    {KEY_MIX_LABELS, "mixed"},
    {KEY_MIX_GRANULARITY, "batch"},
    {KEY_MODEL_STEM, "auto"},
    {KEY_HEAD_METHOD, "erm"},
    {KEY_HEAD_PRECISION, "f32"},
    {KEY_HEAD_HSFM_SUPPORT_PER_CLASS, "16"},
    {KEY_HEAD_HSFM_INNER_STEPS, "15"},
    {KEY_HEAD_HSFM_INNER_LR, "5e-05"},
    {KEY_HEAD_HSFM_OUTER_LR, "1"},
    {KEY_HEAD_HSFM_EDIT_STEPS, "15"},
    {KEY_HEAD_HSFM_HARD_PER_CLASS, "64"},
    {KEY_HEAD_HSFM_EPOCHS, "40"},
    {KEY_HEAD_HSFM_GRAD_CLIP, "10"},
    {KEY_HEAD_HSFM_HARD_SPLIT, "same"},
    {KEY_HEAD_HSFM_FORM, "auto"},
    {KEY_SCORE_METRICS, "[accuracy]"},
    {KEY_SCORE_IMAGES, "200"},
    {KEY_SCORE_STEPS, "28"},
    {KEY_SCORE_FILLS, "[zero]"},
    {KEY_SCORE_TARGET, "label"},
    {KEY_SCORE_RANK, "absolute"},
    {KEY_SCORE_TIES, "random"},
    {KEY_SCORE_BOOTSTRAP, "1000"},
    {KEY_SCORE_INTER_MODEL_MIN_ACCURACY, "0.5"},
    {KEY_SEARCH_STRATEGY, "grid"},
    {KEY_SEARCH_METRIC, "val.accuracy"},
    {KEY_SCHEDULE_RETRIES, "2"},
    {KEY_SCHEDULE_KEEP, "weights"},
    {KEY_SCHEDULE_CHECKPOINT_EVERY, "5m"},
    {KEY_SCHEDULE_STALL_TIMEOUT, "10m"},
    {KEY_SCHEDULE_RANK_TIMEOUT, "30s"},
    {KEY_SCHEDULE_EARLY_STOP, "none"},
    {KEY_SCHEDULE_TRIAL_TIMEOUT, "none"},
};

Test(config, what_is_not_written_has_the_default_of_the_contract)
{
    struct mx_config *config = good_config(CONFIG_BASE);

    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        struct mx_buf text = {0};

        mx_value_format(defaults[i].key, &config->base[defaults[i].key], &text);
        cr_expect_str_eq(mx_buf_str(&text), defaults[i].text, "%s is %s",
                         mx_keys[defaults[i].key].name, mx_buf_str(&text));
        cr_expect_not(config->given[defaults[i].key]);
        mx_buf_free(&text);
    }
    cr_expect_eq(config->nblocks, 1);
    cr_expect_eq(config->blocks[0].naxes, 0);
    cr_expect_str_eq(config->name, "c");
    mx_config_free(config);
}

Test(config, a_key_that_is_not_built_may_be_written_with_its_default)
{
    mx_config_free(good_config(
        CONFIG_BASE "train: {ema: 0, clip_norm: 0.0, label_smoothing: 0, precision: f32}\n"
                    "head: {hsfm: {hard_split: same, inner_lr: 5e-5}, dfr.subsets: 20}\n"
                    "score: {fills: [zero], images: 200}\nschedule: {rank_timeout: 30s}\n"
                    "search: {strategy: grid, budget: none}\n"));
}

Test(config, sections_nest_or_use_dots)
{
    struct mx_config *config =
        good_config("data: {set: synthetic, synthetic: {n: 500, noise: 0}, synthetic.classes: 3}\n"
                    "model: {arch: linear}\n");

    cr_expect_eq(config->base[KEY_DATA_SYNTHETIC_N].integer, 500);
    cr_expect_eq(config->base[KEY_DATA_SYNTHETIC_CLASSES].integer, 3);
    cr_expect(config->given[KEY_DATA_SYNTHETIC_NOISE]);
    mx_config_free(config);
}

/* Read with --set texts, and with smoke or not. */
static struct mx_config *with_sets(const char *text, const char *const *sets, size_t nsets,
                                   bool smoke)
{
    struct mx_buf     report = {0};
    struct mx_config *config =
        config_of_bytes(text, strlen(text), sets, nsets, smoke, &report, NULL);

    cr_assert(config, "%s", mx_buf_str(&report));
    mx_buf_free(&report);
    return config;
}

static const char swept[] = CONFIG_BASE
    "train: {epochs: 9}\n"
    "grid:\n  train.lr: [0.1, 0.2]\n  zip: {mix.prob: [0.5, 1, 0.5], mix.alpha: [1, 2, 2]}\n"
    "smoke: {train: {epochs: 2}, train.lr: 0.5}\n";

Test(config, smoke_values_win_over_the_file_and_end_an_axis)
{
    struct mx_config *plain = with_sets(swept, NULL, 0, false);
    struct mx_config *smoke = with_sets(swept, NULL, 0, true);

    cr_expect_not(plain->smoke);
    cr_expect_eq(plain->base[KEY_TRAIN_EPOCHS].integer, 9);
    cr_expect_eq(plain->blocks[0].naxes, 2);
    cr_expect(smoke->smoke);
    cr_expect_eq(smoke->base[KEY_TRAIN_EPOCHS].integer, 2);
    cr_expect_eq(smoke->base[KEY_TRAIN_LR].real, 0.5);
    cr_assert_eq(smoke->blocks[0].naxes, 1);
    cr_expect_eq(smoke->blocks[0].axes[0].nkeys, 2);
    mx_config_free(plain);
    mx_config_free(smoke);
}

Test(config, set_wins_over_smoke_and_a_later_set_over_an_earlier_one)
{
    static const char *const sets[] = {"train.epochs=3", "train.epochs=4", "name=other",
                                       "schedule.trial_timeout=90s"};
    struct mx_config        *config = with_sets(swept, sets, 4, true);

    cr_expect_eq(config->base[KEY_TRAIN_EPOCHS].integer, 4);
    cr_expect_eq(config->base[KEY_SCHEDULE_TRIAL_TIMEOUT].real, 90);
    cr_expect_str_eq(config->name, "other");
    mx_config_free(config);
}

Test(config, set_of_a_zipped_key_leaves_the_other_and_merges_equal_tuples)
{
    static const char *const sets[] = {"mix.alpha=3"};
    struct mx_config        *config = with_sets(swept, sets, 1, false);
    const struct mx_axis    *axis = &config->blocks[0].axes[1];

    cr_assert_eq(config->blocks[0].naxes, 2);
    cr_expect_eq(axis->nkeys, 1);
    cr_assert_eq(axis->count, 2);
    cr_expect_eq(axis->keys[0], KEY_MIX_PROB);
    cr_expect_eq(mx_axis_value(&axis->values[0], KEY_MIX_PROB, 0).real, 0.5);
    cr_expect_eq(mx_axis_value(&axis->values[0], KEY_MIX_PROB, 1).real, 1);
    cr_expect_eq(config->base[KEY_MIX_ALPHA].real, 3);
    mx_config_free(config);
}

Test(config, set_grid_replaces_an_axis_in_place_or_adds_the_last_one)
{
    static const char *const sets[] = {"grid.train.lr={log: [1e-3, 1], count: 4}",
                                       "grid.mix.strategy=[none, cutmix]"};
    struct mx_config        *config = with_sets(swept, sets, 2, false);

    cr_assert_eq(config->blocks[0].naxes, 3);
    cr_expect_eq(config->blocks[0].axes[0].keys[0], KEY_TRAIN_LR);
    cr_expect_eq(config->blocks[0].axes[0].count, 4);
    cr_expect_eq(config->blocks[0].axes[2].keys[0], KEY_MIX_STRATEGY);
    mx_config_free(config);
}

Test(config, relative_paths_start_from_the_folder_of_the_file_or_from_directory)
{
    struct mx_config *config = good_config(CONFIG_BASE "directory: sub\n");
    struct mx_buf     text = {0};

    cr_expect_eq(config->directory[0], '/');
    cr_expect_str_eq(strrchr(config->directory, '/'), "/sub");
    mx_buf_printf(&text, CONFIG_BASE "directory: %s\n", config->directory);
    mx_config_free(config);
    config = good_config(text.data);
    cr_expect(strncmp(text.data + strlen(CONFIG_BASE "directory: "), config->directory,
                      strlen(config->directory)) == 0);
    mx_config_free(config);
    mx_buf_free(&text);
}

Test(config, search_metric_falls_to_what_is_measured)
{
    static const struct {
        const char *metrics, *chosen;
    } cases[] = {
        {"[accuracy]", "val.accuracy"},
        {"[accuracy, worst_group_accuracy]", "val.worst_group_accuracy"},
        {"[cross_entropy, confidence]", "val.cross_entropy"},
        {"[cross_entropy, accuracy]", "val.accuracy"},
        {"[group_accuracy]", "val.group_accuracy.0"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mx_buf     text = {0};
        struct mx_config *config;

        mx_buf_printf(&text, CONFIG_BASE "score: {metrics: %s}\n", cases[i].metrics);
        config = good_config(text.data);
        cr_expect_str_eq(config->base[KEY_SEARCH_METRIC].text, cases[i].chosen);
        mx_config_free(config);
        mx_buf_free(&text);
    }
    mx_config_free(good_config(CONFIG_BASE "score: {metrics: [group_accuracy, accuracy]}\n"
                                           "search: {metric: val.group_accuracy.3}\n"));
}

static void expect_warning(const char *text, const char *warning)
{
    struct mx_buf     report = {0};
    struct mx_config *config = config_of(text, &report);

    cr_expect(config);
    cr_expect_str_eq(mx_buf_str(&report), warning);
    mx_config_free(config);
    mx_buf_free(&report);
}

Test(config, a_value_that_is_folded_away_everywhere_is_a_warning)
{
    expect_warning(CONFIG_BASE "mix: {alpha: 0.2}\n",
                   "c.yaml:3:7: warning: mix.alpha has no effect: it is used only with "
                   "mix.strategy: mixup, cutmix, saliencymix, fmix, puzzlemix, gridmix, "
                   "manifold_mixup, choices\n");
    expect_warning(CONFIG_BASE "grid: {mix.labels: [mixed, host], mix.strategy: [none, cutout]}\n",
                   "c.yaml:3:8: warning: mix.labels has no effect: it is not used with "
                   "mix.strategy: none, cutout\n");
    expect_warning(CONFIG_BASE "mix: {alpha: 0.2}\ngrid: {mix.strategy: [none, mixup]}\n", "");
    expect_warning(CONFIG_BASE "mix: {alpha: 1}\n", "");
}

Test(config, a_value_that_no_entry_of_the_choices_uses_is_a_warning)
{
    expect_warning(CONFIG_BASE "mix: {strategy: choices, choices: [cutmix], decay: 2}\n",
                   "c.yaml:3:45: warning: mix.decay has no effect: no entry of mix.choices uses it "
                   "(it is used only with mix.strategy: fmix, choices)\n");
    expect_warning(
        CONFIG_BASE "mix: {strategy: choices, choices: [none, cutout], labels: only}\n",
        "c.yaml:3:51: warning: mix.labels has no effect: no entry of mix.choices uses it "
        "(it is not used with mix.strategy: none, cutout)\n");
    expect_warning(CONFIG_BASE "mix: {choices: [cutmix, mixup]}\n"
                               "grid: {mix.strategy: [choices, cutmix], mix.size: [4, 8]}\n",
                   "c.yaml:4:41: warning: mix.size has no effect: no entry of mix.choices uses it "
                   "(it is used only with mix.strategy: cutout, choices)\n");
    /* Used by one of several lists, or by another strategy beside `choices`. */
    expect_warning(CONFIG_BASE "mix: {decay: 2}\ngrid: {mix.strategy: [choices], mix.choices: "
                               "[[cutmix], [mixup, fmix]]}\n",
                   "");
    expect_warning(CONFIG_BASE "mix: {decay: 2, choices: [cutmix]}\n"
                               "grid: {mix.strategy: [choices, fmix]}\n",
                   "");
}

Test(config, batches_of_one_image_are_a_warning_where_a_strategy_takes_two)
{
    const char *warning =
        "c.yaml:3:9: warning: train.batch_size: an image alone in its batch is not "
        "mixed (give 2 or more, or mix.strategy: none)\n";

    expect_warning(CONFIG_BASE "train: {batch_size: 1}\nmix: {strategy: cutmix}\n", warning);
    expect_warning(CONFIG_BASE "train: {batch_size: 1}\nmix: {strategy: choices, choices: [cutout, "
                               "mixup]}\n",
                   warning);
    expect_warning(CONFIG_BASE "train: {batch_size: 1}\nmix: {strategy: cutout}\n", "");
    expect_warning(CONFIG_BASE "train: {batch_size: 2}\nmix: {strategy: cutmix}\n", "");
    expect_warning(CONFIG_BASE "grid: {train.batch_size: [1, 8], mix.strategy: [none, cutmix]}\n"
                               "exclude: [{train.batch_size: 1, mix.strategy: cutmix}]\n",
                   "");
}

Test(config, no_validation_images_leave_nothing_to_rank_by_and_that_is_a_warning)
{
    expect_warning("data: {set: mnist, val_fraction: 0}\nmodel: {arch: linear}\n",
                   "c.yaml:1:20: warning: data.val_fraction: 0: there will be no val.* columns: "
                   "nothing to rank by\n");
    expect_warning("data: {set: mnist}\nmodel: {arch: linear}\n"
                   "grid: {data.val_fraction: [0.1, 0]}\n",
                   "c.yaml:3:8: warning: data.val_fraction: where it is 0 there will be no val.* "
                   "values: nothing to rank by\n");
    expect_warning("data: {set: mnist}\nmodel: {arch: linear}\n"
                   "grid: {data.val_fraction: [0.1, 0.2]}\n",
                   "");
    expect_warning("data: {set: mnist, val_fraction: 0.01}\nmodel: {arch: linear}\n", "");
}

Test(config, group_metrics_on_sets_with_and_without_groups_are_a_warning)
{
    expect_warning("model: {arch: linear}\ngrid: {data.set: [synthetic, mnist]}\n"
                   "score: {metrics: [accuracy, group_gap]}\n",
                   "c.yaml:3:9: warning: score.metrics: 'group_gap' stays empty for the data sets "
                   "without groups\n");
}

Test(config, a_warm_up_may_be_longer_than_epochs_that_an_exclude_rule_could_leave_out)
{
    mx_config_free(good_config(CONFIG_BASE "train: {warmup_epochs: 2}\n"
                                           "grid: {train.epochs: [1, 5]}\n"
                                           "exclude: [{train.epochs: 1}]\n"));
}

Test(config, strategies_that_an_exclude_rule_keeps_from_a_label_rule_are_no_error)
{
    mx_config_free(good_config(CONFIG_BASE
                               "grid: {mix.strategy: [cutmix, recursivemix], mix.labels: [mixed, "
                               "dominant, only]}\n"
                               "exclude: [{mix.strategy: recursivemix, mix.labels: [dominant, "
                               "only]}]\n"));
    mx_config_free(good_config(
        CONFIG_BASE "grid: {zip: {mix.strategy: [cutmix, recursivemix], mix.labels: [only, "
                    "mixed]}}\n"));
}

Test(config, choices_may_repeat_and_become_a_parameter)
{
    struct mx_config *config = good_config(
        CONFIG_BASE "mix: {strategy: choices, choices: [cutmix, cutmix, mixup], alpha: 0.3}\n");
    struct mx_grid      *grid = mx_grid_new(config, NULL);
    struct worker_params params;
    struct mx_point      point;

    mx_grid_point(grid, 0, &point);
    cr_assert_eq(mx_grid_params(grid, &point, &params, NULL), 0);
    cr_expect_eq(params.mix_choices.count, 3);
    cr_expect_eq(params.mix_choices.items[1], WORKER_MIX_CUTMIX);
    cr_expect_eq(params.mix_choices.items[2], WORKER_MIX_MIXUP);
    cr_expect_eq(params.mix_alpha, 0.3); /* what any choice may use counts */
    mx_grid_free(grid);
    mx_config_free(config);
}

Test(config, a_range_may_be_a_single_value_and_becomes_a_parameter)
{
    struct mx_config *config =
        good_config(CONFIG_BASE "mix: {strategy: resizemix, scale: [0.5, 0.5]}\n");
    struct mx_grid      *grid = mx_grid_new(config, NULL);
    struct worker_params params;
    struct mx_point      point;

    cr_assert(grid);
    mx_grid_point(grid, 0, &point);
    cr_assert_eq(mx_grid_params(grid, &point, &params, NULL), 0);
    cr_expect_eq(params.mix_scale.count, 2);
    cr_expect_eq(params.mix_scale.items[0], 0.5);
    cr_expect_eq(params.mix_scale.items[1], 0.5);
    mx_grid_free(grid);
    mx_config_free(config);
}

Test(config, a_missing_file_is_the_users_mistake_and_a_folder_is_no_file)
{
    struct mx_config_report report = {0};
    struct mx_err           err = {0};

    cr_expect_null(mx_config_read("/tmp/mixsweep-no-such.yaml", NULL, 0, false, &report, &err));
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "there is no file /tmp/mixsweep-no-such.yaml");
    cr_expect_null(mx_config_read("/tmp", NULL, 0, false, &report, &err));
    cr_expect_eq(err.code, MX_EIO);
    mx_buf_free(&report.text);
}
