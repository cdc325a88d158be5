#include <criterion/criterion.h>
#include <math.h>

#include "mix_draws.h"
#include "tests/reference/naive_mix.h"
#include "worker/fourier.h"

static void fill(float *spectrum, uint32_t height, uint32_t width, uint32_t seed)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (size_t k = 0; k < 2 * (size_t)height * (width / 2 + 1); k++)
        spectrum[k] = (float)mx_rng_normal(&rng);
}

/* Even, odd, prime, a single row, column or pixel. */
Test(fourier, equals_the_sum_over_all_frequencies_at_every_size)
{
    static const uint32_t sizes[][2] = {{1, 1},   {1, 2},   {2, 1},  {1, 9},  {8, 1},
                                        {4, 4},   {5, 7},   {7, 4},  {6, 15}, {28, 28},
                                        {32, 32}, {31, 33}, {64, 20}};

    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        uint32_t               height = sizes[k][0], width = sizes[k][1];
        size_t                 pixels = (size_t)height * width;
        struct worker_fourier *fourier = worker_fourier_new(height, width, NULL);
        double                *exact = malloc(pixels * sizeof *exact);
        const float           *got;

        fill(worker_fourier_spectrum(fourier), height, width, (uint32_t)k);
        naive_fourier_inverse(worker_fourier_spectrum(fourier), height, width, exact);
        got = worker_fourier_inverse(fourier);
        for (size_t p = 0; p < pixels; p++)
            cr_assert(fabs((double)got[p] - exact[p]) <= 1e-6 * sqrt((double)pixels) * 6,
                      "%u x %u, pixel %zu: %g of %g", height, width, p, (double)got[p], exact[p]);
        free(exact);
        worker_fourier_free(fourier);
    }
}

Test(fourier, a_wave_along_rows_is_a_wave_along_rows)
{
    struct worker_fourier *fourier = worker_fourier_new(4, 12, NULL);
    const float           *got;

    worker_fourier_spectrum(fourier)[2] = 1; /* v 0, u 1 */
    got = worker_fourier_inverse(fourier);
    for (int p = 0; p < 48; p++)
        cr_expect(fabs((double)got[p] - 2 * cos(p % 12 / 12.0 * 6.283185307179586)) <= 1e-6);
    worker_fourier_free(fourier);
}

/* The grey image again, in double precision, from the same draws. */
static double *grey_image(const struct mix_drawer *drawer, uint32_t batch)
{
    uint32_t                height = drawer->shape.height, width = drawer->shape.width;
    size_t                  values = (size_t)height * (width / 2 + 1);
    struct worker_mix_place place = {drawer->stream, 0, batch, 0};
    struct mx_rng           rng = worker_mix_rng(&place, WORKER_DRAW_NOISE);
    float                  *spectrum = malloc(2 * values * sizeof *spectrum);
    double                 *grey = malloc((size_t)height * width * sizeof *grey);
    double                  lowest = 1.0 / (height > width ? height : width);

    cr_assert(spectrum && grey);
    for (uint32_t v = 0; v < height; v++)
        for (uint32_t u = 0; u <= width / 2; u++)
            for (int part = 0; part < 2; part++) {
                double fy = (double)(v < height - v ? v : height - v) / height;
                double fx = (double)u / width;
                double f = fmax(sqrt(fy * fy + fx * fx), lowest);

                spectrum[2 * ((size_t)v * (width / 2 + 1) + u) + (size_t)part] =
                    (float)(mx_rng_normal(&rng) / pow(f, drawer->params.mix_decay));
            }
    naive_fourier_inverse(spectrum, height, width, grey);
    free(spectrum);
    return grey;
}

static void check_fmix(const struct worker_shape *shape, uint32_t batches, uint32_t ceilings[2])
{
    const struct worker_params params = mix_params(WORKER_MIX_FMIX);
    struct mix_drawer          drawer = mix_drawer_make(&params, shape);
    const size_t               pixels = (size_t)shape->height * shape->width;

    for (uint32_t b = 0; b < batches; b++) {
        struct worker_mix_place place = {drawer.stream, 0, b, 0};
        double count = worker_mix_lambda(&params, &place) * (double)pixels, highest = -INFINITY;
        double share = round(mix_draw(&drawer, b, false).share * (double)pixels), lowest = INFINITY;
        double *grey = grey_image(&drawer, b), scale = 0;

        cr_assert(share == floor(count) || share == ceil(count));
        ceilings[share > count]++;
        for (size_t p = 0; p < pixels; p++) {
            scale = fmax(scale, fabs(grey[p]));
            if (drawer.mask[p] == 2)
                lowest = fmin(lowest, grey[p]);
            else
                highest = fmax(highest, grey[p]);
        }
        cr_assert(highest - lowest <= 1e-5 * scale, "%g over %g in batch %u", highest, lowest, b);
        free(grey);
    }
    mix_drawer_free(&drawer);
}

