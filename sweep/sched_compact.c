/* sched_compact.c - what has ended goes, and the rest moves together.
 *
 * A stage can go once it has ended and all that wait for it have: nothing comes back to
 * it. A trial can go once it has ended, for good. Outside they keep their numbers: what is
 * left of each is one word that says how it ended. */
#include <stdlib.h>

#include "sweep/sched_core.h"

enum {
    FEWEST = 64 /* stages that end between two times that the rest is moved */
};

/* How something ended, in the place of its number inside. */
#define GONE          UINT32_C(0x80000000)
#define GONE_STATE    28 /* 3 bits */
#define GONE_REASON   24 /* 4 bits */
#define MOST_FAILURES ((UINT32_C(1) << GONE_REASON) - 1)

_Static_assert((int)MX_STATES <= 8 && (int)MX_STAGE_FAILED < 8 && (int)MX_REASONS <= 16,
               "how it ended fits into one word");

static uint32_t gone(unsigned state, enum mx_reason reason, unsigned failures)
{
    return GONE | state << GONE_STATE | (uint32_t)reason << GONE_REASON |
           (failures < MOST_FAILURES ? failures : MOST_FAILURES);
}

uint32_t mx_names_inside(const struct mx_names *names, uint32_t outside)
{
    if (!names->inside)
        return outside;
    if (outside >= names->count || names->inside[outside] & GONE)
        return MX_NOBODY;
    return names->inside[outside];
}

uint32_t mx_names_outside(const struct mx_names *names, uint32_t inside)
{
    return names->outside && inside != MX_NOBODY ? names->outside[inside] : inside;
}

struct mx_gone mx_names_gone(const struct mx_names *names, uint32_t outside)
{
    const uint32_t word = names->inside[outside];

    return (struct mx_gone){.state = word >> GONE_STATE & 7,
                            .reason = (enum mx_reason)(word >> GONE_REASON & 15),
                            .failures = word & MOST_FAILURES};
}

/* The new numbers, MX_NOBODY: it goes. */
struct moves {
    uint32_t *stages, *trials, *cells; /* by old number */
    uint32_t  nstages, ntrials, ncells;
};

static bool settled(const struct mx_sched *sched, uint32_t i)
{
    return sched->stages[i].state >= MX_STAGE_DONE;
}

/* What was dropped, since its trial was quarantined, says that the trial will not be done. */
static bool stage_goes(const struct mx_sched *sched, const struct moves *moves, uint32_t i)
{
    bool goes = settled(sched, i);

    for (size_t e = sched->dependents.first[i]; goes && e < sched->dependents.first[i + 1]; e++)
        goes = settled(sched, sched->dependents.to[e]);
    for (size_t e = sched->uses.first[i]; goes && e < sched->uses.first[i + 1]; e++)
        goes = moves->trials[sched->uses.to[e]] == MX_NOBODY ||
               sched->trials[sched->uses.to[e]].state != MX_STATE_QUARANTINED;
    return goes;
}

/* One that is quarantined may still become done or failed. */
static bool trial_goes(const struct mx_sched *sched, uint32_t t)
{
    bool goes = mx_sched_terminal(sched->trials[t].state);

    if (sched->trials[t].state == MX_STATE_QUARANTINED)
        for (size_t e = sched->parts.first[t]; goes && e < sched->parts.first[t + 1]; e++)
            goes = settled(sched, sched->parts.to[e]);
    return goes;
}

static int number(const struct mx_sched *sched, struct moves *moves)
{
    moves->stages = calloc((size_t)sched->nstages + 1, sizeof *moves->stages);
    moves->trials = calloc((size_t)sched->ntrials + 1, sizeof *moves->trials);
    moves->cells = calloc((size_t)sched->ncells + 1, sizeof *moves->cells);
    if (!moves->stages || !moves->trials || !moves->cells)
        return -1;
    for (uint32_t t = 0; t < sched->ntrials; t++) {
        moves->trials[t] = trial_goes(sched, t) ? MX_NOBODY : moves->ntrials++;
        moves->cells[sched->trials[t].cell] |= moves->trials[t] != MX_NOBODY;
    }
    for (uint32_t i = 0; i < sched->nstages; i++)
        moves->stages[i] = stage_goes(sched, moves, i) ? MX_NOBODY : moves->nstages++;
    moves->stages[sched->nstages] = moves->nstages; /* the loose group */
    for (uint32_t c = 0; c < sched->ncells; c++)
        moves->cells[c] = moves->cells[c] ? moves->ncells++ : MX_NOBODY;
    return 0;
}

