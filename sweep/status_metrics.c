/* status_metrics.c - a status in Prometheus' text format: each family with its help and type
 * once, before its samples; base units; counters end in _total, and those of nodes begin anew with
 * each incarnation, which Prometheus takes for a reset. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/num.h"
#include "sweep/status_file.h"

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

static void put_family(struct mx_buf *out, const char *name, const char *help, bool counter)
{
    mx_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                  counter ? "counter" : "gauge");
}

/* One sample: name{sweep="..."} x, with the state if not NULL. */
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
    static const char total[] = "_total";
    const size_t      len = strlen(name), end = sizeof total - 1;

    if (!isfinite(x))
        return;
    put_family(out, name, help, len > end && strcmp(name + len - end, total) == 0);
    put_sample(out, name, status, NULL, x);
}

/* What is told of each node. */
static double executors_of(const struct mx_status_node *node)
{
    return node->executors;
}

static double running_of(const struct mx_status_node *node)
{
    return (double)node->running;
}

static double lost_of(const struct mx_status_node *node)
{
    return node->lost;
}

static double done_of(const struct mx_status_node *node)
{
    return (double)node->done;
}

static double failed_of(const struct mx_status_node *node)
{
    return (double)node->failed;
}

static double busy_of(const struct mx_status_node *node)
{
    return isfinite(node->busy_s) ? node->busy_s : 0;
}

static double gpu_seconds_of(const struct mx_status_node *node)
{
    return node->gpu.known ? node->gpu.seconds : NAN;
}

static double energy_of(const struct mx_status_node *node)
{
    return mx_gpu_use_energy_j(&node->gpu);
}

/* NaN: it is not told of that node. */
static const struct {
    const char *name, *help;
    bool        counter;
    double (*value)(const struct mx_status_node *node);
} of_nodes[] = {
    {"mixsweep_node_executors", "Executors of a node.", false, executors_of},
    {"mixsweep_node_running", "Stages that a node is running.", false, running_of},
    {"mixsweep_node_lost", "1 if a node was lost in this incarnation.", false, lost_of},
    {"mixsweep_node_stages_done_total", "Stages that a node has done in this incarnation.", true,
     done_of},
    {"mixsweep_node_stage_failures_total", "Attempts that failed on a node in this incarnation.",
     true, failed_of},
    {"mixsweep_node_busy_seconds_total", "Time that executors of a node spent on ended stages.",
     true, busy_of},
    {"mixsweep_node_gpu_seconds_total", "Time of GPUs that stages took on a node.", true,
     gpu_seconds_of},
    {"mixsweep_node_energy_joules_total", "Energy of GPUs that stages took on a node.", true,
     energy_of},
};

static void put_node(struct mx_buf *out, const struct mx_status *status,
                     const struct mx_status_node *node, const char *name, double x)
{
    char number[MX_NUM_SIZE];

    mx_buf_printf(out, "%s{sweep=\"", name);
    put_label(out, status->name);
    mx_buf_text(out, "\",host=\"");
    put_label(out, node->host);
    mx_buf_printf(out, "\",rank=\"%" PRIu32 "\"} %s\n", node->rank, mx_num_format(x, number));
}

/* A family is there if any node tells its figure. */
static void put_nodes(struct mx_buf *out, const struct mx_status *status)
{
    for (size_t f = 0; f < sizeof of_nodes / sizeof of_nodes[0]; f++) {
        bool begun = false;

        for (size_t k = 0; k < status->nnodes; k++) {
            const double x = of_nodes[f].value(&status->nodes[k]);

            if (!isfinite(x))
                continue;
            if (!begun)
                put_family(out, of_nodes[f].name, of_nodes[f].help, of_nodes[f].counter);
            begun = true;
            put_node(out, status, &status->nodes[k], of_nodes[f].name, x);
        }
    }
}

/* What is told of each GPU; NaN: it is not known. */
static double gpu_load(const struct mx_status_gpu *gpu)
{
    return gpu->load;
}

static double gpu_used(const struct mx_status_gpu *gpu)
{
    return gpu->memory_used_bytes;
}

static double gpu_memory(const struct mx_status_gpu *gpu)
{
    return (double)gpu->memory_bytes;
}

static double gpu_executors(const struct mx_status_gpu *gpu)
{
    return gpu->executors;
}

static double gpu_energy(const struct mx_status_gpu *gpu)
{
    return gpu->energy_j;
}

