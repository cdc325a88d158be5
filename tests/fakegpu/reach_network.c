/* What the kernels of networks in float32 touch (kernels/network_body.h, norm_body.h, pool_body.h). */
#include "tests/fakegpu/reach.h"

/* ---- element by element ---- */

REACH(add)
{
    WRITES(p, out, p->n);
    READS(p, a, p->n);
    READS(p, b, p->n);
}

REACH(relu)
{
    WRITES(p, out, p->n);
    READS(p, in, p->n);
}

REACH(relu_backward)
{
    WRITES(p, gradient, p->n);
    READS(p, y, p->n);
}

REACH(dropout)
{
    WRITES(p, data, p->n);
    MAY_READ(p, now, 1);
}

REACH(add_backward)
{
    WRITES(p, out, p->n);
    READS(p, a, p->n);
    MAY_READ(p, b, p->n);
    MAY_READ(p, y, p->n);
}

REACH(running)
{
    WRITES(p, running, p->n);
    READS(p, batch, p->n);
}

REACH(mix_rows)
{
    const size_t all = p->rows * p->width;

    WRITES(p, out, p->n);
    READS(p, in, all);
    READS(p, share, p->rows);
    READS(p, partner, p->rows);
}

REACH(mix_rows_backward)
{
    mix_rows_spans(&p->rows, reach);
}

REACH(sgd)
{
    WRITES(p, weights, p->n);
    READS(p, gradient, p->n);
    MAY_WRITE(p, buffer, p->n);
    MAY_READ(p, now, 1);
}

REACH(adamw)
{
    WRITES(p, weights, p->n);
    WRITES(p, mean, p->n);
    WRITES(p, square, p->n);
    READS(p, gradient, p->n);
    MAY_READ(p, now, 1);
}

REACH(average)
{
    WRITES(p, average, p->n);
    READS(p, value, p->n);
}

/* ---- norms ---- */

REACH(norm_statistics)
{
    READS(p, x, (size_t)p->images * p->channels * p->points);
    WRITES(p, found, p->blocks);
}

REACH(norm_finish)
{
    if (!p->of.fixed) {
        READS(p, found, p->parts * p->blocks);
        WRITES(&p->of, mean, p->blocks);
        WRITES(&p->of, variance, p->blocks);
    }
    READS(&p->of, variance, p->blocks);
    READS(&p->of, scale, p->blocks);
    WRITES(&p->of, factor, p->blocks);
}

/* What it takes to norm an element. */
static void by(const struct kern_norm_of *of, size_t channels, struct fake_reach *reach)
{
    READS(of, mean, channels);
    READS(of, factor, channels);
    READS(of, shift, channels);
}

REACH(norm_apply)
{
    const struct kern_norm_args *norm = &p->norm;

    for (uint32_t k = 0; k < norm->norms; k++) {
        READS(&norm->of[k], x, norm->n);
        by(&norm->of[k], norm->channels, reach);
    }
    MAY_READ(norm, rest, norm->n);
    WRITES(norm, y, norm->n);
}

/* What a gradient is made of. */
static void source(const struct kern_norm_args *norm, struct fake_reach *reach)
{
    READS(norm, a, norm->n);
    MAY_READ(norm, b, norm->n);
    if (norm->by_y)
        READS(norm, y, norm->n);
    READS(&norm->of[0], x, norm->n);
}

REACH(norm_sums)
{
    const struct kern_norm_args *norm = &p->norm;

    source(norm, reach);
    READS(&norm->of[0], scale, norm->channels);
    READS(&norm->of[0], variance, norm->channels);
    READS(&norm->of[0], shift, norm->channels);
    for (uint32_t k = 0; k < norm->norms; k++) {
        READS(&norm->of[k], x, norm->n);
        READS(&norm->of[k], mean, norm->channels);
    }
    MAY_WRITE(norm, through, norm->n);
    WRITES(norm, found, p->blocks);
}

