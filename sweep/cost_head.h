/* cost_head.h - what training a head costs, from the sizes of its problem.
 *
 * Private to cost.c. Methods that stop when they are done are taken for as many
 * passes as they needed on real features.
 */
#ifndef MX_SWEEP_COST_HEAD_H
#define MX_SWEEP_COST_HEAD_H

#include <stdint.h>

#include "sweep/keys.h"

struct mx_head_size {
    double   train, val, test; /* images */
    uint32_t dims, classes;
};

/* Floating-point operations of one head and its scores; value: of every key, by its number. */
double mx_head_flop(const struct mx_value *value, const struct mx_head_size *size);

/* Bytes that it needs besides the features. */
double mx_head_bytes(const struct mx_value *value, const struct mx_head_size *size);

#endif
