/* Lanes are neighbouring channels. What stands here runs anywhere and says what is
 * computed; norm_avx2.c gives the same bits faster. */
#include "kernels/norm.h"

#include <math.h>

#include "kernels/norm_parts.h"
#include "kernels/wide.h"

/* The norm of an element. */
static inline float normalised(const struct norm_points *points, int norm, size_t i, int lane)
{
    const struct norm_coefficients *by = points->by[norm];

    return (points->x[norm][i] - by->mean[lane]) * by->factor[lane] + by->shift[lane];
}

KERN_IN_PLACE void forward(const struct norm_points *points, int lanes)
{
    for (size_t p = 0; p < points->count; p++)
        for (int lane = 0; lane < lanes; lane++) {
            const size_t i = p * points->step + (size_t)lane;
            float        value = normalised(points, 0, i, lane);

            if (points->x[1])
                value += normalised(points, 1, i, lane);
            if (points->rest)
                value += points->rest[i];
            points->y[i] = points->relu && value < 0 ? 0 : value; /* a NaN stays one */
        }
}

/* The gradient of an element before the ReLU. */
static inline float gradient_at(const struct norm_points *points, size_t i, int lane)
{
    const struct norm_source *from = &points->from;
    float                     value = from->a[i];

    if (from->b)
        value += from->b[i];
    if (from->y)
        return from->y[i] > 0 ? value : 0;
    if (from->x)
        return normalised(points, 0, i, lane) > 0 ? value : 0;
    return value;
}

KERN_IN_PLACE void sum(const struct norm_points *points, struct norm_sums *sums, int lanes)
{
    struct norm_sums image = {{0}, {{0}}};

    for (size_t p = 0; p < points->count; p++)
        for (int lane = 0; lane < lanes; lane++) {
            const size_t i = p * points->step + (size_t)lane;
            const float  g = gradient_at(points, i, lane);

            image.gradient[lane] += (double)g;
            for (int k = 0; k < KERN_NORMS && points->x[k]; k++)
                image.product[k][lane] +=
                    (double)g * (double)(points->x[k][i] - points->by[k]->mean[lane]);
            if (points->through)
                points->through[i] = g;
        }
    for (int lane = 0; lane < lanes; lane++) {
        sums->gradient[lane] += image.gradient[lane];
        for (int k = 0; k < KERN_NORMS; k++)
            sums->product[k][lane] += image.product[k][lane];
    }
}

KERN_IN_PLACE void spread(const struct norm_points *points, int norm, int lanes)
{
    const struct norm_coefficients *by = points->by[norm];

    for (size_t p = 0; p < points->count; p++)
        for (int lane = 0; lane < lanes; lane++) {
            const size_t i = p * points->step + (size_t)lane;
            const float  near = points->x[norm][i] - by->mean[lane];

            points->dx[norm][i] = by->factor[lane] * gradient_at(points, i, lane) +
                                  (near * by->slope[lane] + by->offset[lane]);
        }
}

