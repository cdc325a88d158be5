#include "sweep/metric_bounds.h"

#include <math.h>

#include "sweep/results_core.h"

/* Shares of images and of pixels, probabilities and areas below them. */
static const int shares[] = {MX_METRIC_ACCURACY,
                             MX_METRIC_TOP5_ACCURACY,
                             MX_METRIC_CALIBRATION_ERROR,
                             MX_METRIC_CONFIDENCE,
                             MX_METRIC_WORST_CLASS_ACCURACY,
                             MX_METRIC_WORST_GROUP_ACCURACY,
                             MX_METRIC_WORST_GROUP_ACCURACY_LOW,
                             MX_METRIC_WORST_GROUP_ACCURACY_HIGH,
                             MX_METRIC_ADJUSTED_AVERAGE_ACCURACY,
                             MX_METRIC_GROUP_ACCURACY,
                             MX_METRIC_GROUP_GAP,
                             MX_METRIC_ACCURACY_LOW,
                             MX_METRIC_ACCURACY_HIGH,
                             MX_METRIC_OCCLUSION_ACCURACY,
                             MX_METRIC_DELETION,
                             MX_METRIC_INSERTION,
                             MX_METRIC_DELETION_LEAST_FIRST,
                             MX_METRIC_POINTING_GAME,
                             MX_METRIC_ENERGY_POINTING_GAME,
                             MX_METRIC_MAX_BOX_ACCURACY,
                             MX_METRIC_MAX_BOX_ACCURACY_V2,
                             MX_METRIC_MASK_IOU,
                             MX_METRIC_RELEVANCE_RANK,
                             MX_METRIC_GINI,
                             MX_METRIC_COLLAPSED};

/* What is never negative: losses, areas by their own first value, numbers of things. */
static const int sizes[] = {MX_METRIC_CROSS_ENTROPY,
                            MX_METRIC_DELETION_NORMALISED,
                            MX_METRIC_INSERTION_NORMALISED,
                            MX_METRIC_INTER_MODEL_REFERENCE,
                            MX_METRIC_ENTROPY,
                            MX_METRIC_CONCEPTS,
                            MX_METRIC_CONCEPT_UNITS,
                            MX_METRIC_COMPLETENESS_MEDIAN,
                            MX_METRIC_COMPLETENESS_P95,
                            MX_METRIC_ALL_ZERO_MAPS,
                            MX_METRIC_GROUP_COUNT};

static const int signed_shares[] = {MX_METRIC_SYMMETRIC_RELEVANCE_GAIN,
                                    MX_METRIC_ENERGY_POINTING_GAME_MINUS_AREA,
                                    MX_METRIC_RANDOMISATION_CORRELATION};

#define IS_IN(word, list) is_in(word, list, sizeof(list) / sizeof(list)[0])

static int is_in(int word, const int *list, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (list[k] == word)
            return 1;
    return 0;
}

struct mx_bounds mx_metric_bounds(const char *metric)
{
    const int own = mx_metric_word(metric), word = own < 0 ? mx_metric_word_of_end(metric) : own;

    if (IS_IN(word, shares))
        return (struct mx_bounds){0, 1};
    if (IS_IN(word, sizes))
        return (struct mx_bounds){0, INFINITY};
    if (IS_IN(word, signed_shares))
        return (struct mx_bounds){-1, 1};
    return (struct mx_bounds){-INFINITY, word == MX_METRIC_RANDOM_ORDER_DELETION ? 1 : INFINITY};
}

struct mx_bounds mx_metric_difference_bounds(const char *metric)
{
    const struct mx_bounds of = mx_metric_bounds(metric);

    return (struct mx_bounds){of.low - of.high, of.high - of.low};
}
