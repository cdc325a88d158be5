/* The gradient of the windows. Where y = A' [(G g G') . (B' d B)] A of a tile, that of g is
 * G' [(B' d B) . (A dy A')] G; the sum over tiles goes inside, as a matrix product
 * (in, tiles) by (tiles, out) at each of the places. Sums are taken over a block of tiles
 * in registers, then over the blocks, which keeps what is rounded off small. */
#include <string.h>

#include "kernels/winograd_parts.h"

enum {
    PLACES = WINOGRAD_PLACES,
    LANES = WINOGRAD_LANES,
    PANEL = WINOGRAD_PANEL,
    ROWS = WINOGRAD_ROWS,
    REST = PANEL % ROWS,
    SIDE = WINOGRAD_SIDE,
    TAPS = 3 /* a side */
};

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define WIDE     WINOGRAD_WIDE
#define IN_PLACE WIDE KERN_IN_PLACE

/* `rows` inputs by 16 outputs, summed over n tiles and added to sums. */
IN_PLACE void multiply(const float *inputs, const float *gradients, size_t n, float *sums, int rows)
{
    __m256 sum[ROWS][2];

#pragma GCC unroll 9
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    for (size_t t = 0; t < n; t++, inputs += PANEL, gradients += PANEL) {
        const __m256 first = _mm256_load_ps(gradients), second = _mm256_load_ps(gradients + LANES);

#pragma GCC unroll 9
        for (int r = 0; r < rows; r++) {
            const __m256 own = _mm256_broadcast_ss(inputs + r);

            sum[r][0] = _mm256_fmadd_ps(own, first, sum[r][0]);
            sum[r][1] = _mm256_fmadd_ps(own, second, sum[r][1]);
        }
    }
#pragma GCC unroll 9
    for (int r = 0; r < rows; r++, sums += PANEL) {
        _mm256_store_ps(sums, _mm256_add_ps(_mm256_load_ps(sums), sum[r][0]));
        _mm256_store_ps(sums + LANES, _mm256_add_ps(_mm256_load_ps(sums + LANES), sum[r][1]));
    }
}

/* A panel of inputs by a panel of outputs. */
WIDE static void multiply_panels(const float *inputs, const float *gradients, size_t n, float *sums)
{
    for (size_t r = 0; r + ROWS <= PANEL; r += ROWS)
        multiply(inputs + r, gradients, n, sums + r * PANEL, ROWS);
    multiply(inputs + PANEL - REST, gradients, n, sums + (size_t)(PANEL - REST) * PANEL, REST);
}

/* G' m, for one column or row. */
IN_PLACE void collect(const __m256 m[SIDE], __m256 out[TAPS])
{
    const __m256 a = _mm256_set1_ps(WINOGRAD_A), b = _mm256_set1_ps(WINOGRAD_B);
    const __m256 a2 = _mm256_set1_ps(WINOGRAD_A2), b2 = _mm256_set1_ps(WINOGRAD_B2);
    const __m256 of_0 = _mm256_set1_ps(WINOGRAD_OF_0);
    const __m256 of_a = _mm256_set1_ps(WINOGRAD_OF_A), of_b = _mm256_set1_ps(WINOGRAD_OF_B);
    const __m256 even_a = _mm256_mul_ps(of_a, _mm256_add_ps(m[1], m[2]));
    const __m256 even_b = _mm256_mul_ps(of_b, _mm256_add_ps(m[3], m[4]));
    const __m256 odd_a = _mm256_mul_ps(of_a, _mm256_sub_ps(m[1], m[2]));
    const __m256 odd_b = _mm256_mul_ps(of_b, _mm256_sub_ps(m[3], m[4]));

    out[0] = _mm256_fmadd_ps(of_0, m[0], _mm256_add_ps(even_a, even_b));
    out[1] = _mm256_fmadd_ps(a, odd_a, _mm256_mul_ps(b, odd_b));
    out[2] = _mm256_fmadd_ps(a2, even_a, _mm256_fmadd_ps(b2, even_b, m[5]));
}

/* From the sums of one input with eight outputs to their window. */
WIDE static void put_window(const float *sums, size_t step, float *to)
{
    __m256 m[SIDE], columns[SIDE][TAPS], rows[TAPS];

#pragma GCC unroll 9
    for (size_t j = 0; j < SIDE; j++) {
#pragma GCC unroll 9
        for (size_t i = 0; i < SIDE; i++)
            m[i] = _mm256_load_ps(sums + (SIDE * i + j) * step);
        collect(m, columns[j]);
    }
#pragma GCC unroll 9
    for (size_t i = 0; i < TAPS; i++) {
#pragma GCC unroll 9
        for (size_t j = 0; j < SIDE; j++)
            m[j] = columns[j][i];
        collect(m, rows);
#pragma GCC unroll 9
        for (size_t j = 0; j < TAPS; j++)
            _mm256_storeu_ps(to + (TAPS * i + j) * LANES * LANES, rows[j]);
    }
}

static void put_weights(const struct kern_winograd *shape, const float *sums, float *weights)
{
    const size_t step = winograd_matrix_step(shape);

    for (uint32_t out = 0; out < shape->out; out += LANES)
        for (uint32_t in = 0; in < shape->in; in++)
            put_window(sums + ((size_t)(out / PANEL) * shape->in + in) * PANEL + out % PANEL, step,
                       weights +
                           ((size_t)(out / LANES) * (shape->in / LANES) + in / LANES) * 9 * LANES *
                               LANES +
                           in % LANES * LANES);
}

/* The products of a block of tiles. */
static void add_block(const struct kern_winograd *shape, const float *inputs,
                      const float *gradients, size_t count, float *sums)
{
    const size_t panel = (size_t)WINOGRAD_BLOCK * PANEL;

    for (size_t place = 0; place < PLACES; place++) {
        const float *from = inputs + place * winograd_step(shape->in);
        const float *by = gradients + place * winograd_step(shape->out);
        float       *to = sums + place * winograd_matrix_step(shape);

        for (size_t out = 0; out < shape->out / PANEL; out++)
            for (size_t in = 0; in < shape->in / PANEL; in++, to += PANEL * PANEL)
                multiply_panels(from + in * panel, by + out * panel, count, to);
    }
}

void kern_winograd_weights(const struct kern_winograd *shape, const float *x, const float *dy,
                           float *dweights, float *room)
{
    const size_t          all = winograd_tile_count(shape);
    const size_t          sums = PLACES * winograd_matrix_step(shape);
    float *const          inputs = room + sums;
    float *const          gradients = inputs + PLACES * winograd_step(shape->in);
    struct winograd_tiles in = {x, shape->in, shape->height, shape->width, 0, 0};
    struct winograd_tiles out = {dy, shape->out, shape->height, shape->width, 0, 0};

    memset(room, 0, sums * sizeof(float));
    for (size_t first = 0; first < all; first += WINOGRAD_BLOCK) {
        in.first = out.first = first;
        in.count = out.count = all - first < WINOGRAD_BLOCK ? all - first : WINOGRAD_BLOCK;
        kern_winograd_place_inputs(&in, inputs);
        kern_winograd_place_gradients(&out, gradients);
        add_block(shape, inputs, gradients, in.count, room);
    }
    put_weights(shape, room, dweights);
}

#else

void kern_winograd_weights(const struct kern_winograd *shape, const float *x, const float *dy,
                           float *dweights, float *room)
{
    (void)shape, (void)x, (void)dy, (void)dweights, (void)room;
}

#endif
