/* clean.h - removing from a sweep's directory what schedule.keep does not keep. */
#ifndef MX_SWEEP_CLEAN_H
#define MX_SWEEP_CLEAN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Remove, of DIR/stages: what was being written when a process was killed, checkpoints of
 * stages that are done, folders of kinds that leave none, and, where only results are kept,
 * what stages that are done wrote for others, once none of those is still to be done. What
 * results are made of, and folders that the plan does not know (of an earlier version, or
 * another configuration), stay; the latter are counted. Appends what was removed;
 * dry_run: what would be, path by path. `waiting` as in mx_owner_take().
 * Returns 0; or -1 with MX_EINVAL (no sweep there), MX_EOWNED (one runs there), MX_EIO,
 * MX_ENOMEM. */
int mx_clean(const char *directory, bool dry_run, void (*waiting)(void *user, const char *text),
             struct mx_buf *out, struct mx_err *err);

#endif
