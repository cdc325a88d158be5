/* trial_print.c - one trial as text and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/num.h"
#include "sweep/lines.h"
#include "sweep/plan_print.h"
#include "sweep/text_table.h"
#include "sweep/trial_view.h"
#include "sweep/value.h"

static const struct mx_trial *trial_of(const struct mx_trial_view *view)
{
    return &view->kept.plan->trials[view->trial];
}

static const char *kind_of(const struct mx_trial_view *view, uint32_t stage)
{
    return worker_kinds[view->kept.plan->stages[stage].kind].word;
}

static const char *reason_of(const struct mx_trial_view *view)
{
    return mx_reason_names[mx_sched_trial_reason(view->kept.replay.sched, view->trial)];
}

/* What came of an attempt. One without an end was lost with its executor or its
 * sweep, unless a sweep goes on: then it may still run. */
static const char *outcome_of(const struct mx_trial_view    *view,
                              const struct mx_trial_attempt *attempt)
{
    switch (attempt->record.kind) {
    case MX_RECORD_DONE:
        return "done";
    case MX_RECORD_FAILED:
        return "failed";
    case MX_RECORD_RETRY:
        return "asked again";
    case MX_RECORD_REACHED:
        return "judged";
    default:
        return view->alive && strcmp(view->status, "running") == 0 ? "running" : "lost";
    }
}

/* Metrics by name. */
struct named {
    const char *name;
    double      value;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* What the trial has measured, in byte order; NULL if there is no memory. */
static struct named *metrics_of(const struct mx_trial_view *view, size_t *count)
{
    const struct mx_results *results = view->kept.replay.results;
    const size_t             n = mx_results_columns(results);
    struct named            *list = calloc(n + 1, sizeof *list);

    *count = 0;
    for (size_t c = 0; list && c < n; c++)
        if (mx_results_value(results, view->trial, c, &list[*count].value))
            list[(*count)++].name = mx_results_column_name(results, c);
    if (list)
        qsort(list, *count, sizeof *list, by_name);
    return list;
}

static void text_point(const struct mx_trial_view *view, struct mx_buf *out)
{
    struct mx_point point;

    mx_grid_point(view->kept.grid, trial_of(view)->point, &point);
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (mx_key_sweepable(k) && point.used[k] && mx_value_given(k, &point.value[k])) {
            mx_buf_printf(out, "  %-28s ", mx_keys[k].name);
            mx_value_format(k, &point.value[k], out);
            mx_buf_text(out, "\n");
        }
}

/* A stage that left no folder has not run, or what it left was not kept. */
static void text_stages(const struct mx_trial_view *view, struct mx_buf *out)
{
    const struct mx_trial *trial = trial_of(view);

    for (uint32_t k = 0; k < trial->nstages; k++) {
        const uint32_t stage = view->kept.plan->stage_of[trial->first_stage + k];
        const uint32_t uses = view->kept.plan->stages[stage].nuses;
        char          *path = mx_kept_path(&view->kept, stage, "");

        if (!path) {
            out->failed = true;
            return;
        }
        mx_buf_printf(out, "  %-12s %s", kind_of(view, stage),
                      mx_file_exists(path) ? path : "left no folder");
        if (uses > 1)
            mx_buf_printf(out, "  (shared by %u trials)", uses);
        mx_buf_text(out, "\n");
        free(path);
    }
}

/* What somebody asked for was done by no executor. */
static void add_number(struct mx_text_table *table, const struct mx_record *record,
                       const char *format, double x)
{
    char text[64] = "";

    if (record->kind != MX_RECORD_RETRY)
        snprintf(text, sizeof text, format, x);
    mx_text_table_add(table, text);
}

static void text_attempts(const struct mx_trial_view *view, unsigned width, struct mx_buf *out)
{
    static const struct mx_text_column columns[] = {
        {"stage", NULL, false, false, false},   {"attempt", "no.", true, false, false},
        {"outcome", NULL, false, false, false}, {"host", NULL, false, true, true},
        {"rank", NULL, true, false, true},      {"executor", "exec", true, false, true},
        {"started", NULL, false, false, true},  {"seconds", "s", true, false, false},
        {"reason", NULL, false, true, false},
    };
    struct mx_text_table *table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);
    char                  utc[MX_UTC_SIZE], reason[300];

    if (!table) {
        out->failed = true;
        return;
    }
    for (size_t k = 0; k < view->nattempts; k++) {
        const struct mx_record *record = &view->attempts[k].record;

        mx_text_table_add(table, kind_of(view, view->attempts[k].stage));
        add_number(table, record, "%.0f", record->attempt);
        mx_text_table_add(table, outcome_of(view, &view->attempts[k]));
        mx_text_table_add(table, record->host);
        add_number(table, record, "%.0f", record->rank);
        add_number(table, record, "%.0f", record->executor);
        mx_text_table_add(table, mx_clock_format_utc(record->started_utc_s, utc));
        add_number(table, record, "%.2f", record->seconds);
        snprintf(reason, sizeof reason, "%s%s%s", mx_reason_names[record->reason],
                 record->reason && record->text[0] ? ": " : "", record->text);
        mx_text_table_add(table, reason);
    }
    mx_text_table_print(table, width, out);
    mx_text_table_free(table);
}

