/* cross.h - stages that compare the models of a sweep with each other.
 *
 * Once every trial is planned, the networks that were trained on the same kind of images
 * meet: each scores the maps of all (a stage `scorer` a model, so that the work fans out),
 * one stage `inter_model` puts the scores side by side, and a stage `standing` a model
 * hands its numbers to the trials that are made of it. The first two go on without inputs
 * that have failed. A key holds the keys of everything that is compared: one more cell is
 * another comparison, behind the same trainings and maps. docs/maps.md says what is
 * compared.
 */
#ifndef MX_SWEEP_CROSS_H
#define MX_SWEEP_CROSS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/plan.h"

/* Whether a configuration asks for it. */
bool mx_cross_asked(const struct mx_config *config);

/* Who the outside scorer is. */
enum mx_cross_outside {
    MX_OUTSIDE_NONE,
    MX_OUTSIDE_TRAINED, /* one more repeat of strategy none */
    MX_OUTSIDE_FILE,
};
enum mx_cross_outside mx_cross_outside(const struct mx_config *config);

/* True of points whose networks can be compared: images and shapes are the same. */
uint64_t mx_cross_group(const struct mx_point *point);

/* How many of a group's models meet: `all`, or as many as the configuration says, first
 * repeats first; 0 if there are fewer than two. */
uint64_t mx_cross_models(const struct mx_config *config, uint64_t all);

/* Add the stages to a plan that has all trials. Returns 0, or -1 with MX_EINVAL (more
 * than MX_CROSS_MODELS models), MX_ENOMEM, or what the fingerprint function said. */
int mx_cross_plan(struct mx_plan *plan, const struct mx_config *config,
                  mx_fingerprint_fn *fingerprint, void *user, struct mx_err *err);

/* Whether stages of a kind are such. */
bool mx_cross_kind(enum worker_kind kind);

/* Whether stages of a kind go on when some of their inputs have failed. */
bool mx_cross_goes_on(enum worker_kind kind);

/* Make a trial's point that of a stage. */
void mx_cross_alter(const struct mx_grid *grid, enum mx_stage_of of, struct mx_point *point);

/* Say of an input whose model it is of. */
void mx_cross_name_input(const struct mx_plan *plan, const struct mx_stage *stage,
                         struct worker_input *input);

#endif
