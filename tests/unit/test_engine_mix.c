/* What mixing asks of a network: the gradient of images, mixing of a stage's
 * output, soft targets. */
#include "engine_pairs.h"
#include "kernels/elementwise.h"

static const struct {
    unsigned            arch;
    uint32_t            n;
    struct worker_shape shape;
} cases[] = {{WORKER_ARCH_LINEAR, 4, {3, 5, 6, 4, 0}},
             {WORKER_ARCH_RESNET8, 3, {1, 9, 7, 3, 0}},
             {WORKER_ARCH_RESNET8, 5, {3, 8, 8, 10, 0}},
             {WORKER_ARCH_RESNET20, 2, {3, 6, 6, 2, 0}}};

static struct pair *pair_of(size_t c, enum worker_strategy strategy)
{
    struct worker_params params = pair_plain;

    params.model_arch = cases[c].arch;
    params.train_batch_size = cases[c].n;
    params.mix_strategy = strategy;
    params.mix_layers =
        (struct worker_list){cases[c].arch == WORKER_ARCH_LINEAR ? 1 : 3, {0, 1, 2}};
    return pair_new(params, cases[c].shape);
}

/* The reference's summed loss of clean images in eval mode. */
static double eval_loss(struct pair *pair)
{
    static const float whole[PAIR_ROOM] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct naive_batch batch = {pair->batch.images, pair->y_a, pair->y_a, whole};

    return naive_net_forward(pair->naive, &batch, false) * pair->batch.n;
}

/* A pixel of float precision is moved by a step that floats can hold. */
static double slope(struct pair *pair, size_t pixel)
{
    const float step = 0x1p-15f, was = pair->batch.images[pixel];
    float       up = was + step, down = was - step;
    double      high, low;

    pair->batch.images[pixel] = up;
    high = eval_loss(pair);
    pair->batch.images[pixel] = down;
    low = eval_loss(pair);
    pair->batch.images[pixel] = was;
    return (high - low) / ((double)up - (double)down);
}

Test(engine_mix, gradients_of_images_are_the_slopes_of_the_loss_in_eval_mode)
{
    for (size_t c = 0; c < 4; c++) {
        struct pair *pair = pair_of(c, WORKER_MIX_PUZZLEMIX);
        size_t       image =
            (size_t)cases[c].shape.channels * cases[c].shape.height * cases[c].shape.width;
        float *gradient = malloc(PAIR_ROOM * image * sizeof *gradient);
        double largest = 0;

        for (uint32_t number = 0; number < 2; number++) { /* so that statistics are not 0 and 1 */
            pair_draw_batch(pair, cases[c].n, number);
            pair_step(pair, 0.01);
        }
        cr_assert_eq(worker_engine_image_gradient(pair->engine, pair->batch.images, pair->y_a,
                                                  cases[c].n, gradient, NULL),
                     0);
        for (size_t k = 0; k < cases[c].n * image; k++)
            largest = fmax(largest, fabs((double)gradient[k]));
        cr_assert_gt(largest, 0);
        for (size_t k = c; k < cases[c].n * image; k += cases[c].n * image / 8)
            cr_assert(fabs((double)gradient[k] - slope(pair, k)) <= 1e-4 * largest,
                      "case %zu, pixel %zu: %g, slope %g", c, k, (double)gradient[k],
                      slope(pair, k));
        free(gradient);
        pair_free(pair);
    }
}

Test(engine_mix, an_image_has_the_same_gradient_alone_and_in_company_and_the_weights_stay)
{
    struct pair          *pair = pair_of(2, WORKER_MIX_PUZZLEMIX);
    const size_t          image = 3 * 8 * 8;
    float                 together[5 * 3 * 8 * 8], alone[3 * 8 * 8];
    size_t                count;
    struct worker_tensor *before, *after;

    pair_draw_batch(pair, 5, 0);
    pair_step(pair, 0.1);
    before = pair_export(pair->engine, &count);
    cr_assert_eq(worker_engine_image_gradient(pair->engine, pair->batch.images, pair->y_a, 5,
                                              together, NULL),
                 0);
    for (uint32_t i = 0; i < 5; i++) {
        cr_assert_eq(worker_engine_image_gradient(pair->engine, pair->batch.images + i * image,
                                                  pair->y_a + i, 1, alone, NULL),
                     0);
        cr_expect_arr_eq(alone, together + i * image, image * sizeof *alone);
    }
    after = pair_export(pair->engine, &count);
    for (size_t t = 0; t < count; t++)
        cr_expect_arr_eq(before[t].data, after[t].data, before[t].dims[0] * sizeof(float));
    pair_draw_batch(pair, 5, 1);
    pair_step(pair, 0.1); /* and the next step is what it would have been */
    pair_expect_weights(pair, 1e-5);
    worker_tensors_free(before, count);
    worker_tensors_free(after, count);
    pair_free(pair);
}

