/* puzzlemix as a whole: from images and gradients to masks and moves. */
#include <criterion/criterion.h>
#include <math.h>

#include "mix_sets.h"
#include "tests/reference/naive_mix.h"

Test(puzzlemix, odd_images_are_refused_with_a_way_out)
{
    const struct worker_params params = mix_params(WORKER_MIX_PUZZLEMIX);
    const struct worker_shape  shape = {1, 28, 27, 2, 0};
    struct mx_err              err = {0};

    cr_assert_null(worker_batch_new(&params, &shape, 4, &err));
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "images of 28 x 27 pixels cannot be cut in halves, as puzzlemix "
                               "does (set data.size to an even number)");
}

/* The gradient of an image is its own pixels, so that salience is known. */
static int own_pixels(void *calls, const float *images, const uint32_t *labels, uint32_t n,
                      float *gradient, struct mx_err *err)
{
    (void)labels;
    (void)err;
    memcpy(gradient, images, n * 16 * 16 * sizeof *gradient);
    ++*(int *)calls;
    return 0;
}

/* Black images with one white block each: both blocks are in the mix, and the
 * mask is each image's own. */
Test(puzzlemix, keeps_the_salient_block_of_both_images)
{
    const struct worker_shape shape = {1, 16, 16, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_PUZZLEMIX);
    struct mix_set            set = mix_set_make(&params, &shape, 8, false);
    int                       calls = 0, kept = 0, pairs = 0;

    memset(set.pixels, 0, 8 * set.image);
    for (uint32_t i = 0; i < 8; i++)
        for (uint32_t p = 0; p < 64; p++) /* a quarter of 8 x 8, in one of two corners */
            set.pixels[i * set.image + (p / 8 + (i % 2 ? 8 : 0)) * 16 + p % 8 + (i % 2 ? 8 : 0)] =
                255;
    worker_batch_lend(set.batch, (struct worker_gradient){own_pixels, &calls});
    for (uint32_t b = 0; b < 30; b++) {
        mix_set_train(&set, 8, 0, b);
        for (uint32_t i = 0; i < 8; i++) {
            if (i % 2 == set.batch->partner[i] % 2)
                continue;
            pairs++;
            kept += mix_set_mean(&set, i) > 0.45; /* two of four quarters */
        }
    }
    cr_expect_eq(calls, 30);
    cr_expect(kept > 0.75 * pairs && pairs > 50, "%d of %d", kept, pairs);
    mix_set_free(&set);
}

/* Lambda and, where that is not enough, the mask: the base image keeps half. */
Test(puzzlemix, host_gives_the_base_at_least_half)
{
    const struct worker_shape shape = {3, 16, 24, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_PUZZLEMIX);
    int                       less = 0;

    for (unsigned rule = WORKER_LABELS_MIXED; rule <= WORKER_LABELS_HOST; rule++) {
        struct mix_set set;

        params.mix_labels = rule;
        set = mix_set_make(&params, &shape, 8, true);
        for (uint32_t b = 0; b < 20; b++) {
            mix_set_train(&set, 8, 0, b);
            for (uint32_t i = 0; i < 8; i++) {
                cr_assert(rule != WORKER_LABELS_HOST || set.batch->area[i] >= 0.5f);
                less += set.batch->area[i] < 0.5f;
            }
        }
        mix_set_free(&set);
    }
    cr_expect_gt(less, 40);
}

static int refuses(void *network, const float *images, const uint32_t *labels, uint32_t n,
                   float *gradient, struct mx_err *err)
{
    (void)network;
    (void)images;
    (void)labels;
    (void)n;
    (void)gradient;
    return mx_fail(err, MX_EINTERNAL, "no gradient today");
}

Test(puzzlemix, a_network_that_fails_is_reported)
{
    const struct worker_shape shape = {1, 16, 16, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_PUZZLEMIX);
    struct mix_set            set = mix_set_make(&params, &shape, 4, true);
    struct mx_stream          stream = mx_stream_make(1, 0, MX_PURPOSE_MIX, 0);
    struct mx_err             err;

    set.set.train = (struct worker_split){4, set.pixels, set.labels, NULL, set.rows, NULL};
    worker_batch_lend(set.batch, (struct worker_gradient){refuses, NULL});
    cr_expect_eq(worker_batch_train(set.batch, &set.params, &set.set, set.order, 4, stream, stream,
                                    0, 0, &err),
                 -1);
    cr_expect_str_eq(err.text, "no gradient today");
    mix_set_free(&set);
}

/* What the strategy has to work out, once more and straight from the pixels. */
struct view {
    const struct worker_shape *shape;
    const float               *sd, *image[2], *gradient[2]; /* of a, of b */
    uint32_t                   side;
};