Test(fmix, the_lightest_pixels_of_the_grey_image_are_the_base_s)
{
    const struct worker_shape even = {1, 28, 28, 2, 0}, odd = {1, 15, 21, 2, 0};
    const struct worker_shape strip = {1, 1, 40, 2, 0}, wide = {1, 32, 32, 2, 0};
    uint32_t                  ceilings[2] = {0, 0};

    check_fmix(&even, 15, ceilings);
    check_fmix(&wide, 15, ceilings);
    check_fmix(&odd, 100, ceilings);
    check_fmix(&strip, 400, ceilings);
    cr_expect(abs((int)ceilings[0] - (int)ceilings[1]) <= 100); /* 530 fair coins: sd 23 */
}

/* A coin, not the nearest number: up as often where little is missing to the next as where much is. */
Test(fmix, rounds_up_or_down_with_equal_chance_whatever_the_fraction)
{
    const struct worker_shape  shape = {1, 6, 7, 2, 0};
    const struct worker_params params = mix_params(WORKER_MIX_FMIX);
    struct mix_drawer          drawer = mix_drawer_make(&params, &shape);
    int                        n[2] = {0, 0}, up[2] = {0, 0}; /* of fractions below and above 1/2 */

    for (uint32_t b = 0; b < 4000; b++) {
        struct worker_mix_place place = {drawer.stream, 0, b, 0};
        const double            count = worker_mix_lambda(&params, &place) * 42;
        const int               half = count - floor(count) > 0.5;

        n[half]++;
        up[half] += mix_draw(&drawer, b, false).share * 42 > count;
    }
    for (int half = 0; half < 2; half++)
        cr_expect(abs(2 * up[half] - n[half]) <= 4 * sqrt(n[half]), "%d of %d", up[half], n[half]);
    mix_drawer_free(&drawer);
}

/* lambda is uniform at alpha 1, and the mask's mean is lambda to a pixel. */
Test(fmix, the_mask_s_mean_is_uniform_at_alpha_1_and_half_at_alpha_100)
{
    static const uint32_t sides[] = {28, 32, 64, 224};

    for (int k = 0; k < 4; k++) {
        const struct worker_shape shape = {1, sides[k], sides[k], 2, 0};
        struct worker_params      params = mix_params(WORKER_MIX_FMIX);
        struct mix_drawer         drawer = mix_drawer_make(&params, &shape);
        const int                 n = sides[k] > 100 ? 40 : 600;
        double                    sum = 0, squares = 0;

        for (int b = 0; b < n; b++) {
            double share = mix_draw(&drawer, (uint32_t)b, false).share;

            sum += share;
            squares += share * share;
        }
        cr_expect(fabs(sum / n - 0.5) <= 4 * sqrt(1 / 12.0 / n), "%g at %u", sum / n, sides[k]);
        cr_expect(fabs(squares / n - 1 / 3.0) <= 4 * sqrt(4 / 45.0 / n));
        drawer.params.mix_alpha = 100;
        for (uint32_t b = 0; b < 20; b++)
            cr_expect(fabs(mix_draw(&drawer, b, false).share - 0.5) <= 0.2);
        mix_drawer_free(&drawer);
    }
}

/* Damping makes pieces: neighbours differ less often the larger it is. */
Test(fmix, a_larger_decay_makes_larger_pieces)
{
    static const double       decays[] = {0.01, 1, 3, 100};
    const struct worker_shape shape = {1, 32, 32, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_FMIX);
    double                    before = INFINITY;

    params.mix_alpha = 100;
    for (int d = 0; d < 4; d++) {
        struct mix_drawer drawer;
        double            edges = 0;

        params.mix_decay = decays[d];
        drawer = mix_drawer_make(&params, &shape);
        for (uint32_t b = 0; b < 20; b++) {
            mix_draw(&drawer, b, false);
            for (int p = 0; p < 32 * 32; p++)
                edges += p % 32 > 0 && drawer.mask[p] != drawer.mask[p - 1];
        }
        cr_expect(edges < before && edges > 0, "%g edges at decay %g", edges, decays[d]);
        before = edges;
        mix_drawer_free(&drawer);
    }
}
