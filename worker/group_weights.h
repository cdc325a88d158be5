/* group_weights.h - the adversary's half of group DRO (Sagawa et al. 2020). */
#ifndef MX_WORKER_GROUP_WEIGHTS_H
#define MX_WORKER_GROUP_WEIGHTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a batch says of one group. */
struct worker_group_loss {
    uint32_t n;
    double   sum; /* of the losses of its samples */
};

/* Multiply the weight of each group that has samples by exp(rate times its mean
 * loss), leave the others', and make all sum to 1 again. Then the loss:
 * the sum of weight times mean group loss, of the groups that have samples. */
double worker_group_weights_update(double *weights, const struct worker_group_loss *losses,
                                   uint32_t groups, double rate);

#ifdef __cplusplus
}
#endif

#endif
