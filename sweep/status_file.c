#include "sweep/status_file.h"

#include "base/clock.h"
#include "base/json.h"
#include "sweep/outdir.h"

static void put_gpu(struct mx_json *json, const struct mx_status_gpu *gpu)
{
    mx_json_object(json, NULL);
    mx_json_text(json, "uuid", gpu->uuid);
    mx_json_text(json, "model", gpu->model);
    mx_json_uint(json, "executors", gpu->executors);
    mx_json_uint(json, "memory_bytes", gpu->memory_bytes);
    mx_json_real(json, "memory_used_bytes", gpu->memory_used_bytes);
    mx_json_real(json, "load", gpu->load);
    mx_json_real(json, "energy_j", gpu->energy_j);
    mx_json_text(json, "left_out", gpu->fault[0] ? gpu->fault : NULL);
    mx_json_end_object(json);
}

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
    mx_json_real(json, "busy_seconds", node->busy_s);
    mx_json_real(json, "gpu_hours", mx_gpu_use_hours(&node->gpu));
    mx_json_real(json, "energy_j", mx_gpu_use_energy_j(&node->gpu));
    mx_json_bool(json, "quarantined", node->quarantined);
    mx_json_bool(json, "lost", node->lost);
    mx_json_array(json, "gpus");
    for (size_t k = 0; k < node->ngpus; k++)
        put_gpu(json, &node->gpus[k]);
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

const enum mx_state mx_status_order[] = {MX_STATE_DONE,    MX_STATE_FAILED,  MX_STATE_QUARANTINED,
                                         MX_STATE_STOPPED, MX_STATE_RUNNING, MX_STATE_PENDING};

static void put_totals(struct mx_json *json, const struct mx_status *status)
{
    char utc[MX_UTC_SIZE];

    mx_json_text(json, "name", status->name);
    mx_json_text(json, "state", status->state);
    mx_json_uint(json, "incarnation", status->incarnation);
    mx_json_text(json, "updated", mx_clock_format_utc(status->updated_utc_s, utc));
    mx_json_uint(json, "planned", status->counts.planned);
    for (size_t k = 0; k < MX_STATES; k++)
        mx_json_uint(json, mx_state_names[mx_status_order[k]],
                     status->counts.by_state[mx_status_order[k]]);
    mx_json_real(json, "rate_per_hour", status->rate_per_hour);
    mx_json_real(json, "eta_s", status->eta_s);
    mx_json_text(json, "eta_basis", status->eta_basis);
    mx_json_real(json, "gpu_hours", mx_gpu_use_hours(&status->gpu));
    mx_json_real(json, "energy_j", mx_gpu_use_energy_j(&status->gpu));
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
