#include "kernels/wide.h"
#include "worker/moments_wide.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

enum {
    STEP = 32,
    BLOCK = 8192 * STEP /* bytes: four squares a step in each of eight 32-bit sums */
};

KERN_WIDE KERN_IN_PLACE uint64_t sum_longs(__m256i longs)
{
    uint64_t sums[4];

    _mm256_storeu_si256((void *)sums, longs);
    return sums[0] + sums[1] + sums[2] + sums[3];
}

/* At most a block, of whole steps. */
KERN_WIDE static void add_steps(const uint8_t *bytes, size_t n, uint64_t *sum, uint64_t *squares)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i       s = zero, q = zero;

    for (size_t k = 0; k < n; k += STEP) {
        const __m256i x = _mm256_loadu_si256((const void *)(bytes + k));
        const __m256i a = _mm256_unpacklo_epi8(x, zero), b = _mm256_unpackhi_epi8(x, zero);

        s = _mm256_add_epi64(s, _mm256_sad_epu8(x, zero));
        q = _mm256_add_epi32(q, _mm256_madd_epi16(a, a));
        q = _mm256_add_epi32(q, _mm256_madd_epi16(b, b));
    }
    *sum += sum_longs(s);
    *squares +=
        sum_longs(_mm256_unpacklo_epi32(q, zero)) + sum_longs(_mm256_unpackhi_epi32(q, zero));
}

size_t worker_moments_wide(const uint8_t *bytes, size_t n, uint64_t *sum, uint64_t *squares)
{
    const size_t done = kern_has_wide_vectors() ? n / STEP * STEP : 0;

    for (size_t k = 0; k < done; k += BLOCK)
        add_steps(bytes + k, done - k < BLOCK ? done - k : BLOCK, sum, squares);
    return done;
}

#else

size_t worker_moments_wide(const uint8_t *bytes, size_t n, uint64_t *sum, uint64_t *squares)
{
    (void)bytes;
    (void)n;
    (void)sum;
    (void)squares;
    return 0;
}

#endif
