#include "sweep/sched_core.h"

void mx_chain_push(struct mx_chain *chain, struct mx_link_pair *links, uint32_t i)
{
    links[i] = (struct mx_link_pair){chain->tail, MX_NOBODY};
    if (chain->tail == MX_NOBODY)
        chain->head = i;
    else
        links[chain->tail].next = i;
    chain->tail = i;
}

void mx_chain_push_front(struct mx_chain *chain, struct mx_link_pair *links, uint32_t i)
{
    links[i] = (struct mx_link_pair){MX_NOBODY, chain->head};
    if (chain->head == MX_NOBODY)
        chain->tail = i;
    else
        links[chain->head].prev = i;
    chain->head = i;
}

void mx_chain_remove(struct mx_chain *chain, struct mx_link_pair *links, uint32_t i)
{
    if (links[i].prev == MX_NOBODY)
        chain->head = links[i].next;
    else
        links[links[i].prev].next = links[i].next;
    if (links[i].next == MX_NOBODY)
        chain->tail = links[i].prev;
    else
        links[links[i].next].prev = links[i].prev;
}

/* Trying again gives the same: counter-based numbers, the same data. */
bool mx_sched_deterministic(enum mx_reason reason)
{
    return reason == MX_REASON_DIVERGED || reason == MX_REASON_DATA_ERROR;
}

static void set_trial(struct mx_sched *sched, uint32_t trial, enum mx_state state)
{
    sched->by_state[sched->trials[trial].state]--;
    sched->trials[trial].state = state;
    sched->by_state[state]++;
}

/* Mark a stage as ended; drain() does what follows. A stage ends once. */
static void close_stage(struct mx_sched *sched, uint32_t i, enum mx_stage_state state,
                        enum mx_reason reason)
{
    if (sched->stages[i].state == MX_STAGE_READY)
        mx_group_remove(sched, i);
    sched->stages[i].state = state;
    sched->stages[i].reason = reason;
    sched->nunsettled--;
    sched->kinds[sched->stages[i].kind].open--;
    mx_sched_gone(sched, i);
    sched->todo[sched->ntodo++] = i;
}

void mx_sched_make_ready(struct mx_sched *sched, uint32_t i, uint32_t group)
{
    sched->stages[i].state = MX_STAGE_READY;
    sched->stages[i].group = group;
    mx_group_add(sched, i, false);
}

void mx_sched_drop_unneeded(struct mx_sched *sched, uint32_t i)
{
    const struct mx_stage_node *stage = &sched->stages[i];

    if (stage->needs == 0 && stage->state <= MX_STAGE_PAUSED)
        close_stage(sched, i, MX_STAGE_FAILED, MX_REASON_NONE);
}

static void need_less(struct mx_sched *sched, uint32_t i)
{
    sched->stages[i].needs--;
    mx_sched_drop_unneeded(sched, i);
}

static void tell_end(struct mx_sched *sched, uint32_t t, enum mx_state state, enum mx_reason reason)
{
    struct mx_trial_node *trial = &sched->trials[t];

    set_trial(sched, t, state);
    trial->reason = reason;
    if (sched->started && !trial->to_tell)
        mx_chain_push(&sched->ended, sched->ended_links, t);
    trial->to_tell = sched->started;
}

static void end_trial(struct mx_sched *sched, uint32_t t, enum mx_state state,
                      enum mx_reason reason)
{
    tell_end(sched, t, state, reason);
    for (size_t e = sched->parts.first[t]; e < sched->parts.first[t + 1]; e++)
        need_less(sched, sched->parts.to[e]);
}

static void break_cell(struct mx_sched *sched, uint32_t cell)
{
    for (size_t e = sched->members.first[cell]; e < sched->members.first[cell + 1]; e++) {
        uint32_t t = sched->members.to[e];

        if (sched->trials[t].state == MX_STATE_PENDING)
            end_trial(sched, t, MX_STATE_QUARANTINED, MX_REASON_CELL_QUARANTINED);
    }
}

/* What a trial is whose stage ended without a result. */
static enum mx_state fate(enum mx_reason reason)
{
    return reason == MX_REASON_EARLY_STOP ? MX_STATE_STOPPED : MX_STATE_FAILED;
}

static void fail_trial(struct mx_sched *sched, uint32_t t, enum mx_reason reason)
{
    uint32_t cell = sched->trials[t].cell;

    end_trial(sched, t, fate(reason), reason);
    if (mx_sched_deterministic(reason) || reason == MX_REASON_EARLY_STOP)
        return;
    sched->cells[cell].nfailed++;
    /* While restoring, trials that are done may still be on their way. */
    if (sched->started && sched->cells[cell].nfailed == MX_BREAKER_TRIALS)
        break_cell(sched, cell);
}

/* A quarantined trial is not run for its own sake. What its stages come to for
 * others counts all the same: a sweep that is restored, which sees the stages
 * alone, must come to the same state. */
