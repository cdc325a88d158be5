/* A training that is ended anywhere and begun again: the same bits, and the work
 * before the last checkpoint is not done again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/small_training.h"

/* Ends an attempt after so many batches, and hears what is told. */
struct listener {
    uint64_t ticks, stop_at, first_done;
    char     notes[1000];
};

static bool count(void *user, uint64_t done, uint64_t total)
{
    struct listener *listener = user;

    cr_assert_leq(done, total);
    if (listener->ticks++ == 0)
        listener->first_done = done;
    return listener->ticks == listener->stop_at;
}

static void hear(void *user, const char *text)
{
    struct listener *listener = user;
    size_t           used = strlen(listener->notes);

    snprintf(listener->notes + used, sizeof listener->notes - used, "%s; ", text);
}

/* One attempt, ended after `ticks` batches (0: never). Returns 0 if it came to
 * its end, else -1. */
static int attempt(const struct worker_job *job, uint64_t ticks, struct worker_result *result,
                   struct listener *listener)
{
    struct worker_progress progress = {count, listener, hear};
    struct worker_cache   *cache = worker_cache_new();
    struct mx_err          err = {0};
    int                    rc;

    *listener = (struct listener){.stop_at = ticks};
    rc = worker_stage_run(job, cache, &progress, result, &err);
    cr_assert(rc == 0 || err.code == MX_EINTERRUPTED, "%s", err.text);
    worker_cache_free(cache);
    return rc;
}

/* A job that writes a checkpoint after every step. */
static struct worker_job *eager_job(const char *folder)
{
    struct worker_job *job = small_training(folder);

    job->checkpoint_s = 1e-9;
    job->params.train_ema = 0.8;
    job->params.train_label_smoothing = 0.1;
    return job;
}

/* history.csv without its sixth column, the time. */
static char *without_seconds(struct mx_buf history)
{
    char *out = calloc(1, history.len + 1), *to = out;
    int   column = 0;

    for (size_t k = 0; k < history.len; k++) {
        column = history.data[k] == '\n' ? 0 : column + (history.data[k] == ',');
        if (column != 5)
            *to++ = history.data[k];
    }
    mx_buf_free(&history);
    return out;
}

struct outcome {
    struct worker_result result;
    struct mx_buf        weights;
    char                *history;
};

static struct outcome outcome_of(const struct worker_job *job, struct worker_result result)
{
    return (struct outcome){result, small_training_file(job, "weights.safetensors"),
                            without_seconds(small_training_file(job, "history.csv"))};
}

static void outcome_free(struct outcome *outcome)
{
    worker_result_free(&outcome->result);
    mx_buf_free(&outcome->weights);
    free(outcome->history);
}

static void expect_same(const struct outcome *a, const struct outcome *b)
{
    cr_assert_eq(a->result.nmetrics, b->result.nmetrics);
    for (size_t m = 0; m < a->result.nmetrics; m++)
        cr_expect_arr_eq(&a->result.metrics[m].value, &b->result.metrics[m].value, sizeof(double),
                         "%s", a->result.metrics[m].name);
    cr_assert_eq(a->weights.len, b->weights.len);
    cr_expect_arr_eq(a->weights.data, b->weights.data, a->weights.len);
    cr_expect_str_eq(a->history, b->history);
}

static struct outcome undisturbed(const struct worker_job *like)
{
    char                 folder[] = "/tmp/mx_resume_XXXXXX";
    struct worker_job   *job = calloc(1, sizeof *job);
    struct listener      listener;
    struct outcome       outcome;
    struct worker_result result = {0};

    cr_assert_not_null(mkdtemp(folder));
    *job = *like;
    job->checkpoint_s = 0;
    snprintf(job->folder, sizeof job->folder, "%s", folder);
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    cr_expect_str_eq(listener.notes, "");
    outcome = outcome_of(job, result);
    mx_dir_remove(folder, NULL);
    free(job);
    return outcome;
}

static char folder[] = "/tmp/mx_resume_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

static char *checkpoint_path(unsigned file)
{
    char *path = NULL;

    cr_assert_gt(asprintf(&path, "%s/checkpoint-%u.bin", folder, file), 0);
    return path;
}

static bool has_checkpoint(unsigned file)
{
    char *path = checkpoint_path(file);
    bool  there = mx_file_exists(path);

    free(path);
    return there;
}

/* End it again and again, every time four batches further, and let it finish. */
static void expect_resumes(struct worker_job *job, int attempts)
{
    struct outcome       whole = undisturbed(job), pieces;
    struct worker_result result = {0};
    struct listener      listener;
    uint64_t             last = 0;

    for (int k = 0; k < attempts; k++) {
        cr_assert_eq(attempt(job, 4, &result, &listener), -1);
        cr_expect(has_checkpoint(0));
        cr_expect(listener.first_done > last, "attempt %d begins with batch %d", k,
                  (int)listener.first_done);
        cr_expect_eq(strncmp(listener.notes, "goes on from epoch ", k > 0 ? 19 : 0), 0, "%s",
                     listener.notes);
        last = listener.first_done;
    }
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    cr_expect(listener.first_done > last);
    cr_expect_not(has_checkpoint(0));
    cr_expect_not(has_checkpoint(1));
    pieces = outcome_of(job, result);
    expect_same(&whole, &pieces);
    outcome_free(&whole);
    outcome_free(&pieces);
    free(job);
}

