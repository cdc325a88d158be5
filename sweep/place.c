/* place.c - what a process sees of the place where it runs. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep/capacity.h"
#include "sweep/gpu_choice.h"
#include "sweep/owner.h"
#include "sweep/share.h"

enum {
    WORDS = MX_MAX_CPUS / 64,
};

/* The CPUs a process may run on, as bits. */
static bool affinity(pid_t pid, uint64_t cpus[WORDS])
{
    cpu_set_t *set = CPU_ALLOC(MX_MAX_CPUS);
    size_t     size = CPU_ALLOC_SIZE(MX_MAX_CPUS);
    bool       known = set && sched_getaffinity(pid, size, set) == 0;

    for (size_t i = 0; known && i < MX_MAX_CPUS; i++)
        if (CPU_ISSET_S(i, size, set))
            cpus[i / 64] |= (uint64_t)1 << (i % 64);
    CPU_FREE(set);
    return known;
}

static unsigned count_cpus(const uint64_t cpus[WORDS])
{
    unsigned n = 0;

    for (size_t w = 0; w < WORDS; w++)
        n += (unsigned)__builtin_popcountll(cpus[w]);
    return n;
}

/* Slurm's step daemon may run anywhere; its job may not. */
static unsigned slurm_cpus(void)
{
    const char *text = getenv("SLURM_CPUS_ON_NODE");

    return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static const char *look_up(const char *name)
{
    return getenv(name);
}

int mx_place_look(struct mx_place *place, struct mx_err *err)
{
    struct mx_capacity capacity;
    struct mx_process  self;
    uint64_t           launchers[WORDS] = {0};
    unsigned           granted = slurm_cpus();

    *place = (struct mx_place){0};
    if (mx_owner_machine.self(NULL, &self, err))
        return -1;
    if (!affinity(0, place->cpus))
        return mx_fail_errno(err, MX_EIO, errno, "cannot tell which CPUs may be used");
    memcpy(place->host, self.host, sizeof place->host);
    memcpy(place->boot, self.boot, sizeof place->boot);
    mx_capacity_read("", &capacity);
    place->quota_cpus = capacity.quota_cpus;
    place->memory_bytes = capacity.memory_bytes;
    place->local = mx_gpu_local_rank(look_up);
    place->node_cpus = count_cpus(affinity(getppid(), launchers) ? launchers : place->cpus);
    if (granted > 0 && granted < place->node_cpus)
        place->node_cpus = granted;
    return 0;
}
