#include "sweep/plan_print.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "sweep/lines.h"
#include "sweep/plan_early.h"
#include "sweep/stages.h"
#include "sweep/value.h"
#include "sweep/walk.h"
#include "worker/stage.h"

const char *mx_print_grouped(uint64_t n, char out[MX_GROUPED_SIZE])
{
    char   digits[MX_GROUPED_SIZE];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* "3 min", "1.5 h", "2.3 days": two digits that mean something. */
static void print_hours(double hours, struct mx_buf *out)
{
    double minutes = hours * 60;

    if (minutes < 1)
        mx_buf_printf(out, "%.0f s", fmax(1, minutes * 60));
    else if (minutes < 100)
        mx_buf_printf(out, minutes < 10 ? "%.1f min" : "%.0f min", minutes);
    else if (hours < 72)
        mx_buf_printf(out, hours < 10 ? "%.1f h" : "%.0f h", hours);
    else
        mx_buf_printf(out, hours < 240 ? "%.1f days" : "%.0f days", hours / 24);
}

static void print_bytes(uint64_t bytes, struct mx_buf *out)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double                   x = (double)bytes;
    size_t                   unit = 0;

    for (; x >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        x /= 1000;
    mx_buf_printf(out, unit > 0 && x < 9.95 ? "%.1f %s" : "%.0f %s", x, units[unit]);
}

/* "LABEL     NUMBER   NOTE" */
static void print_row(const char *label, uint64_t n, const char *note, struct mx_buf *out)
{
    char grouped[MX_GROUPED_SIZE];

    mx_buf_printf(out, "%-10s %14s", label, mx_print_grouped(n, grouped));
    mx_buf_printf(out, *note ? "   %s\n" : "\n", note);
}

/* What search.budget leaves out. */
static void print_search(const struct mx_config *config, const struct mx_counts *counts,
                         struct mx_buf *out)
{
    char note[96];

    if (config->base[KEY_SEARCH_BUDGET].integer == 0)
        return;
    snprintf(note, sizeof note, "search.strategy %s, search.budget %" PRId64,
             mx_search_words[config->base[KEY_SEARCH_STRATEGY].choice].word,
             config->base[KEY_SEARCH_BUDGET].integer);
    print_row("  not chosen", counts->not_chosen, note, out);
}

static void print_counts(const struct mx_config *config, const struct mx_counts *counts,
                         struct mx_buf *out)
{
    int64_t repeats = config->base[KEY_REPEATS].integer;
    char    note[64];

    print_row("points", counts->points, "", out);
    if (!counts->counted)
        return;
    print_row("  folded", counts->folded,
              counts->folded ? "differ from an earlier one only in keys they do not use" : "", out);
    print_row("  excluded", counts->excluded, "", out);
    print_search(config, counts, out);
    print_row("cells", counts->cells, counts->cells ? "" : "the exclude rules leave nothing to run",
              out);
    snprintf(note, sizeof note, repeats == 1 ? "one for each cell" : "%" PRId64 " for each cell",
             repeats);
    print_row("trials", counts->trials, note, out);
}

static void print_stages(const struct mx_estimate *estimate, struct mx_buf *out)
{
    char planned[MX_GROUPED_SIZE], uses[MX_GROUPED_SIZE];

    mx_buf_text(out, "\nstages            planned   used by trials\n");
    for (size_t k = 0; k < mx_stage_nkinds; k++) {
        const struct mx_kind_counts *kind = &estimate->kinds[mx_stage_kinds[k].kind];

        if (kind->uses > 0)
            mx_buf_printf(out, "  %-11s %11s   %14s%s\n", worker_kinds[mx_stage_kinds[k].kind].word,
                          mx_print_grouped(kind->planned, planned),
                          mx_print_grouped(kind->uses, uses),
                          kind->estimated ? "   planned is an estimate (within 2 %)" : "");
    }
    if (estimate->holdout)
        mx_buf_text(out, "  head.afr.split holdout needs networks of its own, trained without a "
                         "fifth of the images\n");
}

/* What a site charges for. */
static void print_gpu_hours(const struct mx_estimate *estimate, struct mx_buf *out)
{
    if (estimate->gpus == 0)
        return;
    mx_buf_printf(out, "           %.3g GPU hours, from %.3g to %.3g\n",
                  estimate->on_gpu[1].all_s / 3600, estimate->on_gpu[0].all_s / 3600,
                  estimate->on_gpu[2].all_s / 3600);
}

static void print_cost(const struct mx_estimate *estimate, struct mx_buf *out)
{
    char files[MX_GROUPED_SIZE];

    mx_buf_text(out, "\ntime       ");
    if (estimate->timed) {
        print_hours(estimate->hours_mid, out);
        mx_buf_text(out, ", from ");
        print_hours(estimate->hours_low, out);
        mx_buf_text(out, " to ");
        print_hours(estimate->hours_high, out);
        mx_buf_printf(out, "\n           %s\n", estimate->basis);
        print_gpu_hours(estimate, out);
    } else {
        mx_buf_printf(out, "%s\n", estimate->basis);
    }
    if (!estimate->counts.counted)
        return;
    mx_buf_text(out, "disk       ");
    if (estimate->timed) {
        print_bytes(estimate->disk_bytes, out);
        mx_buf_printf(out, " in %s files\n", mx_print_grouped(estimate->files, files));
        mx_buf_text(out, "memory     ");
        print_bytes(estimate->memory_bytes, out);
        mx_buf_text(out, " an executor");
        if (estimate->shared_bytes > 0) {
            mx_buf_text(out, ", of which ");
            print_bytes(estimate->shared_bytes, out);
            mx_buf_text(out, " decoded images that all of a node share");
        }
        mx_buf_text(out, "\n");
    } else {
        mx_buf_text(out, "unknown\n");
    }
}

/* Its cost is the square of the models: said before it is paid. */
static void print_cross(const struct mx_estimate *estimate, struct mx_buf *out)
{
    char models[MX_GROUPED_SIZE];

    if (estimate->cross.models == 0)
        return;
    mx_buf_printf(out, "compared   %s models with each other",
                  mx_print_grouped(estimate->cross.models, models));
    if (estimate->cross.models > MX_CROSS_MODELS) {
        mx_buf_printf(out, ", more than the %d that run takes: set score.inter_model.models\n",
                      MX_CROSS_MODELS);
        return;
    }
    if (estimate->timed) {
        mx_buf_text(out, ": ");
        print_hours(estimate->cross.hours_mid, out);
        mx_buf_text(out, " of the time");
    }
    mx_buf_text(out, "; it grows as their square (score.inter_model.models, images)\n");
}

/* Write what has gathered to the file, if there is one: all of it, or only
 * once it is much. */
static int drain(struct mx_sink *sink, size_t keep, struct mx_err *err)
{
    struct mx_buf *buf = &sink->buf;

    if (!mx_buf_ok(buf))
        return mx_fail(err, MX_ENOMEM, "no memory to print the plan");
    if (!sink->file || buf->len <= keep)
        return 0;
    if (fwrite(buf->data, 1, buf->len, sink->file) != buf->len || fflush(sink->file))
        return mx_fail_errno(err, MX_EIO, errno, "cannot write the plan");
    mx_buf_clear(buf);
    return 0;
}

/* Goes through the cells for a list of them. */
struct listing {
    const struct mx_grid *grid;
    struct mx_sink       *sink;
    struct mx_json       *json; /* NULL: text */
    struct mx_walk       *walk;
    struct mx_lines      *lines;
    struct mx_buf         scratch;
};

static bool next_cell(struct listing *list)
{
    while (mx_walk_next(list->walk))
        if (mx_walk_fate(list->walk) == MX_POINT_CELL)
            return true;
    return false;
}

static void print_cell(const struct listing *list, const struct mx_point *point, const char *id)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(list->grid, &keys);
    struct mx_buf        *out = &list->sink->buf;

    mx_buf_text(out, id);
    for (size_t i = 0; i < n; i++)
        if (point->used[keys[i]]) {
            mx_buf_printf(out, "  %s=", mx_keys[keys[i]].name);
            mx_value_format(keys[i], &point->value[keys[i]], out);
        }
    mx_buf_text(out, "\n");
}

