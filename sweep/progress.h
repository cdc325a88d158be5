/* progress.h - how fast a sweep goes and when it will be done. */
#ifndef MX_SWEEP_PROGRESS_H
#define MX_SWEEP_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/* What is known at one moment. Times on one clock, in seconds. */
struct mx_progress {
    uint64_t ended, planned; /* trials in a final state; all trials */
    uint64_t ended_here;     /* of those, by this incarnation */
    uint64_t running;        /* trials */
    double   done_s, left_s; /* work of this incarnation, and work that is left (sweep/pace.h) */
    double   elapsed_s;      /* of this incarnation */
};

/* Trials an hour in this incarnation, each counted by how much of its work is done, whether it
 * has ended or not; NaN while nothing has moved. */
double mx_progress_rate(const struct mx_progress *progress);

/* Seconds until everything is done at that rate; NaN while unknown, 0 at the end. */
double mx_progress_eta_s(const struct mx_progress *progress);

/* What that is made from, for people: short, so that it fits behind speed and ETA. */
extern const char mx_progress_basis[];

/* A length of time for people: "45s", "12m", "2h05m", "3d04h"; "unknown" for NaN. Returns
 * out (size room). */
const char *mx_progress_time(double seconds, char *out, size_t room);

/* One line without line end, at most `width` columns (16 or more), ASCII: the bar of a
 * terminal. "[=====>    ] 12/24 done, 1 failed, 2 running, 35/h, ETA 12m". */
void mx_progress_bar(const struct mx_progress *progress, uint64_t failed, unsigned width, char *out,
                     size_t room);

/* The same facts as a plain line for logs: "12 of 24 done, 1 failed, ...". */
void mx_progress_line(const struct mx_progress *progress, uint64_t failed, char *out, size_t room);

#endif