static void text_metrics(const struct named *list, size_t count, struct mx_buf *out)
{
    char text[MX_NUM_SIZE];

    for (size_t k = 0; k < count; k++)
        mx_buf_printf(out, "  %-40s %s\n", list[k].name,
                      isnan(list[k].value) ? "-" : mx_num_format(list[k].value, text));
}

void mx_trial_view_text(const struct mx_trial_view *view, unsigned width, struct mx_buf *out)
{
    char          name[MX_TRIAL_NAME_SIZE];
    size_t        count;
    struct named *metrics = metrics_of(view, &count);

    mx_buf_printf(out, "trial %s: %s", mx_trial_name(trial_of(view), name), view->status);
    mx_buf_printf(out, *reason_of(view) ? " (%s)\n" : "\n", reason_of(view));
    mx_buf_printf(out, "\nsettings (seed %lld, repeat %u)\n",
                  (long long)view->kept.config->base[KEY_SEED].integer, trial_of(view)->repeat);
    text_point(view, out);
    mx_buf_text(out, "\nstages\n");
    text_stages(view, out);
    mx_buf_text(out, "\nattempts\n");
    if (view->nattempts > 0)
        text_attempts(view, width, out);
    else
        mx_buf_text(out, "  none yet\n");
    if (count > 0)
        mx_buf_text(out, "\nmetrics\n");
    if (metrics)
        text_metrics(metrics, count, out);
    else
        out->failed = true;
    free(metrics);
}

static void json_attempts(const struct mx_trial_view *view, struct mx_json *json)
{
    char utc[MX_UTC_SIZE];

    mx_json_array(json, "attempts");
    for (size_t k = 0; k < view->nattempts; k++) {
        const struct mx_record *record = &view->attempts[k].record;

        mx_json_object(json, NULL);
        mx_json_text(json, "stage", kind_of(view, view->attempts[k].stage));
        mx_json_text(json, "host", record->host);
        if (record->kind != MX_RECORD_RETRY) {
            mx_json_uint(json, "attempt", record->attempt);
            mx_json_uint(json, "rank", record->rank);
            mx_json_uint(json, "executor", record->executor);
            mx_json_text(json, "device", record->device);
        }
        mx_json_text(json, "started", mx_clock_format_utc(record->started_utc_s, utc));
        if (record->ended_utc_s > 0)
            mx_json_text(json, "ended", mx_clock_format_utc(record->ended_utc_s, utc));
        else
            mx_json_null(json, "ended");
        mx_json_real(json, "seconds", record->seconds);
        mx_json_real(json, "gpu_seconds", record->gpu.known ? record->gpu.seconds : NAN);
        mx_json_real(json, "energy_j", mx_gpu_use_energy_j(&record->gpu));
        mx_json_text(json, "outcome", outcome_of(view, &view->attempts[k]));
        mx_json_text(json, "reason", mx_reason_names[record->reason]);
        mx_json_text(json, "text", record->text);
        mx_json_end_object(json);
    }
    mx_json_end_array(json);
}

static void json_stages(const struct mx_trial_view *view, struct mx_json *json)
{
    const struct mx_trial *trial = trial_of(view);
    char                   key[MX_HASH128_HEX];

    mx_json_object(json, "stages");
    for (uint32_t k = 0; k < trial->nstages; k++) {
        const uint32_t stage = view->kept.plan->stage_of[trial->first_stage + k];

        mx_json_text(json, kind_of(view, stage),
                     mx_hash128_hex(view->kept.plan->stages[stage].key, key));
    }
    mx_json_end_object(json);
}

static void json_metrics(const struct mx_trial_view *view, struct mx_json *json)
{
    size_t        count;
    struct named *metrics = metrics_of(view, &count);

    if (!metrics) {
        json->out->failed = true;
        return;
    }
    mx_json_object(json, "metrics");
    for (size_t k = 0; k < count; k++)
        mx_json_real(json, metrics[k].name, metrics[k].value);
    mx_json_end_object(json);
    free(metrics);
}

void mx_trial_view_json(const struct mx_trial_view *view, struct mx_buf *out)
{
    struct mx_json  json = {.out = out};
    char            name[MX_TRIAL_NAME_SIZE], cell[MX_HASH64_HEX];
    struct mx_point point;

    mx_grid_point(view->kept.grid, trial_of(view)->point, &point);
    mx_json_object(&json, NULL);
    mx_json_text(&json, "trial", mx_trial_name(trial_of(view), name));
    mx_json_text(&json, "cell", mx_hash64_hex(trial_of(view)->cell, cell));
    mx_json_uint(&json, "repeat", trial_of(view)->repeat);
    mx_json_text(&json, "status", view->status);
    mx_json_text(&json, "reason", reason_of(view));
    mx_plan_print_point(&json, &point);
    mx_json_int(&json, "seed", view->kept.config->base[KEY_SEED].integer);
    json_attempts(view, &json);
    json_stages(view, &json);
    json_metrics(view, &json);
    mx_json_end_object(&json);
    mx_buf_text(out, "\n");
}
