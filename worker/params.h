/* params.h - everything that determines what a stage computes.
 *
 * A plain struct without pointers: it can be copied, compared field by field
 * and sent. One list of fields makes the struct, its message and the offsets
 * that the table of configuration keys uses (key "mix.alpha" is field
 * mix_alpha). A parameter that a stage does not use holds its default.
 */
#ifndef MX_WORKER_PARAMS_H
#define MX_WORKER_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_PATH_SIZE = 4096, /* bytes, with the NUL */
    WORKER_LIST_ROOM = 16,
};

/* A few numbers, or words as the numbers of an enum of worker/choices.h. */
struct worker_list {
    uint32_t count;
    double   items[WORKER_LIST_ROOM];
};

/* REAL: double. INT: int64_t. BOOL: bool. CHOICE: unsigned, an enum of
 * worker/choices.h. PATH: char[WORKER_PATH_SIZE], absolute, "" if none. LIST:
 * struct worker_list. SET: uint64_t, whose bit k stands for value k of an enum. */
#define WORKER_PARAMS(REAL, INT, BOOL, CHOICE, PATH, LIST, SET)                                    \
    CHOICE(device) /* enum worker_device: the executor's, not a key's */                           \
    CHOICE(data_set)                                                                               \
    PATH(data_path)                                                                                \
    INT(data_size)        /* pixels a side; 0 = native */                                          \
    INT(data_channels)    /* 0 = native */                                                         \
    INT(data_train_limit) /* images; 0 = all */                                                    \
    INT(data_test_limit)                                                                           \
    REAL(data_val_fraction)                                                                        \
    REAL(data_test_fraction) /* of a set without a test part */                                    \
    CHOICE(data_normalize)                                                                         \
    CHOICE(data_augment)                                                                           \
    LIST(data_random_resized_crop_scale) /* smallest and largest share of the image's area */      \
    LIST(data_random_resized_crop_ratio) /* and width / height */                                  \
    INT(data_random_resized_crop_side)   /* pixels; 0 = twice data.size */                         \
    REAL(data_jitter_brightness)         /* see worker/augment.h */                                \
    REAL(data_jitter_contrast)                                                                     \
    REAL(data_jitter_saturation)                                                                   \
    REAL(data_jitter_hue)                                                                          \
    CHOICE(data_on_decode_error)                                                                   \
    REAL(data_spurious_rate) /* share of training images whose attribute agrees */                 \
    LIST(data_mask_values)   /* grey levels that mean object; none: all but 0 */                   \
    INT(data_synthetic_n)    /* training images; test has a quarter, at least one a class */       \
    INT(data_synthetic_classes)                                                                    \
    REAL(data_synthetic_noise) /* standard deviation in grey levels / 255 */                       \
    CHOICE(data_dominoes_top)  /* enum worker_domino_set */                                        \
    CHOICE(data_dominoes_bottom)                                                                   \
    PATH(data_dominoes_top_path)                                                                   \
    PATH(data_dominoes_bottom_path)                                                                \
    LIST(data_dominoes_top_classes)    /* in attribute order */                                    \
    LIST(data_dominoes_bottom_classes) /* in label order */                                        \
    CHOICE(model_arch)                                                                             \
    CHOICE(model_stem)                                                                             \
    PATH(model_weights)                                                                            \
    INT(train_epochs)                                                                              \
    INT(train_batch_size)                                                                          \
    CHOICE(train_optimizer)                                                                        \
    REAL(train_lr)                                                                                 \
    REAL(train_momentum)                                                                           \
    BOOL(train_nesterov)                                                                           \
    REAL(train_weight_decay)                                                                       \
    BOOL(train_decay_norm_and_bias)                                                                \
    CHOICE(train_schedule)                                                                         \
    INT(train_step_epochs)                                                                         \
    LIST(train_milestones) /* epochs, rising */                                                    \
    REAL(train_gamma)                                                                              \
    REAL(train_warmup_epochs)                                                                      \
    REAL(train_label_smoothing)                                                                    \
    REAL(train_clip_norm)   /* 0 = off */                                                          \
    REAL(train_ema)         /* decay of the moving average; 0 = off */                             \
    CHOICE(train_precision) /* enum worker_net_precision */                                        \
    INT(train_threads)                                                                             \
    BOOL(train_deterministic)                                                                      \
    CHOICE(mix_strategy)                                                                           \
    REAL(mix_alpha)                                                                                \
    REAL(mix_prob)                                                                                 \
    CHOICE(mix_labels)                                                                             \
    CHOICE(mix_granularity)                                                                        \
    CHOICE(mix_weight)                                                                             \
    INT(mix_size)   /* cutout: side in pixels; 0 = half the image's side */                        \
    INT(mix_cells)  /* gridmix: cells a side */                                                    \
    LIST(mix_scale) /* resizemix: smallest and largest side of the patch, of the image's */        \
    REAL(mix_decay) /* fmix: power by which frequencies are damped */                              \
    REAL(mix_beta)  /* puzzlemix, see worker/puzzle.h */                                           \
    REAL(mix_gamma)                                                                                \
    REAL(mix_eta)                                                                                  \
    REAL(mix_transport_cost)                                                                       \
    LIST(mix_layers) /* manifold_mixup: enum worker_mix_layer */                                   \
    LIST(mix_choices)                                                                              \
    INT(mix_off_epochs)                                                                            \
    INT(mix_ramp_epochs)                                                                           \
    CHOICE(head_method)                                                                            \
    CHOICE(head_precision)                                                                         \
    INT(head_hsfm_support_per_class)                                                               \
    INT(head_hsfm_inner_steps)                                                                     \
    REAL(head_hsfm_inner_lr)                                                                       \
    REAL(head_hsfm_outer_lr)                                                                       \
    INT(head_hsfm_edit_steps)                                                                      \
    INT(head_hsfm_hard_per_class)                                                                  \
    INT(head_hsfm_epochs)                                                                          \
    REAL(head_hsfm_grad_clip)                                                                      \
    PATH(head_hsfm_support_indices)                                                                \
    CHOICE(head_hsfm_hard_split)                                                                   \
    CHOICE(head_hsfm_form)                                                                         \
    LIST(head_llr_C)                                                                               \
    LIST(head_dfr_C)                                                                               \
    INT(head_dfr_subsets)                                                                          \
    INT(head_jtt_head_steps)                                                                       \
    REAL(head_jtt_head_upweight)                                                                   \
    REAL(head_jtt_head_lr)                                                                         \
    REAL(head_group_dro_lr)                                                                        \
    REAL(head_group_dro_group_lr)                                                                  \
    REAL(head_group_dro_l2)                                                                        \
    INT(head_group_dro_epochs)                                                                     \
    LIST(head_subg_C)                                                                              \
    CHOICE(head_afr_split)                                                                         \
    REAL(head_afr_gamma)                                                                           \
    REAL(head_afr_reg)                                                                             \
    REAL(head_afr_lr)                                                                              \
    INT(head_afr_epochs)                                                                           \
    REAL(head_feature_mixup_alpha)                                                                 \
    INT(head_feature_mixup_epochs)                                                                 \
    REAL(head_feature_mixup_lr)                                                                    \
    INT(score_bootstrap) /* resamples; 0 = no intervals */                                         \
    LIST(score_attributions)                                                                       \
    INT(score_images)                                                                              \
    CHOICE(score_target)                                                                           \
    INT(score_smoothgrad_samples)                                                                  \
    REAL(score_smoothgrad_sigma)                                                                   \
    INT(score_integrated_gradients_points)                                                         \
    INT(score_rise_masks)      /* 0 = by the image's size */                                       \
    INT(score_occlusion_patch) /* pixels; 0 = by the image's size */                               \
    SET(score_metrics)         /* enum worker_score (worker/map_scores.h) */                       \
    INT(score_steps)                                                                               \
    LIST(score_fills)                                                                              \
    CHOICE(score_rank)                                                                             \
    CHOICE(score_ties)                                                                             \
    CHOICE(score_protocol)                                                                         \
    INT(score_inter_model_images)                                                                  \
    LIST(score_inter_model_curves) /* deletion, insertion: enum worker_inter_curve */              \
    REAL(score_inter_model_min_accuracy)

