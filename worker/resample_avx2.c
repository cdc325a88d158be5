/* Resizing in wide vectors. A weight is 2^11 high + low, so that both halves times bytes are summed
 * two products at a time, of 16 bits each, and put together at the end: the same whole numbers. */
#include "kernels/wide.h"
#include "worker/resample_parts.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <string.h>

enum {
    ACROSS = 32, /* columns at a time on the way down */
};

/* Of eight rows the columns x and x + 1, x + 2 and x + 3, and so on up to x + 7, side by side as
 * short numbers: pairs[0], pairs[2], pairs[4], pairs[6]. */
KERN_WIDE KERN_IN_PLACE void pair_columns(const uint8_t *const row[RESAMPLE_LANES], uint32_t x,
                                          __m256i *pairs)
{
#define ROW(k) _mm_loadl_epi64((const void *)(row[k] + x))
    const __m128i a = _mm_unpacklo_epi16(ROW(0), ROW(1)), b = _mm_unpacklo_epi16(ROW(2), ROW(3));
    const __m128i c = _mm_unpacklo_epi16(ROW(4), ROW(5)), d = _mm_unpacklo_epi16(ROW(6), ROW(7));
#undef ROW
    const __m128i ab = _mm_unpacklo_epi32(a, b), ab4 = _mm_unpackhi_epi32(a, b);
    const __m128i cd = _mm_unpacklo_epi32(c, d), cd4 = _mm_unpackhi_epi32(c, d);

    _mm256_store_si256(pairs, _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(ab, cd)));
    _mm256_store_si256(pairs + 2, _mm256_cvtepu8_epi16(_mm_unpackhi_epi64(ab, cd)));
    _mm256_store_si256(pairs + 4, _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(ab4, cd4)));
    _mm256_store_si256(pairs + 6, _mm256_cvtepu8_epi16(_mm_unpackhi_epi64(ab4, cd4)));
}

/* The columns of eight rows that `along` looks at, each beside its right neighbour. */
KERN_WIDE static void pair_rows(const struct resample_axis *along,
                                const uint8_t *const row[RESAMPLE_LANES], __m256i *pairs)
{
    const uint32_t last = along->count - 1, end = along->first[last] + along->taps[last];
    uint8_t        rest[RESAMPLE_LANES][2 * RESAMPLE_LANES] = {{0}};
    const uint8_t *at[RESAMPLE_LANES];
    uint32_t       x = along->first[0];

    for (; x + RESAMPLE_LANES < end; x += RESAMPLE_LANES) {
        pair_columns(row, x, pairs + x);
        pair_columns(row, x + 1, pairs + x + 1);
    }
    for (uint32_t k = 0; k < RESAMPLE_LANES; k++) {
        memcpy(rest[k], row[k] + x, end - x);
        at[k] = rest[k];
    }
    pair_columns(at, 0, pairs + x);
    pair_columns(at, 1, pairs + x + 1);
}

/* Sums of eight columns. */
struct sums {
    __m256i high, low;
};

KERN_WIDE KERN_IN_PLACE struct sums add_pairs(struct sums sums, __m256i both, __m256i high,
                                              __m256i low)
{
    sums.high = _mm256_add_epi32(sums.high, _mm256_madd_epi16(both, high));
    sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(both, low));
    return sums;
}

KERN_WIDE KERN_IN_PLACE __m256i levels(struct sums sums)
{
    return _mm256_srai_epi32(
        _mm256_add_epi32(sums.high, _mm256_srai_epi32(sums.low, RESAMPLE_LOW_BITS)),
        RESAMPLE_LOW_BITS);
}

/* Output pixel x of eight rows. */
KERN_WIDE KERN_IN_PLACE __m256i one_pixel(const struct resample_axis *along, uint32_t x,
                                          const __m256i *pairs)
{
    const __m256i *at = pairs + along->first[x];
    const int32_t *weight = along->pairs + (size_t)x * along->most;
    const uint32_t taps = along->taps[x];
    struct sums    sums = {_mm256_setzero_si256(), _mm256_set1_epi32(RESAMPLE_HALF)};

    for (uint32_t t = 0; t < taps; t += 2)
        sums = add_pairs(sums, _mm256_load_si256(at + t), _mm256_set1_epi32(weight[t]),
                         _mm256_set1_epi32(weight[t + 1]));
    return levels(sums);
}

/* Eight output pixels of eight rows, as bytes: lines[0] has rows 0, 1, 4 and 5, lines[1] the others.
 * Weights that were rounded up can sum to a little more than 1: packing cuts at 255. */
