/* Concepts of a trained network, against plain loops over what its channels say of one image at a
 * time. */
#include "tests/unit/map_stages.h"
#include "worker/batch.h"
#include "worker/map_scores.h"
#include "worker/segments.h"

enum {
    IMAGES = 60,
    SIDE = 8,
    PIXELS = SIDE * SIDE,
    CONCEPTS = 256
};

static const char scores_key[] = "33333333333333333333333333333333";

TestSuite(score_concepts, .init = make_folder, .fini = remove_folder);

struct look {
    struct worker_channels  channels;
    float                  *values; /* (IMAGES, channels, height, width) */
    uint8_t                 concepts[IMAGES][PIXELS];
    struct worker_segments *segments;
    struct worker_dataset  *set;
};

/* What the channels say, by weights from the file, and what people see. */
static void look(const struct worker_job *job, struct look *l)
{
    struct worker_net        net;
    struct worker_tensor    *tensors;
    struct worker_explainer *explainer;
    struct worker_batch     *batch;
    size_t                   count, floats;
    char                     path[256];

    snprintf(path, sizeof path, "%s/%s/weights.safetensors", folder, train_key);
    l->set = worker_dataset_open(&job->params, job->seed, NULL);
    cr_assert(l->set && l->set->test.n >= IMAGES);
    cr_assert_eq(worker_net_build(&job->params, &l->set->shape, &net, NULL), 0);
    cr_assert_eq(worker_tensors_read(path, &tensors, &count, NULL), 0);
    explainer =
        worker_explainer_new(&net, tensors, count,
                             &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, 1, false}, NULL);
    cr_assert_eq(worker_explainer_channels(explainer, &l->channels, NULL), 0);
    floats = (size_t)l->channels.count * l->channels.height * l->channels.width;
    l->values = malloc(IMAGES * floats * sizeof *l->values);
    l->segments = worker_segments_open(&job->params, job->seed, l->set, NULL);
    batch = worker_batch_new(&job->params, &l->set->shape, 1, NULL);
    for (uint32_t i = 0; i < IMAGES; i++) {
        worker_batch_plain(batch, l->set, &l->set->test, i, 1);
        cr_assert_eq(
            worker_explain_channels(explainer, batch->images, 1, l->values + i * floats, NULL), 0);
        cr_assert_eq(worker_segments_read(l->segments, i, l->concepts[i], NULL), 1);
    }
    worker_batch_free(batch);
    worker_explainer_free(explainer);
    worker_tensors_free(tensors, count);
    worker_net_free(&net);
}

/* The best concept of a unit, and its IoU. */
static double best_of(const struct look *l, uint32_t unit, uint32_t *concept)
{
    const size_t area = (size_t)l->channels.height * l->channels.width;
    const int    all = (int)(IMAGES * area);
    float        threshold = INFINITY;
    int          both[CONCEPTS] = {0}, above = 0, there[CONCEPTS] = {0};
    double       best = 0;

#define VALUE(k) l->values[((k) / area * l->channels.count + unit) * area + (k) % area]
    for (int k = 0; k < all; k++) {
        int larger = 0;

        for (int q = 0; q < all; q++)
            larger += VALUE((size_t)q) > VALUE((size_t)k);
        if (larger * 200 <= all && VALUE((size_t)k) < threshold)
            threshold = VALUE((size_t)k);
    }
    for (size_t i = 0; i < IMAGES; i++) {
        float large[PIXELS];

        worker_map_resize(&VALUE(i * area), l->channels.height, l->channels.width, large, SIDE,
                          SIDE);
        for (int p = 0; p < PIXELS; p++) {
            above += large[p] > threshold;
            there[l->concepts[i][p]]++;
            both[l->concepts[i][p]] += large[p] > threshold;
        }
    }
#undef VALUE
    *concept = 0;
    for (uint32_t c = 1; c < CONCEPTS; c++)
        if (both[c] > 0 && (double)both[c] / (above + there[c] - both[c]) > best) {
            best = (double)both[c] / (above + there[c] - both[c]);
            *concept = c;
        }
    return best;
}

static struct worker_job *trained(struct worker_cache *cache)
{
    struct worker_job *job = small_training("");

    job->params.data_synthetic_n = 4 * IMAGES;
    train(job, cache, WORKER_ARCH_RESNET8, NULL, 0);
    become(job, WORKER_STAGE_SCORES, scores_key);
    job->params.score_images = IMAGES;
    job->params.score_steps = 4;
    job->params.score_metrics = WORKER_SCORE_BIT(CONCEPTS) | WORKER_SCORE_BIT(CONCEPT_UNITS);
    return job;
}

Test(score_concepts, are_those_of_one_image_at_a_time)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_job   *job = trained(cache);
    struct worker_result result = run(job, cache);
    struct mx_buf        text = small_training_file(job, "concepts.csv");
    const char          *line = strchr(text.data, '\n') + 1;
    struct look          l;
    bool                 seen[CONCEPTS] = {false};
    uint32_t             units = 0, concepts = 0;

    look(job, &l);
    cr_expect_eq(strncmp(text.data, "unit,concept,name,iou,threshold,detector\n", 41), 0);
    for (uint32_t u = 0; u < l.channels.count; u++) {
        uint32_t concept;
        const double iou = best_of(&l, u, &concept);
        const char  *name = worker_segments_name(l.segments, concept);
        char         due[128], *end;

        snprintf(due, sizeof due, "%u,%u,%s,", u, concept, name ? name : "");
        cr_expect_eq(strncmp(line, due, strlen(due)), 0, "unit %u: %s", u, due);
        cr_expect(fabs(strtod(line + strlen(due), &end) - iou) <= 1e-12);
        line = strchr(line, '\n') + 1;
        cr_expect_eq(line[-2], iou > 0.04 ? '1' : '0');
        units += iou > 0.04;
        concepts += iou > 0.04 && !seen[concept];
        seen[concept] |= iou > 0.04;
    }
    cr_expect_eq(*line, '\0');
    cr_expect(units > 0, "nothing was compared");
    cr_expect_eq(metric(&result, "test.concepts"), concepts);
    cr_expect_eq(metric(&result, "test.concept_units"), units);
    free(l.values);
    worker_segments_free(l.segments);
    worker_dataset_free(l.set);
    mx_buf_free(&text);
    worker_result_free(&result);
    worker_cache_free(cache);
    worker_job_free(job);
    free(job);
}

Test(score_concepts, are_numbers_alone_where_only_results_are_kept)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_job   *job = trained(cache);
    struct worker_result kept = run(job, cache), gone;
    char                 path[256];

    become(job, WORKER_STAGE_SCORES, "44444444444444444444444444444444");
    job->temporary = true;
    job->params.score_metrics = WORKER_SCORE_BIT(CONCEPTS);
    gone = run(job, cache);
    cr_expect_eq(gone.nmetrics, 1);
    cr_expect_eq(metric(&gone, "test.concepts"), metric(&kept, "test.concepts"));
    snprintf(path, sizeof path, "%s/44444444444444444444444444444444/concepts.csv", folder);
    cr_expect_not(mx_file_exists(path));
    worker_result_free(&kept);
    worker_result_free(&gone);
    worker_cache_free(cache);
    worker_job_free(job);
    free(job);
}
