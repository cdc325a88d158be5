/* comm_none.c - sweep/comm.h in a build without MPI: every process is alone. */
#include <stdlib.h>

#include "sweep/comm.h"
#include "sweep/launcher.h"

extern char **environ;

int mx_comm_open(struct mx_comm **comm, bool *quiet, struct mx_err *err)
{
    struct mx_launcher launcher = mx_launcher_find(environ);

    *comm = NULL;
    *quiet = false;
    /* A size that the launcher does not tell could be 1. */
    if (launcher.size <= 1 && launcher.rank == 0)
        return 0;
    *quiet = launcher.rank > 0;
    return mx_fail(err, MX_EIO,
                   "%s started %u processes, but this program is built without MPI; build it "
                   "with Open MPI (libopenmpi-dev), or start it alone",
                   launcher.name, launcher.size > 1 ? launcher.size : launcher.rank + 1);
}

const char *mx_comm_library(void)
{
    return "none";
}

/* No process has a communicator here, so that nothing is ever sent. */
unsigned mx_comm_rank(const struct mx_comm *comm)
{
    (void)comm;
    return 0;
}

unsigned mx_comm_size(const struct mx_comm *comm)
{
    (void)comm;
    return 1;
}

int mx_comm_listen(struct mx_comm *comm, unsigned rank, struct mx_err *err)
{
    (void)comm;
    return mx_fail(err, MX_EINTERNAL, "listening to rank %u in a build without MPI", rank);
}

int mx_comm_send(struct mx_comm *comm, unsigned rank, const void *data, size_t len,
                 struct mx_err *err)
{
    (void)comm, (void)data;
    return mx_fail(err, MX_EINTERNAL, "sending %zu bytes to rank %u in a build without MPI", len,
                   rank);
}

unsigned mx_comm_progress(struct mx_comm *comm)
{
    (void)comm;
    return 0;
}

int mx_comm_news(struct mx_comm *comm)
{
    (void)comm;
    return -1;
}

struct mx_buf *mx_comm_inbox(struct mx_comm *comm, unsigned rank)
{
    (void)comm, (void)rank;
    return NULL;
}

size_t mx_comm_pending(const struct mx_comm *comm, unsigned rank)
{
    (void)comm, (void)rank;
    return 0;
}

bool mx_comm_gone(const struct mx_comm *comm, unsigned rank, char *text, size_t room)
{
    (void)comm, (void)rank, (void)text, (void)room;
    return false;
}

void mx_comm_drop(struct mx_comm *comm, unsigned rank)
{
    (void)comm, (void)rank;
}

bool mx_comm_lossy(const struct mx_comm *comm)
{
    (void)comm;
    return false;
}

void mx_comm_close(struct mx_comm *comm, bool lossy, int exit_code)
{
    (void)comm, (void)lossy, (void)exit_code;
}
