#include <stdbool.h>
#include <stddef.h>

#include "kernels/batch_wide.h"
#include "kernels/wide.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

enum {
    STEP = 16,
    ALIGNED = 8 /* floats of a vector */
};

/* The numbers of a struct kern_batch_line, those that it has. In registers: the compiler cannot know that
 * none of them lies where values are put. */
struct numbers {
    __m256d scale, offset;
    __m256  parts[4];
    bool    has_parts;
};

KERN_WIDE KERN_IN_PLACE __m128 values(__m128i four, __m256d scale, __m256d offset)
{
    const __m256d x = _mm256_cvtepi32_pd(four);

    return _mm256_cvtpd_ps(_mm256_add_pd(_mm256_mul_pd(x, scale), offset));
}

/* Sixteen neighbours in the order of the step, the first of which is `at`. */
KERN_WIDE KERN_IN_PLACE __m128i sixteen(const uint8_t *at, int32_t step)
{
    const __m128i back = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

    return step > 0 ? _mm_loadu_si128((const void *)at)
                    : _mm_shuffle_epi8(_mm_loadu_si128((const void *)(at - (STEP - 1))), back);
}

/* Bytes 4 k to 4 k + 3. */
#define FOUR(bytes, k) _mm_cvtepu8_epi32(_mm_srli_si128(bytes, 4 * (k)))

KERN_WIDE KERN_IN_PLACE void by_line(const struct numbers *by, __m128i bytes, float *out)
{
    _mm_storeu_ps(out, values(FOUR(bytes, 0), by->scale, by->offset));
    _mm_storeu_ps(out + 4, values(FOUR(bytes, 1), by->scale, by->offset));
    _mm_storeu_ps(out + 8, values(FOUR(bytes, 2), by->scale, by->offset));
    _mm_storeu_ps(out + 12, values(FOUR(bytes, 3), by->scale, by->offset));
}

#undef FOUR

/* Of the first eight bytes. */
KERN_WIDE KERN_IN_PLACE __m256 eight_values(const struct numbers *by, __m128i bytes)
{
    const __m256 x = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));

    return _mm256_add_ps(_mm256_add_ps(_mm256_mul_ps(x, by->parts[0]), by->parts[1]),
                         _mm256_add_ps(_mm256_mul_ps(x, by->parts[2]), by->parts[3]));
}

KERN_WIDE KERN_IN_PLACE void put(const struct numbers *by, const uint8_t *at, int32_t step,
                                 float *out)
{
    const __m128i bytes = sixteen(at, step);

    if (!by->has_parts) {
        by_line(by, bytes, out);
        return;
    }
    _mm256_storeu_ps(out, eight_values(by, bytes));
    _mm256_storeu_ps(out + 8, eight_values(by, _mm_srli_si128(bytes, 8)));
}

/* The first sixteen, then from where vectors are aligned, then the last: some are made twice. */
KERN_WIDE KERN_IN_PLACE void compute(const struct numbers *by, const uint8_t *at, int32_t step,
                                     uint32_t n, float *out)
{
    const uint32_t past = (uint32_t)((uintptr_t)out / sizeof *out % ALIGNED);
    uint32_t       x = past ? ALIGNED - past : STEP;

    put(by, at, step, out);
    for (; x + STEP <= n; x += STEP)
        put(by, at + (int32_t)x * step, step, out + x);
    if (x < n)
        put(by, at + (int32_t)(n - STEP) * step, step, out + n - STEP);
}

KERN_WIDE static void by_lines(const double line[2], const uint8_t *at, int32_t step, uint32_t n,
                               float *out)
{
    const struct numbers by = {.scale = _mm256_set1_pd(line[0]), .offset = _mm256_set1_pd(line[1])};

    if (step > 0)
        compute(&by, at, 1, n, out);
    else
        compute(&by, at, -1, n, out);
}

KERN_WIDE static void by_parts(const float parts[4], const uint8_t *at, int32_t step, uint32_t n,
                               float *out)
{
    const struct numbers by = {.parts = {_mm256_set1_ps(parts[0]), _mm256_set1_ps(parts[1]),
                                         _mm256_set1_ps(parts[2]), _mm256_set1_ps(parts[3])},
                               .has_parts = true};

    if (step > 0)
        compute(&by, at, 1, n, out);
    else
        compute(&by, at, -1, n, out);
}

uint32_t kern_batch_compute(struct kern_batch_line by, const uint8_t *at, int32_t step, uint32_t n,
                            float *out)
{
    if (n < STEP || !kern_has_wide_vectors())
        return 0;
    if (by.parts && by.parts[0] != 0)
        by_parts(by.parts, at, step, n, out);
    else if (by.line && by.line[0] != 0)
        by_lines(by.line, at, step, n, out);
    else
        return 0;
    return n;
}

#else

uint32_t kern_batch_compute(struct kern_batch_line by, const uint8_t *at, int32_t step, uint32_t n,
                            float *out)
{
    (void)by;
    (void)at;
    (void)step;
    (void)n;
    (void)out;
    return 0;
}

#endif
