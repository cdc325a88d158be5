/* features_stage.c - the features of a trained network, on every image of its set. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/batch.h"
#include "worker/engine.h"
#include "worker/features.h"
#include "worker/feeder.h"
#include "worker/npy.h"
#include "worker/stage_parts.h"
#include "worker/weights.h"

enum {
    MAX_FILES = 3 * WORKER_FEATURE_PARTS + 2,
    NAME_SIZE = 16
};

struct extraction {
    struct worker_job             job; /* its own: with the weights of the train stage */
    const struct worker_progress *progress;
    const struct worker_dataset  *set; /* the cache's */
    struct worker_engine         *engine;
    struct worker_batch          *batch;
    uint32_t                      dims;
    float                        *rows; /* (WORKER_FEATURE_BATCH, dims) */
    uint64_t                      done, total;
    char                          names[MAX_FILES][NAME_SIZE];
    struct worker_stage_file      files[MAX_FILES];
    size_t                        nfiles;
};

static const struct worker_split *split_of(const struct extraction *e,
                                           enum worker_feature_part part)
{
    const struct worker_split *splits[WORKER_FEATURE_PARTS] = {&e->set->train, &e->set->val,
                                                               &e->set->test};

    return splits[part];
}

/* The network as the train stage left it: the file decides its stem. */
static int load_network(struct extraction *e, struct mx_err *err)
{
    struct worker_params *params = &e->job.params;
    struct mx_buf         note = {0};
    int                   rc = -1;

    if (worker_job_take_weights(&e->job, err))
        return -1;
    e->engine =
        worker_engine_new(params, &e->set->shape, WORKER_FEATURE_BATCH,
                          mx_stream_make(e->job.seed, e->job.repeat, MX_PURPOSE_INIT, 0), err);
    if (e->engine)
        rc = worker_weights_load(e->engine, params, true, &note, err);
    mx_buf_free(&note);
    return rc;
}

