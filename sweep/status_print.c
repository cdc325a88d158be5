/* status_print.c - the tables of a status. */
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
    SHORT_UUID = 12, /* characters of one that are told at least: "GPU-" and eight more */
    HOST_SIZE = 512,
    BESIDE_TEXT = 32, /* columns that the others take besides the trial and what it says */
};

static const char maker[] = "NVIDIA "; /* that all models begin with */
static const char failing_title[] = "failed attempts, the last ones first";

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

/* A host without its domain, unless another one is named like that, too. Returns out. */
static const char *host_of(const struct mx_status *status, const char *host, char out[HOST_SIZE])
{
    const size_t len = strcspn(host, ".");
    char         name[HOST_SIZE];
    bool         alone = strspn(host, "0123456789") < len; /* else it is a number */

    for (size_t k = 0; k < status->nnodes && alone; k++)
        alone = strcmp(status->nodes[k].host, host) == 0 ||
                strcspn(status->nodes[k].host, ".") != len ||
                strncmp(status->nodes[k].host, host, len) != 0;
    snprintf(name, sizeof name, "%.*s", alone ? (int)len : HOST_SIZE - 1, host);
    return mx_utf8_shown(name, out, HOST_SIZE);
}

static void add_host(struct mx_text_table *table, const struct mx_status *status, const char *host)
{
    char shown[HOST_SIZE];

    mx_text_table_add(table, host_of(status, host, shown));
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
    mx_status_put_cut(out, width, line);
    mx_text_table_print(table, width, out);
    mx_text_table_free(table);
}

/* Nothing runs on one that is lost, nor in a sweep that does not run, whatever was last heard. */
static void add_node(struct mx_text_table *table, const struct mx_status *status,
                     const struct mx_status_node *node)
{
    char rate[TIME_SIZE];

    add_host(table, status, node->host);
    add_uint(table, node->rank);
    add_uint(table, node->executors);
    add_uint(table, node->lost || !mx_status_runs(status) ? 0 : node->running);
    add_uint(table, node->done);
    add_uint(table, node->failed);
    mx_text_table_add(table, mx_status_rate(node->rate_per_hour, rate, sizeof rate));
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
                add_node(table, status, &status->nodes[k]);
                shown++;
            }
    put_table(table, "nodes and their stages", shown, status->nnodes, width, out);
}

/* The characters of UUIDs that tell the GPUs of a sweep apart: CUDA_VISIBLE_DEVICES takes them,
 * too. */
static int uuid_length(const struct mx_status *status)
{
    size_t len = SHORT_UUID;

    for (size_t a = 0; a < status->nnodes; a++)
        for (size_t i = 0; i < status->nodes[a].ngpus; i++)
            for (size_t b = 0; b <= a; b++)
                for (size_t j = 0; j < (b < a ? status->nodes[b].ngpus : i); j++) {
                    const char *x = status->nodes[a].gpus[i].uuid;
                    const char *y = status->nodes[b].gpus[j].uuid;
                    size_t      same = 0;

                    while (x[same] && x[same] == y[same])
                        same++;
                    len = same >= len && x[same] ? same + 1 : len;
                }
    return (int)len;
}

static void add_gpu(struct mx_text_table *table, const struct mx_status *status,
                    const struct mx_status_node *node, const struct mx_status_gpu *gpu, int uuid)
{
    char text[256];

    add_host(table, status, node->host);
    snprintf(text, sizeof text, "%.*s", uuid, gpu->uuid);
    add_shown(table, text);
    add_shown(table, strncmp(gpu->model, maker, sizeof maker - 1) == 0
                         ? gpu->model + sizeof maker - 1
                         : gpu->model);
    add_uint(table, gpu->executors);
    text[0] = '\0';
    if (isfinite(gpu->load))
        snprintf(text, sizeof text, "%.0f%%", 100 * gpu->load);
    mx_text_table_add(table, text);
    text[0] = '\0';
    if (isfinite(gpu->memory_used_bytes))
        snprintf(text, sizeof text, "%.1f/%.1f GiB", gpu->memory_used_bytes / gib,
                 (double)gpu->memory_bytes / gib);
    mx_text_table_add(table, text);
    mx_text_table_add(table, gpu->fault[0] ? "left out" : "");
}

/* Why GPUs are left out. */
static void put_fault(const struct mx_status *status, const struct mx_status_node *node,
                      const struct mx_status_gpu *gpu, int uuid, unsigned width, struct mx_buf *out)
{
    struct mx_buf line = {0};
    char          host[HOST_SIZE], fault[512];

    if (!gpu->fault[0])
        return;
    mx_buf_printf(&line, "%.*s on %s: %s", uuid, gpu->uuid, host_of(status, node->host, host),
                  mx_utf8_shown(gpu->fault, fault, sizeof fault));
    mx_status_put_wrapped(out, width, 0, mx_buf_str(&line));
    out->failed |= line.failed;
    mx_buf_free(&line);
}

