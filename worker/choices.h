/* choices.h - the words that a parameter can take, and their numbers.
 *
 * One list a parameter: the enum, the names in configuration files and the
 * set of those this build can do come from it. Later strategies, networks and
 * schedules are added here as READY; words of the contract that are still to
 * come stand as LATER, so that check can tell "not built yet" from "no such".
 * The order is part of no file format: files carry the words.
 */
#ifndef MX_WORKER_CHOICES_H
#define MX_WORKER_CHOICES_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct worker_choice {
    const char *word;  /* as written in a config; NULL ends a list */
    bool        built; /* false: known, but this version cannot do it */
};

#define WORKER_READY true
#define WORKER_LATER false

/* X(symbol, word, built) */
#define WORKER_DATA_SETS(X)                                                                        \
    X(DATA_SYNTHETIC, "synthetic", WORKER_READY)                                                   \
    X(DATA_MNIST, "mnist", WORKER_READY)                                                           \
    X(DATA_FASHION_MNIST, "fashion-mnist", WORKER_READY)                                           \
    X(DATA_KMNIST, "kmnist", WORKER_READY)                                                         \
    X(DATA_EMNIST, "emnist", WORKER_READY)                                                         \
    X(DATA_CIFAR10, "cifar10", WORKER_READY)                                                       \
    X(DATA_CIFAR100, "cifar100", WORKER_READY)                                                     \
    X(DATA_FOLDER, "folder", WORKER_READY)                                                         \
    X(DATA_WATERBIRDS, "waterbirds", WORKER_READY)                                                 \
    X(DATA_CELEBA, "celeba", WORKER_READY)                                                         \
    X(DATA_METASHIFT, "metashift", WORKER_READY)                                                   \
    X(DATA_DOMINOES, "dominoes", WORKER_READY)                                                     \
    X(DATA_CUB, "cub", WORKER_READY)                                                               \
    X(DATA_IMAGENET, "imagenet", WORKER_READY)                                                     \
    X(DATA_FEATURES, "features", WORKER_READY)

/* Sets whose images can be halves of a domino: of one size that is known. */
#define WORKER_DOMINO_SETS(X)                                                                      \
    X(DOMINO_MNIST, "mnist", WORKER_READY)                                                         \
    X(DOMINO_FASHION_MNIST, "fashion-mnist", WORKER_READY)                                         \
    X(DOMINO_KMNIST, "kmnist", WORKER_READY)                                                       \
    X(DOMINO_CIFAR10, "cifar10", WORKER_READY)                                                     \
    X(DOMINO_CIFAR100, "cifar100", WORKER_READY)

#define WORKER_NORMALIZES(X)                                                                       \
    X(NORMALIZE_DATASET, "dataset", WORKER_READY)                                                  \
    X(NORMALIZE_IMAGENET, "imagenet", WORKER_READY)                                                \
    X(NORMALIZE_NONE, "none", WORKER_READY)

#define WORKER_AUGMENTS(X)                                                                         \
    X(AUGMENT_NONE, "none", WORKER_READY)                                                          \
    X(AUGMENT_FLIP, "flip", WORKER_READY)                                                          \
    X(AUGMENT_FLIP_CROP, "flip_crop", WORKER_READY)                                                \
    X(AUGMENT_RANDOM_RESIZED_CROP, "random_resized_crop", WORKER_READY)                            \
    X(AUGMENT_FLIP_JITTER, "flip_jitter", WORKER_READY)                                            \
    X(AUGMENT_FLIP_CROP_JITTER, "flip_crop_jitter", WORKER_READY)                                  \
    X(AUGMENT_RANDOM_RESIZED_CROP_JITTER, "random_resized_crop_jitter", WORKER_READY)

/* What a damaged image file does. */
#define WORKER_ON_DECODE_ERRORS(X)                                                                 \
    X(ON_DECODE_ERROR_FAIL, "fail", WORKER_READY)                                                  \
    X(ON_DECODE_ERROR_SKIP, "skip", WORKER_READY)

