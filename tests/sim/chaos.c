/* chaos.c - faults, and the operator who starts sweeps again. */
#include <math.h>
#include <stdlib.h>

#include "world.h"

const char *const sim_fault_names[FAULTS] = {
    [FAULT_EXECUTOR_DIES] = "executor dies",
    [FAULT_EXECUTOR_HANGS] = "executor hangs",
    [FAULT_RANK_DIES] = "rank dies",
    [FAULT_RANK_STOPS] = "rank stops for a while",
    [FAULT_ROOT_DIES] = "rank 0 dies",
    [FAULT_ROOT_DIES_WRITING] = "rank 0 dies while it writes",
    [FAULT_ROOT_STOPS] = "rank 0 stops and another is started",
    [FAULT_SECOND_START] = "started twice",
    [FAULT_POWER] = "host loses power",
    [FAULT_DISK_FULL] = "disk is full",
    [FAULT_SYNC] = "sync fails",
    [FAULT_CLOCK_STEP] = "clock steps",
    [FAULT_CUT] = "rank is cut off",
    [FAULT_SLOW_NET] = "network is slow",
    [FAULT_DRAIN] = "asked to drain",
    [FAULT_END] = "told to end",
    [FAULT_SUSPEND] = "all is suspended",
    [FAULT_ANSWER_TWICE] = "answer comes twice",
    [FAULT_ANSWER_LATE] = "answer comes again late",
    [FAULT_ANSWER_LOST] = "answer is lost",
    [FAULT_WRONG_BLAME] = "wrong stage is blamed",
    [FAULT_STAGE_FAILS] = "stage fails",
    [FAULT_DEATH_AT_START] = "executor dies at start",
};

enum {
    MOST_CALM_RESTARTS = 8,
};

void sim_happened(enum sim_fault fault)
{
    sim->faults[fault]++;
    sim_tell("* %s", sim_fault_names[fault]);
}

bool sim_calm(void)
{
    return sim->budget == 0 && sim->now_s > fmax(sim->disk_full_s, sim->slow_net_s) + 100;
}

static void plan_start(double delay_s)
{
    sim->starts_planned++;
    sim_plan((struct sim_event){.at_s = sim->now_s + delay_s, .kind = SIM_START});
}

unsigned sim_fault_kinds(void)
{
    unsigned kinds = 0;

    for (unsigned k = 0; k < FAULTS; k++)
        kinds += sim->faults[k] > 0;
    return kinds;
}

void sim_chaos_begin(void)
{
    static const double timeouts_s[] = {5, 10, 30};

    sim->workers_a_node = 2 + sim_below(sim_chance(0.1) ? 9 : 4);
    sim->most_ranks = sim_chance(0.3) ? 1 : 2 + sim_below(SIM_MAX_RANKS - 1);
    sim->rank_timeout_s = timeouts_s[sim_below(3)];
    sim->stall_s = 5 + 30 * sim_uniform();
    sim->p_crash = sim_chance(0.5) ? 0.05 * sim_uniform() : 0;
    sim->p_hang = sim_chance(0.3) ? 0.02 * sim_uniform() : 0;
    sim->p_twice = sim_chance(0.5) ? 0.1 * sim_uniform() : 0;
    sim->p_late = sim_chance(0.5) ? 0.1 * sim_uniform() : 0;
    sim->p_lost = sim_chance(0.5) ? 0.3 * sim_uniform() : 0;
    sim->p_blame = sim_chance(0.3) ? 0.2 : 0;
    sim->p_slow_piece = sim_chance(0.5) ? 0.03 * sim_uniform() : 0;
    sim->budget = 3 + sim_below(12);
    sim->next_fault = 1 + sim_below(30);
    for (unsigned k = 0; k < FAULT_INJECTED; k++)
        sim->enabled[k] = sim_chance(0.5);
    for (unsigned k = 0; k < 3; k++)
        sim->enabled[sim_below(FAULT_INJECTED)] = true;
    plan_start(0);
}

/* Ranks lie on some hosts, one or more on each. */
void sim_start_job(void)
{
    struct sim_job *job = sim_calloc(1, sizeof *job);
    unsigned        host = sim_below(SIM_HOSTS), spread = 1 + sim_below(SIM_HOSTS);

    sim->starts_planned--;
    sim->jobs = realloc(sim->jobs, (sim->njobs + 1) * sizeof sim->jobs[0]);
    if (!sim->jobs)
        abort();
    sim->jobs[sim->njobs++] = job;
    job->number = (unsigned)sim->njobs;
    job->nranks = 1 + sim_below(sim->most_ranks);
    job->tells_deaths = sim_chance(0.3);
    sim_tell("job %u of %u ranks is started on host %u and others", job->number, job->nranks, host);
    for (unsigned r = 0; r < job->nranks; r++) {
        struct sim_process *process = sim_process_start(job, r, (host + r % spread) % SIM_HOSTS);

        sim_process_stop(process, sim_chance(0.9) ? 2 * sim_uniform() : 40 * sim_uniform());
        if (r > 0 && !sim_calm() && sim_chance(0.03))
            sim_process_kill(process);
    }
}

/* A rank 0 that lives, or NULL. */
static struct sim_process *any_root(void)
{
    struct sim_process *found = NULL;
    unsigned            n = 0;

    for (size_t j = 0; j < sim->njobs; j++)
        if (sim_alive(sim->jobs[j]->ranks[0]) && sim_below(++n) == 0)
            found = sim->jobs[j]->ranks[0];
    return found;
}

