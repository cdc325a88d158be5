#include "worker/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/wide.h"

enum {
    WEIGHT_BITS = 22, /* 8 bits of a byte and one sign stand beside them in 32 */
    HALF = 1 << (WEIGHT_BITS - 1),
    LANES = 8, /* rows, or columns, side by side */
};

/* The source pixels of every output pixel on one axis. */
struct axis {
    uint32_t  from, to, skip, count; /* `count` output pixels from `skip` on, of `to` */
    uint32_t  most;                  /* weights that each output pixel has room for */
    uint32_t *first;                 /* (count), the first source pixel */
    uint32_t *taps;                  /* (count), 1 or more */
    int32_t  *weight;                /* (count, most), summing to about 2^22 */
};

/* Eight whole numbers; where vectors are narrow, the compiler makes them of two. */
typedef int32_t  many __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef uint16_t halves __attribute__((vector_size(LANES * sizeof(uint16_t))));
typedef uint8_t  bytes __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef uint8_t  sixteen __attribute__((vector_size(2 * LANES), aligned(1), may_alias));

struct worker_resampler {
    struct axis down, along;
    double     *share;  /* weights of one output pixel */
    uint8_t    *rows;   /* (height, to_width): resized along rows only */
    many       *turned; /* (width): the pixels of eight rows, column by column */
};

/* Weights that an output pixel can have; for all of them 2 from + 4 to at most. */
static uint32_t most_taps(uint32_t from, uint32_t to)
{
    return 2 * (from / to) + 4;
}

/* The weights of output pixel `at`, which is `slot` of those wanted. */
static void make_taps(struct axis *axis, uint32_t at, uint32_t slot, double *share)
{
    const double scale = (double)axis->from / axis->to, support = scale > 1 ? scale : 1;
    const double centre = (at + 0.5) * scale;
    const double low = centre - support + 0.5, high = centre + support + 0.5;
    int32_t     *weight = axis->weight + (size_t)slot * axis->most;
    uint32_t     first = low < 0 ? 0 : (uint32_t)low;
    uint32_t     taps = (high > axis->from ? axis->from : (uint32_t)high) - first;
    double       sum = 0;

    for (uint32_t k = 0; k < taps; k++) {
        double distance = fabs((first + k - centre + 0.5) * (1 / support));

        share[k] = distance < 1 ? 1 - distance : 0;
        sum += share[k];
    }
    for (uint32_t k = 0; k < taps; k++)
        weight[k] = (int32_t)(0.5 + share[k] / sum * (1 << WEIGHT_BITS));
    while (taps > 1 && weight[taps - 1] == 0)
        taps--;
    axis->first[slot] = first;
    axis->taps[slot] = taps;
}

static void axis_aim(struct axis *axis, uint32_t from, uint32_t to, uint32_t skip, uint32_t count,
                     double *share)
{
    if (axis->from == from && axis->to == to && axis->skip == skip && axis->count == count)
        return;
    axis->from = from;
    axis->to = to;
    axis->skip = skip;
    axis->count = count;
    axis->most = most_taps(from, to);
    for (uint32_t slot = 0; slot < count; slot++)
        make_taps(axis, skip + slot, slot, share);
}

static int axis_new(struct axis *axis, uint32_t from, uint32_t to)
{
    axis->first = calloc(to, sizeof *axis->first);
    axis->taps = calloc(to, sizeof *axis->taps);
    axis->weight = calloc(2 * (size_t)from + 4 * (size_t)to, sizeof *axis->weight);
    return axis->first && axis->taps && axis->weight ? 0 : -1;
}

static void axis_free(struct axis *axis)
{
    free(axis->first);
    free(axis->taps);
    free(axis->weight);
}

