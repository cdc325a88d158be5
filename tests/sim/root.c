/* root.c - what rank 0 is besides its loop: sweep/run.c without configuration,
 * data and tables. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/plan_sched.h"
#include "sweep/run_state.h"
#include "world.h"

/* All other keys are zero: nothing of what runs here asks for another value. */
static const struct mx_config no_config = {
    .base[KEY_SEARCH_METRIC] = {.text = "val.accuracy"},
};

static int start_executors(struct run *run, struct mx_err *err)
{
    struct mx_buf          why = {0};
    struct mx_link_options options = {
        .program = "/bin/mixsweep",
        .directory = run->directory,
        .comm = run->options->comm,
        .share = {.asked = sim->workers_a_node, .jobs = run->plan->nstages},
        .stall_timeout_s = sim->stall_s,
        .rank_timeout_s = sim->rank_timeout_s};

    run->link = mx_link_open(&options, &why, err);
    mx_buf_free(&why);
    if (!run->link)
        return -1;
    run->workers = mx_link_workers(run->link);
    run->ranks = mx_link_ranks(run->link);
    run->nodes = sim_calloc(run->ranks, sizeof *run->nodes);
    run->makers = sim_calloc(run->plan->nstages, sizeof *run->makers);
    memset(run->makers, 0xFF, run->plan->nstages * sizeof *run->makers);
    for (unsigned r = 0; r < run->ranks; r++) {
        struct mx_link_rank rank = mx_link_rank(run->link, r);

        run->nodes[r].first = rank.first;
        run->nodes[r].workers = rank.workers;
        snprintf(run->nodes[r].host, sizeof run->nodes[r].host, "%s", rank.host);
    }
    run_number_hosts(run);
    return 0;
}

static int begin(struct run *run, struct sim_process *process, struct mx_err *err)
{
    int rc;

    process->restoring = true;
    rc = run_restore(run, err);
    process->restoring = false;
    if (rc)
        return -1;
    sim_oracle_begun(process);
    return mx_sched_finished(run->sched) ? 0 : start_executors(run, err);
}

static void end_executors(struct run *run)
{
    struct mx_event end = {.kind = MX_EVENT_END};

    mx_link_close(run->link, 1);
    run->link = NULL;
    mx_sched_event(run->sched, &end, &run->actions, NULL);
}

static int run_sweep(struct run *run, struct sim_process *process, struct mx_err *err)
{
    struct mx_sched_counts counts;

    if (begin(run, process, err) || run_loop(run, err))
        return -1;
    process->changed = true;
    sim_oracle_event(process);
    if (run->link && !run->ending && run_reduce(run, err))
        return -1;
    end_executors(run);
    mx_sched_counts(run->sched, &counts);
    if (run_ended(&counts) < counts.planned)
        return mx_fail(err, MX_EINTERRUPTED, "interrupted");
    if (run_write_results(run, err))
        return -1;
    if (sim_is_real())
        sim_oracle_finished(process);
    return 0;
}

/* As close_all() of sweep/run.c. */
static void close_all(struct run *run)
{
    mx_link_close(run->link, 0.25);
    mx_journal_close(run->journal);
    mx_sched_free(run->sched);
    mx_actions_free(&run->actions);
    mx_owner_release(run->owner);
    mx_replay_end(&run->replay);
    worker_job_free(&run->job);
    free(run->nodes);
    free(run->makers);
    free(run->readers);
}

void sim_root_main(struct sim_process *process)
{
    struct mx_comm       *comm = process->job->nranks > 1 ? (struct mx_comm *)process : NULL;
    char                  directory[] = SIM_DIRECTORY;
    struct mx_run_options options = {.directory = directory, .comm = comm};
    struct run            run = {.options = &options,
                                 .config = (struct mx_config *)(uintptr_t)&no_config,
                                 .plan = &sim->work.plan,
                                 .directory = directory,
                                 .results = (struct mx_results *)process,
                                 .started_s = sim->now_s,
                                 .limit = {.at_s = INFINITY},
                                 .job_stage = UINT32_MAX};
    struct mx_err         err = {0};
    int                   rc = -1;

    process->done = sim_calloc(run.plan->nstages, sizeof(bool));
    process->ended = sim_calloc(run.plan->ntrials, sizeof process->ended[0]);
    process->unacked = sim_calloc(run.plan->nstages, sizeof(uint32_t));
    run.owner = mx_owner_take(directory, &mx_owner_machine, NULL, NULL, &err);
    if (run.owner)
        run.sched = mx_plan_sched(run.plan, &sim->work.options, &err);
    process->run = &run;
    if (run.sched)
        rc = run_sweep(&run, process, &err);
    if (rc && run.sched)
        end_executors(&run);
    close_all(&run);
    process->run = NULL;
    mx_ranks_dismiss(comm);
    process->code = rc ? (int)err.code : 0;
    snprintf(process->why, sizeof process->why, "%s", err.text);
    sim_tell("ends with %d %s", process->code, process->why);
}
