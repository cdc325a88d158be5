/* machine.c - clocks, processes as others see them, signals: base/clock.h,
 * mx_owner_machine, mx_place_look(), sweep/signals.h in a simulation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sweep/owner.h"
#include "sweep/share.h"
#include "sweep/signals.h"
#include "sweep/spawn.h"
#include "world.h"

static const double boot_s = 1000, begin_utc_s = 1.79e9;

double mx_clock_monotonic_s(void)
{
    return boot_s + sim->now_s + (sim->current ? sim->current->ghost_s : 0);
}

double mx_clock_utc_s(void)
{
    return begin_utc_s + sim->now_s + sim->utc_ahead_s;
}

void mx_clock_sleep_s(double seconds)
{
    /* Who looks again and again is late now and then, and that costs nothing. */
    sim_wait(sim->now_s + fmax(seconds, 0.05 * sim_uniform()));
}

static int self(void *user, struct mx_process *self, struct mx_err *err)
{
    (void)user;
    (void)err;
    *self = sim->current->self;
    return 0;
}

/* The process of that number on the host of the one that asks. */
static struct sim_process *find(long pid)
{
    for (size_t i = 0; i < sim->nprocesses; i++) {
        struct sim_process *process = sim->processes[i];

        if (sim_alive(process) && process->host == sim->current->host && process->self.pid == pid)
            return process;
    }
    return NULL;
}

static bool start_of(void *user, long pid, uint64_t *start)
{
    const struct sim_process *process = find(pid);

    (void)user;
    if (process)
        *start = process->self.start;
    return process != NULL;
}

static double utc_s(void *user)
{
    (void)user;
    return mx_clock_utc_s();
}

static void sleep_s(void *user, double seconds)
{
    (void)user;
    mx_clock_sleep_s(seconds);
}

const struct mx_owner_system mx_owner_machine = {self,  start_of, sim_disk_age,
                                                 utc_s, sleep_s,  NULL};

void mx_process_end(const struct mx_process *process)
{
    struct sim_process *found = find(process->pid);

    if (found && found->self.start == process->start && sim_is_real())
        sim_process_kill(found);
}

int mx_place_look(struct mx_place *place, struct mx_err *err)
{
    (void)err;
    *place =
        (struct mx_place){.node_cpus = 64, .memory_bytes = (uint64_t)1 << 40, .cpus = {UINT64_MAX}};
    memcpy(place->host, sim->current->self.host, sizeof place->host);
    memcpy(place->boot, sim->current->self.boot, sizeof place->boot);
    return 0;
}

char *mx_program_path(struct mx_err *err)
{
    (void)err;
    return strdup("/bin/mixsweep");
}

int mx_signals_install(struct mx_err *err)
{
    (void)err;
    return 0;
}

int mx_signals_fd(void)
{
    return -1;
}

void mx_signals_wait(double seconds)
{
    sim_wait(sim->now_s + fmax(seconds, sim->current->began ? sim->rank_timeout_s / 16 : 5));
}

enum mx_request mx_signals_request(void)
{
    return sim->current->signal;
}

double mx_signals_grace_s(bool launched)
{
    return launched ? 0.25 : 10;
}

const char *mx_signals_name(void)
{
    return "SIGTERM";
}
