/* The train stage: a network from its first weights to its scores. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "worker/batch.h"
#include "worker/engine.h"
#include "worker/feeder.h"
#include "worker/images.h"
#include "worker/intervals.h"
#include "worker/keeper.h"
#include "worker/metrics.h"
#include "worker/safetensors.h"
#include "worker/schedule.h"
#include "worker/stage_parts.h"
#include "worker/weights.h"

struct training {
    const struct worker_job      *job;
    const struct worker_progress *progress;
    const struct worker_dataset  *set; /* the cache's */
    struct worker_engine         *engine;
    struct worker_batch          *batch;
    uint32_t                      batch_size;
    uint32_t                      n;      /* images that are trained on */
    uint32_t                     *rows;   /* (n), of set->train; NULL: all of it */
    uint32_t                     *order;  /* (n) */
    float                        *logits; /* (batch_size, classes) */
    uint64_t                     *group_counts;
    uint8_t                      *hits[2]; /* of the last epoch's val, and of test */
    struct worker_metrics        *val;     /* of the last epoch */
    struct mx_buf                 history;
    double                        loss; /* mean over the last epoch */
    uint64_t                      steps_per_epoch, total_ticks;
    struct worker_position        at;
    bool                          unsaved;      /* a step was made since the start */
    struct worker_position        safe;         /* after the last step, and the bytes of history */
    size_t                        safe_history; /* then: what goes on from there */
    double                        started_s; /* the epoch; earlier by what earlier attempts took */
    struct worker_keeper          keeper;
};

static struct mx_stream stream_of(const struct training *t, enum mx_purpose purpose)
{
    return mx_stream_make(t->job->seed, t->job->repeat, purpose, t->job->stream_extra);
}

static uint64_t batches_of(const struct training *t, const struct worker_split *split)
{
    return (split->n + t->batch_size - 1) / t->batch_size;
}

static int tell(const struct training *t, struct mx_err *err)
{
    if (worker_progress_tick(t->progress, t->at.ticks, t->total_ticks))
        return mx_fail(err, MX_EINTERRUPTED, "stopped after %llu of %llu batches",
                       (unsigned long long)t->at.ticks, (unsigned long long)t->total_ticks);
    return 0;
}

static int tick(struct training *t, struct mx_err *err)
{
    t->at.ticks++;
    return tell(t, err);
}

static int count_groups(struct training *t, struct mx_err *err)
{
    const struct worker_split *train = &t->set->train;

    if (!(t->group_counts = calloc(t->set->shape.groups + 1, sizeof *t->group_counts)))
        return mx_fail(err, MX_ENOMEM, "no memory to count %u groups", t->set->shape.groups);
    for (uint32_t i = 0; train->groups && i < train->n; i++)
        t->group_counts[train->groups[i]]++;
    return 0;
}

/* What strategies that look at gradients ask the network. */
static int gradient_of(void *engine, const float *images, const uint32_t *labels, uint32_t n,
                       float *gradient, struct mx_err *err)
{
    return worker_engine_image_gradient(engine, images, labels, n, gradient, err);
}

/* The network's first weights from model.weights; without training, all of them. */
static int load_weights(struct training *t, struct mx_err *err)
{
    const struct worker_params *params = &t->job->params;
    struct mx_buf               note = {0};
    int                         failed;

    if (!params->model_weights[0])
        return params->train_epochs == 0
                   ? mx_fail(err, MX_EINVAL, "train.epochs 0 needs model.weights")
                   : 0;
    failed = worker_weights_load(t->engine, params, params->train_epochs == 0, &note, err);
    if (!failed && note.len > 0) {
        mx_buf_text(&note, "\n");
        worker_progress_notes(t->progress, &note);
    }
    mx_buf_free(&note);
    return failed;
}

