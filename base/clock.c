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
    static const double year_10000_s = 253402300800.0;
    long long           ms;
    time_t              whole;
    struct tm           tm;
    size_t              n;

    out[0] = '\0';
    if (!(utc_s >= 0 && utc_s < year_10000_s - 1))
        return out;
    ms = llround(utc_s * 1000);
    whole = (time_t)(ms / 1000);
    gmtime_r(&whole, &tm);
    n = strftime(out, MX_UTC_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, MX_UTC_SIZE - n, ".%03dZ", (int)(ms % 1000));
    return out;
}
