/* control.h - requests to a live sweep from any host: DIR/control.json.
 *
 * `mixsweep stop` writes the file, whole; rank 0 looks for it about once a
 * second, removes it, and does what it says. The file names the incarnation it
 * means, so that one that comes late stops nothing that was begun after it;
 * mx_outdir_begin() removes what such a one left.
 *
 *   {"request":"drain"|"end","incarnation":N,"host":TEXT,"pid":N,"at":UTC}
 *
 * host and pid are those of the process that asks.
 */
#ifndef MX_SWEEP_CONTROL_H
#define MX_SWEEP_CONTROL_H

#include "base/err.h"
#include "sweep/signals.h"

#define MX_CONTROL_FILE "control.json"

/* Ask the incarnation of a sweep to drain or to end. What was asked before and
 * not taken yet is replaced. Returns 0, or -1 with MX_EIO or MX_ENOMEM. */
int mx_control_write(const char *directory, enum mx_request request, unsigned incarnation,
                     struct mx_err *err);

/* Something asked, and on which host. */
struct mx_control {
    enum mx_request request;
    char            host[64];
};

/* What was asked of this incarnation since the last call, and remove the file;
 * MX_REQUEST_NONE if there is none, or one for another incarnation. A file
 * that cannot be read or understood is removed too: -1 with MX_EINVAL, once.
 * -1 with MX_EIO: the file cannot be removed, and looking again is of no use;
 * or MX_ENOMEM. */
int mx_control_take(const char *directory, unsigned incarnation, struct mx_control *control,
                    struct mx_err *err);

#endif