#define WORKER_ARCHS(X)                                                                            \
    X(ARCH_LINEAR, "linear", WORKER_READY)                                                         \
    X(ARCH_RESNET8, "resnet8", WORKER_READY)                                                       \
    X(ARCH_RESNET20, "resnet20", WORKER_READY)                                                     \
    X(ARCH_RESNET32, "resnet32", WORKER_READY)                                                     \
    X(ARCH_RESNET56, "resnet56", WORKER_READY)                                                     \
    X(ARCH_RESNET18, "resnet18", WORKER_READY)                                                     \
    X(ARCH_RESNET34, "resnet34", WORKER_READY)                                                     \
    X(ARCH_RESNET50, "resnet50", WORKER_READY)                                                     \
    X(ARCH_WIDE_RESNET28_10, "wide_resnet28_10", WORKER_READY)                                     \
    X(ARCH_PREACT_RESNET18, "preact_resnet18", WORKER_READY)                                       \
    X(ARCH_VGG11_BN, "vgg11_bn", WORKER_READY)                                                     \
    X(ARCH_EFFICIENTNET_LITE0, "efficientnet_lite0", WORKER_READY)

#define WORKER_STEMS(X)                                                                            \
    X(STEM_AUTO, "auto", WORKER_READY)                                                             \
    X(STEM_IMAGENET, "imagenet", WORKER_READY)                                                     \
    X(STEM_CIFAR, "cifar", WORKER_READY)

#define WORKER_OPTIMIZERS(X)                                                                       \
    X(OPTIMIZER_SGD, "sgd", WORKER_READY)                                                          \
    X(OPTIMIZER_ADAMW, "adamw", WORKER_READY)

#define WORKER_SCHEDULES(X)                                                                        \
    X(SCHEDULE_CONSTANT, "constant", WORKER_READY)                                                 \
    X(SCHEDULE_COSINE, "cosine", WORKER_READY)                                                     \
    X(SCHEDULE_STEP, "step", WORKER_READY)                                                         \
    X(SCHEDULE_MULTI_STEP, "multi_step", WORKER_READY)                                             \
    X(SCHEDULE_ONE_CYCLE, "one_cycle", WORKER_READY)

#define WORKER_STRATEGIES(X)                                                                       \
    X(MIX_NONE, "none", WORKER_READY)                                                              \
    X(MIX_MIXUP, "mixup", WORKER_READY)                                                            \
    X(MIX_CUTMIX, "cutmix", WORKER_READY)                                                          \
    X(MIX_CUTOUT, "cutout", WORKER_READY)                                                          \
    X(MIX_SALIENCYMIX, "saliencymix", WORKER_READY)                                                \
    X(MIX_RESIZEMIX, "resizemix", WORKER_READY)                                                    \
    X(MIX_FMIX, "fmix", WORKER_READY)                                                              \
    X(MIX_PUZZLEMIX, "puzzlemix", WORKER_READY)                                                    \
    X(MIX_GRIDMIX, "gridmix", WORKER_READY)                                                        \
    X(MIX_MANIFOLD_MIXUP, "manifold_mixup", WORKER_READY)                                          \
    X(MIX_RECURSIVEMIX, "recursivemix", WORKER_READY)                                              \
    X(MIX_CHOICES, "choices", WORKER_READY)

/* Where in a network images can be mixed. */
#define WORKER_LAYERS(X)                                                                           \
    X(LAYER_INPUT, "input", WORKER_READY)                                                          \
    X(LAYER_STAGE1, "stage1", WORKER_READY)                                                        \
    X(LAYER_STAGE2, "stage2", WORKER_READY)

#define WORKER_LABEL_RULES(X)                                                                      \
    X(LABELS_MIXED, "mixed", WORKER_READY)                                                         \
    X(LABELS_DOMINANT, "dominant", WORKER_READY)                                                   \
    X(LABELS_HOST, "host", WORKER_READY)                                                           \
    X(LABELS_ONLY, "only", WORKER_READY)

#define WORKER_GRANULARITIES(X)                                                                    \
    X(GRANULARITY_BATCH, "batch", WORKER_READY)                                                    \
    X(GRANULARITY_SAMPLE, "sample", WORKER_READY)

/* Which weight labels follow where a box was clipped. */
#define WORKER_MIX_WEIGHTS(X)                                                                      \
    X(WEIGHT_EFFECTIVE, "effective", WORKER_READY)                                                 \
    X(WEIGHT_DRAWN, "drawn", WORKER_READY)

#define WORKER_HEADS(X)                                                                            \
    X(HEAD_ERM, "erm", WORKER_READY)                                                               \
    X(HEAD_LLR, "llr", WORKER_READY)                                                               \
    X(HEAD_DFR, "dfr", WORKER_READY)                                                               \
    X(HEAD_JTT_HEAD, "jtt_head", WORKER_READY)                                                     \
    X(HEAD_GROUP_DRO, "group_dro", WORKER_READY)                                                   \
    X(HEAD_SUBG, "subg", WORKER_READY)                                                             \
    X(HEAD_AFR, "afr", WORKER_READY)                                                               \
    X(HEAD_FEATURE_MIXUP, "feature_mixup", WORKER_READY)                                           \
    X(HEAD_HSFM, "hsfm", WORKER_READY)

