#include "sweep/status_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "sweep/progress.h"
#include "sweep/text_table.h"

static const double gib = 1024.0 * 1024 * 1024;

enum {
    NODES_SHOWN = 20,
    TIME_SIZE = 32,
};

/* Append a line, cut where the terminal ends. */
static void put_line(struct mx_buf *out, unsigned width, const char *line)
{
    size_t len = 0;
    size_t columns = 0;

    for (; line[len] && (width == 0 || columns < width); columns++)
        for (len++; ((unsigned char)line[len] & 0xC0) == 0x80;)
            len++;
    mx_buf_add(out, line, len);
    mx_buf_text(out, "\n");
}

static bool runs(const struct mx_status *status)
{
    return strcmp(status->state, "running") == 0 || strcmp(status->state, "draining") == 0;
}

static void put_headline(const struct mx_status_view *view, unsigned width, struct mx_buf *out)
{
    const struct mx_status *status = &view->status;
    struct mx_buf           line = {0};
    char                    age[TIME_SIZE], utc[MX_UTC_SIZE];

    mx_buf_printf(&line, "%s: %s", status->name, status->state);
    if (runs(status))
        mx_buf_printf(&line, " on %s (process %ld)", view->owner.process.host,
                      view->owner.process.pid);
    mx_buf_printf(&line, ", incarnation %u, ", status->incarnation);
    if (runs(status))
        mx_buf_printf(&line, "updated %s ago", mx_progress_time(view->age_s, age, sizeof age));
    else
        mx_buf_printf(&line, "last heard of %s ago, %s",
                      mx_progress_time(view->age_s, age, sizeof age),
                      mx_clock_format_utc(status->updated_utc_s, utc));
    put_line(out, width, mx_buf_str(&line));
    mx_buf_free(&line);
}

/* "24 trials: 12 done, 1 failed, 2 running, 9 pending" */
static void put_counts(const struct mx_status *status, unsigned width, struct mx_buf *out)
{
    struct mx_buf line = {0};
    const char   *comma = ": ";

    mx_buf_printf(&line, "%" PRIu64 " trial%s", status->counts.planned,
                  status->counts.planned == 1 ? "" : "s");
    for (size_t k = 0; k < MX_STATES; k++) {
        const enum mx_state state = mx_status_order[k];

        if (status->counts.by_state[state] == 0)
            continue;
        mx_buf_printf(&line, "%s%" PRIu64 " %s", comma, status->counts.by_state[state],
                      mx_state_names[state]);
        comma = ", ";
    }
    put_line(out, width, mx_buf_str(&line));
    mx_buf_free(&line);
}

/* "35/h", "1234/h", or "" for what is not known. */
static const char *rate_text(double rate_per_hour, char *out, size_t room)
{
    out[0] = '\0';
    if (isfinite(rate_per_hour))
        snprintf(out, room, rate_per_hour < 100 ? "%.3g/h" : "%.0f/h", rate_per_hour);
    return out;
}

/* How it goes, or how to go on. */
static void put_pace(const struct mx_status_view *view, const char *directory, unsigned width,
                     struct mx_buf *out)
{
    const struct mx_status *status = &view->status;
    struct mx_buf           line = {0};
    char                    rate[TIME_SIZE], eta[TIME_SIZE];

    if (strcmp(status->state, "lost") == 0)
        mx_buf_printf(&line, "its process (%ld on %s) is gone: mixsweep resume %s goes on",
                      view->owner.process.pid, view->owner.process.host, directory);
    else if (strcmp(status->state, "interrupted") == 0)
        mx_buf_printf(&line, "mixsweep resume %s goes on", directory);
    else if (strcmp(status->state, "finished") == 0)
        mx_buf_printf(&line, "results: %s/results.csv", directory);
    else
        mx_buf_printf(&line, "%s%sETA %s%s%s", rate_text(status->rate_per_hour, rate, sizeof rate),
                      rate[0] ? ", " : "", mx_progress_time(status->eta_s, eta, sizeof eta),
                      status->eta_basis ? ", by " : "", status->eta_basis ? status->eta_basis : "");
    if (status->exit_code >= 0)
        mx_buf_printf(&line, "; exit code %d", status->exit_code);
    put_line(out, width, mx_buf_str(&line));
    mx_buf_free(&line);
}