struct worker_resampler *worker_resampler_new(uint32_t height, uint32_t width, uint32_t to_height,
                                              uint32_t to_width, struct mx_err *err)
{
    struct worker_resampler *resampler = calloc(1, sizeof *resampler);
    const uint32_t           longer = height > width ? height : width;

    if (!resampler)
        goto nomem;
    resampler->share = calloc(most_taps(longer, 1), sizeof *resampler->share);
    resampler->rows = malloc((size_t)height * to_width);
    resampler->turned = aligned_alloc(sizeof *resampler->turned, width * sizeof *resampler->turned);
    if (!resampler->share || !resampler->rows || !resampler->turned ||
        axis_new(&resampler->down, height, to_height) ||
        axis_new(&resampler->along, width, to_width))
        goto nomem;
    return resampler;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory to resize %u x %u pixels", height, width);
    worker_resampler_free(resampler);
    return NULL;
}

void worker_resampler_free(struct worker_resampler *resampler)
{
    if (!resampler)
        return;
    axis_free(&resampler->down);
    axis_free(&resampler->along);
    free(resampler->share);
    free(resampler->rows);
    free(resampler->turned);
    free(resampler);
}

void worker_resampler_aim(struct worker_resampler *resampler, uint32_t height, uint32_t width,
                          uint32_t to_height, uint32_t to_width)
{
    axis_aim(&resampler->down, height, to_height, 0, to_height, resampler->share);
    axis_aim(&resampler->along, width, to_width, 0, to_width, resampler->share);
}

void worker_resampler_aim_at_centre(struct worker_resampler *resampler, uint32_t height,
                                    uint32_t width, uint32_t to_height, uint32_t to_width,
                                    uint32_t size)
{
    axis_aim(&resampler->down, height, to_height, (to_height - size) / 2, size, resampler->share);
    axis_aim(&resampler->along, width, to_width, (to_width - size) / 2, size, resampler->share);
}

/* As macros: functions that take wide vectors have another ABI where they are not there. In two
 * steps, for which compilers have instructions. */
#define LOAD(at)                                                                                   \
    __builtin_convertvector(__builtin_convertvector(*(const bytes *)(at), halves), many)

/* Sums as bytes; weights that were rounded up can sum to a little more than 1. */
#define IS_OVER(sum) ((sum) >> WEIGHT_BITS > 255)
#define LEVELS(sum)                                                                                \
    __builtin_convertvector(                                                                       \
        __builtin_convertvector(((sum) >> WEIGHT_BITS & ~IS_OVER(sum)) | (IS_OVER(sum) & 255),     \
                                halves),                                                           \
        bytes)

/* Eight columns of eight rows, `row[k]` + x on, to the other way round: (column, row). */
KERN_IN_PLACE void turn_eight(const uint8_t *const row[LANES], uint32_t x, sixteen turned[4])
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
KERN_IN_PLACE void turn_rows(const struct axis *along, const uint8_t *const row[LANES],
                             many *turned)
{
    const uint32_t last = along->count - 1, end = along->first[last] + along->taps[last];
    uint32_t       x = along->first[0];

    for (; x + LANES <= end; x += LANES) {
        sixteen columns[LANES / 2];

        turn_eight(row, x, columns);
        for (uint32_t k = 0; k < LANES; k++)
            turned[x + k] = LOAD((const uint8_t *)columns + (size_t)k * LANES);
    }
    for (; x < end; x++)
        for (uint32_t k = 0; k < LANES; k++)
            turned[x][k] = row[k][x];
}

/* Eight rows, of which one may stand for others that are not there, to eight of along->count. */
KERN_IN_PLACE void resize_rows(const struct axis *along, const uint8_t *const row[LANES],
                               many *turned, uint8_t *out, uint32_t rows)
{
    uint8_t        made[LANES * LANES]; /* (column, row) */
    const uint8_t *column[LANES];

    for (uint32_t k = 0; k < LANES; k++)
        column[k] = made + (size_t)k * LANES;
    turn_rows(along, row, turned);
    for (uint32_t x = 0; x < along->count; x++) {
        const many    *at = turned + along->first[x];
        const int32_t *weight = along->weight + (size_t)x * along->most;
        many           sum = (many){0} + HALF;

        for (uint32_t t = 0; t < along->taps[x]; t++)
            sum += at[t] * weight[t];
        *(bytes *)(made + (size_t)(x % LANES) * LANES) = LEVELS(sum);
        if (x % LANES == LANES - 1) {
            sixteen lines[LANES / 2]; /* (row, column) */

            turn_eight(column, 0, lines);
            for (uint32_t k = 0; k < rows; k++)
                memcpy(out + (size_t)k * along->count + x - (LANES - 1),
                       (const uint8_t *)lines + (size_t)k * LANES, LANES);
        } else if (x == along->count - 1) {
            for (uint32_t c = 0; c <= x % LANES; c++)
                for (uint32_t k = 0; k < rows; k++)
                    out[(size_t)k * along->count + x - x % LANES + c] = column[c][k];
        }
    }
}

