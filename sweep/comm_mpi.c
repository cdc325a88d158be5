/* comm_mpi.c - sweep/comm.h over MPI.
 *
 * Requests lie in one array, so that one MPI_Testsome() moves everything:
 * request[r] is the receive posted for rank r, request[size + r] the send under
 * way to it. What belongs to a rank that is gone stays allocated until the
 * process ends, because MPI may still write there; its request is forgotten.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sweep/comm.h"
#include "sweep/comm_mpi_job.h"

enum {
    PIECE = 32 << 10, /* bytes of one MPI message at most */
    TAG = 1,
    ROUNDS = 64,          /* of one mx_comm_progress() at most: the caller has other work */
    LAST_SENDS_MS = 2000, /* for what is under way when the process ends */
};

struct peer {
    struct mx_buf in;        /* what came, until the caller takes it */
    struct mx_buf out;       /* what waits, from `sent` on */
    size_t        sent;      /* bytes of out that the peer has taken */
    size_t        under_way; /* bytes of the piece being sent */
    char         *receive;   /* (PIECE) what MPI writes into, NULL: not listened to */
    char         *send;      /* (PIECE) what MPI reads from */
    bool          news, gone, dropped;
    char          text[MPI_MAX_ERROR_STRING]; /* why it is gone */
};

struct mx_comm {
    unsigned     rank, size;
    bool         lossy;
    unsigned     next;    /* whose news are looked at first */
    MPI_Request *request; /* (2 * size) */
    int         *done;    /* (2 * size) which of them have completed */
    MPI_Status  *status;  /* (2 * size) of those */
    struct peer  peer[];
};

static void set_gone(struct peer *peer, const char *text)
{
    if (peer->gone || peer->dropped)
        return;
    snprintf(peer->text, sizeof peer->text, "%s", text);
    peer->gone = peer->news = true;
}

/* MPI refused something from or to this rank: nothing is asked of it any more. */
static void refused(struct mx_comm *comm, unsigned rank, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int  len;

    if (MPI_Error_string(code, text, &len) != MPI_SUCCESS)
        snprintf(text, sizeof text, "MPI error %d", code);
    set_gone(&comm->peer[rank], text);
    comm->request[rank] = MPI_REQUEST_NULL;
    comm->request[comm->size + rank] = MPI_REQUEST_NULL;
}

/* True while messages go to and come from it. */
static bool alive(const struct peer *peer)
{
    return !peer->gone && !peer->dropped;
}

static void post_receive(struct mx_comm *comm, unsigned rank)
{
    int code;

    if (!alive(&comm->peer[rank]))
        return;
    code = MPI_Irecv(comm->peer[rank].receive, PIECE, MPI_BYTE, (int)rank, TAG, MPI_COMM_WORLD,
                     &comm->request[rank]);
    if (code != MPI_SUCCESS)
        refused(comm, rank, code);
}

/* Send the next piece, if there is one and none is under way. */
static void post_send(struct mx_comm *comm, unsigned rank)
{
    struct peer *peer = &comm->peer[rank];
    size_t       left = peer->out.len - peer->sent;
    int          code;

    if (left == 0 || peer->under_way > 0 || !alive(peer))
        return;
    peer->under_way = left < PIECE ? left : PIECE;
    memcpy(peer->send, peer->out.data + peer->sent, peer->under_way);
    code = MPI_Issend(peer->send, (int)peer->under_way, MPI_BYTE, (int)rank, TAG, MPI_COMM_WORLD,
                      &comm->request[comm->size + rank]);
    if (code != MPI_SUCCESS)
        refused(comm, rank, code);
}

int mx_comm_listen(struct mx_comm *comm, unsigned rank, struct mx_err *err)
{
    struct peer *peer = &comm->peer[rank];

    if (peer->receive || !alive(peer))
        return 0;
    if (!(peer->receive = malloc(PIECE)))
        return mx_fail(err, MX_ENOMEM, "no memory to hear rank %u", rank);
    post_receive(comm, rank);
    return 0;
}

