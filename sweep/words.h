/* words.h - words of the keys that only the sweep itself reads.
 *
 * As worker/choices.h: one list a parameter gives the enum, the names in
 * configuration files and what this version can do. A word that is READY here
 * is acted on; one that is LATER is refused by check as not built yet.
 */
#ifndef MX_SWEEP_WORDS_H
#define MX_SWEEP_WORDS_H

#include "worker/choices.h"

/* X(symbol, word, built) */
#define MX_SEEDS_WORDS(X)                                                                          \
    X(SEEDS_PAIRED, "paired", WORKER_READY)                                                        \
    X(SEEDS_INDEPENDENT, "independent", WORKER_READY)

enum {
    MX_CROSS_MODELS = 256 /* models of one comparison at most: its cost is their square */
};

#define MX_METRIC_WORDS(X)                                                                         \
    X(METRIC_ACCURACY, "accuracy", WORKER_READY)                                                   \
    X(METRIC_TOP5_ACCURACY, "top5_accuracy", WORKER_READY)                                         \
    X(METRIC_CROSS_ENTROPY, "cross_entropy", WORKER_READY)                                         \
    X(METRIC_CALIBRATION_ERROR, "calibration_error", WORKER_READY)                                 \
    X(METRIC_CONFIDENCE, "confidence", WORKER_READY)                                               \
    X(METRIC_WORST_CLASS_ACCURACY, "worst_class_accuracy", WORKER_READY)                           \
    X(METRIC_WORST_GROUP_ACCURACY, "worst_group_accuracy", WORKER_READY)                           \
    X(METRIC_WORST_GROUP_ACCURACY_LOW, "worst_group_accuracy_low", WORKER_READY)                   \
    X(METRIC_WORST_GROUP_ACCURACY_HIGH, "worst_group_accuracy_high", WORKER_READY)                 \
    X(METRIC_ADJUSTED_AVERAGE_ACCURACY, "adjusted_average_accuracy", WORKER_READY)                 \
    X(METRIC_GROUP_ACCURACY, "group_accuracy", WORKER_READY)                                       \
    X(METRIC_GROUP_COUNT, "group_count", WORKER_READY)                                             \
    X(METRIC_GROUP_GAP, "group_gap", WORKER_READY)                                                 \
    X(METRIC_ACCURACY_LOW, "accuracy_low", WORKER_READY)                                           \
    X(METRIC_ACCURACY_HIGH, "accuracy_high", WORKER_READY)                                         \
    X(METRIC_COLLAPSED, "collapsed", WORKER_READY)                                                 \
    X(METRIC_ERROR_SET, "error_set", WORKER_READY)                                                 \
    X(METRIC_OCCLUSION_ACCURACY, "occlusion_accuracy", WORKER_READY)                               \
    X(METRIC_DELETION, "deletion", WORKER_READY)                                                   \
    X(METRIC_INSERTION, "insertion", WORKER_READY)                                                 \
    X(METRIC_DELETION_NORMALISED, "deletion_normalised", WORKER_READY)                             \
    X(METRIC_INSERTION_NORMALISED, "insertion_normalised", WORKER_READY)                           \
    X(METRIC_DELETION_LEAST_FIRST, "deletion_least_first", WORKER_READY)                           \
    X(METRIC_SYMMETRIC_RELEVANCE_GAIN, "symmetric_relevance_gain", WORKER_READY)                   \
    X(METRIC_RANDOM_ORDER_DELETION, "random_order_deletion", WORKER_READY)                         \
    X(METRIC_INTER_MODEL_MAP, "inter_model_map", WORKER_READY)                                     \
    X(METRIC_INTER_MODEL_SCORER, "inter_model_scorer", WORKER_READY)                               \
    X(METRIC_INTER_MODEL_SELF, "inter_model_self", WORKER_READY)                                   \
    X(METRIC_INTER_MODEL_REFERENCE, "inter_model_reference", WORKER_READY)                         \
    X(METRIC_POINTING_GAME, "pointing_game", WORKER_READY)                                         \
    X(METRIC_ENERGY_POINTING_GAME, "energy_pointing_game", WORKER_READY)                           \
    X(METRIC_ENERGY_POINTING_GAME_MINUS_AREA, "energy_pointing_game_minus_area", WORKER_READY)     \
    X(METRIC_MAX_BOX_ACCURACY, "max_box_accuracy", WORKER_READY)                                   \
    X(METRIC_MAX_BOX_ACCURACY_V2, "max_box_accuracy_v2", WORKER_READY)                             \
    X(METRIC_MASK_IOU, "mask_iou", WORKER_READY)                                                   \
    X(METRIC_RELEVANCE_RANK, "relevance_rank", WORKER_READY)                                       \
    X(METRIC_GINI, "gini", WORKER_READY)                                                           \
    X(METRIC_ENTROPY, "entropy", WORKER_READY)                                                     \
    X(METRIC_RANDOMISATION_CORRELATION, "randomisation_correlation", WORKER_READY)                 \
    X(METRIC_CONCEPTS, "concepts", WORKER_READY)                                                   \
    X(METRIC_CONCEPT_UNITS, "concept_units", WORKER_READY)                                         \
    X(METRIC_COMPLETENESS_MEDIAN, "completeness_median", WORKER_READY)                             \
    X(METRIC_COMPLETENESS_P95, "completeness_p95", WORKER_READY)                                   \
    X(METRIC_ALL_ZERO_MAPS, "all_zero_maps", WORKER_READY)                                         \
    X(METRIC_RELEVANCE_SUM, "relevance_sum", WORKER_READY)                                         \
    X(METRIC_MAP_INTERVALS, "map_intervals", WORKER_READY)

