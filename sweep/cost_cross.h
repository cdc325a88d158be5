/* cost_cross.h - how large a comparison of models is, and what it costs; for
 * sweep/estimate.c and sweep/cost.c. Its work grows as the square of the models.
 */
#ifndef MX_SWEEP_COST_CROSS_H
#define MX_SWEEP_COST_CROSS_H

#include <stdbool.h>
#include <stdint.h>

#include "sweep/estimate.h"
#include "worker/dataset.h"
#include "worker/params.h"

enum {
    MX_CROSS_GROUPS = 64 /* kinds of images that are told apart; more count as one */
};

/* Networks by the images that they were trained on, counted while a grid is walked. */
struct mx_cross_count {
    bool     asked;
    unsigned ngroups;
    struct {
        uint64_t id, trained, uses; /* of one repeat */
    } groups[MX_CROSS_GROUPS];
};

/* A cell whose network is of a group (mx_cross_group()), certainly new or not. */
void mx_cross_count_take(struct mx_cross_count *count, uint64_t group, bool fresh);

/* Fill the kinds of a comparison, and what estimate->cross says but for hours. */
void mx_cross_count_fill(const struct mx_cross_count *count, const struct mx_config *config,
                         struct mx_estimate *estimate);

/* Forward passes that a model needs for the maps of one. */
double mx_cross_passes(const struct worker_params *params, double images);

/* The share of them that is left since all models of a repeat have the same controls,
 * which a scorer scores once; under seeds: independent each has its own. */
double mx_cross_share(const struct mx_estimate *estimate, const struct mx_config *config,
                      const struct worker_params *params);

/* Numbers that it leaves of them. */
double mx_cross_numbers(const struct worker_params *params, double images);

/* What putting scores side by side takes: seconds at so many operations a second, bytes of
 * memory; bytes and files on disk. */
struct mx_cross_join {
    double operations, memory_bytes, disk_bytes, files;
};
struct mx_cross_join mx_cross_join(const struct mx_estimate   *estimate,
                                   const struct worker_params *params, double images);

#endif
