/* The train stage from end to end, on a small synthetic set. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/small_training.h"

static char folder[] = "/tmp/mx_train_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

static double metric(const struct worker_result *result, const char *name)
{
    for (size_t m = 0; m < result->nmetrics; m++)
        if (strcmp(result->metrics[m].name, name) == 0)
            return result->metrics[m].value;
    cr_assert_fail("no metric %s", name);
    return NAN;
}

static void run(const struct worker_job *job, struct worker_result *result)
{
    struct worker_cache *cache = worker_cache_new();
    struct mx_err        err;

    cr_assert_eq(worker_stage_run(job, cache, NULL, result, &err), 0, "%s", err.text);
    worker_cache_free(cache);
}

Test(train, leaves_scores_history_weights_and_a_record, .init = make_folder, .fini = remove_folder)
{
    static const char start[] =
        "epoch,learning_rate,train_loss,val_loss,val_accuracy,seconds,mixed_share,drawn_weight,"
        "effective_weight,self_pairs,mixed_accuracy\n0,0.05,";
    struct worker_job   *job = small_training(folder);
    struct worker_result result = {0};
    struct mx_buf        text;
    json_t              *record, *parameters;
    const char          *kind, *key, *device, *first, *second;
    int                  engine, seed, repeat, lines = 0;

    memset(&job->used, 0xFF, sizeof job->used);
    job->params.score_bootstrap = 200;
    run(job, &result);
    cr_expect(metric(&result, "train.cross_entropy") > 0);
    for (int split = 0; split < 2; split++) {
        static const char *const names[2][4] = {
            {"val.accuracy_low", "val.accuracy", "val.accuracy_high",
             "val.worst_group_accuracy_low"},
            {"test.accuracy_low", "test.accuracy", "test.accuracy_high",
             "test.worst_group_accuracy_low"}};

        cr_expect(metric(&result, names[split][0]) < metric(&result, names[split][2]));
        cr_expect(metric(&result, names[split][0]) <= metric(&result, names[split][1]));
        cr_expect(metric(&result, names[split][2]) >= metric(&result, names[split][1]));
        cr_expect(metric(&result, names[split][3]) <= metric(&result, names[split][0]));
    }
    cr_expect(metric(&result, "val.accuracy") >= 0 && metric(&result, "test.accuracy") <= 1);
    cr_expect(metric(&result, "test.cross_entropy") > 0);

    text = small_training_file(job, "history.csv");
    cr_expect_eq(strncmp(text.data, start, sizeof start - 1), 0, "%s", text.data);
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    cr_expect_eq(lines, 4);
    mx_buf_free(&text);

    text = small_training_file(job, "stage.json");
    record = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(record, "%s", text.data);
    cr_assert_eq(
        json_unpack(record, "{s:s,s:s,s:i,s:i,s:[],s:o,s:i,s:s,s:[{s:s,s:i,s:s,s:n,s:n!},{s:s}!]!}",
                    "kind", &kind, "key", &key, "seed", &seed, "repeat", &repeat, "inputs",
                    "parameters", &parameters, "engine", &engine, "device", &device, "files",
                    "name", &first, "bytes", &lines, "xxh3", &key, "dtype", "shape", "name",
                    &second),
        0, "%s", text.data);
    cr_expect_str_eq(kind, "train");
    cr_expect_eq(seed, 7);
    cr_expect_eq(repeat, 0);
    cr_expect_str_eq(device, "cpu");
    cr_expect_str_eq(first, "history.csv");
    cr_expect_str_eq(second, "weights.safetensors");
    cr_expect_eq(json_integer_value(json_object_get(parameters, "data.synthetic.n")), 99);
    cr_expect_str_eq(json_string_value(json_object_get(parameters, "model.arch")), "resnet8");
    cr_expect(json_is_true(json_object_get(parameters, "train.decay_norm_and_bias")));
    json_decref(record);
    mx_buf_free(&text);
    worker_result_free(&result);
    free(job);
}

Test(train, gives_the_same_numbers_twice_and_without_a_folder, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job   *job = small_training(folder);
    struct worker_result first = {0}, again = {0};

    run(job, &first);
    job->folder[0] = '\0';
    run(job, &again);
    cr_assert_eq(first.nmetrics, again.nmetrics);
    for (size_t m = 0; m < first.nmetrics; m++) {
        cr_expect_str_eq(first.metrics[m].name, again.metrics[m].name);
        cr_expect_arr_eq(&first.metrics[m].value, &again.metrics[m].value, sizeof(double), "%s",
                         first.metrics[m].name);
    }
    worker_result_free(&first);
    worker_result_free(&again);
    free(job);
}

/* A network that learns nothing would stay at a half. */
Test(train, learns)
{
    struct worker_job   *job = small_training("");
    struct worker_result result = {0};

    job->params.data_synthetic_n = 300;
    job->params.data_size = 12;
    job->params.data_synthetic_classes = 2;
    job->params.train_epochs = 6;
    job->params.mix_strategy = WORKER_MIX_NONE;
    job->params.data_augment = WORKER_AUGMENT_NONE;
    run(job, &result);
    cr_expect(metric(&result, "test.accuracy") >= 0.7, "%g", metric(&result, "test.accuracy"));
    worker_result_free(&result);
    free(job);
}

