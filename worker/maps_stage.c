/* maps_stage.c - attribution maps of a trained network, on the first test images. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "worker/batch.h"
#include "worker/explain.h"
#include "worker/npy.h"
#include "worker/stage_parts.h"
#include "worker/test_files.h"
#include "worker/weights.h"

enum {
    NAME_SIZE = 40
};

struct mapping {
    struct worker_job             job; /* its own: with the weights of the train stage */
    const struct worker_progress *progress;
    const struct worker_dataset  *set; /* the cache's */
    struct worker_net             net;
    struct worker_tensor         *tensors;
    size_t                        ntensors;
    struct worker_explainer      *explainer;
    struct worker_batch          *batch;
    struct worker_map_options     options;
    uint32_t                      n; /* images */
    size_t                        pixels;
    uint32_t                     *predicted, *targets, *rows; /* (n) */
    uint32_t                     *zeros;                      /* (n): maps that are all zero */
    float                        *logits;                     /* (WORKER_MAP_BATCH, classes) */
    float                        *maps;                       /* (n, pixels), of one kind */
    double                       *figures;                    /* (n) */
    bool                          wanted[WORKER_MAPS];
    uint64_t                      done, total;
    char                          names[WORKER_MAPS][NAME_SIZE];
    struct worker_stage_file      files[WORKER_MAPS + 1];
    size_t                        nfiles;
};

/* The controls belong to every set of maps. */
static void choose_maps(struct mapping *m)
{
    const struct worker_list *list = &m->job.params.score_attributions;

    for (uint32_t k = 0; k < list->count; k++)
        m->wanted[(unsigned)list->items[k]] = true;
    m->wanted[WORKER_MAP_RANDOM] = m->wanted[WORKER_MAP_CENTRE] = true;
}

struct worker_map_options worker_job_map_options(const struct worker_job *job)
{
    const struct worker_params *params = &job->params;

    return (struct worker_map_options){
        .smoothgrad_samples = (uint32_t)params->score_smoothgrad_samples,
        .smoothgrad_sigma = params->score_smoothgrad_sigma,
        .integrated_gradients_points = (uint32_t)params->score_integrated_gradients_points,
        .rise_masks = (uint32_t)params->score_rise_masks,
        .occlusion_patch = (uint32_t)params->score_occlusion_patch,
        .stream = mx_stream_make(job->seed, job->repeat, MX_PURPOSE_SCORE, job->stream_extra)};
}

/* The network as the train stage left it: the file decides its stem. */
static int load_network(struct mapping *m, struct mx_err *err)
{
    struct worker_params              *params = &m->job.params;
    const struct worker_explainer_plan plan =
        worker_explainer_plan(params, m->wanted[WORKER_MAP_LAYER_RELEVANCE]);

    if (worker_job_take_weights(&m->job, err) ||
        worker_net_build(params, &m->set->shape, &m->net, err) ||
        worker_tensors_read(params->model_weights, &m->tensors, &m->ntensors, err))
        return -1;
    m->explainer = worker_explainer_new(&m->net, m->tensors, m->ntensors, &plan, err);
    return m->explainer ? 0 : -1;
}

/* Leave out what this network cannot carry, and say so. */
static void drop_impossible(struct mapping *m)
{
    for (enum worker_attribution which = 0; which < WORKER_MAPS; which++) {
        struct mx_err why;

        if (!m->wanted[which] || worker_map_possible(m->explainer, which, &why) == 0)
            continue;
        m->wanted[which] = false;
        if (m->progress && m->progress->note) {
            char note[sizeof why.text + 16];

            snprintf(note, sizeof note, "left out: %s", why.text);
            m->progress->note(m->progress->user, note);
        }
    }
}

static int set_up(struct mapping *m, struct worker_cache *cache, struct mx_err *err)
{
    if (!(m->set = worker_cache_dataset(cache, &m->job, m->progress, err)) || load_network(m, err))
        return -1;
    drop_impossible(m);
    m->n = m->set->test.n;
    if (m->n > (uint64_t)m->job.params.score_images)
        m->n = (uint32_t)m->job.params.score_images;
    m->pixels = (size_t)m->set->shape.height * m->set->shape.width;
    for (unsigned which = 0; which < WORKER_MAPS; which++)
        m->total += m->wanted[which] ? m->n : 0;
    m->predicted = calloc(m->n + 1, sizeof *m->predicted);
    m->targets = calloc(m->n + 1, sizeof *m->targets);
    m->rows = calloc(m->n + 1, sizeof *m->rows);
    m->zeros = calloc(m->n + 1, sizeof *m->zeros);
    m->logits = malloc((size_t)WORKER_MAP_BATCH * m->set->shape.classes * sizeof *m->logits);
    m->maps = malloc((m->n + 1) * m->pixels * sizeof *m->maps);
    m->figures = malloc((m->n + 1) * sizeof *m->figures);
    if (!m->predicted || !m->targets || !m->rows || !m->zeros || !m->logits || !m->maps ||
        !m->figures)
        return mx_fail(err, MX_ENOMEM, "no memory for the maps of %u images", m->n);
    m->batch = worker_batch_new(&m->job.params, &m->set->shape, WORKER_MAP_BATCH, err);
    return m->batch ? 0 : -1;
}

