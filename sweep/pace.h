/* pace.h - how much of a sweep's work is done and how much is left, by kinds of stages.
 *
 * Trials are no measure of it where they share their stages: all of them may wait for the last one.
 */
#ifndef MX_SWEEP_PACE_H
#define MX_SWEEP_PACE_H

#include <stddef.h>
#include <stdint.h>

/* Stages of one kind, which take about as long. Times in seconds of one executor. */
struct mx_pace_kind {
    uint64_t open;           /* that have not ended, running ones too */
    uint64_t timed;          /* that were done, or came to a rung, ... */
    double   timed_s;        /* ... and took this, together */
    double   running_shares; /* sum over the running ones of the share that is done */
    double   expected_s;     /* of one, before it was measured; 0: nothing is expected */
};

/* Work that was done, the shares of running stages included, and work that is left, in seconds of
 * one executor. A kind of which none was timed counts as expected, made longer or shorter as the kinds
 * that were timed are; where nothing is expected of any kind, as those that were timed
 * do on average. Only the ratio of the two means anything before a stage was timed. */
void mx_pace(const struct mx_pace_kind *kinds, size_t nkinds, double *done_s, double *left_s);

#endif
