/* A training, the features of its network, and heads on them. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/feature_files.h"
#include "tests/unit/small_training.h"
#include "worker/head_parts.h"
#include "worker/stage_parts.h"

static char folder[] = "/tmp/mx_heads_XXXXXX";
static char notes[1024];

static const char train_key[] = "11111111111111111111111111111111";
static const char features_key[] = "22222222222222222222222222222222";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

TestSuite(head_stages, .init = make_folder, .fini = remove_folder);

static void note(void *user, const char *text)
{
    (void)user;
    strncat(notes, text, sizeof notes - strlen(notes) - 1);
    strncat(notes, "\n", sizeof notes - strlen(notes) - 1);
}

static struct worker_result run(struct worker_job *job, struct worker_cache *cache)
{
    const struct worker_progress progress = {.note = note};
    struct worker_result         result = {0};
    struct mx_err                err = {.text = ""};

    cr_assert_eq(worker_stage_run(job, cache, &progress, &result, &err), 0, "%s", err.text);
    return result;
}

static double metric(const struct worker_result *result, const char *name)
{
    for (size_t i = 0; i < result->nmetrics; i++)
        if (strcmp(result->metrics[i].name, name) == 0)
            return result->metrics[i].value;
    cr_assert_fail("%s was not measured", name);
    return NAN;
}

/* Turn a job into one of another kind in the same output directory. */
static void become(struct worker_job *job, enum worker_kind kind, const char *key)
{
    job->kind = kind;
    snprintf(job->stages, sizeof job->stages, "%s", folder);
    snprintf(job->key, sizeof job->key, "%s", key);
    snprintf(job->folder, sizeof job->folder, "%s/%s", folder, key);
    cr_assert_eq(mx_dir_make(job->folder, NULL), 0);
}

static struct worker_result train_and_extract(struct worker_job *job, struct worker_cache *cache)
{
    struct worker_result trained, extracted;

    become(job, WORKER_STAGE_TRAIN, train_key);
    job->params.score_bootstrap = 50;
    trained = run(job, cache);
    become(job, WORKER_STAGE_FEATURES, features_key);
    cr_assert_eq(worker_job_add_input(job, WORKER_STAGE_TRAIN, train_key, NULL), 0);
    job->params.mix_strategy = WORKER_MIX_NONE; /* as keys of other sections are reset */
    extracted = run(job, cache);
    cr_expect_eq(extracted.nmetrics, 0);
    worker_result_free(&extracted);
    return trained;
}

static void become_head(struct worker_job *job, enum worker_head_method method)
{
    become(job, WORKER_STAGE_HEAD, "33333333333333333333333333333333");
    job->folder[0] = '\0';
    job->ninputs = 0;
    cr_assert_eq(worker_job_add_input(job, WORKER_STAGE_FEATURES, features_key, NULL), 0);
    job->params.head_method = method;
    job->params.score_bootstrap = 50;
}

Test(head_stages, the_networks_own_head_on_its_features_scores_as_the_network)
{
    static const char *const exact[] = {"accuracy",
                                        "worst_class_accuracy",
                                        "worst_group_accuracy",
                                        "adjusted_average_accuracy",
                                        "group_accuracy.2",
                                        "group_count.2"};
    static const char *const ends[] = {"accuracy_low", "accuracy_high", "worst_group_accuracy_low",
                                       "worst_group_accuracy_high"};
    struct worker_job       *job = small_training("");
    struct worker_cache     *cache = worker_cache_new();
    struct worker_result     trained = train_and_extract(job, cache);

    for (int wide = 0; wide < 2; wide++) {
        struct worker_result head;

        become_head(job, WORKER_HEAD_ERM);
        job->params.head_precision = wide ? WORKER_F64 : WORKER_F32;
        head = run(job, cache);
        for (int split = 0; split < 2; split++) {
            char name[64];

            for (size_t m = 0; m < sizeof exact / sizeof exact[0]; m++) {
                snprintf(name, sizeof name, "%s.%s", split ? "test" : "val", exact[m]);
                cr_expect(metric(&head, name) == metric(&trained, name), "%s", name);
            }
            for (size_t m = 0; m < sizeof ends / sizeof ends[0]; m++) {
                snprintf(name, sizeof name, "%s.%s", split ? "test" : "val", ends[m]);
                cr_expect(metric(&head, name) == metric(&trained, name), "%s", name);
            }
            snprintf(name, sizeof name, "%s.cross_entropy", split ? "test" : "val");
            cr_expect(!(fabs(metric(&head, name) - metric(&trained, name)) > 1e-5), "%s", name);
        }
        cr_expect(metric(&head, "test.accuracy_low") <= metric(&head, "test.accuracy"));
        cr_expect(metric(&head, "test.worst_group_accuracy_low") <=
                  metric(&head, "test.worst_group_accuracy_high"));
        worker_result_free(&head);
    }
    worker_result_free(&trained);
    worker_cache_free(cache);
    worker_job_free(job);
    free(job);
}

