/* oracle.c - what must hold: told by the world what really happened, it looks at
 * what rank 0 makes of it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/link_ranks.h"
#include "sweep/run_state.h"
#include "world.h"

enum {
    CHECKED_WHOLE = 400, /* stages that are all looked at after every event */
};

/* An attempt that an executor brought to its end. */
struct attempt {
    uint64_t lease;
    double   seconds;
};

struct stage_facts {
    struct attempt *attempts;
    size_t          nattempts;
    bool            acked; /* a journal said that its result is durable */
    /* As the journal has it at the end. */
    unsigned        ndone, nfailed;
    bool            final;
    enum mx_reason  reason;
};

struct sim_oracle {
    struct stage_facts *stages;
    enum mx_state      *states; /* by trial: at the end of the sweep */
    enum mx_reason     *reasons;
    bool                finished;
    uint64_t            nevents;
};

struct sim_oracle *sim_oracle_new(void)
{
    struct sim_oracle *oracle = sim_calloc(1, sizeof *oracle);

    oracle->stages = sim_calloc(sim->work.plan.nstages, sizeof oracle->stages[0]);
    oracle->states = sim_calloc(sim->work.plan.ntrials, sizeof oracle->states[0]);
    oracle->reasons = sim_calloc(sim->work.plan.ntrials, sizeof oracle->reasons[0]);
    return oracle;
}

void sim_oracle_free(struct sim_oracle *oracle)
{
    for (uint32_t s = 0; s < sim->work.plan.nstages; s++)
        free(oracle->stages[s].attempts);
    free(oracle->stages);
    free(oracle->states);
    free(oracle->reasons);
    free(oracle);
}

static void check_counts(const struct mx_sched *sched)
{
    struct mx_sched_counts counts;
    uint64_t               sum = 0;

    mx_sched_counts(sched, &counts);
    for (size_t k = 0; k < MX_STATES; k++)
        sum += counts.by_state[k];
    if (sum != counts.planned || counts.planned != sim->work.plan.ntrials)
        sim_fail("%" PRIu64 " trials are planned and %" PRIu64 " are in some state", counts.planned,
                 sum);
}

/* Nothing waits to be written: what is in the table is durable, if the journal
 * was this process's to write. */
static void take_acknowledgements(struct sim_process *root)
{
    if (mx_journal_due_s(root->run->journal) < INFINITY || root->dead)
        return;
    if (sim_disk_owned_by(root))
        sim_judged_written(root);
    if (root->nunacked > 0 && sim_disk_owned_by(root))
        for (uint32_t k = 0; k < root->nunacked; k++)
            sim->oracle->stages[root->unacked[k]].acked = true;
    root->nunacked = 0;
}

void sim_oracle_event(struct sim_process *root)
{
    struct mx_err err = {0};
    uint64_t      every = 1 + sim->work.plan.nstages / CHECKED_WHOLE;

    if (!root->run || !root->run->journal || !root->changed)
        return;
    root->changed = false;
    check_counts(root->run->sched);
    if (++sim->oracle->nevents % every == 0 && mx_sched_check(root->run->sched, &err))
        sim_fail("%s", err.text);
    take_acknowledgements(root);
}

/* After a restart: nothing that was acknowledged is missing, and what had ended
 * is as it was. */
void sim_oracle_begun(struct sim_process *root)
{
    struct mx_err err = {0};

    if (root->dead)
        return;
    for (uint32_t s = 0; s < sim->work.plan.nstages; s++)
        if (sim->oracle->stages[s].acked && !root->done[s])
            sim_fail("the acknowledged result of stage %u is lost", s);
    sim_judged_begun(root);
    if (mx_sched_check(root->run->sched, &err))
        sim_fail("restored: %s", err.text);
    for (uint32_t t = 0; sim->oracle->finished && t < sim->work.plan.ntrials; t++)
        if (mx_sched_trial_state(root->run->sched, t) != sim->oracle->states[t] ||
            mx_sched_trial_reason(root->run->sched, t) != sim->oracle->reasons[t])
            sim_fail("trial %u was %s and is restored as %s", t,
                     mx_state_names[sim->oracle->states[t]],
                     mx_state_names[mx_sched_trial_state(root->run->sched, t)]);
}

void sim_oracle_started(struct sim_process *root, uint32_t stage)
{
    if (root->dead)
        return;
    if (root->done[stage])
        sim_fail("stage %u is done and is started again", stage);
    if (mx_sched_stage_stopped(root->run->sched, stage))
        sim_fail("stage %u is stopped and is started again", stage);
    if (sim->oracle->stages[stage].acked && sim_disk_owned_by(root))
        sim_fail("stage %u is acknowledged and is started again", stage);
    sim_tell("starts stage %u", stage);
}

