#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/stage_parts.h"
#include "worker/weights.h"

int worker_job_add_input(struct worker_job *job, enum worker_kind kind, const char *key,
                         struct mx_err *err)
{
    if (job->ninputs == job->inputs_room) {
        uint32_t             room = job->inputs_room ? 2 * job->inputs_room : 4;
        struct worker_input *more = realloc(job->inputs, room * sizeof *more);

        if (!more)
            return mx_fail(err, MX_ENOMEM, "no memory for a stage of %u inputs", room);
        job->inputs = more;
        job->inputs_room = room;
    }
    job->inputs[job->ninputs] = (struct worker_input){.kind = kind};
    snprintf(job->inputs[job->ninputs++].key, sizeof job->inputs->key, "%s", key);
    return 0;
}

void worker_job_free(struct worker_job *job)
{
    free(job->inputs);
    job->inputs = NULL;
    job->ninputs = job->inputs_room = 0;
}

static const struct worker_input *find(const struct worker_job *job, enum worker_kind kind)
{
    for (uint32_t i = 0; i < job->ninputs; i++)
        if (job->inputs[i].kind == kind)
            return &job->inputs[i];
    return NULL;
}

bool worker_job_has_input(const struct worker_job *job, enum worker_kind kind)
{
    return find(job, kind) != NULL;
}

char *worker_job_input_path(const struct worker_job *job, enum worker_kind kind, const char *file)
{
    const struct worker_input *input = find(job, kind);
    char                      *folder = input ? mx_path_join(job->stages, input->key) : NULL, *path;

    if (!folder || !*file)
        return folder;
    path = mx_path_join(folder, file);
    free(folder);
    return path;
}

int worker_job_take_weights(struct worker_job *job, struct mx_err *err)
{
    struct worker_params *params = &job->params;
    char *path = worker_job_input_path(job, WORKER_STAGE_TRAIN, "weights.safetensors");
    int   rc = -1;

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory to find the weights");
    if (strlen(path) >= sizeof params->model_weights) {
        mx_fail(err, MX_EINVAL, "the path %.60s... is too long", path);
    } else {
        memcpy(params->model_weights, path, strlen(path) + 1);
        rc = worker_weights_stem(params, err);
    }
    free(path);
    return rc;
}
