/* The scores of stored maps, against a version that takes one image and one pixel at a time,
 * on the same network through another engine. */
#include "tests/unit/score_stages.h"
#include "worker/annotations.h"
#include "worker/batch.h"
#include "worker/curve.h"

TestSuite(scores_stage, .init = make_folder, .fini = remove_folder);

/* The network and the images by ways of our own. */
static void look(struct world *w)
{
    struct worker_tensor *tensors;
    struct worker_batch  *batch;
    size_t                count;
    char                  path[256];

    snprintf(path, sizeof path, "%s/%s/weights.safetensors", folder, train_key);
    w->set = worker_dataset_open(&w->job->params, w->job->seed, NULL);
    cr_assert_not_null(w->set);
    cr_assert_eq(worker_net_build(&w->job->params, &w->set->shape, &w->net, NULL), 0);
    cr_assert_eq(worker_tensors_read(path, &tensors, &count, NULL), 0);
    w->explainer =
        worker_explainer_new(&w->net, tensors, count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 1, false}, NULL);
    worker_tensors_free(tensors, count);
    batch = worker_batch_new(&w->job->params, &w->set->shape, IMAGES, NULL);
    worker_batch_plain(batch, w->set, &w->set->test, 0, IMAGES);
    memcpy(w->images, batch->images, sizeof w->images);
    worker_batch_free(batch);
}

/* Maps of another kind than any network makes: of small whole numbers, so that most pixels have
 * equals, and one of zeros alone. */
static void plant_maps(struct world *w, const char *name)
{
    const uint64_t dims[] = {IMAGES, SIDE, SIDE};
    struct mx_rng  rng = mx_rng_at(mx_stream_make(3, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    char           path[256];

    for (int k = 0; k < IMAGES * PIXELS; k++)
        w->maps[k] = k / PIXELS == 2 ? 0 : (float)mx_rng_below(&rng, k / PIXELS == 3 ? 4 : 1000);
    file_of(maps_key, name, path);
    cr_assert_eq(worker_npy_write(path, WORKER_NPY_F32, 3, dims, w->maps, NULL), 0);
}

static double probability(struct world *w, const float *image, uint32_t label)
{
    float  logits[CLASSES];
    double sum = 0;

    cr_assert_eq(worker_explainer_predict(w->explainer, image, 1, logits, NULL), 0);
    for (int c = 0; c < CLASSES; c++)
        sum += exp((double)logits[c] - logits[label]);
    return 1 / sum;
}

/* The keys by which equal pixels of an image are told apart. */
static void draw_keys(const struct world *w, uint32_t row, uint32_t keys[PIXELS])
{
    struct mx_rng rng =
        mx_rng_at(mx_stream_make(w->job->seed, 0, MX_PURPOSE_SCORE, 0), WORKER_DRAW_TIES, row, 0);

    for (int p = 0; p < PIXELS; p++)
        keys[p] = mx_rng_u32(&rng);
}

/* Pixels that go before pixel p. */
static int place_of(const float *map, const uint32_t *keys, int p)
{
    int place = 0;

    for (int q = 0; q < PIXELS; q++)
        place += map[q] > map[p] || (map[q] == map[p] && keys[q] < keys[p]);
    return place;
}

/* Image i after `changed` pixels: the first ones of `from`, the others of `to`. */
static double step_of(struct world *w, uint32_t i, int changed, const float *gone,
                      const float *left)
{
    const float *map = w->maps + (size_t)i * PIXELS;
    uint32_t     keys[PIXELS];
    float        image[PIXELS];

    draw_keys(w, i, keys);
    for (int p = 0; p < PIXELS; p++)
        image[p] = place_of(map, keys, p) < changed ? gone[p] : left[p];
    return probability(w, image, w->set->test.labels[i]);
}

/* Compare a file of curves with naive ones; the mean area. */
static double compare(struct world *w, const char *name, bool insertion)
{
    const double each = 8.0 / PIXELS;
    float       *curves = read_rows(name, STEPS + 1);
    double       area = 0;

    for (uint32_t i = 0; i < IMAGES; i++) {
        const float *image = w->images + (size_t)i * PIXELS;
        const float *row = curves + (size_t)i * (STEPS + 1);
        float        blurred[PIXELS];
        double       before = 0;

        cr_assert_eq(worker_blur(&w->set->shape, false, image, blurred, NULL), 0);
        for (int t = 0; t <= STEPS; t++) {
            static const float zeros[PIXELS];
            const int          changed = t > 8 ? PIXELS : t * 8;
            const double       p = insertion ? step_of(w, i, changed, image, blurred)
                                             : step_of(w, i, changed, zeros, image);

            cr_expect(fabs(p - row[t]) <= 1e-5, "%s image %u step %d: %g, %g", name, i, t,
                      (double)row[t], p);
            area += t > 0 && t <= 8 ? each * (p + before) / 2 : 0;
            before = p;
        }
    }
    free(curves);
    return area / IMAGES;
}

#define BIT(score) WORKER_SCORE_BIT(score)

Test(scores_stage, of_planted_maps_are_those_of_a_naive_version)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADCAM};
    struct world                         w = {.job = NULL};
    struct worker_result                 result;
    double                               deletion, insertion;

    begin(&w, BIT(DELETION) | BIT(INSERTION), kinds, 1);
    look(&w);
    plant_maps(&w, "gradcam.npy");
    result = run(w.job, w.cache);
    deletion = compare(&w, "deletion.gradcam.zero.npy", false);
    insertion = compare(&w, "insertion.gradcam.blur.npy", true);
    cr_expect(fabs(metric(&result, "test.deletion.gradcam.zero") - deletion) <= 1e-5);
    cr_expect(fabs(metric(&result, "test.insertion.gradcam.blur") - insertion) <= 1e-5);
    cr_expect(isfinite(metric(&result, "test.deletion.random.zero")));
    cr_expect(isfinite(metric(&result, "test.insertion.centre.blur")));
    cr_expect_eq(result.nmetrics, 6);
    worker_result_free(&result);
    end(&w);
}

