#include "worker/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/stage_parts.h"

/* Raise an engine version whenever the numbers of that kind change. */
const struct worker_kind_info worker_kinds[WORKER_STAGE_KINDS] = {
    [WORKER_STAGE_TRAIN] = {"train", 6},
    [WORKER_STAGE_FEATURES] = {"features", 1},
    [WORKER_STAGE_HEAD] = {"head", 2},
    [WORKER_STAGE_MAPS] = {"maps", 1},
    [WORKER_STAGE_SCORES] = {"scores", 1},
    [WORKER_STAGE_SCORER] = {"scorer", 1},
    [WORKER_STAGE_INTER_MODEL] = {"inter_model", 1},
    [WORKER_STAGE_STANDING] = {"standing", 2},
};

typedef int run_function(const struct worker_job *, struct worker_cache *,
                         const struct worker_progress *, struct worker_result *, struct mx_err *);

static run_function *const runners[WORKER_STAGE_KINDS] = {
    [WORKER_STAGE_TRAIN] = worker_train_run,
    [WORKER_STAGE_FEATURES] = worker_features_run,
    [WORKER_STAGE_HEAD] = worker_head_run,
    [WORKER_STAGE_MAPS] = worker_maps_run,
    [WORKER_STAGE_SCORES] = worker_scores_run,
    [WORKER_STAGE_SCORER] = worker_scorer_run,
    [WORKER_STAGE_INTER_MODEL] = worker_inter_model_run,
    [WORKER_STAGE_STANDING] = worker_standing_run,
};

bool worker_progress_tick(const struct worker_progress *progress, uint64_t done, uint64_t total)
{
    return progress && progress->tick && progress->tick(progress->user, done, total);
}

void worker_progress_notes(const struct worker_progress *progress, const struct mx_buf *lines)
{
    const char *at = lines->data, *end = at + lines->len;
    char        line[256];

    while (progress && progress->note && mx_buf_ok(lines) && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        snprintf(line, sizeof line, "%.*s", (int)((stop ? stop : end) - at), at);
        progress->note(progress->user, line);
        at = stop ? stop + 1 : end;
    }
}

/* No work, no file: numbers that depend on the job's name as those of any stage do. */
static int run_empty(const struct worker_job *job, struct worker_result *result, struct mx_err *err)
{
    struct mx_stream stream =
        mx_stream_make(job->seed, job->repeat, MX_PURPOSE_SCORE, job->stream_extra);
    struct mx_rng rng = mx_rng_at(stream, 0, 0, 0);

    if (worker_result_add(result, "val.accuracy", mx_rng_uniform(&rng), err))
        return -1;
    return worker_result_add(result, "test.accuracy", mx_rng_uniform(&rng), err);
}

int worker_stage_run(const struct worker_job *job, struct worker_cache *cache,
                     const struct worker_progress *progress, struct worker_result *result,
                     struct mx_err *err)
{
    if (job->kind >= WORKER_STAGE_KINDS)
        return mx_fail(err, MX_EINVAL, "no stage has the number %d", (int)job->kind);
    if (job->empty ? run_empty(job, result, err)
                   : runners[job->kind](job, cache, progress, result, err)) {
        worker_result_free(result);
        return -1;
    }
    return 0;
}
