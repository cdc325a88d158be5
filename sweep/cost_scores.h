/* cost_scores.h - what scoring a network's maps costs, for sweep/cost.c. */
#ifndef MX_SWEEP_COST_SCORES_H
#define MX_SWEEP_COST_SCORES_H

#include <stdint.h>

#include "worker/dataset.h"
#include "worker/params.h"

struct mx_scores_size {
    double   maps;      /* images that have maps */
    double   val, test; /* images */
    uint64_t map_bytes; /* mx_maps_bytes(): of an explainer */
};

struct mx_scores_cost {
    double   passes; /* forward passes of the network, and what takes as long */
    double   flop;   /* of what is done beside them */
    double   disk_bytes, files;
    uint64_t memory_bytes; /* beside the network's, the set's and a batch's */
};

struct mx_scores_cost mx_scores_cost(const struct worker_params  *params,
                                     const struct worker_shape   *shape,
                                     const struct mx_scores_size *size);

#endif
