#include "base/parent.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int mx_follow_parent(long parent, struct mx_err *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        return mx_fail_errno(err, MX_EIO, errno,
                             "cannot tie this process to the one that started it");
    if ((long)getppid() != parent)
        return mx_fail(err, MX_EIO, "the process that started this one is gone");
    return 0;
}
