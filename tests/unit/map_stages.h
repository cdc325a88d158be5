/* map_stages.h - a training of a small network, and stages behind it, in a folder of their own. */
#ifndef MX_TESTS_MAP_STAGES_H
#define MX_TESTS_MAP_STAGES_H

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/small_training.h"
#include "worker/explain.h"
#include "worker/npy.h"

static char folder[] = "/tmp/mx_maps_XXXXXX";
static char notes[1024];

static const char train_key[] = "11111111111111111111111111111111";
static const char maps_key[] = "22222222222222222222222222222222";

static inline void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static inline void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

static inline void note(void *user, const char *text)
{
    (void)user;
    strncat(notes, text, sizeof notes - strlen(notes) - 1);
}

static inline struct worker_result run(struct worker_job *job, struct worker_cache *cache)
{
    const struct worker_progress progress = {.note = note};
    struct worker_result         result = {0};
    struct mx_err                err = {.text = ""};

    cr_assert_eq(worker_stage_run(job, cache, &progress, &result, &err), 0, "%s", err.text);
    return result;
}

static inline void become(struct worker_job *job, enum worker_kind kind, const char *key)
{
    job->kind = kind;
    snprintf(job->stages, sizeof job->stages, "%s", folder);
    snprintf(job->key, sizeof job->key, "%s", key);
    snprintf(job->folder, sizeof job->folder, "%s/%s", folder, key);
    cr_assert_eq(mx_dir_make(job->folder, NULL), 0);
}

/* A training, then a job for maps of these kinds. */
static inline void train(struct worker_job *job, struct worker_cache *cache, unsigned arch,
                         const enum worker_attribution *kinds, uint32_t count)
{
    struct worker_result trained;

    job->params.model_arch = arch;
    become(job, WORKER_STAGE_TRAIN, train_key);
    trained = run(job, cache);
    worker_result_free(&trained);
    become(job, WORKER_STAGE_MAPS, maps_key);
    cr_assert_eq(worker_job_add_input(job, WORKER_STAGE_TRAIN, train_key, NULL), 0);
    job->params.score_images = 7;
    job->params.score_integrated_gradients_points = 4;
    job->params.score_smoothgrad_samples = 2;
    job->params.score_smoothgrad_sigma = 0.15;
    job->params.score_rise_masks = 5;
    job->params.score_attributions.count = count;
    for (uint32_t k = 0; k < count; k++)
        job->params.score_attributions.items[k] = kinds[k];
}

static inline double metric(const struct worker_result *result, const char *name)
{
    for (size_t i = 0; i < result->nmetrics; i++)
        if (strcmp(result->metrics[i].name, name) == 0)
            return result->metrics[i].value;
    return NAN;
}

#endif
