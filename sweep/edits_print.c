/* edits_print.c - what has become of the neighbours, as a table and as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"
#include "sweep/edits.h"
#include "sweep/text_table.h"

static uint32_t support_of(const struct worker_edits *edits, uint32_t part)
{
    uint32_t n = 0;

    for (uint32_t s = 0; s < edits->n; s++)
        n += edits->part[s] == part;
    return n;
}

/* Mean over the support images of a part of column t of (n, of) numbers. */
static double mean_of(const struct worker_edits *edits, uint32_t part, const double *numbers,
                      uint32_t of, uint32_t t)
{
    double sum = 0;

    for (uint32_t s = 0; s < edits->n; s++)
        sum += edits->part[s] == part ? numbers[(size_t)s * of + t] : 0;
    return sum / support_of(edits, part);
}

static void add_number(struct mx_text_table *table, const char *format, double value)
{
    char text[32];

    snprintf(text, sizeof text, format, value);
    mx_text_table_add(table, text);
}

static void add_share(struct mx_text_table *table, double before, double after)
{
    char text[64];

    snprintf(text, sizeof text, "%.1f > %.1f %%", 100 * before, 100 * after);
    mx_text_table_add(table, text);
}

enum {
    SHOWN = 64 /* bytes of a name in the table */
};

static const char *part_name(const struct mx_edits_case *found, uint32_t part)
{
    return worker_feature_name(found->features,
                               found->features->groups > 0 ? WORKER_FEATURE_GROUP_NAMES
                                                           : WORKER_FEATURE_CLASS_NAMES,
                               part);
}

/* Its name, or its number behind `word`. */
static const char *part_text(const struct mx_edits_case *found, uint32_t part, const char *word,
                             char out[SHOWN])
{
    const char *name = part_name(found, part);

    if (name)
        return mx_utf8_shown(name, out, SHOWN);
    snprintf(out, SHOWN, "%s%s%u", word, *word ? " " : "", part);
    return out;
}

static struct mx_text_table *new_table(const struct mx_edits_case *found,
                                       const struct worker_edits *edits, const char *word)
{
    const size_t           ncolumns = 3 + (size_t)edits->parts + edits->ntexts;
    struct mx_text_column *columns = calloc(ncolumns, sizeof *columns);
    char(*heads)[SHOWN + 8] = calloc(ncolumns, sizeof *heads);
    struct mx_text_table *table = NULL;

    if (columns && heads) {
        snprintf(heads[0], sizeof heads[0], "%s", word);
        snprintf(heads[1], sizeof heads[1], "edited");
        snprintf(heads[2], sizeof heads[2], "moved by");
        for (uint32_t p = 0; p < edits->parts; p++) {
            char shown[SHOWN];

            snprintf(heads[3 + p], sizeof heads[0], "near %s", part_text(found, p, word, shown));
        }
        for (uint32_t t = 0; t < edits->ntexts; t++)
            snprintf(heads[3 + edits->parts + t], sizeof heads[0], "text %u", t);
        for (size_t c = 0; c < ncolumns; c++)
            columns[c] = (struct mx_text_column){.head = heads[c], .right = true};
        table = mx_text_table_new(columns, ncolumns);
    }
    free(columns);
    free(heads);
    return table;
}

static void add_part(struct mx_text_table *table, const struct mx_edits_case *found,
                     const struct worker_edits *edits, uint32_t part)
{
    const uint32_t n = support_of(edits, part);
    const double   all = (double)n * edits->neighbours;
    char           text[SHOWN];

    mx_text_table_add(table, part_text(found, part, "", text));
    add_number(table, "%.0f", n);
    add_number(table, "%.4g", mean_of(edits, part, edits->moved, 1, 0));
    for (uint32_t p = 0; p < edits->parts; p++)
        add_share(table, (double)edits->count_before[part * edits->parts + p] / all,
                  (double)edits->count_after[part * edits->parts + p] / all);
    for (uint32_t t = 0; t < edits->ntexts; t++) {
        snprintf(text, sizeof text, "%.3f > %.3f",
                 mean_of(edits, part, edits->text_before, edits->ntexts, t),
                 mean_of(edits, part, edits->text_after, edits->ntexts, t));
        mx_text_table_add(table, text);
    }
}

