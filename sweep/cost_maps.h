/* cost_maps.h - what attribution maps cost, for sweep/cost.c. */
#ifndef MX_SWEEP_COST_MAPS_H
#define MX_SWEEP_COST_MAPS_H

#include <stdint.h>

#include "worker/dataset.h"
#include "worker/params.h"

/* Forward passes of the network, and what takes as long, that all maps of one image need. */
double mx_maps_passes(const struct worker_params *params, const struct worker_shape *shape);

/* Files of maps: those asked for, and the controls. */
uint32_t mx_maps_count(const struct worker_params *params);

/* Memory of the explainer: outputs and gradients of all layers for its batch,
 * half as much again for layer_relevance, and the weights. 0 if the network cannot be built. */
uint64_t mx_maps_bytes(const struct worker_params *params, const struct worker_shape *shape);

#endif