/* Who else has the stage, in the eyes of its rank 0? */
void sim_oracle_order(struct sim_process *process, uint32_t executor, uint64_t lease,
                      uint32_t stage)
{
    const struct sim_job     *job = process->job;
    const struct sim_process *root = job->ranks[0];

    if (!sim_alive(root) || !root->run || !root->run->link ||
        root->run->link->ranks[process->rank].state >= LINK_RANK_LEFT)
        return;
    for (unsigned r = 0; r < job->nranks; r++) {
        const struct sim_process *other = job->ranks[r];

        if (!other || !sim_alive(other) || !other->supervisor ||
            root->run->link->ranks[r].state >= LINK_RANK_LEFT)
            continue;
        for (uint32_t i = 0; i < sim_executors(other->supervisor); i++)
            if (sim_executor_has(other->supervisor, i, lease, stage))
                sim_fail("stage %u goes to executor %u while another one has it", stage, executor);
    }
}

void sim_oracle_answered(uint64_t lease, uint32_t stage, double seconds)
{
    struct stage_facts *facts = &sim->oracle->stages[stage];

    facts->attempts = realloc(facts->attempts, (facts->nattempts + 1) * sizeof facts->attempts[0]);
    if (!facts->attempts)
        abort();
    facts->attempts[facts->nattempts++] = (struct attempt){lease, seconds};
}

static uint64_t lease_of(uint32_t stage, double seconds)
{
    const struct stage_facts *facts = &sim->oracle->stages[stage];

    for (size_t k = 0; k < facts->nattempts; k++)
        if (facts->attempts[k].seconds == seconds)
            return facts->attempts[k].lease;
    return 0;
}

static void check_numbers(uint32_t stage, const double *metrics)
{
    if (sim->work.diverges[stage])
        sim_fail("stage %u diverges and has a result", stage);
    for (unsigned k = 0; k < SIM_METRICS; k++) {
        double wanted = sim_metric(stage, k);

        if (memcmp(&metrics[k], &wanted, sizeof wanted) != 0)
            sim_fail("stage %u has %s %.17g and gave %.17g", stage, sim_metric_names[k], metrics[k],
                     wanted);
    }
}

void sim_oracle_accepted(struct sim_process *root, uint32_t stage, const double *metrics,
                         double seconds)
{
    struct mx_lease held;
    uint64_t        lease;

    if (root->dead || !metrics)
        return;
    check_numbers(stage, metrics);
    if (root->done[stage])
        sim_fail("stage %u is done twice%s", stage, root->restoring ? " in the journal" : "");
    root->done[stage] = true;
    if (root->restoring)
        return;
    lease = lease_of(stage, seconds);
    if (lease == 0)
        sim_fail("stage %u has a result that nobody gave", stage);
    if (!mx_sched_lease(root->run->sched, stage, lease, &held))
        sim_fail("stage %u has a result under lease %" PRIx64 ", which is not held", stage, lease);
    root->unacked[root->nunacked++] = stage;
    sim_tell("accepts stage %u", stage);
}

void sim_oracle_trial(struct sim_process *root, uint32_t trial, enum mx_state state,
                      enum mx_reason reason)
{
    bool over = state != MX_STATE_PENDING && state != MX_STATE_RUNNING;

    if ((over && (state == MX_STATE_DONE) != (reason == MX_REASON_NONE)) ||
        (!over && !root->restoring))
        sim_fail("trial %u ends as %s for the reason '%s'", trial, mx_state_names[state],
                 mx_reason_names[reason]);
    if (over && root->ended[trial] != MX_STATE_PENDING && !root->dead &&
        (root->ended[trial] != MX_STATE_QUARANTINED || state == MX_STATE_QUARANTINED))
        sim_fail("trial %u ends twice", trial);
    root->ended[trial] = over ? state : MX_STATE_PENDING;
}

/* Nothing comes between a look at owner.json and a write here, so that no record at all may
 * be written by one that has been replaced: by one that slept, above all. */
void sim_oracle_records(const struct sim_process *root)
{
    if (!sim_disk_owned_by(root))
        sim_fail("a process that lost the directory writes to its journal");
}

void sim_oracle_written(struct sim_process *root)
{
    if (!sim_disk_owned_by(root))
        sim_fail("a process that lost the directory writes tables");
    if (mx_journal_due_s(root->run->journal) < INFINITY)
        sim_fail("tables are written from results that are not in the journal yet");
}

void sim_oracle_finished(struct sim_process *root)
{
    struct sim_oracle *oracle = sim->oracle;

    if (!sim_disk_owned_by(root))
        sim_fail("a process that lost the directory says that the sweep is finished");
    for (uint32_t t = 0; t < sim->work.plan.ntrials; t++) {
        if (root->ended[t] == MX_STATE_PENDING)
            sim_fail("the sweep is finished and trial %u has not ended", t);
        oracle->states[t] = mx_sched_trial_state(root->run->sched, t);
        oracle->reasons[t] = mx_sched_trial_reason(root->run->sched, t);
    }
    oracle->finished = sim->finished = true;
}

