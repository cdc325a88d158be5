/* run_status.c - how the sweep is doing, for status.json and metrics.prom. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sweep/run_state.h"
#include "sweep/status_file.h"

enum {
    SHOWN = 10 /* slowest stages */
};

void run_note_failure(struct run *run, uint32_t trial, enum mx_reason reason, unsigned attempts,
                      const char *text)
{
    struct run_failure *failure = &run->failures[run->nfailures++ % RUN_FAILURES_KEPT];

    *failure = (struct run_failure){.trial = trial, .reason = reason, .attempts = attempts};
    snprintf(failure->text, sizeof failure->text, "%s", text);
}

void run_forget_failures(struct run *run, uint32_t trial)
{
    const size_t count = run->nfailures < RUN_FAILURES_KEPT ? run->nfailures : RUN_FAILURES_KEPT;
    struct run_failure kept[RUN_FAILURES_KEPT];
    size_t             n = 0;

    for (size_t i = run->nfailures - count; i < run->nfailures; i++)
        if (run->failures[i % RUN_FAILURES_KEPT].trial != trial)
            kept[n++] = run->failures[i % RUN_FAILURES_KEPT];
    memcpy(run->failures, kept, n * sizeof kept[0]);
    run->nfailures = n;
}

/* The last failures, the newest first. */
static size_t list_failures(const struct run *run, struct mx_status_failing *out,
                            char names[][MX_TRIAL_NAME_SIZE])
{
    size_t kept = run->nfailures < RUN_FAILURES_KEPT ? run->nfailures : RUN_FAILURES_KEPT;

    for (size_t i = 0; i < kept; i++) {
        const struct run_failure *failure =
            &run->failures[(run->nfailures - 1 - i) % RUN_FAILURES_KEPT];

        out[i] = (struct mx_status_failing){
            .trial = mx_trial_name(&run->plan->trials[failure->trial], names[i]),
            .text = failure->text,
            .attempts = failure->attempts,
            .reason = failure->reason,
        };
    }
    return kept;
}

static int slower_first(const void *a, const void *b)
{
    const struct mx_status_running *x = a, *y = b;

    return x->seconds > y->seconds ? -1 : x->seconds < y->seconds;
}

/* The rank of an executor. */
static unsigned rank_of(const struct run *run, uint32_t executor)
{
    unsigned rank = 0;

    while (executor >= run->nodes[rank].first + run->nodes[rank].workers)
        rank++;
    return rank;
}

/* Stages under way, the slowest first; and how many on each node. */
static size_t list_running(const struct run *run, struct mx_status_running          *out,
                           char (*names)[MX_TRIAL_NAME_SIZE], struct mx_status_node *nodes)
{
    double now_s = mx_clock_monotonic_s();
    size_t n = 0;

    for (uint32_t i = 0; run->link && i < run->workers; i++) {
        const struct mx_stage *stage;
        struct mx_lease        lease;
        unsigned               rank;

        if (!mx_sched_current(run->sched, i, &lease))
            continue;
        rank = rank_of(run, i);
        nodes[rank].running++;
        stage = &run->plan->stages[lease.stage];
        out[n] = (struct mx_status_running){
            .trial = mx_trial_name(&run->plan->trials[stage->first_trial], names[n]),
            .stage = worker_kinds[stage->kind].word,
            .host = nodes[rank].host,
            .executor = i,
            .seconds = now_s - lease.started_s,
            .progress = mx_link_progress(run->link, i),
        };
        n++;
    }
    qsort(out, n, sizeof *out, slower_first);
    return n;
}

/* Every rank; rates in proportion to what each has done of those that are there. */
static void list_nodes(const struct run *run, double rate_per_hour, struct mx_status_node *nodes)
{
    uint64_t done = 0;

    for (unsigned r = 0; r < run->ranks; r++)
        done += run->nodes[r].lost ? 0 : run->nodes[r].done;
    for (unsigned r = 0; r < run->ranks; r++) {
        const struct run_node *node = &run->nodes[r];

        nodes[r] = (struct mx_status_node){
            .host = node->host,
            .rank = r,
            .executors = run_executors(node),
            .done = node->done,
            .failed = node->failed,
            .busy_s = node->busy_s,
            .gpu = node->gpu,
            .rate_per_hour =
                done > 0 && !node->lost ? rate_per_hour * (double)node->done / (double)done : NAN,
            .lost = node->lost,
            .quarantined = mx_sched_host_quarantined(run->sched, node->host_number),
        };
    }
}

