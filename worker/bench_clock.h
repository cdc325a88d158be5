/* bench_clock.h - the clock of a measurement: CPU time of the process where the CPU works, the wall's
 * where a GPU does. */
#ifndef MX_WORKER_BENCH_CLOCK_H
#define MX_WORKER_BENCH_CLOCK_H

#include "base/clock.h"
#include "worker/device.h"

/* Seconds since some start. */
static inline double worker_bench_clock(enum worker_device device)
{
    return device == WORKER_DEVICE_CPU ? mx_clock_cpu_s() : mx_clock_monotonic_s();
}

#endif
