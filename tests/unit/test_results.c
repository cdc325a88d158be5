#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/unit/results_fixture.h"

static const char two_axes[] = "name: two\n"
                               "seed: 7\n"
                               "repeats: 2\n"
                               "data: {set: synthetic}\n"
                               "model: {arch: linear}\n"
                               "grid:\n"
                               "  mix.strategy: [none, mixup]\n"
                               "  mix.alpha: [0.5, 1]\n";

Test(results, rows_of_every_trial_from_the_start)
{
    struct fixture f = begin(two_axes);
    char           expected[2048], id[3][MX_TRIAL_NAME_SIZE];

    cr_assert_eq(f.plan->ntrials, 6);
    for (uint32_t c = 0; c < 3; c++) {
        mx_trial_name(&f.plan->trials[2 * c], id[c]);
        *strchr(id[c], '.') = '\0';
    }
    snprintf(expected, sizeof expected,
             "trial,cell,repeat,status,reason,mix.strategy,mix.alpha,seed,test.accuracy,"
             "val.accuracy,run.attempts,run.host,run.rank,run.executor,run.device,run.started,"
             "run.ended,run.seconds,run.energy_j,run.reason\n"
             "%s.r0,%s,0,pending,,none,,7,,,,,,,,,,,,\n"
             "%s.r1,%s,1,pending,,none,,7,,,,,,,,,,,,\n"
             "%s.r0,%s,0,pending,,mixup,0.5,7,,,,,,,,,,,,\n"
             "%s.r1,%s,1,pending,,mixup,0.5,7,,,,,,,,,,,,\n"
             "%s.r0,%s,0,pending,,mixup,1,7,,,,,,,,,,,,\n"
             "%s.r1,%s,1,pending,,mixup,1,7,,,,,,,,,,,,\n",
             id[0], id[0], id[0], id[0], id[1], id[1], id[1], id[1], id[2], id[2], id[2], id[2]);
    expect_file(&f, "results.csv", expected);
    end(&f);
}

/* The rest of a line of results.csv behind the axis columns. */
static void expect_row(const struct fixture *f, uint32_t trial, const char *expected)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(folder, "results.csv");
    char         *line;

    cr_assert_eq(mx_results_write(f->results, folder, NULL), 0);
    cr_assert_eq(mx_file_read(path, 1 << 20, &text, NULL), 0);
    line = text.data;
    for (uint32_t k = 0; k <= trial; k++)
        line = strchr(line, '\n') + 1;
    *strchr(line, '\n') = '\0';
    line = strchr(strchr(line, ',') + 1, ',') + 1;
    cr_expect_str_eq(line, expected, "row %u is %s", trial, line);
    mx_buf_free(&text);
    free(path);
}

Test(results, a_row_holds_numbers_and_how_the_run_went)
{
    struct fixture       f = begin(two_axes);
    struct worker_metric metrics[] = {{"train.accuracy", 1},
                                      {"val.accuracy", 0.1 + 0.2},
                                      {"val.cross_entropy", 2},
                                      {"test.accuracy", NAN}};
    struct mx_run_info   run = {.attempts = 2,
                                .host = "node,1",
                                .device = "CPU \"x\"",
                                .rank = 1,
                                .executor = 3,
                                .started_utc_s = 1764000000.125,
                                .ended_utc_s = 1764000012.5,
                                .seconds = 12.375,
                                .gpu = {true, 6, 1500.5}};

    cr_assert_eq(mx_results_stage(f.results, last_stage(&f, 1), metrics, 4, &run, NULL), 0);
    expect_row(&f, 1,
               "1,pending,,none,,7,,,2,\"node,1\",1,3,\"CPU \"\"x\"\"\",2025-11-24T16:00:00.125Z,"
               "2025-11-24T16:00:12.500Z,12.375,1500.5,");
    set_state(&f, 1, MX_STATE_DONE, MX_REASON_NONE);
    expect_row(&f, 1,
               "1,done,,none,,7,,0.30000000000000004,2,\"node,1\",1,3,\"CPU \"\"x\"\"\","
               "2025-11-24T16:00:00.125Z,2025-11-24T16:00:12.500Z,12.375,1500.5,");
    cr_expect_eq(mx_results_metric(f.results, 1, "val.accuracy"), 0.1 + 0.2);
    cr_expect(isnan(mx_results_metric(f.results, 0, "val.accuracy")));
    run.text = "loss is nan\nat step 3";
    cr_assert_eq(mx_results_stage(f.results, last_stage(&f, 0), NULL, 0, &run, NULL), 0);
    set_state(&f, 0, MX_STATE_FAILED, MX_REASON_DIVERGED);
    cr_assert_eq(mx_results_write(f.results, folder, NULL), 0);
    end(&f);
}

