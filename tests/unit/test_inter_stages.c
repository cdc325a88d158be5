/* Networks, their maps, and the stages that compare them. */
#include <criterion/criterion.h>

#include "tests/unit/map_stages.h"
#include "worker/inter_parts.h"

TestSuite(inter_stages, .init = make_folder, .fini = remove_folder);

enum {
    MODELS = 4,
    SEEN = 40 /* images */
};

static const unsigned archs[MODELS] = {WORKER_ARCH_RESNET8, WORKER_ARCH_RESNET8, WORKER_ARCH_LINEAR,
                                       WORKER_ARCH_RESNET8};

/* "00..KIND..NUMBER" */
static const char *key_of(enum worker_kind kind, unsigned model, char key[33])
{
    snprintf(key, 33, "%016x%016x", (unsigned)kind + 1, model);
    return key;
}

static void next(struct worker_job *job, enum worker_kind kind, unsigned model)
{
    char key[33];

    job->ninputs = 0;
    job->repeat = model;
    become(job, kind, key_of(kind, model, key));
}

static void add_input(struct worker_job *job, enum worker_kind kind, unsigned model)
{
    struct worker_input *input;
    char                 key[33];

    cr_assert_eq(worker_job_add_input(job, kind, key_of(kind, model, key), NULL), 0);
    input = &job->inputs[job->ninputs - 1];
    snprintf(input->name, sizeof input->name, "%016x.r%u", model / 2, model);
    input->repeat = model;
}

static void add_maps(struct worker_job *job, int failed)
{
    for (unsigned m = 0; m < MODELS; m++) {
        add_input(job, WORKER_STAGE_MAPS, m);
        job->inputs[job->ninputs - 1].failed = (int)m == failed;
    }
}

static void run_one(struct worker_job *job, struct worker_cache *cache)
{
    struct worker_result result = run(job, cache);

    worker_result_free(&result);
}

/* Trainings and maps of all models, one repeat after another. */
static struct worker_job *make_models(struct worker_cache *cache)
{
    struct worker_job    *job = small_training("");
    struct worker_params *params = &job->params;

    params->train_epochs = 12;
    params->mix_strategy = WORKER_MIX_NONE;
    params->data_synthetic_n = 240;
    params->score_images = SEEN;
    params->score_steps = 4;
    params->score_attributions = (struct worker_list){
        .count = 2, .items = {WORKER_MAP_GRADCAM, WORKER_MAP_INPUT_X_GRADIENT}};
    params->score_fills = (struct worker_list){.count = 1, .items = {WORKER_FILL_ZERO}};
    params->score_inter_model_images = SEEN;
    params->score_inter_model_curves =
        (struct worker_list){.count = 2, .items = {WORKER_INTER_DELETION, WORKER_INTER_INSERTION}};
    params->score_bootstrap = 20;
    for (unsigned m = 0; m < MODELS; m++) {
        params->model_arch = archs[m];
        next(job, WORKER_STAGE_TRAIN, m);
        run_one(job, cache);
        next(job, WORKER_STAGE_MAPS, m);
        add_input(job, WORKER_STAGE_TRAIN, m);
        run_one(job, cache);
    }
    return job;
}

/* What all but `failed` make of each other; -1: all. */
static void compare(struct worker_job *job, struct worker_cache *cache, int failed)
{
    for (unsigned m = 0; m < MODELS; m++) {
        job->params.model_arch = archs[m];
        next(job, WORKER_STAGE_SCORER, m);
        add_input(job, WORKER_STAGE_TRAIN, m);
        job->inputs[0].failed = (int)m == failed;
        add_maps(job, failed);
        run_one(job, cache);
    }
    next(job, WORKER_STAGE_INTER_MODEL, 0);
    add_maps(job, failed);
    for (unsigned m = 0; m < MODELS; m++)
        add_input(job, WORKER_STAGE_SCORER, m);
    notes[0] = '\0';
    run_one(job, cache);
}

static struct worker_result standing_of(struct worker_job *job, struct worker_cache *cache,
                                        unsigned model)
{
    next(job, WORKER_STAGE_STANDING, model);
    add_input(job, WORKER_STAGE_INTER_MODEL, 0);
    add_input(job, WORKER_STAGE_MAPS, model);
    return run(job, cache);
}

