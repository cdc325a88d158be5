/* tiny_job.h - a linear classifier on synthetic images: milliseconds an epoch. */
#ifndef MX_TESTS_TINY_JOB_H
#define MX_TESTS_TINY_JOB_H

#include "worker/choices.h"
#include "worker/stage.h"

static inline struct worker_job tiny_job(int64_t epochs)
{
    struct worker_job job = {.kind = WORKER_STAGE_TRAIN, .seed = 1};

    job.params.data_set = WORKER_DATA_SYNTHETIC;
    job.params.data_size = 8;
    job.params.data_channels = 1;
    job.params.data_synthetic_n = 64;
    job.params.data_synthetic_classes = 2;
    job.params.data_val_fraction = 0.25;
    job.params.data_spurious_rate = 0.5;
    job.params.model_arch = WORKER_ARCH_LINEAR;
    job.params.train_epochs = epochs;
    job.params.train_batch_size = 16;
    job.params.train_lr = 0.01;
    job.params.train_threads = 1;
    job.params.mix_prob = 1;
    job.params.mix_alpha = 1;
    return job;
}

#endif
