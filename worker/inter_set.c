/* inter_set.c - which models are compared with each other, and on which images. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_read.h"
#include "base/file.h"
#include "base/num.h"
#include "worker/explain.h"
#include "worker/inter_model.h"
#include "worker/inter_parts.h"

enum {
    TABLE_BYTES = 1 << 30
};

char *inter_input_path(const struct worker_job *job, const struct worker_input *input,
                       const char *file, struct mx_err *err)
{
    char *folder = mx_path_join(job->stages, input->key);
    char *path = folder ? mx_path_join(folder, file) : NULL;

    free(folder);
    if (!path)
        mx_fail(err, MX_ENOMEM, "no memory to find %s", file);
    return path;
}

uint32_t inter_variants(const struct worker_params *params,
                        struct inter_variant        variants[INTER_VARIANTS])
{
    const struct worker_list *curves = &params->score_inter_model_curves;
    const struct worker_list *fills = &params->score_fills;
    bool                      asked[2] = {false, false}, road = false;
    uint32_t                  n = 0;

    for (uint32_t k = 0; k < curves->count; k++)
        asked[(unsigned)curves->items[k]] = true;
    for (uint32_t k = 0; k < fills->count; k++) {
        const enum worker_fill fill = (enum worker_fill)fills->items[k];

        road |= fill == WORKER_FILL_ROAD;
        if (asked[WORKER_INTER_DELETION])
            variants[n++] =
                (struct inter_variant){WORKER_CURVE_DELETION, fill, worker_fills[fill].word};
    }
    if (asked[WORKER_INTER_INSERTION]) {
        variants[n++] =
            (struct inter_variant){WORKER_CURVE_INSERTION, WORKER_FILL_BLUR, "insertion_blur"};
        if (road)
            variants[n++] =
                (struct inter_variant){WORKER_CURVE_INSERTION, WORKER_FILL_ROAD, "insertion_road"};
    }
    return n;
}

uint32_t inter_attributions(const struct worker_params *params,
                            enum worker_attribution     which[WORKER_MAPS])
{
    const struct worker_list *list = &params->score_attributions;
    uint32_t                  n = 0;

    for (enum worker_attribution map = 0; map < WORKER_MAPS; map++) {
        bool wanted = worker_map_kinds[map].needs & WORKER_MAP_IS_CONTROL;

        for (uint32_t k = 0; k < list->count; k++)
            wanted |= (enum worker_attribution)list->items[k] == map;
        if (wanted)
            which[n++] = map;
    }
    return n;
}

static int find_models(const struct worker_job *job, struct inter_set *set, struct mx_err *err)
{
    for (uint32_t i = 0; i < job->ninputs; i++)
        set->models += job->inputs[i].kind == WORKER_STAGE_MAPS;
    if (!(set->model = calloc(set->models + 1, sizeof *set->model)))
        return mx_fail(err, MX_ENOMEM, "no memory to compare %u models", set->models);
    set->models = 0;
    for (uint32_t i = 0; i < job->ninputs; i++)
        if (job->inputs[i].kind == WORKER_STAGE_MAPS)
            set->model[set->models++] =
                (struct inter_model){.maps = &job->inputs[i], .accuracy = NAN};
    return 0;
}

/* Room for `images` images, once it is known how many there are. */
static int make_room(struct inter_set *set, uint32_t images, struct mx_err *err)
{
    set->images = images;
    set->labels = calloc(images + (size_t)1, sizeof *set->labels);
    set->correct = calloc(set->models * (size_t)images + 1, sizeof *set->correct);
    set->taken = calloc(set->models + (size_t)1, sizeof *set->taken);
    set->common = calloc(images + (size_t)1, sizeof *set->common);
    if (!set->labels || !set->correct || !set->taken || !set->common)
        return mx_fail(err, MX_ENOMEM, "no memory to compare %u models on %u images", set->models,
                       images);
    return 0;
}

/* label and correct of one row. */
static int read_row(const struct mx_table *table, const size_t columns[2], int64_t values[2],
                    struct mx_err *err)
{
    for (unsigned k = 0; k < 2; k++)
        if (columns[k] >= mx_table_fields(table) ||
            !mx_num_parse_int(mx_table_field(table, columns[k]), &values[k]) || values[k] < 0 ||
            values[k] > UINT32_MAX)
            return mx_table_fail(table, err,
                                 "a row of images needs a label and whether it was "
                                 "predicted");
    return 0;
}

