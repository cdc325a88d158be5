/* inter_model_stage.c - what every model says of every model's maps, side by side.
 *
 * Inputs: the maps of all models, what each of them scored in the same order, and, last,
 * what an outside scorer did. A model whose maps or scores are missing is left out and
 * named; so is one that is not accurate enough.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "worker/explain.h"
#include "worker/inter_model.h"
#include "worker/inter_parts.h"
#include "worker/npy.h"
#include "worker/stage_parts.h"

enum {
    NAMED = 3, /* models in a line of the log; all are in models.csv */
    CELL = 16, /* characters of a trial's name that its repeats share */
};

struct comparison {
    const struct worker_job      *job;
    const struct worker_progress *progress;
    struct inter_set              set;
    struct inter_variant          variants[INTER_VARIANTS];
    enum worker_attribution       which[WORKER_MAPS];
    uint32_t                      nvariants, nwhich;
    const struct worker_input   **scorers;   /* (models) */
    const struct worker_input    *outside;   /* NULL: none asked for */
    uint32_t                      n, *row;   /* models of the matrix: places among those taken */
    float                        *areas;     /* (map, scorer, images), of one kind and curve */
    float                        *all;       /* (scorer, variants, maps taken, images) */
    float                        *ours;      /* (variants, maps taken, images): the outside one's */
    double                       *matrix[3]; /* (map, scorer): itself, low, high */
    uint32_t                      carriers, *carrier; /* rows that have such maps */
    struct mx_buf                 values;
    struct worker_stage_file     *files;
    size_t                        nfiles;
    uint64_t                      done, total;
};

static const char *name_of(const struct comparison *c, uint32_t row)
{
    return c->set.model[c->set.taken[c->row[row]]].maps->name;
}

static int find_scorers(struct comparison *c, struct mx_err *err)
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

static int make_room(struct comparison *c, struct mx_err *err)
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

static void tear_down(struct comparison *c)
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
static int read_scores(const struct comparison *c, const struct worker_input *input, uint32_t a,
                       float *out, struct mx_err *err)
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
static int read_kind(struct comparison *c, uint32_t a, struct mx_err *err)
{
    const size_t block = (size_t)c->nvariants * c->set.ntaken * c->set.ncommon;
    int          rc = 0;

    for (uint32_t j = 0; j < c->n; j++) {
        const struct worker_input *scorer = c->scorers[c->set.taken[c->row[j]]];

        if ((rc = read_scores(c, scorer, a, c->all + j * block, err)) < 0)
            return -1;
        if (rc == 0)
            return mx_fail(err, MX_EDATA, "the scores of %s are gone", name_of(c, j));
    }
    if (c->outside && !c->outside->failed && (rc = read_scores(c, c->outside, a, c->ours, err)) < 0)
        return -1;
    if (!c->outside || c->outside->failed || rc == 0)
        for (size_t k = 0; k < block; k++)
            c->ours[k] = NAN;
    return 0;
}

/* Areas of a curve in the matrix's order, and which models have such maps. */
static void arrange(struct comparison *c, uint32_t v)
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

/* FOLDER/WHAT.ATTRIBUTION.WORD.npy, noted for stage.json. */
static int write_array(struct comparison *c, const char *what, uint32_t a, uint32_t v,
                       const void *data, bool is_areas, struct mx_err *err)
{
    const uint64_t dims[] = {c->n, c->n, c->set.ncommon};
    struct mx_buf  name = {0};
    char          *path = NULL, *kept = NULL;
    int            rc = -1;

    mx_buf_printf(&name, "%s.%s.%s.npy", what, worker_map_kinds[c->which[a]].word,
                  c->variants[v].word);
    if (mx_buf_ok(&name) && (kept = strdup(mx_buf_str(&name))))
        path = mx_path_join(c->job->folder, kept);
    mx_buf_free(&name);
    if (!path) {
        free(kept);
        return mx_fail(err, MX_ENOMEM, "no memory to write a matrix");
    }
    c->files[c->nfiles++] = (struct worker_stage_file){.name = kept,
                                                       .dtype = is_areas ? "float32" : "float64",
                                                       .ndims = is_areas ? 3 : 2,
                                                       .dims = {c->n, c->n, c->set.ncommon}};
    rc = worker_npy_write(path, is_areas ? WORKER_NPY_F32 : WORKER_NPY_F64, is_areas ? 3 : 2, dims,
                          data, err);
    free(path);
    return rc;
}

