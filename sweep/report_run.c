/* report_run.c - what was run, and on what: plan, seeds, provenance, configuration. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/num.h"
#include "sweep/report_parts.h"

enum {
    MAX_JSON_BYTES = 64 << 20,
    AXIS_VALUES = 24 /* of an axis that are named */
};

json_t *report_json(const struct report *r, const char *name)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(r->sweep->directory, name);
    json_t       *root = NULL;

    if (path && mx_file_read(path, MAX_JSON_BYTES, &text, NULL) == 0)
        root = json_loadb(mx_buf_str(&text), text.len, 0, NULL);
    mx_buf_free(&text);
    free(path);
    return root;
}

static void put_row(struct report *r, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put_row(struct report *r, const char *name, const char *format, ...)
{
    struct mx_buf text = {0};
    va_list       args;

    va_start(args, format);
    mx_buf_vprintf(&text, format, args);
    va_end(args);
    report_element(r, "dt", name);
    report_element(r, "dd", mx_buf_str(&text));
    r->out->failed |= text.failed;
    mx_buf_free(&text);
}

static void put_stages(struct report *r)
{
    for (int kind = 0; kind < WORKER_STAGE_KINDS; kind++) {
        uint64_t planned = 0, uses = 0;

        for (uint32_t s = 0; s < r->plan->nstages; s++)
            if ((int)r->plan->stages[s].kind == kind) {
                planned++;
                uses += r->plan->stages[s].nuses;
            }
        if (planned == 0)
            continue;
        mx_buf_printf(r->out,
                      "<tr><th scope=\"row\">%s</th><td class=\"n\">%" PRIu64
                      "</td><td class=\"n\">%" PRIu64 "</td></tr>",
                      worker_kinds[kind].word, planned, uses);
    }
}

/* The values that cells have for a key, in order of appearance. */
static void put_axis(struct report *r, enum mx_key_id key)
{
    struct mx_buf seen[AXIS_VALUES] = {{0}}, text = {0};
    size_t        n = 0;
    bool          more = false;

    for (uint32_t t = 0; t < r->plan->ntrials && !more;) {
        const struct mx_cell_trials cell = mx_results_cell(r->results, t);
        struct mx_point             point;
        size_t                      at = 0;

        t += cell.count;
        report_point(r, cell, &point);
        mx_buf_clear(&text);
        mx_axis_text(&point, key, &text);
        while (at < n && strcmp(mx_buf_str(&seen[at]), mx_buf_str(&text)) != 0)
            at++;
        if (at < n || !point.used[key])
            continue;
        more = n == AXIS_VALUES;
        if (!more)
            mx_buf_add(&seen[n++], text.data, text.len);
    }
    mx_buf_text(r->out, "<dt><code>");
    mx_html_text(r->out, mx_keys[key].name);
    mx_buf_text(r->out, "</code></dt><dd>");
    for (size_t k = 0; k < n; k++) {
        mx_buf_text(r->out, k > 0 ? ", " : "");
        mx_html_text(r->out, mx_buf_str(&seen[k]));
        mx_buf_free(&seen[k]);
    }
    mx_buf_text(r->out, more ? ", ...</dd>\n" : "</dd>\n");
    mx_buf_free(&text);
}

/* What all attempts took together; nothing of CPUs. */
static void put_use(struct report *r)
{
    struct mx_buf text = {0};

    mx_gpu_use_text(&r->sweep->used, &text);
    if (text.len > 0)
        put_row(r, "took", "%s", mx_buf_str(&text));
    r->out->failed |= text.failed;
    mx_buf_free(&text);
}

void report_plan(struct report *r)
{
    const enum mx_key_id  *keys;
    const size_t           n = mx_grid_axis_keys(r->plan->grid, &keys);
    const struct mx_value *base = r->config->base;
    const bool             independent = base[KEY_SEEDS].choice != 0;

    mx_buf_text(r->out, "<dl>");
    put_row(r, "cells",
            "%" PRIu64 ", of %" PRIu64 " points (%" PRIu64 " folded into others, %" PRIu64
            " excluded)",
            r->plan->cells, r->plan->points, r->plan->folded, r->plan->excluded);
    put_row(r, "trials", "%" PRIu32 ": each cell with %lld repeat%s", r->plan->ntrials,
            (long long)base[KEY_REPEATS].integer, base[KEY_REPEATS].integer == 1 ? "" : "s");
    put_row(r, "seed", "%lld", (long long)base[KEY_SEED].integer);
    put_row(r, "repeats",
            independent ? "%s: the trials of a repeat have nothing in common"
                        : "%s: cells of one repeat share initial weights and batches, and are "
                          "compared in pairs",
            independent ? "independent" : "paired");
    put_use(r);
    if (r->config->smoke)
        put_row(r, "smoke", "yes: made-up images and small sizes; no number here means anything");
    mx_buf_text(r->out, "</dl>\n");
    if (n > 0) {
        mx_buf_text(r->out, "<h3>What was varied</h3><dl>");
        for (size_t k = 0; k < n; k++)
            put_axis(r, keys[k]);
        mx_buf_text(r->out, "</dl>\n");
    }
    mx_buf_text(r->out, "<details><summary>What it was made of</summary><div "
                        "class=\"scroll\"><table><thead><tr><th>stage</th>"
                        "<th class=\"n\">planned</th><th class=\"n\">used by trials</th></tr>"
                        "</thead><tbody>");
    put_stages(r);
    mx_buf_text(r->out, "</tbody></table></div></details>\n");
}

static void put_scalar(struct report *r, const json_t *value)
{
    char text[MX_NUM_SIZE];

    if (json_is_string(value))
        mx_html_text(r->out, json_string_value(value));
    else if (json_is_number(value))
        mx_buf_text(r->out, mx_num_format(json_number_value(value), text));
    else
        mx_buf_text(r->out, json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "none");
}

static bool is_empty(const json_t *value)
{
    return json_is_null(value) || (json_is_string(value) && !*json_string_value(value)) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* Any JSON: objects as lists of names and values, arrays one behind the other. provenance.json
 * is of the program's own making, and not deep. */
static void put_json(struct report *r, json_t *value, unsigned depth)
{
    const char *name;
    json_t     *item;
    size_t      k;

    if (depth > 8)
        return;
    if (json_is_object(value)) {
        mx_buf_text(r->out, "<dl>");
        json_object_foreach(value, name, item)
        {
            if (is_empty(item))
                continue;
            report_element(r, "dt", name);
            mx_buf_text(r->out, "<dd>");
            put_json(r, item, depth + 1);
            mx_buf_text(r->out, "</dd>\n");
        }
        mx_buf_text(r->out, "</dl>");
    } else if (json_is_array(value)) {
        json_array_foreach(value, k, item)
        {
            mx_buf_text(r->out, k > 0 && !json_is_object(item) ? " " : "");
            put_json(r, item, depth + 1);
        }
    } else {
        put_scalar(r, value);
    }
}

/* How the tables of ranks were summed; one rank has nothing to sum. */
static void put_reduction(struct report *r)
{
    json_t       *status = report_json(r, "status.json");
    const json_t *reduction = json_object_get(status, "reduction");
    const char   *path = json_string_value(json_object_get(reduction, "path"));
    const double  seconds = json_number_value(json_object_get(reduction, "seconds"));
    char          shown[MX_SHOWN_SIZE];

    if (path && json_integer_value(json_object_get(reduction, "ranks")) > 1) {
        mx_buf_text(r->out, "<p>The tables of ");
        mx_buf_printf(r->out, "%lld ranks were summed (",
                      (long long)json_integer_value(json_object_get(reduction, "ranks")));
        mx_html_text(r->out, path);
        mx_buf_printf(r->out, ", %lld bytes, %s ms) and %s the journal.</p>\n",
                      (long long)json_integer_value(json_object_get(reduction, "bytes")),
                      mx_html_shown(round(1e5 * seconds) / 100, shown),
                      json_is_true(json_object_get(reduction, "matches")) ? "match"
                                                                          : "differ from");
    }
    json_decref(status);
}

static void put_config(struct report *r)
{
    struct mx_buf text = {0};

    mx_config_write(r->config, &text);
    mx_buf_text(r->out, "<details><summary>config.yaml, every key resolved</summary><pre>");
    mx_html_text(r->out, mx_buf_str(&text));
    mx_buf_text(r->out, "</pre></details>\n");
    r->out->failed |= text.failed;
    mx_buf_free(&text);
}

void report_provenance(struct report *r)
{
    json_t *provenance = report_json(r, "provenance.json");

    if (provenance) {
        mx_buf_text(r->out, "<details><summary>provenance.json: versions, machine, data</summary>");
        put_json(r, provenance, 0);
        mx_buf_text(r->out, "</details>\n");
    } else {
        mx_buf_text(r->out, "<p class=\"warn\">provenance.json is not there, or cannot be read."
                            "</p>\n");
    }
    json_decref(provenance);
    put_reduction(r);
    put_config(r);
    mx_buf_text(r->out, "<p>Beside this file: <a href=\"results.csv\">results.csv</a>, a row a "
                        "trial; <a href=\"cells.csv\">cells.csv</a>, a row a cell; <a "
                        "href=\"config.yaml\">config.yaml</a>; <a href=\"provenance.json\">"
                        "provenance.json</a>.</p>\n");
}
