/* replay.h - what a journal says about the stages of a plan: which are done,
 * which have failed for good, which are to be run again. */
#ifndef MX_SWEEP_REPLAY_H
#define MX_SWEEP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/journal.h"
#include "sweep/plan.h"
#include "sweep/plan_index.h"
#include "sweep/results.h"
#include "sweep/sched.h"

/* `sched` and `results` are those of the plan, lent, and set before
 * mx_replay_begin(), as `each` and its user. */
struct mx_replay {
    const struct mx_plan *plan;
    struct mx_sched      *sched;
    struct mx_results    *results;
    struct mx_plan_index  index;         /* stages by key */
    bool                 *done, *failed; /* by stage, as the last record has it */
    uint8_t              *reasons;       /* by stage, of its last failure */
    uint32_t             *turns, nturns; /* by stage: its place among those that were done */
    bool                 *lost;          /* by stage: failed, or behind one that is */
    struct mx_gpu_use     used;          /* by all attempts on record, of stages that the plan
                                          * does not have any more, too */
    /* Called with each record of a stage in the plan, once it counts; may be
     * NULL. Returns 0, or -1 with *err to end the reading. */
    int (*each)(void *user, uint32_t stage, const struct mx_record *record, struct mx_err *err);
    void *user;
};

/* Returns 0, or -1 with MX_ENOMEM; mx_replay_end() in any case. */
int  mx_replay_begin(struct mx_replay *replay, const struct mx_plan *plan, struct mx_err *err);
void mx_replay_end(struct mx_replay *replay);

/* Take a record: what mx_journal_open() and mx_journal_read() call (`replay` is the
 * struct). A failure stands if the scheduler's options make it final too, not
 * only those of its time. A record of a stage that the plan does not have is
 * left alone: its result stays in the journal for a configuration that asks for
 * it again. Returns 0, or -1 with MX_ENOMEM or what each() said. */
int mx_replay_record(void *replay, const struct mx_record *record, struct mx_err *err);

/* After the last record: comparisons of models (sweep/cross.h) that went on without some
 * that had failed are not done if one of those is there by now, or is tried again. */
void mx_replay_forget_partial(struct mx_replay *replay);

/* And then: tell the scheduler what stands, and the results the
 * states of all trials. The caller may have changed done[] before. */
void mx_replay_settle(struct mx_replay *replay);

/* The columns of results.csv that a record holds; its texts are lent. */
struct mx_run_info mx_replay_info(const struct mx_record *record);

#endif