/* Every key that the cell uses and that has a value: what its id is made of,
 * and data.path where one is given. */
void mx_plan_print_point(struct mx_json *json, const struct mx_point *point)
{
    mx_json_object(json, "point");
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (mx_key_sweepable(k) && point->used[k] && mx_value_given(k, &point->value[k]))
            mx_value_json(json, mx_keys[k].name, k, &point->value[k]);
    mx_json_end_object(json);
}

static void json_cell(const struct listing *list, const struct mx_point *point, const char *id)
{
    mx_json_object(list->json, NULL);
    mx_json_text(list->json, "cell", id);
    mx_plan_print_point(list->json, point);
    mx_json_end_object(list->json);
}

/* The first `limit` cells, as text or JSON. */
static int print_cells(const struct mx_grid *grid, uint64_t limit, struct mx_json *json,
                       struct mx_sink *sink, struct mx_err *err)
{
    enum {
        MUCH = 1 << 16
    };
    struct listing list = {grid, sink, json, mx_walk_new(grid, err), mx_lines_new(err), {0}};
    char           id[MX_HASH64_HEX];
    int            rc = list.walk && list.lines ? 0 : -1;

    for (; rc == 0 && limit > 0 && next_cell(&list); limit--) {
        const struct mx_point *point = mx_walk_point(list.walk);

        mx_hash64_hex(mx_lines_cell(list.lines, point, &list.scratch), id);
        (json ? json_cell : print_cell)(&list, point, id);
        rc = drain(sink, MUCH, err);
    }
    mx_buf_free(&list.scratch);
    mx_lines_free(list.lines);
    mx_walk_free(list.walk);
    return rc;
}

