/* What users of other programs reported of mixed sample augmentation, each as a
 * test of its whole kind:
 *
 *   box clipped, label not                here; test_mix.c; every strategy in test_mix_batches.c
 *   share given to the wrong label        here; every strategy in test_mix_batches.c
 *   alpha that changes nothing            here; test_rng.c; refused: test_config_errors.c
 *   workers and epochs that repeat        test_mix_threads.c; test_batch.c; whole sweeps: e2e/test_same_results.py
 *   targets that do not add up to 1       here; soft ones: test_engine_mix.c, test_recursivemix.c
 *   one box for a whole batch             here; crop and flip: test_saliency.c
 *   odd and short last batches            here; every strategy in test_mix_batches.c
 *   accuracy against one hard label       here; its column: test_tally.c
 *   a probability that means its opposite here; test_batch.c, test_mix.c
 */
#include <criterion/criterion.h>
#include <math.h>

#include "base/json.h"
#include "kernels/elementwise.h"
#include "mix_sets.h"
#include "worker/engine.h"
#include "worker/stage_parts.h"
#include "worker/tally.h"

static const unsigned clipped[] = {WORKER_MIX_CUTMIX, WORKER_MIX_SALIENCYMIX, WORKER_MIX_RESIZEMIX};

enum {
    CLIPPED = sizeof clipped / sizeof clipped[0]
};

/* The base's image is black, the partner's white: the mean is the partner's share. */
static void show(struct worker_batch *batch, const uint8_t *pixels, uint32_t side)
{
    struct kern_batch_args args = {.n = 1,
                                   .channels = 1,
                                   .height = side,
                                   .width = side,
                                   .pixels = pixels,
                                   .table = batch->table,
                                   .samples = batch->samples,
                                   .out = batch->images};

    for (int byte = 0; byte < 256; byte++)
        batch->table[byte] = (float)byte / 255;
    kern_cpu()->batch(kern_cpu(), &args, NULL);
}

static double mean_of(const float *pixels, size_t n)
{
    double sum = 0;

    for (size_t k = 0; k < n; k++)
        sum += (double)pixels[k];
    return sum / (double)n;
}

/* A batch whose image 0 is all 0, of class 0, and whose image 1 is all 1, of class 1. */
static struct worker_batch *pair_of(const struct worker_params *params,
                                    const struct worker_shape  *shape)
{
    struct worker_batch *batch = worker_batch_new(params, shape, 2, NULL);

    cr_assert_not_null(batch);
    batch->n = 2;
    for (uint32_t i = 0; i < 2; i++) {
        batch->samples[i] = (struct kern_batch_sample){
            .image = i, .partner = 1 - i, .outside = {1, 0}, .inside = {1, 0}};
        batch->y_a[i] = batch->y_b[i] = i;
        batch->lambda[i] = 1;
    }
    return batch;
}

Test(mix_reports, a_clipped_box_weighs_its_pixels_and_as_drawn_only_by_name)
{
    static uint8_t            pixels[128];
    const struct worker_shape shape = {1, 8, 8, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_CUTMIX);
    struct worker_batch      *batch = pair_of(&params, &shape);
    struct worker_mix_draw    draw = worker_mix_blank;
    uint32_t                  side[2];

    memset(pixels + 64, 255, 64);
    draw.drawn = 0.75;
    worker_mix_cut_sides(&shape, draw.drawn, side);
    draw.share = worker_mix_clip(&shape, (uint32_t[]){0, 0}, side, side, &draw);
    worker_mix_paste(&draw);
    worker_mix_apply(batch, 0, &worker_mixes[WORKER_MIX_CUTMIX], &draw, 0, &params, 1);
    show(batch, pixels, 8);
    cr_expect_eq(side[0], 4);
    cr_expect_eq(batch->lambda[0], 0.9375f);
    cr_expect_eq(batch->drawn[0], 0.75f);
    cr_expect_eq(mean_of(batch->images, 64), 0.0625);
    params.mix_weight = WORKER_WEIGHT_DRAWN;
    worker_mix_apply(batch, 0, &worker_mixes[WORKER_MIX_CUTMIX], &draw, 0, &params, 1);
    cr_expect_eq(batch->lambda[0], 0.75f);
    cr_expect_eq(batch->area[0], 0.9375f);
    worker_batch_free(batch);
}

