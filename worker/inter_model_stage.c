/* inter_model_stage.c - what every model says of every model's maps, side by side.
 *
 * Inputs: the maps of all models, what each of them scored in the same order, and, last,
 * what an outside scorer did. A model whose maps or scores are missing is left out and
 * named; so is one that is not accurate enough.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/inter_comparison.h"
#include "worker/npy.h"

enum {
    CELL = 16, /* characters of a trial's name that its repeats share */
};

static int find_scorers(struct inter_comparison *c, struct mx_err *err)
{
    uint32_t k = 0;

    if (!(c->scorers = calloc(c->set.models + 1, sizeof(*c->scorers))) ||
        !(c->row = calloc(c->set.models + (size_t)1, sizeof *c->row)) ||
        !(c->carrier = calloc(c->set.models + (size_t)1, sizeof *c->carrier)))
        return mx_fail(err, MX_ENOMEM, "no memory to compare %u models", c->set.models);
    for (uint32_t i = 0; i < c->job->ninputs; i++)
        if (c->job->inputs[i].kind == WORKER_STAGE_SCORER) {
            if (k < c->set.models)
                c->scorers[k++] = &c->job->inputs[i];
            else
                c->outside = &c->job->inputs[i];
        }
    if (k < c->set.models)
        return mx_fail(err, MX_EINTERNAL, "%u models and %u scorers", c->set.models, k);
    for (uint32_t t = 0; t < c->set.ntaken; t++)
        if (!c->scorers[c->set.taken[t]]->failed)
            c->row[c->n++] = t;
    return 0;
}

static int make_room(struct inter_comparison *c, struct mx_err *err)
{
    const size_t common = c->set.ncommon, n = c->n;
    const size_t block = (size_t)c->nvariants * c->set.ntaken * common;

    c->areas = malloc((n * n * common + 1) * sizeof *c->areas);
    c->all = malloc((n * block + 1) * sizeof *c->all);
    c->ours = malloc((block + 1) * sizeof *c->ours);
    c->files = calloc(3 + 4 * (size_t)c->nwhich * c->nvariants, sizeof *c->files);
    for (unsigned k = 0; k < 3; k++)
        c->matrix[k] = malloc((n * n + 1) * sizeof *c->matrix[k]);
    if (!c->areas || !c->all || !c->ours || !c->files || !c->matrix[0] || !c->matrix[1] ||
        !c->matrix[2])
        return mx_fail(err, MX_ENOMEM, "no memory to compare %u models on %zu images", c->n,
                       common);
    return 0;
}

static void tear_down(struct inter_comparison *c)
{
    for (size_t f = 0; f < c->nfiles; f++)
        free((char *)c->files[f].name);
    free(c->files);
    free(c->scorers);
    free(c->row);
    free(c->carrier);
    free(c->areas);
    free(c->all);
    free(c->ours);
    for (unsigned k = 0; k < 3; k++)
        free(c->matrix[k]);
    mx_buf_free(&c->values);
    inter_set_free(&c->set);
}

/* What a scorer said of the maps of kind a: 1, or 0 if it said nothing; -1. */
static int read_scores(const struct inter_comparison *c, const struct worker_input *input,
                       uint32_t a, float *out, struct mx_err *err)
{
    const uint64_t     dims[] = {c->nwhich, c->nvariants, c->set.ntaken, c->set.ncommon};
    char              *path = inter_input_path(c->job, input, INTER_AREAS_FILE, err);
    struct worker_npy *file = NULL;
    int                rc = -1;

    if (path && !mx_file_exists(path))
        rc = 0;
    else if (path && (file = worker_npy_open(path, err)) &&
             worker_npy_want(file, 4, dims, err) == 0 &&
             worker_npy_read_f32(file, a, 1, out, err) == 0)
        rc = 1;
    worker_npy_close(file);
    free(path);
    return rc;
}

/* Everybody's scores of the maps of kind a. */
static int read_kind(struct inter_comparison *c, uint32_t a, struct mx_err *err)
{
    const size_t block = (size_t)c->nvariants * c->set.ntaken * c->set.ncommon;
    int          rc = 0;

    for (uint32_t j = 0; j < c->n; j++) {
        const struct worker_input *scorer = c->scorers[c->set.taken[c->row[j]]];

        if ((rc = read_scores(c, scorer, a, c->all + j * block, err)) < 0)
            return -1;
        if (rc == 0)
            return mx_fail(
                err, MX_EDATA,
                "the scores of %s are gone (mixsweep retry DIR --missing makes them again)",
                inter_row_name(c, j));
    }
    if (c->outside && !c->outside->failed && (rc = read_scores(c, c->outside, a, c->ours, err)) < 0)
        return -1;
    if (!c->outside || c->outside->failed || rc == 0)
        for (size_t k = 0; k < block; k++)
            c->ours[k] = NAN;
    return 0;
}

