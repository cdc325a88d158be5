/* edits_find.c - from DIR and CELL.rN to arrays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/edits.h"
#include "sweep/kept.h"
#include "sweep/smoke_data.h"
#include "worker/npy.h"

/* The job of the trial's head stage, with its folders. */
static int find_job(const struct mx_kept *kept, const char *name, struct worker_job *job,
                    struct mx_err *err)
{
    const struct mx_plan  *plan = kept->plan;
    const uint32_t         number = mx_kept_trial(kept, name);
    const struct mx_trial *trial = number < plan->ntrials ? &plan->trials[number] : NULL;
    uint32_t               stage = plan->nstages;

    if (!trial)
        return mx_fail(err, MX_EINVAL, "%s has no trial %s: results.csv lists them",
                       kept->directory, name);
    for (uint32_t s = 0; s < trial->nstages; s++)
        if (plan->stages[plan->stage_of[trial->first_stage + s]].kind == WORKER_STAGE_HEAD)
            stage = plan->stage_of[trial->first_stage + s];
    if (stage < plan->nstages && mx_plan_job(plan, kept->config, stage, job, err))
        return -1;
    if (stage == plan->nstages || job->params.head_method != WORKER_HEAD_HSFM)
        return mx_fail(err, MX_EINVAL,
                       "trial %s edits no features: only those of head.method hsfm do", name);
    snprintf(job->stages, sizeof job->stages, "%s/stages", kept->directory);
    if ((size_t)snprintf(job->folder, sizeof job->folder, "%s/%s", job->stages, job->key) >=
        sizeof job->folder)
        return mx_fail(err, MX_EINVAL, "the path of %s is too long", kept->directory);
    return 0;
}

static int plan_job(const char *directory, const char *name, struct worker_job *job,
                    struct mx_err *err)
{
    struct mx_kept kept;
    char          *smoke_data = NULL;
    int            rc;

    if (mx_kept_open(directory, &kept, err))
        return -1;
    rc = find_job(&kept, name, job, err) || mx_smoke_find(directory, &smoke_data, err) ? -1 : 0;
    mx_smoke_use(smoke_data, &job->params);
    free(smoke_data);
    mx_kept_close(&kept);
    return rc;
}

/* Read an array of (any, dims) doubles; *n is how many rows, which have to be `want` if that
 * is not 0. NULL with *err. */
static double *read_array(const char *path, uint32_t dims, uint32_t want, uint32_t *n,
                          struct mx_err *err)
{
    const uint64_t     shape[] = {want > 0 ? want : UINT64_MAX, dims};
    struct worker_npy *file = worker_npy_open(path, err);
    double            *out = NULL;

    if (!file)
        return NULL;
    if (worker_npy_want(file, 2, shape, err))
        goto done;
    *n = (uint32_t)worker_npy_shape(file)->rows;
    if (!(out = calloc((size_t)*n * dims + 1, sizeof *out))) {
        mx_fail(err, MX_ENOMEM, "no memory for %s", path);
    } else if (worker_npy_read_f64(file, 0, *n, out, err)) {
        free(out);
        out = NULL;
    }
done:
    worker_npy_close(file);
    return out;
}

static int read_rows(const char *path, struct mx_edits_case *found, struct mx_err *err)
{
    const uint64_t     shape[] = {UINT64_MAX};
    struct worker_npy *file = worker_npy_open(path, err);
    int                rc = -1;

    if (!file)
        return -1;
    if (worker_npy_want(file, 1, shape, err))
        goto done;
    found->n = (uint32_t)worker_npy_shape(file)->rows;
    if (!(found->rows = calloc((size_t)found->n + 1, sizeof *found->rows)))
        mx_fail(err, MX_ENOMEM, "no memory for %s", path);
    else
        rc = worker_npy_read_u32(file, 0, found->n, found->features->split[WORKER_FEATURES_TRAIN].n,
                                 "row", found->rows, err);
done:
    worker_npy_close(file);
    return rc;
}

static int read_support(struct mx_edits_case *found, struct mx_err *err)
{
    const uint32_t dims = found->features->dims;
    char           path[WORKER_PATH_SIZE + 64];
    uint32_t       n;

    snprintf(path, sizeof path, "%s/support_indices.npy", found->job.folder);
    if (read_rows(path, found, err))
        return -1;
    snprintf(path, sizeof path, "%s/support_before.npy", found->job.folder);
    if (!(found->before = read_array(path, dims, found->n, &n, err)))
        return -1;
    snprintf(path, sizeof path, "%s/support_after.npy", found->job.folder);
    return (found->after = read_array(path, dims, found->n, &n, err)) ? 0 : -1;
}

/* Those of the trial's features stage, or of the folder that is its data set. */
static int read_features(struct mx_edits_case *found, struct mx_err *err)
{
    const struct worker_params *params = &found->job.params;
    const bool                  own = worker_job_has_input(&found->job, WORKER_STAGE_FEATURES);
    char *folder = own ? worker_job_input_path(&found->job, WORKER_STAGE_FEATURES, "") : NULL;

    if (own && !folder)
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    found->features = worker_features_read(own ? folder : params->data_path,
                                           (enum worker_precision)params->head_precision,
                                           own ? 0 : (uint64_t)params->data_train_limit,
                                           own ? 0 : (uint64_t)params->data_test_limit, err);
    free(folder);
    return found->features ? 0 : -1;
}

/* Only of directions is there a similarity. */
static int check_texts(const struct mx_edits_case *found, const char *path, struct mx_err *err)
{
    const uint32_t dims = found->features->dims;

    for (uint32_t t = 0; t < found->ntexts; t++) {
        double squares = 0;

        for (uint32_t d = 0; d < dims; d++)
            squares += found->texts[(size_t)t * dims + d] * found->texts[(size_t)t * dims + d];
        if (!(squares > 0 && isfinite(squares)))
            return mx_fail(err, MX_EDATA, "%s: row %u %s", path, t,
                           squares > 0 ? "is too large"
                                       : "is all zeros or has a number that is none");
    }
    return 0;
}

int mx_edits_find(const char *directory, const char *trial, const char *text,
                  struct mx_edits_case *found, struct mx_err *err)
{
    char path[WORKER_PATH_SIZE + 64];

    memset(found, 0, sizeof *found);
    if (plan_job(directory, trial, &found->job, err))
        goto fail;
    snprintf(path, sizeof path, "%s/stage.json", found->job.folder);
    if (!mx_file_exists(path)) {
        mx_fail(err, MX_EDATA,
                "trial %s has left no files: edits are kept under schedule.keep all, once the "
                "trial is done (%s is missing)",
                trial, path);
        goto fail;
    }
    if (read_features(found, err) || read_support(found, err))
        goto fail;
    if (text && !(found->texts = read_array(text, found->features->dims, 0, &found->ntexts, err)))
        goto fail;
    if (text && check_texts(found, text, err))
        goto fail;
    return 0;
fail:
    mx_edits_free(found);
    return -1;
}

void mx_edits_free(struct mx_edits_case *found)
{
    worker_job_free(&found->job);
    worker_features_free(found->features);
    free(found->rows);
    free(found->before);
    free(found->after);
    free(found->texts);
    memset(found, 0, sizeof *found);
}