Test(mix_reports, the_mean_of_a_mix_is_what_its_label_says_in_1000_draws)
{
    const struct worker_shape shape = {1, 8, 8, 2, 0};

    for (int k = 0; k < CLIPPED; k++) {
        struct worker_params params = mix_params(clipped[k]);
        struct mix_set       set;
        uint32_t             met = 0;

        params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
        set = mix_set_make(&params, &shape, 2, false);
        for (uint32_t b = 0; met < 1000; b++) {
            mix_set_train(&set, 2, 0, b);
            if (set.batch->partner[0] == 0)
                continue;
            met++;
            cr_assert(fabs(mix_set_mean(&set, 0) - (1 - (double)set.batch->lambda[0])) <= 1e-6);
            cr_assert(fabs(mix_set_mean(&set, 1) - (double)set.batch->lambda[1]) <= 1e-6);
        }
        mix_set_free(&set);
    }
}

/* What was drawn, before clipping: of image i of a batch with its own draws. */
static double drawn_weight(const struct mix_set *set, uint32_t number, uint32_t i)
{
    const struct worker_mix_place place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, number,
                                           1 + i};
    struct mx_rng                 rng = worker_mix_rng(&place, WORKER_DRAW_SCALE);
    double                        u;

    if (set->params.mix_strategy != WORKER_MIX_RESIZEMIX)
        return worker_mix_lambda(&set->params, &place);
    u = 0.1 + 0.7 * mx_rng_uniform(&rng);
    return 1 - u * u;
}

Test(mix_reports, no_correction_changes_the_label_and_nothing_else)
{
    const struct worker_shape shape = {2, 9, 12, 2, 0};
    enum {
        N = 4
    };

    for (int k = 0; k < CLIPPED; k++) {
        struct worker_params params = mix_params(clipped[k]);
        struct mix_set       effective, drawn;
        int                  corrected = 0;

        params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
        effective = mix_set_make(&params, &shape, N, true);
        params.mix_weight = WORKER_WEIGHT_DRAWN;
        drawn = mix_set_make(&params, &shape, N, true);
        for (uint32_t b = 0; b < 50; b++) {
            mix_set_train(&effective, N, 0, b);
            mix_set_train(&drawn, N, 0, b);
            cr_assert_arr_eq(effective.batch->images, drawn.batch->images,
                             N * drawn.image * sizeof(float));
            for (uint32_t i = 0; i < N; i++) {
                cr_assert_eq(drawn.batch->lambda[i], (float)drawn_weight(&drawn, b, i));
                cr_assert_eq(drawn.batch->lambda[i], effective.batch->drawn[i]);
                cr_assert_eq(effective.batch->lambda[i], drawn.batch->area[i]);
                /* Clipping and whole pixels only take from the partner. */
                cr_assert_geq(effective.batch->lambda[i], drawn.batch->lambda[i] - 1e-6f);
                corrected += effective.batch->lambda[i] > drawn.batch->lambda[i] + 0.05f;
            }
        }
        cr_expect_gt(corrected, 50, "%s: %d", worker_strategies[clipped[k]].word, corrected);
        mix_set_free(&effective);
        mix_set_free(&drawn);
    }
}

