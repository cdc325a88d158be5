/* What comes from images into tiles. */
#include <string.h>

#include "kernels/winograd_parts.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define WIDE     WINOGRAD_WIDE
#define IN_PLACE WIDE KERN_IN_PLACE

enum {
    OUTPUTS = WINOGRAD_OUTPUTS,
    SIDE = WINOGRAD_SIDE,
    LANES = WINOGRAD_LANES,
    PANEL = WINOGRAD_PANEL,
    STRIP = WINOGRAD_RUN * OUTPUTS + 2 /* columns that a run takes */
};

/* No run is longer than its row of tiles, what is left of the block, or WINOGRAD_RUN. */
static void set_count(const struct winograd_tiles *tiles, struct winograd_run *run)
{
    const size_t row = winograd_across(tiles->width) - run->column / OUTPUTS;
    const size_t block = tiles->count - run->number, least = row < block ? row : block;

    run->count = least < WINOGRAD_RUN ? least : WINOGRAD_RUN;
}

struct winograd_run winograd_run_first(const struct winograd_tiles *tiles)
{
    const size_t        across = winograd_across(tiles->width);
    const size_t        all = across * winograd_across(tiles->height), within = tiles->first % all;
    struct winograd_run run = {.image = tiles->first / all,
                               .row = within / across * OUTPUTS,
                               .column = within % across * OUTPUTS};

    set_count(tiles, &run);
    return run;
}

bool winograd_run_next(const struct winograd_tiles *tiles, struct winograd_run *run)
{
    run->number += run->count;
    run->column += run->count * OUTPUTS;
    if (run->column >= tiles->width) {
        run->column = 0;
        run->row += OUTPUTS;
    }
    if (run->row >= tiles->height) {
        run->row = 0;
        run->image++;
    }
    set_count(tiles, run);
    return run->count > 0;
}

/* Rows first to first + rows of 8 channels of an image, from a column on; those outside of
 * it are `none`. */
static void find_rows(const struct winograd_tiles *tiles, const float *plane, int64_t first,
                      int rows, size_t column, const float *none, const float *found[])
{
    for (int r = 0; r < rows; r++) {
        const int64_t row = first + r;

        found[r] = row >= 0 && row < tiles->height
                       ? plane + ((size_t)row * tiles->width + column) * LANES
                       : none;
    }
}

/* B' d, for one column or row. */
IN_PLACE void spread_inputs(const __m256 d[SIDE], __m256 out[SIDE])
{
    const __m256 a = _mm256_set1_ps(WINOGRAD_A), b = _mm256_set1_ps(WINOGRAD_B);
    const __m256 a2 = _mm256_set1_ps(WINOGRAD_A2), b2 = _mm256_set1_ps(WINOGRAD_B2);
    const __m256 product = _mm256_set1_ps(WINOGRAD_A2 * WINOGRAD_B2);
    const __m256 sum = _mm256_set1_ps(WINOGRAD_A2 + WINOGRAD_B2);
    const __m256 even_a = _mm256_fnmadd_ps(b2, d[2], d[4]),
                 odd_a = _mm256_fnmadd_ps(b2, d[1], d[3]);
    const __m256 even_b = _mm256_fnmadd_ps(a2, d[2], d[4]),
                 odd_b = _mm256_fnmadd_ps(a2, d[1], d[3]);

    out[0] = _mm256_fmadd_ps(product, d[0], _mm256_fnmadd_ps(sum, d[2], d[4]));
    out[1] = _mm256_fmadd_ps(a, odd_a, even_a);
    out[2] = _mm256_fnmadd_ps(a, odd_a, even_a);
    out[3] = _mm256_fmadd_ps(b, odd_b, even_b);
    out[4] = _mm256_fnmadd_ps(b, odd_b, even_b);
    out[5] = _mm256_fmadd_ps(product, d[1], _mm256_fnmadd_ps(sum, d[3], d[5]));
}

/* A y, likewise. */
IN_PLACE void spread_gradients(const __m256 y[OUTPUTS], __m256 out[SIDE])
{
    const __m256 a = _mm256_set1_ps(WINOGRAD_A), b = _mm256_set1_ps(WINOGRAD_B);
    const __m256 a2 = _mm256_set1_ps(WINOGRAD_A2), b2 = _mm256_set1_ps(WINOGRAD_B2);
    const __m256 even_a = _mm256_fmadd_ps(a2, y[2], y[0]), odd_a = _mm256_fmadd_ps(a2, y[3], y[1]);
    const __m256 even_b = _mm256_fmadd_ps(b2, y[2], y[0]), odd_b = _mm256_fmadd_ps(b2, y[3], y[1]);

    out[0] = y[0];
    out[1] = _mm256_fmadd_ps(a, odd_a, even_a);
    out[2] = _mm256_fnmadd_ps(a, odd_a, even_a);
    out[3] = _mm256_fmadd_ps(b, odd_b, even_b);
    out[4] = _mm256_fnmadd_ps(b, odd_b, even_b);
    out[5] = y[3];
}

