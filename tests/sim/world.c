/* world.c - time, and processes, which are coroutines. */
#include "world.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "sweep/comm.h"
#include "sweep/rank.h"

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif
#ifdef SIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

enum {
    STACK_BYTES = 1 << 20,
    STACKS_KEPT = 64,
};

struct sim_fibre {
    ucontext_t context;
    void      *stack;
    void      *shadow; /* of the sanitizer */
};

struct sim_world *sim;

/* Where the world itself runs. */
static struct {
    ucontext_t  context;
    void       *shadow;
    const void *bottom;
    size_t      size;
    void       *stacks[STACKS_KEPT]; /* of processes that have ended */
    size_t      nstacks;
} outside;

void *sim_calloc(size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size);

    if (!memory) {
        perror("sim");
        exit(1);
    }
    return memory;
}

double sim_uniform(void)
{
    return mx_rng_uniform(&sim->rng);
}

bool sim_chance(double p)
{
    return p > 0 && sim_uniform() < p;
}

uint32_t sim_below(uint32_t n)
{
    return (uint32_t)mx_rng_below(&sim->rng, n);
}

void sim_tell(const char *fmt, ...)
{
    va_list args;

    if (!sim->trace)
        return;
    printf("%12.6f ", sim->now_s);
    if (sim->current)
        printf("job %u rank %u%s: ", sim->current->job->number, sim->current->rank,
               sim->current->dead ? " (ghost)" : "");
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
}

void sim_fail(const char *fmt, ...)
{
    va_list args;

    printf("seed %llu: FAILED at %.6f s, event %llu: ", (unsigned long long)sim->seed, sim->now_s,
           (unsigned long long)sim->events);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\nreplay: sim --seed %llu --trace\n", (unsigned long long)sim->seed);
    fflush(stdout);
    _Exit(1);
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_s < b->at_s || (a->at_s == b->at_s && a->order < b->order);
}