/* Where nothing is clipped the option has no meaning, also where `choices` lets it stand. */
Test(mix_reports, strategies_without_a_clipped_box_follow_their_pixels_whatever_is_said)
{
    static const unsigned     others[] = {WORKER_MIX_MIXUP, WORKER_MIX_FMIX, WORKER_MIX_GRIDMIX,
                                          WORKER_MIX_PUZZLEMIX, WORKER_MIX_CUTOUT};
    const struct worker_shape shape = {1, 10, 12, 2, 0};

    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        struct worker_params params = mix_params(WORKER_MIX_CHOICES);
        struct mix_set       set;

        params.mix_choices = (struct worker_list){1, {others[k]}};
        params.mix_weight = WORKER_WEIGHT_DRAWN;
        set = mix_set_make(&params, &shape, 5, true);
        for (uint32_t b = 0; b < 20; b++) {
            mix_set_train(&set, 5, 0, b);
            for (uint32_t i = 0; i < 5; i++)
                cr_assert_eq(set.batch->lambda[i],
                             others[k] == WORKER_MIX_CUTOUT ? 1 : set.batch->area[i]);
        }
        mix_set_free(&set);
    }
}

/* The target that a loss works with, from its gradient at equal logits. */
static void target_of(const struct worker_batch *batch, double smoothing, uint32_t classes,
                      double *target)
{
    float logits[16] = {0}, gradient[16];

    kern_softmax_loss(logits, batch->y_a, batch->y_b, batch->lambda, smoothing, 1, classes,
                      gradient);
    for (uint32_t c = 0; c < classes; c++)
        target[c] = 1.0 / classes - (double)gradient[c];
}

Test(mix_reports, the_weight_belongs_to_the_base_image)
{
    static uint8_t             pixels[32];
    const struct worker_shape  shape = {1, 4, 4, 2, 0};
    const struct worker_params params = mix_params(WORKER_MIX_CUTMIX);
    struct worker_batch       *batch = pair_of(&params, &shape);
    struct worker_mix_draw     draw = worker_mix_blank;
    double                     target[2];

    memset(pixels + 16, 255, 16);
    draw.share =
        worker_mix_clip(&shape, (uint32_t[]){2, 2}, (uint32_t[]){2, 2}, (uint32_t[]){2, 2}, &draw);
    worker_mix_paste(&draw);
    worker_mix_apply(batch, 0, &worker_mixes[WORKER_MIX_CUTMIX], &draw, 0, &params, 1);
    show(batch, pixels, 4);
    cr_expect_eq(batch->images[5] + batch->images[10], 2); /* the inner box is the partner's */
    cr_expect_eq(batch->images[0] + batch->images[15], 0);
    target_of(batch, 0, 2, target);
    cr_expect(fabs(target[0] - 0.75) <= 1e-7);
    cr_expect(fabs(target[1] - mean_of(batch->images, 16)) <= 1e-7);
    worker_batch_free(batch);
}

static void spread_of(double alpha, double *variance, double *outside)
{
    struct worker_params params = mix_params(WORKER_MIX_MIXUP);
    double               sum = 0, squares = 0, far = 0;
    enum {
        DRAWS = 200000
    };

    params.mix_alpha = alpha;
    for (uint32_t b = 0; b < DRAWS; b++) {
        struct worker_mix_place place = {mx_stream_make(4, 0, MX_PURPOSE_MIX, 0), 0, b, 0};
        double                  lambda = worker_mix_lambda(&params, &place);

        sum += lambda;
        squares += lambda * lambda;
        far += lambda < 0.05 || lambda > 0.95;
    }
    *variance = squares / DRAWS - sum / DRAWS * (sum / DRAWS);
    *outside = far / DRAWS;
}

Test(mix_reports, alpha_changes_how_lambda_is_spread)
{
    double variance, outside;

    spread_of(0.2, &variance, &outside);
    cr_expect(fabs(variance - 0.1786) <= 0.002, "%g", variance);
    cr_expect(fabs(outside - 0.583) <= 0.005, "%g", outside);
    spread_of(1, &variance, &outside);
    cr_expect(fabs(variance - 1 / 12.0) <= 0.001, "%g", variance);
    cr_expect(fabs(outside - 0.1) <= 0.004, "%g", outside);
}

