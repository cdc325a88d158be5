#include <criterion/criterion.h>
#include <math.h>

#include "base/hash.h"
#include "sweep/distinct.h"

static uint64_t key(uint64_t i)
{
    return mx_hash64(&i, sizeof i);
}

Test(distinct, counts_exactly_up_to_the_limit)
{
    struct mx_distinct *distinct = mx_distinct_new(1000, NULL);

    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 1000; i++)
            cr_assert_eq(mx_distinct_add(distinct, key(i), NULL), round == 0);
    cr_expect_eq(mx_distinct_count(distinct), 1000);
    cr_expect_not(mx_distinct_estimated(distinct));
    mx_distinct_free(distinct);
}

Test(distinct, takes_a_hash_of_zero_like_any_other)
{
    struct mx_distinct *distinct = mx_distinct_new(2, NULL);

    cr_expect_eq(mx_distinct_add(distinct, 0, NULL), 1);
    cr_expect_eq(mx_distinct_add(distinct, 0, NULL), 0);
    cr_expect_eq(mx_distinct_add(distinct, 1, NULL), 1);
    cr_expect_eq(mx_distinct_count(distinct), 2);
    cr_expect_not(mx_distinct_estimated(distinct));
    cr_expect_eq(mx_distinct_add(distinct, 2, NULL), 0);
    cr_expect(mx_distinct_estimated(distinct));
    mx_distinct_free(distinct);
}

Test(distinct, estimates_within_two_per_cent_beyond_the_limit)
{
    static const uint64_t counts[] = {5000, 100000, 1000000, 3000000};

    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        struct mx_distinct *distinct = mx_distinct_new(1000, NULL);
        double              error;

        for (uint64_t i = 0; i < counts[k] + counts[k] / 4; i++)
            cr_assert_geq(mx_distinct_add(distinct, key(i % counts[k]), NULL), 0);
        error = (double)mx_distinct_count(distinct) / (double)counts[k] - 1;
        cr_expect(mx_distinct_estimated(distinct));
        cr_expect(fabs(error) <= 0.02, "%g of %lu keys", error, (unsigned long)counts[k]);
        mx_distinct_free(distinct);
    }
}
