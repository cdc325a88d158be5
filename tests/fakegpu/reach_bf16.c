/* What the kernels of networks in bfloat16 touch (kernels/bf16_body.h, bf16_pool_body.h). */
#include "tests/fakegpu/reach.h"

REACH(bf16_add)
{
    WRITES(p, out, p->n);
    READS(p, a, p->n);
    READS(p, b, p->n);
}

REACH(bf16_relu)
{
    WRITES(p, out, p->n);
    READS(p, in, p->n);
}

REACH(bf16_relu_backward)
{
    WRITES(p, gradient, p->n);
    READS(p, y, p->n);
}

REACH(bf16_dropout)
{
    WRITES(p, data, p->n);
    MAY_READ(&p->of, now, 1);
}

REACH(bf16_add_backward)
{
    WRITES(p, out, p->n);
    READS(p, a, p->n);
    MAY_READ(p, b, p->n);
    MAY_READ(p, y, p->n);
}

REACH(bf16_mix_rows)
{
    WRITES(p, out, p->n);
    READS(p, in, p->rows * p->width);
    READS(p, share, p->rows);
    READS(p, partner, p->rows);
}

REACH(bf16_mix_rows_backward)
{
    bf16_mix_rows_spans(&p->rows, reach);
}

/* ---- norms ---- */

REACH(bf16_norm_look)
{
    READS(p, x, p->points * p->eights);
    WRITES(p, found, p->n * KERN_EIGHT);
}

REACH(bf16_norm_finish)
{
    if (!p->of.fixed) {
        READS(p, found, (size_t)p->parts * p->eights * KERN_EIGHT);
        WRITES(&p->of, mean, p->blocks);
        WRITES(&p->of, variance, p->blocks);
    }
    READS(&p->of, variance, p->blocks);
    READS(&p->of, scale, p->blocks);
    WRITES(&p->of, factor, p->blocks);
}

static size_t all_of(const struct kern_bf16_norm_args *norm)
{
    return norm->points * norm->eights;
}

/* What it takes to norm an element. */
static void by(const struct kern_bf16_norm_of *of, size_t channels, struct fake_reach *reach)
{
    READS(of, mean, channels);
    READS(of, factor, channels);
    READS(of, shift, channels);
}

REACH(bf16_norm_apply)
{
    const struct kern_bf16_norm_args *norm = &p->norm;

    for (uint32_t k = 0; k < norm->norms; k++) {
        READS(&norm->of[k], x, p->n);
        by(&norm->of[k], norm->channels, reach);
    }
    MAY_READ(norm, rest, p->n);
    WRITES(norm, y, p->n);
}

/* What a gradient is made of. */
static void source(const struct kern_bf16_norm_args *norm, struct fake_reach *reach)
{
    READS(norm, a, all_of(norm));
    MAY_READ(norm, b, all_of(norm));
    if (norm->by_y)
        READS(norm, y, all_of(norm));
    if (norm->by_x) {
        READS(&norm->of[0], x, all_of(norm));
        by(&norm->of[0], norm->channels, reach);
    }
}

REACH(bf16_norm_gather)
{
    const struct kern_bf16_norm_args *norm = &p->norm;

    source(norm, reach);
    for (uint32_t k = 0; k < norm->norms; k++) {
        READS(&norm->of[k], x, all_of(norm));
        READS(&norm->of[k], mean, norm->channels);
    }
    MAY_WRITE(norm, through, all_of(norm));
    WRITES(norm, found, p->n * KERN_EIGHT);
}

REACH(bf16_norm_slope)
{
    READS(&p->norm, found, (size_t)p->norm.parts * p->norm.eights * KERN_EIGHT);
    for (uint32_t k = 0; k < p->norm.norms; k++) {
        const struct kern_bf16_norm_of *of = &p->norm.of[k];

        READS(of, variance, p->blocks);
        READS(of, scale, p->blocks);
        MAY_WRITE(of, dscale, p->blocks);
        MAY_WRITE(of, dshift, p->blocks);
        WRITES(of, offset, p->blocks);
        WRITES(of, slope, p->blocks);
    }
}

REACH(bf16_norm_spread)
{
    const struct kern_bf16_norm_args *norm = &p->norm;

    MAY_READ(norm, through, p->n);
    if (!norm->through)
        source(norm, reach);
    for (uint32_t k = 0; k < norm->norms; k++) {
        const struct kern_bf16_norm_of *of = &norm->of[k];

        if (!of->dx)
            continue;
        READS(of, x, p->n);
        READS(of, mean, norm->channels);
        READS(of, factor, norm->channels);
        READS(of, slope, norm->channels);
        READS(of, offset, norm->channels);
        WRITES(of, dx, p->n);
    }
}

/* ---- around products ---- */

REACH(bf16_finish)
{
    WRITES(p, y, p->n);
    MAY_READ(p, bias, p->channels);
}

REACH(bf16_channel_sum)
{
    READS(p, found, (size_t)p->parts * p->eights * KERN_EIGHT);
    WRITES(p, sum, p->blocks);
}

/* ---- pools: eights of an image on both sides ---- */

static size_t inside(const struct kern_bf16_pool_args *pool)
{
    return (size_t)pool->of.in_height * pool->of.in_width * pool->eights;
}

static size_t outside(const struct kern_bf16_pool_args *pool)
{
    return (size_t)pool->of.out_height * pool->of.out_width * pool->eights;
}

REACH(bf16_mean_pool)
{
    READS(&p->pool, x, p->n / outside(&p->pool) * inside(&p->pool));
    WRITES(&p->pool, y, p->n);
}

REACH(bf16_mean_pool_backward)
{
    READS(&p->pool, dy, p->n / inside(&p->pool) * outside(&p->pool));
    WRITES(&p->pool, dx, p->n);
}

REACH(bf16_max_pool)
{
    READS(&p->pool, x, p->n / outside(&p->pool) * inside(&p->pool));
    WRITES(&p->pool, y, p->n);
}

REACH(bf16_max_pool_backward)
{
    READS(&p->pool, x, p->n);
    READS(&p->pool, dy, p->n / inside(&p->pool) * outside(&p->pool));
    WRITES(&p->pool, dx, p->n);
}

/* ---- from and to float32 ---- */

static size_t narrow_image(const struct kern_bf16_between *of)
{
    return (size_t)of->channels * of->height * of->width;
}

static size_t wide_image(const struct kern_bf16_between *of)
{
    return (size_t)of->eights * of->wide_height * of->wide_width;
}

REACH(bf16_narrow)
{
    READS(p, in, p->n / wide_image(&p->of) * narrow_image(&p->of));
    WRITES(p, out, p->n);
}

REACH(bf16_widen)
{
    READS(p, in, p->n / narrow_image(&p->of) * wide_image(&p->of) * KERN_EIGHT);
    WRITES(p, out, p->n);
}

REACH(bf16_pad)
{
    const size_t images = p->n / ((size_t)p->out_height * p->out_width * p->eights);

    READS(p, in, images * p->in_height * p->in_width * p->eights);
    WRITES(p, out, p->n);
}

REACH(bf16_weights)
{
    READS(p, in, (size_t)p->of.filters * p->of.inputs * p->of.places);
    WRITES(p, out, p->n);
}

REACH(bf16_gradient)
{
    const struct kern_bf16_filters *of = &p->of;
    const size_t                    last = of->filters - 1;
    const size_t all = (last * of->places + of->places - 1) * of->all_inputs + of->inputs +
                       last / of->together * of->shift;

    if (p->in)
        READS(p, in, all);
    else
        READS(p, wide, all);
    WRITES(p, out, p->n);
}
