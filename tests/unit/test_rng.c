#include <criterion/criterion.h>
#include <math.h>

#include "base/rng.h"

/* Vectors published with Random123 (kat_vectors, philox 4x32 10). */
Test(rng, equals_the_published_philox_vectors)
{
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint32_t out[4];

        mx_philox4x32(vectors[i].counter, vectors[i].key, out);
        cr_expect_arr_eq(out, vectors[i].expected, sizeof out);
    }
}

/* The variance of Beta(a, a) is 1 / (4 (2a + 1)). */
Test(rng, beta_has_the_variance_of_its_parameters)
{
    static const double alphas[] = {0.01, 0.2, 1.0, 100.0};
    enum {
        N = 200000
    };

    for (size_t k = 0; k < sizeof alphas / sizeof alphas[0]; k++) {
        struct mx_rng rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), (uint32_t)k, 0, 0);
        double        sum = 0, squares = 0, variance;

        for (int i = 0; i < N; i++) {
            double x = mx_rng_beta(&rng, alphas[k], alphas[k]);

            cr_assert(x >= 0 && x <= 1);
            sum += x;
            squares += x * x;
        }
        variance = squares / N - sum / N * (sum / N);
        cr_expect(fabs(sum / N - 0.5) <= 0.006, "mean %g at alpha %g", sum / N, alphas[k]);
        cr_expect(fabs(variance - 1 / (4 * (2 * alphas[k] + 1))) <= 0.002,
                  "variance %g at alpha %g", variance, alphas[k]);
    }
}

/* Down to the smallest numbers there are, where both gammas are below all of them: one or the other
 * image, as often as a and b say. */
Test(rng, beta_of_the_smallest_parameters_is_0_or_1_and_never_nan)
{
    static const double pairs[][2] = {{1e-6, 1e-6},     {1e-300, 1e-300}, {1e-307, 1e-307},
                                      {1e-310, 1e-310}, {3e-310, 1e-310}, {1e-320, 3e-320},
                                      {5e-324, 5e-324}, {1e-310, 1}};
    enum {
        N = 4000
    };

    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++) {
        const double  a = pairs[k][0], b = pairs[k][1], mean = 1 / (1 + b / a);
        struct mx_rng rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), (uint32_t)k, 0, 0);
        double        sum = 0;

        for (int i = 0; i < N; i++) {
            double x = mx_rng_beta(&rng, a, b);

            cr_assert((x >= 0 && x < 1e-3) || (x > 1 - 1e-3 && x <= 1), "%g at %g", x, a);
            sum += x;
        }
        cr_expect(fabs(sum / N - mean) <= 4 * sqrt(mean * (1 - mean) / N) + 1e-12, "%g at %g, %g",
                  sum / N, a, b);
    }
}

Test(rng, permutation_holds_every_number_once)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(3, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);
    uint32_t      order[257];
    unsigned      seen[257] = {0};

    mx_rng_permutation(&rng, order, 257);
    for (size_t i = 0; i < 257; i++)
        seen[order[i]]++;
    for (size_t i = 0; i < 257; i++)
        cr_assert_eq(seen[i], 1);
}

Test(rng, a_draw_depends_on_its_name_only)
{
    struct mx_stream stream = mx_stream_make(9, 2, MX_PURPOSE_AUGMENT, 0);
    struct mx_rng    first = mx_rng_at(stream, 1, 2, 3), again = mx_rng_at(stream, 1, 2, 3);
    struct mx_rng    other = mx_rng_at(stream, 1, 2, 4);
    uint32_t         x = mx_rng_u32(&first);

    cr_expect_eq(x, mx_rng_u32(&again));
    cr_expect_neq(x, mx_rng_u32(&other));
}
