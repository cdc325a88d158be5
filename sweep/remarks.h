/* remarks.h - what is odd with a data set's files, in words. */
#ifndef MX_SWEEP_REMARKS_H
#define MX_SWEEP_REMARKS_H

#include "base/buf.h"
#include "worker/dataset.h"

/* Append a line for each kind of oddity: damaged files left out, photos that ask to be
 * turned. `set` is the set's name. */
void mx_remarks_format(const char *set, const struct worker_remarks *remarks, struct mx_buf *out);

#endif