static void tear_down(struct mapping *m)
{
    worker_explainer_free(m->explainer);
    if (m->tensors)
        worker_tensors_free(m->tensors, m->ntensors);
    worker_net_free(&m->net);
    worker_batch_free(m->batch);
    free(m->predicted);
    free(m->targets);
    free(m->rows);
    free(m->zeros);
    free(m->logits);
    free(m->maps);
    free(m->figures);
}

/* Up to a batch of images from `first` on. */
static uint32_t take(struct mapping *m, uint32_t first)
{
    const uint32_t n = m->n - first < WORKER_MAP_BATCH ? m->n - first : WORKER_MAP_BATCH;

    worker_batch_plain(m->batch, m->set, &m->set->test, first, n);
    return n;
}

/* What the network says of each image, and which class its maps explain. */
static int predict(struct mapping *m, struct mx_err *err)
{
    const uint32_t classes = m->set->shape.classes;

    for (uint32_t first = 0; first < m->n; first += WORKER_MAP_BATCH) {
        const uint32_t n = take(m, first);

        if (worker_explainer_predict(m->explainer, m->batch->images, n, m->logits, err))
            return -1;
        for (uint32_t i = 0; i < n; i++) {
            const float *row = m->logits + (size_t)i * classes;
            uint32_t     best = 0;

            for (uint32_t c = 1; c < classes; c++)
                best = row[c] > row[best] ? c : best;
            m->predicted[first + i] = best;
            m->rows[first + i] = first + i;
            m->targets[first + i] = m->job.params.score_target == WORKER_TARGET_PREDICTED
                                        ? best
                                        : m->set->test.labels[first + i];
        }
    }
    return 0;
}

static int make_maps(struct mapping *m, enum worker_attribution which, struct mx_err *err)
{
    for (uint32_t first = 0; first < m->n; first += WORKER_MAP_BATCH) {
        const uint32_t                n = take(m, first);
        const struct worker_map_batch batch = {m->batch->images, m->targets + first,
                                               m->rows + first, n, n};

        if (worker_explain(m->explainer, which, &m->options, &batch, m->maps + first * m->pixels,
                           m->figures + first, err))
            return mx_err_prefix(err, "image %u and those behind it", first);
        m->done += n;
        if (worker_progress_tick(m->progress, m->done, m->total))
            return mx_fail(err, MX_EINTERRUPTED, "stopped after %llu of %llu maps",
                           (unsigned long long)m->done, (unsigned long long)m->total);
    }
    return 0;
}

/* ATTRIBUTION.npy: (images, height, width). */
static int write_maps(struct mapping *m, enum worker_attribution which, struct mx_err *err)
{
    const struct worker_shape *shape = &m->set->shape;
    const uint64_t             dims[] = {m->n, shape->height, shape->width};
    char                      *name = m->names[which], *path;
    int                        rc;

    snprintf(name, NAME_SIZE, "%s.npy", worker_map_kinds[which].word);
    if (!(path = mx_path_join(m->job.folder, name)))
        return mx_fail(err, MX_ENOMEM, "no memory to write %s", name);
    rc = worker_npy_write(path, WORKER_NPY_F32, 3, dims, m->maps, err);
    free(path);
    m->files[m->nfiles++] = (struct worker_stage_file){
        .name = name, .dtype = "float32", .ndims = 3, .dims = {m->n, shape->height, shape->width}};
    return rc;
}