/* Rows of one model's images.csv: of the first table, how many there are decides. */
static int read_table(struct mx_table *table, struct inter_set *set, uint32_t m, uint32_t most,
                      struct mx_err *err)
{
    size_t   columns[2] = {SIZE_MAX, SIZE_MAX};
    int64_t  values[2] = {0, 0};
    uint32_t n = 0, right = 0;
    int      rc;

    if ((rc = mx_table_next(table, err)) > 0) {
        columns[0] = mx_table_find(table, "label");
        columns[1] = mx_table_find(table, "correct");
    }
    while (rc > 0 && n < most && (rc = mx_table_next(table, err)) > 0) {
        if (read_row(table, columns, values, err))
            return -1;
        if (n >= set->images || (set->ntaken > 0 && set->labels[n] != values[0]))
            return mx_table_fail(table, err, "these are not the images of the other models");
        set->labels[n] = (uint32_t)values[0];
        set->correct[(size_t)m * set->images + n++] = values[1] != 0;
        right += values[1] != 0;
    }
    if (rc < 0)
        return -1;
    if (n != set->images)
        return mx_table_fail(table, err, "%u images, and %u of the other models", n, set->images);
    set->model[m].accuracy = n > 0 ? (double)right / n : NAN;
    set->model[m].wrong = n - right;
    set->ntaken++;
    return 0;
}

static int count_rows(const char *path, uint32_t most, uint32_t *rows, struct mx_err *err)
{
    struct mx_table *table = mx_table_open(path, false, TABLE_BYTES, err);
    int              rc = table ? 1 : -1;

    *rows = 0;
    if (rc > 0)
        rc = mx_table_next(table, err);
    while (rc > 0 && *rows < most && (rc = mx_table_next(table, err)) > 0)
        ++*rows;
    mx_table_close(table);
    return rc < 0 ? -1 : 0;
}

static int read_model(const struct worker_job *job, struct inter_set *set, uint32_t m,
                      struct mx_err *err)
{
    const int64_t    asked = job->params.score_inter_model_images;
    const uint32_t   most = asked < UINT32_MAX ? (uint32_t)asked : UINT32_MAX;
    char            *path = inter_input_path(job, set->model[m].maps, "images.csv", err);
    struct mx_table *table = NULL;
    uint32_t         rows;
    int              rc = -1;

    if (!path)
        return -1;
    if ((set->labels ||
         (count_rows(path, most, &rows, err) == 0 && make_room(set, rows, err) == 0)) &&
        (table = mx_table_open(path, false, TABLE_BYTES, err)))
        rc = read_table(table, set, m, most, err);
    mx_table_close(table);
    free(path);
    return rc;
}

static int choose(struct inter_set *set, double share, struct mx_err *err)
{
    double    *accuracy = malloc((set->models + 1) * sizeof *accuracy);
    bool      *taken = malloc((set->models + 1) * sizeof *taken);
    bool      *common = malloc((set->images + 1) * sizeof *common);
    uint32_t  *alone = malloc((set->models + 1) * sizeof *alone);
    const bool there = accuracy && taken && common && alone;

    set->ntaken = 0;
    for (uint32_t m = 0; there && m < set->models; m++)
        accuracy[m] = set->model[m].accuracy;
    if (there) {
        worker_inter_select(accuracy, set->models, share, taken);
        worker_inter_common(set->correct, set->models, set->images, taken, common, alone, NULL);
    }
    for (uint32_t m = 0; there && m < set->models; m++) {
        set->model[m].taken = taken[m];
        set->model[m].alone = alone[m];
        if (taken[m])
            set->taken[set->ntaken++] = m;
    }
    for (uint32_t i = 0; there && i < set->images; i++)
        if (common[i])
            set->common[set->ncommon++] = i;
    free(accuracy);
    free(taken);
    free(common);
    free(alone);
    return there ? 0 : mx_fail(err, MX_ENOMEM, "no memory to compare %u models", set->models);
}

int inter_set_read(const struct worker_job *job, struct inter_set *set, struct mx_err *err)
{
    if (find_models(job, set, err))
        return -1;
    for (uint32_t m = 0; m < set->models; m++)
        if (!set->model[m].maps->failed && read_model(job, set, m, err))
            return -1;
    if (!set->labels)
        return make_room(set, 0, err);
    return choose(set, job->params.score_inter_model_min_accuracy, err);
}

void inter_set_free(struct inter_set *set)
{
    free(set->model);
    free(set->labels);
    free(set->correct);
    free(set->taken);
    free(set->common);
    *set = (struct inter_set){0};
}

uint32_t inter_set_find(const struct inter_set *set, const char *name)
{
    for (uint32_t m = 0; m < set->models; m++)
        if (strcmp(set->model[m].maps->name, name) == 0)
            return m;
    return UINT32_MAX;
}
