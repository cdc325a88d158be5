/* What check says of score.*: metrics of maps that are not made, cannot be made or have nothing
 * to be compared with, and keys that nothing uses. */
#include "config_files.h"

static void expect(const char *head, const char *text, const char *messages, bool good)
{
    struct mx_buf     all = {0}, report = {0};
    struct mx_err     err = {0};
    struct mx_config *config;

    mx_buf_printf(&all, "%s%s\n", head, text);
    config = config_of_bytes(all.data, all.len, NULL, 0, false, &report, &err);
    cr_expect_eq(config != NULL, good, "%s", text);
    cr_expect_str_eq(mx_buf_str(&report), messages);
    mx_config_free(config);
    mx_buf_free(&all);
    mx_buf_free(&report);
}

#define ON(set, arch) "data: {set: " set ", path: x}\nmodel: {arch: " arch "}\n"

static const char synthetic[] = "data: {set: synthetic}\nmodel: {arch: resnet8}\n";

Test(config_scores, of_maps_want_maps)
{
    expect(synthetic, "score: {metrics: [accuracy, deletion, gini]}",
           "c.yaml:3:9: error: score.metrics: 'deletion' is of maps that are not made "
           "(score.attributions: [gradcam, integrated_gradients])\n"
           "c.yaml:3:9: error: score.metrics: 'gini' is of maps that are not made "
           "(score.attributions: [gradcam, integrated_gradients])\n",
           false);
    expect(synthetic, "score: {metrics: [completeness_p95], attributions: [gradcam]}",
           "c.yaml:3:9: error: score.metrics: 'completeness_p95' is of maps that are not made "
           "(score.attributions: [integrated_gradients])\n",
           false);
    expect(synthetic, "score: {metrics: [occlusion_accuracy]}", "", true);
}

Test(config_scores, want_intervals_of_something)
{
    static const char error[] =
        "c.yaml:3:9: error: score.metrics: 'map_intervals' are of scores that are not asked for "
        "(metrics: [deletion, map_intervals])\n";

    expect(synthetic, "score: {metrics: [accuracy, map_intervals], attributions: [gradcam]}", error,
           false);
    expect(synthetic, "score: {metrics: [all_zero_maps, map_intervals], attributions: [gradcam]}",
           error, false);
    expect(synthetic, "score: {metrics: [gini, map_intervals], attributions: [gradcam]}", "", true);
}

Test(config_scores, of_concepts_want_segments_and_channels)
{
    expect(ON("mnist", "linear"), "score: {metrics: [accuracy, concepts]}",
           "c.yaml:3:9: error: score.metrics: 'concepts' needs segments, and a data set has none "
           "(sets of image files and synthetic can)\n"
           "c.yaml:3:9: error: score.metrics: 'concepts' needs a layer of channels, and model.arch "
           "linear has none\n",
           false);
    expect(synthetic, "score: {metrics: [accuracy, concept_units], images: 900}", "", true);
    expect(synthetic, "score: {metrics: [concepts]}\nsearch: {metric: val.concepts}",
           "c.yaml:4:10: error: search.metric: 'val.concepts' is of test images, and those never "
           "rank (take val.accuracy)\n",
           false);
}

Test(config_scores, of_marks_want_a_set_that_has_them)
{
    expect(
        ON("mnist", "resnet8"),
        "score: {metrics: [accuracy, pointing_game], attributions: [gradcam]}",
        "c.yaml:3:9: error: score.metrics: 'pointing_game' needs boxes or masks, and the data "
        "set has none (folder, waterbirds, celeba, metashift, cub, imagenet and synthetic can)\n",
        false);
    expect("model: {arch: resnet8}\ngrid: {data.set: [synthetic, fashion-mnist]}\n",
           "score: {metrics: [accuracy, mask_iou], attributions: [gradcam]}",
           "c.yaml:3:9: warning: score.metrics: 'mask_iou' stays empty for the data sets without "
           "boxes and masks\n",
           true);
}

Test(config_scores, of_channels_want_a_network_that_has_them)
{
    expect(ON("mnist", "linear"), "score: {attributions: [gradient, gradcam]}",
           "c.yaml:3:9: error: score.attributions: 'gradcam' needs a layer of channels, and "
           "model.arch linear has none (take gradient or integrated_gradients)\n",
           false);
    expect("data: {set: synthetic}\ngrid: {model.arch: [linear, resnet8]}\n",
           "score: {attributions: [gradcam++]}",
           "c.yaml:3:9: warning: score.attributions: 'gradcam++' stays empty for model.arch "
           "linear, which has no layer of channels\n",
           true);
}

Test(config_scores, warn_of_keys_that_nothing_uses)
{
    expect(synthetic, "score: {images: 50, rise: {masks: 10}}",
           "c.yaml:3:9: warning: score.images has no effect: it is used only with "
           "score.attributions\n"
           "c.yaml:3:28: warning: score.rise.masks has no effect: it is used only with "
           "score.attributions: rise\n",
           true);
    expect(synthetic, "score: {attributions: [gradcam], steps: 14, ties: raster, rank: signed}",
           "c.yaml:3:34: warning: score.steps has no effect: it is used only with curves "
           "(score.metrics: [deletion])\n"
           "c.yaml:3:45: warning: score.ties has no effect: it is used only with scores that rank "
           "pixels (score.metrics: [deletion])\n"
           "c.yaml:3:59: warning: score.rank has no effect: it is used only with scores that rank "
           "the pixels of signed maps (score.attributions: [integrated_gradients])\n",
           true);
    expect(synthetic,
           "score: {attributions: [integrated_gradients], metrics: [accuracy, deletion], steps: "
           "14, fills: [blur, road], ties: raster, rank: signed, protocol: rise}",
           "", true);
}

/* Scores of maps are of test images, and no ranking goes by those. */
Test(config_scores, of_maps_rank_nothing)
{
    struct mx_buf     report = {0};
    struct mx_err     err = {0};
    struct mx_config *config;
    static const char text[] = "data: {set: synthetic}\nmodel: {arch: resnet8}\n"
                               "score: {metrics: [deletion], attributions: [gradcam]}\n";

    expect(synthetic,
           "score: {metrics: [accuracy, deletion], attributions: [gradcam]}\n"
           "search: {metric: val.deletion}",
           "c.yaml:4:10: error: search.metric: 'val.deletion' is of test images, and those never "
           "rank (take val.accuracy)\n",
           false);
    expect(synthetic,
           "score: {metrics: [occlusion_accuracy]}\nsearch: {metric: val.occlusion_accuracy.50}",
           "", true);
    config = config_of_bytes(text, strlen(text), NULL, 0, false, &report, &err);
    cr_assert_not_null(config, "%s", mx_buf_str(&report));
    cr_expect_str_eq(config->base[KEY_SEARCH_METRIC].text, "val.accuracy");
    mx_config_free(config);
    mx_buf_free(&report);
}
