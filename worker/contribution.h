/* contribution.h - the numbers that a rank's executors computed, kept for the
 * reduction of the result table.
 *
 * A slot of that table is stage x metric: stage * (number of metrics) + place
 * of the metric in rank 0's list of names.
 */
#ifndef MX_WORKER_CONTRIBUTION_H
#define MX_WORKER_CONTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "reduce/tree.h"
#include "worker/stage.h"

struct worker_contributions;

struct worker_contributions *worker_contributions_new(struct mx_err *err);
void worker_contributions_free(struct worker_contributions *c); /* NULL is allowed */

/* Remember what a stage gave under a lease; lease 0: what a journal says of it.
 * -1 with MX_ENOMEM. */
int worker_contributions_add(struct worker_contributions *c, uint64_t lease, uint32_t stage,
                             const struct worker_metric *metrics, size_t nmetrics,
                             struct mx_err *err);

/* Forget it: the answer came too late and does not count. */
void worker_contributions_drop(struct worker_contributions *c, uint64_t lease);

/* The names of all metrics so far, in order of first appearance. */
size_t      worker_contributions_nnames(const struct worker_contributions *c);
const char *worker_contributions_name(const struct worker_contributions *c, size_t i); /* lent */

/* Put them into slots; names: of rank 0; metrics that it does not list are left
 * out. wanted: by stage, which ones; NULL = all. Returns 0, or -1 with MX_ENOMEM. */
int worker_contributions_slots(const struct worker_contributions *c, const char *const *names,
                               size_t nnames, const bool *wanted, struct reduce_slots *slots,
                               struct mx_err *err);

#endif