/* Mean of a channel over cell (v, u) of `down` x `along` cells of block (y, x). */
static double cell(const struct view *view, int which, uint32_t channel, uint32_t block, uint32_t v,
                   uint32_t u)
{
    uint32_t high = view->shape->height / view->side, wide = view->shape->width / view->side;
    uint32_t down = high < 4 ? high : 4, along = wide < 4 ? wide : 4;
    double   sum = 0, count = 0;

    for (uint32_t y = 0; y < high; y++)
        for (uint32_t x = 0; x < wide; x++) {
            /* the cell that a pixel lies in is the one whose range holds it */
            bool in = y >= v * high / down && y < (v + 1) * high / down && x >= u * wide / along &&
                      x < (u + 1) * wide / along;
            size_t at = ((size_t)channel * view->shape->height + block / view->side * high + y) *
                            view->shape->width +
                        block % view->side * wide + x;

            sum += in ? (double)view->image[which][at] * (double)view->sd[channel] : 0;
            count += in;
        }
    return sum / count;
}

/* d(p_i, q_j) where j lies to the right of or below i. */
static double difference(const struct view *view, int p, uint32_t i, int q, uint32_t j)
{
    uint32_t high = view->shape->height / view->side, wide = view->shape->width / view->side;
    uint32_t down = high < 4 ? high : 4, along = wide < 4 ? wide : 4;
    bool     right = j == i + 1;
    uint32_t cells = right ? down : along;
    double   sum = 0;

    for (uint32_t c = 0; c < view->shape->channels; c++)
        for (uint32_t k = 0; k < cells; k++)
            sum += right ? fabs(cell(view, p, c, i, k, along - 1) - cell(view, q, c, j, k, 0))
                         : fabs(cell(view, p, c, i, down - 1, k) - cell(view, q, c, j, 0, k));
    return sum / (cells * view->shape->channels);
}

static struct worker_border border(const struct view *view, uint32_t i, uint32_t j)
{
    return (struct worker_border){
        .aa = difference(view, 0, i, 0, j),
        .ab = difference(view, 0, i, 1, j),
        .ba = difference(view, 1, i, 0, j),
        .bb = difference(view, 1, i, 1, j),
    };
}

static void saliency(const struct view *view, int which, double *u)
{
    uint32_t high = view->shape->height / view->side, wide = view->shape->width / view->side;
    size_t   plane = (size_t)view->shape->height * view->shape->width;
    double   sum = 0;

    for (uint32_t b = 0; b < view->side * view->side; b++)
        u[b] = 0;
    for (size_t p = 0; p < plane; p++) {
        double squares = 0;

        for (uint32_t c = 0; c < view->shape->channels; c++)
            squares += pow((double)view->gradient[which][c * plane + p], 2);
        squares = sqrt(squares / view->shape->channels);
        sum += squares;
        u[p / view->shape->width / high * view->side + p % view->shape->width / wide] += squares;
    }
    for (uint32_t b = 0; b < view->side * view->side; b++)
        u[b] /= sum;
}

static struct worker_puzzle puzzle_of(const struct view *view, const struct worker_params *params)
{
    struct worker_puzzle puzzle = {.side = view->side,
                                   .beta = params->mix_beta,
                                   .gamma = params->mix_gamma,
                                   .eta = params->mix_eta};

    saliency(view, 0, puzzle.u_a);
    saliency(view, 1, puzzle.u_b);
    for (uint32_t y = 0; y < view->side; y++)
        for (uint32_t x = 0; x < view->side; x++) {
            uint32_t i = y * view->side + x;

            if (x + 1 < view->side)
                puzzle.right[i] = border(view, i, i + 1);
            if (y + 1 < view->side)
                puzzle.below[i] = border(view, i, i + view->side);
        }
    return puzzle;
}

/* The labels of a mask, which must be constant in each block. */
static void labels_of(const struct view *view, const uint8_t *mask, uint8_t *labels)
{
    uint32_t high = view->shape->height / view->side, wide = view->shape->width / view->side;

    for (uint32_t y = 0; y < view->shape->height; y++)
        for (uint32_t x = 0; x < view->shape->width; x++) {
            uint8_t *label = &labels[y / high * view->side + x / wide];

            if (y % high == 0 && x % wide == 0)
                *label = mask[y * view->shape->width + x];
            cr_assert_eq(mask[y * view->shape->width + x], *label);
        }
}

/* Lowest energy by trying every mask, or nearly: of 4 x 4 blocks every change of
 * two of them. */
