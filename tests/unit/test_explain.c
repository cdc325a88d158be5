/* Every attribution map against its definition in double precision. The field report's
 * rows on maps, and where each is tested:
 *   flat or all-negative map            test_map_scale.c: a_flat_map..., scaling..., and here
 *                                       gradcam_of_channels_that_speak_against_is_zero
 *   map in a batch differs from alone   here: maps_are_the_same_alone_and_in_company,
 *                                       needs_one_target_an_image
 *   gradient of a saturated softmax     here: explains_the_logit_where_softmax_is_saturated
 *   height and width swapped            every shape here is non-square; test_map_scale.c:
 *                                       a_peak_stays_in_its_corner; test_align.c
 *   threshold picked per image          test_align.c: one_threshold_serves_the_whole_set
 *   absolute value before normalising   test_map_scale.c: parts_are_scaled_before...
 *   windows that miss edge pixels       here: occlusion_covers_every_pixel
 *   memory grows with each map          here: holds_as_much_after_many_maps
 *   keep and hide reversed              here: rise_finds_the_one_pixel_that_counts */
#include "tests/unit/explain_pairs.h"

#include <unistd.h>

#include "worker/safetensors.h"

static const struct {
    unsigned            arch;
    struct worker_form  form;
    struct worker_shape shape;
    bool                hides; /* try what needs many passes, too */
} cases[] = {
    {WORKER_ARCH_LINEAR, {0, 1, false}, {3, 5, 8, 4, 0}, true},
    {WORKER_ARCH_RESNET8, {0, 5, false}, {1, 13, 18, 4, 0}, true},
    {WORKER_ARCH_RESNET18, {0, 4, false}, {3, 18, 13, 5, 0}, true},
    {WORKER_ARCH_RESNET18, {0, 3, true}, {1, 50, 36, 5, 0}, false},
    {WORKER_ARCH_RESNET50, {0, 2, false}, {3, 10, 17, 4, 0}, false},
    {WORKER_ARCH_PREACT_RESNET18, {0, 4, true}, {3, 34, 48, 5, 0}, false},
    {WORKER_ARCH_WIDE_RESNET28_10, {0, 10, false}, {3, 9, 6, 5, 0}, false},
    {WORKER_ARCH_VGG11_BN, {0, 2, false}, {3, 32, 36, 5, 0}, false},
    {WORKER_ARCH_VGG11_BN, {0, 2, true}, {3, 32, 70, 5, 0}, false},
    {WORKER_ARCH_EFFICIENTNET_LITE0, {0, 8, false}, {3, 40, 31, 5, 0}, false},
};

/* Largest difference over the map's largest value, and of the figures. */
static void expect_map(struct explain_pair *pair, enum worker_attribution which, const char *arch)
{
    double  figures[EXPLAINED];
    float  *maps = explain_maps(pair, which, figures);
    double *expected = malloc(pair->pixels * sizeof *expected);

    for (uint32_t i = 0; i < EXPLAINED; i++) {
        double largest = 0, error = 0;
        double figure =
            naive_map(pair->naive, which, &pair->options, pair->images + i * pair->floats,
                      pair->targets[i], pair->rows[i], expected);

        for (size_t p = 0; p < pair->pixels; p++) {
            const double off = fabs(maps[i * pair->pixels + p] - expected[p]);

            largest = fmax(largest, fabs(expected[p]));
            error = off <= error ? error : off;
        }
        cr_expect(error <= 1e-3 * largest + 1e-6, "%s of %s, image %u: off by %g of %g",
                  worker_map_kinds[which].word, arch, i, error, largest);
        cr_expect(isnan(figure) ? isnan(figures[i])
                                : fabs(figure - figures[i]) <= 1e-3 * fmax(fabs(figure), 1),
                  "%s of %s, image %u: %g, not %g", worker_map_kinds[which].word, arch, i,
                  figures[i], figure);
    }
    free(expected);
    free(maps);
}

