/* Resizing in vectors of the compiler's, as wide as the build has them. */
#include <string.h>

#include "worker/resample_parts.h"

typedef int32_t  many __attribute__((vector_size(RESAMPLE_LANES * sizeof(int32_t))));
typedef uint16_t halves __attribute__((vector_size(RESAMPLE_LANES * sizeof(uint16_t))));
typedef uint8_t  bytes __attribute__((vector_size(RESAMPLE_LANES), aligned(1), may_alias));
typedef uint8_t  sixteen __attribute__((vector_size(2 * RESAMPLE_LANES), aligned(1), may_alias));

/* In two steps, for which compilers have instructions. */
#define LOAD(at)                                                                                   \
    __builtin_convertvector(__builtin_convertvector(*(const bytes *)(at), halves), many)

/* Sums as bytes; weights that were rounded up can sum to a little more than 1. */
#define IS_OVER(sum) ((sum) >> RESAMPLE_WEIGHT_BITS > 255)
#define LEVELS(sum)                                                                                \
    __builtin_convertvector(                                                                       \
        __builtin_convertvector(                                                                   \
            ((sum) >> RESAMPLE_WEIGHT_BITS & ~IS_OVER(sum)) | (IS_OVER(sum) & 255), halves),       \
        bytes)

/* Eight columns of eight rows, `row[k]` + x on, to the other way round: (column, row). */
static void turn_eight(const uint8_t *const row[RESAMPLE_LANES], uint32_t x, sixteen turned[4])
{
#define ROW(k) (*(const bytes *)(row[k] + x))
#define BYTES(a, b)                                                                                \
    __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)
#define PAIRS(a, b, k)                                                                             \
    __builtin_shufflevector(a, b, k, k + 1, k + 16, k + 17, k + 2, k + 3, k + 18, k + 19, k + 4,   \
                            k + 5, k + 20, k + 21, k + 6, k + 7, k + 22, k + 23)
#define FOURS(a, b, k)                                                                             \
    __builtin_shufflevector(a, b, k, k + 1, k + 2, k + 3, k + 16, k + 17, k + 18, k + 19, k + 4,   \
                            k + 5, k + 6, k + 7, k + 20, k + 21, k + 22, k + 23)
    const sixteen a = BYTES(ROW(0), ROW(1)), b = BYTES(ROW(2), ROW(3));
    const sixteen c = BYTES(ROW(4), ROW(5)), d = BYTES(ROW(6), ROW(7));
    const sixteen ab = PAIRS(a, b, 0), cd = PAIRS(c, d, 0), ab8 = PAIRS(a, b, 8),
                  cd8 = PAIRS(c, d, 8);

    turned[0] = FOURS(ab, cd, 0);
    turned[1] = FOURS(ab, cd, 8);
    turned[2] = FOURS(ab8, cd8, 0);
    turned[3] = FOURS(ab8, cd8, 8);
#undef ROW
#undef BYTES
#undef PAIRS
#undef FOURS
}

/* The columns of eight rows that `along` looks at, as whole numbers: (column, row). */
static void turn_rows(const struct resample_axis *along, const uint8_t *const row[RESAMPLE_LANES],
                      many *turned)
{
    const uint32_t last = along->count - 1, end = along->first[last] + along->taps[last];
    uint32_t       x = along->first[0];

    for (; x + RESAMPLE_LANES <= end; x += RESAMPLE_LANES) {
        sixteen columns[RESAMPLE_LANES / 2];

        turn_eight(row, x, columns);
        for (uint32_t k = 0; k < RESAMPLE_LANES; k++)
            turned[x + k] = LOAD((const uint8_t *)columns + (size_t)k * RESAMPLE_LANES);
    }
    for (; x < end; x++)
        for (uint32_t k = 0; k < RESAMPLE_LANES; k++)
            turned[x][k] = row[k][x];
}

