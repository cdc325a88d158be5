/* capacity.h - how many executors this machine can carry. */
#ifndef MX_SWEEP_CAPACITY_H
#define MX_SWEEP_CAPACITY_H

#include <stdint.h>

#include "base/buf.h"

struct mx_capacity {
    unsigned affinity_cpus; /* CPUs this process may run on */
    unsigned quota_cpus;    /* CPU time the control group grants, rounded up; 0 = no limit */
    uint64_t memory_bytes;  /* free for us: of the machine and of the control group */
};

/* Look at this machine: sched_getaffinity, cgroup v2 and v1 limits below
 * `root` ("" for the real ones; tests give a folder), /proc/meminfo. */
void mx_capacity_read(const char *root, struct mx_capacity *capacity);

/* CPUs that can be used at once, 1 or more. */
unsigned mx_capacity_cpus(const struct mx_capacity *capacity);

#endif