Test(explain, gives_the_maps_of_the_definition_on_every_network)
{
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct explain_pair pair;

        explain_pair_new(&pair, cases[c].arch, cases[c].form, cases[c].shape, 4);
        for (enum worker_attribution which = 0;
             which < (cases[c].hides ? WORKER_MAP_RANDOM : WORKER_MAP_OCCLUSION); which++)
            if (worker_map_possible(pair.explainer, which, NULL) == 0)
                expect_map(&pair, which, worker_archs[cases[c].arch].word);
            else
                cr_expect_eq(cases[c].arch, WORKER_ARCH_LINEAR);
        explain_pair_free(&pair);
    }
}

/* Some network of one channel and one of three. */
static void small_pair(struct explain_pair *pair, bool colour, uint32_t batch_size)
{
    explain_pair_new(pair, WORKER_ARCH_RESNET8, (struct worker_form){0, 4, false},
                     (struct worker_shape){colour ? 3 : 1, 9, 14, 4, 0}, batch_size);
}

Test(explain, maps_are_the_same_alone_and_in_company)
{
    struct explain_pair pair;

    small_pair(&pair, true, 2); /* three images are a batch and a half */
    for (enum worker_attribution which = 0; which < WORKER_MAPS; which++) {
        double figures[EXPLAINED], figure;
        float *maps = explain_maps(&pair, which, figures);
        float *alone = malloc(pair.pixels * sizeof *alone);

        for (uint32_t i = 0; i < EXPLAINED; i++) {
            const struct worker_map_batch one = {pair.images + i * pair.floats, &pair.targets[i],
                                                 &pair.rows[i], 1, 1};

            cr_assert_eq(
                worker_explain(pair.explainer, which, &pair.options, &one, alone, &figure, NULL),
                0);
            cr_expect_arr_eq(alone, maps + i * pair.pixels, pair.pixels * sizeof *alone, "%s",
                             worker_map_kinds[which].word);
            cr_expect(figure == figures[i] || (isnan(figure) && isnan(figures[i])));
        }
        free(alone);
        free(maps);
    }
    explain_pair_free(&pair);
}

/* Gains of 1, 10, 100 on one pattern, through a network without bias: maps of the same
 * shape, each on its own scale. */
Test(explain, an_image_has_its_own_scale_in_a_batch)
{
    struct explain_pair pair;
    float              *maps, *scaled[EXPLAINED];

    explain_pair_new(&pair, WORKER_ARCH_LINEAR, (struct worker_form){0, 1, false},
                     (struct worker_shape){3, 4, 7, 3, 0}, 4);
    for (uint32_t i = 0; i < EXPLAINED; i++) {
        pair.targets[i] = 1;
        for (size_t k = 0; k < pair.floats; k++)
            pair.images[i * pair.floats + k] = pair.images[k] * (i == 0 ? 1 : 10);
        memcpy(pair.images, pair.images + i * pair.floats, pair.floats * sizeof(float));
    }
    for (size_t k = 0; k < pair.floats; k++)
        pair.images[k] /= 100;
    maps = explain_maps(&pair, WORKER_MAP_INPUT_X_GRADIENT, NULL);
    for (uint32_t i = 0; i < EXPLAINED; i++) {
        scaled[i] = malloc(pair.pixels * sizeof(float));
        cr_expect_eq(worker_map_scaled(maps + i * pair.pixels, pair.pixels, true, scaled[i]),
                     WORKER_MAP_VARIED);
        for (size_t p = 0; p < pair.pixels; p++)
            cr_expect(fabsf(scaled[i][p] - scaled[0][p]) <= 1e-6f, "image %u: %g, not %g", i,
                      (double)scaled[i][p], (double)scaled[0][p]);
    }
    for (uint32_t i = 0; i < EXPLAINED; i++)
        free(scaled[i]);
    free(maps);
    explain_pair_free(&pair);
}