Test(results, cells_have_mean_spread_and_interval)
{
    struct fixture f = begin(two_axes);
    char           expected[2048], id[3][MX_TRIAL_NAME_SIZE];

    for (uint32_t c = 0; c < 3; c++) {
        mx_trial_name(&f.plan->trials[2 * c], id[c]);
        *strchr(id[c], '.') = '\0';
    }
    done(&f, 0, 0.5, 0.25);
    done(&f, 1, 0.75, 0.25);
    done(&f, 2, 0.5, NAN);
    set_state(&f, 3, MX_STATE_FAILED, MX_REASON_CRASHED);
    set_state(&f, 4, MX_STATE_RUNNING, MX_REASON_NONE);
    set_state(&f, 5, MX_STATE_QUARANTINED, MX_REASON_CELL_QUARANTINED);
    snprintf(expected, sizeof expected,
             "cell,mix.strategy,mix.alpha,planned,done,failed,quarantined,stopped,pending,"
             "test.accuracy.n,test.accuracy.mean,test.accuracy.sd,test.accuracy.low,"
             "test.accuracy.high,val.accuracy.n,val.accuracy.mean,val.accuracy.sd,"
             "val.accuracy.low,val.accuracy.high\n"
             "%s,none,,2,2,0,0,0,0,2,0.25,0,0.25,0.25,2,0.625,0.1767766952966369,"
             "-0.9632755925,2.2132755925\n"
             "%s,mixup,0.5,2,1,1,0,0,0,0,,,,,1,0.5,,,\n"
             "%s,mixup,1,2,0,0,1,0,1,0,,,,,0,,,,\n",
             id[0], id[1], id[2]);
    expect_file(&f, "cells.csv", expected);
    end(&f);
}

Test(results, late_metrics_get_columns_once_a_trial_shows_them)
{
    struct fixture f = begin("data: {set: synthetic}\n"
                             "model: {arch: linear}\n"
                             "score: {metrics: [group_accuracy, accuracy]}\n"
                             "grid: {train.lr: [0.1, 0.2]}\n");

    put(&f, 1, "test.group_accuracy.10", 0.5);
    put(&f, 1, "test.group_accuracy.2", 0.25);
    put(&f, 1, "test.cross_entropy", 3);
    done(&f, 0, 0.5, 0.5);
    expect_row(&f, 0, "0,done,,0.1,0,0.5,0.5,,,,,,,,,,");
    done(&f, 1, 0.75, 0.75);
    /* In byte order: accuracy, group_accuracy.10, group_accuracy.2, val.accuracy. */
    expect_row(&f, 1, "0,done,,0.2,0,0.75,0.5,0.25,0.75,,,,,,,,,,");
    end(&f);
}

/* Everything told in any order gives the same files. */
Test(results, do_not_depend_on_the_order_in_which_trials_end)
{
    struct mx_buf first[2] = {{0}}, again = {0};
    struct mx_rng rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);

    for (int run = 0; run < 20; run++) {
        static const char *const names[] = {"results.csv", "cells.csv"};
        struct fixture           f = begin(two_axes);
        uint32_t                 order[6];

        mx_rng_permutation(&rng, order, 6);
        for (size_t k = 0; k < 6; k++) {
            if (order[k] == 3)
                set_state(&f, 3, MX_STATE_FAILED, MX_REASON_DIVERGED);
            put(&f, order[k], order[k] % 2 ? "val.accuracy" : "test.accuracy", 0.1 * order[k]);
            if (order[k] != 3)
                set_state(&f, order[k], MX_STATE_DONE, MX_REASON_NONE);
        }
        cr_assert_eq(mx_results_write(f.results, folder, NULL), 0);
        for (size_t k = 0; k < 2; k++) {
            char *path = mx_path_join(folder, names[k]);

            cr_assert_eq(mx_file_read(path, 1 << 20, run == 0 ? &first[k] : &again, NULL), 0);
            if (run > 0)
                cr_assert_str_eq(mx_buf_str(&again), mx_buf_str(&first[k]));
            free(path);
        }
        end(&f);
    }
    mx_buf_free(&first[0]);
    mx_buf_free(&first[1]);
    mx_buf_free(&again);
}