/* One line of values.csv. */
static void put(struct comparison *c, const char *trial, const char *metric, uint32_t a, uint32_t v,
                const double values[3])
{
    struct mx_csv csv = {.out = &c->values};
    char          name[WORKER_METRIC_NAME_SIZE];

    snprintf(name, sizeof name, "%s.%s.%s", metric, worker_map_kinds[c->which[a]].word,
             c->variants[v].word);
    mx_csv_text(&csv, trial);
    mx_csv_text(&csv, name);
    for (unsigned k = 0; k < 3; k++)
        mx_csv_real(&csv, values[k]);
    mx_csv_end_line(&csv);
}

/* The mean of an outside scorer's areas over the images that it gets right. */
static void put_outside(struct comparison *c, uint32_t a, uint32_t v)
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
            put(c, name_of(c, i), "test.inter_model_reference", a, v,
                (const double[3]){sum / n, NAN, NAN});
    }
}

/* What a fit and its interval say of each of its models. */
static void put_fit(struct comparison *c, uint32_t a, uint32_t v,
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

    put(c, "", "mean", a, v, (const double[3]){fit->mean, low->mean, high->mean});
    for (uint32_t k = 0; k < c->carriers; k++)
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            put(c, name_of(c, c->carrier[k]), rows[r].metric, a, v,
                (const double[3]){rows[r].value[k], rows[r].low[k], rows[r].high[k]});
}

/* Rows and columns of the models that have such maps. */
static void cut_out(const struct comparison *c, float *areas)
{
    const size_t common = c->set.ncommon;

    for (uint32_t i = 0; i < c->carriers; i++)
        for (uint32_t j = 0; j < c->carriers; j++)
            memcpy(areas + ((size_t)i * c->carriers + j) * common,
                   c->areas + ((size_t)c->carrier[i] * c->n + c->carrier[j]) * common,
                   common * sizeof *areas);
}

/* The other way, of an interval. */
static void put_back(const struct comparison *c, const double *cut, double *matrix)
{
    for (size_t k = 0; k < (size_t)c->n * c->n; k++)
        matrix[k] = NAN;
    for (uint32_t i = 0; i < c->carriers; i++)
        for (uint32_t j = 0; j < c->carriers; j++)
            matrix[(size_t)c->carrier[i] * c->n + c->carrier[j]] = cut[i * (size_t)c->carriers + j];
}

/* The mean entry between repeats of one cell: nothing can agree better. */
static int put_ceiling(struct comparison *c, uint32_t a, uint32_t v, const double *matrix,
                       struct mx_err *err)
{
    uint32_t *recipe = malloc((c->carriers + 1) * sizeof *recipe);

