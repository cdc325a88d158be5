/* cache.c - what an executor keeps between stages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/stage_parts.h"

/* The last data set and the last features: consecutive stages of a sweep mostly
 * share them. */
struct worker_cache {
    struct worker_dataset  *set;
    struct worker_params    params;
    uint64_t                seed;
    struct worker_features *features;
    char                   *folder; /* that they were read from */
    uint64_t                train_limit, test_limit;
    uint64_t                reads;

    struct worker_resamples *resamples;
};

struct worker_cache *worker_cache_new(void)
{
    return calloc(1, sizeof(struct worker_cache));
}

void worker_cache_free(struct worker_cache *cache)
{
    if (!cache)
        return;
    worker_dataset_free(cache->set);
    worker_features_free(cache->features);
    worker_resamples_free(cache->resamples);
    free(cache->folder);
    free(cache);
}

const struct worker_dataset *worker_cache_dataset(struct worker_cache          *cache,
                                                  const struct worker_job      *job,
                                                  const struct worker_progress *progress,
                                                  struct mx_err                *err)
{
    if (cache->set && worker_dataset_same(&cache->params, cache->seed, &job->params, job->seed))
        return cache->set;
    worker_dataset_free(cache->set); /* first, so that both are never in memory */
    cache->set = worker_dataset_open_told(&job->params, job->seed, progress, err);
    cache->params = job->params;
    cache->seed = job->seed;
    return cache->set;
}

/* Features of a stage are whole as they are; limits are those of files. */
const struct worker_features *
worker_cache_features(struct worker_cache *cache, const struct worker_job *job, struct mx_err *err)
{
    const bool     of_stage = worker_job_has_input(job, WORKER_STAGE_FEATURES);
    const uint64_t train = of_stage ? 0 : (uint64_t)job->params.data_train_limit;
    const uint64_t test = of_stage ? 0 : (uint64_t)job->params.data_test_limit;
    char          *folder = of_stage ? worker_job_input_path(job, WORKER_STAGE_FEATURES, "")
                                     : strdup(job->params.data_path);

    if (!folder) {
        mx_fail(err, MX_ENOMEM, "no memory to find features");
        return NULL;
    }
    if (cache->features && strcmp(cache->folder, folder) == 0 && cache->train_limit == train &&
        cache->test_limit == test && cache->features->precision == job->params.head_precision) {
        free(folder);
        return cache->features;
    }
    worker_features_free(cache->features); /* first, so that both are never in memory */
    free(cache->folder);
    cache->features = worker_features_read(
        folder, (enum worker_precision)job->params.head_precision, train, test, err);
    cache->folder = folder;
    cache->train_limit = train;
    cache->test_limit = test;
    cache->reads++;
    return cache->features;
}

struct worker_resamples *worker_cache_resamples(struct worker_cache *cache)
{
    if (!cache->resamples)
        cache->resamples = worker_resamples_new();
    return cache->resamples;
}

uint64_t worker_cache_feature_reads(const struct worker_cache *cache)
{
    return cache->reads;
}