static int add(struct worker_result *result, const char *word, enum worker_attribution which,
               double value, struct mx_err *err)
{
    char name[WORKER_METRIC_NAME_SIZE];

    snprintf(name, sizeof name, "test.%s.%s", word, worker_map_kinds[which].word);
    return worker_result_add(result, name, value, err);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Of n sorted values, between neighbours in proportion; NaN of none. */
static double percentile(const double *sorted, uint32_t n, double share)
{
    const double   at = share * (n > 0 ? n - 1.0 : 0);
    const uint32_t low = (uint32_t)at, high = low + 1 < n ? low + 1 : low;

    return n > 0 ? sorted[low] + (at - low) * (sorted[high] - sorted[low]) : NAN;
}

static int report(struct mapping *m, enum worker_attribution which, struct worker_result *result,
                  struct mx_err *err)
{
    uint32_t zeros = 0;
    double   sum = 0;

    for (uint32_t i = 0; i < m->n; i++) {
        const bool zero = worker_map_state(m->maps + i * m->pixels, m->pixels) == WORKER_MAP_ZERO;

        zeros += zero;
        m->zeros[i] += zero;
        sum += m->figures[i];
    }
    if (add(result, "all_zero_maps", which, zeros, err))
        return -1;
    if (which == WORKER_MAP_LAYER_RELEVANCE)
        return add(result, "relevance_sum", which, m->n > 0 ? sum / m->n : NAN, err);
    if (which != WORKER_MAP_INTEGRATED_GRADIENTS)
        return 0;
    qsort(m->figures, m->n, sizeof *m->figures, compare);
    if (add(result, "completeness_median", which, percentile(m->figures, m->n, .5), err))
        return -1;
    return add(result, "completeness_p95", which, percentile(m->figures, m->n, .95), err);
}

/* `file` is for sets that are made of files. */
static void put_images(const struct mapping *m, const struct worker_test_files *names,
                       struct mx_buf *text)
{
    struct mx_csv csv = {.out = text};

    mx_buf_text(text, "row,file,label,predicted,correct,all_zero\n");
    for (uint32_t i = 0; i < m->n; i++) {
        mx_csv_uint(&csv, i);
        mx_csv_text(&csv, i < names->n ? names->names[i] : "");
        mx_csv_uint(&csv, m->set->test.labels[i]);
        mx_csv_uint(&csv, m->predicted[i]);
        mx_csv_uint(&csv, m->predicted[i] == m->set->test.labels[i]);
        mx_csv_uint(&csv, m->zeros[i]);
        mx_csv_end_line(&csv);
    }
}

static int write_images(struct mapping *m, struct mx_err *err)
{
    struct worker_test_files names;
    struct mx_buf            text = {0};
    char                    *path = mx_path_join(m->job.folder, "images.csv");
    int                      rc = -1;

    if (worker_test_files_list(&m->job.params, m->job.seed, m->n, &names, err)) {
        free(path);
        return -1;
    }
    put_images(m, &names, &text);
    worker_test_files_free(&names);
    if (!path || !mx_buf_ok(&text))
        mx_fail(err, MX_ENOMEM, "no memory to write images.csv");
    else
        rc = mx_file_write(path, text.data, text.len, err);
    m->files[m->nfiles++] = (struct worker_stage_file){.name = "images.csv"};
    mx_buf_free(&text);
    free(path);
    return rc;
}

/* Maps that go when the last stage has read them are not in the record: images.csv is. */
static int run(struct mapping *m, struct worker_result *result, struct mx_err *err)
{
    const bool keeps = m->job.folder[0] && m->job.keep_weights;

    if (predict(m, err))
        return -1;
    for (enum worker_attribution which = 0; which < WORKER_MAPS; which++)
        if (m->wanted[which] && (make_maps(m, which, err) || report(m, which, result, err) ||
                                 (keeps && write_maps(m, which, err))))
            return -1;
    if (!m->job.folder[0])
        return 0;
    if (write_images(m, err))
        return -1;
    if (m->job.temporary)
        return worker_stage_write_record(&m->job, &m->files[m->nfiles - 1], 1, err);
    return worker_stage_write_record(&m->job, m->files, m->nfiles, err);
}

int worker_maps_run(const struct worker_job *job, struct worker_cache *cache,
                    const struct worker_progress *progress, struct worker_result *result,
                    struct mx_err *err)
{
    struct mapping *m = calloc(1, sizeof *m);
    int             failed;

    if (!m)
        return mx_fail(err, MX_ENOMEM, "no memory to make maps");
    m->job = *job;
    m->progress = progress;
    m->options = worker_job_map_options(job);
    choose_maps(m);
    failed = set_up(m, cache, err) || run(m, result, err);
    tear_down(m);
    free(m);
    return failed ? -1 : 0;
}