#define MX_SEARCH_WORDS(X)                                                                         \
    X(SEARCH_GRID, "grid", WORKER_READY)                                                           \
    X(SEARCH_RANDOM, "random", WORKER_READY)                                                       \
    X(SEARCH_SOBOL, "sobol", WORKER_READY)

#define MX_MODE_WORDS(X)                                                                           \
    X(MODE_AUTO, "auto", WORKER_READY)                                                             \
    X(MODE_MAX, "max", WORKER_READY)                                                               \
    X(MODE_MIN, "min", WORKER_READY)

#define MX_KEEP_WORDS(X)                                                                           \
    X(KEEP_RESULTS, "results", WORKER_READY)                                                       \
    X(KEEP_WEIGHTS, "weights", WORKER_READY)                                                       \
    X(KEEP_ALL, "all", WORKER_READY)

#define MX_EARLY_STOP_WORDS(X)                                                                     \
    X(EARLY_STOP_NONE, "none", WORKER_READY)                                                       \
    X(EARLY_STOP_MEDIAN, "median", WORKER_READY)                                                   \
    X(EARLY_STOP_SHA, "sha", WORKER_READY)                                                         \
    X(EARLY_STOP_ASHA, "asha", WORKER_READY)

#define MX_DEVICE_WORDS(X)                                                                         \
    X(DEVICE_AUTO, "auto", WORKER_READY)                                                           \
    X(DEVICE_CPU, "cpu", WORKER_READY)                                                             \
    X(DEVICE_CUDA, "cuda", WORKER_READY)

/* L(NAME, name): every list above, for the enums and the arrays. */
#define MX_WORD_LISTS(L)                                                                           \
    L(SEEDS, seeds)                                                                                \
    L(METRIC, metric)                                                                              \
    L(SEARCH, search)                                                                              \
    L(MODE, mode)                                                                                  \
    L(KEEP, keep)                                                                                  \
    L(DEVICE, device)                                                                              \
    L(EARLY_STOP, early_stop)

/* enum mx_keep {MX_KEEP_RESULTS, ...} and mx_keep_words[], ended by a row whose
 * word is NULL; index = enum value. */
#define MX_WORD_ENUM_ROW(symbol, word, built) MX_##symbol,
#define MX_WORD_DECLARE(NAME, name)                                                                \
    enum mx_##name{MX_##NAME##_WORDS(MX_WORD_ENUM_ROW)};                                           \
    extern const struct worker_choice mx_##name##_words[];

MX_WORD_LISTS(MX_WORD_DECLARE)

#endif
