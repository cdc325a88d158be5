/* log_limit.h - how many lines of a kind are written: some a second, the others
 * are counted.
 *
 * A bucket of tokens that fills with time. It knows no clock: times are given, so
 * that a test's clock does.
 */
#ifndef MX_SWEEP_LOG_LIMIT_H
#define MX_SWEEP_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed with rate and every_s set = ready, and full. */
struct mx_log_limit {
    double   rate;    /* lines a second; so many may come at once, too */
    double   every_s; /* how often the count of the others is told */
    double   used;    /* of those that may come at once */
    double   now_s;   /* of the last call */
    uint64_t left_out;
    double   since_s; /* when the first of them was */
};

/* Whether one more line may be written now; if not, it is counted. */
bool mx_log_limit_take(struct mx_log_limit *limit, double now_s);

/* How many were left out, once every_s has passed since the first of them; 0
 * before. Over how long is in *seconds; the count begins anew. Infinity for
 * now_s: at the end, whatever the time (*seconds is then up to the last call). */
uint64_t mx_log_limit_due(struct mx_log_limit *limit, double now_s, double *seconds);

#endif
