#include "worker/edits.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "worker/rows.h"

uint32_t worker_edits_part(const struct worker_features *features, uint32_t row)
{
    const struct worker_feature_split *train = &features->split[WORKER_FEATURES_TRAIN];

    return train->groups ? train->groups[row] : train->labels[row];
}

static double squared_distance(const double *a, const double *b, uint32_t dims)
{
    double sum = 0;

    for (uint32_t k = 0; k < dims; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

static double cosine(const double *a, const double *b, uint32_t dims)
{
    double product = 0, of_a = 0, of_b = 0;

    for (uint32_t k = 0; k < dims; k++) {
        product += a[k] * b[k];
        of_a += a[k] * a[k];
        of_b += b[k] * b[k];
    }
    return of_a > 0 && of_b > 0 ? product / sqrt(of_a * of_b) : 0;
}

/* Put a row, later than all before, in its place among the nearest so far. */
static void offer(struct worker_neighbour *nearest, uint32_t neighbours, double distance,
                  uint32_t row)
{
    uint32_t k = neighbours;

    if (!(distance < nearest[neighbours - 1].distance))
        return;
    for (; k > 1 && distance < nearest[k - 2].distance; k--)
        nearest[k - 1] = nearest[k - 2];
    nearest[k - 1] = (struct worker_neighbour){distance, row};
}

/* All support features meet one training row after another, so that each is read once. */
static void find_neighbours(const struct worker_edits_question *question,
                            struct worker_edits *edits, double *row)
{
    const struct worker_rows train = worker_rows_all(question->features, WORKER_FEATURES_TRAIN);
    const uint32_t           dims = train.dims, k = edits->neighbours;

    for (uint32_t r = 0; r < train.n; r++) {
        worker_row_copy(&train, r, row, 1);
        for (uint32_t s = 0; s < question->n; s++) {
            const size_t at = (size_t)s * dims;

            if (question->rows[s] == r)
                continue;
            offer(edits->before + (size_t)s * k, k,
                  squared_distance(question->before + at, row, dims), r);
            offer(edits->after + (size_t)s * k, k,
                  squared_distance(question->after + at, row, dims), r);
        }
    }
}

static void count_parts(const struct worker_edits_question *question, struct worker_edits *edits)
{
    const uint32_t k = edits->neighbours, parts = edits->parts;

    for (uint32_t s = 0; s < question->n; s++)
        for (uint32_t j = 0; j < k; j++) {
            struct worker_neighbour *before = &edits->before[(size_t)s * k + j];
            struct worker_neighbour *after = &edits->after[(size_t)s * k + j];
            const size_t             from = (size_t)edits->part[s] * parts;

            before->distance = sqrt(before->distance);
            after->distance = sqrt(after->distance);
            edits->count_before[from + worker_edits_part(question->features, before->row)]++;
            edits->count_after[from + worker_edits_part(question->features, after->row)]++;
        }
}

static void compare_support(const struct worker_edits_question *question,
                            struct worker_edits                *edits)
{
    const uint32_t dims = question->features->dims;

    for (uint32_t s = 0; s < question->n; s++) {
        const double *before = question->before + (size_t)s * dims;
        const double *after = question->after + (size_t)s * dims;

        edits->part[s] = worker_edits_part(question->features, question->rows[s]);
        edits->moved[s] = sqrt(squared_distance(before, after, dims));
        for (uint32_t t = 0; t < question->ntexts; t++) {
            const double *text = question->texts + (size_t)t * dims;

            edits->text_before[(size_t)s * question->ntexts + t] = cosine(before, text, dims);
            edits->text_after[(size_t)s * question->ntexts + t] = cosine(after, text, dims);
        }
    }
}

static bool make_room(const struct worker_edits_question *question, struct worker_edits *edits)
{
    const size_t n = question->n, pairs = n * question->neighbours;
    const size_t texts = n * question->ntexts + 1, parts = edits->parts;

    edits->moved = calloc(n, sizeof *edits->moved);
    edits->before = calloc(pairs, sizeof *edits->before);
    edits->after = calloc(pairs, sizeof *edits->after);
    edits->part = calloc(n, sizeof *edits->part);
    edits->count_before = calloc(parts * parts, sizeof *edits->count_before);
    edits->count_after = calloc(parts * parts, sizeof *edits->count_after);
    edits->text_before = calloc(texts, sizeof *edits->text_before);
    edits->text_after = calloc(texts, sizeof *edits->text_after);
    if (!edits->moved || !edits->before || !edits->after || !edits->part || !edits->count_before ||
        !edits->count_after || !edits->text_before || !edits->text_after)
        return false;
    for (size_t k = 0; k < pairs; k++)
        edits->before[k].distance = edits->after[k].distance = INFINITY;
    return true;
}

static int check(const struct worker_edits_question *question, struct mx_err *err)
{
    const uint32_t n = question->features->split[WORKER_FEATURES_TRAIN].n;

    if (question->neighbours == 0 || question->neighbours >= n)
        return mx_fail(err, MX_EINVAL, "%u neighbours among %u training images: ask for 1 to %u",
                       question->neighbours, n, n > 0 ? n - 1 : 0);
    for (uint32_t s = 0; s < question->n; s++)
        if (question->rows[s] >= n)
            return mx_fail(err, MX_EDATA, "support image %u is row %u of train, which has %u", s,
                           question->rows[s], n);
    return 0;
}

int worker_edits_measure(const struct worker_edits_question *question, struct worker_edits *edits,
                         struct mx_err *err)
{
    const struct worker_features *features = question->features;
    double                       *row;

    memset(edits, 0, sizeof *edits);
    if (check(question, err))
        return -1;
    edits->n = question->n;
    edits->neighbours = question->neighbours;
    edits->ntexts = question->ntexts;
    edits->parts = features->groups > 0 ? features->groups : features->classes;
    row = calloc(features->dims, sizeof *row);
    if (!row || !make_room(question, edits)) {
        free(row);
        worker_edits_free(edits);
        return mx_fail(err, MX_ENOMEM, "no memory for the neighbours of %u features", question->n);
    }
    compare_support(question, edits);
    find_neighbours(question, edits, row);
    count_parts(question, edits);
    free(row);
    return 0;
}

void worker_edits_free(struct worker_edits *edits)
{
    free(edits->moved);
    free(edits->before);
    free(edits->after);
    free(edits->part);
    free(edits->count_before);
    free(edits->count_after);
    free(edits->text_before);
    free(edits->text_after);
    memset(edits, 0, sizeof *edits);
}