void mx_edits_text(const struct mx_edits_case *found, const struct worker_edits *edits,
                   struct mx_buf *out)
{
    const char           *word = found->features->groups > 0 ? "group" : "class";
    struct mx_text_table *table = new_table(found, edits, word);

    mx_buf_printf(out,
                  "%u edited features and the %u training images nearest to each, before > after\n",
                  edits->n, edits->neighbours);
    if (!table) {
        out->failed = true;
        return;
    }
    for (uint32_t p = 0; p < edits->parts; p++)
        if (support_of(edits, p) > 0)
            add_part(table, found, edits, p);
    mx_text_table_print(table, 0, out);
    mx_text_table_free(table);
}

static void put_row(struct mx_json *json, const struct mx_edits_case *found, uint32_t row)
{
    const char *name = worker_feature_name(found->features, WORKER_FEATURE_ROW_NAMES, row);

    mx_json_uint(json, "row", row);
    if (name)
        mx_json_text(json, "name", name);
}

static void put_neighbours(struct mx_json *json, const char *key, const struct mx_edits_case *found,
                           const struct worker_edits *edits, const struct worker_neighbour *nearest)
{
    mx_json_array(json, key);
    for (uint32_t k = 0; k < edits->neighbours; k++) {
        mx_json_object(json, NULL);
        put_row(json, found, nearest[k].row);
        mx_json_uint(json, "part", worker_edits_part(found->features, nearest[k].row));
        mx_json_real(json, "distance", nearest[k].distance);
        mx_json_end_object(json);
    }
    mx_json_end_array(json);
}

static void put_texts(struct mx_json *json, const char *key, const struct worker_edits *edits,
                      const double *similarity)
{
    mx_json_array(json, key);
    for (uint32_t t = 0; t < edits->ntexts; t++)
        mx_json_real(json, NULL, similarity[t]);
    mx_json_end_array(json);
}

static void put_counts(struct mx_json *json, const char *key, const struct worker_edits *edits,
                       const uint64_t *counts)
{
    mx_json_array(json, key);
    for (uint32_t p = 0; p < edits->parts; p++)
        mx_json_uint(json, NULL, counts[p]);
    mx_json_end_array(json);
}

static void put_support(struct mx_json *json, const struct mx_edits_case *found,
                        const struct worker_edits *edits, uint32_t s)
{
    const struct worker_feature_split *train = &found->features->split[WORKER_FEATURES_TRAIN];
    const size_t                       k = edits->neighbours, texts = edits->ntexts;

    mx_json_object(json, NULL);
    put_row(json, found, found->rows[s]);
    mx_json_uint(json, "label", train->labels[found->rows[s]]);
    mx_json_uint(json, "part", edits->part[s]);
    mx_json_real(json, "moved", edits->moved[s]);
    put_neighbours(json, "before", found, edits, edits->before + s * k);
    put_neighbours(json, "after", found, edits, edits->after + s * k);
    put_texts(json, "text_before", edits, edits->text_before + s * texts);
    put_texts(json, "text_after", edits, edits->text_after + s * texts);
    mx_json_end_object(json);
}

void mx_edits_json(const char *trial, const struct mx_edits_case *found,
                   const struct worker_edits *edits, struct mx_buf *out)
{
    struct mx_json json = {.out = out};

    mx_json_object(&json, NULL);
    mx_json_text(&json, "trial", trial);
    mx_json_uint(&json, "neighbours", edits->neighbours);
    mx_json_text(&json, "parts", found->features->groups > 0 ? "groups" : "classes");
    mx_json_array(&json, "composition");
    for (uint32_t p = 0; p < edits->parts; p++) {
        mx_json_object(&json, NULL);
        mx_json_uint(&json, "part", p);
        if (part_name(found, p))
            mx_json_text(&json, "name", part_name(found, p));
        mx_json_uint(&json, "edited", support_of(edits, p));
        put_counts(&json, "before", edits, edits->count_before + (size_t)p * edits->parts);
        put_counts(&json, "after", edits, edits->count_after + (size_t)p * edits->parts);
        mx_json_end_object(&json);
    }
    mx_json_end_array(&json);
    mx_json_array(&json, "support");
    for (uint32_t s = 0; s < edits->n; s++)
        put_support(&json, found, edits, s);
    mx_json_end_array(&json);
    mx_json_end_object(&json);
    mx_buf_text(out, "\n");
}