/* Arithmetic of the head methods. */
#define WORKER_PRECISIONS(X)                                                                       \
    X(F32, "f32", WORKER_READY)                                                                    \
    X(F64, "f64", WORKER_READY)

/* Arithmetic of networks. */
#define WORKER_NET_PRECISIONS(X)                                                                   \
    X(NET_F32, "f32", WORKER_READY)                                                                \
    X(NET_TF32, "tf32", WORKER_READY)                                                              \
    X(NET_BF16, "bf16", WORKER_READY)

#define WORKER_HARD_SPLITS(X)                                                                      \
    X(HARD_SPLIT_SAME, "same", WORKER_READY)                                                       \
    X(HARD_SPLIT_HALF, "half", WORKER_READY)

#define WORKER_HSFM_FORMS(X)                                                                       \
    X(HSFM_FORM_AUTO, "auto", WORKER_READY)                                                        \
    X(HSFM_FORM_GRAM, "gram", WORKER_READY)                                                        \
    X(HSFM_FORM_DIRECT, "direct", WORKER_READY)

#define WORKER_AFR_SPLITS(X)                                                                       \
    X(AFR_SPLIT_VAL_HALF, "val_half", WORKER_READY)                                                \
    X(AFR_SPLIT_HOLDOUT, "holdout", WORKER_READY)

/* Attribution maps, in the order of worker_map_kinds (worker/explain.h). */
#define WORKER_ATTRIBUTIONS(X)                                                                     \
    X(MAP_GRADIENT, "gradient", WORKER_READY)                                                      \
    X(MAP_INPUT_X_GRADIENT, "input_x_gradient", WORKER_READY)                                      \
    X(MAP_SMOOTHGRAD, "smoothgrad", WORKER_READY)                                                  \
    X(MAP_INTEGRATED_GRADIENTS, "integrated_gradients", WORKER_READY)                              \
    X(MAP_GUIDED_BACKPROP, "guided_backprop", WORKER_READY)                                        \
    X(MAP_GRADCAM, "gradcam", WORKER_READY)                                                        \
    X(MAP_GRADCAM_PLUS_PLUS, "gradcam++", WORKER_READY)                                            \
    X(MAP_LAYER_RELEVANCE, "layer_relevance", WORKER_READY)                                        \
    X(MAP_OCCLUSION, "occlusion", WORKER_READY)                                                    \
    X(MAP_RISE, "rise", WORKER_READY)                                                              \
    X(MAP_RANDOM, "random", WORKER_READY)                                                          \
    X(MAP_CENTRE, "centre", WORKER_READY)

/* The class that a map explains. */
#define WORKER_TARGETS(X)                                                                          \
    X(TARGET_LABEL, "label", WORKER_READY)                                                         \
    X(TARGET_PREDICTED, "predicted", WORKER_READY)

/* What takes the place of a deleted pixel; how signed maps and equal pixels are ranked;
 * whose rules curves follow (worker/curve.h). */
#define WORKER_FILL_WORDS(X)                                                                       \
    X(FILL_ZERO, "zero", WORKER_READY)                                                             \
    X(FILL_BLUR, "blur", WORKER_READY)                                                             \
    X(FILL_ROAD, "road", WORKER_READY)

#define WORKER_RANK_WORDS(X)                                                                       \
    X(RANK_ABSOLUTE, "absolute", WORKER_READY)                                                     \
    X(RANK_SIGNED, "signed", WORKER_READY)

#define WORKER_TIES_WORDS(X)                                                                       \
    X(TIES_RANDOM, "random", WORKER_READY)                                                         \
    X(TIES_RASTER, "raster", WORKER_READY)

#define WORKER_PROTOCOL_WORDS(X)                                                                   \
    X(PROTOCOL_OWN, "own", WORKER_READY)                                                           \
    X(PROTOCOL_RISE, "rise", WORKER_READY)

/* Curves by which models are compared with each other. */
#define WORKER_INTER_CURVES(X)                                                                     \
    X(INTER_DELETION, "deletion", WORKER_READY)                                                    \
    X(INTER_INSERTION, "insertion", WORKER_READY)

#define WORKER_ENUM_ROW(symbol, word, built) WORKER_##symbol,