static double lowest_energy(const struct worker_puzzle *puzzle, const uint8_t *labels)
{
    uint8_t other[16];
    double  lowest = naive_puzzle_energy(puzzle, labels);

    if (puzzle->side == 2)
        return naive_puzzle_minimum(puzzle, other);
    for (uint32_t i = 0; i < 16 * 3; i++)
        for (uint32_t j = 0; j < i; j++) {
            memcpy(other, labels, sizeof other);
            other[i / 3] = (uint8_t)(i % 3);
            other[j / 3] = (uint8_t)(j % 3);
            lowest = fmin(lowest, naive_puzzle_energy(puzzle, other));
        }
    return lowest;
}

static void check_moves(const struct worker_puzzle *puzzle, const uint8_t *labels, double t,
                        const uint16_t *moves)
{
    struct worker_puzzler *puzzler = worker_puzzler_new(puzzle->side, NULL);
    const uint32_t         blocks = puzzle->side * puzzle->side;
    bool                   shown[2][16];
    uint16_t               from[16];

    for (uint32_t b = 0; b < blocks; b++) {
        shown[0][b] = labels[b] > 0;
        shown[1][b] = labels[b] < 2;
    }
    worker_puzzle_transport(puzzler, puzzle->u_a, shown[0], t, from);
    cr_assert_arr_eq(moves, from, blocks * sizeof *from);
    worker_puzzle_transport(puzzler, puzzle->u_b, shown[1], t, from);
    cr_assert_arr_eq(moves + KERN_MOVES / 2, from, blocks * sizeof *from);
    worker_puzzler_free(puzzler);
}

/* Tiles of black and white, with a little noise, so that colours along borders
 * differ much. */
static void draw_tiles(struct mix_set *set)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(12, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    uint8_t       tiles[6 * 2 * 4 * 4];

    for (size_t t = 0; t < sizeof tiles; t++)
        tiles[t] = mx_rng_below(&rng, 2) ? 235 : 0;
    for (size_t k = 0; k < 6 * set->image; k++)
        set->pixels[k] = (uint8_t)(tiles[k / 240 * 16 + k % 240 / 20 / 3 * 4 + k % 20 / 5] +
                                   mx_rng_below(&rng, 20));
}

/* Blocks of 6 x 10 pixels in uneven cells, and of 3 x 5. Strong smoothness, so that
 * colours count. */
Test(puzzlemix, masks_and_moves_solve_the_problem_that_the_pixels_pose)
{
    const struct worker_shape shape = {2, 12, 20, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_PUZZLEMIX);
    struct mix_set            set, clean;
    unsigned                  grids = 0, mixed = 0;

    params.mix_beta = 5;
    params.mix_gamma = 0.9;
    params.mix_eta = 0.35;
    params.mix_transport_cost = 0.05;
    params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    set = mix_set_make(&params, &shape, 6, true);
    params.mix_strategy = WORKER_MIX_NONE;
    clean = mix_set_make(&params, &shape, 6, true);
    draw_tiles(&set);
    draw_tiles(&clean);
    set.set.sd[1] = clean.set.sd[1] = 0.5f;
    for (uint32_t b = 0; b < 30; b++) {
        mix_set_train(&set, 6, 0, b);
        mix_set_train(&clean, 6, 0, b);
        for (uint32_t i = 0; i < 6; i++) {
            const struct kern_batch_sample *sample = &set.batch->samples[i];
            const struct worker_mix_place   place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, b,
                                                     1 + i};
            const size_t      pair[2] = {i * set.image, set.batch->partner[i] * set.image};
            const struct view view = {
                &shape,
                set.set.sd,
                {clean.batch->images + pair[0], clean.batch->images + pair[1]},
                {set.batch->gradient + pair[0], set.batch->gradient + pair[1]},
                sample->blocks};
            struct worker_puzzle puzzle = puzzle_of(&view, &set.params);
            uint8_t              labels[16];

            puzzle.lambda = worker_mix_lambda(&set.params, &place);
            cr_assert(sample->blocks == set.batch->samples[0].blocks);
            labels_of(&view, set.batch->masks + i * 240, labels);
            cr_assert(naive_puzzle_energy(&puzzle, labels) <= lowest_energy(&puzzle, labels) + 1e-6,
                      "batch %u, image %u", b, i);
            check_moves(&puzzle, labels, 0.05,
                        set.batch->moves + (sample->moves - 1) * (size_t)KERN_MOVES);
            grids |= sample->blocks;
            mixed += set.batch->area[i] > 0 && set.batch->area[i] < 1;
        }
    }
    cr_expect_eq(grids, 2 | 4);
    cr_expect(mixed > 40, "%u", mixed);
    mix_set_free(&set);
    mix_set_free(&clean);
}