Test(results, print_counts_first_then_complete_cells_best_first)
{
    struct fixture f = begin(two_axes);

    done(&f, 0, 0.5, 0.9);
    done(&f, 1, 0.5, 0.9);
    done(&f, 2, 0.75, 0.25);
    done(&f, 3, 0.75, 0.75);
    done(&f, 4, 0.99, 0.99);
    set_state(&f, 5, MX_STATE_FAILED, MX_REASON_DIVERGED);
    expect_print(&f, 20, 100,
                 "planned 6 \xC2\xB7 done 5 \xC2\xB7 failed 1\n"
                 "\n"
                 "best cells by val.accuracy, more is better\n"
                 "#  mix.strategy  mix.alpha    n  val.accuracy  test.accuracy*\n"
                 "1  mixup         0.5        2/2  0.7500        0.5000 \xC2\xB1 3.1766\n"
                 "2  none          -          2/2  0.5000        0.9000\n"
                 "-  mixup         1          1/2  0.9900        0.9900           1 failed "
                 "(diverged)\n"
                 "* not used for the ranking\n"
                 "\xC2\xB1 half of the 95 % interval of the mean over repeats\n");
    expect_print(&f, 1, 100,
                 "planned 6 \xC2\xB7 done 5 \xC2\xB7 failed 1\n"
                 "\n"
                 "best cells by val.accuracy, more is better\n"
                 "#  mix.strategy  mix.alpha    n  val.accuracy  test.accuracy*\n"
                 "1  mixup         0.5        2/2  0.7500        0.5000 \xC2\xB1 3.1766\n"
                 "showing 1 of 3 cells\n"
                 "* not used for the ranking\n"
                 "\xC2\xB1 half of the 95 % interval of the mean over repeats\n");
    end(&f);
}

Test(results, an_interval_is_explained_where_there_is_one)
{
    struct fixture f = begin("name: same\ndata: {set: synthetic}\nmodel: {arch: linear}\n"
                             "repeats: 2\n");

    expect_print(&f, 20, 100,
                 "planned 2 \xC2\xB7 done 0 \xC2\xB7 pending 2\n"
                 "\n"
                 "best cells by val.accuracy, more is better: none\n"
                 "#    n  val.accuracy  test.accuracy*\n"
                 "-  0/2                                2 pending\n"
                 "* not used for the ranking\n");
    end(&f);
}

static const char five[] = "data: {set: synthetic}\n"
                           "model: {arch: linear}\n"
                           "grid: {train.lr: [0.1, 0.2, 0.3, 0.4, 0.5]}\n";

/* First line of the ranking, behind its head. */
static void expect_best(const struct fixture *f, const char *expected)
{
    struct mx_buf out = {0};
    char         *line;

    mx_results_print(f->results, &f->counts, 20, 100, &out);
    line = strstr(mx_buf_str(&out), "\n#");
    cr_assert(line);
    line = strchr(line + 1, '\n') + 1;
    cr_expect_eq(strncmp(line, expected, strlen(expected)), 0, "printed\n%s", mx_buf_str(&out));
    mx_buf_free(&out);
}

Test(results, what_is_not_finite_never_wins)
{
    static const double more[] = {NAN, 0.5, 0.7, INFINITY}, less[] = {NAN, 0.5, -INFINITY, 0.7};
    struct fixture      f = begin(five);

    for (uint32_t t = 0; t < 4; t++)
        done(&f, t, more[t], 0);
    set_state(&f, 4, MX_STATE_DONE, MX_REASON_NONE);
    expect_best(&f, "1  0.3       1/1  0.7000");
    end(&f);
    f = begin("search: {metric: val.cross_entropy}\n"
              "score: {metrics: [cross_entropy]}\n"
              "data: {set: synthetic}\n"
              "model: {arch: linear}\n"
              "grid: {train.lr: [0.1, 0.2, 0.3, 0.4, 0.5]}\n");
    for (uint32_t t = 0; t < 4; t++) {
        put(&f, t, "val.cross_entropy", less[t]);
        set_state(&f, t, MX_STATE_DONE, MX_REASON_NONE);
    }
    expect_best(&f, "1  0.2       1/1  0.5000");
    end(&f);
}

Test(results, without_a_valid_run_the_best_is_none)
{
    struct fixture f = begin(five);

    for (uint32_t t = 0; t < 5; t++)
        set_state(&f, t, MX_STATE_FAILED, MX_REASON_DIVERGED);
    expect_print(&f, 2, 80,
                 "planned 5 \xC2\xB7 done 0 \xC2\xB7 failed 5\n"
                 "\n"
                 "best cells by val.accuracy, more is better: none\n"
                 "#  train.lr    n  val.accuracy  test.accuracy*\n"
                 "-  0.1       0/1                                1 failed (diverged)\n"
                 "-  0.2       0/1                                1 failed (diverged)\n"
                 "showing 2 of 5 cells\n"
                 "* not used for the ranking\n");
    end(&f);
}

