#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "worker/choices.h"
#include "worker/device.h"
#include "worker/map_scores.h"
#include "worker/stage_parts.h"

enum {
    KEY_SIZE = 64
};

/* Beginnings of fields whose keys have a level more: what stands behind is one word. */
static const char *const deeper[] = {
    "data_random_resized_crop_",
    "data_jitter_",
    "data_synthetic_",
    "data_dominoes_",
    "head_hsfm_",
    "head_llr_",
    "head_dfr_",
    "head_jtt_head_",
    "head_group_dro_",
    "head_subg_",
    "head_afr_",
    "head_feature_mixup_",
    "score_smoothgrad_",
    "score_integrated_gradients_",
    "score_rise_",
    "score_occlusion_",
    "score_inter_model_",
};

/* The configuration key of a field: mix_alpha is mix.alpha, head_dfr_C head.dfr.C. */
static const char *key_of(const char *field, char key[KEY_SIZE])
{
    memcpy(key, field, strlen(field) + 1);
    key[strcspn(key, "_")] = '.';
    for (size_t i = 0; i < sizeof deeper / sizeof deeper[0]; i++)
        if (strncmp(field, deeper[i], strlen(deeper[i])) == 0)
            key[strlen(deeper[i]) - 1] = '.';
    return key;
}

/* The words of each field that is a choice. */
#define device_words                   worker_devices
#define data_set_words                 worker_data_sets
#define data_normalize_words           worker_normalizes
#define data_augment_words             worker_augments
#define data_on_decode_error_words     worker_on_decode_errors
#define model_arch_words               worker_archs
#define model_stem_words               worker_stems
#define train_optimizer_words          worker_optimizers
#define train_schedule_words           worker_schedules
#define train_precision_words          worker_net_precisions
#define mix_strategy_words             worker_strategies
#define mix_labels_words               worker_label_rules
#define mix_granularity_words          worker_granularities
#define mix_weight_words               worker_mix_weights
#define head_method_words              worker_heads
#define head_precision_words           worker_precisions
#define head_hsfm_hard_split_words     worker_hard_splits
#define head_hsfm_form_words           worker_hsfm_forms
#define head_afr_split_words           worker_afr_splits
#define head_llr_C_words               NULL
#define head_dfr_C_words               NULL
#define head_subg_C_words              NULL
#define mix_scale_words                NULL
#define train_milestones_words         NULL
#define mix_layers_words               worker_layers
#define mix_choices_words              worker_strategies
#define score_attributions_words       worker_attributions
#define score_target_words             worker_targets
#define score_inter_model_curves_words worker_inter_curves
#define score_fills_words              worker_fills
#define score_rank_words               worker_ranks
#define score_ties_words               worker_ties
#define score_protocol_words           worker_protocols

#define data_dominoes_top_words            worker_domino_sets
#define data_dominoes_bottom_words         worker_domino_sets
#define data_dominoes_top_classes_words    NULL
#define data_dominoes_bottom_classes_words NULL
#define data_mask_values_words             NULL

#define data_random_resized_crop_scale_words NULL
#define data_random_resized_crop_ratio_words NULL

