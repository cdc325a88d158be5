#include "sweep/status_file.h"

#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "sweep/outdir.h"

static void put_node(struct mx_json *json, const struct mx_status_node *node)
{
    mx_json_object(json, NULL);
    mx_json_text(json, "host", node->host);
    mx_json_uint(json, "rank", node->rank);
    mx_json_uint(json, "executors", node->executors);
    mx_json_uint(json, "running", node->running);
    mx_json_uint(json, "done", node->done);
    mx_json_uint(json, "failed", node->failed);
    mx_json_real(json, "rate_per_hour", node->rate_per_hour);
    mx_json_bool(json, "quarantined", node->quarantined);
    mx_json_bool(json, "lost", node->lost);
    mx_json_array(json, "gpus");
    for (size_t k = 0; k < node->ngpus; k++)
        mx_json_text(json, NULL, node->gpus[k]);
    mx_json_end_array(json);
    mx_json_end_object(json);
}

static void put_running(struct mx_json *json, const struct mx_status_running *running)
{
    mx_json_object(json, NULL);
    mx_json_text(json, "trial", running->trial);
    mx_json_text(json, "stage", running->stage);
    mx_json_text(json, "host", running->host);
    mx_json_uint(json, "executor", running->executor);
    mx_json_real(json, "seconds", running->seconds);
    mx_json_real(json, "progress", running->progress);
    mx_json_end_object(json);
}

static void put_failing(struct mx_json *json, const struct mx_status_failing *failing)
{
    mx_json_object(json, NULL);
    mx_json_text(json, "trial", failing->trial);
    mx_json_uint(json, "attempts", failing->attempts);
    mx_json_text(json, "reason", mx_reason_names[failing->reason]);
    mx_json_text(json, "text", failing->text);
    mx_json_end_object(json);
}

static void put_reduction(struct mx_json *json, const struct mx_status_reduction *reduction)
{
    if (!reduction) {
        mx_json_null(json, "reduction");
        return;
    }
    mx_json_object(json, "reduction");
    mx_json_text(json, "path", reduction->path);
    mx_json_uint(json, "ranks", reduction->ranks);
    mx_json_uint(json, "bytes", reduction->bytes);
    mx_json_real(json, "seconds", reduction->seconds);
    mx_json_bool(json, "matches", reduction->matches);
    mx_json_end_object(json);
}

static const enum mx_state state_order[] = {MX_STATE_DONE,        MX_STATE_FAILED,
                                            MX_STATE_QUARANTINED, MX_STATE_STOPPED,
                                            MX_STATE_RUNNING,     MX_STATE_PENDING};

static void put_totals(struct mx_json *json, const struct mx_status *status)
{
    char utc[MX_UTC_SIZE];

    mx_json_text(json, "name", status->name);
    mx_json_text(json, "state", status->state);
    mx_json_uint(json, "incarnation", status->incarnation);
    mx_json_text(json, "updated", mx_clock_format_utc(status->updated_utc_s, utc));
    mx_json_uint(json, "planned", status->counts.planned);
    for (size_t k = 0; k < MX_STATES; k++)
        mx_json_uint(json, mx_state_names[state_order[k]], status->counts.by_state[state_order[k]]);
    mx_json_real(json, "rate_per_hour", status->rate_per_hour);
    mx_json_real(json, "eta_s", status->eta_s);
    mx_json_text(json, "eta_basis", status->eta_basis);
    if (status->exit_code < 0)
        mx_json_null(json, "exit_code");
    else
        mx_json_int(json, "exit_code", status->exit_code);
}

void mx_status_json(const struct mx_status *status, struct mx_buf *out)
{
    struct mx_json json = {.out = out};

    mx_json_object(&json, NULL);
    put_totals(&json, status);
    mx_json_array(&json, "nodes");
    for (size_t k = 0; k < status->nnodes; k++)
        put_node(&json, &status->nodes[k]);
    mx_json_end_array(&json);
    mx_json_array(&json, "slowest");
    for (size_t k = 0; k < status->nslowest; k++)
        put_running(&json, &status->slowest[k]);
    mx_json_end_array(&json);
    mx_json_array(&json, "failing");
    for (size_t k = 0; k < status->nfailing; k++)
        put_failing(&json, &status->failing[k]);
    mx_json_end_array(&json);
    put_reduction(&json, status->reduction);
    mx_json_end_object(&json);
    mx_buf_text(out, "\n");
}

