/* small_training.h - a training of a real network that takes a quarter of a second. */
#ifndef MX_TESTS_SMALL_TRAINING_H
#define MX_TESTS_SMALL_TRAINING_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "worker/choices.h"
#include "worker/stage.h"

/* A job with files in `where`, or without any for "": to be freed. */
static inline struct worker_job *small_training(const char *where)
{
    struct worker_job *job = calloc(1, sizeof *job);

    cr_assert_not_null(job);
    job->kind = WORKER_STAGE_TRAIN;
    job->seed = 7;
    job->keep_weights = true;
    snprintf(job->key, sizeof job->key, "%s", "0123456789abcdef0123456789abcdef");
    snprintf(job->folder, sizeof job->folder, "%s", where);
    job->params = (struct worker_params){
        .data_set = WORKER_DATA_SYNTHETIC,
        .data_size = 8,
        .data_channels = 1,
        .data_val_fraction = 0.2,
        .data_normalize = WORKER_NORMALIZE_DATASET,
        .data_augment = WORKER_AUGMENT_FLIP_CROP,
        .data_spurious_rate = 0.5,
        .data_synthetic_n = 99,
        .data_synthetic_classes = 3,
        .data_synthetic_noise = 0.05,
        .model_arch = WORKER_ARCH_RESNET8,
        .train_epochs = 3,
        .train_batch_size = 16,
        .train_lr = 0.05,
        .train_momentum = 0.9,
        .train_weight_decay = 5e-4,
        .train_decay_norm_and_bias = true,
        .train_schedule = WORKER_SCHEDULE_COSINE,
        .train_step_epochs = 30,
        .train_gamma = 0.1,
        .train_threads = 1,
        .train_deterministic = true,
        .mix_strategy = WORKER_MIX_CUTMIX,
        .mix_alpha = 1,
        .mix_prob = 0.5,
    };
    return job;
}

/* A file that a stage left, to be freed. */
static inline struct mx_buf small_training_file(const struct worker_job *job, const char *name)
{
    char         *path = mx_path_join(job->folder, name);
    struct mx_buf text = {0};
    struct mx_err err;

    cr_assert_eq(mx_file_read(path, 1 << 24, &text, &err), 0, "%s", err.text);
    free(path);
    return text;
}

#endif
