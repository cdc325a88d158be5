/* report_files.c - what stages left on disk. */
#include "sweep/report_files.h"

#include <math.h>
#include <stdlib.h>

#include "base/csv_read.h"
#include "base/file.h"

enum {
    MOST_NUMBERS = 1 << 26,
    MOST_BYTES = 64 << 20
};

uint32_t report_stage(const struct report *r, uint32_t trial, enum worker_kind kind)
{
    const struct mx_trial *t = &r->plan->trials[trial];

    for (uint32_t k = 0; k < t->nstages; k++) {
        const uint32_t stage = r->plan->stage_of[t->first_stage + k];

        if (r->plan->stages[stage].kind == kind)
            return stage;
    }
    return UINT32_MAX;
}

uint32_t report_trial(const struct report *r, const char *name)
{
    char     hex[MX_HASH64_HEX] = "";
    uint64_t cell;

    if (strlen(name) < sizeof hex + 1)
        return UINT32_MAX;
    memcpy(hex, name, sizeof hex - 1);
    if (!mx_hash64_parse(hex, &cell))
        return UINT32_MAX;
    for (uint32_t t = 0; t < r->plan->ntrials; t++) {
        char text[MX_TRIAL_NAME_SIZE];

        if (r->plan->trials[t].cell == cell &&
            strcmp(mx_trial_name(&r->plan->trials[t], text), name) == 0)
            return t;
    }
    return UINT32_MAX;
}

double *report_npy(const struct report *r, uint32_t stage, const char *name,
                   struct worker_npy_shape *shape)
{
    char *path =
        stage == UINT32_MAX ? NULL : mx_plan_stage_path(r->plan, stage, r->sweep->directory, name);
    struct worker_npy *file = path ? worker_npy_open(path, NULL) : NULL;
    double            *numbers = NULL;

    free(path);
    if (!file)
        return NULL;
    *shape = *worker_npy_shape(file);
    if (shape->row > 0 && shape->rows <= MOST_NUMBERS / shape->row &&
        (numbers = malloc(((size_t)(shape->rows * shape->row) + 1) * sizeof *numbers)) &&
        worker_npy_read_f64(file, 0, shape->rows, numbers, NULL)) {
        free(numbers);
        numbers = NULL;
    }
    worker_npy_close(file);
    return numbers;
}

struct mx_table *report_table_open(const struct report *r, uint32_t stage, const char *name)
{
    char *path =
        stage == UINT32_MAX ? NULL : mx_plan_stage_path(r->plan, stage, r->sweep->directory, name);
    struct mx_table *table = path ? mx_table_open(path, false, MOST_BYTES, NULL) : NULL;

    free(path);
    return table;
}

int report_band_begin(struct report_band *band, const double *x, size_t npoints)
{
    *band = (struct report_band){.npoints = npoints};
    band->x = malloc((npoints + 1) * sizeof band->x[0]);
    band->values = malloc((REPORT_REPEATS * npoints + 1) * sizeof band->values[0]);
    band->points = malloc((npoints + 1) * sizeof band->points[0]);
    if (!band->x || !band->values || !band->points) {
        report_band_free(band);
        return -1;
    }
    memcpy(band->x, x, npoints * sizeof band->x[0]);
    return 0;
}

double *report_band_next(struct report_band *band)
{
    return band->nrepeats < REPORT_REPEATS ? band->values + band->nrepeats++ * band->npoints : NULL;
}

void report_band_close(struct report_band *band, struct mx_bounds bounds)
{
    struct mx_quantile quantile = {0};

    for (size_t p = 0; p < band->npoints; p++) {
        double                column[REPORT_REPEATS];
        size_t                n = 0;
        struct reduce_summary s;

        for (size_t k = 0; k < band->nrepeats; k++)
            if (isfinite(band->values[k * band->npoints + p]))
                column[n++] = band->values[k * band->npoints + p];
        s = report_interval(reduce_summarise(column, n, mx_results_quantile(&quantile, n)), bounds);
        band->points[p] = (struct mx_plot_point){
            .x = band->x[p], .y = s.mean, .low = s.low, .high = s.high, .shade = NAN};
    }
}

void report_band_free(struct report_band *band)
{
    free(band->x);
    free(band->values);
    free(band->points);
    *band = (struct report_band){0};
}