/* Areas of a curve in the matrix's order, and which models have such maps. */
static void arrange(struct inter_comparison *c, uint32_t v)
{
    const size_t common = c->set.ncommon, block = (size_t)c->nvariants * c->set.ntaken * common;

    c->carriers = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        for (uint32_t j = 0; j < c->n; j++)
            memcpy(c->areas + ((size_t)i * c->n + j) * common,
                   c->all + j * block + ((size_t)v * c->set.ntaken + c->row[i]) * common,
                   common * sizeof *c->areas);
        if (!isnan(c->areas[(size_t)i * c->n * common]))
            c->carrier[c->carriers++] = i;
    }
}

/* The mean of an outside scorer's areas over the images that it gets right. */
static void put_outside(struct inter_comparison *c, uint32_t a, uint32_t v)
{
    for (uint32_t i = 0; i < c->n; i++) {
        const float *areas =
            c->ours + ((size_t)v * c->set.ntaken + c->row[i]) * (size_t)c->set.ncommon;
        double sum = 0, n = 0;

        for (uint32_t k = 0; k < c->set.ncommon; k++)
            if (!isnan(areas[k])) {
                sum += areas[k];
                n++;
            }
        if (n > 0)
            inter_put(c, inter_row_name(c, i), "test.inter_model_reference", a, v,
                      (const double[3]){sum / n, NAN, NAN});
    }
}

/* What a fit and its interval say of each of its models. */
static void put_fit(struct inter_comparison *c, uint32_t a, uint32_t v,
                    const struct worker_inter_fit *fit, const struct worker_inter_fit *low,
                    const struct worker_inter_fit *high)
{
    const struct {
        const char   *metric;
        const double *value, *low, *high;
    } rows[] = {{"test.inter_model_map", fit->carries, low->carries, high->carries},
                {"test.inter_model_scorer", fit->scorer, low->scorer, high->scorer},
                {"test.inter_model_self", fit->self, low->self, high->self},
                {"row_mean", fit->row, low->row, high->row}};

    inter_put(c, "", "mean", a, v, (const double[3]){fit->mean, low->mean, high->mean});
    for (uint32_t k = 0; k < c->carriers; k++)
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            inter_put(c, inter_row_name(c, c->carrier[k]), rows[r].metric, a, v,
                      (const double[3]){rows[r].value[k], rows[r].low[k], rows[r].high[k]});
}

/* Rows and columns of the models that have such maps. */
static void cut_out(const struct inter_comparison *c, float *areas)
{
    const size_t common = c->set.ncommon;

    for (uint32_t i = 0; i < c->carriers; i++)
        for (uint32_t j = 0; j < c->carriers; j++)
            memcpy(areas + ((size_t)i * c->carriers + j) * common,
                   c->areas + ((size_t)c->carrier[i] * c->n + c->carrier[j]) * common,
                   common * sizeof *areas);
}

/* The other way, of an interval. */
static void put_back(const struct inter_comparison *c, const double *cut, double *matrix)
{
    for (size_t k = 0; k < (size_t)c->n * c->n; k++)
        matrix[k] = NAN;
    for (uint32_t i = 0; i < c->carriers; i++)
        for (uint32_t j = 0; j < c->carriers; j++)
            matrix[(size_t)c->carrier[i] * c->n + c->carrier[j]] = cut[i * (size_t)c->carriers + j];
}

/* The mean entry between repeats of one cell: nothing can agree better. */
static int put_ceiling(struct inter_comparison *c, uint32_t a, uint32_t v, const double *matrix,
                       struct mx_err *err)
{
    uint32_t *recipe = malloc((c->carriers + 1) * sizeof *recipe);

    if (!recipe)
        return mx_fail(err, MX_ENOMEM, "no memory to compare %u models", c->n);
    for (uint32_t k = 0; k < c->carriers; k++) {
        recipe[k] = k;
        for (uint32_t before = k; before-- > 0;)
            if (strncmp(inter_row_name(c, c->carrier[before]), inter_row_name(c, c->carrier[k]),
                        CELL) == 0)
                recipe[k] = before;
    }
    inter_put(c, "", "ceiling", a, v,
              (const double[3]){worker_inter_ceiling(matrix, c->carriers, recipe), NAN, NAN});
    free(recipe);
    return 0;
}

struct fitted {
    float                       *areas;
    double                      *matrix;
    struct worker_inter_fit      fit;
    struct worker_inter_interval low, high;
};

static void fitted_free(struct fitted *f)
{
    free(f->areas);
    free(f->matrix);
    free(f->fit.map);
    free(f->low.matrix);
    free(f->low.fit.map);
    free(f->high.matrix);
    free(f->high.fit.map);
}