static int set_up(struct extraction *e, struct worker_cache *cache, struct mx_err *err)
{
    if (!(e->set = worker_cache_dataset(cache, &e->job, e->progress, err)) || load_network(e, err))
        return -1;
    for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++)
        e->total += split_of(e, p)->n;
    e->dims = worker_engine_feature_dims(e->engine);
    if (!(e->rows = malloc((size_t)WORKER_FEATURE_BATCH * e->dims * sizeof *e->rows)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u features", e->dims);
    if (!(e->batch = worker_batch_new(&e->job.params, &e->set->shape, WORKER_FEATURE_BATCH, err)))
        return -1;
    /* No image is seen twice: none need stay on a device. */
    return worker_batch_feed(e->batch, e->engine, &e->job.params, e->set, 0, NULL, err);
}

static void tear_down(struct extraction *e)
{
    worker_batch_free(e->batch);
    worker_engine_free(e->engine);
    free(e->rows);
}

/* FOLDER/NAME, noted for stage.json; NULL with *err. */
static char *new_file(struct extraction *e, const char *name, const char *dtype, uint32_t rows,
                      uint32_t columns, struct mx_err *err)
{
    char *path = mx_path_join(e->job.folder, name);
    char *kept = e->names[e->nfiles];

    if (!path) {
        mx_fail(err, MX_ENOMEM, "no memory to write %s", name);
        return NULL;
    }
    snprintf(kept, NAME_SIZE, "%s", name);
    e->files[e->nfiles++] = (struct worker_stage_file){
        .name = kept, .dtype = dtype, .ndims = columns > 0 ? 2 : 1, .dims = {rows, columns}};
    return path;
}

static int extract(struct extraction *e, const struct worker_split *split,
                   struct worker_npy_writer *writer, const char *name, struct mx_err *err)
{
    for (uint32_t first = 0; first < split->n; first += WORKER_FEATURE_BATCH) {
        uint32_t rest = split->n - first;
        uint32_t n = rest < WORKER_FEATURE_BATCH ? rest : WORKER_FEATURE_BATCH;

        if (worker_batch_show(e->batch, e->set, split, first, n, err) ||
            worker_engine_features(e->engine, worker_batch_shown(e->batch), n, e->rows, err))
            return -1;
        for (size_t k = 0; k < (size_t)n * e->dims; k++)
            if (!isfinite(e->rows[k]))
                return mx_fail(err, MX_EDIVERGED,
                               "a feature of image %u of %s is not finite (lower train.lr, or take "
                               "other model.weights)",
                               first + (uint32_t)(k / e->dims), name);
        if (worker_npy_append(writer, e->rows, (uint64_t)n * e->dims, err))
            return -1;
        e->done += n;
        if (worker_progress_tick(e->progress, e->done, e->total))
            return mx_fail(err, MX_EINTERRUPTED, "stopped after %llu of %llu images",
                           (unsigned long long)e->done, (unsigned long long)e->total);
    }
    return 0;
}

static int write_x(struct extraction *e, enum worker_feature_part part, struct mx_err *err)
{
    const struct worker_split *split = split_of(e, part);
    const uint64_t             dims[2] = {split->n, e->dims};
    struct worker_npy_writer  *writer;
    char                       name[NAME_SIZE], *path;

    snprintf(name, sizeof name, "%s_x.npy", worker_feature_parts[part]);
    if (!(path = new_file(e, name, "float32", split->n, e->dims, err)))
        return -1;
    writer = worker_npy_begin(path, WORKER_NPY_F32, 2, dims, err);
    free(path);
    if (!writer)
        return -1;
    if (extract(e, split, writer, worker_feature_parts[part], err)) {
        worker_npy_drop(writer);
        return -1;
    }
    return worker_npy_finish(writer, err);
}

static int write_ids(struct extraction *e, enum worker_feature_part part, char letter,
                     const uint32_t *ids, struct mx_err *err)
{
    const uint64_t n = split_of(e, part)->n;
    char           name[NAME_SIZE], *path;
    int            rc;

    snprintf(name, sizeof name, "%s_%c.npy", worker_feature_parts[part], letter);
    if (!(path = new_file(e, name, "uint32", (uint32_t)n, 0, err)))
        return -1;
    rc = worker_npy_write(path, WORKER_NPY_U32, 1, &n, ids, err);
    free(path);
    return rc;
}

static int write_head(struct extraction *e, struct mx_err *err)
{
    const uint32_t classes = e->set->shape.classes;
    const uint64_t dims[2] = {classes, e->dims};
    float         *w = malloc((size_t)classes * e->dims * sizeof *w);
    float         *b = malloc(classes * sizeof *b);
    char          *w_path = new_file(e, "head_w.npy", "float32", classes, e->dims, err);
    char          *b_path = new_file(e, "head_b.npy", "float32", classes, 0, err);
    int            rc = -1;

    if (!w || !b)
        mx_fail(err, MX_ENOMEM, "no memory for the head of %u classes", classes);
    else if (w_path && b_path && worker_engine_head(e->engine, w, b, err) == 0 &&
             worker_npy_write(w_path, WORKER_NPY_F32, 2, dims, w, err) == 0)
        rc = worker_npy_write(b_path, WORKER_NPY_F32, 1, dims, b, err);
    free(w);
    free(b);
    free(w_path);
    free(b_path);
    return rc;
}

static int write_all(struct extraction *e, struct mx_err *err)
{
    for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++) {
        const struct worker_split *split = split_of(e, p);

        if (write_x(e, p, err) || write_ids(e, p, 'y', split->labels, err) ||
            (e->set->shape.groups > 0 && write_ids(e, p, 'g', split->groups, err)))
            return -1;
    }
    if (write_head(e, err))
        return -1;
    return worker_stage_write_record(&e->job, e->files, e->job.temporary ? 0 : e->nfiles, err);
}

int worker_features_run(const struct worker_job *job, struct worker_cache *cache,
                        const struct worker_progress *progress, struct worker_result *result,
                        struct mx_err *err)
{
    struct extraction *e = calloc(1, sizeof *e);
    int                failed;

    (void)result; /* all it gives is files */
    if (!e)
        return mx_fail(err, MX_ENOMEM, "no memory to extract features");
    e->job = *job;
    e->progress = progress;
    failed = set_up(e, cache, err) || write_all(e, err);
    tear_down(e);
    free(e);
    return failed ? -1 : 0;
}
