/* parent.h - child processes that do not outlive whoever started them. */
#ifndef MX_BASE_PARENT_H
#define MX_BASE_PARENT_H

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Have the kernel send SIGKILL to this process when the process `parent`, which started it, dies; one that
 * has died before is noticed. Returns 0, or -1 with MX_EIO. */
int mx_follow_parent(long parent, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