#define WORKER_FIELD_REAL(name)   double name;
#define WORKER_FIELD_INT(name)    int64_t name;
#define WORKER_FIELD_BOOL(name)   bool name;
#define WORKER_FIELD_CHOICE(name) unsigned name;
#define WORKER_FIELD_PATH(name)   char name[WORKER_PATH_SIZE];
#define WORKER_FIELD_LIST(name)   struct worker_list name;
#define WORKER_FIELD_SET(name)    uint64_t name;

struct worker_params {
    WORKER_PARAMS(WORKER_FIELD_REAL, WORKER_FIELD_INT, WORKER_FIELD_BOOL, WORKER_FIELD_CHOICE,
                  WORKER_FIELD_PATH, WORKER_FIELD_LIST, WORKER_FIELD_SET)
};

#define WORKER_FIELD_NUMBER(name) WORKER_PARAM_##name,

/* A number for each field. */
enum worker_param {
    WORKER_PARAMS(WORKER_FIELD_NUMBER, WORKER_FIELD_NUMBER, WORKER_FIELD_NUMBER,
                  WORKER_FIELD_NUMBER, WORKER_FIELD_NUMBER, WORKER_FIELD_NUMBER,
                  WORKER_FIELD_NUMBER)
    WORKER_PARAM_COUNT
};

/* A set of fields. A zeroed one is empty. */
struct worker_param_set {
    uint64_t bits[(WORKER_PARAM_COUNT + 63) / 64];
};

static inline void worker_param_add(struct worker_param_set *set, enum worker_param field)
{
    set->bits[field / 64] |= UINT64_C(1) << field % 64;
}

static inline bool worker_param_has(const struct worker_param_set *set, enum worker_param field)
{
    return set->bits[field / 64] >> field % 64 & 1u;
}

/* Append every field to a message, and take them back in the same order. */
void worker_params_put(struct mx_buf *out, const struct worker_params *params);
void worker_params_take(struct mx_wire *wire, struct worker_params *params);

#ifdef __cplusplus
}
#endif

#endif
