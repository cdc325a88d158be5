/* head_stage.c - a trial's final head, and what it says of val and test. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/head_parts.h"
#include "worker/head_score.h"
#include "worker/intervals.h"
#include "worker/metrics.h"

struct measuring {
    const struct worker_job      *job;
    const struct worker_progress *progress;
    const struct worker_features *features;  /* the cache's */
    struct worker_resamples      *resamples; /* the cache's */
    const char                   *method;
    struct worker_head            head;
    uint64_t                     *group_counts; /* of train */
    double                       *logits;       /* of a split */
    uint8_t                      *hits;
};

static bool tick(void *user, uint64_t done, uint64_t total)
{
    return worker_progress_tick(((const struct measuring *)user)->progress, done, total);
}

static struct mx_stream stream_of(const struct worker_job *job, enum mx_purpose purpose)
{
    return mx_stream_make(job->seed, job->repeat, purpose, job->stream_extra);
}

static int make_room(struct measuring *m, struct mx_err *err)
{
    const struct worker_features      *f = m->features;
    const struct worker_feature_split *train = &f->split[WORKER_FEATURES_TRAIN];
    size_t                             most = 0;

    for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++)
        most = f->split[p].n > most ? f->split[p].n : most;
    m->logits = malloc((most * f->classes + 1) * sizeof *m->logits);
    m->hits = malloc(most + 1);
    m->group_counts = calloc((size_t)f->groups + 1, sizeof *m->group_counts);
    if (!m->logits || !m->hits || !m->group_counts)
        return mx_fail(err, MX_ENOMEM, "no memory to score a head on %zu images", most);
    for (uint32_t i = 0; train->groups && i < train->n; i++)
        m->group_counts[train->groups[i]]++;
    return 0;
}

static int add(struct worker_result *result, const char *split, const char *word, double value,
               struct mx_err *err)
{
    char name[WORKER_METRIC_NAME_SIZE];

    snprintf(name, sizeof name, "%s.%s", split, word);
    return worker_result_add(result, name, value, err);
}

/* A head that gives all of a split one class is told and in the table: 1. */
static int flag_collapse(struct measuring *m, enum worker_feature_part part,
                         struct worker_result *result, struct mx_err *err)
{
    const struct worker_feature_split *split = &m->features->split[part];
    const uint32_t                     classes = m->features->classes;
    uint32_t                           first = worker_head_predicted(m->logits, classes), same = 0;

    while (same < split->n &&
           worker_head_predicted(m->logits + (size_t)same * classes, classes) == first)
        same++;
    if (split->n > 1 && same == split->n && m->progress && m->progress->note) {
        char note[128];

        snprintf(note, sizeof note, "%s has collapsed: all %u images of %s are given class %u",
                 m->method, split->n, worker_feature_parts[part], first);
        m->progress->note(m->progress->user, note);
    }
    return add(result, worker_feature_parts[part], "collapsed", split->n > 1 && same == split->n,
               err);
}

static int measure(struct measuring *m, enum worker_feature_part part, struct worker_result *result,
                   struct mx_err *err)
{
    const struct worker_features      *f = m->features;
    const struct worker_feature_split *split = &f->split[part];
    const char                        *name = worker_feature_parts[part];
    const struct worker_hits           hits = {m->hits, split->groups, split->n, f->groups};
    struct worker_metrics             *metrics =
        worker_metrics_new(f->classes, f->groups, m->group_counts, err);
    int rc = -1;

    if (!metrics)
        return -1;
    worker_head_logits(f, part, m->head.w, m->head.b, m->logits);
    worker_metrics_record(metrics, m->hits);
    worker_metrics_add_f64(metrics, m->logits, split->labels, split->groups, split->n);
    if (split->n > 0 && !isfinite(worker_metrics_cross_entropy(metrics)))
        mx_fail(err, MX_EDIVERGED,
                "head.method %s: the loss of %s is not finite (lower its learning rate)", m->method,
                name);
    else if (worker_metrics_report(metrics, name, result, err) == 0 &&
             flag_collapse(m, part, result, err) == 0)
        rc = worker_intervals_report(m->job, &hits, part, m->resamples, result, err);
    worker_metrics_free(metrics);
    return rc;
}

/* Methods that work on errors do nothing of their own without any. */
static int flag_errors(struct measuring *m, struct worker_result *result, struct mx_err *err)
{
    static const char *const splits[WORKER_HEAD_METHODS] = {
        [WORKER_HEAD_JTT_HEAD] = "train", [WORKER_HEAD_HSFM] = "val"};
    const char *split = splits[m->job->params.head_method];

    if (!split)
        return 0;
    if (m->head.errors == 0 && m->progress && m->progress->note) {
        char note[128];

        snprintf(note, sizeof note, "%s found no error in %s to learn from", m->method, split);
        m->progress->note(m->progress->user, note);
    }
    return add(result, split, "error_set", m->head.errors, err);
}

int worker_head_run(const struct worker_job *job, struct worker_cache *cache,
                    const struct worker_progress *progress, struct worker_result *result,
                    struct mx_err *err)
{
    struct measuring        m = {.job = job,
                                 .progress = progress,
                                 .features = worker_cache_features(cache, job, err),
                                 .resamples = worker_cache_resamples(cache),
                                 .method = worker_heads[job->params.head_method].word};
    struct worker_head_task task = {.features = m.features,
                                    .params = &job->params,
                                    .seed = job->seed,
                                    .support = stream_of(job, MX_PURPOSE_SUPPORT),
                                    .head = stream_of(job, MX_PURPOSE_HEAD),
                                    .tick = tick,
                                    .user = &m};
    int                     failed;

    if (!m.features)
        return -1;
    if (job->params.head_method == WORKER_HEAD_AFR &&
        job->params.head_afr_split == WORKER_AFR_SPLIT_HOLDOUT &&
        !worker_job_has_input(job, WORKER_STAGE_FEATURES))
        return mx_fail(err, MX_EINVAL,
                       "head.afr.split: holdout needs a network trained without it");
    failed = make_room(&m, err) || worker_head_train(&task, &m.head, err) ||
             measure(&m, WORKER_FEATURES_VAL, result, err) ||
             measure(&m, WORKER_FEATURES_TEST, result, err) || flag_errors(&m, result, err) ||
             (job->folder[0] && worker_head_write(job, &m.head, m.features->precision, err));
    worker_head_free(&m.head);
    free(m.logits);
    free(m.hits);
    free(m.group_counts);
    return failed ? -1 : 0;
}
