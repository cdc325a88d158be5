/* report_image_values.c - what each image adds to a score of a trial, and pairs of trials on
 * resamples of their images. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_images.h"
#include "worker/intervals.h"

/* Curves, by the names of their files. */
static const char deletion[] = "deletion", insertion[] = "insertion",
                  least_first[] = "deletion_least_first", random_order[] = "random_order_deletion";

static bool is_control(unsigned map)
{
    return map == WORKER_MAP_RANDOM || map == WORKER_MAP_CENTRE;
}

static void add(const struct report *r, enum worker_score score, unsigned map, const char *fill,
                unsigned fill_number, struct report_image_column *columns, size_t most, size_t *n)
{
    struct report_image_column column = {.score = score, .map = map, .fill = fill_number};

    snprintf(column.name, sizeof column.name, "test.%s.%s%s%s", worker_map_scores[score].word,
             worker_attributions[map].word, fill ? "." : "", fill ? fill : "");
    if (*n < most && report_measured(r, column.name))
        columns[(*n)++] = column;
}

size_t report_image_columns(const struct report *r, struct report_image_column *columns,
                            size_t most)
{
    const struct mx_value *maps = &r->config->base[KEY_SCORE_ATTRIBUTIONS];
    size_t                 n = 0;

    for (enum worker_score score = 0; score < WORKER_SCORES; score++) {
        const struct worker_map_score *row = &worker_map_scores[score];

        if (row->stage != WORKER_STAGE_SCORES ||
            row->is & (WORKER_SCORE_NO_MAP | WORKER_SCORE_ENDS))
            continue;
        for (size_t m = 0; m < maps->list.count; m++) {
            const unsigned map = maps->list.items[m].choice;

            if (is_control(map))
                continue;
            if (!(row->is & WORKER_SCORE_FILLED))
                add(r, score, map, NULL, 0, columns, most, &n);
            for (unsigned f = 0; row->is & WORKER_SCORE_FILLED && f < WORKER_FILLS; f++)
                add(r, score, map, worker_fills[f].word, f, columns, most, &n);
        }
    }
    return n;
}

void report_image_free(struct report_image_values *values)
{
    free(values->over);
    free(values->under);
    *values = (struct report_image_values){0};
}

/* A curve of every image, and what to make of it: its area, its begin or its end. */
enum part {
    AREA,
    BEGIN,
    END
};

static double part_of(const double *curve, const double *x, size_t points, enum part part)
{
    double area = 0;

    if (part != AREA)
        return curve[part == BEGIN ? 0 : points - 1];
    for (size_t p = 1; p < points; p++)
        area += (x[p] - x[p - 1]) * (curve[p] + curve[p - 1]) / 2;
    return area;
}

/* (n) numbers of the curves in a file, to be freed; NULL if it is not there. */
static double *read_curve(struct report *r, uint32_t stage,
                          const struct report_image_column *column, const char *kind,
                          enum part part, size_t *n)
{
    struct worker_npy_shape shape, shape_x;
    char                    name[WORKER_METRIC_NAME_SIZE + 8];
    double                 *curves, *x, *values = NULL;

    snprintf(name, sizeof name, "%s.%s.%s.npy", kind, worker_attributions[column->map].word,
             worker_fills[column->fill].word);
    curves = report_npy(r, stage, name, &shape);
    x = curves ? report_npy(r, stage, "fraction.npy", &shape_x) : NULL;
    if (x && shape.ndims == 2 && shape_x.rows == shape.row && (*n == 0 || *n == shape.rows) &&
        (values = calloc((size_t)shape.rows + 1, sizeof *values)))
        for (size_t i = 0; i < shape.rows; i++)
            values[i] = part_of(curves + i * shape.row, x, (size_t)shape.row, part);
    if (values)
        *n = (size_t)shape.rows;
    free(curves);
    free(x);
    return values;
}

/* The area below one curve less that below another, to be freed; NULL without both. */
static double *read_gain(struct report *r, uint32_t stage, const struct report_image_column *column,
                         const char *kind, const char *less, size_t *n)
{
    double *a = read_curve(r, stage, column, kind, AREA, n);
    double *b = read_curve(r, stage, column, less, AREA, n);

    for (size_t i = 0; a && b && i < *n; i++)
        a[i] -= b[i];
    if (!b) {
        free(a);
        a = NULL;
    }
    free(b);
    return a;
}