void sim_plan(struct sim_event event)
{
    size_t i = sim->nheap++;

    if (sim->nheap > sim->heap_room) {
        sim->heap_room = 2 * sim->heap_room + 64;
        if (!(sim->heap = realloc(sim->heap, sim->heap_room * sizeof sim->heap[0])))
            abort();
    }
    event.order = ++sim->order;
    for (; i > 0 && before(&event, &sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
        sim->heap[i] = sim->heap[(i - 1) / 2];
    sim->heap[i] = event;
}

static struct sim_event take_first(void)
{
    struct sim_event first = sim->heap[0], last = sim->heap[--sim->nheap];
    size_t           i = 0, child;

    while ((child = 2 * i + 1) < sim->nheap) {
        if (child + 1 < sim->nheap && before(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!before(&sim->heap[child], &last))
            break;
        sim->heap[i] = sim->heap[child];
        i = child;
    }
    sim->heap[i] = last;
    return first;
}

bool sim_alive(const struct sim_process *process)
{
    return !process->finished && !process->dead;
}

/* See that it is woken at a time, unless it is woken before that anyhow. */
static void wake_at(struct sim_process *process, double at_s)
{
    if (process->queued_s <= at_s)
        return;
    process->queued_s = at_s;
    sim_plan((struct sim_event){.at_s = at_s, .kind = SIM_WAKE, .process = process});
}

void sim_wake(struct sim_process *process)
{
    if (process->finished || process->wake_s == INFINITY)
        return;
    process->wake_s = sim->now_s;
    wake_at(process, fmax(sim->now_s, process->dead ? 0 : process->stopped_s));
}

/* To the process and back. */
static void enter(struct sim_process *process)
{
    struct sim_fibre *fibre = process->fibre;

    sim->current = process;
    process->wake_s = INFINITY;
#ifdef SIM_ASAN
    __sanitizer_start_switch_fiber(&outside.shadow, fibre->stack, STACK_BYTES);
#endif
    swapcontext(&outside.context, &fibre->context);
#ifdef SIM_ASAN
    __sanitizer_finish_switch_fiber(outside.shadow, NULL, NULL);
#endif
    sim->current = NULL;
}

static void leave(struct sim_fibre *fibre, bool for_good)
{
#ifdef SIM_ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &fibre->shadow, outside.bottom, outside.size);
#endif
    (void)for_good;
    swapcontext(&fibre->context, &outside.context);
#ifdef SIM_ASAN
    __sanitizer_finish_switch_fiber(fibre->shadow, NULL, NULL);
#endif
}

void sim_wait(double until_s)
{
    struct sim_process *process = sim->current;
    double              at_s = fmax(until_s, sim->now_s + 1e-6);

    if (process->dead) { /* whatever it waits for: it gives up soon */
        process->ghost_s += fmax(1, 100 * (at_s - sim->now_s));
        return;
    }
    process->wake_s = at_s;
    wake_at(process, fmax(at_s, process->stopped_s));
    leave(process->fibre, false);
}

static void process_main(void)
{
    struct sim_process *process = sim->current;

#ifdef SIM_ASAN
    __sanitizer_finish_switch_fiber(NULL, &outside.bottom, &outside.size);
#endif
    if (process->rank == 0)
        sim_root_main(process);
    else
        mx_rank_serve((struct mx_comm *)process);
    process->finished = true;
    leave(process->fibre, true);
}

static void *take_stack(void)
{
    void *stack;

    if (outside.nstacks > 0)
        return outside.stacks[--outside.nstacks];
    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        abort();
    return stack;
}

static void give_stack(void *stack)
{
    if (outside.nstacks < STACKS_KEPT)
        outside.stacks[outside.nstacks++] = stack;
    else
        munmap(stack, STACK_BYTES);
}

/* Process numbers are few, so that one comes again now and then. */
static long free_pid(unsigned host)
{
    for (;;) {
        long pid = 100 + (long)sim_below(40);
        bool used = false;

        for (size_t i = 0; i < sim->nprocesses; i++)
            used |= sim_alive(sim->processes[i]) && sim->processes[i]->host == host &&
                    sim->processes[i]->self.pid == pid;
        if (!used)
            return pid;
    }
}

struct sim_process *sim_process_start(struct sim_job *job, unsigned rank, unsigned host)
{
    struct sim_process *process = sim_calloc(1, sizeof *process);
    struct sim_fibre   *fibre = sim_calloc(1, sizeof *fibre);

    *process = (struct sim_process){.job = job, .rank = rank, .host = host, .fibre = fibre};
    snprintf(process->self.host, sizeof process->self.host, "h%u", host);
    snprintf(process->self.boot, sizeof process->self.boot, "boot-%u", sim->boots[host]);
    snprintf(process->self.pid_space, sizeof process->self.pid_space, "all");
    process->self.pid = free_pid(host);
    process->self.start = sim->order;
    process->queued_s = INFINITY;
    sim->processes = realloc(sim->processes, (sim->nprocesses + 1) * sizeof sim->processes[0]);
    if (!sim->processes)
        abort();
    sim->processes[sim->nprocesses++] = process;
    job->ranks[rank] = process;
    fibre->stack = take_stack();
    getcontext(&fibre->context);
    fibre->context.uc_stack.ss_sp = fibre->stack;
    fibre->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fibre->context, process_main, 0);
    sim_wake(process);
    return process;
}

void sim_process_kill(struct sim_process *process)
{
    if (!sim_alive(process))
        return;
    process->dead = true;
    process->news[0] = true;
    process->dropped[0] = false;
    sim_tell("rank %u of job %u is killed", process->rank, process->job->number);
    for (unsigned r = 0; process->job->tells_deaths && r < process->job->nranks; r++)
        if (process->job->ranks[r]) {
            process->job->ranks[r]->news[process->rank] = true;
            sim_wake(process->job->ranks[r]);
        }
    sim_wake(process);
}

void sim_process_stop(struct sim_process *process, double seconds)
{
    process->stopped_s = fmax(process->stopped_s, sim->now_s + seconds);
}

static void run_process(struct sim_process *process)
{
    process->queued_s = INFINITY;
    if (process->finished || process->wake_s == INFINITY)
        return;
    if (!process->dead && process->stopped_s > sim->now_s) {
        wake_at(process, process->stopped_s);
        return;
    }
    if (process->wake_s > sim->now_s && !process->dead) {
        wake_at(process, process->wake_s);
        return;
    }
    enter(process);
    if (!process->finished)
        return;
    give_stack(process->fibre->stack);
    free(process->fibre);
    process->fibre = NULL;
    if (process->rank == 0)
        sim_root_ended(process);
}

bool sim_step(void)
{
    struct sim_event event;

    if (sim->nheap == 0)
        return false;
    event = take_first();
    sim->now_s = fmax(sim->now_s, event.at_s);
    switch (event.kind) {
    case SIM_WAKE:
        if (event.at_s == event.process->queued_s) /* else it was woken before */
            run_process(event.process);
        return true;
    case SIM_PIECE:
        sim_piece_arrives(&event);
        break;
    case SIM_START:
        sim_start_job();
        break;
    default:
        sim_executor_event(&event);
        break;
    }
    sim->events++;
    sim_chaos();
    return true;
}

static void free_job(struct sim_job *job)
{
    for (unsigned from = 0; from < SIM_MAX_RANKS; from++)
        for (unsigned to = 0; to < SIM_MAX_RANKS; to++)
            mx_buf_free(&job->streams[from][to].pending);
    free(job);
}

void sim_world_free(void)
{
    for (size_t i = 0; i < sim->nprocesses; i++) {
        struct sim_process *process = sim->processes[i];

        for (unsigned r = 0; r < SIM_MAX_RANKS; r++)
            mx_buf_free(&process->inbox[r]);
        free(process->unacked);
        free(process->done);
        free(process->ended);
        free(process);
    }
    for (size_t j = 0; j < sim->njobs; j++)
        free_job(sim->jobs[j]);
    sim_disk_free(sim->disk);
    sim_oracle_free(sim->oracle);
    sim_work_free(&sim->work);
    free(sim->processes);
    free(sim->jobs);
    free(sim->heap);
}