/* The columns that tiles of a run read, spread over rows. */
struct strip {
    _Alignas(32) float at[SIDE][STRIP * LANES];
};

/* The rows that are wanted after these. */
struct soon {
    const float *plane;
    size_t       at, row;
};

IN_PLACE void spread_columns(const float *const *rows, size_t first, size_t columns, bool gradients,
                             const struct soon *soon, struct strip *strip)
{
    for (size_t x = 0; x < columns; x++) {
        __m256 d[SIDE], out[SIDE];

#pragma GCC unroll 9
        for (size_t r = 0; r < OUTPUTS; r++)
            winograd_fetch(soon->plane, soon->at + r * soon->row + x * LANES);
#pragma GCC unroll 9
        for (int r = 0; r < SIDE; r++)
            if (!gradients || r < OUTPUTS)
                d[r] = _mm256_loadu_ps(rows[r] + x * LANES);
        if (gradients)
            spread_gradients(d, out);
        else
            spread_inputs(d, out);
#pragma GCC unroll 9
        for (int i = 0; i < SIDE; i++)
            _mm256_store_ps(strip->at[i] + (first + x) * LANES, out[i]);
    }
}

static void clear_columns(struct strip *strip, size_t first, size_t columns)
{
    for (int i = 0; i < SIDE; i++)
        memset(strip->at[i] + first * LANES, 0, columns * LANES * sizeof(float));
}

IN_PLACE void spread_rows(const struct strip *strip, size_t count, bool gradients, float *to,
                          size_t step)
{
    for (size_t i = 0; i < SIDE; i++)
        for (size_t t = 0; t < count; t++) {
            const float *from = strip->at[i] + t * OUTPUTS * LANES;
            float       *place = to + t * PANEL + SIDE * i * step;
            __m256       d[SIDE], out[SIDE];

#pragma GCC unroll 9
            for (size_t j = 0; j < SIDE; j++)
                if (!gradients || j < OUTPUTS)
                    d[j] = _mm256_load_ps(from + j * LANES);
            if (gradients)
                spread_gradients(d, out);
            else
                spread_inputs(d, out);
#pragma GCC unroll 9
            for (size_t j = 0; j < SIDE; j++)
                _mm256_store_ps(place + j * step, out[j]);
        }
}

/* A run of tiles, which read `margin` more columns and rows on each side than their outputs. */
IN_PLACE void place_run(const struct winograd_tiles *tiles, const struct winograd_run *run,
                        bool gradients, float *to)
{
    static const float none[STRIP * LANES];
    const size_t       margin = gradients ? 0 : 1, columns = run->count * OUTPUTS + 2 * margin;
    const size_t       before = run->column > 0 ? 0 : margin; /* of them, outside of the image */
    const size_t       first = run->column + before - margin, left = tiles->width - first;
    const size_t       within = left < columns - before ? left : columns - before;
    const size_t       row = tiles->width * (size_t)LANES;
    const size_t       below = run->row + winograd_rows_on(run, tiles->height, tiles->channels);
    struct strip       strip;

    clear_columns(&strip, 0, before);
    clear_columns(&strip, before + within, columns - before - within);
    for (uint32_t c = 0; c < tiles->channels; c += LANES) {
        const float *plane = winograd_plane(tiles, run, c), *rows[SIDE];

        find_rows(tiles, plane, (int64_t)run->row - (int64_t)margin, gradients ? OUTPUTS : SIDE,
                  first, none, rows);
        spread_columns(rows, before, within, gradients,
                       &(struct soon){plane, (below + margin) * row + first * LANES, row}, &strip);
        spread_rows(&strip, run->count, gradients, winograd_panel(run, c, to),
                    winograd_step(tiles->channels));
    }
}

WIDE void kern_winograd_place_inputs(const struct winograd_tiles *tiles, float *to)
{
    struct winograd_run run = winograd_run_first(tiles);

    do
        place_run(tiles, &run, false, to);
    while (winograd_run_next(tiles, &run));
}

WIDE void kern_winograd_place_gradients(const struct winograd_tiles *tiles, float *to)
{
    struct winograd_run run = winograd_run_first(tiles);

    do
        place_run(tiles, &run, true, to);
    while (winograd_run_next(tiles, &run));
}

#endif