struct stopper {
    uint64_t ticks, stop_at, total;
};

static bool count_ticks(void *user, uint64_t done, uint64_t total)
{
    struct stopper *stopper = user;

    cr_assert_eq(done, ++stopper->ticks);
    stopper->total = total;
    return stopper->ticks == stopper->stop_at;
}

/* 99 images, 20 of them for validation: 5 batches, 2 of validation an epoch. */
Test(train, counts_its_batches_and_stops_when_asked, .init = make_folder, .fini = remove_folder)
{
    struct stopper         stopper = {0, 9, 0};
    struct worker_progress progress = {count_ticks, &stopper, NULL};
    struct worker_cache   *cache = worker_cache_new();
    struct worker_job     *job = small_training(folder);
    struct worker_result   result = {0};
    char                  *record = mx_path_join(folder, "stage.json");
    struct mx_err          err;

    cr_assert_eq(worker_stage_run(job, cache, &progress, &result, &err), -1);
    cr_expect_eq(err.code, MX_EINTERRUPTED);
    cr_expect_eq(result.nmetrics, 0);
    cr_expect_not(mx_file_exists(record));
    stopper.ticks = 0;
    stopper.stop_at = 0;
    cr_assert_eq(worker_stage_run(job, cache, &progress, &result, &err), 0, "%s", err.text);
    cr_expect_eq(stopper.ticks, stopper.total);
    cr_expect(mx_file_exists(record));
    free(record);
    worker_result_free(&result);
    worker_cache_free(cache);
    free(job);
}

static void expect_diverged(struct worker_job *job, const char *start)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result = {0};
    struct mx_err        err;

    job->params.train_lr = 1e30;
    cr_assert_eq(worker_stage_run(job, cache, NULL, &result, &err), -1);
    cr_expect_eq(err.code, MX_EDIVERGED, "%s", err.text);
    cr_expect_eq(strncmp(err.text, start, strlen(start)), 0, "%s", err.text);
    cr_expect_null(result.metrics);
    worker_cache_free(cache);
    free(job);
}

Test(train, says_where_the_loss_went_wrong)
{
    struct worker_job *job = small_training("");

    job->params.model_arch = WORKER_ARCH_LINEAR;
    expect_diverged(job, "epoch 0, batch ");
}

/* A ReLU makes 0 of a NaN, so the loss alone would not show it. */
Test(train, looks_for_weights_that_went_wrong)
{
    struct worker_job *job = small_training("");

    job->params.train_epochs = 1;
    expect_diverged(job, "epoch 0");
}

Test(train, other_kinds_are_named)
{
    struct worker_job   *job = small_training("");
    struct worker_result result = {0};
    struct mx_err        err;

    job->kind = WORKER_STAGE_KINDS;
    cr_assert_eq(worker_stage_run(job, NULL, NULL, &result, &err), -1);
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "no stage has the number 8");
    free(job);
}