    if (!recipe)
        return mx_fail(err, MX_ENOMEM, "no memory to compare %u models", c->n);
    for (uint32_t k = 0; k < c->carriers; k++) {
        recipe[k] = k;
        for (uint32_t before = k; before-- > 0;)
            if (strncmp(name_of(c, c->carrier[before]), name_of(c, c->carrier[k]), CELL) == 0)
                recipe[k] = before;
    }
    put(c, "", "ceiling", a, v,
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
static int fit_models(struct comparison *c, uint32_t a, uint32_t v, struct fitted *f,
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
    return write_array(c, "matrix_low", a, v, c->matrix[1], false, err) ||
                   write_array(c, "matrix_high", a, v, c->matrix[2], false, err)
               ? -1
               : 0;
}

/* One kind of maps under one curve. */
static int compare(struct comparison *c, uint32_t a, uint32_t v, struct mx_err *err)
{
    struct fitted fitted = {0};
    int           failed = 0;

    arrange(c, v);
    worker_inter_matrix(c->areas, c->n, c->set.ncommon, NULL, c->matrix[0]);
    if (write_array(c, "matrix", a, v, c->matrix[0], false, err) ||
        write_array(c, "areas", a, v, c->areas, true, err))
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

/* Why a model is not in the matrix; "" if it is. */
static const char *why_left_out(const struct comparison *c, uint32_t m)
{
    if (c->set.model[m].maps->failed)
        return "its training or its maps failed";
    if (!c->set.model[m].taken)
        return "not accurate enough";
    return c->scorers[m]->failed ? "its scoring failed" : "";
}

static int write_text(struct comparison *c, const char *name, const struct mx_buf *text,
                      struct mx_err *err)
{
    char *path = mx_path_join(c->job->folder, name), *kept = strdup(name);
    int   rc = -1;

    if (!path || !kept || !mx_buf_ok(text))
        mx_fail(err, MX_ENOMEM, "no memory to write %s", name);
    else
        rc = mx_file_write(path, text->data, text->len, err);
    if (kept)
        c->files[c->nfiles++] = (struct worker_stage_file){.name = kept};
    free(path);
    return rc;
}

static int write_models(struct comparison *c, struct mx_err *err)
{
    struct mx_buf text = {0};
    struct mx_csv csv = {.out = &text};
    uint32_t      row = 0;
    int           rc;

    mx_buf_text(&text, "row,trial,accuracy,images_wrong,images_only_it_gets_wrong,left_out\n");
    for (uint32_t m = 0; m < c->set.models; m++) {
        const struct inter_model *model = &c->set.model[m];
        const char               *why = why_left_out(c, m);

        if (*why)
            mx_csv_text(&csv, "");
        else
            mx_csv_uint(&csv, row++);
        mx_csv_text(&csv, model->maps->name);
        mx_csv_real(&csv, model->accuracy);
        mx_csv_uint(&csv, model->wrong);
        mx_csv_uint(&csv, model->alone);
        mx_csv_text(&csv, why);
        mx_csv_end_line(&csv);
    }
    rc = write_text(c, "models.csv", &text, err);
    mx_buf_free(&text);
    return rc;
}

static int write_images(struct comparison *c, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc;

    mx_buf_text(&text, "row,image,label\n");
    for (uint32_t i = 0; i < c->set.ncommon; i++)
        mx_buf_printf(&text, "%u,%u,%u\n", i, c->set.common[i], c->set.labels[c->set.common[i]]);
    rc = write_text(c, "images.csv", &text, err);
    mx_buf_free(&text);
    return rc;
}

/* A line for the log: which models were left out, and on how many images the rest met. */
static void tell(const struct comparison *c)
{
    struct mx_buf text = {0};
    uint32_t      left = 0;

    mx_buf_printf(&text, "%u of %u models compared on %u of %u images\n", c->n, c->set.models,
                  c->set.ncommon, c->set.images);
    for (uint32_t m = 0; m < c->set.models; m++) {
        const char *why = why_left_out(c, m);

        if (*why && left++ < NAMED)
            mx_buf_printf(&text, "left out: %s, %s\n", c->set.model[m].maps->name, why);
    }
    if (left > NAMED)
        mx_buf_printf(&text, "%u more are left out: models.csv\n", left - NAMED);
    if (c->n < 3)
        mx_buf_text(&text, "warning: inter_model_map takes three models\n");
    else if (c->set.ncommon < WORKER_INTER_FEW_IMAGES)
        mx_buf_printf(&text, "warning: below %d common images the intervals are wide\n",
                      WORKER_INTER_FEW_IMAGES);
    if (c->outside && c->outside->failed)
        mx_buf_text(&text, "warning: the outside scorer failed\n");
    worker_progress_notes(c->progress, &text);
    mx_buf_free(&text);
}

static int run(struct comparison *c, struct mx_err *err)
{
    if (inter_set_read(c->job, &c->set, err) || find_scorers(c, err))
        return -1;
    c->nvariants = inter_variants(&c->job->params, c->variants);
    c->nwhich = inter_attributions(&c->job->params, c->which);
    c->total = (uint64_t)c->nwhich * c->nvariants;
    if (make_room(c, err) || write_models(c, err) || write_images(c, err))
        return -1;
    mx_buf_text(&c->values, "trial,metric,value,low,high\n");
    for (uint32_t a = 0; c->n >= 2 && c->set.ncommon > 0 && a < c->nwhich; a++) {
        if (read_kind(c, a, err))
            return -1;
        for (uint32_t v = 0; v < c->nvariants; v++)
            if (compare(c, a, v, err))
                return -1;
    }
    if (write_text(c, INTER_VALUES_FILE, &c->values, err))
        return -1;
    tell(c);
    return worker_stage_write_record(c->job, c->files, c->nfiles, err);
}

int worker_inter_model_run(const struct worker_job *job, struct worker_cache *cache,
                           const struct worker_progress *progress, struct worker_result *result,
                           struct mx_err *err)
{
    struct comparison *c = calloc(1, sizeof *c);
    int                failed;

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