/* Number and text cells of a table. */
static void add_uint(struct mx_text_table *table, uint64_t x)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, x);
    mx_text_table_add(table, text);
}

static void add_shown(struct mx_text_table *table, const char *text)
{
    char shown[512];

    mx_text_table_add(table, mx_utf8_shown(text, shown, sizeof shown));
}

static void add_time(struct mx_text_table *table, double seconds)
{
    char text[TIME_SIZE];

    mx_text_table_add(table, isfinite(seconds) ? mx_progress_time(seconds, text, sizeof text) : "");
}

/* A title and the table below; the table is released. */
static void put_table(struct mx_text_table *table, const char *title, size_t shown, size_t all,
                      unsigned width, struct mx_buf *out)
{
    char line[96];

    if (!table) {
        out->failed = true;
        return;
    }
    if (shown < all)
        snprintf(line, sizeof line, "%s (%zu of %zu)", title, shown, all);
    else
        snprintf(line, sizeof line, "%s", title);
    mx_buf_text(out, "\n");
    put_line(out, width, line);
    mx_text_table_print(table, width, out);
    mx_text_table_free(table);
}

static void add_node(struct mx_text_table *table, const struct mx_status_node *node)
{
    char rate[TIME_SIZE];

    add_shown(table, node->host);
    add_uint(table, node->rank);
    add_uint(table, node->executors);
    add_uint(table, node->running);
    add_uint(table, node->done);
    add_uint(table, node->failed);
    mx_text_table_add(table, rate_text(node->rate_per_hour, rate, sizeof rate));
    add_time(table, node->busy_s);
    mx_text_table_add(table, node->lost ? "lost" : node->quarantined ? "quarantined" : "");
}

static void put_nodes(const struct mx_status *status, unsigned width, struct mx_buf *out)
{
    static const struct mx_text_column columns[] = {
        {"node", NULL, false, true, false},       {"rank", NULL, true, false, false},
        {"executors", "exec", true, false, true}, {"running", "run", true, false, false},
        {"done", NULL, true, false, false},       {"failed", "fail", true, false, false},
        {"rate", NULL, true, false, true},        {"worked", NULL, true, false, true},
        {"", NULL, false, false, true},
    };
    struct mx_text_table *table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);
    size_t                shown = 0;

    if (status->nnodes == 0) {
        mx_text_table_free(table);
        return;
    }
    for (int lost = 1; lost >= 0; lost--)
        for (size_t k = 0; table && k < status->nnodes && shown < NODES_SHOWN; k++)
            if (status->nodes[k].lost == lost) {
                add_node(table, &status->nodes[k]);
                shown++;
            }
    put_table(table, "nodes", shown, status->nnodes, width, out);
}

static void add_gpu(struct mx_text_table *table, const struct mx_status_node *node,
                    const struct mx_status_gpu *gpu)
{
    char text[256] = "";

    add_shown(table, node->host);
    add_shown(table, gpu->uuid);
    add_shown(table, gpu->model);
    add_uint(table, gpu->executors);
    if (isfinite(gpu->load))
        snprintf(text, sizeof text, "%.0f%%", 100 * gpu->load);
    mx_text_table_add(table, text);
    text[0] = '\0';
    if (isfinite(gpu->memory_used_bytes))
        snprintf(text, sizeof text, "%.1f/%.1f GiB", gpu->memory_used_bytes / gib,
                 (double)gpu->memory_bytes / gib);
    mx_text_table_add(table, text);
    text[0] = '\0';
    if (gpu->fault[0])
        snprintf(text, sizeof text, "left out: %s", gpu->fault);
    add_shown(table, text);
}

