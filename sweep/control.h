/* control.h - requests to a live sweep from any host: DIR/control.json.
 *
 * `mixsweep stop` writes the file, whole; rank 0 looks for it about once a
 * second, removes it, and does what it says. The file names the incarnation it
 * means, so that one that comes late stops nothing that was begun after it.
 */
#ifndef MX_SWEEP_CONTROL_H
#define MX_SWEEP_CONTROL_H

#include "base/err.h"
#include "sweep/signals.h"

/* Ask the incarnation of a sweep to drain or to end. */
int mx_control_write(const char *directory, enum mx_request request, unsigned incarnation,
                     struct mx_err *err);

/* What was asked of this incarnation since the last call, and remove the file;
 * MX_REQUEST_NONE if there is none, or one for another incarnation. A file
 * that cannot be read or understood is removed too, and told: -1 with
 * MX_EINVAL, once. */
int mx_control_take(const char *directory, unsigned incarnation, enum mx_request *request,
                    struct mx_err *err);

#endif
