/* rng.h - random numbers that depend on their name only.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) is a function from a
 * 64-bit key and a 128-bit counter to 128 random bits. A stream is the key,
 * made from (seed, repeat, purpose); a cursor is a place in it, made from up
 * to three 32-bit names such as (epoch, batch, sample). Nothing is carried
 * over between draws of different names, so results do not depend on ranks,
 * threads, order or restarts.
 */
#ifndef MX_RNG_H
#define MX_RNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the numbers are for. The values enter the key: never renumber. */
enum mx_purpose {
    MX_PURPOSE_INIT = 0,
    MX_PURPOSE_ORDER = 1,
    MX_PURPOSE_AUGMENT = 2,
    MX_PURPOSE_MIX = 3,
    MX_PURPOSE_SUPPORT = 4,
    MX_PURPOSE_HEAD = 5,
    MX_PURPOSE_SCORE = 6,
    MX_PURPOSE_BOOTSTRAP = 7,
    MX_PURPOSE_SPLIT = 8,   /* repeat 0 always */
    MX_PURPOSE_DATA = 9,    /* repeat 0 always */
    MX_PURPOSE_SEARCH = 10, /* repeat 0 always */
};

struct mx_stream {
    uint32_t key[2];
};

/* A place in a stream. Copying it copies the place. */
struct mx_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* [0] counts blocks of four numbers, [1..3] are the names */
    uint32_t block[4];
    unsigned left; /* numbers of block not yet handed out */
};

/* The Philox4x32-10 function itself. */
void mx_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The stream of a purpose. `extra` is 0 for `seeds: paired`; under
 * `seeds: independent` it is the first half of the stage's own key. */
struct mx_stream mx_stream_make(uint64_t seed, uint32_t repeat, enum mx_purpose purpose,
                                uint64_t extra);

/* A cursor at the place named (a, b, c). Good for 2^34 numbers. */
struct mx_rng mx_rng_at(struct mx_stream stream, uint32_t a, uint32_t b, uint32_t c);

/* The next number: 32 bits; uniform in [0, 1) with 53 bits; uniform in
 * {0 .. n-1} without bias (n >= 1). */
uint32_t mx_rng_u32(struct mx_rng *rng);
double   mx_rng_uniform(struct mx_rng *rng);
uint64_t mx_rng_below(struct mx_rng *rng, uint64_t n);

/* Standard normal (Box and Muller; two uniforms each, none kept back). */
double mx_rng_normal(struct mx_rng *rng);

/* Beta(a, b), a and b > 0, from two gammas drawn on a log scale, so that
 * a = 0.01 neither underflows nor divides 0 by 0 (Marsaglia and Tsang 2000
 * with their power trick for shapes below 1). */
double mx_rng_beta(struct mx_rng *rng, double a, double b);

/* A uniform random permutation of {0 .. n-1} (Fisher and Yates). */
void mx_rng_permutation(struct mx_rng *rng, uint32_t *out, size_t n);

#ifdef __cplusplus
}
#endif

#endif
