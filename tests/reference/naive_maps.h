/* naive_maps.h - attribution maps by definition: one image, double precision, on
 * top of naive_net. Written from the definitions of docs/maps.md, not from the
 * explainer; shares with it only what is drawn. */
#ifndef MX_NAIVE_MAPS_H
#define MX_NAIVE_MAPS_H

#include <stdint.h>

#include "tests/reference/naive_net.h"
#include "worker/explain.h"

/* The map (height, width) of one image, by a naive net with n = 1. Returns its figure as worker_explain() does. */
double naive_map(struct naive_net *naive, enum worker_attribution which,
                 const struct worker_map_options *options, const float *image, uint32_t target,
                 uint32_t row, double *map);

#endif
