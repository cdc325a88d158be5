/* clock.h - the time, as a monotonic count and as UTC text.
 *
 * Decisions use the monotonic clock only; UTC is for people and records.
 */
#ifndef MX_CLOCK_H
#define MX_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MX_UTC_SIZE = 32,
    MX_UTC_LENGTH = 24, /* of a time that is written, without its NUL */
};

/* Seconds since an arbitrary start that never steps back (CLOCK_MONOTONIC). */
double mx_clock_monotonic_s(void);

/* Seconds since 1970-01-01 UTC. */
double mx_clock_utc_s(void);

/* Seconds of CPU time that this process and its threads have taken. */
double mx_clock_cpu_s(void);

/* Wait, or less if a signal comes. */
void mx_clock_sleep_s(double seconds);

/* RFC 3339, rounded to milliseconds, "2026-01-31T09:30:00.125Z"; "" for what is
 * no time between 1970 and 9999. Returns out. */
const char *mx_clock_format_utc(double utc_s, char out[MX_UTC_SIZE]);

/* Read text[0 .. MX_UTC_LENGTH) if it is just what mx_clock_format_utc() writes
 * for some time; false, *utc_s untouched, if not. */
bool mx_clock_parse_utc(const char *text, double *utc_s);

#ifdef __cplusplus
}
#endif

#endif