Test(explain, needs_one_target_an_image)
{
    struct explain_pair pair;
    struct mx_err       err;
    float               maps[EXPLAINED * 9 * 14];

    small_pair(&pair, true, 4);
    pair.batch.ntargets = 2;
    cr_assert_eq(worker_explain(pair.explainer, WORKER_MAP_GRADIENT, &pair.options, &pair.batch,
                                maps, NULL, &err),
                 -1);
    cr_expect_str_eq(err.text, "2 target classes for 3 images: there must be one each");
    cr_expect_eq(err.code, MX_EINVAL);
    pair.batch.ntargets = 3;
    pair.targets[1] = 4;
    cr_assert_eq(worker_explain(pair.explainer, WORKER_MAP_GRADIENT, &pair.options, &pair.batch,
                                maps, NULL, &err),
                 -1);
    cr_expect_str_eq(err.text, "image 1 has target class 4, of 4");
    explain_pair_free(&pair);
}

Test(explain, says_which_network_cannot_carry_which_map)
{
    struct explain_pair      pair;
    struct worker_explainer *plain;
    struct mx_err            err;

    explain_pair_new(&pair, WORKER_ARCH_LINEAR, (struct worker_form){0, 1, false},
                     (struct worker_shape){3, 4, 7, 3, 0}, 4);
    cr_expect_eq(worker_map_possible(pair.explainer, WORKER_MAP_GRADCAM_PLUS_PLUS, &err), -1);
    cr_expect_str_eq(err.text,
                     "gradcam++ needs a layer of channels before the classifier, and this "
                     "network has none (take gradient or integrated_gradients)");
    plain =
        worker_explainer_new(&pair.net, pair.tensors, pair.count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 4, false}, &err);
    cr_assert_not_null(plain);
    cr_expect_eq(worker_map_possible(plain, WORKER_MAP_LAYER_RELEVANCE, &err), -1);
    cr_expect_str_eq(err.text, "layer_relevance of an explainer that was built without it");
    cr_expect_eq(worker_map_possible(plain, WORKER_MAP_GUIDED_BACKPROP, &err), 0);
    worker_explainer_free(plain);
    explain_pair_free(&pair);
}

Test(explain, names_a_tensor_that_is_missing_or_of_another_size)
{
    struct explain_pair pair;
    struct mx_err       err;

    small_pair(&pair, false, 4);
    pair.tensors[0].dims[0]--;
    cr_expect_null(
        worker_explainer_new(&pair.net, pair.tensors, pair.count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 4, true}, &err));
    cr_expect_str_eq(err.text, "tensor 'conv1.weight' has 27 numbers, and 36 in the network to be "
                               "explained");
    pair.tensors[0].dims[0]++;
    cr_expect_null(
        worker_explainer_new(&pair.net, pair.tensors, pair.count - 1,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 4, true}, &err));
    cr_expect(strstr(err.text, "running_var' is missing, which the network to be explained has"),
              "%s", err.text);
    cr_expect_null(
        worker_explainer_new(&pair.net, pair.tensors, pair.count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 0, true}, &err));
    cr_expect_str_eq(err.text, "an explainer for batches without images");
    explain_pair_free(&pair);
}

/* A linear layer of large weights: softmax is 1 to the last bit, its gradient 0. */
Test(explain, explains_the_logit_where_softmax_is_saturated)
{
    struct explain_pair pair;
    float              *maps, logits[EXPLAINED * 2];

    explain_pair_new(&pair, WORKER_ARCH_LINEAR, (struct worker_form){0, 1, false},
                     (struct worker_shape){1, 1, 2, 2, 0}, 4);
    worker_explainer_free(pair.explainer);
    memcpy(pair.tensors[0].data, (float[]){1, 0, -1, 0}, 4 * sizeof(float));
    memcpy(pair.tensors[1].data, (float[]){0, 0}, 2 * sizeof(float));
    pair.explainer =
        worker_explainer_new(&pair.net, pair.tensors, pair.count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 4, true}, NULL);
    cr_assert_not_null(pair.explainer);
    for (int k = 0; k < 6; k++)
        pair.images[k] = 60;
    memset(pair.targets, 0, sizeof pair.targets);
    cr_assert_eq(worker_explainer_predict(pair.explainer, pair.images, 3, logits, NULL), 0);
    cr_expect_eq(logits[0], 60);
    cr_expect_eq(logits[1], -60);
    cr_expect_eq(1 / (1 + expf(logits[1] - logits[0])), 1);
    maps = explain_maps(&pair, WORKER_MAP_GRADIENT, NULL);
    cr_expect_eq(maps[0], 1);
    cr_expect_eq(maps[1], 0);
    free(maps);
    explain_pair_free(&pair);
}