Test(train_resume, gives_the_same_bits_with_sgd_and_cutmix, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job *job = eager_job(folder);

    job->params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    expect_resumes(job, 5);
}

/* Each batch is mixed with the one before it. */
Test(train_resume, gives_the_same_bits_with_adamw_and_recursivemix, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job *job = eager_job(folder);

    job->params.train_optimizer = WORKER_OPTIMIZER_ADAMW;
    job->params.train_lr = 0.002;
    job->params.train_clip_norm = 1;
    job->params.train_schedule = WORKER_SCHEDULE_ONE_CYCLE;
    job->params.mix_strategy = WORKER_MIX_RECURSIVEMIX;
    job->params.mix_prob = 0.8;
    expect_resumes(job, 5);
}

/* Five batches of training, two of validation: the sixth tick is in between. */
Test(train_resume, goes_on_from_an_epoch_whose_scores_are_missing, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job   *job = eager_job(folder);
    struct outcome       whole = undisturbed(job), pieces;
    struct worker_result result = {0};
    struct listener      listener;

    cr_assert_eq(attempt(job, 6, &result, &listener), -1);
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    cr_expect_str_eq(listener.notes, "goes on from epoch 0, batch 5; ");
    cr_expect_eq(listener.first_done, 6);
    pieces = outcome_of(job, result);
    expect_same(&whole, &pieces);
    outcome_free(&whole);
    outcome_free(&pieces);
    free(job);
}

/* Change one byte; at < 0 counts from the end. */
static void damage(unsigned file, long at)
{
    char *path = checkpoint_path(file);
    FILE *stream = fopen(path, "r+b");
    int   byte;

    cr_assert_not_null(stream);
    fseek(stream, at, at < 0 ? SEEK_END : SEEK_SET);
    byte = fgetc(stream);
    fseek(stream, -1, SEEK_CUR);
    fputc(byte ^ 0x10, stream);
    fclose(stream);
    free(path);
}

/* Six steps done: file 1 holds the sixth step, file 0
 * the fifth. */
static struct worker_job *six_steps(void)
{
    struct worker_job   *job = eager_job(folder);
    struct worker_result result = {0};
    struct listener      listener;

    cr_assert_eq(attempt(job, 8, &result, &listener), -1);
    return job;
}

static void expect_notes(struct worker_job *job, const char *notes)
{
    struct worker_result result = {0};
    struct listener      listener;

    cr_assert_eq(attempt(job, 1, &result, &listener), -1);
    cr_expect_str_eq(listener.notes, notes);
    free(job);
}

Test(train_resume, takes_the_newest, .init = make_folder, .fini = remove_folder)
{
    expect_notes(six_steps(), "goes on from epoch 1, batch 1; ");
}

Test(train_resume, falls_back_to_the_one_before_and_says_so, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job   *job = six_steps();
    struct outcome       whole = undisturbed(job), pieces;
    struct worker_result result = {0};
    struct listener      listener;

    damage(1, -1000);
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    cr_expect_str_eq(listener.notes, "checkpoint-1.bin is not used: it is damaged; "
                                     "goes on from epoch 0, batch 5; ");
    pieces = outcome_of(job, result);
    expect_same(&whole, &pieces);
    outcome_free(&whole);
    outcome_free(&pieces);
    free(job);
}

Test(train_resume, begins_anew_when_both_are_damaged_and_says_so, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job   *job = six_steps();
    struct outcome       whole = undisturbed(job), pieces;
    struct worker_result result = {0};
    struct listener      listener;

    damage(0, 40);
    damage(1, -1);
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    cr_expect_eq(listener.first_done, 1);
    cr_expect_str_eq(listener.notes, "checkpoint-0.bin is not used: it is damaged; "
                                     "checkpoint-1.bin is not used: it is damaged; begins anew; ");
    pieces = outcome_of(job, result);
    expect_same(&whole, &pieces);
    outcome_free(&whole);
    outcome_free(&pieces);
    free(job);
}

Test(train_resume, never_takes_that_of_another_stage, .init = make_folder, .fini = remove_folder)
{
    struct worker_job *job = six_steps();

    job->key[0] = 'f';
    expect_notes(job,
                 "checkpoint-0.bin is not used: it is of stage 0123456789abcdef0123456789abcdef; "
                 "checkpoint-1.bin is not used: it is of stage 0123456789abcdef0123456789abcdef; "
                 "begins anew; ");
}

/* The key tells trainings apart; should it not, sizes do. */
Test(train_resume, never_takes_that_of_another_optimizer, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job *job = six_steps();

    job->params.train_optimizer = WORKER_OPTIMIZER_ADAMW;
    expect_notes(job, "checkpoint-0.bin is not used: it is of another training; "
                      "checkpoint-1.bin is not used: it is of another training; begins anew; ");
}