Test(engine_mix, more_images_than_the_engine_was_made_for_are_refused)
{
    struct pair  *pair = pair_of(0, WORKER_MIX_PUZZLEMIX);
    struct mx_err err;
    float         gradient[5 * 90];

    cr_expect_eq(worker_engine_image_gradient(pair->engine, pair->batch.images, pair->y_a, 5,
                                              gradient, &err),
                 -1);
    cr_expect_str_eq(err.text, "the gradient of 5 images, of at most 4");
    pair_free(pair);
}

/* Images of a batch mix at a layer, each with a share of its own. */
static void mix_at(struct pair *pair, unsigned layer, float *share, uint32_t *partner)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(9, 0, MX_PURPOSE_MIX, 0), layer, 0, 0);

    mx_rng_permutation(&rng, partner, pair->batch.n);
    for (uint32_t i = 0; i < pair->batch.n; i++)
        share[i] = (float)mx_rng_uniform(&rng);
    pair->batch.layer = layer;
    pair->batch.area = share;
    pair->batch.partner = partner;
    pair->naive->hidden_layer = layer ? worker_net_stage_end(&pair->net, layer) : 0;
    pair->naive->hidden_share = share;
    pair->naive->hidden_partner = partner;
}

Test(engine_mix, mixes_the_output_of_a_stage_as_the_reference_does)
{
    for (size_t c = 1; c < 4; c++)
        for (unsigned layer = 0; layer < 3; layer++) {
            struct pair *pair = pair_of(c, WORKER_MIX_MANIFOLD_MIXUP);
            float        share[PAIR_ROOM];
            uint32_t     partner[PAIR_ROOM];

            pair_draw_batch(pair, cases[c].n, 0);
            mix_at(pair, layer, share, partner);
            pair_step(pair, 1);
            pair_expect_weights(pair, 3e-5);
            pair_free(pair);
        }
}

Test(engine_mix, the_layer_changes_from_batch_to_batch)
{
    struct pair *pair = pair_of(2, WORKER_MIX_MANIFOLD_MIXUP);
    float        share[PAIR_ROOM];
    uint32_t     partner[PAIR_ROOM];

    for (uint32_t step = 0; step < 6; step++) {
        pair_draw_batch(pair, 5, step);
        mix_at(pair, step % 3, share, partner);
        pair_step(pair, 0.02);
    }
    pair_expect_weights(pair, 1e-4);
    pair_free(pair);
}

Test(engine_mix, a_network_without_stages_says_so)
{
    struct worker_params params = pair_plain;
    struct worker_shape  shape = {1, 8, 8, 2, 0};
    struct mx_err        err;

    params.model_arch = WORKER_ARCH_LINEAR;
    params.mix_strategy = WORKER_MIX_MANIFOLD_MIXUP;
    params.mix_layers = (struct worker_list){2, {0, 2}};
    cr_assert_null(
        worker_engine_new(&params, &shape, 4, mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), &err));
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "model.arch linear has no stage2 to mix after (set mix.layers: "
                               "[input])");
}