/* A matrix of the comparison, which has n models. */
static void read_matrix(const char *name, unsigned n, double *matrix)
{
    const uint64_t     dims[] = {n, n};
    struct worker_npy *file;
    struct mx_err      err;
    char               path[256], key[33];

    snprintf(path, sizeof path, "%s/%s/%s", folder, key_of(WORKER_STAGE_INTER_MODEL, 0, key), name);
    file = worker_npy_open(path, &err);
    cr_assert_not_null(file, "%s", err.text);
    cr_assert_eq(worker_npy_want(file, 2, dims, &err), 0, "%s", err.text);
    cr_assert_eq(worker_npy_read_f64(file, 0, n, matrix, NULL), 0);
    worker_npy_close(file);
}

Test(inter_stages, a_network_without_channels_is_compared_by_the_maps_that_it_has)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_job   *job = make_models(cache);
    double               cam[MODELS * MODELS], gradient[MODELS * MODELS];

    compare(job, cache, -1);
    cr_expect_not_null(strstr(notes, "4 of 4 models compared on "), "%s", notes);
    read_matrix("matrix.gradcam.zero.npy", MODELS, cam);
    read_matrix("matrix.input_x_gradient.insertion_blur.npy", MODELS, gradient);
    for (unsigned i = 0; i < MODELS; i++)
        for (unsigned j = 0; j < MODELS; j++) {
            cr_expect_eq(isnan(cam[i * MODELS + j]) != 0, i == 2);
            cr_expect(gradient[i * MODELS + j] > 0);
        }
    for (unsigned m = 0; m < MODELS; m++) {
        struct worker_result result = standing_of(job, cache, m);

        cr_expect_eq(isnan(metric(&result, "test.inter_model_map.gradcam.zero")) != 0, m == 2);
        cr_expect_not(isnan(metric(&result, "test.inter_model_map.input_x_gradient.zero")));
        cr_expect(metric(&result, "test.inter_model_map_low.input_x_gradient.zero") <
                  metric(&result, "test.inter_model_map_high.input_x_gradient.zero"));
        cr_expect_not(isnan(metric(&result, "test.inter_model_self.centre.insertion_blur")));
        cr_expect(isnan(metric(&result, "test.inter_model_reference.centre.zero")));
        worker_result_free(&result);
    }
    worker_job_free(job);
    free(job);
    worker_cache_free(cache);
}

Test(inter_stages, goes_on_without_a_model_that_failed)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_job   *job = make_models(cache);
    struct worker_result result;
    double               cam[9];

    compare(job, cache, 2);
    cr_expect_not_null(strstr(notes, "3 of 4 models compared on "), "%s", notes);
    cr_expect_not_null(
        strstr(notes, "left out: 0000000000000001.r2, its training or its maps failed"), "%s",
        notes);
    read_matrix("matrix.gradcam.zero.npy", 3, cam);
    for (unsigned k = 0; k < 9; k++)
        cr_expect_not(isnan(cam[k]));
    result = standing_of(job, cache, 3);
    cr_expect_not(isnan(metric(&result, "test.inter_model_map.gradcam.zero")));
    worker_result_free(&result);
    worker_job_free(job);
    free(job);
    worker_cache_free(cache);
}

Test(inter_stages, refuses_maps_of_other_images)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_job   *job = make_models(cache);
    struct worker_result result = {0};
    struct mx_err        err;
    char                 path[256], key[33];
    static const char    text[] = "row,file,label,predicted,correct,all_zero\n0,,1,1,1,0\n";

    snprintf(path, sizeof path, "%s/%s/images.csv", folder, key_of(WORKER_STAGE_MAPS, 1, key));
    cr_assert_eq(mx_file_write(path, text, sizeof text - 1, NULL), 0);
    next(job, WORKER_STAGE_SCORER, 0);
    add_input(job, WORKER_STAGE_TRAIN, 0);
    add_maps(job, -1);
    cr_assert_eq(worker_stage_run(job, cache, NULL, &result, &err), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_not_null(strstr(err.text, "these are not the images of the other models"), "%s",
                       err.text);
    worker_job_free(job);
    free(job);
    worker_cache_free(cache);
}
