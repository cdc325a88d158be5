/* run_data.c - the data sets that a sweep reads, looked at before it starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "sweep/decoders.h"
#include "sweep/noted.h"
#include "sweep/remarks.h"
#include "sweep/run_state.h"
#include "sweep/share.h"
#include "sweep/smoke_data.h"
#include "worker/dataset.h"
#include "worker/features.h"
#include "worker/mark_files.h"
#include "worker/npy.h"
#include "worker/safetensors.h"
#include "worker/weights.h"

static int look_into_features(const struct worker_params *params, struct run_data *data,
                              struct mx_err *err)
{
    struct worker_features *features =
        worker_features_read(params->data_path, (enum worker_precision)params->head_precision,
                             (uint64_t)params->data_train_limit, 0, err);
    int rc = features ? worker_head_count_features(features, &data->counts, err) : -1;

    if (features)
        data->dims = features->dims;
    worker_features_free(features);
    return rc;
}

enum {
    DECODE_TOGETHER =
        16, /* more images than that many decode are not put together by one process */
    DECODER_BYTES = 256 << 20, /* with a list of a million files */
};

/* Cores of this node on which executors will run, but the one at work. */
static unsigned other_cores(const struct run *run)
{
    const struct mx_share_request request = {.bytes_each = DECODER_BYTES, .jobs = DECODE_TOGETHER};
    const struct mx_place        *places[1];
    struct mx_place               here;
    struct mx_buf                 why = {0};
    unsigned                      cores, asked = run->options->workers;

    if (mx_place_look(&here, NULL))
        return 0;
    places[0] = &here;
    mx_share_out(places, 1, &request, &cores, NULL, &why);
    mx_buf_free(&why);
    if (asked > 0 && asked < cores)
        cores = asked;
    return cores > 0 ? cores - 1 : 0;
}

/* Normalisation in use, by opening the set as the trials will: what is wrong
 * with the data is then told before anything runs. */
static int look_into(const struct run *run, const struct worker_params *params,
                     struct run_data *data, struct mx_err *err)
{
    const uint64_t         seed = (uint64_t)run->config->base[KEY_SEED].integer;
    struct worker_dataset *set;
    struct mx_decoders    *decoders;
    int                    rc;

    if (params->data_set == WORKER_DATA_FEATURES)
        return look_into_features(params, data, err);
    decoders = mx_decoders_start(params, seed, other_cores(run));
    set = worker_dataset_open(params, seed, err);
    mx_decoders_end(decoders);
    if (!set)
        return -1;
    data->channels = set->shape.channels;
    memcpy(data->mean, set->mean, sizeof data->mean);
    memcpy(data->sd, set->sd, sizeof data->sd);
    data->remarks = set->remarks;
    data->shape = set->shape;
    rc = worker_head_count(
        &(struct worker_head_samples){set->train.labels, set->train.groups, set->train.n},
        &(struct worker_head_samples){set->val.labels, set->val.groups, set->val.n},
        set->shape.classes, set->shape.groups, &data->counts, err);
    worker_dataset_free(set);
    return rc;
}

static struct run_data *find_data(const struct run *run, const struct worker_params *params)
{
    char place[WORKER_PATH_SIZE];

    worker_dataset_place(params, place);
    for (size_t i = 0; i < run->ndata; i++)
        if (run->data[i].set == params->data_set &&
            run->data[i].normalize == worker_dataset_normalize(params) &&
            strcmp(run->data[i].path, place) == 0)
            return &run->data[i];
    return NULL;
}

static int data_fingerprint(struct run *run, const struct worker_params *original,
                            uint64_t *fingerprint, struct mx_err *err)
{
    struct worker_params *params = malloc(sizeof *params);
    struct run_data      *found, *more;
    int                   rc = -1;

    if (!params)
        return mx_fail(err, MX_ENOMEM, "no memory to look at the data");
    *params = *original;
    mx_smoke_use(run->smoke_data, params);
    if ((found = find_data(run, params))) {
        *fingerprint = found->fingerprint;
        rc = 0;
        goto done;
    }
    if (mx_smoke_make(run->smoke_data, params, err))
        goto done;
    if (!(more = realloc(run->data, (run->ndata + 1) * sizeof *more))) {
        mx_fail(err, MX_ENOMEM, "no memory to look at the data");
        goto done;
    }
    run->data = more;
    found = &more[run->ndata];
    memset(found, 0, sizeof *found);
    found->set = params->data_set;
    found->normalize = worker_dataset_normalize(params);
    worker_dataset_place(params, found->path);
    if (worker_dataset_probe(params, &found->fingerprint, err) ||
        look_into(run, params, found, err))
        goto done;
    *fingerprint = found->fingerprint;
    found->params = params;
    run->ndata++;
    return 0;
done:
    free(params);
    return rc;
}

/* Whether entry i is of the same files as one before it. */
static bool is_again(const struct run *run, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (run->data[k].set == run->data[i].set &&
            strcmp(run->data[k].path, run->data[i].path) == 0)
            return true;
    return false;
}

