/* run_loop.c - one event after another until nothing is left to do. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "sweep/control.h"
#include "sweep/pace.h"
#include "sweep/run_state.h"
#include "sweep/signals.h"

static const double results_every_s = 60, results_share = 0.01, status_every_s = 2,
                    control_every_s = 1, house_every_s = 2e-3;

uint64_t run_ended(const struct mx_sched_counts *counts)
{
    return counts->planned - counts->by_state[MX_STATE_PENDING] -
           counts->by_state[MX_STATE_RUNNING];
}

static bool time_is_up(const struct run *run)
{
    return mx_clock_monotonic_s() >= run->limit.at_s;
}

/* What `mixsweep stop` asks for, about once a second. A file that is none of its
 * is told; a sweep goes on without being asked. */
static struct mx_control look_at_control(struct run *run)
{
    struct mx_control control = {.request = MX_REQUEST_NONE};
    struct mx_err     err;
    const double      now_s = mx_clock_monotonic_s();

    if (now_s < run->control_s + control_every_s)
        return control;
    run->control_s = now_s;
    if (mx_control_take(run->directory, mx_journal_incarnation(run->journal), &control, &err)) {
        mx_console_log(run->console, MX_LOG_WARNING, NULL, "%s", err.text);
        if (err.code == MX_EIO)
            run->control_s = INFINITY; /* it would fail again each second */
    }
    return control;
}

/* Under a launcher that is gone nobody would tell us to end, and nobody would
 * start us again beside ourselves. */
static bool launcher_is_gone(const struct run *run)
{
    return run->options->launched && (long)getppid() != run->launcher;
}

/* What is asked of the sweep right now, by whom, and how they could ask for more. */
struct asked {
    enum mx_request request;
    char            who[96];
    const char     *more;
};

static struct asked look_at_requests(struct run *run)
{
    struct asked            asked = {mx_signals_request(), "", "once more"};
    const struct mx_control control = look_at_control(run);

    snprintf(asked.who, sizeof asked.who, "%s", mx_signals_name());
    if (control.request > asked.request) {
        asked.request = control.request;
        asked.more = "--now, or Ctrl-C twice,";
        snprintf(asked.who, sizeof asked.who, "mixsweep stop on %s", control.host);
    }
    if (asked.request == MX_REQUEST_END)
        return asked;
    if (time_is_up(run))
        asked = (struct asked){MX_REQUEST_END, "time limit", ""};
    else if (launcher_is_gone(run))
        asked = (struct asked){MX_REQUEST_END, "the launcher (mpirun, srun) has ended", ""};
    return asked;
}

/* Requests from outside, each told and passed on once. */
static int heed_requests(struct run *run, struct mx_err *err)
{
    const struct asked asked = look_at_requests(run);

    if (!run->ending && asked.request == MX_REQUEST_END) {
        run->ending = true;
        mx_console_log(run->console, MX_LOG_INFO, NULL,
                       "%s: stopping now; mixsweep resume %s goes on", asked.who, run->directory);
        return run_feed(run, (struct mx_event){.kind = MX_EVENT_END}, err);
    }
    if (!run->draining && !run->ending && asked.request == MX_REQUEST_DRAIN) {
        run->draining = true;
        mx_console_log(run->console, MX_LOG_INFO, NULL,
                       "%s: running trials are finished, no new ones start; %s stops now",
                       asked.who, asked.more);
        return run_feed(run, (struct mx_event){.kind = MX_EVENT_DRAIN}, err);
    }
    if (!run->draining && !run->ending && mx_sched_late(run->sched)) {
        run->draining = true;
        mx_console_log(run->console, MX_LOG_INFO, NULL,
                       "time limit in %.0f s: stages that take longer do not start; mixsweep "
                       "resume %s goes on",
                       run->limit.at_s - mx_clock_monotonic_s(), run->directory);
    }
    return 0;
}

