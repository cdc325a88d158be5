#include "base/clock.h"

#include <math.h>
#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double mx_clock_monotonic_s(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double mx_clock_utc_s(void)
{
    return read_clock(CLOCK_REALTIME);
}

double mx_clock_cpu_s(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void mx_clock_sleep_s(double seconds)
{
    struct timespec left = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};

    nanosleep(&left, NULL);
}
