#include <criterion/criterion.h>
#include <math.h>

#include "mix_draws.h"

/* What each label rule makes of a draw: images of 4 x 4 grey pixels, the base
 * all 0 of class 4, the partner all 1 of class 7. */
struct rule_row {
    enum worker_strategy   strategy;
    enum worker_label_rule rule;
    double                 share;
    uint32_t               y_a, y_b;
    float                  lambda;
    float                  outside, inside; /* pixels beyond and in the box (1, 1)-(3, 3) */
};

static const struct rule_row rule_rows[] = {
    {WORKER_MIX_MIXUP, WORKER_LABELS_MIXED, 0.25, 4, 7, 0.25f, 0.75f, 0.75f},
    {WORKER_MIX_MIXUP, WORKER_LABELS_DOMINANT, 0.25, 7, 7, 1, 0.75f, 0.75f},
    {WORKER_MIX_MIXUP, WORKER_LABELS_DOMINANT, 0.5, 4, 4, 1, 0.5f, 0.5f},
    {WORKER_MIX_MIXUP, WORKER_LABELS_HOST, 0.75, 4, 4, 1, 0.25f, 0.25f},
    {WORKER_MIX_MIXUP, WORKER_LABELS_ONLY, 0.25, 4, 7, 0.25f, 0, 0},
    {WORKER_MIX_CUTMIX, WORKER_LABELS_MIXED, 0.75, 4, 7, 0.75f, 0, 1},
    {WORKER_MIX_CUTMIX, WORKER_LABELS_DOMINANT, 0.75, 4, 4, 1, 0, 1},
    {WORKER_MIX_CUTMIX, WORKER_LABELS_HOST, 0.75, 4, 4, 1, 0, 1},
    {WORKER_MIX_CUTMIX, WORKER_LABELS_ONLY, 0.75, 4, 7, 0.75f, 0, 0},
    {WORKER_MIX_CUTOUT, WORKER_LABELS_MIXED, 0.75, 4, 4, 1, 0, 0},
    {WORKER_MIX_CUTOUT, WORKER_LABELS_ONLY, 0.75, 4, 4, 1, 0, 0},
};

static struct worker_mix_draw draw_of(const struct rule_row *row)
{
    struct worker_mix_draw draw = {.share = row->share, .y0 = 1, .x0 = 1, .y1 = 3, .x1 = 3};

    draw.outside[0] = row->strategy == WORKER_MIX_MIXUP ? (float)row->share : 1;
    draw.outside[1] = 1 - draw.outside[0];
    draw.inside[0] = row->strategy == WORKER_MIX_MIXUP ? (float)row->share : 0;
    draw.inside[1] = row->strategy == WORKER_MIX_CUTOUT ? 0 : 1 - draw.inside[0];
    return draw;
}

static void check_rule(const struct rule_row *row, struct worker_batch *batch)
{
    static const uint8_t   pixels[2][16] = {{0}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
    struct worker_mix_draw draw = draw_of(row);
    struct kern_batch_args args = {.n = 2,
                                   .channels = 1,
                                   .height = 4,
                                   .width = 4,
                                   .pixels = pixels[0],
                                   .table = batch->table,
                                   .samples = batch->samples,
                                   .out = batch->images};

    for (uint32_t i = 0; i < 2; i++) {
        batch->samples[i] = (struct kern_batch_sample){
            .image = i, .partner = 1 - i, .outside = {1, 0}, .inside = {1, 0}};
        batch->lambda[i] = 1;
        batch->y_a[i] = batch->y_b[i] = i ? 7 : 4;
    }
    batch->table[1] = 1;
    worker_mix_apply(batch, 0, &worker_mixes[row->strategy], &draw, 0,
                     &(struct worker_params){.mix_labels = row->rule}, 7);
    kern_cpu()->batch(kern_cpu(), &args, NULL);
    cr_expect_eq(batch->y_a[0], row->y_a);
    cr_expect_eq(batch->y_b[0], row->y_b);
    cr_expect_eq(batch->lambda[0], row->lambda);
    cr_expect_eq(batch->area[0], (float)row->share);
    for (int k = 0; k < 16; k++) {
        bool in = k / 4 % 3 != 0 && k % 4 % 3 != 0;

        cr_expect_eq(batch->images[k], in ? row->inside : row->outside, "pixel %d: %g", k,
                     (double)batch->images[k]);
    }
}

Test(mix_labels, label_rules_equal_a_batch_worked_out_by_hand)
{
    const struct worker_shape  shape = {1, 4, 4, 2, 0};
    const struct worker_params params = mix_params(WORKER_MIX_MIXUP);
    struct worker_batch       *batch = worker_batch_new(&params, &shape, 2, NULL);

    for (size_t k = 0; k < sizeof rule_rows / sizeof rule_rows[0]; k++)
        check_rule(&rule_rows[k], batch);
    worker_batch_free(batch);
}

/* A symmetric strategy gives the base image at least half under `host`, by
 * lambda or by the complement of its mask; the others are left as they were. */
static void check_host(enum worker_strategy strategy, const struct worker_shape *shape)
{
    const struct worker_params params = mix_params(strategy);
    struct mix_drawer          drawer = mix_drawer_make(&params, shape);
    const size_t               pixels = (size_t)shape->height * shape->width;
    int                        replaced = 0;

    for (uint32_t b = 0; b < 100; b++) {
        struct worker_mix_draw plain = mix_draw(&drawer, b, false), host;
        uint64_t               halves = 0;

        host = mix_draw(&drawer, b, true);
        cr_expect(fabs(host.share - fmax(plain.share, 1 - plain.share)) <= 1e-15);
        for (size_t p = 0; host.masked && p < pixels; p++)
            halves += drawer.mask[p];
        cr_expect(fabs(host.share - (host.masked ? (double)halves / 2 / (double)pixels
                                                 : (double)host.outside[0])) <= 1e-7);
        replaced += plain.share < 0.5;
    }
    cr_expect(replaced > 25 && replaced < 75, "%d", replaced);
    mix_drawer_free(&drawer);
}

Test(mix_labels, host_gives_the_base_at_least_half_of_a_symmetric_mix)
{
    const struct worker_shape odd = {1, 7, 9, 2, 0};

    check_host(WORKER_MIX_MIXUP, &odd);
    check_host(WORKER_MIX_GRIDMIX, &odd);
    check_host(WORKER_MIX_FMIX, &odd);
}