/* Work that this incarnation has done and that is left. */
static void look_at_pace(const struct run *run, double *done_s, double *left_s)
{
    struct mx_sched_kind kinds[MX_SCHED_KINDS];
    struct mx_pace_kind  paces[WORKER_STAGE_KINDS];
    struct mx_lease      lease;

    mx_sched_kinds(run->sched, kinds);
    for (size_t k = 0; k < WORKER_STAGE_KINDS; k++)
        paces[k] = (struct mx_pace_kind){.open = kinds[k].open,
                                         .timed = kinds[k].timed,
                                         .timed_s = kinds[k].timed_s,
                                         .expected_s = run->expected_s[k]};
    for (uint32_t i = 0; run->link && i < run->workers; i++) {
        const double share = mx_link_progress(run->link, i);

        if (share >= 0 && mx_sched_current(run->sched, i, &lease))
            paces[run->plan->stages[lease.stage].kind].running_shares += share;
    }
    mx_pace(paces, WORKER_STAGE_KINDS, done_s, left_s);
}

struct mx_progress run_progress(const struct run *run, struct mx_sched_counts *counts)
{
    struct mx_progress progress = {.elapsed_s = mx_clock_monotonic_s() - run->started_s};

    mx_sched_counts(run->sched, counts);
    progress.ended = run_ended(counts);
    progress.planned = counts->planned;
    progress.ended_here = progress.ended - run->ended_before;
    progress.running = counts->by_state[MX_STATE_RUNNING];
    look_at_pace(run, &progress.done_s, &progress.left_s);
    return progress;
}

int run_write_results(struct run *run, struct mx_err *err)
{
    double start = mx_clock_monotonic_s();

    /* First what the tables show, so that nothing is shown and then run again; and none over those
     * of one that took the directory while this process slept. */
    if (mx_journal_sync(run->journal, err) || mx_owner_still_mine(run->owner, err) ||
        mx_results_write(run->results, run->directory, err))
        return -1;
    run->results_s = mx_clock_monotonic_s();
    run->results_cost_s = run->results_s - start;
    return 0;
}

/* Tables: at most once a minute and in at most 1 % of the time. */
static bool results_due(const struct run *run, double now_s)
{
    return now_s - run->results_s >= fmax(run->results_cost_s / results_share, results_every_s);
}

/* Everything that happens because time passed. */
static int keep_house(struct run *run, struct mx_err *err)
{
    double                 now_s = mx_clock_monotonic_s();
    struct mx_sched_counts counts;
    struct mx_progress     progress = run_progress(run, &counts);

    if (now_s >= mx_sched_deadline(run->sched) &&
        run_feed(run, (struct mx_event){.kind = MX_EVENT_TIME}, err))
        return -1;
    if (now_s >= mx_journal_due_s(run->journal) && mx_journal_sync(run->journal, err))
        return -1;
    mx_console_progress(run->console, &progress,
                        counts.by_state[MX_STATE_FAILED] + counts.by_state[MX_STATE_QUARANTINED],
                        now_s);
    if (now_s - run->owner_s >= MX_OWNER_REFRESH_S) {
        run->owner_s = now_s;
        if (mx_owner_refresh(run->owner, mx_journal_incarnation(run->journal), err))
            return -1;
    }
    if (results_due(run, now_s) && run_write_results(run, err))
        return -1;
    if (now_s - run->status_s >= status_every_s) {
        run->status_s = now_s;
        return run_write_status(run, run->draining ? "draining" : "running", -1, err);
    }
    return 0;
}

/* How long the loop may sleep. */
static double next_due_s(const struct run *run)
{
    double due = run->status_s + status_every_s;

    due = fmin(due, run->control_s + control_every_s);
    due = fmin(due, mx_console_due_s(run->console));
    due = fmin(due, mx_journal_due_s(run->journal));
    due = fmin(due, mx_sched_deadline(run->sched));
    due = fmin(due, run->limit.at_s);
    return fmax(0, due - mx_clock_monotonic_s());
}

/* Events that come one on the heels of the other do not each look at every clock. */
static bool house_is_due(struct run *run)
{
    double now_s = mx_clock_monotonic_s();

    if (now_s - run->house_s < house_every_s)
        return false;
    run->house_s = now_s;
    return true;
}

int run_loop(struct run *run, struct mx_err *err)
{
    while (!mx_sched_finished(run->sched) && !run->ending) {
        struct mx_link_event event;
        int rc = mx_link_poll(run->link, next_due_s(run), mx_signals_fd(), &event, err);

        if (rc < 0 || (rc > 0 && run_link_event(run, &event, err)))
            return -1;
        if ((rc == 0 || house_is_due(run)) && (heed_requests(run, err) || keep_house(run, err)))
            return -1;
    }
    return mx_journal_sync(run->journal, err);
}