/* Normalised: a ratio of means, not a mean of ratios. */
Test(scores_stage, make_other_numbers_of_the_same_curves)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADIENT};
    struct world                         w = {.job = NULL};
    struct worker_result                 result;
    float                               *most, *least, *shifted;
    double                               areas[3] = {0, 0, 0}, start = 0;

    begin(&w, BIT(DELETION_NORMALISED) | BIT(SYMMETRIC_RELEVANCE_GAIN) | BIT(RANDOM_ORDER_DELETION),
          kinds, 1);
    result = run(w.job, w.cache);
    most = read_rows("deletion.gradient.zero.npy", STEPS + 1);
    least = read_rows("deletion_least_first.gradient.zero.npy", STEPS + 1);
    shifted = read_rows("random_order_deletion.gradient.zero.npy", STEPS + 1);
    for (int i = 0; i < IMAGES; i++) {
        const float *curves[] = {most + i * (STEPS + 1), least + i * (STEPS + 1),
                                 shifted + i * (STEPS + 1)};

        start += (double)curves[0][0];
        for (int c = 0; c < 3; c++)
            for (int t = 1; t <= 8; t++)
                areas[c] += ((double)curves[c][t] + curves[c][t - 1]) / 2 / 8;
    }
    cr_expect(fabs(metric(&result, "test.deletion_normalised.gradient.zero") - areas[0] / start) <=
              1e-5);
    cr_expect(fabs(metric(&result, "test.symmetric_relevance_gain.gradient.zero") -
                   (areas[1] - areas[0]) / IMAGES) <= 1e-5);
    cr_expect(fabs(metric(&result, "test.random_order_deletion.gradient.zero") -
                   (areas[2] - areas[0]) / areas[2]) <= 1e-5);
    cr_expect(isnan(metric(&result, "test.deletion.gradient.zero")), "it was not asked for");
    free(most);
    free(least);
    free(shifted);
    worker_result_free(&result);
    end(&w);
}

