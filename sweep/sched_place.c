/* sched_place.c - ready stages, and which executor takes which. */
#include "sweep/sched_core.h"

enum {
    LOOK_AHEAD = 8 /* loose stages looked at for one that has not failed here */
};

uint32_t mx_group_holder(const struct mx_sched *sched, uint32_t group)
{
    const struct mx_stage_node *node = &sched->stages[group];

    if (group == sched->nstages || node->executor == MX_NOBODY ||
        !mx_sched_usable(&sched->executors[node->executor]) ||
        sched->executors[node->executor].life != node->life)
        return MX_NOBODY;
    return node->executor;
}

/* What an executor's last stage made possible comes before what it holds from
 * earlier on: it ends what it has begun. */
static void open_group(struct mx_sched *sched, uint32_t group, bool front)
{
    uint32_t holder = mx_group_holder(sched, group);

    if (group == sched->nstages)
        return;
    if (holder != MX_NOBODY) {
        mx_chain_push_front(&sched->executors[holder].groups, sched->group_links, group);
        mx_chain_push(&sched->held, sched->held_links, group);
    } else if (front) {
        mx_chain_push_front(&sched->unheld, sched->group_links, group);
    } else {
        mx_chain_push(&sched->unheld, sched->group_links, group);
    }
}

static void close_group(struct mx_sched *sched, uint32_t group)
{
    uint32_t holder = mx_group_holder(sched, group);

    if (group == sched->nstages)
        return;
    if (holder == MX_NOBODY) {
        mx_chain_remove(&sched->unheld, sched->group_links, group);
    } else {
        mx_chain_remove(&sched->executors[holder].groups, sched->group_links, group);
        mx_chain_remove(&sched->held, sched->held_links, group);
    }
}

/* Hang a ready stage into its group. front: before all others of the group, and
 * the group before all others of its holder. */
void mx_group_add(struct mx_sched *sched, uint32_t i, bool front)
{
    uint32_t         group = sched->stages[i].group;
    struct mx_chain *ready = &sched->stages[group].ready;
    bool             is_open = ready->head != MX_NOBODY;

    if (front && is_open)
        close_group(sched, group);
    if (front)
        mx_chain_push_front(ready, sched->stage_links, i);
    else
        mx_chain_push(ready, sched->stage_links, i);
    if (front || !is_open)
        open_group(sched, group, front);
    sched->nready++;
}

void mx_group_remove(struct mx_sched *sched, uint32_t i)
{
    uint32_t         group = sched->stages[i].group;
    struct mx_chain *ready = &sched->stages[group].ready;

    mx_chain_remove(ready, sched->stage_links, i);
    if (ready->head == MX_NOBODY)
        close_group(sched, group);
    sched->nready--;
}

/* An executor takes a stage of an open group: if nobody holds that, it does; if
 * another one does, it helps that one from now on, and the next to help will
 * look elsewhere first, so that few executors get hold of one backbone. */
void mx_group_take(struct mx_sched *sched, uint32_t group, uint32_t executor)
{
    uint32_t holder = mx_group_holder(sched, group);

    if (group == sched->nstages || holder == executor)
        return;
    if (holder == MX_NOBODY) {
        close_group(sched, group);
        sched->stages[group].executor = executor;
        sched->stages[group].life = sched->executors[executor].life;
        open_group(sched, group, false);
    } else if (sched->executors[executor].helps != group) {
        sched->executors[executor].helps = group;
        mx_chain_remove(&sched->held, sched->held_links, group);
        mx_chain_push(&sched->held, sched->held_links, group);
    }
}

/* What an executor holds goes to the front of what nobody holds. It must still
 * be usable. */
void mx_group_release(struct mx_sched *sched, uint32_t executor)
{
    const struct mx_chain *groups = &sched->executors[executor].groups;

    while (groups->tail != MX_NOBODY) {
        uint32_t group = groups->tail;

        close_group(sched, group);
        sched->stages[group].executor = MX_NOBODY;
        open_group(sched, group, true);
    }
}

/* The first loose stage that has not just failed on this executor, or on its host
 * where there are others, if there is one near the front. */
static uint32_t choose_loose(const struct mx_sched *sched, uint32_t executor)
{
    uint32_t i = sched->stages[sched->nstages].ready.head;

    for (int k = 0; k < LOOK_AHEAD && i != MX_NOBODY; k++, i = sched->stage_links[i].next)
        if (!mx_hosts_avoids(sched, i, executor))
            return i;
    return MX_NOBODY;
}

/* Its own; what nobody holds; loose stages; what others hold. Of what is not its
 * own, rather of the group that it took from before. */
uint32_t mx_group_choose(const struct mx_sched *sched, uint32_t executor)
{
    const struct mx_executor_node *node = &sched->executors[executor];
    uint32_t                       group = node->groups.head, helps = node->helps, loose;

    if (group != MX_NOBODY)
        return sched->stages[group].ready.head;
    if (helps != MX_NOBODY && sched->stages[helps].ready.head == MX_NOBODY)
        helps = MX_NOBODY;
    if ((group = sched->unheld.head) != MX_NOBODY) {
        if (helps != MX_NOBODY && mx_group_holder(sched, helps) == MX_NOBODY)
            group = helps;
        return sched->stages[group].ready.head;
    }
    if ((loose = choose_loose(sched, executor)) != MX_NOBODY)
        return loose;
    if ((group = sched->held.head) == MX_NOBODY)
        group = sched->nstages;
    return sched->stages[helps != MX_NOBODY ? helps : group].ready.head;
}

/* The one that is idle for longest, unless the stage it would take is held by
 * another idle one, or has just failed on it and somebody else is idle. */
uint32_t mx_group_next(const struct mx_sched *sched)
{
    uint32_t first = sched->idle.head, second = sched->executor_links[first].next;
    uint32_t i = mx_group_choose(sched, first);
    uint32_t holder = mx_group_holder(sched, sched->stages[i].group);

    if (holder != MX_NOBODY && sched->executors[holder].nheld == 0)
        return holder;
    return mx_hosts_avoids(sched, i, first) && second != MX_NOBODY ? second : first;
}