/* Those that are left out first: somebody may mend them. */
static void put_gpus(const struct mx_status *status, unsigned width, struct mx_buf *out)
{
    static const struct mx_text_column columns[] = {
        {"node", NULL, false, true, true},  {"GPU", NULL, false, false, false},
        {"model", NULL, false, true, true}, {"executors", "exec", true, false, false},
        {"load", NULL, true, false, true},  {"memory", NULL, true, false, true},
        {"", NULL, false, false, true},
    };
    struct mx_text_table *table;
    struct mx_buf         faults = {0};
    size_t                all = 0, shown = 0;
    const int             uuid = uuid_length(status);

    for (size_t k = 0; k < status->nnodes; k++)
        all += status->nodes[k].ngpus;
    if (all == 0)
        return;
    table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);
    for (int fit = 0; fit <= 1; fit++)
        for (size_t k = 0; table && k < status->nnodes; k++)
            for (size_t g = 0; g < status->nodes[k].ngpus && shown < NODES_SHOWN; g++)
                if ((status->nodes[k].gpus[g].fault[0] == '\0') == (fit == 1)) {
                    add_gpu(table, status, &status->nodes[k], &status->nodes[k].gpus[g], uuid);
                    put_fault(status, &status->nodes[k], &status->nodes[k].gpus[g], uuid, width,
                              &faults);
                    shown++;
                }
    put_table(table, "GPUs", shown, all, width, out);
    mx_buf_text(out, mx_buf_str(&faults));
    out->failed |= faults.failed;
    mx_buf_free(&faults);
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
        running += status->nodes[k].lost ? 0 : status->nodes[k].running;
    table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t k = 0; table && k < status->nslowest; k++) {
        const struct mx_status_running *item = &status->slowest[k];

        add_shown(table, item->trial);
        add_shown(table, item->stage);
        add_host(table, status, item->host);
        add_uint(table, item->executor);
        add_time(table, item->seconds);
        snprintf(share, sizeof share, "%.0f%%", 100 * item->progress);
        mx_text_table_add(table, isfinite(item->progress) ? share : "");
    }
    put_table(table,
              mx_status_runs(status) ? "under way, the slowest first"
                                     : "under way when it was last heard of, the slowest first",
              status->nslowest, (size_t)running, width, out);
}

static struct mx_text_table *table_of_failing(const struct mx_status *status)
{
    static const struct mx_text_column columns[] = {
        {"trial", NULL, false, false, false},
        {"attempts", "att", true, false, false},
        {"reason", NULL, false, false, false},
        {"text", NULL, false, true, false},
    };
    struct mx_text_table *table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);

    for (size_t k = 0; table && k < status->nfailing; k++) {
        add_shown(table, status->failing[k].trial);
        add_uint(table, status->failing[k].attempts);
        mx_text_table_add(table, mx_reason_names[status->failing[k].reason]);
        add_shown(table, status->failing[k].text);
    }
    return table;
}

/* As sentences, where a column would cut what they say. */
static void put_whole_failing(const struct mx_status *status, unsigned width, struct mx_buf *out)
{
    char trial[512], text[512];

    mx_buf_text(out, "\n");
    mx_status_put_cut(out, width, failing_title);
    for (size_t k = 0; k < status->nfailing; k++) {
        const struct mx_status_failing *failing = &status->failing[k];
        struct mx_buf                   line = {0};

        mx_buf_printf(&line, "%s, attempt %u, %s: %s",
                      mx_utf8_shown(failing->trial, trial, sizeof trial), failing->attempts,
                      mx_reason_names[failing->reason],
                      mx_utf8_shown(failing->text, text, sizeof text));
        mx_status_put_wrapped(out, width, 0, mx_buf_str(&line));
        out->failed |= line.failed;
        mx_buf_free(&line);
    }
}

static void put_failing(const struct mx_status *status, unsigned width, bool whole,
                        struct mx_buf *out)
{
    bool narrow = false;

    for (size_t k = 0; k < status->nfailing; k++) {
        char         shown[512];
        const size_t needed =
            mx_text_width(mx_utf8_shown(status->failing[k].text, shown, sizeof shown)) +
            mx_text_width(status->failing[k].trial) + BESIDE_TEXT;

        narrow |= width > 0 && needed > width;
    }
    if (status->nfailing == 0)
        return;
    if (whole && narrow)
        put_whole_failing(status, width, out);
    else
        put_table(table_of_failing(status), failing_title, 0, 0, width, out);
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
    mx_status_put_wrapped(out, width, 0, mx_buf_str(&line));
    mx_buf_free(&line);
}

void mx_status_tables(const struct mx_status_view *view, unsigned width, bool whole,
                      struct mx_buf *out)
{
    put_nodes(&view->status, width, out);
    put_failing(&view->status, width, whole, out);
    put_running(&view->status, width, out);
    put_gpus(&view->status, width, out);
    put_reduction(&view->status, width, out);
}

void mx_status_text(const struct mx_status_view *view, const char *directory, unsigned width,
                    struct mx_buf *out)
{
    for (int head = 0; head < MX_STATUS_HEADS; head++)
        mx_status_head(view, directory, (enum mx_status_head)head, width, true, out);
    mx_status_tables(view, width, true, out);
}
