/* rows.h - rows of frozen features, and the sums over them that heads need.
 *
 * Features are read as they are stored, float or double, and are never copied;
 * every sum is taken in double, in an order that depends on the shape alone.
 */
#ifndef MX_WORKER_ROWS_H
#define MX_WORKER_ROWS_H

#include <stdint.h>

#include "worker/features.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Some rows of a split, in an order of one's own. Lent, all of it. */
struct worker_rows {
    const struct worker_feature_split *split;
    uint32_t                           dims;
    const uint32_t                    *index; /* (n) rows of the split; NULL: the first n */
    uint32_t                           n;
};

/* All rows of one split. */
struct worker_rows worker_rows_all(const struct worker_features *features,
                                   enum worker_feature_part      part);

/* Which row of the split the i-th one is, its label and its group (0 without groups). */
uint32_t worker_row_index(const struct worker_rows *rows, uint32_t i);
uint32_t worker_row_label(const struct worker_rows *rows, uint32_t i);
uint32_t worker_row_group(const struct worker_rows *rows, uint32_t i);

/* The product of a row with w (dims). */
double worker_row_dot(const struct worker_rows *rows, uint32_t i, const double *w);

/* sum (dims) += factor row. */
void worker_row_add(const struct worker_rows *rows, uint32_t i, double factor, double *sum);

/* Write the row's numbers to out[k * stride]. */
void worker_row_copy(const struct worker_rows *rows, uint32_t i, double *out, size_t stride);

#ifdef __cplusplus
}
#endif

#endif