int mx_comm_send(struct mx_comm *comm, unsigned rank, const void *data, size_t len,
                 struct mx_err *err)
{
    struct peer *peer = &comm->peer[rank];

    if (!alive(peer))
        return 0;
    if (!peer->send && !(peer->send = malloc(PIECE)))
        return mx_fail(err, MX_ENOMEM, "no memory for a message to rank %u", rank);
    mx_buf_add(&peer->out, data, len);
    if (!mx_buf_ok(&peer->out))
        return mx_fail(err, MX_ENOMEM, "no memory for %zu bytes to rank %u", len, rank);
    return 0;
}

static void received(struct mx_comm *comm, unsigned rank, const MPI_Status *status)
{
    struct peer *peer = &comm->peer[rank];
    int          len = 0;

    MPI_Get_count(status, MPI_BYTE, &len);
    mx_buf_add(&peer->in, peer->receive, (size_t)len);
    if (!mx_buf_ok(&peer->in)) {
        set_gone(peer, "no memory for what it sent");
        return;
    }
    peer->news = true;
    post_receive(comm, rank);
}

/* Take what has arrived from the front of the buffer. The rest moves to its
 * beginning only once it is no longer than what is taken, so that each byte
 * moves once at most. */
static void taken(struct mx_comm *comm, unsigned rank)
{
    struct peer *peer = &comm->peer[rank];
    size_t       left;

    peer->sent += peer->under_way;
    peer->under_way = 0;
    left = peer->out.len - peer->sent;
    if (left <= peer->sent) {
        memmove(peer->out.data, peer->out.data + peer->sent, left);
        peer->out.len = left;
        peer->sent = 0;
    }
}

/* Deal with one completed request of the array. */
static void completed(struct mx_comm *comm, unsigned index, const MPI_Status *status, int code)
{
    bool     receive = index < comm->size;
    unsigned rank = receive ? index : index - comm->size;

    if (code != MPI_SUCCESS)
        refused(comm, rank, code);
    else if (receive)
        received(comm, rank, status);
    else
        taken(comm, rank);
}

/* Returns how many requests have completed. */
static unsigned one_round(struct mx_comm *comm)
{
    int code, n = 0;

    for (unsigned r = 0; r < comm->size; r++)
        post_send(comm, r);
    code = MPI_Testsome((int)(2 * comm->size), comm->request, &n, comm->done, comm->status);
    if (n == MPI_UNDEFINED || (code != MPI_SUCCESS && code != MPI_ERR_IN_STATUS))
        return 0;
    for (int i = 0; i < n; i++)
        completed(comm, (unsigned)comm->done[i], &comm->status[i],
                  code == MPI_SUCCESS ? MPI_SUCCESS : comm->status[i].MPI_ERROR);
    return (unsigned)n;
}

unsigned mx_comm_progress(struct mx_comm *comm)
{
    unsigned all = 0;

    for (unsigned round = 0, n = 1; round < ROUNDS && n > 0; round++)
        all += n = one_round(comm);
    return all;
}

int mx_comm_news(struct mx_comm *comm)
{
    for (unsigned i = 0; i < comm->size; i++) {
        unsigned rank = (comm->next + i) % comm->size;

        if (comm->peer[rank].news) {
            comm->peer[rank].news = false;
            comm->next = rank + 1;
            return (int)rank;
        }
    }
    return -1;
}

struct mx_buf *mx_comm_inbox(struct mx_comm *comm, unsigned rank)
{
    return &comm->peer[rank].in;
}

size_t mx_comm_pending(const struct mx_comm *comm, unsigned rank)
{
    return comm->peer[rank].out.len - comm->peer[rank].sent;
}

bool mx_comm_gone(const struct mx_comm *comm, unsigned rank, char *text, size_t room)
{
    if (comm->peer[rank].gone && room > 0)
        snprintf(text, room, "%s", comm->peer[rank].text);
    return comm->peer[rank].gone;
}

