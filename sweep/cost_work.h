/* cost_work.h - time, memory and disk of one stage. Inside sweep/cost*.c. */
#ifndef MX_SWEEP_COST_WORK_H
#define MX_SWEEP_COST_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "sweep/cost_data.h"
#include "sweep/cost_head.h"
#include "sweep/estimate.h"
#include "worker/engine.h"
#include "worker/params.h"
#include "worker/stage.h"

enum {
    MX_COST_GPU = MX_ESTIMATE_SPEEDS, /* speeds of a CPU stand before this, from fast to slow */
    MX_COST_SPEEDS = 2 * MX_ESTIMATE_SPEEDS, /* and those of a GPU behind */
    MX_COST_PROCESS_BYTES = 64 << 20,        /* an executor with nothing loaded */
    MX_COST_STAGE_BYTES = 4096,              /* stage.json and the header of a weights file */
};

/* What is assumed of one CPU, or one GPU. */
struct mx_cost_speed {
    double flop_s, pixel_s, start_s; /* network; making batches, a value; a stage's start */
    double head_flop_s;              /* heads: few long rows at a time */
};
extern const struct mx_cost_speed mx_cost_speeds[MX_COST_SPEEDS];

/* One stage. */
struct mx_cost_work {
    bool     filled, known;
    uint64_t same;
    double   seconds[MX_COST_SPEEDS];
    double   disk_bytes, files;        /* files: beyond those of any stage of its kind */
    uint64_t memory_bytes, kept_bytes; /* kept: in memory while other stages run */
    uint64_t shared_bytes;             /* of memory_bytes */
    char     why[160];                 /* it is not known */

    struct mx_head_size head;
};

/* What a stage is about. */
struct mx_cost_sizes {
    const struct worker_params *params;
    struct mx_cost_set         *data;
    struct worker_cost          cost; /* of the network at the stage's batch size */
    double                      values, train, val, test;
};

/* By kind: fill what a stage of these sizes costs; of the heads on one network what they share ... */
extern void (*const mx_cost_work_out[WORKER_STAGE_KINDS])(struct mx_cost_work        *work,
                                                          const struct mx_cost_sizes *sizes);

/* ... and what the one with these values adds. */
void mx_cost_add_head(struct mx_cost_work *work, const struct mx_value *value);

#endif