/* The strings of an array of stage.json, each with a comma behind it. */
static void list_of(const json_t *array, const char *member, char out[512])
{
    const json_t *item;
    size_t        i;

    out[0] = '\0';
    json_array_foreach(array, i, item)
    {
        strncat(out, json_string_value(member ? json_object_get(item, member) : item),
                500 - strlen(out));
        strcat(out, ",");
    }
}

Test(head_stages, features_are_files_that_name_their_training)
{
    struct worker_job   *job = small_training("");
    struct worker_cache *cache = worker_cache_new();
    struct worker_result trained = train_and_extract(job, cache);
    struct mx_buf        text = small_training_file(job, "stage.json");
    json_t              *record = json_loadb(text.data, text.len, 0, NULL);
    json_t              *head_w = json_array_get(json_object_get(record, "files"), 9);
    char                 list[512];

    list_of(json_object_get(record, "inputs"), NULL, list);
    cr_expect_str_eq(list, "11111111111111111111111111111111,");
    list_of(json_object_get(record, "files"), "name", list);
    cr_expect_str_eq(list, "train_x.npy,train_y.npy,train_g.npy,val_x.npy,val_y.npy,val_g.npy,"
                           "test_x.npy,test_y.npy,test_g.npy,head_w.npy,head_b.npy,");
    cr_expect_str_eq(json_string_value(json_object_get(head_w, "dtype")), "float32");
    cr_expect_eq(json_integer_value(json_array_get(json_object_get(head_w, "shape"), 1)), 64);
    json_decref(record);
    mx_buf_free(&text);
    worker_result_free(&trained);
    worker_cache_free(cache);
    worker_job_free(job);
    free(job);
}

static struct worker_job *on_feature_files(bool groups)
{
    struct worker_job *job = small_training("");

    feature_folder(folder, groups);
    job->kind = WORKER_STAGE_HEAD;
    job->params.data_set = WORKER_DATA_FEATURES;
    snprintf(job->params.data_path, sizeof job->params.data_path, "%s", folder);
    job->params.score_bootstrap = 20;
    return job;
}

Test(head_stages, hundreds_of_heads_read_the_features_once)
{
    struct worker_job   *job = on_feature_files(true);
    struct worker_cache *cache = worker_cache_new();

    for (int k = 0; k < 200; k++) {
        struct worker_result result = run(job, cache);

        job->repeat++;
        worker_result_free(&result);
    }
    cr_expect_eq(worker_cache_feature_reads(cache), 1);
    job->params.data_test_limit = 10;
    for (int k = 0; k < 3; k++) {
        struct worker_result result = run(job, cache);

        worker_result_free(&result);
    }
    cr_expect_eq(worker_cache_feature_reads(cache), 2, "another limit is another set");
    job->params.head_precision = WORKER_F64;
    for (int k = 0; k < 3; k++) {
        struct worker_result result = run(job, cache);

        worker_result_free(&result);
    }
    cr_expect_eq(worker_cache_feature_reads(cache), 3, "so are other numbers");
    worker_cache_free(cache);
    free(job);
}

static bool is_measured(const struct worker_result *result, const char *part)
{
    for (size_t i = 0; i < result->nmetrics; i++)
        if (strstr(result->metrics[i].name, part))
            return true;
    return false;
}

Test(head_stages, without_groups_nothing_is_said_of_groups)
{
    struct worker_job   *job = on_feature_files(false);
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result = run(job, cache);

    cr_expect(is_measured(&result, "worst_class_accuracy"));
    cr_expect(is_measured(&result, "accuracy_high"));
    cr_expect_not(is_measured(&result, "group"));
    worker_result_free(&result);
    worker_cache_free(cache);
    free(job);
}

Test(head_stages, a_head_that_gives_everything_one_class_is_told_and_in_the_table)
{
    const float          constant[2] = {1000, 0};
    struct worker_job   *job = on_feature_files(true);
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result = run(job, cache);

    cr_expect(metric(&result, "val.collapsed") == 0 && metric(&result, "test.collapsed") == 0);
    cr_expect_str_eq(notes, "");
    worker_result_free(&result);
    worker_cache_free(cache);
    cache = worker_cache_new();
    feature_file(folder, "head_b.npy", WORKER_NPY_F32, 2, 0, constant);
    result = run(job, cache);
    cr_expect(metric(&result, "val.collapsed") == 1 && metric(&result, "test.collapsed") == 1);
    cr_expect(metric(&result, "test.worst_group_accuracy") == 0);
    cr_expect_str_eq(notes, "erm has collapsed: all 40 images of val are given class 0\n"
                            "erm has collapsed: all 50 images of test are given class 0\n");
    worker_result_free(&result);
    worker_cache_free(cache);
    free(job);
}

