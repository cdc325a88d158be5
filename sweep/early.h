/* early.h - which trainings go on: median, sha and asha, as a pure rule.
 *
 * A training is judged at rungs, numbers of epochs below its own: at min_epochs
 * r^0, r^1, r^2 ... times (sha, asha; r the reduction factor; bracket b begins at
 * r^b), or at every multiple of min_epochs (median). At a rung it waits, its
 * state on disk, until it is decided whether it goes on.
 *
 * Only trainings of one pool, those of one repeat and bracket, are compared. A
 * rung is closed once every training of the pool that could still come there is
 * there, or never will be, because it was stopped below or failed:
 *   sha, asha  of the n that came there, or failed on their way from the rung
 *              below, the best max(1, floor(n / r)) go on and the others are stopped
 *   median     stopped is what has never been better than the median over the
 *              others of the mean of their values up to here. Trainings that
 *              were stopped before, or are at their end, stay in with the values
 *              they have. With fewer than 3 others nothing is stopped.
 * Equal values: that of the lower number is better (sha, asha). NaN counts as the
 * worst infinity. In means values beyond 1e300 count as 1e300.
 * What is decided when a rung closes is a function of the values alone, and so
 * the same for any number of executors and any order of things.
 *
 * asha does not wait: when n have come to a rung, whichever is among the best
 * floor(n / r) goes on at once, and what has gone on stays on. That depends on the
 * order of arrival; closing decides about the rest.
 *
 * Sources: median: Golovin et al., Google Vizier, 2017; sha: Jamieson and
 * Talwalkar, 2016; brackets: Li et al., Hyperband, 2018; asha: Li et al., 2020.
 */
#ifndef MX_SWEEP_EARLY_H
#define MX_SWEEP_EARLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/words.h"

/* Zeroed: no early stopping. */
struct mx_early_rule {
    enum mx_early_stop rule;
    uint32_t           min_epochs; /* from 1 */
    uint32_t           reduction;  /* r, from 2; median: not used */
    bool               smaller;    /* smaller values are better */
};

/* Something that may be judged. */
struct mx_early_training {
    uint32_t epochs;  /* that it takes; 0: it is never judged */
    uint32_t repeat;  /* of its pool */
    uint32_t bracket; /* of its pool; its rungs begin with this one */
};

struct mx_early;

/* Trainings are known by their place in the list. Returns NULL with MX_ENOMEM, or
 * MX_ERANGE if there are more than 2^28 rungs in all. */
struct mx_early *mx_early_new(const struct mx_early_rule     *rule,
                              const struct mx_early_training *list, uint32_t count,
                              struct mx_err *err);
void             mx_early_free(struct mx_early *early); /* NULL is allowed */

/* The epoch at which a training waits next; 0 if it goes on to its end. */
uint32_t mx_early_until(const struct mx_early *early, uint32_t training);

/* A training has come to its next rung, at `epoch`. Returns false, with nothing
 * changed, if that is not where it waits next, or it is not known to have been
 * let past the rung before. */
bool mx_early_reached(struct mx_early *early, uint32_t training, uint32_t epoch, double value);

/* A training comes to no rung any more: it is done, has failed or is not needed.
 * What has been stopped stays so. */
void mx_early_gone(struct mx_early *early, uint32_t training);

/* What an earlier incarnation decided of a training that waits at `epoch`: it
 * stands. false as above. */
bool mx_early_decided(struct mx_early *early, uint32_t training, uint32_t epoch, bool go_on);

/* Nothing is known of a training any more: it begins anew. Not after mx_early_let_go(). */
void mx_early_forget(struct mx_early *early, uint32_t training);

bool mx_early_waits(const struct mx_early *early, uint32_t training);      /* for a decision */
bool mx_early_is_stopped(const struct mx_early *early, uint32_t training); /* by one */

/* How many rungs a training has come to. */
uint32_t mx_early_reached_count(const struct mx_early *early, uint32_t training);

struct mx_early_decision {
    uint32_t training, rung, epoch;
    bool     go_on;
};

/* The next decision that follows from what is known; false if none does. To be
 * asked until then after each change, and not before all that is known was told. */
bool mx_early_next(struct mx_early *early, struct mx_early_decision *decision);

/* The epochs of the first `most` rungs of a training; returns how many it has. */
uint32_t mx_early_rungs(const struct mx_early_rule *rule, const struct mx_early_training *training,
                        uint32_t most, uint32_t *epochs);

/* Let go what no decision needs any more: of rungs that are closed and decided, which came there; with sha and
 * asha, values. Nothing can be forgotten from then on. What is left of a training that has ended is
 * some 20 bytes, 16 more for each rung that is still open, and with median 8 for each that it came to. */
void   mx_early_let_go(struct mx_early *early);
size_t mx_early_bytes(const struct mx_early *early); /* of memory that it holds */

/* Check every invariant from scratch; MX_EINTERNAL says which does not hold. */
int mx_early_check(const struct mx_early *early, struct mx_err *err);

#endif
