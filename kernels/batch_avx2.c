#include "kernels/batch_wide.h"
#include "kernels/wide.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

KERN_WIDE KERN_IN_PLACE __m128 values(__m128i four, __m256d scale, __m256d offset)
{
    const __m256d x = _mm256_cvtepi32_pd(four);

    return _mm256_cvtpd_ps(_mm256_add_pd(_mm256_mul_pd(x, scale), offset));
}

KERN_WIDE static uint32_t compute(const double line[2], const uint8_t *at, int32_t step, uint32_t n,
                                  float *out)
{
    const __m256d scale = _mm256_set1_pd(line[0]), offset = _mm256_set1_pd(line[1]);
    const __m128i turn =
        step > 0 ? _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -1, -1, -1, -1, -1, -1, -1, -1)
                 : _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, -1, -1, -1, -1, -1, -1, -1, -1);
    uint32_t x = 0;

    at -= step > 0 ? 0 : 7; /* the first of eight neighbours */
    for (; x + 8 <= n; x += 8) {
        const __m128i eight =
            _mm_shuffle_epi8(_mm_loadl_epi64((const void *)(at + step * (int32_t)x)), turn);

        _mm_storeu_ps(out + x, values(_mm_cvtepu8_epi32(eight), scale, offset));
        _mm_storeu_ps(out + x + 4,
                      values(_mm_cvtepu8_epi32(_mm_srli_si128(eight, 4)), scale, offset));
    }
    return x;
}

uint32_t kern_batch_compute(const double line[2], const uint8_t *at, int32_t step, uint32_t n,
                            float *out)
{
    return kern_has_wide_vectors() ? compute(line, at, step, n, out) : 0;
}

#else

uint32_t kern_batch_compute(const double line[2], const uint8_t *at, int32_t step, uint32_t n,
                            float *out)
{
    (void)line;
    (void)at;
    (void)step;
    (void)n;
    (void)out;
    return 0;
}

#endif