/* Edges from and to what stays. */
static int move_edges(const struct mx_edges *from, uint32_t n, const uint32_t *moved,
                      const uint32_t *moved_to, uint32_t nmoved, struct mx_edges *to)
{
    size_t count = 0;

    for (uint32_t i = 0; i < n; i++)
        for (size_t e = from->first[i]; moved[i] != MX_NOBODY && e < from->first[i + 1]; e++)
            count += moved_to[from->to[e]] != MX_NOBODY;
    to->first = calloc((size_t)nmoved + 1, sizeof to->first[0]);
    to->to = calloc(count + 1, sizeof to->to[0]);
    if (!to->first || !to->to)
        return -1;
    count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (moved[i] == MX_NOBODY)
            continue;
        for (size_t e = from->first[i]; e < from->first[i + 1]; e++)
            if (moved_to[from->to[e]] != MX_NOBODY)
                to->to[count++] = moved_to[from->to[e]];
        to->first[moved[i] + 1] = count;
    }
    return 0;
}

static int move_all_edges(const struct mx_sched *old, const struct moves *moves,
                          struct mx_sched *to)
{
    const uint32_t *stages = moves->stages, *trials = moves->trials, *cells = moves->cells;

    return move_edges(&old->inputs, old->nstages, stages, stages, moves->nstages, &to->inputs) ||
           move_edges(&old->dependents, old->nstages, stages, stages, moves->nstages,
                      &to->dependents) ||
           move_edges(&old->uses, old->nstages, stages, trials, moves->nstages, &to->uses) ||
           move_edges(&old->parts, old->ntrials, trials, stages, moves->ntrials, &to->parts) ||
           move_edges(&old->members, old->ncells, cells, trials, moves->ncells, &to->members);
}

static uint32_t moved_stage(const struct mx_sched *old, const struct moves *moves, uint32_t i)
{
    return i <= old->nstages ? moves->stages[i] : MX_NOBODY;
}

static struct mx_chain moved_chain(const struct mx_sched *old, const struct moves *moves,
                                   struct mx_chain chain)
{
    return (struct mx_chain){moved_stage(old, moves, chain.head),
                             moved_stage(old, moves, chain.tail)};
}

static void move_links(const struct mx_sched *old, const struct moves *moves,
                       const struct mx_link_pair *from, struct mx_link_pair *to)
{
    for (uint32_t i = 0; i < old->nstages; i++)
        if (moves->stages[i] != MX_NOBODY)
            to[moves->stages[i]] = (struct mx_link_pair){moved_stage(old, moves, from[i].prev),
                                                         moved_stage(old, moves, from[i].next)};
}

static void move_nodes(const struct mx_sched *old, const struct moves *moves, struct mx_sched *to)
{
    for (uint32_t i = 0; i <= old->nstages; i++) {
        struct mx_stage_node *stage;

        if (moves->stages[i] == MX_NOBODY)
            continue;
        stage = &to->stages[moves->stages[i]];
        *stage = old->stages[i];
        stage->group = moved_stage(old, moves, stage->group);
        stage->ready = moved_chain(old, moves, stage->ready);
    }
    for (uint32_t t = 0; t < old->ntrials; t++)
        if (moves->trials[t] != MX_NOBODY) {
            to->trials[moves->trials[t]] = old->trials[t];
            to->trials[moves->trials[t]].cell = moves->cells[old->trials[t].cell];
        }
    for (uint32_t c = 0; c < old->ncells; c++)
        if (moves->cells[c] != MX_NOBODY)
            to->cells[moves->cells[c]] = old->cells[c];
}

/* Executors stay where they are. */
static void move_executors(struct mx_sched *sched, const struct mx_sched *old,
                           const struct moves *moves)
{
    for (uint32_t x = 0; x < sched->nexecutors; x++) {
        struct mx_executor_node *node = &sched->executors[x];

        node->queue = moved_chain(old, moves, node->queue);
        node->groups = moved_chain(old, moves, node->groups);
        node->helps = moved_stage(old, moves, node->helps);
    }
}

/* Names before the first move: everything is called what it is. */
static int begin_names(struct mx_names *names, uint32_t count)
{
    if (names->inside)
        return 0;
    if (!(names->inside = malloc(((size_t)count + 1) * sizeof *names->inside)))
        return -1;
    names->count = count;
    for (uint32_t i = 0; i < count; i++)
        names->inside[i] = i;
    return 0;
}

