#include <criterion/criterion.h>
#include <math.h>

#include "kernels/elementwise.h"

Test(elementwise, a_relu_has_a_floor_and_perhaps_a_cap)
{
    const float in[] = {-1, 0, 0.5f, 6, 7, NAN, -INFINITY};
    const float plain[] = {0, 0, 0.5f, 6, 7}, capped[] = {0, 0, 0.5f, 6, 6};
    float       out[7];

    kern_relu(out, in, 7, 0);
    cr_expect_arr_eq(out, plain, sizeof plain);
    cr_expect(isnan(out[5]) && out[6] == 0);
    kern_relu(out, in, 7, 6);
    cr_expect_arr_eq(out, capped, sizeof capped);
    cr_expect(isnan(out[5]));
}

Test(elementwise, no_gradient_passes_a_cap)
{
    const float y[] = {0.5f, 6, 5.9f}, expected[] = {1, 0, 3}, doubled[] = {2, 0, 6};
    float       gradient[] = {1, 2, 3};

    kern_relu_backward(gradient, y, 3, 6, 0);
    cr_expect_arr_eq(gradient, expected, sizeof expected);
    kern_relu_backward(gradient, y, 3, 0, 0.5f);
    cr_expect_arr_eq(gradient, doubled, sizeof doubled);
}

Test(elementwise, dropout_keeps_the_mean)
{
    enum {
        N = 40000
    };
    struct mx_rng rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_INIT, 0), 0, 0, 0);
    static float  data[N];
    double        sum = 0;

    for (int k = 0; k < N; k++)
        data[k] = 3;
    kern_dropout(data, N, 0.25f, &rng);
    for (int k = 0; k < N; k++) {
        cr_assert(data[k] == 0 || data[k] == 4);
        sum += data[k];
    }
    cr_expect(fabs(sum / N - 3) <= 5 * 4 * sqrt(0.25 * 0.75 / N), "%g", sum / N);
}