/* Parameters of every method, for a set of a few dozen images. */
static void set_parameters(struct worker_params *params)
{
    const struct worker_list strengths = {2, {1, 0.1}};

    params->head_hsfm_support_per_class = 6;
    params->head_hsfm_inner_steps = 3;
    params->head_hsfm_inner_lr = 0.01;
    params->head_hsfm_outer_lr = 0.01;
    params->head_hsfm_edit_steps = 2;
    params->head_hsfm_hard_per_class = 8;
    params->head_hsfm_epochs = 4;
    params->head_hsfm_grad_clip = 10;
    params->head_llr_C = params->head_dfr_C = params->head_subg_C = strengths;
    params->head_dfr_subsets = 3;
    params->head_jtt_head_steps = 5;
    params->head_jtt_head_upweight = 5;
    params->head_jtt_head_lr = 0.1;
    params->head_group_dro_lr = 0.01;
    params->head_group_dro_group_lr = 0.1;
    params->head_group_dro_epochs = 5;
    params->head_afr_gamma = 4;
    params->head_afr_lr = 0.01;
    params->head_afr_epochs = 5;
    params->head_feature_mixup_alpha = 1;
    params->head_feature_mixup_epochs = 4;
    params->head_feature_mixup_lr = 0.01;
}

/* With every test label another one, val says the same, and test the opposite. */
Test(head_stages, no_method_looks_at_test_labels)
{
    struct worker_job *job = on_feature_files(true);
    uint32_t           other[50];

    for (uint32_t i = 0; i < 50; i++)
        other[i] = 1 - i % 2;
    set_parameters(&job->params);
    for (unsigned m = 0; m < WORKER_HEAD_METHODS; m++) {
        struct worker_cache *cache, *flipped;
        struct worker_result first, second;

        if (!worker_heads[m].built)
            continue;
        cache = worker_cache_new();
        flipped = worker_cache_new();
        job->params.head_method = m;
        feature_folder(folder, true);
        first = run(job, cache);
        feature_file(folder, "test_y.npy", WORKER_NPY_U32, 50, 0, other);
        second = run(job, flipped);
        cr_assert_eq(first.nmetrics, second.nmetrics);
        for (size_t i = 0; i < first.nmetrics; i++)
            if (strncmp(first.metrics[i].name, "test.", 5) != 0)
                cr_expect(
                    memcmp(&first.metrics[i].value, &second.metrics[i].value, sizeof(double)) == 0,
                    "%s of %s", first.metrics[i].name, worker_heads[m].word);
        cr_expect(
            !(fabs(metric(&first, "test.accuracy") + metric(&second, "test.accuracy") - 1) > 1e-12),
            "%s", worker_heads[m].word);
        worker_result_free(&first);
        worker_result_free(&second);
        worker_cache_free(cache);
        worker_cache_free(flipped);
    }
    free(job);
}

Test(head_stages, keep_all_leaves_the_head)
{
    struct worker_job   *job = on_feature_files(true);
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result;
    struct mx_buf        text;
    json_t              *record;
    char                 list[512];

    snprintf(job->folder, sizeof job->folder, "%s", folder);
    result = run(job, cache);
    text = small_training_file(job, "stage.json");
    record = json_loadb(text.data, text.len, 0, NULL);
    list_of(json_object_get(record, "files"), "name", list);
    cr_expect_str_eq(list, "head_w.npy,head_b.npy,");
    json_decref(record);
    mx_buf_free(&text);
    worker_result_free(&result);
    worker_cache_free(cache);
    free(job);
}

/* Two epochs, two groups, of which the second has no sample in val. */
Test(head_stages, epochs_are_a_table_of_the_agreed_columns)
{
    double                   accuracy[2][2] = {{0.5, NAN}, {0.75, NAN}}, counts[2] = {3, 1};
    struct worker_head_epoch epochs[2] = {{1.5, 0.5, 0.5, 0.25, accuracy[0], counts},
                                          {NAN, 0.75, 0.75, NAN, accuracy[1], NULL}};
    struct worker_head       head = {.groups = 2, .epochs = epochs, .nepochs = 2};
    struct mx_buf            text = {0};

    worker_head_epochs_csv(&head, &text);
    cr_expect_str_eq(mx_buf_str(&text),
                     "epoch,outer_loss,val_accuracy,val_worst_group_accuracy,group_accuracy.0,"
                     "group_accuracy.1,hard_count.0,hard_count.1,edit_norm\n"
                     "0,1.5,0.5,0.5,0.5,,3,1,0.25\n"
                     "1,,0.75,0.75,0.75,,,,\n");
    mx_buf_free(&text);
}
