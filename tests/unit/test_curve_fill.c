/* What takes the place of pixels, and maps that are shifted: exact cases. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/curve.h"

enum {
    HEIGHT = 5,
    WIDTH = 7,
    PIXELS = HEIGHT * WIDTH
};

static const struct worker_shape shape = {2, HEIGHT, WIDTH, 3, 0};

/* 224 px: 11 taps, sigma 5; 32 px: 3 taps. A constant image stays, an edge is reflected. */
Test(curve_fill, blur_keeps_what_is_even_and_reaches_as_far_as_it_says)
{
    static const struct {
        uint32_t side, reach;
    } sides[] = {{224, 5}, {32, 1}, {112, 2}, {64, 1}};

    for (size_t s = 0; s < sizeof sides / sizeof sides[0]; s++) {
        const uint32_t      n = sides[s].side, middle = n / 2 * n + n / 2;
        struct worker_shape square = {1, n, n, 3, 0};
        float              *image = calloc(2 * (size_t)n * n, sizeof *image), *out = image + n * n;

        for (uint32_t k = 0; k < n * n; k++)
            image[k] = 3;
        cr_assert_eq(worker_blur(&square, false, image, out, NULL), 0);
        for (uint32_t k = 0; k < n * n; k++)
            cr_expect(fabsf(out[k] - 3) <= 1e-5f);
        memset(image, 0, n * n * sizeof *image);
        image[middle] = 1;
        cr_assert_eq(worker_blur(&square, false, image, out, NULL), 0);
        cr_expect_gt(out[middle + sides[s].reach], 0);
        cr_expect_eq(out[middle + sides[s].reach + 1], 0);
        free(image);
    }
}

/* A plane: every pixel is the mean of its neighbours, so what is removed from its middle
 * comes back, but for the noise, which differs by pixel and is the same each time. */
Test(curve_fill, road_brings_back_a_plane)
{
    struct worker_shape plain = {1, 9, 11, 3, 0};
    struct mx_stream    stream = mx_stream_make(4, 1, MX_PURPOSE_SCORE, 0);
    float               image[99], out[99], again[99];
    bool                removed[99] = {false};
    double              worst = 0, square = 0;

    for (int p = 0; p < 99; p++) {
        image[p] = (float)(0.3 * (p % 11) - 0.2 * (p / 11));
        removed[p] = p / 11 >= 2 && p / 11 < 7 && p % 11 >= 3 && p % 11 < 9;
    }
    cr_assert_eq(worker_road(&plain, image, removed, stream, 5, out, NULL), 0);
    cr_assert_eq(worker_road(&plain, image, removed, stream, 5, again, NULL), 0);
    cr_expect_arr_eq(out, again, sizeof out);
    for (int p = 0; p < 99; p++) {
        const double off = fabs(out[p] - image[p]);

        worst = off <= worst ? worst : off;
        square += off * off;
        cr_expect(removed[p] ? off > 0 : off == 0);
    }
    cr_expect(worst <= 0.05, "%g", worst);
    cr_expect(sqrt(square / 30) > 0.005 && sqrt(square / 30) < 0.02, "%g", sqrt(square / 30));
}

Test(curve_fill, shifted_maps_keep_their_values_in_their_order)
{
    struct mx_stream stream = mx_stream_make(4, 1, MX_PURPOSE_SCORE, 0);
    float            map[PIXELS], out[PIXELS];

    for (int p = 0; p < PIXELS; p++)
        map[p] = (float)p;
    for (uint32_t row = 0; row < 50; row++) {
        int down = 0, right = 0;

        worker_map_shifted(&shape, map, stream, row, out);
        cr_expect_neq(out[0], 0);
        for (int p = 0; p < PIXELS; p++)
            if (out[p] == 0) {
                down = p / WIDTH;
                right = p % WIDTH;
            }
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                cr_expect_eq(out[(y + down) % HEIGHT * WIDTH + (x + right) % WIDTH],
                             map[y * WIDTH + x]);
    }
}