void mx_comm_drop(struct mx_comm *comm, unsigned rank)
{
    struct peer *peer = &comm->peer[rank];

    comm->lossy = peer->dropped = true;
    comm->request[rank] = MPI_REQUEST_NULL;
    comm->request[comm->size + rank] = MPI_REQUEST_NULL;
    mx_buf_clear(&peer->in);
    mx_buf_free(&peer->out);
    peer->sent = 0;
    peer->news = false;
}

bool mx_comm_lossy(const struct mx_comm *comm)
{
    return comm->lossy;
}

unsigned mx_comm_rank(const struct mx_comm *comm)
{
    return comm ? comm->rank : 0;
}

unsigned mx_comm_size(const struct mx_comm *comm)
{
    return comm ? comm->size : 1;
}

/* Release everything; no request may be under way. */
static void free_comm(struct mx_comm *comm)
{
    for (unsigned r = 0; comm && r < comm->size; r++) {
        free(comm->peer[r].receive);
        free(comm->peer[r].send);
        mx_buf_free(&comm->peer[r].in);
        mx_buf_free(&comm->peer[r].out);
    }
    if (comm) {
        free(comm->request);
        free(comm->done);
        free(comm->status);
    }
    free(comm);
}

static struct mx_comm *new_comm(unsigned rank, unsigned size, struct mx_err *err)
{
    struct mx_comm *comm = calloc(1, sizeof *comm + size * sizeof comm->peer[0]);
    unsigned        last = rank == 0 ? size - 1 : 0; /* of those that are listened to */

    if (!comm)
        goto nomem;
    comm->rank = rank;
    comm->size = size;
    comm->request = malloc(2 * size * sizeof comm->request[0]);
    comm->done = malloc(2 * size * sizeof comm->done[0]);
    comm->status = malloc(2 * size * sizeof comm->status[0]);
    if (!comm->request || !comm->done || !comm->status)
        goto nomem;
    for (unsigned i = 0; i < 2 * size; i++)
        comm->request[i] = MPI_REQUEST_NULL;
    for (unsigned r = rank == 0 ? 1 : 0; r <= last; r++)
        if (mx_comm_listen(comm, r, err))
            goto fail;
    return comm;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory for the streams to %u processes", size);
fail:
    free_comm(comm);
    return NULL;
}

int mx_comm_open(struct mx_comm **comm, bool *quiet, struct mx_err *err)
{
    unsigned rank, size;

    *comm = NULL;
    if (mx_mpi_job_start(&rank, &size, quiet, err))
        return -1;
    if (size == 1)
        return 0;
    *comm = new_comm(rank, size, err);
    return *comm ? 0 : -1;
}

/* True once nothing is under way to anybody; false after a while. */
static bool sends_have_ended(struct mx_comm *comm)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    size_t                pending = 1;

    for (int i = 0; i < LAST_SENDS_MS && pending > 0; i++) {
        mx_comm_progress(comm);
        pending = 0;
        for (unsigned r = 0; r < comm->size; r++)
            pending += alive(&comm->peer[r]) ? mx_comm_pending(comm, r) : 0;
        if (pending > 0)
            nanosleep(&pause, NULL);
    }
    return pending == 0;
}

/* Take the posted receives back. False if something is just coming in. */
static bool receives_have_ended(struct mx_comm *comm)
{
    int ended = 1;

    for (unsigned r = 0; r < comm->size && ended; r++)
        if (comm->request[r] != MPI_REQUEST_NULL) {
            MPI_Cancel(&comm->request[r]);
            MPI_Test(&comm->request[r], &ended, MPI_STATUS_IGNORE);
        }
    return ended;
}

void mx_comm_close(struct mx_comm *comm, bool lossy, int exit_code)
{
    if (!comm)
        return;
    for (unsigned r = 0; r < comm->size; r++)
        lossy = lossy || !alive(&comm->peer[r]);
    if (lossy || !sends_have_ended(comm) || !receives_have_ended(comm))
        mx_mpi_job_abandon(exit_code);
    mx_mpi_job_finish(exit_code);
    free_comm(comm);
}