static double *read_values(struct report *r, uint32_t stage,
                           const struct report_image_column *column, size_t *n)
{
    struct worker_npy_shape shape;
    char                    name[WORKER_METRIC_NAME_SIZE + 8];
    double                 *values;

    snprintf(name, sizeof name, "%s.%s.npy", worker_map_scores[column->score].word,
             worker_attributions[column->map].word);
    if ((values = report_npy(r, stage, name, &shape)))
        *n = (size_t)(shape.rows * shape.row);
    return values;
}

static void read_parts(struct report *r, uint32_t stage, const struct report_image_column *c,
                       struct report_image_values *v)
{
    switch (c->score) {
    case WORKER_SCORE_DELETION:
        v->over = read_curve(r, stage, c, deletion, AREA, &v->n);
        break;
    case WORKER_SCORE_INSERTION:
        v->over = read_curve(r, stage, c, insertion, AREA, &v->n);
        break;
    case WORKER_SCORE_DELETION_LEAST_FIRST:
        v->over = read_curve(r, stage, c, least_first, AREA, &v->n);
        break;
    case WORKER_SCORE_DELETION_NORMALISED:
        v->over = read_curve(r, stage, c, deletion, AREA, &v->n);
        v->under = v->over ? read_curve(r, stage, c, deletion, BEGIN, &v->n) : NULL;
        break;
    case WORKER_SCORE_INSERTION_NORMALISED:
        v->over = read_curve(r, stage, c, insertion, AREA, &v->n);
        v->under = v->over ? read_curve(r, stage, c, insertion, END, &v->n) : NULL;
        break;
    case WORKER_SCORE_SYMMETRIC_RELEVANCE_GAIN:
        v->over = read_gain(r, stage, c, least_first, deletion, &v->n);
        break;
    case WORKER_SCORE_RANDOM_ORDER_DELETION:
        v->over = read_gain(r, stage, c, random_order, deletion, &v->n);
        v->under = v->over ? read_curve(r, stage, c, random_order, AREA, &v->n) : NULL;
        break;
    default:
        v->over = read_values(r, stage, c, &v->n);
    }
}

static bool is_ratio(enum worker_score score)
{
    return score == WORKER_SCORE_DELETION_NORMALISED ||
           score == WORKER_SCORE_INSERTION_NORMALISED ||
           score == WORKER_SCORE_RANDOM_ORDER_DELETION;
}

/* The score of the images as often as they are drawn, drawn NULL: once each. NaN where `other` has
 * no number of an image leaves it out as one of its own does. */
static double score_of(const struct report_image_values *v, const struct report_image_values *other,
                       const uint8_t *drawn)
{
    double over = 0, under = 0;

    for (size_t i = 0; i < v->n; i++) {
        const unsigned times = drawn ? drawn[i] : 1;

        if (times == 0 || isnan(v->over[i]) || isnan(other->over[i]))
            continue;
        over += times * v->over[i];
        under += v->under ? times * v->under[i] : times;
    }
    return under > 0 ? over / under : NAN;
}

bool report_image_read(struct report *r, uint32_t trial, const struct report_image_column *column,
                       struct report_image_values *values)
{
    const double tolerance = 1e-4; /* files hold floats */
    const size_t at = mx_metric_columns_place(&r->columns, column->name);
    double       again;

    *values = (struct report_image_values){0};
    read_parts(r, report_stage(r, trial, WORKER_STAGE_SCORES), column, values);
    if (values->over && at != SIZE_MAX && (values->under || !is_ratio(column->score))) {
        values->score = mx_metric_of(r->results, &r->columns.list[at], trial);
        again = score_of(values, values, NULL);
        if (fabs(values->score - again) <= tolerance * fmax(1, fabs(again)))
            return true;
    }
    report_image_free(values);
    return false;
}

struct report_difference report_image_compare(const struct report_image_values *a,
                                              const struct report_image_values *b,
                                              const uint8_t *drawn, uint32_t resamples)
{
    struct report_difference d = {a->score - b->score, NAN, NAN, NAN};
    double                  *values = malloc(((size_t)resamples + 1) * sizeof *values);
    struct worker_interval   interval;
    uint32_t                 below = 0, above = 0;

    for (uint32_t k = 0; values && k < resamples; k++) {
        const uint8_t *times = drawn + (size_t)k * a->n;

        values[k] = score_of(a, b, times) - score_of(b, a, times);
        below += values[k] <= 0;
        above += values[k] >= 0;
    }
    if (values) {
        interval = worker_interval_of(values, resamples);
        d.low = interval.low;
        d.high = interval.high;
        d.p = fmin(1, 2.0 * ((below < above ? below : above) + 1.0) / (resamples + 1.0));
    }
    free(values);
    return d;
}
