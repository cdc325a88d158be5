/* score_stages.h - a small network, its maps, and their scores, in a folder of their own. */
#ifndef MX_TESTS_SCORE_STAGES_H
#define MX_TESTS_SCORE_STAGES_H

#include "tests/unit/map_stages.h"
#include "worker/map_scores.h"

enum {
    IMAGES = 7, /* of map_stages.h */
    SIDE = 8,
    PIXELS = SIDE * SIDE,
    STEPS = 9, /* 8 pixels each, the last step repeated */
    CLASSES = 3
};

static const char scores_key[] = "33333333333333333333333333333333";

/* Everything that a naive score needs. */
struct world {
    struct worker_job       *job; /* of the scores stage, once begun */
    struct worker_cache     *cache;
    struct worker_dataset   *set;
    struct worker_net        net;
    struct worker_explainer *explainer;
    float                    images[IMAGES * PIXELS], maps[IMAGES * PIXELS];
};

static inline void begin(struct world *w, uint64_t scores, const enum worker_attribution *kinds,
                         uint32_t count)
{
    struct worker_result result;

    w->job = small_training("");
    w->cache = worker_cache_new();
    train(w->job, w->cache, WORKER_ARCH_RESNET8, kinds, count);
    result = run(w->job, w->cache);
    worker_result_free(&result);
    become(w->job, WORKER_STAGE_SCORES, scores_key);
    cr_assert_eq(worker_job_add_input(w->job, WORKER_STAGE_MAPS, maps_key, NULL), 0);
    w->job->params.score_metrics = scores;
    w->job->params.score_steps = STEPS;
    w->job->params.score_fills = (struct worker_list){1, {WORKER_FILL_ZERO}};
}

static inline void end(struct world *w)
{
    worker_explainer_free(w->explainer);
    worker_net_free(&w->net);
    worker_dataset_free(w->set);
    worker_cache_free(w->cache);
    worker_job_free(w->job);
    free(w->job);
}

static inline void file_of(const char *key, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s/%s", folder, key, name);
}

static inline float *read_rows(const char *name, uint64_t columns)
{
    const uint64_t     dims[] = {IMAGES, columns};
    struct worker_npy *file;
    float             *rows = malloc(IMAGES * columns * sizeof *rows);
    char               path[256];

    file_of(scores_key, name, path);
    file = worker_npy_open(path, NULL);
    cr_assert_not_null(file, "%s", name);
    cr_assert_eq(worker_npy_want(file, columns > 1 ? 2 : 1, dims, NULL), 0, "%s", name);
    cr_assert_eq(worker_npy_read_f32(file, 0, IMAGES, rows, NULL), 0);
    worker_npy_close(file);
    return rows;
}

#endif
