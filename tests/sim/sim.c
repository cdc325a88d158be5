/* sim.c - one seed after another: docs/simulation.md.
 *
 *   sim [--from SEED] [--count N]     play seeds; stop at the first that fails
 *   sim --seed SEED [--trace]         play one, and tell what happens in it
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static const double most_s = 100000;

enum {
    MOST_EVENTS = 500000,
    LEAST_EVENTS = 200,
    MOST_SIZE = 8,
};

struct totals {
    uint64_t seeds, events, least_events, most_events, faults[FAULTS], trials, few;
};

static bool all_ended(void)
{
    for (size_t i = 0; i < sim->nprocesses; i++)
        if (!sim->processes[i]->finished)
            return false;
    return sim->finished_jobs > 1 && sim->starts_planned == 0;
}

static void tell_left(void)
{
    for (size_t i = 0; i < sim->nprocesses; i++) {
        const struct sim_process *process = sim->processes[i];

        if (!process->finished)
            printf("left: rank %u of job %u%s\n", process->rank, process->job->number,
                   process->dead ? ", a ghost" : "");
    }
}

/* Until the sweep has come to its end and was resumed once more, and nobody is
 * left who works for it. */
static void play(void)
{
    for (uint64_t steps = 0; steps % 64 != 0 || !all_ended(); steps++) {
        if (!sim_step() && !all_ended())
            sim_fail("work is open and nothing will ever happen");
        if (sim->now_s > most_s || sim->events > MOST_EVENTS || steps > 4 * (uint64_t)MOST_EVENTS) {
            tell_left();
            sim_fail("it does not end");
        }
    }
}

static bool is_enough(void)
{
    return sim_fault_kinds() >= SIM_LEAST_KINDS && sim->events >= LEAST_EVENTS;
}

static void count(struct totals *totals)
{
    for (unsigned k = 0; k < FAULTS; k++)
        totals->faults[k] += sim->faults[k];
    totals->seeds++;
    totals->events += sim->events;
    totals->trials += sim->work.plan.ntrials;
    if (sim->events < totals->least_events)
        totals->least_events = sim->events;
    if (sim->events > totals->most_events)
        totals->most_events = sim->events;
    totals->few += !is_enough();
}

/* One that ends too soon is played again with more work: true. */
static bool play_size(uint64_t seed, uint32_t size, bool trace, struct totals *totals)
{
    struct sim_world world = {.seed = seed, .size = size, .trace = trace};
    bool             again;

    sim = &world;
    world.rng = mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);
    sim_work_make(&world.work);
    world.disk = sim_disk_new();
    world.oracle = sim_oracle_new();
    sim_chaos_begin();
    play();
    sim_oracle_end();
    again = size < MOST_SIZE && !is_enough();
    if (!again)
        count(totals);
    sim_world_free();
    sim = NULL;
    return again;
}

static void play_seed(uint64_t seed, bool trace, struct totals *totals)
{
    uint32_t size = 1;

    while (play_size(seed, size, trace, totals))
        size *= 2;
}

static void report(const struct totals *totals)
{
    printf("%llu seeds, %llu trials, %llu events (a seed: %llu to %llu)\n",
           (unsigned long long)totals->seeds, (unsigned long long)totals->trials,
           (unsigned long long)totals->events, (unsigned long long)totals->least_events,
           (unsigned long long)totals->most_events);
    for (unsigned k = 0; k < FAULTS; k++)
        printf("%10llu  %s\n", (unsigned long long)totals->faults[k], sim_fault_names[k]);
    if (totals->few > 0)
        printf("%llu seeds had less than %d events or %d kinds of fault\n",
               (unsigned long long)totals->few, (int)LEAST_EVENTS, (int)SIM_LEAST_KINDS);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"from", required_argument, NULL, 'f'},
                                          {"count", required_argument, NULL, 'c'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"trace", no_argument, NULL, 't'},
                                          {NULL, 0, NULL, 0}};
    struct totals              totals = {.least_events = UINT64_MAX};
    uint64_t                   from = 0, n = 500;
    bool                       trace = false;
    int                        option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'f' || option == 's')
            from = strtoull(optarg, NULL, 10);
        if (option == 'c')
            n = strtoull(optarg, NULL, 10);
        if (option == 's')
            n = 1;
        trace |= option == 't';
        if (option == '?')
            return 2;
    }
    setvbuf(stdout, NULL, trace ? _IOLBF : _IOFBF, 1 << 16);
    if (!(stderr = fopen("/dev/null", "w"))) /* ranks tell their users what becomes of rank 0 */
        return 1;
    for (uint64_t seed = from; seed < from + n; seed++)
        play_seed(seed, trace, &totals);
    report(&totals);
    fclose(stderr);
    return totals.few > 0;
}