Test(engine_mix, the_estimate_of_memory_counts_what_strategies_need)
{
    static const enum worker_strategy strategies[] = {WORKER_MIX_PUZZLEMIX,
                                                      WORKER_MIX_MANIFOLD_MIXUP};
    const struct worker_shape         shape = {3, 32, 32, 10, 0};

    for (int s = 0; s < 2; s++) {
        struct worker_params  params = pair_plain;
        struct worker_cost    plain, cost;
        struct worker_engine *engine;
        size_t                bytes;

        params.model_arch = WORKER_ARCH_RESNET8;
        params.train_batch_size = 16;
        params.mix_layers = (struct worker_list){3, {0, 1, 2}};
        cr_assert_eq(worker_engine_cost(&params, &shape, &plain, NULL), 0);
        params.mix_strategy = strategies[s];
        cr_assert_eq(worker_engine_cost(&params, &shape, &cost, NULL), 0);
        engine =
            worker_engine_new(&params, &shape, 16, mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), NULL);
        bytes = worker_engine_bytes(engine);
        cr_expect(cost.memory_bytes >= bytes && cost.memory_bytes <= 2 * bytes + (16 << 20));
        cr_expect_gt(cost.memory_bytes, plain.memory_bytes);
        cr_expect_eq(cost.train_flop > plain.train_flop, s == 0); /* puzzlemix has one more pass */
        worker_engine_free(engine);
    }
}

Test(engine_mix, soft_targets_have_the_loss_and_gradient_of_the_same_pair_of_labels)
{
    enum {
        ROWS = 7,
        CLASSES = 5
    };
    struct mx_rng rng = mx_rng_at(mx_stream_make(4, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    float         logits[ROWS * CLASSES], targets[ROWS * CLASSES] = {0}, lambda[ROWS];
    float         hard[ROWS * CLASSES], soft[ROWS * CLASSES];
    uint32_t      y_a[ROWS], y_b[ROWS];
    double        expected, got;

    for (int k = 0; k < ROWS * CLASSES; k++)
        logits[k] = 3 * (float)mx_rng_normal(&rng);
    for (int i = 0; i < ROWS; i++) {
        y_a[i] = (uint32_t)mx_rng_below(&rng, CLASSES);
        y_b[i] = (uint32_t)mx_rng_below(&rng, CLASSES);
        lambda[i] = (float)mx_rng_uniform(&rng);
        targets[i * CLASSES + (int)y_a[i]] += lambda[i];
        targets[i * CLASSES + (int)y_b[i]] += 1 - lambda[i];
    }
    for (double smoothing = 0; smoothing < 1; smoothing += 0.4) {
        expected = kern_softmax_loss(logits, y_a, y_b, lambda, smoothing, ROWS, CLASSES, hard);
        got = kern_softmax_target_loss(logits, targets, smoothing, ROWS, CLASSES, soft);
        cr_expect(fabs(got - expected) <= 1e-6 * expected);
        cr_expect_eq(kern_softmax_target_loss(logits, targets, smoothing, ROWS, CLASSES, NULL),
                     got);
        for (int k = 0; k < ROWS * CLASSES; k++)
            cr_expect(fabs((double)soft[k] - (double)hard[k]) <= 1e-7);
    }
}

/* Partners need not be a permutation: the gradient is the transpose all the same,
 * <M x, g> = <x, M' g>. */
Test(engine_mix, the_gradient_of_mixed_rows_is_the_transpose_of_mixing)
{
    enum {
        ROWS = 6,
        WIDTH = 19
    };
    static const uint32_t partner[ROWS] = {1, 1, 4, 3, 1, 0};
    static const float    share[ROWS] = {0.25f, 1, 0, 0.7f, 0.5f, 0.9f};
    struct mx_rng         rng = mx_rng_at(mx_stream_make(6, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    float                 x[ROWS * WIDTH], g[ROWS * WIDTH], mixed[ROWS * WIDTH], back[ROWS * WIDTH];
    double                forward = 0, backward = 0;

    for (int k = 0; k < ROWS * WIDTH; k++) {
        x[k] = (float)mx_rng_normal(&rng);
        g[k] = (float)mx_rng_normal(&rng);
    }
    kern_mix_rows(mixed, x, share, partner, ROWS, WIDTH);
    kern_mix_rows_backward(back, g, share, partner, ROWS, WIDTH);
    for (int k = 0; k < ROWS * WIDTH; k++) {
        double own = (double)share[k / WIDTH];
        double other = (double)x[(int)partner[k / WIDTH] * WIDTH + k % WIDTH];

        cr_expect(fabs((double)mixed[k] - (own * (double)x[k] + (1 - own) * other)) <= 1e-6);
        forward += (double)mixed[k] * (double)g[k];
        backward += (double)x[k] * (double)back[k];
    }
    cr_expect(fabs(forward - backward) <= 1e-5);
}
