/* naive_relevance.h - layer-wise relevance by definition, and what it has in common with
 * the other maps of tests/reference/naive_maps.h. All of one image, in eval mode. */
#ifndef MX_NAIVE_RELEVANCE_H
#define MX_NAIVE_RELEVANCE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/reference/naive_net.h"

/* Relevance of every pixel, channels summed, to map (height, width), which is 0. Returns
 * what reached them in all. */
double naive_relevance(struct naive_net *naive, const float *image, uint32_t target, double *map);

/* The target's logit; outputs stay in naive->values. */
double naive_eval_forward(struct naive_net *naive, const float *image, uint32_t target);

/* Numbers of an output; a layer's parameters; the shape of its window; what a norm in eval
 * mode multiplies channel c by. */
size_t            naive_layer_size(const struct naive_net *naive, uint32_t l);
double          **naive_own_parameters(const struct naive_net *naive, uint32_t l);
struct naive_conv naive_window_of(const struct naive_net *naive, uint32_t l);
double            naive_norm_factor(const struct naive_net *naive, uint32_t l, size_t c);

/* Add to dx what a mean, global or over windows, hands back; make all gradients 0. */
void naive_mean_backward(const struct naive_net *naive, uint32_t l, const double *dy, double *dx);
void naive_clear_gradients(struct naive_net *naive);

#endif