/* The image's own overlap at the threshold that the images of the other half like best. */
static double held_out(const struct worker_alignment *all, double delta)
{
    double sum = 0;

    for (int i = 0; i < IMAGES; i++) {
        double best = -1;
        int    at = 0;

        for (int t = 0; t < WORKER_THRESHOLDS; t++) {
            double others = 0;

            for (int k = 1 - i % 2; k < IMAGES; k += 2)
                others += delta > 0 ? all[k].any_box_iou[t] >= delta : all[k].mask_iou[t];
            if (others > best) {
                best = others;
                at = t;
            }
        }
        sum += delta > 0 ? all[i].any_box_iou[at] >= delta : all[i].mask_iou[at];
    }
    return sum / IMAGES;
}

Test(scores_stage, compare_with_marks_at_a_threshold_that_other_images_chose)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADIENT};
    struct world                         w = {.job = NULL};
    struct worker_annotations           *marks;
    struct worker_result                 result;
    struct worker_alignment              all[IMAGES];
    double                               pointing = 0, rank = 0;
    float                               *values;

    begin(&w, worker_scores_that_are(WORKER_SCORE_MARKS), kinds, 1);
    look(&w);
    plant_maps(&w, "gradient.npy");
    result = run(w.job, w.cache);
    marks = worker_annotations_read(&w.job->params, w.job->seed, w.set, NULL);
    for (uint32_t i = 0; i < IMAGES; i++) {
        const struct worker_marks of = worker_annotations_of(marks, i);
        uint32_t                  keys[PIXELS], order[PIXELS];

        draw_keys(&w, i, keys);
        for (uint32_t p = 0; p < PIXELS; p++)
            order[place_of(w.maps + i * PIXELS, keys, (int)p)] = p;
        cr_assert_eq(worker_align(w.maps + i * PIXELS, order, SIDE, SIDE, &of, &all[i], NULL), 0);
        pointing += all[i].pointing / IMAGES;
        rank += all[i].relevance_rank / IMAGES;
    }
    cr_expect(fabs(metric(&result, "test.pointing_game.gradient") - pointing) <= 1e-6);
    cr_expect(fabs(metric(&result, "test.relevance_rank.gradient") - rank) <= 1e-6);
    cr_expect(fabs(metric(&result, "test.mask_iou.gradient") - held_out(all, 0)) <= 1e-6);
    cr_expect(fabs(metric(&result, "test.max_box_accuracy_v2.gradient") -
                   (held_out(all, .3) + held_out(all, .5) + held_out(all, .7)) / 3) <= 1e-6);
    values = read_rows("relevance_rank.gradient.npy", 1);
    for (int i = 0; i < IMAGES; i++)
        cr_expect_eq(values[i], (float)all[i].relevance_rank);
    free(values);
    worker_annotations_free(marks);
    worker_result_free(&result);
    end(&w);
}

Test(scores_stage, are_the_same_where_only_results_are_kept)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADIENT, WORKER_MAP_GRADCAM};
    struct world                         w = {.job = NULL};
    struct worker_result                 kept, gone;
    char                                 path[256];

    begin(&w, ~UINT64_C(0), kinds, 2);
    w.job->params.score_fills = (struct worker_list){2, {WORKER_FILL_BLUR, WORKER_FILL_ROAD}};
    kept = run(w.job, w.cache);
    become(w.job, WORKER_STAGE_SCORES, "44444444444444444444444444444444");
    w.job->temporary = true;
    gone = run(w.job, w.cache);
    cr_assert_eq(kept.nmetrics, gone.nmetrics);
    for (size_t m = 0; m < kept.nmetrics; m++) {
        cr_expect_str_eq(kept.metrics[m].name, gone.metrics[m].name);
        cr_expect(memcmp(&kept.metrics[m].value, &gone.metrics[m].value, sizeof(double)) == 0 ||
                      (isnan(kept.metrics[m].value) && isnan(gone.metrics[m].value)),
                  "%s", kept.metrics[m].name);
    }
    file_of("44444444444444444444444444444444", "stage.json", path);
    cr_expect(mx_file_exists(path));
    file_of("44444444444444444444444444444444", "fraction.npy", path);
    cr_expect_not(mx_file_exists(path));
    cr_expect_eq(metric(&kept, "test.randomisation_correlation.random"), 1);
    cr_expect(fabs(metric(&kept, "test.randomisation_correlation.gradient")) <= 1);
    worker_result_free(&kept);
    worker_result_free(&gone);
    end(&w);
}