/* Column x alone. */
static uint8_t one_column(const struct axis *down, uint32_t y, const uint8_t *at, uint32_t width)
{
    const int32_t *weight = down->weight + (size_t)y * down->most;
    int32_t        sum = HALF;

    for (uint32_t t = 0; t < down->taps[y]; t++)
        sum += at[(size_t)t * width] * weight[t];
    sum >>= WEIGHT_BITS;
    return sum > 255 ? 255 : (uint8_t)sum;
}

/* One row of down->count, 32 columns at a time, then eight. */
KERN_IN_PLACE void resize_columns(const struct axis *down, uint32_t y, const uint8_t *rows,
                                  uint32_t width, uint8_t *out)
{
    const uint8_t *at = rows + (size_t)down->first[y] * width;
    const int32_t *weight = down->weight + (size_t)y * down->most;
    const uint32_t taps = down->taps[y];
    uint32_t       x = 0;

    for (; x + 4 * LANES <= width; x += 4 * LANES) {
        many a = (many){0} + HALF, b = a, c = a, d = a;

        for (uint32_t t = 0; t < taps; t++) {
            const uint8_t *from = at + (size_t)t * width + x;
            const int32_t  share = weight[t];

            a += LOAD(from) * share;
            b += LOAD(from + LANES) * share;
            c += LOAD(from + 2 * LANES) * share;
            d += LOAD(from + 3 * LANES) * share;
        }
        *(bytes *)(out + x) = LEVELS(a);
        *(bytes *)(out + x + LANES) = LEVELS(b);
        *(bytes *)(out + x + 2 * LANES) = LEVELS(c);
        *(bytes *)(out + x + 3 * LANES) = LEVELS(d);
    }
    for (; x + LANES <= width; x += LANES) {
        many sum = (many){0} + HALF;

        for (uint32_t t = 0; t < taps; t++)
            sum += LOAD(at + (size_t)t * width + x) * weight[t];
        *(bytes *)(out + x) = LEVELS(sum);
    }
    for (; x < width; x++)
        out[x] = one_column(down, y, at + x, width);
}

KERN_IN_PLACE void run(struct worker_resampler *r, const struct worker_window *window, uint8_t *out)
{
    const struct axis *down = &r->down, *along = &r->along;
    const uint32_t     end = down->first[down->count - 1] + down->taps[down->count - 1];

    for (uint32_t y = down->first[0]; y < end; y += LANES) {
        const uint32_t rows = end - y < LANES ? end - y : LANES;
        const uint8_t *row[LANES];

        for (uint32_t k = 0; k < LANES; k++)
            row[k] = window->bytes + (y + (k < rows ? k : 0)) * window->stride;
        resize_rows(along, row, r->turned, r->rows + (size_t)y * along->count, rows);
    }
    for (uint32_t y = 0; y < down->count; y++)
        resize_columns(down, y, r->rows, along->count, out + (size_t)y * along->count);
}

KERN_WIDE static void run_wide(struct worker_resampler    *resampler,
                               const struct worker_window *window, uint8_t *out)
{
    run(resampler, window, out);
}

static void run_narrow(struct worker_resampler *resampler, const struct worker_window *window,
                       uint8_t *out)
{
    run(resampler, window, out);
}

void worker_resampler_run(struct worker_resampler *resampler, struct worker_window window,
                          uint8_t *out)
{
    (kern_has_wide_vectors() ? run_wide : run_narrow)(resampler, &window, out);
}