Test(train_resume, leaves_nothing_of_a_training_that_diverged, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job   *job = six_steps();
    struct worker_result result = {0};
    struct worker_cache *cache = worker_cache_new();
    struct mx_err        err;

    job->params.train_lr = 1e30;
    cr_assert_eq(worker_stage_run(job, cache, NULL, &result, &err), -1);
    cr_expect_eq(err.code, MX_EDIVERGED);
    cr_expect_not(has_checkpoint(0));
    cr_expect_not(has_checkpoint(1));
    worker_cache_free(cache);
    free(job);
}

static bool never_saves(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    cr_expect(done <= total);
    cr_expect_not(has_checkpoint(0));
    return false;
}

Test(train_resume, writes_none_before_it_is_time, .init = make_folder, .fini = remove_folder)
{
    struct worker_job     *job = eager_job(folder);
    struct worker_result   result = {0};
    struct worker_cache   *cache = worker_cache_new();
    struct worker_progress progress = {.tick = never_saves};

    job->checkpoint_s = 300;
    cr_assert_eq(worker_stage_run(job, cache, &progress, &result, NULL), 0);
    worker_result_free(&result);
    worker_cache_free(cache);
    free(job);
}

/* Asked to end long before a checkpoint is due: after a step, between epochs, while
 * the last scores are made. Five batches of training, two of validation, an epoch. */
static void expect_nothing_lost(struct worker_job *job, uint64_t ticks, const char *notes)
{
    struct outcome       whole = undisturbed(job), pieces;
    struct worker_result result = {0};
    struct listener      listener;

    job->checkpoint_s = 1e6;
    cr_assert_eq(attempt(job, ticks, &result, &listener), -1);
    cr_expect_not(has_checkpoint(1));
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    cr_expect_str_eq(listener.notes, notes);
    pieces = outcome_of(job, result);
    expect_same(&whole, &pieces);
    outcome_free(&whole);
    outcome_free(&pieces);
    free(job);
}

Test(train_resume, loses_no_step_when_it_is_asked_to_end, .init = make_folder,
     .fini = remove_folder)
{
    expect_nothing_lost(eager_job(folder), 3, "goes on from epoch 0, batch 3; ");
}

Test(train_resume, loses_no_step_when_it_is_asked_to_end_between_epochs, .init = make_folder,
     .fini = remove_folder)
{
    expect_nothing_lost(eager_job(folder), 7, "goes on from epoch 0, batch 5; ");
}

Test(train_resume, loses_no_step_when_it_is_asked_to_end_at_the_end, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job *job = eager_job(folder);
    char               notes[64];

    snprintf(notes, sizeof notes, "goes on from epoch %d, batch 5; ",
             (int)job->params.train_epochs - 1);
    expect_nothing_lost(job, 7 * (uint64_t)job->params.train_epochs + 1, notes);
}

/* Each piece in a process of its own, so to speak: caches are new. */
Test(train_resume, pauses_at_an_epoch_and_goes_on_as_if_it_had_not, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job   *job = eager_job(folder);
    struct outcome       whole = undisturbed(job), pieces;
    struct worker_result result = {0};
    struct listener      listener;

    job->checkpoint_s = 3600; /* pauses alone save it */
    for (uint32_t epoch = 1; epoch < 3; epoch++)
        for (int again = 0; again < 2; again++) { /* once more: its answer was lost */
            job->until_epoch = epoch;
            cr_assert_eq(attempt(job, 0, &result, &listener), 0);
            cr_expect_eq(result.paused_epoch, epoch);
            cr_assert_gt(result.nmetrics, 0);
            for (size_t m = 0; m < result.nmetrics; m++)
                cr_expect_eq(strncmp(result.metrics[m].name, "val.", 4), 0, "%s",
                             result.metrics[m].name);
            cr_expect(has_checkpoint(0) || has_checkpoint(1));
            worker_result_free(&result);
        }
    job->until_epoch = 3; /* its end: there is nothing to wait for */
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    cr_expect_eq(result.paused_epoch, 0);
    cr_expect_not(has_checkpoint(0) || has_checkpoint(1));
    pieces = outcome_of(job, result);
    expect_same(&whole, &pieces);
    outcome_free(&whole);
    outcome_free(&pieces);
    free(job);
}

Test(train_resume, a_checkpoint_beyond_the_pause_is_removed, .init = make_folder,
     .fini = remove_folder)
{
    struct worker_job   *job = eager_job(folder);
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result = {0};
    struct listener      listener;
    struct mx_err        err = {0};

    job->until_epoch = 2;
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    worker_result_free(&result);
    job->until_epoch = 1;
    cr_expect_eq(worker_stage_run(job, cache, NULL, &result, &err), -1);
    cr_expect_str_eq(
        err.text, "its checkpoint was written after 2 epochs, and it is to be judged after 1: the "
                  "next attempt begins anew");
    cr_expect_not(has_checkpoint(0) || has_checkpoint(1));
    cr_assert_eq(attempt(job, 0, &result, &listener), 0);
    cr_expect_eq(result.paused_epoch, 1);
    worker_result_free(&result);
    worker_cache_free(cache);
    free(job);
}