static void tell_quarantined(struct mx_sched *sched, uint32_t t, const struct mx_stage_node *stage)
{
    struct mx_trial_node *trial = &sched->trials[t];

    if (stage->state == MX_STAGE_FAILED && stage->reason == MX_REASON_NONE)
        return; /* it was not needed any more, and never will be done */
    trial->nopen--;
    if (stage->state == MX_STAGE_FAILED)
        tell_end(sched, t, fate(stage->reason), stage->reason);
    else if (trial->nopen == 0)
        tell_end(sched, t, MX_STATE_DONE, MX_REASON_NONE);
}

/* One of a trial's stages ended. */
static void tell_trial(struct mx_sched *sched, uint32_t t, const struct mx_stage_node *stage)
{
    struct mx_trial_node *trial = &sched->trials[t];

    if (trial->state == MX_STATE_QUARANTINED)
        tell_quarantined(sched, t, stage);
    if (mx_sched_terminal(trial->state))
        return;
    trial->nopen--;
    if (stage->state == MX_STAGE_FAILED)
        fail_trial(sched, t, stage->reason);
    else if (trial->nopen == 0)
        end_trial(sched, t, MX_STATE_DONE, MX_REASON_NONE);
}

/* One of a stage's inputs ended. */
static void tell_dependent(struct mx_sched *sched, uint32_t i, uint32_t ended)
{
    const struct mx_stage_node *input = &sched->stages[ended];
    struct mx_stage_node       *stage = &sched->stages[i];

    if (stage->state != MX_STAGE_WAITING)
        return;
    stage->nwait--;
    stage->nlost += input->state == MX_STAGE_FAILED;
    if (stage->nlost > 0 &&
        (!stage->partial_ok || stage->nlost == sched->inputs.first[i + 1] - sched->inputs.first[i]))
        close_stage(sched, i, MX_STAGE_FAILED, input->reason);
    else if (stage->nwait == 0)
        mx_sched_make_ready(sched, i, ended);
}

/* Carry the end of stages on until nothing more follows. Not recursive: the
 * graph may be deep, and each stage is in the list once in its life. */
static void drain(struct mx_sched *sched)
{
    while (sched->ntodo > 0) {
        uint32_t                    i = sched->todo[--sched->ntodo];
        const struct mx_stage_node *stage = &sched->stages[i];

        for (size_t e = sched->uses.first[i]; e < sched->uses.first[i + 1]; e++)
            tell_trial(sched, sched->uses.to[e], stage);
        for (size_t e = sched->dependents.first[i]; e < sched->dependents.first[i + 1]; e++)
            tell_dependent(sched, sched->dependents.to[e], i);
        for (size_t e = sched->inputs.first[i]; e < sched->inputs.first[i + 1]; e++)
            need_less(sched, sched->inputs.to[e]);
    }
}

void mx_sched_settle(struct mx_sched *sched, uint32_t i, enum mx_stage_state state,
                     enum mx_reason reason)
{
    close_stage(sched, i, state, reason);
    drain(sched);
}

void mx_sched_begin_stage(struct mx_sched *sched, uint32_t i)
{
    mx_group_remove(sched, i);
    sched->stages[i].state = MX_STAGE_RUNNING;
    for (size_t e = sched->uses.first[i]; e < sched->uses.first[i + 1]; e++) {
        uint32_t t = sched->uses.to[e];

        sched->trials[t].nrunning++;
        if (sched->trials[t].state == MX_STATE_PENDING)
            set_trial(sched, t, MX_STATE_RUNNING);
    }
}

void mx_sched_leave_stage(struct mx_sched *sched, uint32_t i)
{
    for (size_t e = sched->uses.first[i]; e < sched->uses.first[i + 1]; e++)
        sched->trials[sched->uses.to[e]].nrunning--;
}

void mx_sched_rest_users(struct mx_sched *sched, uint32_t i)
{
    for (size_t e = sched->uses.first[i]; e < sched->uses.first[i + 1]; e++) {
        uint32_t              t = sched->uses.to[e];
        struct mx_trial_node *trial = &sched->trials[t];

        if (trial->state != MX_STATE_RUNNING || trial->nrunning > 0)
            continue;
        set_trial(sched, t, MX_STATE_PENDING);
        if (sched->cells[trial->cell].nfailed >= MX_BREAKER_TRIALS)
            end_trial(sched, t, MX_STATE_QUARANTINED, MX_REASON_CELL_QUARANTINED);
    }
    drain(sched);
}

void mx_sched_break_cells(struct mx_sched *sched)
{
    for (uint32_t cell = 0; cell < sched->ncells; cell++)
        if (sched->cells[cell].nfailed >= MX_BREAKER_TRIALS)
            break_cell(sched, cell);
    drain(sched);
}