Test(results, fit_a_narrow_terminal)
{
    struct fixture f = begin(two_axes);
    struct mx_buf  out = {0};

    for (uint32_t t = 0; t < 6; t++)
        done(&f, t, 0.5, 0.5);
    mx_results_print(f.results, &f.counts, 20, 48, &out);
    cr_expect(strstr(mx_buf_str(&out), "\n#  strategy  alpha    n  val.accuracy\n"), "printed\n%s",
              mx_buf_str(&out));
    mx_buf_free(&out);
    end(&f);
}

Test(results, of_heads_warn_without_being_asked)
{
    struct fixture f = begin("name: warn\nrepeats: 2\ndata: {set: features, path: here}\n");

    for (uint32_t t = 0; t < 2; t++) {
        put(&f, t, "val.collapsed", 0);
        put(&f, t, "test.collapsed", t == 1);
        put(&f, t, "train.error_set", 3);
        put(&f, t, "val.error_set", t == 0 ? 2 : 0);
        put(&f, t, "val.accuracy_low", 0.25);
    }
    done(&f, 0, 0.5, 0.5);
    expect_columns(&f, "test.accuracy,val.accuracy,");
    done(&f, 1, 0.5, 0.5);
    expect_columns(&f, "test.accuracy,test.collapsed,val.accuracy,val.error_set,");
    end(&f);
}

Test(results, of_heads_show_what_was_asked_for)
{
    struct fixture f = begin("name: asked\ndata: {set: features, path: here}\n"
                             "score: {metrics: [accuracy_low, collapsed, error_set]}\n");

    put(&f, 0, "val.collapsed", 0);
    put(&f, 0, "train.error_set", 3);
    put(&f, 0, "train.accuracy_low", 0.5);
    put(&f, 0, "test.accuracy_low", 0.25);
    set_state(&f, 0, MX_STATE_DONE, MX_REASON_NONE);
    expect_columns(&f, "test.accuracy_low,train.error_set,val.collapsed,");
    end(&f);
}

/* Two sets, of which one has groups; an erm cell and a head on each. */
Test(results, of_other_selection_rules_stand_in_tables_of_their_own)
{
    struct fixture f =
        begin("model: {arch: linear}\n"
              "score: {metrics: [accuracy, worst_group_accuracy]}\n"
              "grid: {data.set: [synthetic, fashion-mnist], head.method: [erm, llr]}\n");

    for (uint32_t t = 0; t < 4; t++) {
        put(&f, t, "val.worst_class_accuracy", 0.5 + 0.1 * t);
        put(&f, t, "test.worst_class_accuracy", 0.25);
        if (t < 2) {
            put(&f, t, "val.worst_group_accuracy", 0.25 + 0.125 * t);
            put(&f, t, "test.worst_group_accuracy", 0.25);
            put(&f, t, "test.group_count.0", 7);
            put(&f, t, "test.group_count.1", 0);
        }
        set_state(&f, t, MX_STATE_DONE, MX_REASON_NONE);
    }
    expect_print(
        &f, 20, 100,
        "planned 4 \xC2\xB7 done 4\n"
        "\n"
        "some heads were chosen by the worst group, others, of sets without groups, by the "
        "worst class: a table each\n"
        "\n"
        "best cells by val.worst_group_accuracy, more is better\n"
        "#  head.method    n  val.worst_group_accuracy  test.worst_group_accuracy*\n"
        "1  llr          1/1  0.3750                    0.2500\n"
        "2  erm          1/1  0.2500                    0.2500\n"
        "* not used for the ranking\n"
        "heads were chosen by the worst group of the validation split\n"
        "test images of each group, from 0: 7, 0\n"
        "\n"
        "best cells by val.worst_class_accuracy, more is better\n"
        "#  head.method    n  val.worst_class_accuracy  test.worst_class_accuracy*\n"
        "1  llr          1/1  0.8000                    0.2500\n"
        "2  erm          1/1  0.7000                    0.2500\n"
        "* not used for the ranking\n"
        "heads were chosen by the worst class of the validation split\n");
    end(&f);
}

Test(results, of_maps_say_what_is_not_shown_or_not_there)
{
    struct fixture f =
        begin("name: maps\ndata: {set: synthetic}\nmodel: {arch: resnet8}\n"
              "grid: {train.lr: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]}\n"
              "score: {attributions: [gradcam], metrics: [accuracy, gini, entropy]}\n");

    for (uint32_t t = 0; t < 7; t++) {
        put(&f, t, "test.gini.gradcam", -0.00001);
        done(&f, t, 0.5, 0.5);
    }
    expect_printed(&f, "showing the first 6 of 7 networks\n"
                       "no cell has a number of entropy; mixsweep trial DIR ID tells of its "
                       "stages\n");
    expect_printed(&f, "gini.gradcam");
    expect_printed(&f, " 0.0000");
    end(&f);
}
