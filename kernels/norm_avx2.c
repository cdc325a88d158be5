/* The passes of norm.c in vectors of eight floats. */
#include "kernels/norm_parts.h"
#include "kernels/wide.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define IN_PLACE KERN_WIDE KERN_IN_PLACE

/* Coefficients of a norm, in registers. */
struct wide {
    __m256 mean, factor, shift;
};

IN_PLACE struct wide load(const struct norm_coefficients *by)
{
    struct wide wide = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};

    if (by) {
        wide.mean = _mm256_loadu_ps(by->mean);
        wide.factor = _mm256_loadu_ps(by->factor);
        wide.shift = _mm256_loadu_ps(by->shift);
    }
    return wide;
}

IN_PLACE __m256 normalised(const float *x, const struct wide *by)
{
    const __m256 near = _mm256_sub_ps(_mm256_loadu_ps(x), by->mean);

    return _mm256_add_ps(_mm256_mul_ps(near, by->factor), by->shift);
}

KERN_WIDE static void forward(const struct norm_points *points)
{
    const struct wide  one = load(points->by[0]), two = load(points->by[1]);
    const float *const x = points->x[0], *const x2 = points->x[1], *const rest = points->rest;
    const size_t end = points->count * points->step, step = points->step;
    const bool   relu = points->relu;
    const __m256 zero = _mm256_setzero_ps();
    const bool   past = points->past && ((uintptr_t)points->y | step * sizeof(float)) % 32 == 0;

    for (size_t i = 0; i < end; i += step) {
        __m256 value = normalised(x + i, &one);

        if (x2)
            value = _mm256_add_ps(value, normalised(x2 + i, &two));
        if (rest)
            value = _mm256_add_ps(value, _mm256_loadu_ps(rest + i));
        if (relu) /* of equal or unordered operands, this gives the second */
            value = _mm256_max_ps(zero, value);
        if (past)
            _mm256_stream_ps(points->y + i, value);
        else
            _mm256_storeu_ps(points->y + i, value);
    }
    if (past)
        _mm_sfence(); /* for what runs on other threads next */
}

/* The gradient before the ReLU at one point; by: that of the norm of from->x. */
IN_PLACE __m256 gradient_at(const struct norm_source *from, size_t i, const struct wide *by)
{
    const __m256 zero = _mm256_setzero_ps();
    __m256       value = _mm256_loadu_ps(from->a + i);

    if (from->b)
        value = _mm256_add_ps(value, _mm256_loadu_ps(from->b + i));
    if (from->y)
        return _mm256_and_ps(value, _mm256_cmp_ps(_mm256_loadu_ps(from->y + i), zero, _CMP_GT_OQ));
    if (from->x)
        return _mm256_and_ps(value, _mm256_cmp_ps(normalised(from->x + i, by), zero, _CMP_GT_OQ));
    return value;
}

/* Eight sums in double precision. */
struct eight {
    __m256d low, high;
};

IN_PLACE struct eight widened(__m256 x)
{
    return (struct eight){_mm256_cvtps_pd(_mm256_castps256_ps128(x)),
                          _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1))};
}

IN_PLACE void add_product(struct eight *sum, const struct eight *a, const struct eight *b)
{
    sum->low = _mm256_add_pd(sum->low, _mm256_mul_pd(a->low, b->low));
    sum->high = _mm256_add_pd(sum->high, _mm256_mul_pd(a->high, b->high));
}

IN_PLACE void add_to(double *sum, const struct eight *more)
{
    _mm256_storeu_pd(sum, _mm256_add_pd(_mm256_loadu_pd(sum), more->low));
    _mm256_storeu_pd(sum + 4, _mm256_add_pd(_mm256_loadu_pd(sum + 4), more->high));
}

KERN_WIDE static void sum(const struct norm_points *points, struct norm_sums *sums)
{
    const struct wide        one = load(points->by[0]), two = load(points->by[1]);
    const struct norm_source from = points->from;
    const float *const x = points->x[0], *const x2 = points->x[1];
    float *const through = points->through;
    const size_t end = points->count * points->step, step = points->step;
    struct eight gradient = widened(_mm256_setzero_ps());
    struct eight product = gradient, product2 = gradient;

    for (size_t i = 0; i < end; i += step) {
        const __m256       g = gradient_at(&from, i, &one);
        const struct eight g8 = widened(g);
        const struct eight near = widened(_mm256_sub_ps(_mm256_loadu_ps(x + i), one.mean));

        gradient.low = _mm256_add_pd(gradient.low, g8.low);
        gradient.high = _mm256_add_pd(gradient.high, g8.high);
        add_product(&product, &g8, &near);
        if (x2) {
            const struct eight near2 = widened(_mm256_sub_ps(_mm256_loadu_ps(x2 + i), two.mean));

            add_product(&product2, &g8, &near2);
        }
        if (through)
            _mm256_storeu_ps(through + i, g);
    }
    add_to(sums->gradient, &gradient);
    add_to(sums->product[0], &product);
    add_to(sums->product[1], &product2);
}

KERN_WIDE static void spread(const struct norm_points *points, int norm)
{
    const struct wide        one = load(points->by[0]), own = load(points->by[norm]);
    const __m256             slope = _mm256_loadu_ps(points->by[norm]->slope);
    const __m256             offset = _mm256_loadu_ps(points->by[norm]->offset);
    const struct norm_source from = points->from;
    const float *const       x = points->x[norm];
    float *const             dx = points->dx[norm];
    const size_t             end = points->count * points->step, step = points->step;

    for (size_t i = 0; i < end; i += step) {
        const __m256 g = gradient_at(&from, i, &one);
        const __m256 near = _mm256_sub_ps(_mm256_loadu_ps(x + i), own.mean);
        const __m256 rest = _mm256_add_ps(_mm256_mul_ps(near, slope), offset);

        _mm256_storeu_ps(dx + i, _mm256_add_ps(_mm256_mul_ps(own.factor, g), rest));
    }
}

const struct norm_form *kern_norm_wide(void)
{
    static const struct norm_form form = {KERN_LANES, forward, sum, spread};

    return kern_has_wide_vectors() ? &form : NULL;
}

#else

const struct norm_form *kern_norm_wide(void)
{
    return NULL;
}

#endif