static bool is_own_fault(enum mx_reason reason)
{
    return reason == MX_REASON_DIVERGED || reason == MX_REASON_DATA_ERROR;
}

static int accept_record(void *user, const struct mx_record *record, struct mx_err *err)
{
    const struct mx_plan_index *index = user;
    struct stage_facts         *facts;
    uint32_t                    stage;
    double                      metrics[SIM_METRICS];

    (void)err;
    if (record->kind != MX_RECORD_DONE && record->kind != MX_RECORD_FAILED &&
        record->kind != MX_RECORD_REACHED && record->kind != MX_RECORD_DECIDED)
        return 0;
    if (!mx_plan_index_find(index, record->key, &stage))
        sim_fail("the journal speaks of a stage that there is none");
    facts = &sim->oracle->stages[stage];
    sim_judged_record(stage, record);
    if (record->kind == MX_RECORD_REACHED || record->kind == MX_RECORD_DECIDED)
        return 0;
    if (record->attempt != facts->nfailed + 1)
        sim_fail("attempt %u of stage %u comes after %u that failed", record->attempt, stage,
                 facts->nfailed);
    if (record->kind == MX_RECORD_FAILED) {
        facts->nfailed++;
        facts->final |= record->final;
        facts->reason = record->reason;
        if (!record->final &&
            (is_own_fault(record->reason) || facts->nfailed > sim->work.options.retries))
            sim_fail("attempt %u of stage %u, %s, is not the last", record->attempt, stage,
                     mx_reason_names[record->reason]);
        return 0;
    }
    if (++facts->ndone > 1)
        sim_fail("stage %u is done twice in the journal", stage);
    for (unsigned k = 0; k < SIM_METRICS; k++)
        metrics[k] = record->metrics[k].value;
    check_numbers(stage, metrics);
    return 0;
}

static struct mx_hash128 key_of(const void *user, uint32_t stage)
{
    (void)user;
    return sim->work.plan.stages[stage].key;
}

static void read_journal(void)
{
    struct mx_plan_index     index = {.key_of = key_of};
    struct mx_journal_report report;
    struct mx_err            err = {0};

    for (uint32_t s = 0; s < sim->work.plan.nstages; s++)
        mx_plan_index_add(&index, s, &err);
    if (mx_journal_read(SIM_DIRECTORY, accept_record, &index, &report, &err))
        sim_fail("%s", err.text);
    if (report.lost_records > 0)
        sim_fail("%" PRIu64 " records are gone that an incarnation had accepted",
                 report.lost_records);
    mx_plan_index_free(&index);
}

/* Why a trial is what it is, from the journal alone. */
static void check_trial(uint32_t t)
{
    const struct mx_plan  *plan = &sim->work.plan;
    const struct mx_trial *trial = &plan->trials[t];
    enum mx_state          state = sim->oracle->states[t];
    uint32_t               ndone = 0, nfailed = 0, alike = 0;

    for (uint32_t k = 0; k < trial->nstages; k++) {
        const struct stage_facts *facts =
            &sim->oracle->stages[plan->stage_of[trial->first_stage + k]];

        ndone += facts->ndone;
        nfailed += facts->final && facts->ndone == 0;
        alike += facts->final && facts->reason == sim->oracle->reasons[t];
    }
    if (state == MX_STATE_QUARANTINED) {
        uint32_t broken = 0;

        for (uint32_t other = 0; other < plan->ntrials; other++)
            broken += plan->trials[other].cell == trial->cell &&
                      sim->oracle->states[other] == MX_STATE_FAILED &&
                      !is_own_fault(sim->oracle->reasons[other]);
        if (broken < 2)
            sim_fail("trial %u is quarantined and %u of its cell have failed", t, broken);
    } else if ((state == MX_STATE_DONE) != (ndone == trial->nstages)) {
        sim_fail("trial %u is %s and %u of its %u stages are done", t, mx_state_names[state], ndone,
                 trial->nstages);
    } else if (state == MX_STATE_FAILED && (nfailed == 0 || alike == 0)) {
        sim_fail("trial %u has failed (%s) and none of its stages has", t,
                 mx_reason_names[sim->oracle->reasons[t]]);
    }
}

void sim_oracle_end(void)
{
    if (!sim->oracle->finished)
        sim_fail("the sweep does not come to its end");
    read_journal();
    sim_judged_end(sim->oracle->states);
    for (uint32_t s = 0; s < sim->work.plan.nstages; s++)
        if (sim->oracle->stages[s].acked && sim->oracle->stages[s].ndone != 1)
            sim_fail("the acknowledged result of stage %u is not in the journal", s);
    for (uint32_t t = 0; t < sim->work.plan.ntrials; t++)
        check_trial(t);
}
