/* cost_early.h - what early stopping takes from the time of a sweep.
 *
 * Values are not known beforehand, but how many go on is, nearly: with sha and asha one of every r at each
 * rung, and one at least, of each repeat and bracket (asha lets a few more through). With median it is assumed that half
 * end at the first rung and none later: those that were ahead stay ahead.
 */
#ifndef MX_SWEEP_COST_EARLY_H
#define MX_SWEEP_COST_EARLY_H

#include <stdint.h>

#include "sweep/config.h"

enum {
    MX_COST_EARLY_PARTS = 34 /* more rungs than 2^32 epochs have */
};

/* Zeroed: nothing was taken. Parts lie between one rung of bracket 0 and the next. */
struct mx_cost_early {
    double seconds[MX_COST_EARLY_PARTS]; /* of all trainings, if none is stopped */
    double last[MX_COST_EARLY_PARTS];    /* so many trainings end in this part */
};

/* Take a training of so many epochs and seconds. */
void mx_cost_early_take(struct mx_cost_early *early, const struct mx_config *config,
                        uint32_t epochs, double seconds);

struct mx_cost_early_shares {
    double seconds; /* of trainings' time that is left */
    double ended;   /* of trainings that come to their end */
};

/* Of `n` trainings a repeat, distributed as those that were taken. Both are 1 without a rule, or if none was taken. */
struct mx_cost_early_shares mx_cost_early_shares(const struct mx_cost_early *early,
                                                 const struct mx_config *config, double n);

#endif
