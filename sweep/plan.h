/* plan.h - trials made of shared stages.
 *
 * The plan of a sweep that is going to run: every cell with its repeats, and
 * every distinct stage once. (`mixsweep plan` counts without building this:
 * see sweep/estimate.h.)
 */
#ifndef MX_SWEEP_PLAN_H
#define MX_SWEEP_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "sweep/grid.h"
#include "worker/stage.h"

/* Whose parameters a stage has. */
enum mx_stage_of {
    MX_STAGE_OF_TRIAL,   /* those of trial `first_trial` */
    MX_STAGE_OF_PLAIN,   /* those, but that nothing is mixed: training of an outside scorer */
    MX_STAGE_OF_OUTSIDE, /* those, with the weights of score.inter_model.reference */
};

/* One stage. */
struct mx_stage {
    struct mx_hash128 key;
    enum worker_kind  kind;
    enum mx_stage_of  of;
    uint32_t          first_trial, repeat;
    uint32_t          nuses;                /* trials that need it */
    uint32_t          first_input, ninputs; /* into plan->inputs: stages that come before */
    uint32_t          epochs, bracket;      /* of a training that early stopping judges; else 0 */
};

struct mx_trial {
    uint64_t point; /* number in the grid */
    uint64_t cell;
    uint32_t repeat;
    uint32_t first_stage, nstages; /* into plan->stage_of: in order, the last one ends the trial */
};

struct mx_plan {
    const struct mx_grid *grid; /* lent */
    uint64_t              points, cells, excluded, folded;
    uint32_t              ntrials, nstages;
    struct mx_trial      *trials; /* in grid order, then repeat */
    struct mx_stage      *stages;
    uint32_t             *stage_of; /* stage numbers, trial after trial */
    uint32_t             *inputs;   /* stage numbers */
};

/* The fingerprint of the data that a point reads (worker_dataset_probe, and
 * worker_weights_fingerprint where it has model.weights, or support_indices, which are
 * in the parameters only when a head is asked about; worker_mark_files_fingerprint where
 * score_metrics read them, which are there only when scores are asked about; kept per
 * distinct set and path by the caller). Returns 0, or -1 with *err. */
typedef int mx_fingerprint_fn(void *user, const struct worker_params *params, uint64_t *fingerprint,
                              struct mx_err *err);

/* A fingerprint that covers one more file. */
uint64_t mx_fingerprint_add(uint64_t fingerprint, uint64_t file);

/* Build the plan. Returns a plan to be released with mx_plan_free(); or NULL:
 *   MX_EINVAL  no cell is left, or two different cells share one id (named)
 *   MX_ERANGE  more than 10^7 trials
 *   MX_ENOMEM, or what the fingerprint function said */
struct mx_plan *mx_plan_new(const struct mx_config *config, const struct mx_grid *grid,
                            mx_fingerprint_fn *fingerprint, void *user, struct mx_err *err);
void            mx_plan_free(struct mx_plan *plan); /* NULL is allowed */

/* Everything a worker needs to run one stage, inputs included, except what it
 * leaves on disk and where. The job is a zeroed one, or one that has been made
 * here before, and is released with worker_job_free(). */
int mx_plan_job(const struct mx_plan *plan, const struct mx_config *config, uint32_t stage,
                struct worker_job *job, struct mx_err *err);

/* The same in a job that was made for stage `before`: what both have in common,
 * stages of one cell nearly everything, stays there. After a failure the job is
 * of no stage. */
int mx_plan_next_job(const struct mx_plan *plan, const struct mx_config *config, uint32_t before,
                     uint32_t stage, struct worker_job *job, struct mx_err *err);

enum {
    MX_TRIAL_NAME_SIZE = 32
};

/* "CELL.rN"; returns out. */
const char *mx_trial_name(const struct mx_trial *trial, char out[MX_TRIAL_NAME_SIZE]);

/* True if `id` is the trial's name or its cell's. */
bool mx_trial_is(const struct mx_trial *trial, const char *id);

/* The path of a file of a stage in DIR/stages, or of its folder if `file` is "", to be
 * freed; NULL if there is no memory. */
char *mx_plan_stage_path(const struct mx_plan *plan, uint32_t stage, const char *directory,
                         const char *file);

#endif
