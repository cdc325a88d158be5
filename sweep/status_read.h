/* status_read.h - how a sweep is doing, by its directory alone: status.json as the sweep
 * wrote it last, and whether whoever wrote it is still there. Any host that sees the
 * directory can ask; nothing is asked of the sweep itself. */
#ifndef MX_SWEEP_STATUS_READ_H
#define MX_SWEEP_STATUS_READ_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "sweep/owner.h"
#include "sweep/status_file.h"

struct mx_status_view {
    struct mx_status     status; /* its texts and lists live as long as the view */
    struct mx_owner_look owner;
    double               age_s; /* since status.json was written, by this host's clock; 0 or more */
    struct mx_arena     *arena;
};

/* Read DIR/status.json and look at the owner. What the file says about the state holds but
 * for two cases: of a sweep that says that it runs and whose owner is gone, the state is
 * "lost"; of one that is being gone on with, and has not written its own numbers yet, it is
 * "running", with the counts of before. Whether an owner elsewhere lives is told by the age of
 * its file, for which a file is made beside it for a moment (see sweep/owner.h).
 *
 * Returns 0; or -1 with MX_EINVAL if DIR holds no sweep, MX_EIO if the file is not there,
 * cannot be read or is none of ours, or MX_ENOMEM; *view then needs no close. */
int  mx_status_view_open(const char *directory, const struct mx_owner_system *system,
                         struct mx_status_view *view, struct mx_err *err);
void mx_status_view_close(struct mx_status_view *view);

#endif