/* The GPUs of all ranks, as nodes lend them; *out is to be freed. */
static int list_gpus(struct run *run, struct mx_status_node *nodes, struct mx_status_gpu **out,
                     struct mx_err *err)
{
    run_look_at_gpus(run);
    if (!(*out = calloc(run->ngpus + 1, sizeof **out)))
        return mx_fail(err, MX_ENOMEM, "no memory for a list of GPUs");
    for (size_t k = 0; k < run->ngpus; k++) {
        const struct run_gpu  *from = &run->gpu_list[k];
        struct mx_status_node *node = &nodes[from->rank];

        if (node->ngpus++ == 0)
            node->gpus = *out + k;
        (*out)[k] = (struct mx_status_gpu){
            .uuid = from->gpu.uuid,
            .model = from->gpu.model,
            .fault = from->gpu.fault,
            .executors = node->lost ? 0 : from->executors,
            .memory_bytes = from->gpu.memory_bytes,
            /* What a rank told before it was lost says nothing of now. */
            .memory_used_bytes = node->lost ? NAN : from->gpu.memory_now,
            .load = node->lost ? NAN : from->gpu.load,
            .energy_j = node->lost ? NAN : from->gpu.energy_j,
        };
    }
    return 0;
}

/* Room for what a status lists. */
struct lists {
    struct mx_status_running *running; /* (workers), as the names */
    char (*names)[MX_TRIAL_NAME_SIZE];
    struct mx_status_node *nodes; /* (ranks) */
};

/* status is a copy: what it points to ends with this function. */
static int write_with(struct run *run, struct mx_status status, const struct lists *lists,
                      struct mx_err *err)
{
    char                     failure_names[RUN_FAILURES_KEPT][MX_TRIAL_NAME_SIZE];
    struct mx_status_failing failing[RUN_FAILURES_KEPT];
    struct mx_status_gpu    *gpus;
    size_t                   running;
    int                      rc;

    list_nodes(run, status.rate_per_hour, lists->nodes);
    if (list_gpus(run, lists->nodes, &gpus, err))
        return -1;
    running = list_running(run, lists->running, lists->names, lists->nodes);
    status.nodes = lists->nodes;
    status.nnodes = run->ranks;
    status.slowest = lists->running;
    status.nslowest = running < SHOWN ? running : SHOWN;
    status.failing = failing;
    status.nfailing = list_failures(run, failing, failure_names);
    status.reduction = run->reduction.ranks > 0 ? &run->reduction : NULL;
    rc = mx_status_write(run->directory, &status, err);
    free(gpus);
    return rc;
}

int run_write_status(struct run *run, const char *state, int exit_code, struct mx_err *err)
{
    struct mx_sched_counts counts;
    struct mx_progress     progress = run_progress(run, &counts);
    struct lists           lists = {
                  .running = calloc(run->workers + 1, sizeof *lists.running),
                  .names = calloc(run->workers + 1, sizeof *lists.names),
                  .nodes = calloc(run->ranks + 1, sizeof *lists.nodes),
    };
    struct mx_status status = {
        .name = run->config->name,
        .state = state,
        .incarnation = mx_journal_incarnation(run->journal),
        .updated_utc_s = mx_clock_utc_s(),
        .counts = counts,
        .rate_per_hour = mx_progress_rate(&progress),
        .eta_s = mx_progress_eta_s(&progress),
        .gpu = run->replay.used,
        .eta_basis = mx_progress_basis,
        .exit_code = exit_code,
    };
    int rc = lists.running && lists.names && lists.nodes
                 ? write_with(run, status, &lists, err)
                 : mx_fail(err, MX_ENOMEM, "no memory for status.json");

    free(lists.running);
    free(lists.names);
    free(lists.nodes);
    return rc;
}