/* Those that are left out first: somebody may mend them. */
static void put_gpus(const struct mx_status *status, unsigned width, struct mx_buf *out)
{
    static const struct mx_text_column columns[] = {
        {"node", NULL, false, true, true},  {"GPU", NULL, false, true, false},
        {"model", NULL, false, true, true}, {"executors", "exec", true, false, false},
        {"load", NULL, true, false, true},  {"memory", NULL, true, false, true},
        {"", NULL, false, true, true},
    };
    struct mx_text_table *table;
    size_t                all = 0, shown = 0;

    for (size_t k = 0; k < status->nnodes; k++)
        all += status->nodes[k].ngpus;
    if (all == 0)
        return;
    table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);
    for (int fit = 0; fit <= 1; fit++)
        for (size_t k = 0; table && k < status->nnodes; k++)
            for (size_t g = 0; g < status->nodes[k].ngpus && shown < NODES_SHOWN; g++)
                if ((status->nodes[k].gpus[g].fault[0] == '\0') == (fit == 1)) {
                    add_gpu(table, &status->nodes[k], &status->nodes[k].gpus[g]);
                    shown++;
                }
    put_table(table, "GPUs", shown, all, width, out);
}

static void put_running(const struct mx_status *status, unsigned width, struct mx_buf *out)
{
    static const struct mx_text_column columns[] = {
        {"trial", NULL, false, false, false}, {"stage", NULL, false, false, false},
        {"node", NULL, false, true, true},    {"executor", "exec", true, false, true},
        {"since", NULL, true, false, false},  {"share", NULL, true, false, false},
    };
    struct mx_text_table *table;
    uint64_t              running = 0;
    char                  share[16];

    if (status->nslowest == 0)
        return;
    for (size_t k = 0; k < status->nnodes; k++)
        running += status->nodes[k].running;
    table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t k = 0; table && k < status->nslowest; k++) {
        const struct mx_status_running *item = &status->slowest[k];

        add_shown(table, item->trial);
        add_shown(table, item->stage);
        add_shown(table, item->host);
        add_uint(table, item->executor);
        add_time(table, item->seconds);
        snprintf(share, sizeof share, "%.0f%%", 100 * item->progress);
        mx_text_table_add(table, isfinite(item->progress) ? share : "");
    }
    put_table(table,
              runs(status) ? "under way, the slowest first"
                           : "under way when it was last heard of, the slowest first",
              status->nslowest, (size_t)running, width, out);
}

static void put_failing(const struct mx_status *status, unsigned width, struct mx_buf *out)
{
    static const struct mx_text_column columns[] = {
        {"trial", NULL, false, false, false},
        {"attempts", "att", true, false, false},
        {"reason", NULL, false, false, false},
        {"text", NULL, false, true, false},
    };
    struct mx_text_table *table;

    if (status->nfailing == 0)
        return;
    table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t k = 0; table && k < status->nfailing; k++) {
        add_shown(table, status->failing[k].trial);
        add_uint(table, status->failing[k].attempts);
        mx_text_table_add(table, mx_reason_names[status->failing[k].reason]);
        add_shown(table, status->failing[k].text);
    }
    put_table(table, "failed attempts, the last ones first", 0, 0, width, out);
}

static void put_reduction(const struct mx_status *status, unsigned width, struct mx_buf *out)
{
    const struct mx_status_reduction *reduction = status->reduction;
    struct mx_buf                     line = {0};

    if (!reduction)
        return;
    mx_buf_printf(&line, "reduction: %s over %" PRIu32 " rank%s, %" PRIu64 " bytes in %.3g s, %s",
                  reduction->path, reduction->ranks, reduction->ranks == 1 ? "" : "s",
                  reduction->bytes, reduction->seconds,
                  reduction->matches ? "equals the journal" : "DIFFERS from the journal");
    mx_buf_text(out, "\n");
    put_line(out, width, mx_buf_str(&line));
    mx_buf_free(&line);
}

void mx_status_text(const struct mx_status_view *view, const char *directory, unsigned width,
                    struct mx_buf *out)
{
    put_headline(view, width, out);
    put_counts(&view->status, width, out);
    put_pace(view, directory, width, out);
    put_nodes(&view->status, width, out);
    put_gpus(&view->status, width, out);
    put_running(&view->status, width, out);
    put_failing(&view->status, width, out);
    put_reduction(&view->status, width, out);
}
