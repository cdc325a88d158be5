/* elementwise.h - the work on arrays that needs no library.
 *
 * All of it runs over flat arrays in whatever order they have, padding
 * included: padding that is zero stays zero. n counts floats.
 */
#ifndef KERN_ELEMENTWISE_H
#define KERN_ELEMENTWISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

/* out = a + b, then max(0, .) if relu. out may be a or b. */
void kern_add(float *out, const float *a, const float *b, size_t n, bool relu);

/* out = max(0, in), at most cap if that is above 0. out may be in. */
void kern_relu(float *out, const float *in, size_t n, float cap);

/* What kern_add_backward() through y leaves to do where y was capped (no gradient
 * passes) or dropped out (what was left had been scaled up). Not both at once. */
void kern_relu_backward(float *gradient, const float *y, size_t n, float cap, float drop);

/* Make each value 0 with probability drop, else scale it by 1 / (1 - drop). */
void kern_dropout(float *data, size_t n, float drop, struct mx_rng *rng);

/* The gradient that reaches a sum through its ReLU: out = a (+ b if not NULL)
 * where y > 0, else 0; y NULL: no ReLU. out may be a or b. */
void kern_add_backward(float *out, const float *a, const float *b, const float *y, size_t n);

/* running = (1 - rate) running + rate scale batch. */
void kern_running(float *running, const float *batch, size_t n, double rate, double scale);

/* Mean over n rows of lambda CE(y_a) + (1 - lambda) CE(y_b), and (if not NULL)
 * its gradient by the logits; both (n, classes). In double throughout. A share
 * `smoothing` of each label is spread evenly over all classes first (Szegedy and
 * others 2016 as PyTorch has it: its own class gets a part of the share too). */
double kern_softmax_loss(const float *logits, const uint32_t *y_a, const uint32_t *y_b,
                         const float *lambda, double smoothing, uint32_t n, uint32_t classes,
                         float *gradient);

/* The same with soft targets (n, classes), each summing to 1. */
double kern_softmax_target_loss(const float *logits, const float *targets, double smoothing,
                                uint32_t n, uint32_t classes, float *gradient);

/* Mix n rows of `width` floats: out[i] = share[i] in[i] + (1 - share[i]) in[partner[i]];
 * and the gradient of in from that of out. out is another array than the one read. */
void kern_mix_rows(float *out, const float *in, const float *share, const uint32_t *partner,
                   uint32_t n, size_t width);
void kern_mix_rows_backward(float *out, const float *gradient, const float *share,
                            const uint32_t *partner, uint32_t n, size_t width);

#ifdef __cplusplus
}
#endif

#endif