KERN_WIDE KERN_IN_PLACE void eight_pixels(const struct resample_axis *along, uint32_t x,
                                          const __m256i *pairs, __m256i lines[2])
{
    const __m256i  order = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0,
                                            4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const uint32_t last = along->count - 1;
    __m256i        four[2];

#define PIXEL(k) one_pixel(along, x + (k) < last ? x + (k) : last, pairs)
    for (uint32_t h = 0; h < 2; h++) {
        const __m256i ab = _mm256_packus_epi32(PIXEL(4 * h), PIXEL(4 * h + 1));
        const __m256i cd = _mm256_packus_epi32(PIXEL(4 * h + 2), PIXEL(4 * h + 3));

        four[h] = _mm256_shuffle_epi8(_mm256_packus_epi16(ab, cd), order);
    }
#undef PIXEL
    lines[0] = _mm256_unpacklo_epi32(four[0], four[1]);
    lines[1] = _mm256_unpackhi_epi32(four[0], four[1]);
}

/* Eight rows, of which one may stand for others that are not there, to eight of along->count. */
KERN_WIDE static void resize_rows(const struct resample_axis *along,
                                  const uint8_t *const row[RESAMPLE_LANES], __m256i *pairs,
                                  uint8_t *out, uint32_t rows)
{
    static const uint8_t place[RESAMPLE_LANES] = {0, 1, 4, 5, 2, 3, 6, 7}; /* of a row in lines */

    pair_rows(along, row, pairs);
    for (uint32_t x = 0; x < along->count; x += RESAMPLE_LANES) {
        const uint32_t n =
            along->count - x < RESAMPLE_LANES ? along->count - x : (uint32_t)RESAMPLE_LANES;
        __m256i lines[2];

        eight_pixels(along, x, pairs, lines);
        for (uint32_t k = 0; k < rows; k++)
            memcpy(out + (size_t)k * along->count + x,
                   (const uint8_t *)lines + (size_t)place[k] * RESAMPLE_LANES, n);
    }
}

/* 32 columns of one output row; at: of the first source row. */
KERN_WIDE KERN_IN_PLACE __m256i thirty_two(const uint8_t *at, uint32_t width, const int32_t *weight,
                                           uint32_t taps)
{
    const __m256i zero = _mm256_setzero_si256();
    struct sums   a = {zero, _mm256_set1_epi32(RESAMPLE_HALF)}, b = a, c = a, d = a;

    for (uint32_t t = 0; t < taps; t += 2) {
        const uint8_t *under = at + (t + 1 < taps ? (size_t)width : 0);
        const __m256i  upper = _mm256_loadu_si256((const void *)at);
        const __m256i  lower = _mm256_loadu_si256((const void *)under);
        const __m256i  left = _mm256_unpacklo_epi8(upper, lower);
        const __m256i  right = _mm256_unpackhi_epi8(upper, lower);
        const __m256i  high = _mm256_set1_epi32(weight[t]), low = _mm256_set1_epi32(weight[t + 1]);

        a = add_pairs(a, _mm256_unpacklo_epi8(left, zero), high, low);
        b = add_pairs(b, _mm256_unpackhi_epi8(left, zero), high, low);
        c = add_pairs(c, _mm256_unpacklo_epi8(right, zero), high, low);
        d = add_pairs(d, _mm256_unpackhi_epi8(right, zero), high, low);
        at += 2 * (size_t)width;
    }
    return _mm256_packus_epi16(_mm256_packus_epi32(levels(a), levels(b)),
                               _mm256_packus_epi32(levels(c), levels(d)));
}

/* One output row; what is read behind the last column stands in the next row, or behind the rows. */
KERN_WIDE static void resize_columns(const struct resample_axis *down, uint32_t y,
                                     const uint8_t *rows, uint32_t width, uint8_t *out)
{
    const uint8_t *at = rows + (size_t)down->first[y] * width;
    const int32_t *weight = down->pairs + (size_t)y * down->most;

    for (uint32_t x = 0; x < width; x += ACROSS) {
        const __m256i made = thirty_two(at + x, width, weight, down->taps[y]);

        if (width - x >= ACROSS)
            _mm256_storeu_si256((void *)(out + x), made);
        else
            memcpy(out + x, &made, width - x);
    }
}

KERN_WIDE void resample_wide(struct worker_resampler *r, const struct worker_window *window,
                             uint8_t *out)
{
    const struct resample_axis *down = &r->down, *along = &r->along;
    const uint32_t              end = down->first[down->count - 1] + down->taps[down->count - 1];

    for (uint32_t y = down->first[0]; y < end; y += RESAMPLE_LANES) {
        const uint32_t rows = end - y < RESAMPLE_LANES ? end - y : (uint32_t)RESAMPLE_LANES;
        const uint8_t *row[RESAMPLE_LANES];

        for (uint32_t k = 0; k < RESAMPLE_LANES; k++)
            row[k] = window->bytes + (y + (k < rows ? k : 0)) * window->stride;
        resize_rows(along, row, r->turned, r->rows + (size_t)y * along->count, rows);
    }
    for (uint32_t y = 0; y < down->count; y++)
        resize_columns(down, y, r->rows, along->count, out + (size_t)y * along->count);
}

#else

void resample_wide(struct worker_resampler *resampler, const struct worker_window *window,
                   uint8_t *out)
{
    resample_plain(resampler, window, out);
}

#endif