/* All of the training split, but for what is held out for afr. */
static int choose_rows(struct training *t, struct mx_err *err)
{
    const struct worker_split *train = &t->set->train;
    uint8_t                   *marks = NULL;
    int                        rc = -1;

    t->n = train->n;
    if (t->job->params.head_afr_split != WORKER_AFR_SPLIT_HOLDOUT)
        return 0;
    t->rows = calloc((size_t)train->n + 1, sizeof *t->rows);
    marks = calloc((size_t)train->n + 1, 1);
    if (!t->rows || !marks)
        mx_fail(err, MX_ENOMEM, "no memory to hold out some of %u images", train->n);
    else
        rc = worker_mark_holdout(train->labels, train->n, t->set->shape.classes, t->job->seed,
                                 marks, err);
    t->n = 0;
    for (uint32_t i = 0; rc == 0 && i < train->n; i++)
        if (!marks[i])
            t->rows[t->n++] = i;
    free(marks);
    return rc;
}

/* Batches are made where the network is. */
static int feed_batch(struct training *t, struct mx_err *err)
{
    struct mx_buf notes = {0};
    int           failed = worker_batch_feed(t->batch, t->engine, &t->job->params, t->set,
                                             WORKER_FEEDER_SPARED, &notes, err);

    worker_progress_notes(t->progress, &notes);
    mx_buf_free(&notes);
    return failed;
}

static int set_up(struct training *t, struct worker_cache *cache, struct mx_err *err)
{
    const struct worker_params *params = &t->job->params;
    uint32_t                    last;

    if (!(t->set = worker_cache_dataset(cache, t->job, t->progress, err)) || choose_rows(t, err))
        return -1;
    t->batch_size = params->train_batch_size < t->n ? (uint32_t)params->train_batch_size : t->n;
    if (t->n == 0) {
        mx_fail(err, MX_EINVAL,
                "nothing to train on: no training image is left (lower data.val_fraction, or raise "
                "data.train_limit)");
        return -1;
    }
    t->steps_per_epoch = worker_steps_per_epoch(t->n, t->batch_size);
    t->total_ticks =
        (uint64_t)params->train_epochs * (t->steps_per_epoch + batches_of(t, &t->set->val)) +
        (params->train_epochs == 0 ? batches_of(t, &t->set->val) : 0) +
        batches_of(t, &t->set->test);
    t->order = malloc(t->n * sizeof *t->order);
    t->logits = malloc((size_t)t->batch_size * t->set->shape.classes * sizeof *t->logits);
    t->hits[0] = malloc((size_t)t->set->val.n + 1);
    t->hits[1] = malloc((size_t)t->set->test.n + 1);
    if (!t->order || !t->logits || !t->hits[0] || !t->hits[1]) {
        mx_fail(err, MX_ENOMEM, "no memory to train on %u images", t->n);
        return -1;
    }
    if (count_groups(t, err) ||
        !(t->batch = worker_batch_new(params, &t->set->shape, t->batch_size, err)) ||
        !(t->engine = worker_engine_new(params, &t->set->shape, t->batch_size,
                                        stream_of(t, MX_PURPOSE_INIT), err)) ||
        load_weights(t, err) || feed_batch(t, err))
        return -1;
    worker_batch_lend(t->batch, (struct worker_gradient){gradient_of, t->engine});
    worker_keeper_open(&t->keeper, t->job, &t->set->shape, t->engine, t->batch);
    last = t->n % t->batch_size;
    return last > 1 ? worker_engine_prepare(t->engine, last, err) : 0;
}

static void tear_down(struct training *t)
{
    worker_keeper_close(&t->keeper);
    worker_batch_free(t->batch);
    worker_engine_free(t->engine);
    worker_metrics_free(t->val);
    mx_buf_free(&t->history);
    free(t->rows);
    free(t->order);
    free(t->logits);
    free(t->group_counts);
    free(t->hits[0]);
    free(t->hits[1]);
}

