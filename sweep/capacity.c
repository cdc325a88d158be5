#include "sweep/capacity.h"

#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned affinity_cpus(void)
{
    cpu_set_t set;
    int       n = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);

    return n > 0 ? (unsigned)n : 1;
}

/* The first line of a small file below root; false if it is not there. */
static bool first_line(const char *root, const char *path, char *line, int room)
{
    char  full[4096];
    FILE *file;
    bool  got;

    snprintf(full, sizeof full, "%s%s", root, path);
    if (!(file = fopen(full, "r")))
        return false;
    got = fgets(line, room, file) != NULL;
    fclose(file);
    return got;
}

/* The folder of this process's control group (version 2), "" for the root. */
static void group_path(const char *root, char *out, size_t room)
{
    char line[2048];

    out[0] = '\0';
    if (first_line(root, "/proc/self/cgroup", line, sizeof line) && strncmp(line, "0::/", 4) == 0) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(out, room, "%s", line + 3);
    }
}

/* CPUs granted per period, rounded up, by version 2, then 1; 0 = no limit. */
static unsigned quota_cpus(const char *root, const char *group)
{
    char     path[4096], line[128];
    uint64_t quota, period;

    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
    if (first_line(root, path, line, sizeof line) &&
        sscanf(line, "%" SCNu64 " %" SCNu64, &quota, &period) == 2 && period > 0)
        return (unsigned)((quota + period - 1) / period);
    if (first_line(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof line) &&
        sscanf(line, "%" SCNu64, &quota) == 1 && line[0] != '-' &&
        first_line(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", line, sizeof line) &&
        sscanf(line, "%" SCNu64, &period) == 1 && period > 0)
        return (unsigned)((quota + period - 1) / period);
    return 0;
}

/* What is left of the group's memory limit; UINT64_MAX without one. */
static uint64_t group_memory(const char *root, const char *group)
{
    char     path[4096], line[128];
    uint64_t limit, used;

    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
    if (!first_line(root, path, line, sizeof line) || sscanf(line, "%" SCNu64, &limit) != 1)
        return UINT64_MAX;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.current", group);
    if (!first_line(root, path, line, sizeof line) || sscanf(line, "%" SCNu64, &used) != 1)
        used = 0;
    return limit > used ? limit - used : 0;
}

static uint64_t available_memory(const char *root)
{
    char     path[4096], line[256];
    uint64_t kib = 0;
    FILE    *file;

    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (!(file = fopen(path, "r")))
        return UINT64_MAX;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            break;
    fclose(file);
    return kib > 0 ? kib * 1024 : UINT64_MAX;
}

void mx_capacity_read(const char *root, struct mx_capacity *capacity)
{
    char     group[2048];
    uint64_t available = available_memory(root), granted;

    group_path(root, group, sizeof group);
    granted = group_memory(root, group);
    capacity->affinity_cpus = affinity_cpus();
    capacity->quota_cpus = quota_cpus(root, group);
    capacity->memory_bytes = available < granted ? available : granted;
}

unsigned mx_capacity_cpus(const struct mx_capacity *capacity)
{
    unsigned cpus = capacity->affinity_cpus;

    if (capacity->quota_cpus > 0 && capacity->quota_cpus < cpus)
        cpus = capacity->quota_cpus;
    return cpus > 0 ? cpus : 1;
}
