#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/sched_core.h"

#define CHECK MX_SCHED_CHECK

static bool open_trial(const struct mx_sched *sched, uint32_t t)
{
    return !mx_sched_terminal(sched->trials[t].state);
}

static bool open_stage(const struct mx_sched *sched, uint32_t i)
{
    return sched->stages[i].state < MX_STAGE_DONE;
}

static int check_counts(const struct mx_sched *sched, struct mx_err *err)
{
    uint64_t by_state[MX_STATES], sum = 0;

    memcpy(by_state, sched->gone_by_state, sizeof by_state);
    for (uint32_t t = 0; t < sched->ntrials; t++)
        by_state[sched->trials[t].state]++;
    for (size_t k = 0; k < MX_STATES; k++) {
        CHECK(by_state[k] == sched->by_state[k], "%" PRIu64 " trials are %s, counted %" PRIu64,
              by_state[k], mx_state_names[k], sched->by_state[k]);
        sum += sched->by_state[k];
    }
    CHECK(sum == sched->nplanned, "the states sum to %" PRIu64 " of %" PRIu32 " planned", sum,
          sched->nplanned);
    return 0;
}

static int check_trial(const struct mx_sched *sched, uint32_t t, struct mx_err *err)
{
    const struct mx_trial_node *trial = &sched->trials[t];
    uint32_t                    nopen = 0, nrunning = 0, nfailed = 0, ndropped = 0;

    for (size_t e = sched->parts.first[t]; e < sched->parts.first[t + 1]; e++) {
        const struct mx_stage_node *stage = &sched->stages[sched->parts.to[e]];

        nopen += stage->state < MX_STAGE_DONE;
        nrunning += stage->state == MX_STAGE_RUNNING;
        nfailed += stage->state == MX_STAGE_FAILED && stage->reason != MX_REASON_NONE;
        ndropped += stage->state == MX_STAGE_FAILED && stage->reason == MX_REASON_NONE;
    }
    CHECK(nrunning == trial->nrunning,
          "trial %" PRIu32 " has %" PRIu32 " stages running, counted %" PRIu32, t, nrunning,
          trial->nrunning);
    CHECK((trial->state == MX_STATE_DONE) == (nopen == 0 && nfailed == 0 && ndropped == 0),
          "trial %" PRIu32 " is %s with %" PRIu32 " stages open and %" PRIu32 " failed", t,
          mx_state_names[trial->state], nopen, nfailed + ndropped);
    /* What failed for no reason was not needed: the trial had ended before. */
    CHECK((trial->state == MX_STATE_FAILED || trial->state == MX_STATE_STOPPED) == (nfailed > 0),
          "trial %" PRIu32 " is %s with %" PRIu32 " stages failed", t, mx_state_names[trial->state],
          nfailed);
    CHECK(ndropped == 0 || !open_trial(sched, t),
          "trial %" PRIu32 " is %s with %" PRIu32 " stages dropped", t,
          mx_state_names[trial->state], ndropped);
    if (!open_trial(sched, t)) {
        CHECK((trial->state == MX_STATE_DONE) == (trial->reason == MX_REASON_NONE),
              "trial %" PRIu32 " is %s for the reason '%s'", t, mx_state_names[trial->state],
              mx_reason_names[trial->reason]);
        return 0;
    }
    CHECK(nopen == trial->nopen, "trial %" PRIu32 " has %" PRIu32 " stages open, counted %" PRIu32,
          t, nopen, trial->nopen);
    CHECK((trial->state == MX_STATE_RUNNING) == (nrunning > 0),
          "trial %" PRIu32 " is %s with %" PRIu32 " stages running", t,
          mx_state_names[trial->state], nrunning);
    CHECK(!sched->started || trial->state == MX_STATE_RUNNING ||
              sched->cells[trial->cell].nfailed < MX_BREAKER_TRIALS,
          "trial %" PRIu32 " is pending in a broken cell", t);
    return 0;
}

static int check_inputs(const struct mx_sched *sched, uint32_t i, struct mx_err *err)
{
    const struct mx_stage_node *stage = &sched->stages[i];
    uint32_t                    nwait = 0, nlost = 0;

    if (stage->state >= MX_STAGE_DONE)
        return 0;
    for (size_t e = sched->inputs.first[i]; e < sched->inputs.first[i + 1]; e++) {
        nwait += open_stage(sched, sched->inputs.to[e]);
        nlost += sched->stages[sched->inputs.to[e]].state == MX_STAGE_FAILED;
    }
    CHECK(nwait == stage->nwait && nlost == stage->nlost,
          "stage %" PRIu32 " waits for %" PRIu32 " inputs and lost %" PRIu32 ", counted %" PRIu32
          " and %" PRIu32,
          i, nwait, nlost, stage->nwait, stage->nlost);
    CHECK((stage->state == MX_STAGE_WAITING) == (nwait > 0),
          "stage %" PRIu32 " is in state %d with %" PRIu32 " inputs open", i, (int)stage->state,
          nwait);
    CHECK(nlost == 0 || stage->partial_ok, "stage %" PRIu32 " goes on although an input failed", i);
    return 0;
}

