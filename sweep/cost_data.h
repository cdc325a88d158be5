/* cost_data.h - what the data sets of a sweep take: how many images they have, and their memory.
 *
 * Decoded image files are mapped from the cache: all executors of a node share them. Those of
 * other sets lie in the memory of each.
 */
#ifndef MX_SWEEP_COST_DATA_H
#define MX_SWEEP_COST_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"
#include "worker/params.h"

enum {
    MX_COST_SETS = 8
};

/* What is known of a data set: class folders are listed for it, which takes time. */
struct mx_cost_set {
    struct worker_params params; /* those of data count */
    struct worker_shape  shape;
    uint64_t             ntrain, ntest;
    bool                 known;
    uint64_t             shared_bytes; /* that were counted */
    struct mx_err        why;          /* it is not known */
};

struct mx_cost_sets {
    bool               smoke;             /* the data are those that --smoke generates */
    struct mx_cost_set set[MX_COST_SETS]; /* a ring of the last ones */
    size_t             n;
    uint64_t           shared_bytes; /* of all sets, once a node */
};

/* The set of these parameters, lent until the next call; !known where its size is not. */
struct mx_cost_set *mx_cost_set_find(struct mx_cost_sets *sets, const struct worker_params *params);

/* Memory of its images as one executor sees it. */
uint64_t mx_cost_set_bytes(const struct mx_cost_set *set, const struct worker_params *params);

/* How much of it all of a node share; counted into sets->shared_bytes. */
uint64_t mx_cost_set_shared(struct mx_cost_sets *sets, struct mx_cost_set *set,
                            const struct worker_params *params);

#endif