/* Eight rows, of which one may stand for others that are not there, to eight of along->count. */
static void resize_rows(const struct resample_axis *along, const uint8_t *const row[RESAMPLE_LANES],
                        many *turned, uint8_t *out, uint32_t rows)
{
    uint8_t        made[RESAMPLE_LANES * RESAMPLE_LANES]; /* (column, row) */
    const uint8_t *column[RESAMPLE_LANES];

    for (uint32_t k = 0; k < RESAMPLE_LANES; k++)
        column[k] = made + (size_t)k * RESAMPLE_LANES;
    turn_rows(along, row, turned);
    for (uint32_t x = 0; x < along->count; x++) {
        const many    *at = turned + along->first[x];
        const int32_t *weight = along->weight + (size_t)x * along->most;
        many           sum = (many){0} + RESAMPLE_HALF;

        for (uint32_t t = 0; t < along->taps[x]; t++)
            sum += at[t] * weight[t];
        *(bytes *)(made + (size_t)(x % RESAMPLE_LANES) * RESAMPLE_LANES) = LEVELS(sum);
        if (x % RESAMPLE_LANES == RESAMPLE_LANES - 1) {
            sixteen lines[RESAMPLE_LANES / 2]; /* (row, column) */

            turn_eight(column, 0, lines);
            for (uint32_t k = 0; k < rows; k++)
                memcpy(out + (size_t)k * along->count + x - (RESAMPLE_LANES - 1),
                       (const uint8_t *)lines + (size_t)k * RESAMPLE_LANES, RESAMPLE_LANES);
        } else if (x == along->count - 1) {
            for (uint32_t c = 0; c <= x % RESAMPLE_LANES; c++)
                for (uint32_t k = 0; k < rows; k++)
                    out[(size_t)k * along->count + x - x % RESAMPLE_LANES + c] = column[c][k];
        }
    }
}

/* Column x alone. */
static uint8_t one_column(const struct resample_axis *down, uint32_t y, const uint8_t *at,
                          uint32_t width)
{
    const int32_t *weight = down->weight + (size_t)y * down->most;
    int32_t        sum = RESAMPLE_HALF;

    for (uint32_t t = 0; t < down->taps[y]; t++)
        sum += at[(size_t)t * width] * weight[t];
    sum >>= RESAMPLE_WEIGHT_BITS;
    return sum > 255 ? 255 : (uint8_t)sum;
}

/* One row of down->count, 32 columns at a time, then eight. */
static void resize_columns(const struct resample_axis *down, uint32_t y, const uint8_t *rows,
                           uint32_t width, uint8_t *out)
{
    const uint8_t *at = rows + (size_t)down->first[y] * width;
    const int32_t *weight = down->weight + (size_t)y * down->most;
    const uint32_t taps = down->taps[y];
    uint32_t       x = 0;

    for (; x + 4 * RESAMPLE_LANES <= width; x += 4 * RESAMPLE_LANES) {
        many a = (many){0} + RESAMPLE_HALF, b = a, c = a, d = a;

        for (uint32_t t = 0; t < taps; t++) {
            const uint8_t *from = at + (size_t)t * width + x;
            const int32_t  share = weight[t];

            a += LOAD(from) * share;
            b += LOAD(from + RESAMPLE_LANES) * share;
            c += LOAD(from + 2 * RESAMPLE_LANES) * share;
            d += LOAD(from + 3 * RESAMPLE_LANES) * share;
        }
        *(bytes *)(out + x) = LEVELS(a);
        *(bytes *)(out + x + RESAMPLE_LANES) = LEVELS(b);
        *(bytes *)(out + x + 2 * RESAMPLE_LANES) = LEVELS(c);
        *(bytes *)(out + x + 3 * RESAMPLE_LANES) = LEVELS(d);
    }
    for (; x + RESAMPLE_LANES <= width; x += RESAMPLE_LANES) {
        many sum = (many){0} + RESAMPLE_HALF;

        for (uint32_t t = 0; t < taps; t++)
            sum += LOAD(at + (size_t)t * width + x) * weight[t];
        *(bytes *)(out + x) = LEVELS(sum);
    }
    for (; x < width; x++)
        out[x] = one_column(down, y, at + x, width);
}

void resample_plain(struct worker_resampler *r, const struct worker_window *window, uint8_t *out)
{
    const struct resample_axis *down = &r->down, *along = &r->along;
    const uint32_t              end = down->first[down->count - 1] + down->taps[down->count - 1];

    for (uint32_t y = down->first[0]; y < end; y += RESAMPLE_LANES) {
        const uint32_t rows = end - y < RESAMPLE_LANES ? end - y : RESAMPLE_LANES;
        const uint8_t *row[RESAMPLE_LANES];

        for (uint32_t k = 0; k < RESAMPLE_LANES; k++)
            row[k] = window->bytes + (y + (k < rows ? k : 0)) * window->stride;
        resize_rows(along, row, r->turned, r->rows + (size_t)y * along->count, rows);
    }
    for (uint32_t y = 0; y < down->count; y++)
        resize_columns(down, y, r->rows, along->count, out + (size_t)y * along->count);
}