/* Scores of the network as it is now on a split, and which images are right; NULL with *err. */
static struct worker_metrics *evaluate(struct training *t, const struct worker_split *split,
                                       const char *name, uint8_t *hits, struct mx_err *err)
{
    const struct worker_shape *shape = &t->set->shape;
    struct worker_metrics     *metrics =
        worker_metrics_new(shape->classes, shape->groups, t->group_counts, err);

    if (!metrics)
        return NULL;
    worker_metrics_record(metrics, hits);
    for (uint32_t first = 0; first < split->n; first += t->batch_size) {
        uint32_t rest = split->n - first, n = rest < t->batch_size ? rest : t->batch_size;

        if (worker_batch_show(t->batch, t->set, split, first, n, err) ||
            worker_engine_infer(t->engine, worker_batch_shown(t->batch), n, t->logits, err))
            goto fail;
        worker_metrics_add(metrics, t->logits, split->labels + first,
                           split->groups ? split->groups + first : NULL, n);
        if (tick(t, err))
            goto fail;
    }
    if (split->n > 0 && !isfinite(worker_metrics_cross_entropy(metrics))) {
        mx_fail(err, MX_EDIVERGED,
                "the %s loss after training for %llu batches is not finite (lower train.lr, or set "
                "train.clip_norm)",
                name, (unsigned long long)t->at.ticks);
        goto fail;
    }
    return metrics;

fail:
    worker_metrics_free(metrics);
    return NULL;
}

static int keep(struct training *t, struct mx_err *err)
{
    t->at.seconds = mx_clock_monotonic_s() - t->started_s;
    t->safe = t->at;
    t->safe_history = t->history.len;
    t->unsaved = true;
    return worker_keeper_step(&t->keeper, &t->at, &t->history, t->at.batch == t->steps_per_epoch,
                              err);
}

static int train_epoch(struct training *t, uint32_t epoch, struct mx_err *err)
{
    const struct worker_params *params = &t->job->params;
    const struct mx_stream      augment = stream_of(t, MX_PURPOSE_AUGMENT);
    const struct mx_stream      mix = stream_of(t, MX_PURPOSE_MIX);
    struct mx_rng               rng = mx_rng_at(stream_of(t, MX_PURPOSE_ORDER), epoch, 0, 0);

    mx_rng_permutation(&rng, t->order, t->n);
    for (uint32_t k = 0; t->rows && k < t->n; k++)
        t->order[k] = t->rows[t->order[k]];
    for (uint32_t b = t->at.batch; b < t->steps_per_epoch; b++) {
        uint32_t first = b * t->batch_size, rest = t->n - first;
        uint32_t n = rest < t->batch_size ? rest : t->batch_size;
        double   loss,
            rate = worker_schedule_rate(params, epoch * t->steps_per_epoch + b, t->steps_per_epoch);

        if (worker_batch_train(t->batch, params, t->set, t->order + first, n, augment, mix, epoch,
                               b, err) ||
            worker_engine_step(t->engine, t->batch, rate, &loss, err))
            return mx_err_prefix(err, "epoch %u, batch %u", epoch, b);
        worker_tally_add(&t->at.tally, t->batch, loss, worker_engine_hits(t->engine));
        t->at.batch = b + 1;
        t->at.ticks++;
        if (keep(t, err) || tell(t, err))
            return -1;
    }
    t->loss = t->at.tally.loss / t->at.tally.images;
    worker_engine_tell(t->engine, t->progress);
    return 0;
}

/* ",VALUE", or nothing behind the comma if it was not measured. */
static void put_value(struct mx_buf *out, double value)
{
    char text[MX_NUM_SIZE];

    mx_buf_printf(out, ",%s", isnan(value) ? "" : mx_num_format(value, text));
}

static void put_head(struct mx_buf *out)
{
    mx_buf_printf(out, "epoch,learning_rate,train_loss,val_loss,val_accuracy,seconds%s\n",
                  worker_tally_names);
}

