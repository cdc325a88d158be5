#include "kernels/statistics.h"

#include <stdbool.h>

#include "kernels/wide.h"

enum {
    LANES = 8 /* neighbouring channels that are summed side by side */
};

struct sums {
    double values[LANES], squares[LANES];
};

/* Image by image: a sum of sums loses less than one long sum. */
KERN_IN_PLACE struct sums add_up(const float *x, const struct kern_channels *where)
{
    struct sums total = {{0}, {0}};

    for (uint32_t i = 0; i < where->n; i++) {
        const float *at = x + i * where->image;
        struct sums  image = {{0}, {0}};

        for (uint32_t p = 0; p < where->points; p++, at += where->point)
#pragma omp simd
            for (int lane = 0; lane < LANES; lane++) {
                double value = (double)at[lane];

                image.values[lane] += value;
                image.squares[lane] += value * value;
            }
        for (int lane = 0; lane < LANES; lane++) {
            total.values[lane] += image.values[lane];
            total.squares[lane] += image.squares[lane];
        }
    }
    return total;
}

static struct sums add_up_narrow(const float *x, const struct kern_channels *where)
{
    return add_up(x, where);
}

KERN_WIDE static struct sums add_up_wide(const float *x, const struct kern_channels *where)
{
    return add_up(x, where);
}

/* One channel, whose neighbours in memory are not neighbours in channel. */
static struct sums add_up_one(const float *x, const struct kern_channels *where)
{
    struct sums total = {{0}, {0}};

    for (uint32_t i = 0; i < where->n; i++) {
        double values = 0, squares = 0;

        for (uint32_t p = 0; p < where->points; p++) {
            double value = (double)x[i * where->image + p * where->point];

            values += value;
            squares += value * value;
        }
        total.values[0] += values;
        total.squares[0] += squares;
    }
    return total;
}

static const float *start_of(const float *x, const struct kern_channels *where, uint32_t channel)
{
    return x + channel / where->block * where->group + channel % where->block;
}

void kern_channel_statistics(const float *x, const struct kern_channels *where, float *mean,
                             float *variance)
{
    const double   count = (double)where->n * where->points;
    const bool     lanes = where->block % LANES == 0, wide = kern_has_wide_vectors();
    const uint32_t step = lanes ? LANES : 1;

    for (uint32_t c = 0; c < where->channels; c += step) {
        const float *at = start_of(x, where, c);
        struct sums  sums = !lanes ? add_up_one(at, where)
                            : wide ? add_up_wide(at, where)
                                   : add_up_narrow(at, where);

        for (uint32_t k = 0; k < step && c + k < where->channels; k++) {
            double average = sums.values[k] / count;
            double spread = sums.squares[k] / count - average * average;

            mean[c + k] = (float)average;
            variance[c + k] = spread < 0 ? 0 : (float)spread; /* by rounding; a NaN stays one */
        }
    }
}