#define IF_USED(name, put)                                                                         \
    if (worker_param_has(used, WORKER_PARAM_##name))                                               \
        put;
#define JSON_REAL(name) IF_USED(name, mx_json_real(json, key_of(#name, key), params->name))
#define JSON_INT(name)  IF_USED(name, mx_json_int(json, key_of(#name, key), params->name))
#define JSON_BOOL(name) IF_USED(name, mx_json_bool(json, key_of(#name, key), params->name))
#define JSON_CHOICE(name)                                                                          \
    IF_USED(name, mx_json_text(json, key_of(#name, key), name##_words[params->name].word))
#define JSON_PATH(name) IF_USED(name, mx_json_text(json, key_of(#name, key), params->name))
#define JSON_LIST(name)                                                                            \
    IF_USED(name, put_list(json, key_of(#name, key), &params->name, name##_words))
#define JSON_SET(name) IF_USED(name, put_scores(json, key_of(#name, key), params->name))

/* words NULL: a list of numbers. */
static void put_list(struct mx_json *json, const char *key, const struct worker_list *list,
                     const struct worker_choice *words)
{
    mx_json_array(json, key);
    for (uint32_t i = 0; i < list->count; i++)
        if (words)
            mx_json_text(json, NULL, words[(size_t)list->items[i]].word);
        else
            mx_json_real(json, NULL, list->items[i]);
    mx_json_end_array(json);
}

static void put_scores(struct mx_json *json, const char *key, uint64_t scores)
{
    mx_json_array(json, key);
    for (unsigned k = 0; worker_map_scores[k].word; k++)
        if (scores >> k & 1u)
            mx_json_text(json, NULL, worker_map_scores[k].word);
    mx_json_end_array(json);
}

void worker_params_json(struct mx_json *json, const struct worker_params *params,
                        const struct worker_param_set *used)
{
    char key[KEY_SIZE];

    mx_json_object(json, "parameters");
    WORKER_PARAMS(JSON_REAL, JSON_INT, JSON_BOOL, JSON_CHOICE, JSON_PATH, JSON_LIST, JSON_SET)
    mx_json_end_object(json);
}

static int put_file(struct mx_json *json, const char *folder, const struct worker_stage_file *file,
                    struct mx_err *err)
{
    char    *path = mx_path_join(folder, file->name), hex[MX_HASH64_HEX];
    uint64_t bytes, hash;
    int      failed;

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory to describe %s", file->name);
    failed = mx_hash_file(path, &bytes, &hash, err);
    free(path);
    if (failed)
        return -1;
    mx_json_object(json, NULL);
    mx_json_text(json, "name", file->name);
    mx_json_uint(json, "bytes", bytes);
    mx_json_text(json, "xxh3", mx_hash64_hex(hash, hex));
    mx_json_text(json, "dtype", file->dtype);
    if (file->dtype) {
        mx_json_array(json, "shape");
        for (uint32_t d = 0; d < file->ndims; d++)
            mx_json_uint(json, NULL, file->dims[d]);
        mx_json_end_array(json);
    } else {
        mx_json_null(json, "shape");
    }
    mx_json_end_object(json);
    return 0;
}

static void put_choices(struct mx_json *json, const struct worker_stage_choice *choices, size_t n)
{
    if (n == 0)
        return;
    mx_json_object(json, "chosen");
    for (size_t k = 0; k < n; k++)
        if (choices[k].word)
            mx_json_text(json, choices[k].key, choices[k].word);
        else
            mx_json_real(json, choices[k].key, choices[k].number);
    mx_json_end_object(json);
}

int worker_stage_write_record(const struct worker_job *job, const struct worker_stage_file *files,
                              size_t nfiles, struct mx_err *err)
{
    return worker_stage_write_choices(job, files, nfiles, NULL, 0, err);
}

int worker_stage_write_choices(const struct worker_job *job, const struct worker_stage_file *files,
                               size_t nfiles, const struct worker_stage_choice *choices,
                               size_t nchoices, struct mx_err *err)
{
    struct mx_buf  text = {0};
    struct mx_json json = {&text, false};
    char          *path = mx_path_join(job->folder, "stage.json");
    int            result = -1;

    mx_json_object(&json, NULL);
    mx_json_text(&json, "kind", worker_kinds[job->kind].word);
    mx_json_text(&json, "key", job->key);
    mx_json_uint(&json, "seed", job->seed);
    mx_json_uint(&json, "repeat", job->repeat);
    mx_json_array(&json, "inputs");
    for (uint32_t i = 0; i < job->ninputs; i++)
        mx_json_text(&json, NULL, job->inputs[i].key);
    mx_json_end_array(&json);
    worker_params_json(&json, &job->params, &job->used);
    put_choices(&json, choices, nchoices);
    mx_json_uint(&json, "engine", worker_kinds[job->kind].engine);
    mx_json_text(&json, "device", worker_devices[job->params.device].word);
    mx_json_array(&json, "files");
    for (size_t f = 0; f < nfiles; f++)
        if (put_file(&json, job->folder, &files[f], err))
            goto done;
    mx_json_end_array(&json);
    mx_json_end_object(&json);
    mx_buf_text(&text, "\n");
    if (path && mx_buf_ok(&text))
        result = mx_file_write(path, text.data, text.len, err);
    else
        mx_fail(err, MX_ENOMEM, "no memory for the record of a stage");

done:
    free(path);
    mx_buf_free(&text);
    return result;
}
