#include "worker/weights.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "worker/choices.h"
#include "worker/engine_parts.h"
#include "worker/safetensors.h"

enum {
    SHAPE_TEXT = 96
};

/* What a training has that is no part of a network. */
static const char counter[] = ".num_batches_tracked";

struct loading {
    struct worker_engine      *engine;
    const char                *path, *arch;
    struct worker_safetensors *file;
    float                     *values; /* of one tensor */
    size_t                     room;
    bool                       whole;
    struct mx_buf             *note;
    unsigned                   fresh; /* tensors that the file does not give */
};

int worker_weights_fingerprint(const char *path, uint64_t *fingerprint, struct mx_err *err)
{
    uint64_t both[2];

    if (mx_hash_file(path, &both[0], &both[1], err)) {
        if (err && err->code == MX_EIO)
            err->code = MX_EDATA;
        return mx_err_prefix(err, "model.weights");
    }
    *fingerprint = mx_hash64(both, sizeof both);
    return 0;
}

int worker_weights_stem(struct worker_params *params, struct mx_err *err)
{
    struct worker_safetensors  *file;
    const struct worker_stored *first;

    if (params->model_stem != WORKER_STEM_AUTO || !params->model_weights[0])
        return 0;
    if (!(file = worker_safetensors_open(params->model_weights, err)))
        return -1;
    if (params->model_arch == WORKER_ARCH_VGG11_BN) {
        if (worker_safetensors_find(file, "classifier.6.weight"))
            params->model_stem = WORKER_STEM_IMAGENET;
        else if (worker_safetensors_find(file, "classifier.weight"))
            params->model_stem = WORKER_STEM_CIFAR;
    } else if ((first = worker_safetensors_find(file, "conv1.weight")) && first->ndims == 4) {
        params->model_stem = first->dims[2] > 3 ? WORKER_STEM_IMAGENET : WORKER_STEM_CIFAR;
    }
    worker_safetensors_close(file);
    return 0;
}

static const char *shape_text(uint32_t ndims, const uint64_t *dims, char out[SHAPE_TEXT])
{
    size_t n = 0;

    out[0] = '\0';
    for (uint32_t d = 0; d < ndims && n < SHAPE_TEXT - 24; d++)
        n += (size_t)snprintf(out + n, SHAPE_TEXT - n, "%s%" PRIu64, d ? " x " : "", dims[d]);
    return ndims ? out : "one number";
}

/* The tensor of a name, if it has the shape; *found NULL where it may be missing or
 * have other classes. */
static int find(const struct loading *loading, const char *name, uint32_t ndims,
                const uint32_t *dims, bool head, const struct worker_stored **found,
                struct mx_err *err)
{
    const struct worker_stored *stored = worker_safetensors_find(loading->file, name);
    uint64_t                    wanted[4];
    char                        has[SHAPE_TEXT], needs[SHAPE_TEXT];
    bool                        same = stored && stored->ndims == ndims, rest = same;

    for (uint32_t d = 0; d < ndims; d++)
        wanted[d] = dims[d];
    for (uint32_t d = 0; same && d < ndims; d++) {
        same = stored->dims[d] == dims[d];
        rest = rest && (same || d == 0);
        same = same || (head && d == 0);
    }
    *found = same && stored->dims[0] == dims[0] ? stored : NULL;
    if (*found || (head && (!stored || rest)))
        return 0;
    if (!stored)
        return mx_fail(err, MX_EDATA, "%s: tensor '%s' is missing, which model.arch %s has",
                       loading->path, name, loading->arch);
    return mx_fail(err, MX_EDATA, "%s: tensor '%s' is %s, and %s here%s", loading->path, name,
                   shape_text(stored->ndims, stored->dims, has), shape_text(ndims, wanted, needs),
                   ndims == 4 && stored->ndims == 4 && stored->dims[1] == 3 && dims[1] == 1
                       ? " (set data.channels: 3)"
                       : "");
}

static int read_values(struct loading *loading, const struct worker_stored *stored, bool positive,
                       struct mx_err *err)
{
    if (stored->count > loading->room) {
        float *values = realloc(loading->values, stored->count * sizeof *values);

        if (!values)
            return mx_fail(err, MX_ENOMEM, "no memory to read '%s' of %s", stored->name,
                           loading->path);
        loading->values = values;
        loading->room = stored->count;
    }
    if (worker_safetensors_read(loading->file, stored, loading->values, err))
        return -1;
    for (uint64_t k = 0; k < stored->count; k++)
        if (!isfinite(loading->values[k]) || (positive && loading->values[k] < 0))
            return mx_fail(err, MX_EDATA, "%s: tensor '%s': value %" PRIu64 " is %g", loading->path,
                           stored->name, k, (double)loading->values[k]);
    return 0;
}