int mx_plan_print_text(const struct mx_config *config, const struct mx_grid *grid,
                       const struct mx_estimate *estimate, uint64_t limit, struct mx_sink *sink,
                       struct mx_err *err)
{
    mx_buf_printf(&sink->buf, "plan of %s (%s)\n\n", config->name, config->file);
    print_counts(config, &estimate->counts, &sink->buf);
    if (estimate->counts.cells > 0)
        print_stages(estimate, &sink->buf);
    if (estimate->counts.cells > 0 || !estimate->counts.counted)
        print_cost(estimate, &sink->buf);
    mx_plan_early_print(config, &sink->buf);
    print_cross(estimate, &sink->buf);
    if (limit > 0) {
        mx_buf_text(&sink->buf, "\n");
        if (print_cells(grid, limit, NULL, sink, err))
            return -1;
    }
    return drain(sink, 0, err);
}

static void json_count(struct mx_json *json, const char *name, bool known, uint64_t n)
{
    if (known)
        mx_json_uint(json, name, n);
    else
        mx_json_null(json, name);
}

static void json_stages(struct mx_json *json, const struct mx_estimate *estimate)
{
    mx_json_object(json, "stages");
    for (size_t k = 0; k < mx_stage_nkinds; k++) {
        const struct mx_kind_counts *kind = &estimate->kinds[mx_stage_kinds[k].kind];

        if (kind->uses == 0)
            continue;
        mx_json_object(json, worker_kinds[mx_stage_kinds[k].kind].word);
        mx_json_uint(json, "planned", kind->planned);
        mx_json_uint(json, "uses", kind->uses);
        if (kind->estimated)
            mx_json_bool(json, "estimated", true);
        mx_json_end_object(json);
    }
    mx_json_end_object(json);
}

static void json_hours(struct mx_json *json, const struct mx_estimate *estimate)
{
    mx_json_object(json, "hours");
    mx_json_real(json, "low", estimate->timed ? estimate->hours_low : NAN);
    mx_json_real(json, "mid", estimate->timed ? estimate->hours_mid : NAN);
    mx_json_real(json, "high", estimate->timed ? estimate->hours_high : NAN);
    mx_json_text(json, "basis", estimate->basis);
    mx_json_end_object(json);
}

/* Where they are asked for. */
static void json_gpu_hours(struct mx_json *json, const struct mx_estimate *estimate)
{
    static const char *const names[MX_ESTIMATE_SPEEDS] = {"low", "mid", "high"};

    if (estimate->gpus == 0)
        return;
    mx_json_object(json, "gpu_hours");
    for (size_t k = 0; k < MX_ESTIMATE_SPEEDS; k++)
        mx_json_real(json, names[k], estimate->timed ? estimate->on_gpu[k].all_s / 3600 : NAN);
    mx_json_end_object(json);
}

int mx_plan_print_json(const struct mx_config *config, const struct mx_grid *grid,
                       const struct mx_estimate *estimate, uint64_t limit, struct mx_sink *sink,
                       struct mx_err *err)
{
    const struct mx_counts *counts = &estimate->counts;
    struct mx_json          json = {.out = &sink->buf};

    mx_json_object(&json, NULL);
    mx_json_text(&json, "name", config->name);
    mx_json_uint(&json, "points", counts->points);
    json_count(&json, "cells", counts->counted, counts->cells);
    json_count(&json, "excluded", counts->counted, counts->excluded);
    json_count(&json, "folded", counts->counted, counts->folded);
    if (mx_grid_searched(grid))
        json_count(&json, "not_chosen", counts->counted, counts->not_chosen);
    json_count(&json, "trials", counts->counted, counts->trials);
    json_stages(&json, estimate);
    json_hours(&json, estimate);
    json_gpu_hours(&json, estimate);
    json_count(&json, "disk_bytes", estimate->timed, estimate->disk_bytes);
    json_count(&json, "files", estimate->timed, estimate->files);
    json_count(&json, "memory_bytes_per_executor", estimate->timed, estimate->memory_bytes);
    json_count(&json, "memory_bytes_shared", estimate->timed, estimate->shared_bytes);
    if (limit > 0) {
        mx_json_array(&json, "cells_listed");
        if (print_cells(grid, limit, &json, sink, err))
            return -1;
        mx_json_end_array(&json);
    }
    mx_json_end_object(&json);
    mx_buf_text(&sink->buf, "\n");
    return drain(sink, 0, err);
}
