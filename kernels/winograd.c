/* In the products, a block of tiles (4x4 inputs, 2x2 outputs) has 16 places; each place is
 * a matrix product of its own, (tiles, in) by (in, out), six tiles by sixteen outputs at
 * a time in registers. */
#include "kernels/winograd.h"

#include "kernels/wide.h"

enum {
    PLACES = 16,
    LANES = 8,
    ROWS = 6,     /* tiles in registers */
    COLUMNS = 16, /* outputs in registers */
    BLOCK = 48,   /* tiles: what they need stays in the second cache */
    LEAST = 32    /* channels: below, making tiles takes what products save */
};

size_t kern_winograd_room(uint32_t in, uint32_t out)
{
    const size_t most = in > out ? in : out;

    return PLACES * ((size_t)in * out + BLOCK * (most + COLUMNS));
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define WIDE     __attribute__((target("avx2,fma")))
#define IN_PLACE WIDE KERN_IN_PLACE

bool kern_winograd_fits(const struct kern_winograd *shape)
{
    return shape->height % 2 == 0 && shape->width % 2 == 0 && shape->in >= LEAST &&
           shape->out >= LEAST && shape->in % COLUMNS == 0 && shape->out % COLUMNS == 0 &&
           __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* One pass: inputs of `in` channels, `out` channels of outputs. */
struct pass {
    struct kern_winograd              shape;
    const float                      *x;
    float                            *y;
    const struct kern_winograd_after *after;
    float                            *weights;  /* (place, out / 16, in, 16) */
    float                            *tiles;    /* (place, BLOCK, in) */
    float                            *products; /* (place, BLOCK, 16) */
};

/* Rows of the 3x3 window to those of the 4x4 tile: G g, for one column. */
IN_PLACE void widen(const __m256 g[3], __m256 out[4])
{
    const __m256 half = _mm256_set1_ps(0.5f), ends = _mm256_add_ps(g[0], g[2]);

    out[0] = g[0];
    out[1] = _mm256_mul_ps(half, _mm256_add_ps(ends, g[1]));
    out[2] = _mm256_mul_ps(half, _mm256_sub_ps(ends, g[1]));
    out[3] = g[2];
}

/* Eight outputs' windows over one input channel, to their 16 places. */
IN_PLACE void place_window(const struct pass *pass, __m256 g[3][3], uint32_t in, uint32_t out)
{
    const size_t step = (size_t)pass->shape.in * pass->shape.out;
    float       *to =
        pass->weights + ((size_t)(out / COLUMNS) * pass->shape.in + in) * COLUMNS + out % COLUMNS;
    __m256 columns[3][4], rows[4];

#pragma GCC unroll 9
    for (int j = 0; j < 3; j++)
        widen((const __m256[]){g[0][j], g[1][j], g[2][j]}, columns[j]);
#pragma GCC unroll 9
    for (size_t i = 0; i < 4; i++) {
        widen((const __m256[]){columns[0][i], columns[1][i], columns[2][i]}, rows);
#pragma GCC unroll 9
        for (size_t j = 0; j < 4; j++)
            _mm256_store_ps(to + (4 * i + j) * step, rows[j]);
    }
}

static size_t window_at(uint32_t in_channels, uint32_t out, uint32_t in)
{
    return ((size_t)(out / LANES) * (in_channels / LANES) + in / LANES) * 9 * LANES * LANES;
}

WIDE static void place_weights(const struct pass *pass, const float *weights)
{
    for (uint32_t out = 0; out < pass->shape.out; out += LANES)
        for (uint32_t in = 0; in < pass->shape.in; in++) {
            const float *from = weights + window_at(pass->shape.in, out, in) + in % LANES * LANES;
            __m256       g[3][3];

            for (int tap = 0; tap < 9; tap++)
                g[tap / 3][tap % 3] = _mm256_loadu_ps(from + tap * LANES * LANES);
            place_window(pass, g, in, out);
        }
}

/* For the gradient of the input: windows turned by half a turn, channels exchanged. */
WIDE static void place_weights_backward(const struct pass *pass, const float *weights)
{
    const __m256i eighth = _mm256_setr_epi32(0, 8, 16, 24, 32, 40, 48, 56);

    for (uint32_t out = 0; out < pass->shape.out; out += LANES)
        for (uint32_t in = 0; in < pass->shape.in; in++) {
            const float *from = weights + window_at(pass->shape.out, in, out) + in % LANES;
            __m256       g[3][3];

            for (int tap = 0; tap < 9; tap++)
                g[2 - tap / 3][2 - tap % 3] =
                    _mm256_i32gather_ps(from + tap * LANES * LANES, eighth, 4);
            place_window(pass, g, in, out);
        }
}

/* Where a tile lies. */
struct spot {
    size_t  image;
    int64_t row, column; /* of its first output */
};

static struct spot spot_of(const struct kern_winograd *shape, size_t tile)
{
    const size_t across = shape->width / 2, all = across * (shape->height / 2);
    const size_t within = tile % all;

    return (struct spot){tile / all, (int64_t)(2 * (within / across)),
                         (int64_t)(2 * (within % across))};
}

/* The 4x4 inputs of a tile, zero outside of the image. */
IN_PLACE void read_tile(const struct kern_winograd *shape, const float *plane,
                        const struct spot *spot, __m256 d[4][4])
{
    const int64_t height = shape->height, width = shape->width;
    const int64_t row = spot->row - 1, column = spot->column - 1;

    if (row >= 0 && column >= 0 && row + 4 <= height && column + 4 <= width) {
        const float *from = plane + (row * width + column) * LANES;

#pragma GCC unroll 9
        for (int64_t i = 0; i < 4; i++)
#pragma GCC unroll 9
            for (int64_t j = 0; j < 4; j++)
                d[i][j] = _mm256_loadu_ps(from + (i * width + j) * LANES);
        return;
    }
#pragma GCC unroll 9
    for (int64_t i = 0; i < 4; i++)
#pragma GCC unroll 9
        for (int64_t j = 0; j < 4; j++) {
            const int64_t y = row + i, x = column + j;
            const bool    within = y >= 0 && x >= 0 && y < height && x < width;

            d[i][j] =
                within ? _mm256_loadu_ps(plane + (y * width + x) * LANES) : _mm256_setzero_ps();
        }
}

/* B' d, for one column or row. */
IN_PLACE void spread(const __m256 d[4], __m256 out[4])
{
    out[0] = _mm256_sub_ps(d[0], d[2]);
    out[1] = _mm256_add_ps(d[1], d[2]);
    out[2] = _mm256_sub_ps(d[2], d[1]);
    out[3] = _mm256_sub_ps(d[1], d[3]);
}

WIDE static void place_tile(const struct pass *pass, size_t number, size_t tile)
{
    const struct kern_winograd *shape = &pass->shape;
    const size_t                points = (size_t)shape->height * shape->width * LANES;
    const size_t                step = BLOCK * (size_t)shape->in;
    const struct spot           spot = spot_of(shape, tile);

    for (uint32_t c = 0; c < shape->in; c += LANES) {
        const float *plane = pass->x + (spot.image * shape->in + c) / LANES * points;
        float       *to = pass->tiles + number * shape->in + c;
        __m256       d[4][4], columns[4][4], rows[4];

        read_tile(shape, plane, &spot, d);
#pragma GCC unroll 9
        for (int j = 0; j < 4; j++)
            spread((const __m256[]){d[0][j], d[1][j], d[2][j], d[3][j]}, columns[j]);
#pragma GCC unroll 9
        for (size_t i = 0; i < 4; i++) {
            spread((const __m256[]){columns[0][i], columns[1][i], columns[2][i], columns[3][i]},
                   rows);
#pragma GCC unroll 9
            for (size_t j = 0; j < 4; j++)
                _mm256_storeu_ps(to + (4 * i + j) * step, rows[j]);
        }
    }
}

/* Six tiles by sixteen outputs, over `in` inputs. */
WIDE static void multiply(const float *tiles, const float *weights, float *products, size_t in)
{
    __m256 sum[ROWS][2];

#pragma GCC unroll 9
    for (int r = 0; r < ROWS; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    for (size_t k = 0; k < in; k++) {
        const __m256 first = _mm256_load_ps(weights + k * COLUMNS);
        const __m256 second = _mm256_load_ps(weights + k * COLUMNS + LANES);

#pragma GCC unroll 9
        for (size_t r = 0; r < ROWS; r++) {
            const __m256 own = _mm256_broadcast_ss(tiles + r * in + k);

            sum[r][0] = _mm256_fmadd_ps(own, first, sum[r][0]);
            sum[r][1] = _mm256_fmadd_ps(own, second, sum[r][1]);
        }
    }
#pragma GCC unroll 9
    for (size_t r = 0; r < ROWS; r++) {
        _mm256_store_ps(products + r * COLUMNS, sum[r][0]);
        _mm256_store_ps(products + r * COLUMNS + LANES, sum[r][1]);
    }
}

/* A' m, for one column or row. */
IN_PLACE void collect(const __m256 m[4], __m256 out[2])
{
    out[0] = _mm256_add_ps(_mm256_add_ps(m[0], m[1]), m[2]);
    out[1] = _mm256_sub_ps(_mm256_sub_ps(m[1], m[2]), m[3]);
}

IN_PLACE void put(const struct kern_winograd_after *after, uint32_t channel, __m256 value,
                  float *to)
{
    if (after && after->bias)
        value = _mm256_add_ps(value, _mm256_loadu_ps(after->bias + channel));
    if (after && after->sum)
        value = _mm256_add_ps(value, _mm256_loadu_ps(to));
    if (after && after->relu) /* of unordered operands, this gives the second */
        value = _mm256_max_ps(_mm256_setzero_ps(), value);
    if (after && after->cap > 0)
        value = _mm256_min_ps(_mm256_set1_ps(after->cap), value);
    _mm256_storeu_ps(to, value);
}

/* 2x2 outputs of a tile, eight channels. */
WIDE static void put_tile(const struct pass *pass, size_t number, size_t tile, uint32_t channel)
{
    const struct kern_winograd *shape = &pass->shape;
    const struct spot           spot = spot_of(shape, tile);
    const size_t                width = shape->width, points = shape->height * width * LANES;
    const float                *from = pass->products + number * COLUMNS + channel % COLUMNS;
    float *to = pass->y + (spot.image * shape->out + channel) / LANES * points +
                ((size_t)spot.row * width + (size_t)spot.column) * LANES;
    __m256 m[4], columns[4][2], rows[2];

#pragma GCC unroll 9
    for (size_t j = 0; j < 4; j++) {
#pragma GCC unroll 9
        for (size_t i = 0; i < 4; i++)
            m[i] = _mm256_loadu_ps(from + (4 * i + j) * BLOCK * COLUMNS);
        collect(m, columns[j]);
    }
#pragma GCC unroll 9
    for (size_t i = 0; i < 2; i++) {
        collect((const __m256[]){columns[0][i], columns[1][i], columns[2][i], columns[3][i]}, rows);
#pragma GCC unroll 9
        for (size_t j = 0; j < 2; j++)
            put(pass->after, channel, rows[j], to + (i * width + j) * LANES);
    }
}

/* Tiles first to first + n, at most a block. */
static void run_block(const struct pass *pass, size_t first, size_t n)
{
    const struct kern_winograd *shape = &pass->shape;
    const size_t                in = shape->in, weights = in * shape->out;

    for (size_t t = 0; t < n; t++)
        place_tile(pass, t, first + t);
    for (uint32_t out = 0; out < shape->out; out += COLUMNS) {
        for (size_t place = 0; place < PLACES; place++)
            for (size_t t = 0; t < n; t += ROWS)
                multiply(pass->tiles + (place * BLOCK + t) * in,
                         pass->weights + place * weights + out * in,
                         pass->products + (place * BLOCK + t) * COLUMNS, in);
        for (size_t t = 0; t < n; t++)
            for (uint32_t half = 0; half < COLUMNS; half += LANES)
                put_tile(pass, t, first + t, out + half);
    }
}

static void run(const struct pass *pass)
{
    const size_t all = (size_t)pass->shape.n * (pass->shape.height / 2) * (pass->shape.width / 2);

    for (size_t first = 0; first < all; first += BLOCK)
        run_block(pass, first, all - first < BLOCK ? all - first : BLOCK);
}

static struct pass lay_out(struct kern_winograd shape, float *room)
{
    struct pass pass = {.shape = shape, .weights = room};

    pass.tiles = pass.weights + PLACES * (size_t)shape.in * shape.out;
    pass.products = pass.tiles + PLACES * BLOCK * (size_t)shape.in;
    return pass;
}

void kern_winograd_forward(const struct kern_winograd *shape, const float *x, const float *weights,
                           const struct kern_winograd_after *after, float *y, float *room)
{
    struct pass pass = lay_out(*shape, room);

    pass.x = x;
    pass.y = y;
    pass.after = after;
    place_weights(&pass, weights);
    run(&pass);
}

void kern_winograd_backward(const struct kern_winograd *shape, const float *dy,
                            const float *weights, float *dx, float *room)
{
    struct pass pass = lay_out(
        (struct kern_winograd){shape->n, shape->out, shape->in, shape->height, shape->width}, room);

    pass.x = dy;
    pass.y = dx;
    place_weights_backward(&pass, weights);
    run(&pass);
}

#else

bool kern_winograd_fits(const struct kern_winograd *shape)
{
    (void)shape;
    return false;
}

void kern_winograd_forward(const struct kern_winograd *shape, const float *x, const float *weights,
                           const struct kern_winograd_after *after, float *y, float *room)
{
    (void)shape, (void)x, (void)weights, (void)after, (void)y, (void)room;
}

void kern_winograd_backward(const struct kern_winograd *shape, const float *dy,
                            const float *weights, float *dx, float *room)
{
    (void)shape, (void)dy, (void)weights, (void)dx, (void)room;
}

#endif