/* The classifier turned round: every channel speaks against the class. */
Test(explain, gradcam_of_channels_that_speak_against_is_zero)
{
    struct explain_pair pair;

    small_pair(&pair, true, 4);
    worker_explainer_free(pair.explainer);
    for (size_t t = 0; t < pair.count; t++)
        if (strcmp(pair.tensors[t].name, "fc.weight") == 0)
            for (uint32_t k = 0; k < pair.tensors[t].dims[0] * pair.tensors[t].dims[1]; k++)
                pair.tensors[t].data[k] = -fabsf(pair.tensors[t].data[k]);
    pair.explainer =
        worker_explainer_new(&pair.net, pair.tensors, pair.count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 4, true}, NULL);
    cr_assert_not_null(pair.explainer);
    for (int k = 0; k < 2; k++) {
        float *maps =
            explain_maps(&pair, k ? WORKER_MAP_GRADCAM_PLUS_PLUS : WORKER_MAP_GRADCAM, NULL);

        for (uint32_t i = 0; i < EXPLAINED; i++)
            cr_expect_eq(worker_map_state(maps + i * pair.pixels, pair.pixels), WORKER_MAP_ZERO);
        free(maps);
    }
    explain_pair_free(&pair);
}

/* A logit that is one pixel: hiding it is all that matters. */
static void one_pixel_pair(struct explain_pair *pair, struct worker_shape shape, size_t pixel)
{
    explain_pair_new(pair, WORKER_ARCH_LINEAR, (struct worker_form){0, 1, false}, shape, 8);
    worker_explainer_free(pair->explainer);
    memset(pair->tensors[0].data, 0, shape.classes * pair->floats * sizeof(float));
    memset(pair->tensors[1].data, 0, shape.classes * sizeof(float));
    for (uint32_t c = 0; c < shape.classes; c++)
        pair->tensors[0].data[c * pair->floats + pixel] = 1;
    for (size_t k = 0; k < EXPLAINED * pair->floats; k++)
        pair->images[k] = 1;
    pair->explainer =
        worker_explainer_new(&pair->net, pair->tensors, pair->count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 8, true}, NULL);
    cr_assert_not_null(pair->explainer);
}

Test(explain, rise_finds_the_one_pixel_that_counts)
{
    struct explain_pair pair;
    float              *maps;
    size_t              best = 0;

    one_pixel_pair(&pair, (struct worker_shape){1, 14, 21, 2, 0}, 5 * 21 + 17);
    pair.options.rise_masks = 500;
    maps = explain_maps(&pair, WORKER_MAP_RISE, NULL);
    for (size_t p = 0; p < pair.pixels; p++)
        best = maps[p] > maps[best] ? p : best;
    cr_expect(abs((int)(best / 21) - 5) <= 1 && abs((int)(best % 21) - 17) <= 1, "found %zu", best);
    free(maps);
    explain_pair_free(&pair);
}

/* Windows of 4 with stride 2 over 10 x 7: the last column is in a window of its own. */
Test(explain, occlusion_covers_every_pixel)
{
    static const size_t pixels[] = {0, 6, 63, 69, 5 * 7 + 3};

    for (size_t k = 0; k < sizeof pixels / sizeof pixels[0]; k++) {
        struct explain_pair pair;
        float              *maps;

        one_pixel_pair(&pair, (struct worker_shape){1, 10, 7, 2, 0}, pixels[k]);
        pair.options.occlusion_patch = 4;
        maps = explain_maps(&pair, WORKER_MAP_OCCLUSION, NULL);
        cr_expect_eq(maps[pixels[k]], 1);
        for (size_t p = 0; p < pair.pixels; p++)
            cr_expect(maps[p] >= 0 && maps[p] <= 1, "%g", (double)maps[p]);
        free(maps);
        explain_pair_free(&pair);
    }
}

