/* Each of the 36 places of a block of tiles is a matrix product of its own, (tiles, in) by
 * (in, out), six tiles by sixteen outputs at a time in registers. */
#include "kernels/winograd.h"

#include "kernels/winograd_parts.h"

enum {
    OUTPUTS = WINOGRAD_OUTPUTS,
    SIDE = WINOGRAD_SIDE,
    PLACES = WINOGRAD_PLACES,
    LANES = WINOGRAD_LANES,
    PANEL = WINOGRAD_PANEL,
    ROWS = WINOGRAD_ROWS,
    TAPS = 3 /* a side */
};

size_t kern_winograd_room(uint32_t in, uint32_t out)
{
    return PLACES * (winograd_matrix_step(&(struct kern_winograd){.in = in, .out = out}) +
                     winograd_step(in) + winograd_step(out));
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define WIDE     WINOGRAD_WIDE
#define IN_PLACE WIDE KERN_IN_PLACE

bool kern_winograd_fits(const struct kern_winograd *shape)
{
    const size_t in_tiles =
        winograd_across(shape->height) * winograd_across(shape->width) * OUTPUTS * OUTPUTS;

    return shape->height >= OUTPUTS && shape->width >= OUTPUTS &&
           2 * (size_t)shape->height * shape->width >= in_tiles && shape->in % PANEL == 0 &&
           shape->out % PANEL == 0 && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma");
}

/* One pass: inputs of `in` channels, `out` channels of outputs. */
struct pass {
    struct kern_winograd              shape;
    const float                      *x;
    float                            *y;
    const struct kern_winograd_after *after;
    float                            *weights;  /* (place, out / 16, in, 16) */
    float                            *tiles;    /* as winograd_parts.h has them */
    float                            *products; /* (place, tile of the block, 16) */
};

/* Rows of the 3x3 window to those of the 6x6 tile: G g, for one column. */
IN_PLACE void widen(const __m256 g[TAPS], __m256 out[SIDE])
{
    const __m256 a = _mm256_set1_ps(WINOGRAD_A), b = _mm256_set1_ps(WINOGRAD_B);
    const __m256 even_a = _mm256_fmadd_ps(_mm256_set1_ps(WINOGRAD_A2), g[2], g[0]);
    const __m256 even_b = _mm256_fmadd_ps(_mm256_set1_ps(WINOGRAD_B2), g[2], g[0]);
    const __m256 of_0 = _mm256_set1_ps(WINOGRAD_OF_0);
    const __m256 of_a = _mm256_set1_ps(WINOGRAD_OF_A), of_b = _mm256_set1_ps(WINOGRAD_OF_B);

    out[0] = _mm256_mul_ps(of_0, g[0]);
    out[1] = _mm256_mul_ps(of_a, _mm256_fmadd_ps(a, g[1], even_a));
    out[2] = _mm256_mul_ps(of_a, _mm256_fnmadd_ps(a, g[1], even_a));
    out[3] = _mm256_mul_ps(of_b, _mm256_fmadd_ps(b, g[1], even_b));
    out[4] = _mm256_mul_ps(of_b, _mm256_fnmadd_ps(b, g[1], even_b));
    out[5] = g[2];
}

/* Eight outputs' windows over one input channel, to their places. */
IN_PLACE void place_window(const struct pass *pass, const __m256 g[TAPS][TAPS], uint32_t in,
                           uint32_t out)
{
    const size_t step = winograd_matrix_step(&pass->shape);
    float *to = pass->weights + ((size_t)(out / PANEL) * pass->shape.in + in) * PANEL + out % PANEL;
    __m256 columns[TAPS][SIDE], rows[SIDE];

#pragma GCC unroll 9
    for (int j = 0; j < TAPS; j++)
        widen((const __m256[]){g[0][j], g[1][j], g[2][j]}, columns[j]);
#pragma GCC unroll 9
    for (size_t i = 0; i < SIDE; i++) {
        widen((const __m256[]){columns[0][i], columns[1][i], columns[2][i]}, rows);
#pragma GCC unroll 9
        for (size_t j = 0; j < SIDE; j++)
            _mm256_store_ps(to + (SIDE * i + j) * step, rows[j]);
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
            __m256       g[TAPS][TAPS];

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
            __m256       g[TAPS][TAPS];

            for (int tap = 0; tap < 9; tap++)
                g[2 - tap / 3][2 - tap % 3] =
                    _mm256_i32gather_ps(from + tap * LANES * LANES, eighth, 4);
            place_window(pass, g, in, out);
        }
}

/* Six tiles by sixteen outputs, over all inputs; panel: floats from one of tiles to the next. */
IN_PLACE void multiply(const float *tiles, size_t panel, const float *weights, float *products,
                       size_t in)
{
    __m256 sum[ROWS][2];

#pragma GCC unroll 9
    for (int r = 0; r < ROWS; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    for (size_t left = in / PANEL; left > 0; left--, tiles += panel, weights += PANEL * PANEL) {
#pragma GCC unroll 16
        for (size_t k = 0; k < PANEL; k++) {
            const __m256 first = _mm256_load_ps(weights + k * PANEL);
            const __m256 second = _mm256_load_ps(weights + k * PANEL + LANES);

#pragma GCC unroll 9
            for (size_t r = 0; r < ROWS; r++) {
                const __m256 own = _mm256_broadcast_ss(tiles + r * PANEL + k);

                sum[r][0] = _mm256_fmadd_ps(own, first, sum[r][0]);
                sum[r][1] = _mm256_fmadd_ps(own, second, sum[r][1]);
            }
        }
    }
#pragma GCC unroll 9
    for (size_t r = 0; r < ROWS; r++) {
        _mm256_store_ps(products + r * PANEL, sum[r][0]);
        _mm256_store_ps(products + r * PANEL + LANES, sum[r][1]);
    }
}

/* A' m, for one column or row. */
IN_PLACE void collect(const __m256 m[SIDE], __m256 out[OUTPUTS])
{
    const __m256 a = _mm256_set1_ps(WINOGRAD_A), b = _mm256_set1_ps(WINOGRAD_B);
    const __m256 a2 = _mm256_set1_ps(WINOGRAD_A2), b2 = _mm256_set1_ps(WINOGRAD_B2);
    const __m256 even_a = _mm256_add_ps(m[1], m[2]), even_b = _mm256_add_ps(m[3], m[4]);
    const __m256 odd_a = _mm256_mul_ps(a, _mm256_sub_ps(m[1], m[2]));
    const __m256 odd_b = _mm256_mul_ps(b, _mm256_sub_ps(m[3], m[4]));

    out[0] = _mm256_add_ps(m[0], _mm256_add_ps(even_a, even_b));
    out[1] = _mm256_add_ps(odd_a, odd_b);
    out[2] = _mm256_fmadd_ps(a2, even_a, _mm256_mul_ps(b2, even_b));
    out[3] = _mm256_fmadd_ps(a2, odd_a, _mm256_fmadd_ps(b2, odd_b, m[5]));
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

/* The outputs of a tile of which `rows` x `columns` are within the image, eight channels. */
IN_PLACE void put_tile(const struct pass *pass, const float *from, uint32_t channel, float *to,
                       size_t rows, size_t columns)
{
    const size_t step = winograd_step(PANEL), row = pass->shape.width * (size_t)LANES;
    __m256       m[SIDE], across[SIDE][OUTPUTS], out[OUTPUTS];

#pragma GCC unroll 9
    for (size_t j = 0; j < SIDE; j++) {
#pragma GCC unroll 9
        for (size_t i = 0; i < SIDE; i++)
            m[i] = _mm256_load_ps(from + (SIDE * i + j) * step);
        collect(m, across[j]);
    }
#pragma GCC unroll 9
    for (size_t i = 0; i < OUTPUTS; i++) {
        if (i >= rows)
            break;
#pragma GCC unroll 9
        for (size_t j = 0; j < SIDE; j++)
            m[j] = across[j][i];
        collect(m, out);
#pragma GCC unroll 9
        for (size_t j = 0; j < OUTPUTS; j++)
            if (j < columns)
                put(pass->after, channel, out[j], to + i * row + j * LANES);
    }
}

static size_t at_most_outputs(size_t left)
{
    return left < OUTPUTS ? left : OUTPUTS;
}

WIDE static void put_run(const struct pass *pass, const struct winograd_run *run, uint32_t channel)
{
    const struct kern_winograd *shape = &pass->shape;
    const size_t                width = shape->width, line = 2 * LANES;
    const size_t                below = winograd_rows_on(run, shape->height, shape->out);
    const float                *from = pass->products + run->number * PANEL + channel % PANEL;
    float *to = pass->y + (run->image * shape->out + channel) * shape->height * width +
                (run->row * width + run->column) * LANES;

    for (size_t t = 0; t < run->count; t++, to += OUTPUTS * LANES) {
        for (size_t i = 0; i < OUTPUTS; i++) {
            winograd_fetch(to, (below + i) * width * LANES);
            winograd_fetch(to, (below + i) * width * LANES + line);
        }
        put_tile(pass, from + t * PANEL, channel, to, at_most_outputs(shape->height - run->row),
                 at_most_outputs(width - run->column - t * OUTPUTS));
    }
}

/* The products of n tiles at one place. */
WIDE static void multiply_place(const float *tiles, size_t panel, const float *weights,
                                float *products, size_t in, size_t n)
{
    for (size_t t = 0; t < n; t += ROWS)
        multiply(tiles + t * PANEL, panel, weights, products + t * PANEL, in);
}

static void run_block(const struct pass *pass, const struct winograd_tiles *tiles)
{
    const size_t in = pass->shape.in, step = winograd_matrix_step(&pass->shape);

    kern_winograd_place_inputs(tiles, pass->tiles);
    for (uint32_t out = 0; out < pass->shape.out; out += PANEL) {
        struct winograd_run run = winograd_run_first(tiles);

        for (size_t place = 0; place < PLACES; place++)
            multiply_place(pass->tiles + place * winograd_step(in), WINOGRAD_BLOCK * PANEL,
                           pass->weights + place * step + out * in,
                           pass->products + place * winograd_step(PANEL), in, tiles->count);
        do
            for (uint32_t half = 0; half < PANEL; half += LANES)
                put_run(pass, &run, out + half);
        while (winograd_run_next(tiles, &run));
    }
}

static void run(const struct pass *pass)
{
    const struct kern_winograd *shape = &pass->shape;
    const size_t                all = winograd_tile_count(shape);
    struct winograd_tiles       tiles = {
              .images = pass->x, .channels = shape->in, .height = shape->height, .width = shape->width};

    for (; tiles.first < all; tiles.first += WINOGRAD_BLOCK) {
        tiles.count = all - tiles.first < WINOGRAD_BLOCK ? all - tiles.first : WINOGRAD_BLOCK;
        run_block(pass, &tiles);
    }
}

static struct pass lay_out(struct kern_winograd shape, float *room)
{
    struct pass pass = {.shape = shape, .weights = room};

    pass.tiles = pass.weights + PLACES * winograd_matrix_step(&shape);
    pass.products = pass.tiles + PLACES * winograd_step(shape.in);
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
