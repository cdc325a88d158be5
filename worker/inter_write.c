/* inter_write.c - the files that a comparison of models leaves, and its line in the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "worker/explain.h"
#include "worker/inter_comparison.h"
#include "worker/npy.h"

enum {
    NAMED = 3 /* models in a line of the log; all are in models.csv */
};

const char *inter_row_name(const struct inter_comparison *c, uint32_t row)
{
    return c->set.model[c->set.taken[c->row[row]]].maps->name;
}

int inter_write_array(struct inter_comparison *c, const char *what, uint32_t a, uint32_t v,
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

void inter_put(struct inter_comparison *c, const char *trial, const char *metric, uint32_t a,
               uint32_t v, const double values[3])
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

/* Why a model is not in the matrix; "" if it is. */
static const char *why_left_out(const struct inter_comparison *c, uint32_t m)
{
    if (c->set.model[m].maps->failed)
        return "its training or its maps failed";
    if (!c->set.model[m].taken)
        return "not accurate enough";
    return c->scorers[m]->failed ? "its scoring failed" : "";
}

int inter_write_text(struct inter_comparison *c, const char *name, const struct mx_buf *text,
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

int inter_write_models(struct inter_comparison *c, struct mx_err *err)
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
    rc = inter_write_text(c, "models.csv", &text, err);
    mx_buf_free(&text);
    return rc;
}

int inter_write_images(struct inter_comparison *c, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc;

    mx_buf_text(&text, "row,image,label\n");
    for (uint32_t i = 0; i < c->set.ncommon; i++)
        mx_buf_printf(&text, "%u,%u,%u\n", i, c->set.common[i], c->set.labels[c->set.common[i]]);
    rc = inter_write_text(c, "images.csv", &text, err);
    mx_buf_free(&text);
    return rc;
}

void inter_tell(const struct inter_comparison *c)
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
