/* head_needs.h - what a head method asks of the samples that it is trained on.
 *
 * Known from how many samples of each class and group there are, so that it can be told
 * before anything is computed.
 */
#ifndef MX_WORKER_HEAD_NEEDS_H
#define MX_WORKER_HEAD_NEEDS_H

#include <stdint.h>

#include "base/err.h"
#include "worker/features.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Samples of train and val. A zeroed struct is empty. */
struct worker_head_counts {
    uint32_t  classes, groups;         /* groups 0: none */
    uint32_t  val;                     /* samples of the validation split */
    uint32_t *train_class;             /* (classes) */
    uint32_t *train_group, *val_group; /* (groups) */
};

/* Labels and groups of a split, lent; groups NULL without. */
struct worker_head_samples {
    const uint32_t *labels, *groups;
    uint32_t        n;
};

/* Count them. Returns 0 with *counts to be released, or -1 with MX_ENOMEM and *counts empty. */
int  worker_head_count(const struct worker_head_samples *train,
                       const struct worker_head_samples *val, uint32_t classes, uint32_t groups,
                       struct worker_head_counts *counts, struct mx_err *err);
int  worker_head_count_features(const struct worker_features *features,
                                struct worker_head_counts *counts, struct mx_err *err);
void worker_head_counts_free(struct worker_head_counts *counts);

/* Whether params->head_method can do with them. Returns 0, or -1 with MX_EDATA: there are no
 * groups to balance, no validation samples to choose by, none of a group in the split that
 * is balanced though train or val has some, or (hsfm without support_indices) a class has fewer
 * training samples than the support set wants. What is missing is named, and what to do. */
int worker_head_needs(const struct worker_params *params, const struct worker_head_counts *counts,
                      struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
