/* Means over windows that share out a side, whatever it is. */
#include <criterion/criterion.h>
#include <string.h>

#include "kernels/pool.h"

/* Row-major images. */
static struct kern_planes planes(uint32_t n, uint32_t channels, uint32_t height, uint32_t width)
{
    const uint32_t points = height * width;

    return (struct kern_planes){
        {n, channels, points, 1, (size_t)channels * points, points, 1}, height, width};
}

/* A row of 0, 1, 2 ...: means tell where windows begin and end. What PyTorch's
 * adaptive_avg_pool1d(torch.arange(n), 7) gives. */
Test(pool, windows_overlap_and_repeat_as_in_pytorch)
{
    static const struct {
        uint32_t length;
        float    means[7], gradient[10]; /* where that of every mean is 6 */
    } rows[] = {
        {1, {0, 0, 0, 0, 0, 0, 0}, {42}},
        {3, {0, 0, 0.5f, 1, 1.5f, 2, 2}, {15, 12, 15}},
        {7, {0, 1, 2, 3, 4, 5, 6}, {6, 6, 6, 6, 6, 6, 6}},
        {8, {0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f}, {3, 6, 6, 6, 6, 6, 6, 3}},
        {10, {0.5f, 1.5f, 3, 4.5f, 6, 7.5f, 8.5f}, {3, 6, 5, 2, 5, 5, 2, 5, 6, 3}},
    };
    const float grads[7] = {6, 6, 6, 6, 6, 6, 6};

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const uint32_t           n = rows[r].length;
        const struct kern_planes in[] = {planes(1, 1, 1, n), planes(1, 1, n, 1)};
        const struct kern_planes out[] = {planes(1, 1, 1, 7), planes(1, 1, 7, 1)};
        float                    x[10], dx[10], y[7];

        for (uint32_t k = 0; k < n; k++)
            x[k] = (float)k;
        for (int way = 0; way < 2; way++) { /* along a row, along a column */
            kern_pool_forward(&in[way], x, &out[way], y);
            cr_expect_arr_eq(y, rows[r].means, sizeof y, "%u values", n);
            kern_pool_backward(&in[way], dx, &out[way], grads);
            for (uint32_t k = 0; k < n; k++)
                cr_expect_eq(dx[k], rows[r].gradient[k], "%u values: %g at %u", n, (double)dx[k],
                             k);
        }
    }
}

Test(pool, an_image_has_the_same_bits_alone_and_in_company)
{
    enum {
        N = 3,
        IN = 2 * 9 * 5,
        OUT = 2 * 7 * 7
    };
    const struct kern_planes in[] = {planes(N, 2, 9, 5), planes(1, 2, 9, 5)};
    const struct kern_planes out[] = {planes(N, 2, 7, 7), planes(1, 2, 7, 7)};
    float                    x[N * IN], y[N * OUT], dx[N * IN], alone[OUT], back[IN];

    for (int k = 0; k < N * IN; k++)
        x[k] = 1.0f / (float)(k % 37 + 3);
    kern_pool_forward(&in[0], x, &out[0], y);
    kern_pool_backward(&in[0], dx, &out[0], y);
    for (int i = 0; i < N; i++) {
        kern_pool_forward(&in[1], x + i * IN, &out[1], alone);
        cr_expect_arr_eq(alone, y + i * OUT, sizeof alone);
        kern_pool_backward(&in[1], back, &out[1], alone);
        cr_expect_arr_eq(back, dx + i * IN, sizeof back);
    }
}

/* Images in blocks of four channels, of which two are padding. */
Test(pool, padding_is_zero)
{
    const struct kern_planes in = {{1, 2, 6, 4, 24, 24, 4}, 2, 3};
    const struct kern_planes out = {{1, 2, 4, 4, 16, 16, 4}, 2, 2};
    float                    x[24], y[16], dx[24];

    for (int k = 0; k < 24; k++)
        x[k] = k % 4 < 2 ? (float)k : 0;
    memset(y, 0xff, sizeof y);
    memset(dx, 0xff, sizeof dx);
    kern_pool_forward(&in, x, &out, y);
    kern_pool_backward(&in, dx, &out, y);
    for (int k = 0; k < 24; k++)
        cr_expect(k % 4 < 2 ? dx[k] > 0 : dx[k] == 0, "%d: %g", k, (double)dx[k]);
    cr_expect_eq(y[0], 2);   /* of 0 and 4 */
    cr_expect_eq(y[13], 19); /* of 17 and 21 */
    for (int k = 0; k < 16; k++)
        cr_expect(k % 4 < 2 ? y[k] > 0 : y[k] == 0, "%d: %g", k, (double)y[k]);
}