Test(explain, holds_as_much_after_many_maps)
{
    struct explain_pair pair;
    size_t              before;

    small_pair(&pair, true, 3);
    free(explain_maps(&pair, WORKER_MAP_GRADCAM, NULL));
    before = worker_explainer_bytes(pair.explainer);
    for (int k = 0; k < 20; k++)
        for (enum worker_attribution which = 0; which < WORKER_MAPS; which++)
            free(explain_maps(&pair, which, NULL));
    cr_expect_eq(worker_explainer_bytes(pair.explainer), before);
    explain_pair_free(&pair);
}

Test(explain, gauss_and_legendre_integrate_polynomials_exactly)
{
    for (uint32_t n = 1; n <= 50; n += 7) {
        double points[50], weights[50];

        worker_gauss_legendre(n, points, weights);
        for (uint32_t degree = 0; degree<2 * n; degree += n> 4 ? 13 : 1) {
            double sum = 0;

            for (uint32_t k = 0; k < n; k++)
                sum += weights[k] * pow(points[k], degree);
            cr_expect(fabs(sum - 1.0 / (degree + 1)) <= 1e-14, "%u points, degree %u: %.17g", n,
                      degree, sum);
        }
    }
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* Without biases, shifts and means, what has relevance has a positive sum behind it. */
Test(explain, relevance_is_kept_where_nothing_has_a_bias)
{
    struct explain_pair pair;
    double              figures[EXPLAINED];
    float               logits[EXPLAINED * 4];

    small_pair(&pair, true, 3);
    worker_explainer_free(pair.explainer);
    for (size_t t = 0; t < pair.count; t++)
        if (ends_with(pair.tensors[t].name, ".bias") ||
            ends_with(pair.tensors[t].name, ".running_mean"))
            memset(pair.tensors[t].data, 0, pair.tensors[t].dims[0] * sizeof(float));
    pair.explainer =
        worker_explainer_new(&pair.net, pair.tensors, pair.count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 4, true}, NULL);
    cr_assert_not_null(pair.explainer);
    free(explain_maps(&pair, WORKER_MAP_LAYER_RELEVANCE, figures));
    cr_assert_eq(worker_explainer_predict(pair.explainer, pair.images, EXPLAINED, logits, NULL), 0);
    for (uint32_t i = 0; i < EXPLAINED; i++) {
        const double logit = logits[i * 4 + pair.targets[i]];

        cr_expect(fabs(figures[i] - logit) <= 1e-3 * fabs(logit), "%g of %g", figures[i], logit);
    }
    explain_pair_free(&pair);
}

Test(explain, a_file_of_tensors_explains_like_the_engine_it_came_from)
{
    struct explain_pair      pair;
    struct worker_tensor    *tensors;
    struct worker_explainer *other;
    struct mx_err            err;
    size_t                   count;
    char                     path[] = "/tmp/mx-explain-XXXXXX";
    float                   *maps, *again = NULL;

    small_pair(&pair, false, 3);
    maps = explain_maps(&pair, WORKER_MAP_LAYER_RELEVANCE, NULL);
    close(mkstemp(path));
    cr_assert_eq(worker_safetensors_write(path, pair.tensors, pair.count, &err), 0, "%s", err.text);
    cr_assert_eq(worker_tensors_read(path, &tensors, &count, &err), 0, "%s", err.text);
    unlink(path);
    other =
        worker_explainer_new(&pair.net, tensors, count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 3, true}, &err);
    cr_assert_not_null(other, "%s", err.text);
    worker_explainer_free(pair.explainer);
    pair.explainer = other;
    again = explain_maps(&pair, WORKER_MAP_LAYER_RELEVANCE, NULL);
    cr_expect_arr_eq(maps, again, EXPLAINED * pair.pixels * sizeof *maps);
    free(maps);
    free(again);
    worker_tensors_free(tensors, count);
    explain_pair_free(&pair);
}
