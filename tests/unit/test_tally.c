#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "mix_draws.h"
#include "small_training.h"
#include "worker/tally.h"

static char folder[] = "/tmp/mx_tally_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

/* Two rows of three classes: soft targets count the class that is predicted. */
Test(tally, hits_weigh_the_predicted_class)
{
    static const float         logits[6] = {0, 3, 1, 5, 5, 0};
    static const float         targets[6] = {0.25f, 0.5f, 0.25f, 0.125f, 0.75f, 0.125f};
    const struct worker_shape  shape = {1, 2, 2, 3, 0};
    const struct worker_params params = mix_params(WORKER_MIX_MIXUP);
    struct worker_batch       *batch = worker_batch_new(&params, &shape, 2, NULL);

    batch->n = 2;
    batch->y_a[0] = batch->y_b[0] = 1; /* one label, whatever lambda is */
    batch->lambda[0] = 0.25f;
    batch->y_a[1] = 1; /* equal logits: class 0 is taken */
    batch->y_b[1] = 0;
    batch->lambda[1] = 0.75f;
    cr_expect_eq(worker_batch_hits(batch, logits, 3), 1.25);
    batch->y_b[1] = 2;
    cr_expect_eq(worker_batch_hits(batch, logits, 3), 1);
    batch->targets = targets;
    cr_expect_eq(worker_batch_hits(batch, logits, 3), 0.625);
    worker_batch_free(batch);
}

Test(tally, without_a_mixed_image_there_are_no_means)
{
    struct worker_tally tally = {.images = 8, .hits = 6};
    struct mx_buf       out = {0};

    worker_tally_format(&tally, &out);
    cr_expect_str_eq(mx_buf_str(&out), ",0,,,0,0.75");
    mx_buf_free(&out);
    tally = (struct worker_tally){
        .images = 8, .hits = 4, .mixed = 4, .drawn = 2, .effective = 3, .self_pairs = 2};
    worker_tally_format(&tally, &out);
    cr_expect_str_eq(mx_buf_str(&out), ",0.5,0.5,0.75,2,0.5");
    mx_buf_free(&out);
}

/* The epoch's batches made again, by hand. */
static struct worker_tally replay(const struct worker_job *job, const struct worker_dataset *set,
                                  uint32_t epoch)
{
    const uint32_t   n = set->train.n, size = (uint32_t)job->params.train_batch_size;
    struct mx_stream mix = mx_stream_make(job->seed, 0, MX_PURPOSE_MIX, 0);
    struct mx_stream augment = mx_stream_make(job->seed, 0, MX_PURPOSE_AUGMENT, 0);
    struct mx_rng rng = mx_rng_at(mx_stream_make(job->seed, 0, MX_PURPOSE_ORDER, 0), epoch, 0, 0);
    struct worker_batch *batch = worker_batch_new(&job->params, &set->shape, size, NULL);
    uint32_t            *order = calloc(n, sizeof *order);
    struct worker_tally  tally = {0};

    mx_rng_permutation(&rng, order, n);
    for (uint32_t b = 0; n - b * size > 1 && b * size < n; b++) {
        uint32_t rest = n - b * size;

        cr_assert_eq(worker_batch_train(batch, &job->params, set, order + b * size,
                                        rest < size ? rest : size, augment, mix, epoch, b, NULL),
                     0);
        worker_tally_add(&tally, batch, 0, 0);
    }
    free(order);
    worker_batch_free(batch);
    return tally;
}

/* The value in column `column` of row `row`, both from 0, the head being row 0. */
static double cell(const struct mx_buf *table, uint32_t row, uint32_t column)
{
    const char *at = table->data;

    for (; row > 0; row--)
        at = strchr(at, '\n') + 1;
    for (; column > 0; column--)
        at = strchr(at, ',') + 1;
    return strtod(at, NULL);
}

Test(tally, history_has_what_the_batches_of_each_epoch_add_up_to, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job     *job = small_training(folder);
    struct worker_cache   *cache = worker_cache_new();
    struct worker_result   result = {0};
    struct worker_dataset *set;
    struct mx_buf          history;
    double                 self_pairs = 0, unmixed = 0;

    job->params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    job->params.mix_prob = 0.8;
    cr_assert_eq(worker_stage_run(job, cache, NULL, &result, NULL), 0);
    history = small_training_file(job, "history.csv");
    set = worker_dataset_open(&job->params, job->seed, NULL);
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        struct worker_tally tally = replay(job, set, epoch);

        cr_assert_gt(tally.mixed, 0);
        cr_expect_eq(cell(&history, 1 + epoch, 6), tally.mixed / tally.images);
        cr_expect_eq(cell(&history, 1 + epoch, 7), tally.drawn / tally.mixed);
        cr_expect_eq(cell(&history, 1 + epoch, 8), tally.effective / tally.mixed);
        cr_expect_eq(cell(&history, 1 + epoch, 9), tally.self_pairs);
        cr_expect(cell(&history, 1 + epoch, 10) > 0.2 && cell(&history, 1 + epoch, 10) <= 1);
        cr_expect_lt(tally.drawn, tally.effective);
        self_pairs += tally.self_pairs;
        unmixed += tally.images - tally.mixed;
    }
    cr_expect(self_pairs > 0 && unmixed > 0);
    mx_buf_free(&history);
    worker_dataset_free(set);
    worker_result_free(&result);
    worker_cache_free(cache);
    free(job);
}