REACH(norm_slope)
{
    READS(&p->norm, found, (size_t)p->norm.parts * p->norm.channels);
    for (uint32_t k = 0; k < p->norm.norms; k++) {
        const struct kern_norm_of *of = &p->norm.of[k];

        READS(of, variance, p->blocks);
        READS(of, scale, p->blocks);
        MAY_WRITE(of, dscale, p->blocks);
        MAY_WRITE(of, dshift, p->blocks);
        WRITES(of, factor, p->blocks);
        WRITES(of, offset, p->blocks);
        WRITES(of, slope, p->blocks);
    }
}

REACH(norm_spread)
{
    const struct kern_norm_args *norm = &p->norm;

    MAY_READ(norm, through, norm->n);
    if (!norm->through) {
        source(norm, reach);
        by(&norm->of[0], norm->channels, reach);
    }
    for (uint32_t k = 0; k < norm->norms; k++) {
        const struct kern_norm_of *of = &norm->of[k];

        if (!of->dx)
            continue;
        READS(of, x, norm->n);
        READS(of, mean, norm->channels);
        READS(of, factor, norm->channels);
        READS(of, slope, norm->channels);
        READS(of, offset, norm->channels);
        WRITES(of, dx, norm->n);
    }
}

/* ---- around products; sums; the loss ---- */

REACH(finish)
{
    WRITES(p, y, p->n);
    MAY_READ(p, bias, p->channels);
}

REACH(channel_sum)
{
    READS(p, x, (size_t)p->images * p->channels * p->points);
    WRITES(p, sum, p->blocks);
}

REACH(square_sum)
{
    READS(p, x, p->n);
    WRITES(p, sum, p->blocks);
}

REACH(clip)
{
    READS(p, squares, p->parts);
    WRITES(p, now, 1);
}

static void logits(const struct kern_softmax_args *of, struct fake_reach *reach)
{
    READS(of, logits, (size_t)of->n * of->classes);
}

/* What rows should have had, and the sums that were made before. */
static void wanted(const struct kern_softmax_args *of, struct fake_reach *reach)
{
    READS(of, norm, of->n);
    MAY_READ(of, targets, (size_t)of->n * of->classes);
    if (of->targets)
        return;
    READS(of, y_a, of->n);
    READS(of, y_b, of->n);
    MAY_READ(of, lambda, of->n);
}

REACH(softmax_norm)
{
    logits(&p->of, reach);
    WRITES(&p->of, norm, p->blocks);
}

REACH(softmax_loss)
{
    logits(&p->of, reach);
    wanted(&p->of, reach);
    WRITES(&p->of, loss, p->blocks);
}

REACH(softmax_gradient)
{
    logits(&p->of, reach);
    wanted(&p->of, reach);
    WRITES(&p->of, gradient, p->n);
}

/* ---- pools ---- */

static size_t inside(const struct kern_pool_args *of)
{
    return (size_t)of->in_height * of->in_width;
}

static size_t outside(const struct kern_pool_args *of)
{
    return (size_t)of->out_height * of->out_width;
}

REACH(mean_pool)
{
    READS(&p->of, x, p->n / outside(&p->of) * inside(&p->of));
    WRITES(&p->of, y, p->n);
}

REACH(mean_pool_backward)
{
    READS(&p->of, dy, p->n / inside(&p->of) * outside(&p->of));
    WRITES(&p->of, dx, p->n);
}

REACH(max_pool)
{
    READS(&p->of, x, p->n / outside(&p->of) * inside(&p->of));
    WRITES(&p->of, y, p->n);
}

REACH(max_pool_backward)
{
    READS(&p->of, x, p->n);
    READS(&p->of, dy, p->n / inside(&p->of) * outside(&p->of));
    WRITES(&p->of, dx, p->n);
}

REACH(pad)
{
    const size_t planes = p->n / ((size_t)p->out_height * p->out_width);

    READS(p, in, planes * p->in_height * p->in_width);
    WRITES(p, out, p->n);
}
