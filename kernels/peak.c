#include "kernels/peak.h"

#include <stddef.h>

#include "base/clock.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum {
    CHAINS = 12, /* enough to hide the latency of two units, few enough for 16 registers */
    ROUNDS = 200000,
    TRIES = 8
};

/* Both return the sum of all chains, so that no multiplication can be left out. */
__attribute__((target("avx2,fma"))) static float chains_avx2(float start)
{
    __m256 chain[CHAINS], factor = _mm256_set1_ps(start), sum = _mm256_setzero_ps();

    for (int c = 0; c < CHAINS; c++)
        chain[c] = _mm256_set1_ps((float)c);
    for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++)
            chain[c] = _mm256_fmadd_ps(chain[c], factor, factor);
    for (int c = 0; c < CHAINS; c++)
        sum = _mm256_add_ps(sum, chain[c]);
    return _mm256_cvtss_f32(sum);
}

__attribute__((target("avx512f"))) static float chains_avx512(float start)
{
    __m512 chain[CHAINS], factor = _mm512_set1_ps(start), sum = _mm512_setzero_ps();

    for (int c = 0; c < CHAINS; c++)
        chain[c] = _mm512_set1_ps((float)c);
    for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++)
            chain[c] = _mm512_fmadd_ps(chain[c], factor, factor);
    for (int c = 0; c < CHAINS; c++)
        sum = _mm512_add_ps(sum, chain[c]);
    return _mm512_cvtss_f32(sum);
}

double kern_peak_flops(void)
{
    float (*chains)(float) = NULL;
    double         lanes = 0, best = 0;
    volatile float start = 0.5f, sink;

    if (__builtin_cpu_supports("avx512f")) {
        chains = chains_avx512;
        lanes = 16;
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        chains = chains_avx2;
        lanes = 8;
    }
    for (int t = 0; chains && t < TRIES; t++) {
        double begin = mx_clock_monotonic_s(), rate;

        sink = chains(start);
        rate = 2 * lanes * CHAINS * ROUNDS / (mx_clock_monotonic_s() - begin);
        if (rate > best)
            best = rate;
    }
    (void)sink;
    return best;
}

#else

double kern_peak_flops(void)
{
    return 0;
}

#endif