static double gpu_left_out(const struct mx_status_gpu *gpu)
{
    return gpu->fault[0] != '\0';
}

static const struct {
    const char *name, *help;
    double (*value)(const struct mx_status_gpu *gpu);
    bool counter;
} of_gpus[] = {
    {"mixsweep_gpu_executors", "Executors that compute on a GPU.", gpu_executors, false},
    {"mixsweep_gpu_left_out", "1 if a GPU is not used because of what is wrong with it.",
     gpu_left_out, false},
    {"mixsweep_gpu_memory_bytes", "Memory of a GPU.", gpu_memory, false},
    {"mixsweep_gpu_memory_used_bytes", "Memory of a GPU in use, by whomever.", gpu_used, false},
    {"mixsweep_gpu_utilization_ratio", "Share of the time that a GPU computed.", gpu_load, false},
    {"mixsweep_gpu_energy_joules_total", "What a GPU has drawn since its driver was loaded.",
     gpu_energy, true},
};

static void put_gpu(struct mx_buf *out, const struct mx_status *status,
                    const struct mx_status_node *node, const struct mx_status_gpu *gpu,
                    const char *name, double x)
{
    char number[MX_NUM_SIZE];

    mx_buf_printf(out, "%s{sweep=\"", name);
    put_label(out, status->name);
    mx_buf_text(out, "\",host=\"");
    put_label(out, node->host);
    mx_buf_printf(out, "\",rank=\"%" PRIu32 "\",gpu=\"", node->rank);
    put_label(out, gpu->uuid);
    mx_buf_text(out, "\",model=\"");
    put_label(out, gpu->model);
    mx_buf_printf(out, "\"} %s\n", mx_num_format(x, number));
}

/* A family is there if any GPU tells its figure. */
static void put_gpus(struct mx_buf *out, const struct mx_status *status)
{
    for (size_t f = 0; f < sizeof of_gpus / sizeof of_gpus[0]; f++) {
        bool begun = false;

        for (size_t k = 0; k < status->nnodes; k++)
            for (size_t g = 0; g < status->nodes[k].ngpus; g++) {
                const struct mx_status_gpu *gpu = &status->nodes[k].gpus[g];
                const double                x = of_gpus[f].value(gpu);

                if (!isfinite(x))
                    continue;
                if (!begun)
                    put_family(out, of_gpus[f].name, of_gpus[f].help, of_gpus[f].counter);
                begun = true;
                put_gpu(out, status, &status->nodes[k], gpu, of_gpus[f].name, x);
            }
    }
}

void mx_status_metrics(const struct mx_status *status, struct mx_buf *out)
{
    static const char *const states[] = {"running", "draining", "finished", "interrupted"};

    put_family(out, "mixsweep_state", "1 for what the sweep says it is doing.", false);
    for (size_t k = 0; k < sizeof states / sizeof states[0]; k++)
        put_sample(out, "mixsweep_state", status, states[k],
                   strcmp(status->state, states[k]) == 0 ? 1 : 0);
    put_family(out, "mixsweep_trials", "Trials by state; their sum is mixsweep_trials_planned.",
               false);
    for (size_t k = 0; k < MX_STATES; k++)
        put_sample(out, "mixsweep_trials", status, mx_state_names[mx_status_order[k]],
                   (double)status->counts.by_state[mx_status_order[k]]);
    put_single(out, "mixsweep_trials_planned", "Trials of the whole sweep.", status,
               (double)status->counts.planned);
    put_single(out, "mixsweep_incarnation", "How often the sweep was started.", status,
               status->incarnation);
    put_single(out, "mixsweep_updated_timestamp_seconds", "When these numbers were written.",
               status, status->updated_utc_s);
    put_single(out, "mixsweep_trials_per_second", "Trials that end in a second at present.", status,
               status->rate_per_hour / 3600);
    put_single(out, "mixsweep_eta_seconds", "Time to the end of the sweep.", status, status->eta_s);
    put_single(out, "mixsweep_exit_code", "The exit code of a sweep that has ended.", status,
               status->exit_code < 0 ? NAN : (double)status->exit_code);
    put_single(out, "mixsweep_gpu_seconds_total", "Time of GPUs that the sweep has taken.", status,
               status->gpu.known ? status->gpu.seconds : NAN);
    put_single(out, "mixsweep_energy_joules_total", "Energy of GPUs that the sweep has taken.",
               status, mx_gpu_use_energy_j(&status->gpu));
    put_nodes(out, status);
    put_gpus(out, status);
}