/* Under `predicted` the class of a curve is that of its map: what the network says. */
Test(scores_stage, follow_the_class_that_the_map_explains)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADIENT};
    struct world                         w = {.job = NULL};
    struct worker_result                 result;
    float                               *curves;

    begin(&w, BIT(DELETION), kinds, 1);
    look(&w);
    w.job->params.score_target = WORKER_TARGET_PREDICTED;
    result = run(w.job, w.cache);
    curves = read_rows("deletion.gradient.zero.npy", STEPS + 1);
    for (uint32_t i = 0; i < IMAGES; i++) {
        double most = 0;

        for (uint32_t c = 0; c < CLASSES; c++)
            most = fmax(most, probability(&w, w.images + i * PIXELS, c));
        cr_expect(fabs(curves[i * (STEPS + 1)] - most) <= 1e-5, "image %u", i);
    }
    free(curves);
    worker_result_free(&result);
    end(&w);
}

/* Squares of 10, 30 and 50 % of 8 x 8 pixels: 3, 4 and 6 a side. */
Test(scores_stage, count_what_is_right_behind_a_square)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADIENT};
    static const struct {
        uint32_t percent, side;
        char     name[32];
    } cases[] = {{10, 3, "test.occlusion_accuracy.10"},
                 {30, 4, "test.occlusion_accuracy.30"},
                 {50, 6, "test.occlusion_accuracy.50"}};
    struct world         w = {.job = NULL};
    struct worker_result result;

    begin(&w, BIT(OCCLUSION_ACCURACY), kinds, 1);
    look(&w);
    result = run(w.job, w.cache);
    for (size_t k = 0; k < 3; k++) {
        const uint32_t       n = w.set->test.n, side = cases[k].side;
        struct worker_batch *batch = worker_batch_new(&w.job->params, &w.set->shape, n, NULL);
        uint32_t             hits = 0;

        worker_batch_plain(batch, w.set, &w.set->test, 0, n);
        for (uint32_t i = 0; i < n; i++) {
            struct mx_rng  rng = mx_rng_at(mx_stream_make(w.job->seed, 0, MX_PURPOSE_SCORE, 0),
                                           0x103, w.set->test.rows[i], cases[k].percent);
            const uint32_t top = (uint32_t)mx_rng_below(&rng, SIDE - side + 1);
            const uint32_t left = (uint32_t)mx_rng_below(&rng, SIDE - side + 1);
            float         *image = batch->images + i * PIXELS, logits[CLASSES];

            for (uint32_t p = 0; p < PIXELS; p++)
                if (p / SIDE - top < side && p % SIDE - left < side)
                    image[p] = 0;
            cr_assert_eq(worker_explainer_predict(w.explainer, image, 1, logits, NULL), 0);
            for (uint32_t c = 0; c < CLASSES; c++)
                hits += c == w.set->test.labels[i] && logits[c] >= logits[(c + 1) % CLASSES] &&
                        logits[c] >= logits[(c + 2) % CLASSES];
        }
        cr_expect(fabs(metric(&result, cases[k].name) - (double)hits / n) <= 1e-12, "%s",
                  cases[k].name);
        worker_batch_free(batch);
    }
    cr_expect(isfinite(metric(&result, "val.occlusion_accuracy.30")));
    worker_result_free(&result);
    end(&w);
}
