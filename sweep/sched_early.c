/* sched_early.c - trainings that are judged: they wait, go on, or are stopped. */
#include <stdlib.h>

#include "sweep/sched_core.h"

int mx_sched_early_new(struct mx_sched *sched, const struct mx_sched_stage *stages,
                       struct mx_err *err)
{
    struct mx_early_training *list;

    if (sched->options.early.rule == MX_EARLY_STOP_NONE)
        return 0;
    if (!(list = calloc((size_t)sched->nstages + 1, sizeof list[0])))
        return mx_fail(err, MX_ENOMEM, "no memory for the trainings that are judged");
    for (uint32_t i = 0; i < sched->nstages; i++)
        list[i] = stages[i].early;
    sched->early = mx_early_new(&sched->options.early, list, sched->nstages, err);
    free(list);
    return sched->early ? 0 : -1;
}

/* The judge knows stages by their names outside. */
static uint32_t name_of(const struct mx_sched *sched, uint32_t stage)
{
    return mx_names_outside(&sched->stage_names, stage);
}

uint32_t mx_sched_until(const struct mx_sched *sched, uint32_t stage)
{
    return sched->early ? mx_early_until(sched->early, name_of(sched, stage)) : 0;
}

void mx_sched_gone(struct mx_sched *sched, uint32_t stage)
{
    if (sched->early)
        mx_early_gone(sched->early, name_of(sched, stage));
}

bool mx_sched_stage_stopped(const struct mx_sched *sched, uint32_t stage)
{
    return sched->early && mx_early_is_stopped(sched->early, stage);
}

uint32_t mx_sched_stage_rungs(const struct mx_sched *sched, uint32_t stage)
{
    return sched->early ? mx_early_reached_count(sched->early, stage) : 0;
}

/* One that says that it waits where nobody would judge it goes on. */
void mx_sched_pause(struct mx_sched *sched, uint32_t i, const struct mx_event *event)
{
    const bool waits = sched->early && mx_early_reached(sched->early, name_of(sched, i),
                                                        event->epoch, event->value);

    mx_queue_paused(sched, i, event->seconds);
    if (!waits && sched->stages[i].state == MX_STAGE_PAUSED)
        mx_sched_make_ready(sched, i, sched->nstages);
}

void mx_sched_restore_reached(struct mx_sched *sched, uint32_t stage, uint32_t epoch, double value)
{
    if (sched->early)
        mx_early_reached(sched->early, stage, epoch, value);
}

void mx_sched_restore_decided(struct mx_sched *sched, uint32_t stage, uint32_t epoch, bool go_on)
{
    if (sched->early)
        mx_early_decided(sched->early, stage, epoch, go_on);
}

void mx_sched_restore_anew(struct mx_sched *sched, uint32_t stage)
{
    if (sched->early)
        mx_early_forget(sched->early, stage);
}

/* Those that wait are not ready; those that were stopped have ended. */
void mx_sched_restore_early(struct mx_sched *sched)
{
    for (uint32_t i = 0; sched->early && i < sched->nstages; i++) {
        if (sched->stages[i].state >= MX_STAGE_DONE)
            continue;
        if (mx_early_is_stopped(sched->early, name_of(sched, i))) {
            mx_sched_settle(sched, i, MX_STAGE_FAILED, MX_REASON_EARLY_STOP);
        } else if (mx_early_waits(sched->early, name_of(sched, i)) &&
                   sched->stages[i].state == MX_STAGE_READY) {
            mx_group_remove(sched, i);
            sched->stages[i].state = MX_STAGE_PAUSED;
        }
    }
}

/* What goes on comes first: of what has begun, as little as possible lies about. */
static void go_on(struct mx_sched *sched, uint32_t i)
{
    sched->stages[i].state = MX_STAGE_READY;
    sched->stages[i].group = sched->nstages;
    mx_group_add(sched, i, true);
}

int mx_sched_reserve(struct mx_actions *actions, struct mx_err *err)
{
    size_t            room = actions->room ? 2 * actions->room : 16;
    struct mx_action *list;

    if (actions->count < actions->room)
        return 0;
    if (!(list = realloc(actions->list, room * sizeof list[0])))
        return mx_fail(err, MX_ENOMEM, "no memory for %zu actions of the scheduler", room);
    actions->list = list;
    actions->room = room;
    return 0;
}

int mx_sched_decide(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err)
{
    struct mx_early_decision decision;

    for (;;) {
        uint32_t stage;

        if (!sched->early)
            return 0;
        if (mx_sched_reserve(actions, err))
            return -1;
        if (!mx_early_next(sched->early, &decision))
            return 0;
        stage = mx_names_inside(&sched->stage_names, decision.training);
        actions->list[actions->count++] = (struct mx_action){
            .kind = MX_ACTION_DECIDED,
            .stage = stage,
            .rung = decision.rung,
            .epoch = decision.epoch,
            .go_on = decision.go_on,
        };
        if (decision.go_on)
            go_on(sched, stage);
        else
            mx_sched_settle(sched, stage, MX_STAGE_FAILED, MX_REASON_EARLY_STOP);
    }
}
