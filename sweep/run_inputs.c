/* run_inputs.c - what stages leave on disk, and how long others need it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/run_state.h"
#include "sweep/stages.h"
#include "worker/checkpoint.h"

/* "DIR/stages" and "DIR/stages/KEY". */
static int find_places(const struct run *run, struct worker_job *job, struct mx_err *err)
{
    int n = snprintf(job->stages, sizeof job->stages, "%s/stages", run->directory);
    int m = snprintf(job->folder, sizeof job->folder, "%s/stages/%s", run->directory, job->key);

    if (n < 0 || m < 0 || (size_t)m >= sizeof job->folder)
        return mx_fail(err, MX_EINVAL, "the path of %s is too long", run->directory);
    return 0;
}

bool run_leaves_folder(const struct run *run, enum worker_kind kind)
{
    return mx_stage_leaves_folder(kind, run->keep);
}

int run_place_job(struct run *run, uint32_t stage, struct worker_job *job, struct mx_err *err)
{
    const bool read = run->readers[stage] > 0;

    if (find_places(run, job, err))
        return -1;
    job->keep_weights = run->keep != MX_KEEP_RESULTS || read;
    job->temporary = run->keep == MX_KEEP_RESULTS;
    if (!run_leaves_folder(run, job->kind)) {
        job->folder[0] = '\0';
        return 0;
    }
    /* What else than checkpoints an attempt that died has left there is of no
     * use: stage.json, written last, is missing. */
    if (mx_dir_make(job->folder, err))
        return -1;
    return mx_dir_clear(job->folder, worker_checkpoint_name, err);
}

static char *path_of(const struct run *run, uint32_t stage, const char *file)
{
    return mx_plan_stage_path(run->plan, stage, run->directory, file);
}

static bool has_files(const struct run *run, uint32_t stage)
{
    const char *gives = mx_stage_kind_of(run->plan->stages[stage].kind)->gives;
    char       *path = gives ? path_of(run, stage, gives) : NULL;
    bool        there = path && mx_file_exists(path);

    free(path);
    return there;
}

static bool stays(const char *name)
{
    const char *end = strrchr(name, '.');

    return end && (strcmp(end, ".json") == 0 || strcmp(end, ".csv") == 0);
}

/* Remove what a stage wrote for others, if only results are kept. */
static int remove_files(const struct run *run, uint32_t stage, struct mx_err *err)
{
    char *path;
    int   rc;

    if (run->keep != MX_KEEP_RESULTS || !has_files(run, stage) ||
        run->plan->stages[stage].kind == WORKER_STAGE_INTER_MODEL) /* matrices are results */
        return 0;
    if (!(path = path_of(run, stage, "")))
        return mx_fail(err, MX_ENOMEM, "no memory to remove files");
    rc = mx_dir_clear(path, stays, err);
    free(path);
    return rc;
}

/* Inputs stand before their readers in the plan: from the last stage to the
 * first, whether a stage will run is known before its inputs are looked at. */
int run_count_readers(struct run *run, bool *done, const bool *failed, struct mx_err *err)
{
    const struct mx_plan *plan = run->plan;

    if (!(run->readers = calloc(plan->nstages, sizeof *run->readers)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u stages", plan->nstages);
    for (uint32_t s = plan->nstages; s-- > 0;) {
        const struct mx_stage *stage = &plan->stages[s];

        if (done[s] && run->readers[s] > 0 && !has_files(run, s))
            done[s] = false;
        if (done[s] && run->readers[s] == 0 && remove_files(run, s, err))
            return -1;
        for (uint32_t i = 0; i < stage->ninputs && !done[s] && !failed[s]; i++)
            run->readers[plan->inputs[stage->first_input + i]]++;
    }
    return 0;
}

int run_release_inputs(struct run *run, uint32_t stage, struct mx_err *err)
{
    const struct mx_stage *row = &run->plan->stages[stage];

    for (uint32_t i = 0; i < row->ninputs; i++) {
        uint32_t input = run->plan->inputs[row->first_input + i];

        if (--run->readers[input] == 0 && remove_files(run, input, err))
            return -1;
    }
    return 0;
}

int run_drop_checkpoints(struct run *run, uint32_t stage, struct mx_err *err)
{
    char *path = path_of(run, stage, "");

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory to remove files");
    worker_checkpoint_remove(path);
    rmdir(path); /* one that holds something else stays */
    free(path);
    return 0;
}
