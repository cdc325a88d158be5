/* Every strategy in the train stage, on a small synthetic set. */
#include <criterion/criterion.h>
#include <math.h>

#include "kernels/elementwise.h"
#include "mix_draws.h"
#include "small_training.h"
#include "worker/stage.h"

static struct worker_job *job_of(unsigned strategy)
{
    struct worker_job   *job = calloc(1, sizeof *job);
    struct worker_params params = mix_params(strategy);

    cr_assert_not_null(job);
    job->kind = WORKER_STAGE_TRAIN;
    job->seed = 7;
    params.data_set = WORKER_DATA_SYNTHETIC;
    params.data_size = 12;
    params.data_channels = 1;
    params.data_val_fraction = 0.2;
    params.data_augment = WORKER_AUGMENT_FLIP;
    params.data_spurious_rate = 0.5;
    params.data_synthetic_n = 240;
    params.data_synthetic_classes = 2;
    params.data_synthetic_noise = 0.05;
    params.model_arch = WORKER_ARCH_RESNET8;
    params.train_epochs = 5;
    params.train_batch_size = 20; /* 192 images: a last batch of 12 */
    params.train_lr = 0.05;
    params.train_momentum = 0.9;
    params.train_schedule = WORKER_SCHEDULE_COSINE;
    params.train_threads = 1;
    params.mix_prob = 0.5;
    params.mix_choices =
        (struct worker_list){3, {WORKER_MIX_PUZZLEMIX, WORKER_MIX_RECURSIVEMIX, WORKER_MIX_FMIX}};
    job->params = params;
    return job;
}

static struct worker_result run(const struct worker_job *job)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result = {0};
    struct mx_err        err;

    cr_assert_eq(worker_stage_run(job, cache, NULL, &result, &err), 0, "%s", err.text);
    worker_cache_free(cache);
    return result;
}

static double metric(const struct worker_result *result, const char *name)
{
    for (size_t m = 0; m < result->nmetrics; m++)
        if (strcmp(result->metrics[m].name, name) == 0)
            return result->metrics[m].value;
    cr_assert_fail("no metric %s", name);
    return NAN;
}

/* The loss of clean images that were not trained on, after an epoch: history.csv's
 * fourth column. */
static double val_loss(const struct worker_job *job, unsigned epoch)
{
    struct mx_buf history = small_training_file(job, "history.csv");
    const char   *at = history.data;
    double        loss;

    for (unsigned line = 0; line <= epoch; line++)
        at = strchr(at, '\n') + 1;
    for (unsigned comma = 0; comma < 3; comma++)
        at = strchr(at, ',') + 1;
    loss = strtod(at, NULL);
    mx_buf_free(&history);
    return loss;
}

static char folder[] = "/tmp/mx_mix_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

/* All of them learn, each its own way. */
Test(mix_train, every_strategy_learns_and_no_two_are_the_same, .init = make_folder,
     .fini = remove_folder)
{
    double losses[WORKER_MIX_CHOICES + 1];

    for (unsigned s = 0; s <= WORKER_MIX_CHOICES; s++) {
        struct worker_job   *job = job_of(s);
        struct worker_result result;

        snprintf(job->folder, sizeof job->folder, "%s", folder);
        result = run(job);
        cr_expect_lt(val_loss(job, 4), val_loss(job, 0), "%s: %g after %g",
                     worker_strategies[s].word, val_loss(job, 4), val_loss(job, 0));
        losses[s] = metric(&result, "test.cross_entropy");
        cr_expect(metric(&result, "test.accuracy") >= 0.65, "%s: %g", worker_strategies[s].word,
                  metric(&result, "test.accuracy"));
        for (unsigned before = 0; before < s; before++)
            cr_expect_neq(losses[s], losses[before], "%s and %s", worker_strategies[s].word,
                          worker_strategies[before].word);
        worker_result_free(&result);
        free(job);
    }
}

Test(mix_train, strategies_that_look_back_or_into_the_network_repeat_exactly)
{
    static const unsigned strategies[] = {WORKER_MIX_PUZZLEMIX, WORKER_MIX_MANIFOLD_MIXUP,
                                          WORKER_MIX_RECURSIVEMIX};

    for (int k = 0; k < 3; k++) {
        struct worker_job   *job = job_of(strategies[k]);
        struct worker_result first, again;

        job->params.train_epochs = 2;
        first = run(job);
        again = run(job);
        for (size_t m = 0; m < first.nmetrics; m++)
            cr_expect_arr_eq(&first.metrics[m].value, &again.metrics[m].value, sizeof(double));
        worker_result_free(&first);
        worker_result_free(&again);
        free(job);
    }
}

/* Mixing that is off in every epoch is no mixing; a ramp of one epoch leaves the
 * first alone. */
Test(mix_train, epochs_without_mixing_are_those_of_strategy_none)
{
    struct worker_job   *off = job_of(WORKER_MIX_CUTMIX), *none = job_of(WORKER_MIX_NONE);
    struct worker_result a, b;

    off->params.train_epochs = none->params.train_epochs = 2;
    off->params.mix_off_epochs = 1;
    off->params.mix_ramp_epochs = 1;
    a = run(off);
    b = run(none);
    cr_expect_eq(metric(&a, "test.cross_entropy"), metric(&b, "test.cross_entropy"));
    worker_result_free(&a);
    worker_result_free(&b);
    free(off);
    free(none);
}

/* Two images of classes 0 and 2 in a batch, share 1/4, three equal logits: the
 * gradient of a row is (1/3 - target) / 2, worked out by hand. */
Test(mix_train, each_label_rule_changes_the_gradient_as_predicted)
{
    static const struct {
        enum worker_label_rule rule;
        double                 share, target[3];
    } rows[] = {
        {WORKER_LABELS_MIXED, .25, {.25, 0, .75}}, {WORKER_LABELS_DOMINANT, .25, {0, 0, 1}},
        {WORKER_LABELS_HOST, .75, {1, 0, 0}},      {WORKER_LABELS_ONLY, .25, {.25, 0, .75}},
        {WORKER_LABELS_DOMINANT, .5, {1, 0, 0}},
    };
    const struct worker_shape  shape = {1, 2, 2, 3, 0};
    const struct worker_params params = mix_params(WORKER_MIX_MIXUP);
    static const float         logits[6] = {0};
    struct worker_batch       *batch = worker_batch_new(&params, &shape, 2, NULL);

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct worker_mix_draw draw = worker_mix_blank;
        float                  gradient[6];

        worker_mix_blend(rows[k].share, &draw);
        for (int i = 0; i < 2; i++) {
            batch->y_a[i] = batch->y_b[i] = i ? 2 : 0;
            batch->lambda[i] = 1;
        }
        worker_mix_apply(batch, 0, &worker_mixes[WORKER_MIX_MIXUP], &draw, 0,
                         &(struct worker_params){.mix_labels = rows[k].rule}, 2);
        kern_softmax_loss(logits, batch->y_a, batch->y_b, batch->lambda, 0, 2, 3, gradient);
        for (int c = 0; c < 3; c++)
            cr_expect(fabs((double)gradient[c] - (1 / 3.0 - rows[k].target[c]) / 2) <= 1e-7,
                      "row %zu, class %d: %g", k, c, (double)gradient[c]);
    }
    worker_batch_free(batch);
}
