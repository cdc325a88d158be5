/* naive_optimizer.h - optimisers by definition, in double precision.
 *
 * Written down from PyTorch's documentation of SGD, AdamW, clip_grad_norm_ and
 * AveragedModel, one number at a time.
 */
#ifndef MX_NAIVE_OPTIMIZER_H
#define MX_NAIVE_OPTIMIZER_H

#include <stdint.h>

#include "tests/reference/naive_net.h"

/* What is kept from step to step, an array a parameter; of norms, the averages
 * of their running statistics, an array a layer. */
struct naive_moments {
    uint64_t steps;
    double **first, **second, **average;
    double **average_mean, **average_variance;
};

struct naive_moments *naive_moments_new(const struct naive_net *naive);
void naive_moments_free(struct naive_moments *moments, const struct naive_net *naive);

/* One step from the gradients, with all that params say. */
void naive_update(struct naive_net *naive, const struct worker_params *params, double lr);

#endif