Test(mix_reports, smoothed_and_mixed_targets_sum_to_1)
{
    const struct worker_shape  shape = {1, 2, 2, 7, 0};
    const struct worker_params params = mix_params(WORKER_MIX_MIXUP);
    struct worker_batch       *batch = pair_of(&params, &shape);
    double                     target[7], sum;

    target_of(batch, 0.1, 7, target);
    for (int c = 0; c < 7; c++)
        cr_expect(fabs(target[c] - (c == 0 ? 0.914286 : 0.014286)) <= 1e-6, "%g", target[c]);
    batch->lambda[0] = 0.6f;
    batch->y_b[0] = 3;
    target_of(batch, 0.1, 7, target);
    cr_expect(fabs(target[0] - 0.554286) <= 1e-6, "%g", target[0]);
    cr_expect(fabs(target[3] - 0.374286) <= 1e-6, "%g", target[3]);
    for (double smoothing = 0; smoothing < 1; smoothing += 0.3)
        for (int k = 0; k <= 4; k++) {
            batch->lambda[0] = (float)k / 4;
            target_of(batch, smoothing, 7, target);
            sum = 0;
            for (int c = 0; c < 7; c++)
                sum += target[c];
            cr_expect(fabs(sum - 1) <= 1e-6, "%g", sum);
        }
    worker_batch_free(batch);
}

/* Rows of probabilities enter by a call of their own, and have as many columns as
 * the network has classes. */
Test(mix_reports, targets_of_a_wrong_number_of_classes_are_refused_naming_both)
{
    static const float        targets[8] = {1, 0, 0, 0, 0, 1, 0, 0};
    const struct worker_shape wide = {1, 4, 4, 4, 0}, shape = {1, 4, 4, 3, 0};
    struct worker_params      params = mix_params(WORKER_MIX_NONE);
    struct worker_batch      *batch = pair_of(&params, &wide);
    struct worker_engine     *engine;
    struct mx_err             err = {0};
    double                    loss;

    params.model_arch = WORKER_ARCH_LINEAR;
    params.train_threads = 1;
    engine = worker_engine_new(&params, &shape, 2, mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), NULL);
    batch->targets = targets;
    cr_expect_eq(worker_engine_step(engine, batch, 0.1, &loss, &err), -1);
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "targets of 4 classes do not go with a network of 3 classes");
    worker_engine_free(engine);
    worker_batch_free(batch);
}

/* Two images with a bright pixel, at (1, 1) and at (6, 6). */
Test(mix_reports, the_scope_of_a_box_is_a_setting_that_the_record_names)
{
    struct worker_param_set   used = {{0}};
    const struct worker_shape shape = {1, 8, 8, 2, 0};

    for (unsigned scope = 0; scope < 2; scope++) {
        struct worker_params params = mix_params(WORKER_MIX_SALIENCYMIX);
        struct mx_buf        record = {0};
        struct mx_json       json = {.out = &record};
        struct mix_set       set;
        int                  boxes = 0, batches = 0;

        params.mix_granularity = scope;
        set = mix_set_make(&params, &shape, 2, false);
        memset(set.pixels, 0, 2 * set.image);
        set.pixels[9] = set.pixels[64 + 54] = 255;
        for (uint32_t b = 0; b < 100; b++) {
            const struct kern_batch_sample *sample = set.batch->samples;

            mix_set_train(&set, 2, 0, b);
            if (set.batch->partner[0] == 0 || sample[0].y1 == sample[0].y0 ||
                sample[1].y1 == sample[1].y0)
                continue;
            batches++;
            boxes += sample[0].y0 != sample[1].y0 || sample[0].y1 != sample[1].y1 ? 2 : 1;
        }
        cr_expect_gt(batches, 15);
        cr_expect(scope == WORKER_GRANULARITY_BATCH ? boxes == batches : boxes > 3 * batches / 2,
                  "%d boxes in %d batches", boxes, batches);
        worker_param_add(&used, WORKER_PARAM_mix_granularity);
        mx_json_object(&json, NULL);
        worker_params_json(&json, &params, &used);
        cr_expect_not_null(strstr(mx_buf_str(&record), scope ? "\"mix.granularity\":\"sample\""
                                                             : "\"mix.granularity\":\"batch\""),
                           "%s", mx_buf_str(&record));
        mx_buf_free(&record);
        mix_set_free(&set);
    }
}

