#include <criterion/criterion.h>
#include <math.h>

#include "sweep/metric_bounds.h"
#include "sweep/results_core.h"

Test(metric_bounds, are_those_of_shares_sizes_and_differences)
{
    static const struct {
        const char *metric;
        double      low, high;
    } expected[] = {{"val.accuracy", 0, 1},
                    {"test.group_accuracy.3", 0, 1},
                    {"test.deletion.gradcam.zero", 0, 1},
                    {"test.deletion_low.gradcam.zero", 0, 1},
                    {"test.cross_entropy", 0, INFINITY},
                    {"test.deletion_normalised.gradcam++.road", 0, INFINITY},
                    {"test.symmetric_relevance_gain.gradcam.zero", -1, 1},
                    {"test.random_order_deletion.gradcam.zero", -INFINITY, 1},
                    {"test.inter_model_map.gradcam.zero", -INFINITY, INFINITY},
                    {"nothing", -INFINITY, INFINITY}};

    for (size_t k = 0; k < sizeof expected / sizeof expected[0]; k++) {
        const struct mx_bounds bounds = mx_metric_bounds(expected[k].metric);

        cr_expect_eq(bounds.low, expected[k].low, "%s", expected[k].metric);
        cr_expect_eq(bounds.high, expected[k].high, "%s", expected[k].metric);
    }
    cr_expect_eq(mx_metric_difference_bounds("test.accuracy").low, -1);
    cr_expect_eq(mx_metric_difference_bounds("test.accuracy").high, 1);
    cr_expect_eq(mx_metric_difference_bounds("test.cross_entropy").high, INFINITY);
}
