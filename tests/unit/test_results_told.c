/* What tables say of cells and groups in words, and their columns before any trial is done. */
#include <stdio.h>

#include "tests/unit/results_fixture.h"

static void expect_printed_not(const struct fixture *f, const char *part)
{
    struct mx_buf out = {0};

    mx_results_print(f->results, &f->counts, 20, 0, &out);
    cr_expect_null(strstr(mx_buf_str(&out), part), "printed\n%s", mx_buf_str(&out));
    mx_buf_free(&out);
}

Test(results, say_why_early_stopping_leaves_few_cells_of_several_repeats)
{
    struct fixture f = begin("data: {set: synthetic}\nmodel: {arch: linear}\nrepeats: 2\n"
                             "schedule: {early_stop: sha}\n"
                             "grid: {train.lr: [0.1, 0.2, 0.3, 0.4]}\n");

    done(&f, 0, 0.5, 0.5);
    set_state(&f, 1, MX_STATE_STOPPED, MX_REASON_EARLY_STOP);
    set_state(&f, 2, MX_STATE_STOPPED, MX_REASON_EARLY_STOP);
    set_state(&f, 3, MX_STATE_STOPPED, MX_REASON_EARLY_STOP);
    done(&f, 6, 0.5, 0.5);
    done(&f, 7, 0.5, 0.5);
    expect_printed(&f, "\n1 cell is not ranked: early stopping judges each repeat by itself and "
                       "ended only some of theirs; for means over all repeats run the cells that "
                       "went far without schedule.early_stop\n");
    set_state(&f, 4, MX_STATE_STOPPED, MX_REASON_EARLY_STOP);
    done(&f, 5, 0.5, 0.5);
    expect_printed(&f, "\n2 cells are not ranked: early stopping");
    end(&f);
    f = begin("data: {set: synthetic}\nmodel: {arch: linear}\n"
              "schedule: {early_stop: sha}\ngrid: {train.lr: [0.1, 0.2, 0.3, 0.4]}\n");
    done(&f, 0, 0.5, 0.5);
    set_state(&f, 1, MX_STATE_STOPPED, MX_REASON_EARLY_STOP);
    expect_printed_not(&f, "not ranked: early");
    end(&f);
}

Test(results, call_groups_by_their_names)
{
    static const double counts[] = {2255, 2255, 642, 642};
    struct fixture      f = begin("data: {set: waterbirds, path: birds}\nmodel: {arch: linear}\n"
                                       "score: {metrics: [accuracy, worst_group_accuracy]}\n");
    char                name[32];

    for (int g = 0; g < 4; g++) {
        snprintf(name, sizeof name, "test.group_count.%d", g);
        put(&f, 0, name, counts[g]);
    }
    put(&f, 0, "val.worst_group_accuracy", 0.5);
    done(&f, 0, 0.5, 0.5);
    expect_printed(&f, "test images of each group: landbird on land 2255, landbird on water 2255, "
                       "waterbird on land 642, waterbird on water 642\n");
    end(&f);
    f = begin("data: {set: dominoes}\nmodel: {arch: linear}\n");
    for (int g = 0; g < 4; g++) {
        snprintf(name, sizeof name, "test.group_count.%d", g);
        put(&f, 0, name, counts[g]);
    }
    put(&f, 0, "val.worst_group_accuracy", 0.5);
    done(&f, 0, 0.5, 0.5);
    expect_printed(&f, "test images of each group: class 4 under 0 2255, class 4 under 1 2255, "
                       "class 3 under 0 642, class 3 under 1 642\n");
    end(&f);
}

Test(results, without_a_trial_that_is_done_have_the_columns_that_were_asked_for)
{
    struct fixture f = begin(
        "data: {set: waterbirds, path: birds}\nmodel: {arch: resnet8}\n"
        "grid: {train.lr: [0.1, 0.2]}\n"
        "score: {attributions: [gradcam, integrated_gradients], fills: [zero, road], metrics: "
        "[accuracy, worst_group_accuracy, group_accuracy, occlusion_accuracy, deletion, insertion, "
        "gini, completeness_p95, map_intervals]}\n");

    for (uint32_t t = 0; t < 2; t++)
        set_state(&f, t, MX_STATE_FAILED, MX_REASON_CRASHED);
    expect_columns(
        &f, "test.accuracy,test.completeness_p95.integrated_gradients,"
            "test.deletion.centre.road,test.deletion.centre.zero,test.deletion.gradcam.road,"
            "test.deletion.gradcam.zero,test.deletion.integrated_gradients.road,"
            "test.deletion.integrated_gradients.zero,test.deletion.random.road,"
            "test.deletion.random.zero,test.gini.centre,test.gini.gradcam,"
            "test.gini.integrated_gradients,test.gini.random,test.group_accuracy.0,"
            "test.group_accuracy.1,test.group_accuracy.2,test.group_accuracy.3,"
            "test.insertion.centre.blur,test.insertion.centre.road,test.insertion.gradcam.blur,"
            "test.insertion.gradcam.road,test.insertion.integrated_gradients.blur,"
            "test.insertion.integrated_gradients.road,test.insertion.random.blur,"
            "test.insertion.random.road,test.occlusion_accuracy.10,test.occlusion_accuracy.30,"
            "test.occlusion_accuracy.50,test.worst_group_accuracy,val.accuracy,"
            "val.group_accuracy.0,val.group_accuracy.1,val.group_accuracy.2,val.group_accuracy.3,"
            "val.occlusion_accuracy.10,val.occlusion_accuracy.30,val.occlusion_accuracy.50,"
            "val.worst_group_accuracy,");
    done(&f, 1, 0.5, 0.5);
    expect_columns(&f, "test.accuracy,val.accuracy,");
    end(&f);
}

Test(results, of_models_that_are_not_yet_compared_have_the_columns_of_the_comparison)
{
    struct fixture f = begin("data: {set: synthetic}\nmodel: {arch: resnet8}\nrepeats: 3\n"
                             "score: {attributions: [gradcam], metrics: [inter_model_map], "
                             "inter_model: {models: all}}\n");

    expect_columns(&f, "test.inter_model_map.centre.zero,test.inter_model_map.gradcam.zero,"
                       "test.inter_model_map.random.zero,");
    end(&f);
}