void sim_root_ended(struct sim_process *root)
{
    bool finished = root->code == 0 && !root->dead;

    if (!root->dead && root->code != MX_OK && root->code != MX_EIO && root->code != MX_EOWNED &&
        root->code != MX_EINTERRUPTED)
        sim_fail("job %u ends: %s", root->job->number, root->why);
    if (finished && sim->finished_jobs++ > 0)
        return; /* a finished sweep was resumed, and that changed nothing */
    if (sim_calm() && !finished && ++sim->calm_restarts > MOST_CALM_RESTARTS)
        sim_fail("nothing is in its way, and job %u ends: %s", root->job->number, root->why);
    if (sim->starts_planned == 0 && !any_root())
        plan_start(0.5 + 10 * sim_uniform());
}

static struct sim_process *any_rank(void)
{
    struct sim_process *found = NULL;
    unsigned            n = 0;

    for (size_t i = 0; i < sim->nprocesses; i++)
        if (sim_alive(sim->processes[i]) && sim->processes[i]->rank > 0 && sim_below(++n) == 0)
            found = sim->processes[i];
    return found;
}

static bool kill_executor(void)
{
    struct sim_process *process = sim_chance(0.5) ? any_root() : any_rank();
    uint32_t            n = process && process->supervisor ? sim_executors(process->supervisor) : 0;

    return n > 0 && sim_executor_dies(process->supervisor, sim_below(n), MX_REASON_CRASHED);
}

static void lose_power(unsigned host)
{
    for (size_t i = 0; i < sim->nprocesses; i++)
        if (sim->processes[i]->host == host)
            sim_process_kill(sim->processes[i]);
    sim->boots[host]++;
    sim_disk_lose_power(host);
}

static void suspend_all(double seconds)
{
    for (size_t i = 0; i < sim->nprocesses; i++)
        if (sim_alive(sim->processes[i]))
            sim_process_stop(sim->processes[i], seconds);
}

/* Faults of one rank other than 0. False: there is none. */
static bool hit_rank(enum sim_fault fault)
{
    struct sim_process *rank = any_rank();
    double              seconds = sim->rank_timeout_s * (0.1 + 2 * sim_uniform());

    if (!rank)
        return false;
    if (fault == FAULT_RANK_DIES)
        sim_process_kill(rank);
    else if (fault == FAULT_RANK_STOPS)
        sim_process_stop(rank, seconds);
    else
        rank->job->cut_s[rank->rank] = sim->now_s + seconds;
    return true;
}

/* Faults of a rank 0. */
static bool hit_root(enum sim_fault fault)
{
    struct sim_process *root = any_root();
    double              seconds = 5 + 150 * sim_uniform();

    if (!root)
        return false;
    switch (fault) {
    case FAULT_ROOT_DIES:
        sim_process_kill(root);
        break;
    case FAULT_ROOT_DIES_WRITING:
        root->dies_in_writes = 1 + sim_below(8);
        sim->faults[fault]--; /* it counts when it happens */
        break;
    case FAULT_ROOT_STOPS:
        sim_process_stop(root, seconds);
        plan_start(5 * sim_uniform());
        break;
    case FAULT_POWER:
        lose_power(root->host);
        break;
    case FAULT_DRAIN:
        root->control = MX_REQUEST_DRAIN;
        break;
    default:
        root->signal = MX_REQUEST_END;
        break;
    }
    return true;
}

static bool inject(enum sim_fault fault)
{
    switch (fault) {
    case FAULT_EXECUTOR_DIES:
        return kill_executor();
    case FAULT_EXECUTOR_HANGS:
        sim->hangs_to_come += 1 + sim_below(3);
        sim->faults[fault]--; /* as above */
        return true;
    case FAULT_RANK_DIES:
    case FAULT_RANK_STOPS:
    case FAULT_CUT:
        return hit_rank(fault);
    case FAULT_SECOND_START:
        plan_start(sim_uniform());
        return true;
    case FAULT_DISK_FULL:
        sim->disk_full_s = sim->now_s + 20 * sim_uniform();
        return true;
    case FAULT_SYNC:
        sim->syncs_to_fail = 1 + sim_below(3);
        return true;
    case FAULT_CLOCK_STEP:
        sim->utc_ahead_s += 7200 * (sim_uniform() - 0.5);
        return true;
    case FAULT_SLOW_NET:
        sim->slow_net_s = sim->now_s + 30 * sim_uniform();
        return true;
    case FAULT_SUSPEND:
        suspend_all(30 + 90 * sim_uniform());
        return true;
    default:
        return hit_root(fault);
    }
}

/* Until there are enough kinds, each fault is of a new one, and of one that the seed does not
 * have where its own cannot be: a rank that is cut off, where there is one rank. Some
 * count only when they come to pass, which may be never. */
void sim_chaos(void)
{
    bool begins;

    if (sim->budget == 0 || sim->events < sim->next_fault)
        return;
    if (sim->finished) {
        sim->budget = 0;
        return;
    }
    begins = sim_fault_kinds() < SIM_LEAST_KINDS;
    for (unsigned tries = 0; tries < (begins ? 200 : 20); tries++) {
        enum sim_fault fault = sim_below(FAULT_INJECTED);

        if ((!sim->enabled[fault] && tries < 20) || (begins && sim->faults[fault] > 0))
            continue;
        sim_happened(fault);
        if (inject(fault)) {
            sim->budget -= !begins || sim->budget > 1;
            break;
        }
        sim->faults[fault]--;
    }
    sim->next_fault =
        sim->events + 1 + sim_below(begins ? 30 : 5 * sim->work.plan.nstages / (sim->budget + 4));
}
