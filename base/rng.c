#include "base/rng.h"

#include <math.h>

#include "base/hash.h"
#include "base/philox.h"

void mx_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    mx_philox(counter, key, out);
}

/* Little-endian bytes, so that the key is the same on every machine. */
static void put64(unsigned char *out, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(x >> (8 * i));
}

struct mx_stream mx_stream_make(uint64_t seed, uint32_t repeat, enum mx_purpose purpose,
                                uint64_t extra)
{
    unsigned char name[32];
    uint64_t      hash;

    put64(name, seed);
    put64(name + 8, repeat);
    put64(name + 16, (uint64_t)purpose);
    put64(name + 24, extra);
    hash = mx_hash64(name, sizeof name);
    return (struct mx_stream){{(uint32_t)hash, (uint32_t)(hash >> 32)}};
}

struct mx_rng mx_rng_at(struct mx_stream stream, uint32_t a, uint32_t b, uint32_t c)
{
    return (struct mx_rng){
        .key = {stream.key[0], stream.key[1]},
        .counter = {0, a, b, c},
    };
}

uint32_t mx_rng_u32(struct mx_rng *rng)
{
    if (rng->left == 0) {
        mx_philox4x32(rng->counter, rng->key, rng->block);
        rng->counter[0]++;
        rng->left = 4;
    }
    return rng->block[4 - rng->left--];
}

double mx_rng_uniform(struct mx_rng *rng)
{
    uint64_t high = mx_rng_u32(rng), low = mx_rng_u32(rng);

    return (double)((high << 21) ^ (low >> 11)) * 0x1p-53;
}

uint64_t mx_rng_below(struct mx_rng *rng, uint64_t n)
{
    uint64_t unbiased = UINT64_MAX - UINT64_MAX % n;
    uint64_t x;

    do {
        x = (uint64_t)mx_rng_u32(rng) << 32;
        x |= mx_rng_u32(rng);
    } while (x >= unbiased);
    return x % n;
}

double mx_rng_normal(struct mx_rng *rng)
{
    double u = 1.0 - mx_rng_uniform(rng); /* (0, 1]: the logarithm exists */
    double v = mx_rng_uniform(rng);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

/* Logarithm of a Gamma(shape, 1) draw. *power: of a shape below 1, what was divided by the shape, and
 * so may have gone beyond all numbers; else 0. */
static double log_gamma_draw(struct mx_rng *rng, double shape, double *power)
{
    double boosted = shape < 1.0 ? shape + 1.0 : shape;
    double d = boosted - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    double log_draw = 0.0;

    for (;;) {
        double x = mx_rng_normal(rng), u = 1.0 - mx_rng_uniform(rng);
        double v = 1.0 + c * x;

        if (v <= 0.0)
            continue;
        v = v * v * v;
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) {
            log_draw = log(d) + log(v);
            break;
        }
    }
    *power = shape < 1.0 ? log(1.0 - mx_rng_uniform(rng)) : 0.0;
    if (shape < 1.0)
        log_draw += *power / shape;
    return log_draw;
}

double mx_rng_beta(struct mx_rng *rng, double a, double b)
{
    double power_x, power_y;
    double log_x = log_gamma_draw(rng, a, &power_x), log_y = log_gamma_draw(rng, b, &power_y);

    if (isinf(log_x) && isinf(log_y)) /* both 0 at any precision: one is far smaller all the same */
        return log(-power_x) - log(a) < log(-power_y) - log(b) ? 1.0 : 0.0;
    return 1.0 / (1.0 + exp(log_y - log_x));
}

void mx_rng_permutation(struct mx_rng *rng, uint32_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = (size_t)mx_rng_below(rng, i + 1);

        out[i] = out[j];
        out[j] = (uint32_t)i;
    }
}