enum worker_data_set {
    WORKER_DATA_SETS(WORKER_ENUM_ROW)
};
enum worker_domino_set {
    WORKER_DOMINO_SETS(WORKER_ENUM_ROW)
};
enum worker_normalize {
    WORKER_NORMALIZES(WORKER_ENUM_ROW)
};
enum worker_augment {
    WORKER_AUGMENTS(WORKER_ENUM_ROW)
};
enum worker_on_decode_error {
    WORKER_ON_DECODE_ERRORS(WORKER_ENUM_ROW)
};
enum worker_arch {
    WORKER_ARCHS(WORKER_ENUM_ROW)
};
enum worker_stem {
    WORKER_STEMS(WORKER_ENUM_ROW)
};
enum worker_optimizer {
    WORKER_OPTIMIZERS(WORKER_ENUM_ROW)
};
enum worker_schedule {
    WORKER_SCHEDULES(WORKER_ENUM_ROW)
};
enum worker_strategy {
    WORKER_STRATEGIES(WORKER_ENUM_ROW)
};
enum {
    WORKER_MIXES = WORKER_MIX_CHOICES /* strategies; `choices` is none of its own */
};
enum worker_mix_layer {
    WORKER_LAYERS(WORKER_ENUM_ROW) WORKER_MIX_LAYERS /* how many */
};
enum worker_label_rule {
    WORKER_LABEL_RULES(WORKER_ENUM_ROW)
};
enum worker_granularity {
    WORKER_GRANULARITIES(WORKER_ENUM_ROW)
};
enum worker_mix_weight {
    WORKER_MIX_WEIGHTS(WORKER_ENUM_ROW)
};
enum worker_head_method {
    WORKER_HEADS(WORKER_ENUM_ROW) WORKER_HEAD_METHODS /* how many */
};
enum worker_precision {
    WORKER_PRECISIONS(WORKER_ENUM_ROW)
};
enum worker_net_precision {
    WORKER_NET_PRECISIONS(WORKER_ENUM_ROW)
};
enum worker_hard_split {
    WORKER_HARD_SPLITS(WORKER_ENUM_ROW)
};
enum worker_hsfm_form {
    WORKER_HSFM_FORMS(WORKER_ENUM_ROW)
};
enum worker_afr_split {
    WORKER_AFR_SPLITS(WORKER_ENUM_ROW)
};

enum worker_attribution {
    WORKER_ATTRIBUTIONS(WORKER_ENUM_ROW) WORKER_MAPS /* how many */
};
enum worker_target {
    WORKER_TARGETS(WORKER_ENUM_ROW)
};
enum worker_fill {
    WORKER_FILL_WORDS(WORKER_ENUM_ROW) WORKER_FILLS /* how many */
};
enum worker_rank {
    WORKER_RANK_WORDS(WORKER_ENUM_ROW)
};
enum worker_ties {
    WORKER_TIES_WORDS(WORKER_ENUM_ROW)
};
enum worker_protocol {
    WORKER_PROTOCOL_WORDS(WORKER_ENUM_ROW)
};
enum worker_inter_curve {
    WORKER_INTER_CURVES(WORKER_ENUM_ROW)
};

/* The lists, each ended by a row whose word is NULL; index = enum value. */
extern const struct worker_choice worker_data_sets[];
extern const struct worker_choice worker_domino_sets[];
extern const struct worker_choice worker_normalizes[];
extern const struct worker_choice worker_augments[];
extern const struct worker_choice worker_on_decode_errors[];
extern const struct worker_choice worker_archs[];
extern const struct worker_choice worker_stems[];
extern const struct worker_choice worker_optimizers[];
extern const struct worker_choice worker_schedules[];
extern const struct worker_choice worker_strategies[];
extern const struct worker_choice worker_layers[];
extern const struct worker_choice worker_label_rules[];
extern const struct worker_choice worker_granularities[];
extern const struct worker_choice worker_mix_weights[];
extern const struct worker_choice worker_heads[];
extern const struct worker_choice worker_attributions[];
extern const struct worker_choice worker_targets[];
extern const struct worker_choice worker_fills[];
extern const struct worker_choice worker_ranks[];
extern const struct worker_choice worker_ties[];
extern const struct worker_choice worker_protocols[];
extern const struct worker_choice worker_inter_curves[];
extern const struct worker_choice worker_precisions[];
extern const struct worker_choice worker_net_precisions[];
extern const struct worker_choice worker_hard_splits[];
extern const struct worker_choice worker_hsfm_forms[];
extern const struct worker_choice worker_afr_splits[];

#ifdef __cplusplus
}
#endif

#endif
