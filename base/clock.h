/* clock.h - the time, as a monotonic count and as UTC text.
 *
 * Decisions use the monotonic clock only; UTC is for people and records.
 */
#ifndef MX_CLOCK_H
#define MX_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MX_UTC_SIZE = 32
};

/* Seconds since an arbitrary start that never steps back (CLOCK_MONOTONIC). */
double mx_clock_monotonic_s(void);

/* Seconds since 1970-01-01 UTC. */
double mx_clock_utc_s(void);

/* RFC 3339, rounded to milliseconds, "2026-01-31T09:30:00.125Z"; "" for what is
 * no time between 1970 and 9999. Returns out. */
const char *mx_clock_format_utc(double utc_s, char out[MX_UTC_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