static void note_fresh(struct loading *loading, const char *name)
{
    if (loading->fresh++ == 0)
        mx_buf_printf(loading->note, "%s does not give, or not for as many classes: %s",
                      loading->path, name);
    else
        mx_buf_printf(loading->note, ", %s", name);
}

/* The last layer keeps either all that was drawn or nothing. */
static int head_differs(const struct loading *loading, bool *differs, struct mx_err *err)
{
    const struct worker_engine *engine = loading->engine;

    *differs = false;
    for (size_t p = engine->first[engine->net.nlayers - 1]; p < engine->nparameters; p++) {
        const struct worker_parameter *info = &engine->parameters[p].info;
        const struct worker_stored    *stored;

        if (find(loading, info->name, info->ndims, info->dims, true, &stored, err))
            return -1;
        *differs = *differs || !stored;
    }
    return 0;
}

static int load_parameters(struct loading *loading, struct mx_err *err)
{
    struct worker_engine *engine = loading->engine;
    const size_t          head = engine->first[engine->net.nlayers - 1];
    bool                  fresh_head;

    if (head_differs(loading, &fresh_head, err))
        return -1;
    for (size_t p = 0; p < engine->nparameters; p++) {
        const struct worker_parameter *info = &engine->parameters[p].info;
        const struct worker_stored    *stored;

        if (p >= head && fresh_head) {
            note_fresh(loading, info->name);
            continue;
        }
        if (find(loading, info->name, info->ndims, info->dims, false, &stored, err) ||
            read_values(loading, stored, false, err) ||
            engine_write(engine, engine->parameters[p].value, loading->values, err))
            return -1;
    }
    if (loading->fresh > 0 && loading->whole)
        return mx_fail(err, MX_EDATA,
                       "%s: its last layer (%s) is not for the %u classes here: set train.epochs",
                       loading->path, engine->net.layers[engine->net.nlayers - 1].name,
                       engine->net.layers[engine->net.nlayers - 1].channels);
    return 0;
}

static int load_statistics(struct loading *loading, struct mx_err *err)
{
    static const char *const words[] = {"running_mean", "running_var"};
    struct worker_engine    *engine = loading->engine;

    for (uint32_t l = 0; l < engine->net.nlayers; l++)
        for (int i = 0; i < 2 && engine->running[l][i]; i++) {
            const struct worker_layer  *layer = &engine->net.layers[l];
            const struct worker_stored *stored;
            char                        name[WORKER_TENSOR_NAME];

            snprintf(name, sizeof name, "%s.%s", layer->name, words[i]);
            if (find(loading, name, 1, &layer->channels, false, &stored, err) ||
                read_values(loading, stored, i == 1, err) ||
                engine_write(engine, engine->running[l][i], loading->values, err))
                return -1;
        }
    return 0;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_ours(const struct worker_engine *engine, const char *name)
{
    for (size_t p = 0; p < engine->nparameters; p++)
        if (strcmp(engine->parameters[p].info.name, name) == 0)
            return true;
    for (uint32_t l = 0; l < engine->net.nlayers; l++) {
        const char  *layer = engine->net.layers[l].name;
        const size_t n = strlen(layer);

        if (engine->running[l][0] && strncmp(name, layer, n) == 0 &&
            (strcmp(name + n, ".running_mean") == 0 || strcmp(name + n, ".running_var") == 0))
            return true;
    }
    return false;
}

static int refuse_others(const struct loading *loading, struct mx_err *err)
{
    for (size_t t = 0; t < worker_safetensors_count(loading->file); t++) {
        const char *name = worker_safetensors_at(loading->file, t)->name;
        char        text[WORKER_STORED_SHOWN];

        if (!ends_with(name, counter) && !is_ours(loading->engine, name))
            return mx_fail(err, MX_EDATA, "%s: tensor '%s' is none of model.arch %s", loading->path,
                           worker_stored_shown(name, text), loading->arch);
    }
    return 0;
}

int worker_weights_load(struct worker_engine *engine, const struct worker_params *params,
                        bool whole, struct mx_buf *note, struct mx_err *err)
{
    struct loading loading = {.engine = engine,
                              .path = params->model_weights,
                              .arch = worker_archs[params->model_arch].word,
                              .whole = whole,
                              .note = note};
    int            result = -1;

    if (!(loading.file = worker_safetensors_open(params->model_weights, err)))
        return -1;
    if (!refuse_others(&loading, err) && !load_parameters(&loading, err) &&
        !load_statistics(&loading, err))
        result = 0;
    if (result == 0 && loading.fresh > 0)
        mx_buf_text(note, "; they start as drawn");
    free(loading.values);
    worker_safetensors_close(loading.file);
    return result;
}
