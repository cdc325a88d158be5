/* From curves to numbers. */
#include <math.h>

#include "worker/curve.h"

uint32_t worker_curve_pixels_a_step(uint32_t pixels, uint32_t steps)
{
    return (pixels + steps - 1) / steps;
}

void worker_curve_fractions(const struct worker_curve_spec *spec, double *fractions)
{
    const uint32_t pixels = spec->shape.height * spec->shape.width;
    const uint32_t each = worker_curve_pixels_a_step(pixels, spec->steps);
    const uint32_t used = (pixels + each - 1) / each;

    for (uint32_t t = 0; t <= spec->steps; t++)
        fractions[t] = t >= used ? 1 : spec->rise ? (double)t / used : (double)t * each / pixels;
}

double worker_curve_area(const float *curve, const double *fractions, uint32_t points)
{
    double area = 0;

    for (uint32_t t = 1; t < points; t++)
        area += (fractions[t] - fractions[t - 1]) * ((double)curve[t] + curve[t - 1]) / 2;
    return area;
}

double worker_curve_normalised(const float *curves, uint32_t n, uint32_t points,
                               const double *fractions, bool insertion)
{
    double area = 0, end = 0;

    for (uint32_t i = 0; i < n; i++) {
        const float *curve = curves + (size_t)i * points;

        area += worker_curve_area(curve, fractions, points);
        end += curve[insertion ? points - 1 : 0];
    }
    return end > 0 ? area / end : NAN;
}

static double sum_of(const float *values, uint32_t n)
{
    double sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += values[i];
    return sum;
}

double worker_symmetric_gain(const float *least_first, const float *most_first, uint32_t n)
{
    return (sum_of(least_first, n) - sum_of(most_first, n)) / n;
}

double worker_random_order_gain(const float *random, const float *map, uint32_t n)
{
    const double sum = sum_of(random, n);

    return sum > 0 ? (sum - sum_of(map, n)) / sum : NAN;
}
