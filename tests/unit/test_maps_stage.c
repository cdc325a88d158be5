/* A training, and the maps of its network. */
#include "tests/unit/map_stages.h"

TestSuite(maps_stage, .init = make_folder, .fini = remove_folder);

static bool is_there(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s/%s", folder, maps_key, name);
    return mx_file_exists(path);
}

/* The maps of a file; their height and width. */
static float *maps_of(const char *name, uint64_t n, uint64_t *height, uint64_t *width)
{
    const struct worker_npy_shape *shape;
    struct worker_npy             *file;
    struct mx_err                  err;
    float                         *maps;
    char                           path[256];

    snprintf(path, sizeof path, "%s/%s/%s", folder, maps_key, name);
    file = worker_npy_open(path, &err);
    cr_assert_not_null(file, "%s", err.text);
    shape = worker_npy_shape(file);
    cr_assert(shape->ndims == 3 && shape->dims[0] == n && shape->type == WORKER_NPY_F32);
    *height = shape->dims[1];
    *width = shape->dims[2];
    maps = malloc(n * shape->row * sizeof *maps);
    cr_assert_eq(worker_npy_read_f32(file, 0, n, maps, NULL), 0);
    worker_npy_close(file);
    return maps;
}

Test(maps_stage, leaves_the_maps_asked_for_and_the_controls)
{
    static const enum worker_attribution kinds[] = {
        WORKER_MAP_GRADCAM, WORKER_MAP_INTEGRATED_GRADIENTS, WORKER_MAP_LAYER_RELEVANCE};
    struct worker_job   *job = small_training("");
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result;
    struct mx_buf        text = {0};
    uint64_t             height, width;
    float               *maps;
    char                 path[256];

    train(job, cache, WORKER_ARCH_RESNET8, kinds, 3);
    result = run(job, cache);
    cr_expect(is_there("gradcam.npy") && is_there("integrated_gradients.npy") &&
              is_there("layer_relevance.npy") && is_there("random.npy") && is_there("centre.npy") &&
              is_there("stage.json"));
    cr_expect_not(is_there("gradient.npy"));
    maps = maps_of("centre.npy", 7, &height, &width);
    for (size_t k = 0; k < height * width; k++)
        cr_expect_eq(maps[k], maps[6 * height * width + k]);
    free(maps);
    cr_expect_eq(metric(&result, "test.all_zero_maps.random"), 0);
    cr_expect(metric(&result, "test.completeness_median.integrated_gradients") <=
              metric(&result, "test.completeness_p95.integrated_gradients"));
    cr_expect(isfinite(metric(&result, "test.relevance_sum.layer_relevance")));
    snprintf(path, sizeof path, "%s/%s/images.csv", folder, maps_key);
    cr_assert_eq(mx_file_read(path, 4096, &text, NULL), 0);
    cr_expect(strncmp(mx_buf_str(&text), "row,file,label,predicted,correct,all_zero\n0,,", 45) == 0,
              "%s", mx_buf_str(&text));
    mx_buf_free(&text);
    worker_result_free(&result);
    worker_cache_free(cache);
    worker_job_free(job);
    free(job);
}

Test(maps_stage, says_what_a_network_cannot_carry_and_goes_on)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADCAM, WORKER_MAP_GRADIENT};
    struct worker_job                   *job = small_training("");
    struct worker_cache                 *cache = worker_cache_new();
    struct worker_result                 result;

    train(job, cache, WORKER_ARCH_LINEAR, kinds, 2);
    result = run(job, cache);
    cr_expect(is_there("gradient.npy") && !is_there("gradcam.npy"));
    cr_expect(strstr(notes,
                     "left out: gradcam needs a layer of channels before the classifier, and "
                     "this network has none (take gradient or integrated_gradients)"),
              "%s", notes);
    cr_expect(isnan(metric(&result, "test.all_zero_maps.gradcam")));
    worker_result_free(&result);
    worker_cache_free(cache);
    worker_job_free(job);
    free(job);
}

/* Of a linear network the gradient is the weights of the class: maps of two images are
 * alike exactly if their targets are. */
Test(maps_stage, explains_the_label_or_the_prediction)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADIENT};
    struct worker_job                   *job = small_training("");
    struct worker_cache                 *cache = worker_cache_new();
    struct mx_buf                        text = {0};
    uint64_t                             height, width;
    char                                 path[256];

    train(job, cache, WORKER_ARCH_LINEAR, kinds, 1);
    snprintf(path, sizeof path, "%s/%s/images.csv", folder, maps_key);
    for (int way = 0; way < 2; way++) {
        struct worker_result result;
        unsigned             labels[7], predicted[7];
        const unsigned      *targets = way ? predicted : labels;
        const char          *line;
        float               *maps;

        job->params.score_target = way ? WORKER_TARGET_PREDICTED : WORKER_TARGET_LABEL;
        result = run(job, cache);
        worker_result_free(&result);
        cr_assert_eq(mx_file_read(path, 4096, &text, NULL), 0);
        line = strchr(mx_buf_str(&text), '\n');
        for (int i = 0; i < 7; i++, line = strchr(line + 1, '\n'))
            cr_assert_eq(sscanf(line + 1, "%*u,,%u,%u", &labels[i], &predicted[i]), 2);
        maps = maps_of("gradient.npy", 7, &height, &width);
        for (int i = 1; i < 7; i++)
            cr_expect_eq(
                memcmp(maps, maps + (size_t)i * height * width, height * width * sizeof *maps) == 0,
                targets[i] == targets[0]);
        free(maps);
    }
    mx_buf_free(&text);
    worker_cache_free(cache);
    worker_job_free(job);
    free(job);
}