/* What each is called outside, by new number; NULL without memory. */
static uint32_t *new_names(const struct mx_names *names, const uint32_t *moved, uint32_t n,
                           uint32_t nmoved)
{
    uint32_t *outside = calloc((size_t)nmoved + 1, sizeof *outside);

    for (uint32_t i = 0; outside && i < n; i++)
        if (moved[i] != MX_NOBODY)
            outside[moved[i]] = mx_names_outside(names, i);
    return outside;
}

static void take_names(struct mx_names *names, uint32_t *outside, uint32_t nmoved)
{
    free(names->outside);
    names->outside = outside;
    for (uint32_t i = 0; i < nmoved; i++)
        names->inside[outside[i]] = i;
}

/* What goes leaves a word. */
static void leave_words(struct mx_sched *sched, const struct moves *moves)
{
    for (uint32_t i = 0; i < sched->nstages; i++)
        if (moves->stages[i] == MX_NOBODY)
            sched->stage_names.inside[mx_names_outside(&sched->stage_names, i)] =
                gone(sched->stages[i].state, sched->stages[i].reason, sched->stages[i].failures);
    for (uint32_t t = 0; t < sched->ntrials; t++)
        if (moves->trials[t] == MX_NOBODY) {
            sched->trial_names.inside[mx_names_outside(&sched->trial_names, t)] =
                gone(sched->trials[t].state, sched->trials[t].reason, 0);
            sched->gone_by_state[sched->trials[t].state]++;
        }
}

/* The new arrays, which mx_sched_free_graph() releases; -1 without memory. */
static int make_new(const struct mx_sched *sched, const struct moves *moves, struct mx_sched *to)
{
    to->nstages = moves->nstages;
    to->ntrials = moves->ntrials;
    to->ncells = moves->ncells;
    if (mx_sched_allocate(to) || move_all_edges(sched, moves, to))
        return -1;
    to->stage_names.outside =
        new_names(&sched->stage_names, moves->stages, sched->nstages, to->nstages);
    to->trial_names.outside =
        new_names(&sched->trial_names, moves->trials, sched->ntrials, to->ntrials);
    return to->stage_names.outside && to->trial_names.outside ? 0 : -1;
}

static void take_graph(struct mx_sched *sched, const struct mx_sched *to)
{
    sched->nstages = to->nstages;
    sched->ntrials = to->ntrials;
    sched->ncells = to->ncells;
    sched->stages = to->stages;
    sched->trials = to->trials;
    sched->cells = to->cells;
    sched->inputs = to->inputs;
    sched->dependents = to->dependents;
    sched->uses = to->uses;
    sched->parts = to->parts;
    sched->members = to->members;
    sched->stage_links = to->stage_links;
    sched->group_links = to->group_links;
    sched->held_links = to->held_links;
    sched->ended_links = to->ended_links;
    sched->todo = to->todo;
}

/* The graph of `to` takes the place of the old one, which is released. */
static void swap(struct mx_sched *sched, struct mx_sched *to, const struct moves *moves)
{
    struct mx_sched old = *sched;

    leave_words(sched, moves);
    take_names(&sched->stage_names, to->stage_names.outside, to->nstages);
    take_names(&sched->trial_names, to->trial_names.outside, to->ntrials);
    move_nodes(&old, moves, to);
    move_links(&old, moves, old.stage_links, to->stage_links);
    move_links(&old, moves, old.group_links, to->group_links);
    move_links(&old, moves, old.held_links, to->held_links);
    move_executors(sched, &old, moves);
    sched->unheld = moved_chain(&old, moves, sched->unheld);
    sched->held = moved_chain(&old, moves, sched->held);
    take_graph(sched, to);
    mx_sched_free_graph(&old);
}

void mx_sched_compact(struct mx_sched *sched)
{
    struct moves    moves = {0};
    struct mx_sched to = {0};
    const uint32_t  ended = sched->nstages - sched->nunsettled - sched->kept_ended;

    if (ended < FEWEST || ended < sched->nstages / 2 || sched->ended.head != MX_NOBODY)
        return;
    if (begin_names(&sched->stage_names, sched->nstages) ||
        begin_names(&sched->trial_names, sched->ntrials) || number(sched, &moves) ||
        make_new(sched, &moves, &to)) {
        free(to.stage_names.outside);
        free(to.trial_names.outside);
        mx_sched_free_graph(&to);
    } else {
        swap(sched, &to, &moves);
        if (sched->early)
            mx_early_let_go(sched->early);
        sched->kept_ended = sched->nstages - sched->nunsettled;
    }
    free(moves.stages);
    free(moves.trials);
    free(moves.cells);
}