/* The rate in a row is that of the epoch's first step. */
static void put_history(struct training *t, uint32_t epoch, double seconds)
{
    if (epoch == 0)
        put_head(&t->history);
    mx_buf_printf(&t->history, "%u", epoch);
    put_value(&t->history, worker_schedule_rate(&t->job->params, epoch * t->steps_per_epoch,
                                                t->steps_per_epoch));
    put_value(&t->history, t->loss);
    put_value(&t->history, worker_metrics_cross_entropy(t->val));
    put_value(&t->history, worker_metrics_accuracy(t->val));
    put_value(&t->history, seconds);
    worker_tally_format(&t->at.tally, &t->history);
    mx_buf_text(&t->history, "\n");
}

/* Where an earlier attempt left a checkpoint, else the start. */
static int find_start(struct training *t, struct mx_err *err)
{
    struct mx_buf notes = {0};
    int           failed = worker_keeper_find(&t->keeper, &t->at, &t->history, &notes, err);

    worker_progress_notes(t->progress, &notes);
    mx_buf_free(&notes);
    if (failed || t->job->until_epoch == 0 ||
        t->at.epoch + (t->at.batch > 0) <= t->job->until_epoch)
        return failed;
    worker_checkpoint_remove(t->job->folder);
    return mx_fail(err, MX_EINTERNAL,
                   "its checkpoint was written after %u epochs, and it is to be judged after %u: "
                   "the next attempt "
                   "begins anew",
                   t->at.epoch, t->job->until_epoch);
}

/* It has come to the epoch before, and nobody knows: its answer was lost. */
static int score_again(struct training *t, struct mx_err *err)
{
    const uint64_t ticks = t->at.ticks;

    t->val = evaluate(t, &t->set->val, "validation", t->hits[0], err);
    t->at.ticks = ticks;
    return t->val ? 0 : -1;
}

/* Nothing to train: the weights are scored as they came. */
static int validate(struct training *t, struct mx_err *err)
{
    put_head(&t->history);
    t->loss = NAN;
    return (t->val = evaluate(t, &t->set->val, "validation", t->hits[0], err)) ? 0 : -1;
}

/* Whether it waits here for a decision. */
static bool is_to_pause(const struct training *t)
{
    return t->job->until_epoch > 0 && t->at.epoch == t->job->until_epoch &&
           t->at.epoch < (uint64_t)t->job->params.train_epochs;
}

static int train(struct training *t, struct mx_err *err)
{
    if (t->job->params.train_epochs == 0)
        return validate(t, err);
    if (find_start(t, err) ||
        (t->job->until_epoch > 0 && t->at.epoch == t->job->until_epoch && score_again(t, err)))
        return -1;
    while (t->at.epoch < (uint64_t)t->job->params.train_epochs && !is_to_pause(t)) {
        const uint32_t epoch = t->at.epoch;

        t->started_s = mx_clock_monotonic_s() - t->at.seconds;
        if (train_epoch(t, epoch, err))
            return -1;
        if (worker_engine_check(t->engine, err))
            return mx_err_prefix(err, "epoch %u", epoch);
        worker_metrics_free(t->val);
        if (!(t->val = evaluate(t, &t->set->val, "validation", t->hits[0], err)))
            return -1;
        put_history(t, epoch, mx_clock_monotonic_s() - t->started_s);
        t->at = (struct worker_position){.epoch = epoch + 1, .ticks = t->at.ticks};
    }
    return 0;
}

static int report_intervals(const struct training *t, enum worker_feature_part part,
                            struct worker_result *result, struct mx_err *err)
{
    const bool                 val = part == WORKER_FEATURES_VAL;
    const struct worker_split *split = val ? &t->set->val : &t->set->test;
    const struct worker_hits   hits = {t->hits[val ? 0 : 1], split->groups, split->n,
                                       t->set->shape.groups};

    return worker_intervals_report(t->job, &hits, part, NULL, result, err);
}

