/* trial_view.c - from a directory and a name to what happened. */
#include "sweep/trial_view.h"

#include <stdlib.h>

#include "sweep/owner.h"

static bool is_of_trial(const struct mx_trial_view *view, uint32_t stage)
{
    const struct mx_plan  *plan = view->kept.plan;
    const struct mx_trial *trial = &plan->trials[view->trial];

    for (uint32_t k = 0; k < trial->nstages; k++)
        if (plan->stage_of[trial->first_stage + k] == stage)
            return true;
    return false;
}

/* The end of an attempt takes the place of its start. */
static struct mx_trial_attempt *find_start(struct mx_trial_view *view, uint32_t stage,
                                           const struct mx_record *record)
{
    for (size_t k = view->nattempts; k-- > 0;) {
        struct mx_trial_attempt *attempt = &view->attempts[k];

        if (attempt->stage == stage && attempt->record.kind == MX_RECORD_STARTED &&
            attempt->record.attempt == record->attempt &&
            attempt->record.executor == record->executor)
            return attempt;
    }
    return NULL;
}

static struct mx_trial_attempt *add(struct mx_trial_view *view)
{
    if (view->nattempts == view->room) {
        const size_t             room = view->room ? 2 * view->room : 8;
        struct mx_trial_attempt *more = realloc(view->attempts, room * sizeof *more);

        if (!more)
            return NULL;
        view->attempts = more;
        view->room = room;
    }
    return &view->attempts[view->nattempts++];
}

static int keep(void *user, uint32_t stage, const struct mx_record *record, struct mx_err *err)
{
    struct mx_trial_view    *view = user;
    struct mx_trial_attempt *attempt = NULL;

    if (!is_of_trial(view, stage) || record->kind == MX_RECORD_DECIDED)
        return 0;
    if (record->kind == MX_RECORD_DONE || record->kind == MX_RECORD_FAILED ||
        record->kind == MX_RECORD_REACHED)
        attempt = find_start(view, stage, record);
    if (!attempt && !(attempt = add(view)))
        return mx_fail(err, MX_ENOMEM, "no memory for the attempts of a trial");
    *attempt = (struct mx_trial_attempt){stage, *record};
    attempt->record.metrics = NULL;
    attempt->record.nmetrics = 0;
    return 0;
}

/* By its whole name, or by its cell where that says as much. */
static int find_trial(struct mx_trial_view *view, const char *id, struct mx_err *err)
{
    const struct mx_plan *plan = view->kept.plan;
    uint32_t              found = 0;

    for (uint32_t t = 0; t < plan->ntrials; t++)
        if (mx_trial_is(&plan->trials[t], id) && found++ == 0)
            view->trial = t;
    if (found == 0)
        return mx_fail(err, MX_EINVAL, "%s has no trial %s: results.csv lists them",
                       view->kept.directory, id);
    if (found > 1)
        return mx_fail(err, MX_EINVAL, "%s is a cell of %u trials: give one of %s.r0 to %s.r%u", id,
                       found, id, id, found - 1);
    return 0;
}

/* The journal does not say whether what was started still runs; the owner does. */
static int find_status(struct mx_trial_view *view, struct mx_err *err)
{
    enum mx_state        state = mx_sched_trial_state(view->kept.replay.sched, view->trial);
    struct mx_owner_look owner;

    if (mx_owner_look(view->kept.directory, &mx_owner_machine, &owner, err))
        return -1;
    view->alive = owner.alive && owner.incarnation > 0;
    for (size_t k = 0; k < view->nattempts && view->alive && state == MX_STATE_PENDING; k++)
        if (view->attempts[k].record.kind == MX_RECORD_STARTED)
            state = MX_STATE_RUNNING;
    view->status = mx_state_names[state];
    return 0;
}

int mx_trial_view_open(const char *directory, const char *id, struct mx_trial_view *view,
                       struct mx_err *err)
{
    *view = (struct mx_trial_view){0};
    if (mx_kept_open(directory, &view->kept, err))
        return -1;
    view->kept.replay.each = keep;
    view->kept.replay.user = view;
    if (find_trial(view, id, err) || mx_kept_read(&view->kept, err) || find_status(view, err)) {
        mx_trial_view_close(view);
        return -1;
    }
    return 0;
}

void mx_trial_view_close(struct mx_trial_view *view)
{
    mx_kept_close(&view->kept);
    free(view->attempts);
    *view = (struct mx_trial_view){0};
}
