#include "base/clock.h"

#include <math.h>
#include <stdio.h>
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

const char *mx_clock_format_utc(double utc_s, char out[MX_UTC_SIZE])
{
    time_t    whole = (time_t)floor(utc_s);
    unsigned  ms = (unsigned)((utc_s - (double)whole) * 1000);
    struct tm tm;
    size_t    n;

    gmtime_r(&whole, &tm);
    n = strftime(out, MX_UTC_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, MX_UTC_SIZE - n, ".%03uZ", ms % 1000);
    return out;
}