void run_tell_remarks(const struct run *run)
{
    struct mx_buf text = {0};

    for (size_t w = 0; w < run->nweights; w++)
        if (run->weights[w].changed)
            mx_buf_printf(&text,
                          "%s: changed since this sweep was begun; what depends on it is made "
                          "again\n",
                          run->weights[w].path);
    for (size_t i = 0; i < run->ndata; i++)
        if (!is_again(run, i)) {
            const char *set = worker_data_sets[run->data[i].set].word;

            mx_remarks_format(set, &run->data[i].remarks, &text);
            if (run->data[i].counts.val == 0)
                mx_buf_printf(&text,
                              "%s: there is no validation image, so val. columns stay empty and "
                              "cells are not ranked: raise data.val_fraction or data.train_limit\n",
                              set);
        }
    for (const char *line = mx_buf_str(&text); *line;) {
        size_t len = strcspn(line, "\n");

        mx_console_log(run->console, MX_LOG_WARNING, NULL, "%.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
    mx_buf_free(&text);
}

bool run_images_are_cached(const struct run *run)
{
    for (size_t i = 0; i < run->ndata; i++)
        if (run->data[i].remarks.uncached[0])
            return false;
    return true;
}

static int check_weights(const char *path, struct mx_err *err)
{
    struct worker_safetensors *file = worker_safetensors_open(path, err);

    worker_safetensors_close(file);
    return file ? 0 : -1;
}

static int check_array(const char *path, struct mx_err *err)
{
    struct worker_npy *file = worker_npy_open(path, err);

    worker_npy_close(file);
    return file ? 0 : -1;
}

static const struct run_weights *find_file(const struct run *run, const char *name)
{
    for (size_t w = 0; w < run->nweights; w++)
        if (strcmp(run->weights[w].path, name) == 0)
            return &run->weights[w];
    return NULL;
}

static int remember(struct run *run, const char *name, uint64_t fingerprint, struct mx_err *err)
{
    struct run_weights *more = realloc(run->weights, (run->nweights + 1) * sizeof *more);

    if (more) {
        run->weights = more;
        more[run->nweights] = (struct run_weights){strdup(name), fingerprint, false};
    }
    if (!more || !more[run->nweights].path)
        return mx_fail(err, MX_ENOMEM, "no memory to remember %s", name);
    run->nweights++;
    return 0;
}

/* Mix a file, read once, whose header must be sound, into a fingerprint; "" is none. */
static int add_file(struct run *run, const char *path, int (*check)(const char *, struct mx_err *),
                    uint64_t *fingerprint, struct mx_err *err)
{
    const struct run_weights *found = find_file(run, path);
    uint64_t                  file;

    if (!path[0])
        return 0;
    if (found)
        file = found->fingerprint;
    else if (check(path, err) || worker_weights_fingerprint(path, &file, err) ||
             remember(run, path, file, err))
        return -1;
    *fingerprint = mx_fingerprint_add(*fingerprint, file);
    return 0;
}

/* Marks that are there no more do not unmake what was measured with them. */
static int marks_before(const struct run *run, const char *name, uint64_t *files,
                        struct mx_err *err)
{
    struct mx_noted *noted = mx_noted_read(run->directory, err);

    if (noted)
        mx_noted_file(noted, name, files);
    mx_noted_free(noted);
    return noted ? 0 : -1;
}

/* Mix in the boxes, masks and segments that scores read. */
static int add_marks(struct run *run, const struct worker_params *original, uint64_t *fingerprint,
                     struct mx_err *err)
{
    struct worker_params params = *original;
    int                  rc = 0;

    mx_smoke_use(run->smoke_data, &params);
    for (unsigned what = 0; rc == 0 && what < WORKER_MARK_FILES; what++) {
        const struct run_weights *found;
        char                      name[MX_NOTED_MARKS];
        uint64_t                  files = 0;

        if (!worker_mark_files_matter(&params, what))
            continue;
        mx_noted_marks(&params, what, name);
        if ((found = find_file(run, name)))
            files = found->fingerprint;
        else if (worker_mark_files_fingerprint(&params, what, &files, err) ||
                 (files == 0 && !run->made_directory && marks_before(run, name, &files, err)) ||
                 remember(run, name, files, err))
            rc = -1;
        *fingerprint = mx_fingerprint_add(*fingerprint, files);
    }
    return rc;
}

int run_fingerprint(void *user, const struct worker_params *params, uint64_t *fingerprint,
                    struct mx_err *err)
{
    if (data_fingerprint(user, params, fingerprint, err) ||
        add_file(user, params->model_weights, check_weights, fingerprint, err) ||
        add_file(user, params->head_hsfm_support_indices, check_array, fingerprint, err))
        return -1;
    return add_marks(user, params, fingerprint, err);
}

const struct run_data *run_data_of(const struct run *run, const struct worker_params *original)
{
    struct worker_params  *params = malloc(sizeof *params);
    const struct run_data *found = NULL;

    if (!params)
        return NULL;
    *params = *original;
    mx_smoke_use(run->smoke_data, params);
    if ((found = find_data(run, params)) && !worker_dataset_same(found->params, 0, params, 0))
        found = NULL;
    free(params);
    return found;
}

void run_forget_data(struct run *run)
{
    for (size_t i = 0; i < run->ndata; i++) {
        free(run->data[i].params);
        worker_head_counts_free(&run->data[i].counts);
    }
    free(run->forms);
    for (size_t w = 0; w < run->nweights; w++)
        free(run->weights[w].path);
    free(run->weights);
    free(run->data);
}