static int check_needs(const struct mx_sched *sched, uint32_t i, struct mx_err *err)
{
    const struct mx_stage_node *stage = &sched->stages[i];
    uint32_t                    needs = 0;

    for (size_t e = sched->uses.first[i]; e < sched->uses.first[i + 1]; e++)
        needs += open_trial(sched, sched->uses.to[e]);
    for (size_t e = sched->dependents.first[i]; e < sched->dependents.first[i + 1]; e++)
        needs += open_stage(sched, sched->dependents.to[e]);
    CHECK(needs == stage->needs, "stage %" PRIu32 " is needed by %" PRIu32 ", counted %" PRIu32, i,
          needs, stage->needs);
    CHECK(needs > 0 || stage->state >= MX_STAGE_RUNNING,
          "stage %" PRIu32 " waits and nobody needs it", i);
    return 0;
}

static int check_lease(const struct mx_sched *sched, uint32_t i, struct mx_err *err)
{
    const struct mx_stage_node *stage = &sched->stages[i];

    CHECK((stage->state == MX_STAGE_RUNNING) == (stage->lease != 0),
          "stage %" PRIu32 " in state %d has lease %" PRIu64, i, (int)stage->state, stage->lease);
    if (stage->lease == 0)
        return 0;
    CHECK(stage->executor < sched->nexecutors && sched->executors[stage->executor].up,
          "lease %" PRIu64 " of stage %" PRIu32 " has no owner", stage->lease, i);
    CHECK(stage->lease <= sched->last_lease, "lease %" PRIu64 " was never given", stage->lease);
    return 0;
}

static int check_totals(const struct mx_sched *sched, struct mx_err *err)
{
    uint32_t nready = 0, nheld = 0, nunsettled = 0;
    uint64_t open[MX_SCHED_KINDS] = {0};

    for (uint32_t i = 0; i < sched->nstages; i++) {
        nready += sched->stages[i].state == MX_STAGE_READY;
        nheld += sched->stages[i].state == MX_STAGE_RUNNING;
        nunsettled += open_stage(sched, i);
        open[sched->stages[i].kind] += open_stage(sched, i);
    }
    CHECK(nready == sched->nready, "%" PRIu32 " stages are ready, counted %" PRIu32, nready,
          sched->nready);
    CHECK(nheld == sched->nleases, "%" PRIu32 " stages run under %" PRIu32 " leases", nheld,
          sched->nleases);
    CHECK(nunsettled == sched->nunsettled, "%" PRIu32 " stages are open, counted %" PRIu32,
          nunsettled, sched->nunsettled);
    for (size_t k = 0; k < MX_SCHED_KINDS; k++)
        CHECK(open[k] == sched->kinds[k].open, "%" PRIu64 " of kind %zu are open, counted %" PRIu64,
              open[k], k, sched->kinds[k].open);
    return 0;
}

static int check_early(const struct mx_sched *sched, struct mx_err *err)
{
    for (uint32_t i = 0; i < sched->nstages; i++) {
        const struct mx_stage_node *stage = &sched->stages[i];
        const uint32_t              name = mx_names_outside(&sched->stage_names, i);

        CHECK(!sched->started || (sched->early && mx_early_waits(sched->early, name)) ==
                                     (stage->state == MX_STAGE_PAUSED),
              "stage %" PRIu32 " in state %d waits for a decision or does not", i,
              (int)stage->state);
        CHECK(!sched->started || !sched->early || !mx_early_is_stopped(sched->early, name) ||
                  stage->state >= MX_STAGE_DONE,
              "stage %" PRIu32 " is stopped and goes on", i);
    }
    return sched->early && sched->started ? mx_early_check(sched->early, err) : 0;
}

int mx_sched_check(const struct mx_sched *sched, struct mx_err *err)
{
    CHECK(sched->ntodo == 0, "%zu stages ended without what follows", sched->ntodo);
    for (uint32_t t = 0; t < sched->ntrials; t++)
        if (check_trial(sched, t, err))
            return -1;
    for (uint32_t i = 0; i < sched->nstages; i++)
        if (check_inputs(sched, i, err) || check_needs(sched, i, err) || check_lease(sched, i, err))
            return -1;
    return check_early(sched, err) || check_counts(sched, err) || check_totals(sched, err) ||
                   mx_sched_check_queues(sched, err)
               ? -1
               : 0;
}