/* 5 images in batches of 2: the last has one. Among the partners of 5 images, as
 * they are drawn, are those that only the middle one meets itself in. */
Test(mix_reports, a_batch_of_one_is_not_mixed_and_images_that_meet_themselves_are_counted)
{
    const struct worker_shape shape = {1, 4, 4, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_MIXUP);
    struct mix_set            set = mix_set_make(&params, &shape, 5, false);
    struct worker_tally       tally = {0};
    bool                      one = false;

    for (uint32_t b = 0; b < 3; b++) {
        mix_set_train(&set, b < 2 ? 2 : 1, 0, b);
        worker_tally_add(&tally, set.batch, 0, 0);
    }
    cr_expect_eq(tally.images, 5);
    cr_expect_eq(tally.mixed, 4);
    cr_expect_eq(set.batch->mixed, 0);
    cr_expect_eq(set.batch->lambda[0], 1);
    cr_expect_eq(set.batch->y_b[0], set.batch->y_a[0]);
    for (uint32_t b = 0; !one && b < 200; b++) {
        mix_set_train(&set, 5, 1, b);
        one = set.batch->self_pairs == 1 && set.batch->partner[2] == 2;
    }
    cr_assert(one);
    tally = (struct worker_tally){0};
    worker_tally_add(&tally, set.batch, 0, 0);
    cr_expect_eq(tally.self_pairs, 1);
    mix_set_free(&set);
}

/* Weight 0.7: the base's label is predicted three times, the partner's once. */
Test(mix_reports, accuracy_on_a_mixed_batch_weighs_both_labels)
{
    static const float         logits[12] = {1, 0, 0, 2, 1, 0, 0, -1, -1, 0, 1, 0};
    const struct worker_shape  shape = {1, 2, 2, 3, 0};
    const struct worker_params params = mix_params(WORKER_MIX_MIXUP);
    struct worker_batch       *batch = worker_batch_new(&params, &shape, 4, NULL);
    struct worker_tally        tally = {0};

    batch->n = batch->mixed = 4;
    for (uint32_t i = 0; i < 4; i++) {
        batch->y_a[i] = 0;
        batch->y_b[i] = 1;
        batch->lambda[i] = 0.7f;
    }
    worker_tally_add(&tally, batch, 0, worker_batch_hits(batch, logits, 3));
    cr_expect(fabs(tally.hits / tally.images - 0.6) <= 1e-6, "%g", tally.hits);
    worker_batch_free(batch);
}

Test(mix_reports, probability_0_mixes_nothing_1_everything_and_a_fifth_a_fifth)
{
    static const double       chances[] = {0, 1, 0.2};
    const struct worker_shape shape = {1, 4, 4, 2, 0};

    for (int k = 0; k < 3; k++) {
        struct worker_params params = mix_params(WORKER_MIX_CUTMIX);
        struct worker_tally  tally = {0};
        struct mix_set       set;
        double               share;

        params.mix_prob = chances[k];
        set = mix_set_make(&params, &shape, 4, false);
        for (uint32_t b = 0; b < 5000; b++) {
            mix_set_train(&set, 4, 0, b);
            worker_tally_add(&tally, set.batch, 0, 0);
        }
        share = tally.mixed / tally.images;
        cr_expect(fabs(share - chances[k]) <= (k == 2 ? 0.023 : 0), "%g", share);
        mix_set_free(&set);
    }
}