static int fitted_new(struct fitted *f, uint32_t models, uint32_t images, struct mx_err *err)
{
    const size_t cells = (size_t)models * models;

    *f = (struct fitted){.areas = malloc(cells * images * sizeof *f->areas),
                         .matrix = malloc(cells * sizeof *f->matrix),
                         .low.matrix = malloc(cells * sizeof *f->low.matrix),
                         .high.matrix = malloc(cells * sizeof *f->high.matrix)};
    if (!f->areas || !f->matrix || !f->low.matrix || !f->high.matrix)
        return mx_fail(err, MX_ENOMEM, "no memory to fit %u models", models);
    if (worker_inter_fit_new(models, &f->fit, err) ||
        worker_inter_fit_new(models, &f->low.fit, err) ||
        worker_inter_fit_new(models, &f->high.fit, err))
        return -1;
    f->low.fit.mean = f->high.fit.mean = NAN;
    for (uint32_t k = 0; k < 5 * models; k++)
        f->low.fit.map[k] = f->high.fit.map[k] = NAN;
    return 0;
}

/* The fit needs three models; an interval resamples to be drawn. */
static int fit_models(struct inter_comparison *c, uint32_t a, uint32_t v, struct fitted *f,
                      struct mx_err *err)
{
    const bool     insertion = c->variants[v].kind == WORKER_CURVE_INSERTION;
    const uint32_t resamples = (uint32_t)c->job->params.score_bootstrap;

    cut_out(c, f->areas);
    worker_inter_matrix(f->areas, c->carriers, c->set.ncommon, NULL, f->matrix);
    if (worker_inter_fit(f->matrix, c->carriers, insertion, &f->fit, err))
        return -1;
    if (resamples > 0 &&
        worker_inter_bootstrap(
            f->areas, c->carriers, c->set.ncommon, insertion, resamples,
            mx_stream_make(c->job->seed, 0, MX_PURPOSE_BOOTSTRAP, c->job->stream_extra), &f->low,
            &f->high, err))
        return -1;
    put_fit(c, a, v, &f->fit, &f->low.fit, &f->high.fit);
    if (put_ceiling(c, a, v, f->matrix, err))
        return -1;
    if (resamples == 0)
        return 0;
    put_back(c, f->low.matrix, c->matrix[1]);
    put_back(c, f->high.matrix, c->matrix[2]);
    return inter_write_array(c, "matrix_low", a, v, c->matrix[1], false, err) ||
                   inter_write_array(c, "matrix_high", a, v, c->matrix[2], false, err)
               ? -1
               : 0;
}

/* One kind of maps under one curve. */
static int compare(struct inter_comparison *c, uint32_t a, uint32_t v, struct mx_err *err)
{
    struct fitted fitted = {0};
    int           failed = 0;

    arrange(c, v);
    worker_inter_matrix(c->areas, c->n, c->set.ncommon, NULL, c->matrix[0]);
    if (inter_write_array(c, "matrix", a, v, c->matrix[0], false, err) ||
        inter_write_array(c, "areas", a, v, c->areas, true, err))
        return -1;
    if (c->carriers >= 3) {
        failed = fitted_new(&fitted, c->carriers, c->set.ncommon, err) ||
                 fit_models(c, a, v, &fitted, err);
        fitted_free(&fitted);
    }
    put_outside(c, a, v);
    if (!failed && worker_progress_tick(c->progress, ++c->done, c->total))
        return mx_fail(err, MX_EINTERRUPTED, "stopped after %llu of %llu matrices",
                       (unsigned long long)c->done, (unsigned long long)c->total);
    return failed ? -1 : 0;
}

static int run(struct inter_comparison *c, struct mx_err *err)
{
    if (inter_set_read(c->job, &c->set, err) || find_scorers(c, err))
        return -1;
    c->nvariants = inter_variants(&c->job->params, c->variants);
    c->nwhich = inter_attributions(&c->job->params, c->which);
    c->total = (uint64_t)c->nwhich * c->nvariants;
    if (make_room(c, err) || inter_write_models(c, err) || inter_write_images(c, err))
        return -1;
    mx_buf_text(&c->values, "trial,metric,value,low,high\n");
    for (uint32_t a = 0; c->n >= 2 && c->set.ncommon > 0 && a < c->nwhich; a++) {
        if (read_kind(c, a, err))
            return -1;
        for (uint32_t v = 0; v < c->nvariants; v++)
            if (compare(c, a, v, err))
                return -1;
    }
    if (inter_write_text(c, INTER_VALUES_FILE, &c->values, err))
        return -1;
    inter_tell(c);
    return worker_stage_write_record(c->job, c->files, c->nfiles, err);
}

int worker_inter_model_run(const struct worker_job *job, struct worker_cache *cache,
                           const struct worker_progress *progress, struct worker_result *result,
                           struct mx_err *err)
{
    struct inter_comparison *c = calloc(1, sizeof *c);
    int                      failed;

    (void)cache;
    (void)result; /* its numbers are of models: standing_stage.c hands them to their trials */
    if (!c)
        return mx_fail(err, MX_ENOMEM, "no memory to compare models");
    c->job = job;
    c->progress = progress;
    failed = run(c, err);
    tear_down(c);
    free(c);
    return failed ? -1 : 0;
}