static int report(struct training *t, struct worker_result *result, struct mx_err *err)
{
    struct worker_metrics *test = evaluate(t, &t->set->test, "test", t->hits[1], err);
    int                    failed;

    if (!test)
        return -1;
    failed = worker_metrics_report(t->val, "val", result, err) ||
             worker_metrics_report(test, "test", result, err) ||
             report_intervals(t, WORKER_FEATURES_VAL, result, err) ||
             report_intervals(t, WORKER_FEATURES_TEST, result, err) ||
             worker_result_add(result, "train.cross_entropy", t->loss, err);
    worker_metrics_free(test);
    return failed ? -1 : 0;
}

static int write_history(const struct training *t, struct mx_err *err)
{
    char *path = mx_path_join(t->job->folder, "history.csv");
    int   result;

    if (path && mx_buf_ok(&t->history))
        result = mx_file_write(path, t->history.data, t->history.len, err);
    else
        result = mx_fail(err, MX_ENOMEM, "no memory to write history.csv");
    free(path);
    return result;
}

static int write_weights(const struct training *t, struct mx_err *err)
{
    char                 *path = mx_path_join(t->job->folder, "weights.safetensors");
    struct worker_tensor *tensors = NULL;
    size_t                count = 0;
    int                   result = -1;

    if (!path)
        mx_fail(err, MX_ENOMEM, "no memory to write weights.safetensors");
    else if (t->job->params.train_epochs == 0 && link(t->job->params.model_weights, path) == 0)
        result = 0; /* they are that file; elsewhere, on another disk, they are written out */
    else if (!worker_engine_export(t->engine, &tensors, &count, err))
        result = worker_safetensors_write(path, tensors, count, err);
    worker_tensors_free(tensors, count);
    free(path);
    return result;
}

static int write_files(const struct training *t, struct mx_err *err)
{
    static const struct worker_stage_file files[] = {{.name = "history.csv"},
                                                     {.name = "weights.safetensors"}};

    if (!t->job->folder[0])
        return 0;
    if (write_history(t, err) || (t->job->keep_weights && write_weights(t, err)))
        return -1;
    return worker_stage_write_record(t->job, files,
                                     t->job->keep_weights && !t->job->temporary ? 2 : 1, err);
}

/* All of it is on disk, the epoch's scores included, and nothing is said of the test part. */
static int pause_here(struct training *t, struct worker_result *result, struct mx_err *err)
{
    t->keeper.kept = false; /* a file of this step may be from before the scores */
    if (worker_metrics_report(t->val, "val", result, err) ||
        worker_keeper_save(&t->keeper, &t->at, &t->history, err))
        return -1;
    result->paused_epoch = t->at.epoch;
    return 0;
}

static int finish(struct training *t, struct worker_result *result, struct mx_err *err)
{
    return report(t, result, err) || write_files(t, err) ? -1 : 0;
}

/* Whoever asks a training to end finds all of it again: not one step is lost. */
static void save_interrupted(struct training *t)
{
    struct mx_buf history = {.data = t->history.data, .len = t->safe_history};

    if (t->unsaved)
        worker_keeper_save(&t->keeper, &t->safe, &history, NULL);
}

int worker_train_run(const struct worker_job *job, struct worker_cache *cache,
                     const struct worker_progress *progress, struct worker_result *result,
                     struct mx_err *err)
{
    struct worker_job own = *job;
    struct training   t = {.job = &own, .progress = progress};
    struct mx_err     why = {0};
    int               failed = worker_weights_stem(&own.params, &why) || set_up(&t, cache, &why) ||
                 train(&t, &why) ||
                 (is_to_pause(&t) ? pause_here(&t, result, &why) : finish(&t, result, &why));

    if (failed && why.code == MX_EINTERRUPTED)
        save_interrupted(&t);
    tear_down(&t);
    /* One that has diverged would do so again. */
    if (job->folder[0] && ((!failed && result->paused_epoch == 0) || why.code == MX_EDIVERGED))
        worker_checkpoint_remove(job->folder);
    if (failed && err)
        *err = why;
    return failed ? -1 : 0;
}