#define FORM(name, lanes)                                                                          \
    static void forward_##name(const struct norm_points *points)                                   \
    {                                                                                              \
        forward(points, lanes);                                                                    \
    }                                                                                              \
    static void sum_##name(const struct norm_points *points, struct norm_sums *sums)               \
    {                                                                                              \
        sum(points, sums, lanes);                                                                  \
    }                                                                                              \
    static void spread_##name(const struct norm_points *points, int norm)                          \
    {                                                                                              \
        spread(points, norm, lanes);                                                               \
    }                                                                                              \
    static const struct norm_form name = {lanes, forward_##name, sum_##name, spread_##name};

FORM(one_channel, 1)
FORM(eight_channels, KERN_LANES)

static const struct norm_form *form_for(const struct kern_channels *where)
{
    const struct norm_form *wide = kern_norm_wide();

    if (where->block % KERN_LANES != 0)
        return &one_channel;
    return wide ? wide : &eight_channels;
}

/* A group at work: channels first to first + count, at `start` of each array. */
struct group {
    const struct kern_norm_sum      *sum;
    const struct kern_norm_gradient *gradient; /* NULL: forward */
    uint32_t                         first, count;
    size_t                           start;
    struct norm_coefficients         by[KERN_NORMS];
};

static double deviation(const struct kern_norm *norm, uint32_t channel)
{
    return sqrt((double)norm->variance[channel] + norm->epsilon);
}

/* Statistics, unless they are given or made before. */
static void look(const struct group *group, const struct kern_norm *norm)
{
    struct kern_channels own = group->sum->where;

    own.channels = group->count;
    if (!norm->fixed && !group->gradient && group->count > 0)
        kern_channel_statistics(norm->x + group->start, &own, norm->mean + group->first,
                                norm->variance + group->first);
}

static void set_forward(struct group *group, int number)
{
    const struct kern_norm   *norm = group->sum->norms[number];
    struct norm_coefficients *by = &group->by[number];

    for (uint32_t k = 0; k < group->count; k++) {
        const uint32_t c = group->first + k;

        by->mean[k] = norm->mean[c];
        by->factor[k] = (float)((double)norm->scale[c] / deviation(norm, c));
        by->shift[k] = norm->shift[c];
    }
}

/* From the sums to the gradients of scale and shift, and to what makes that of x. */
static void set_backward(struct group *group, int number, const struct norm_sums *sums)
{
    const struct kern_norm   *norm = group->sum->norms[number];
    struct norm_coefficients *by = &group->by[number];
    const double              count = (double)group->sum->where.n * group->sum->where.points;

    for (uint32_t k = 0; k < group->count; k++) {
        const uint32_t c = group->first + k;
        const double   inverse = 1 / deviation(norm, c), factor = (double)norm->scale[c] * inverse;
        const double   product = sums->product[number][k];

        if (norm->dscale) {
            norm->dscale[c] = (float)(product * inverse);
            norm->dshift[c] = (float)sums->gradient[k];
        }
        if (!norm->fixed) {
            by->offset[k] = (float)(-factor * sums->gradient[k] / count);
            by->slope[k] = (float)(-factor * inverse * inverse * product / count);
        }
    }
}

static float *shifted(float *array, size_t by)
{
    return array ? array + by : NULL;
}

static const float *from_there(const float *array, size_t by)
{
    return array ? array + by : NULL;
}

/* An output of several megabytes is gone from the caches before it is read, and
 * would only be fetched in order to be overwritten. */
static bool goes_past(const struct kern_norm_sum *all)
{
    enum {
        MOST = 2 << 20 /* bytes */
    };
    const struct kern_channels *where = &all->where;

    if (where->n * where->image * sizeof(float) <= MOST || all->y == all->rest)
        return false;
    for (int k = 0; k < KERN_NORMS && all->norms[k]; k++)
        if (all->y == all->norms[k]->x)
            return false;
    return true;
}

/* Image i of a group. */
static struct norm_points points_of(const struct group *group, uint32_t i)
{
    const struct kern_norm_sum *all = group->sum;
    const size_t                at = group->start + i * all->where.image;
    struct norm_points          points = {.count = all->where.points,
                                          .step = all->where.point,
                                          .rest = from_there(all->rest, at),
                                          .y = shifted(all->y, at),
                                          .relu = all->relu,
                                          .past = goes_past(all)};

    for (int k = 0; k < KERN_NORMS && all->norms[k]; k++) {
        points.x[k] = all->norms[k]->x + at;
        points.by[k] = &group->by[k];
        points.dx[k] = shifted(all->norms[k]->dx, at);
    }
    if (group->gradient) {
        const bool masks = all->relu && !group->gradient->masked;
        const bool alone = !all->norms[1] && !all->rest;

        points.from.a = group->gradient->a + at;
        points.from.b = from_there(group->gradient->b, at);
        points.from.y = masks && !alone ? points.y : NULL;
        points.from.x = masks && alone ? points.x[0] : NULL;
        points.through = shifted(group->gradient->through, at);
    }
    return points;
}

static void run_forward(const struct group *group, const struct norm_form *form)
{
    for (uint32_t i = 0; i < group->sum->where.n; i++) {
        const struct norm_points points = points_of(group, i);

        form->forward(&points);
    }
}

static void run_backward(struct group *group, const struct norm_form *form)
{
    const struct kern_norm_sum *all = group->sum;
    struct norm_sums            sums = {{0}, {{0}}};

    for (uint32_t i = 0; i < all->where.n; i++) {
        const struct norm_points points = points_of(group, i);

        form->sum(&points, &sums);
    }
    for (int k = 0; k < KERN_NORMS && all->norms[k]; k++)
        set_backward(group, k, &sums);
    for (uint32_t i = 0; i < all->where.n; i++) {
        struct norm_points points = points_of(group, i);

        if (points.through)
            points.from = (struct norm_source){.a = points.through};
        for (int k = KERN_NORMS; k-- > 0;) /* that of the first may lie over `through` */
            if (points.dx[k])
                form->spread(&points, k);
    }
}

static void run(const struct kern_norm_sum *all, const struct kern_norm_gradient *gradient)
{
    const struct kern_channels *where = &all->where;
    const struct norm_form     *form = form_for(where);
    const uint32_t ends = (where->channels + where->block - 1) / where->block * where->block;

    /* The last block to its end, since its padding is 0 in outputs that were never written before. */
    for (uint32_t c = 0; c < ends; c += form->lanes) {
        const uint32_t left = c < where->channels ? where->channels - c : 0;
        struct group   group = {.sum = all,
                                .gradient = gradient,
                                .first = c,
                                .count = left < form->lanes ? left : form->lanes,
                                .start = c / where->block * where->group + c % where->block};

        for (int k = 0; k < KERN_NORMS && all->norms[k]; k++) {
            look(&group, all->norms[k]);
            set_forward(&group, k);
        }
        if (gradient)
            run_backward(&group, form);
        else
            run_forward(&group, form);
    }
}

void kern_norm_forward(const struct kern_norm_sum *all)
{
    run(all, NULL);
}

void kern_norm_backward(const struct kern_norm_sum *all, const struct kern_norm_gradient *gradient)
{
    run(all, gradient);
}
