/* comm.h - byte streams between the ranks of a job, over MPI.
 *
 * Point to point only, and nothing here waits: mx_comm_progress() moves what
 * can be moved and returns. To each other rank goes one ordered stream of
 * bytes, cut into pieces of one MPI message each; the receiver sees bytes, as
 * from a socket, and finds frames in them (base/wire.h). One piece a peer is
 * under way at a time, as a synchronous send (MPI_Issend), so that a peer that
 * does not take what it is sent can be seen, and costs bounded memory.
 *
 * A rank that is gone is given up with mx_comm_drop(): its requests are left
 * alone, never waited for. After that MPI_Finalize could hang and is not relied on.
 *
 * Which files are linked decides: comm_mpi*.c, or comm_none.c in a build without
 * MPI, where every process is alone.
 */
#ifndef MX_SWEEP_COMM_H
#define MX_SWEEP_COMM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct mx_comm;

/* Join the job that a launcher started this process in: MPI_Init. *comm is NULL
 * if there is no launcher, or a job of one rank: then the process is alone.
 * Returns -1 with MX_EIO if a launcher started several processes and MPI cannot
 * join them (a build without MPI, or for another MPI: the text says which, and
 * what to do); *quiet is then true in all of them but the first, so that one
 * alone tells the user. */
int mx_comm_open(struct mx_comm **comm, bool *quiet, struct mx_err *err);

unsigned mx_comm_rank(const struct mx_comm *comm);
unsigned mx_comm_size(const struct mx_comm *comm);

/* The MPI in use, for logs and provenance: "Open MPI 4.1.4"; "none" if it is
 * not built in. */
const char *mx_comm_library(void);

/* Begin to receive from a rank. Rank 0 listens to all from the start, all
 * others to rank 0; other pairs call this first (twice is harmless). */
int mx_comm_listen(struct mx_comm *comm, unsigned rank, struct mx_err *err);

/* Append bytes to the stream to a rank; they are copied. To one that was
 * dropped: nothing, 0. Returns -1 with MX_ENOMEM. */
int mx_comm_send(struct mx_comm *comm, unsigned rank, const void *data, size_t len,
                 struct mx_err *err);

/* Move what can be moved now. Returns how many pieces came or went. */
unsigned mx_comm_progress(struct mx_comm *comm);

/* A rank with bytes that have come since it was last returned, or that is seen
 * to be gone (mx_comm_gone()); -1 if there is none. */
int mx_comm_news(struct mx_comm *comm);

/* What has come from a rank; the caller takes whole frames from its front. */
struct mx_buf *mx_comm_inbox(struct mx_comm *comm, unsigned rank);

/* Bytes for a rank that it has not taken yet. */
size_t mx_comm_pending(const struct mx_comm *comm, unsigned rank);

/* True once MPI itself says that the rank is dead (with fault tolerance), or
 * refused a message from or to it; text (size room) gets what it said. */
bool mx_comm_gone(const struct mx_comm *comm, unsigned rank, char *text, size_t room);

/* Give a rank up: nothing is sent to it or taken from it any more. */
void mx_comm_drop(struct mx_comm *comm, unsigned rank);

/* True if a rank was dropped. */
bool mx_comm_lossy(const struct mx_comm *comm);

/* The end of the process's part in the job. Streams should be empty; what is
 * under way gets two seconds. Without a loss: MPI_Finalize, and return. `lossy`
 * (here or told by rank 0), or a rank that was dropped or is gone: standard
 * streams are flushed and the process ends with this exit code, because
 * MPI_Finalize could wait for the dead for ever. With Open MPI 4 that is tried for
 * some seconds first, because mpirun tells the user of each process that ends
 * without. Ranks other than 0 should give 0: mpirun ends the job, and with it rank
 * 0, for any other code. NULL is allowed. */
void mx_comm_close(struct mx_comm *comm, bool lossy, int exit_code);

#endif