/* A label's value: backslash, quote and line end are escaped. */
static void put_label(struct mx_buf *out, const char *text)
{
    for (; *text; text++)
        if (*text == '\n')
            mx_buf_text(out, "\\n");
        else if (*text == '\\' || *text == '"')
            mx_buf_printf(out, "\\%c", *text);
        else
            mx_buf_add(out, text, 1);
}

static void put_family(struct mx_buf *out, const char *name, const char *help)
{
    mx_buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* One sample: name{sweep="..."} x, with the state of the trials if not NULL. */
static void put_sample(struct mx_buf *out, const char *name, const struct mx_status *status,
                       const char *state, double x)
{
    char number[MX_NUM_SIZE];

    mx_buf_printf(out, "%s{sweep=\"", name);
    put_label(out, status->name);
    if (state)
        mx_buf_printf(out, "\",state=\"%s", state);
    mx_buf_printf(out, "\"} %s\n", mx_num_format(x, number));
}

/* A family with one sample; none at all for what is not known. */
static void put_single(struct mx_buf *out, const char *name, const char *help,
                       const struct mx_status *status, double x)
{
    if (!isfinite(x))
        return;
    put_family(out, name, help);
    put_sample(out, name, status, NULL, x);
}

/* Samples of one node carry host and rank. */
static void put_node_sample(struct mx_buf *out, const char *name, const struct mx_status *status,
                            const struct mx_status_node *node, double x)
{
    char number[MX_NUM_SIZE];

    mx_buf_printf(out, "%s{sweep=\"", name);
    put_label(out, status->name);
    mx_buf_text(out, "\",host=\"");
    put_label(out, node->host);
    mx_buf_printf(out, "\",rank=\"%" PRIu32 "\"} %s\n", node->rank, mx_num_format(x, number));
}

static void put_nodes(struct mx_buf *out, const struct mx_status *status)
{
    if (status->nnodes == 0)
        return;
    put_family(out, "mixsweep_node_executors", "Executors of a node.");
    for (size_t k = 0; k < status->nnodes; k++)
        put_node_sample(out, "mixsweep_node_executors", status, &status->nodes[k],
                        status->nodes[k].executors);
    put_family(out, "mixsweep_node_running", "Stages that a node is running.");
    for (size_t k = 0; k < status->nnodes; k++)
        put_node_sample(out, "mixsweep_node_running", status, &status->nodes[k],
                        (double)status->nodes[k].running);
}

void mx_status_metrics(const struct mx_status *status, struct mx_buf *out)
{
    put_family(out, "mixsweep_trials", "Trials by state; their sum is mixsweep_trials_planned.");
    for (size_t k = 0; k < MX_STATES; k++)
        put_sample(out, "mixsweep_trials", status, mx_state_names[state_order[k]],
                   (double)status->counts.by_state[state_order[k]]);
    put_single(out, "mixsweep_trials_planned", "Trials of the whole sweep.", status,
               (double)status->counts.planned);
    put_single(out, "mixsweep_incarnation", "How often the sweep was started.", status,
               status->incarnation);
    put_single(out, "mixsweep_updated_timestamp_seconds", "When these numbers were written.",
               status, status->updated_utc_s);
    put_single(out, "mixsweep_trials_per_hour", "Trials that end in an hour at present.", status,
               status->rate_per_hour);
    put_single(out, "mixsweep_eta_seconds", "Time to the end of the sweep.", status, status->eta_s);
    put_nodes(out, status);
}

int mx_status_write(const char *directory, const struct mx_status *status, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc;

    mx_status_json(status, &text);
    rc = mx_outdir_write(directory, "status.json", &text, err);
    mx_buf_clear(&text);
    mx_status_metrics(status, &text);
    if (rc == 0)
        rc = mx_outdir_write(directory, "metrics.prom", &text, err);
    mx_buf_free(&text);
    return rc;
}
