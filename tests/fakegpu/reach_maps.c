/* What the kernels of maps and masks touch (kernels/map_body.h, mask_body.h). */
#include "tests/fakegpu/reach.h"

REACH(map_split)
{
    WRITES(p, out, p->n);
    READS(p, in, p->n);
}

REACH(map_divide)
{
    WRITES(p, out, p->n);
    READS(p, in, p->n);
    READS(p, plus, p->n);
    MAY_READ(p, minus, p->n);
}

REACH(map_stabilise)
{
    WRITES(p, out, p->n);
    READS(p, z, p->n);
}

REACH(map_multiply)
{
    WRITES(p, out, p->n);
    READS(p, by, p->n);
}

REACH(map_share)
{
    WRITES(p, first, p->n);
    WRITES(p, rest, p->n);
    READS(p, a, p->n);
    READS(p, b, p->n);
}

REACH(map_scale)
{
    WRITES(p, out, p->n);
    READS(p, in, p->n);
}

REACH(map_noise)
{
    WRITES(p, out, p->n);
    READS(p, in, p->n);
    READS(p, sigma, (p->n + p->image - 1) / p->image);
}

REACH(map_add)
{
    WRITES(p, sums, p->n);
    READS(p, in, p->n);
}

REACH(map_round)
{
    WRITES(p, out, p->n);
    READS(p, sums, p->n);
}

REACH(map_largest)
{
    WRITES(p, maps, p->n);
    READS(p, in, p->n * p->channels);
}

REACH(map_sum)
{
    WRITES(p, maps, p->n);
    READS(p, in, p->n * p->channels);
    MAY_READ(p, by, p->n * p->channels);
}

/* Of variants first ... there are `each` of an image: which images they are of. */
struct images {
    size_t first, n;
};

static struct images images_of(size_t variants, uint64_t first, uint64_t each)
{
    const struct images of = {first / each, (first + variants - 1) / each - first / each + 1};

    return of;
}

REACH(map_replace)
{
    const size_t        image = p->channels * p->pixels;
    const struct images of = images_of(p->n / image, p->first, p->steps);

    WRITES(p, out, p->n);
    fake_reads(reach, "args.from", p->from + of.first * image, of.n * image * sizeof(float));
    if (p->to)
        fake_reads(reach, "args.to", p->to + of.first * image, of.n * image * sizeof(float));
    fake_reads(reach, "args.ranks", p->ranks + of.first * p->pixels,
               of.n * p->pixels * sizeof *p->ranks);
}

REACH(map_hide)
{
    const size_t        image = (size_t)p->channels * p->height * p->width;
    const struct images of = images_of(p->n / image, p->first, p->windows);

    WRITES(p, out, p->n);
    fake_reads(reach, "args.in", p->in + of.first * image, of.n * image * sizeof(float));
}

REACH(map_mask)
{
    const size_t image = p->channels * p->pixels;

    WRITES(p, out, p->n);
    READS(p, in, p->images * image);
    READS(p, masks, images_of(p->n / image, p->first, p->images).n * p->pixels);
}

REACH(map_weigh)
{
    WRITES(p, sums, p->n);
    READS(p, masks, images_of(p->variants, p->first, p->images).n * p->pixels);
    READS(p, logits, (size_t)p->variants * p->classes);
    READS(p, targets, p->n / p->pixels);
}

REACH(map_cam_weight)
{
    if (p->plus_plus)
        READS(p, values, p->blocks * p->points);
    READS(p, gradients, p->blocks * p->points);
    WRITES(p, weights, p->blocks);
}

REACH(map_cam)
{
    WRITES(p, out, p->n);
    READS(p, values, p->n * p->channels);
    READS(p, weights, p->n / p->points * p->channels);
}

/* ---- masks of noise; recipes lead to no other memory ---- */

REACH(mask_noise)
{
    const size_t frequencies = (size_t)p->height * (p->width / 2 + 1);

    READS(p, recipes, p->n / frequencies);
    READS(p, damping, frequencies);
    WRITES(p, spectrum, p->n * 2);
}

REACH(mask_digit)
{
    READS(p, grey, p->blocks * p->pixels);
    READS(p, recipes, p->blocks);
    WRITES(p, states, p->blocks);
}

REACH(mask_rank)
{
    READS(p, grey, p->blocks * p->pixels);
    WRITES(p, states, p->blocks);
}

REACH(mask_cut)
{
    const size_t masks = p->n / p->pixels;

    READS(p, grey, p->n);
    READS(p, recipes, masks);
    READS(p, states, masks);
    WRITES(p, masks, p->n);
}
