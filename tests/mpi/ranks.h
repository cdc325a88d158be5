/* ranks.h - what the tests under mpirun share: plain programs, whose verdict is
 * the exit status of the job. */
#ifndef MX_TESTS_RANKS_H
#define MX_TESTS_RANKS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sweep/comm.h"

/* End the job unless `what` holds. */
#define CHECK(what) check((what), __FILE__, __LINE__, #what)

static inline void check(bool holds, const char *file, int line, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "FAILED %s:%d: %s\n", file, line, what);
    _exit(1);
}

/* Join a job of `size` ranks. */
static inline struct mx_comm *join(unsigned size)
{
    struct mx_comm *comm = NULL;
    struct mx_err   err = {0};
    bool            quiet = true;

    if (mx_comm_open(&comm, &quiet, &err))
        fprintf(stderr, "%s\n", err.text);
    CHECK(err.code == MX_OK && comm && !mx_comm_lossy(comm));
    CHECK(mx_comm_size(comm) == size && mx_comm_rank(comm) < size);
    return comm;
}

/* Move what can be moved; if that was nothing, let others run. */
static inline unsigned turn(struct mx_comm *comm)
{
    const struct timespec pause = {.tv_nsec = 50000};
    unsigned              moved = mx_comm_progress(comm);

    if (moved == 0)
        nanosleep(&pause, NULL);
    return moved;
}

static inline void send(struct mx_comm *comm, unsigned rank, const void *data, size_t len)
{
    CHECK(mx_comm_send(comm, rank, data, len, NULL) == 0);
}

/* Wait for `len` bytes from a rank and take them from its stream. */
static inline void receive(struct mx_comm *comm, unsigned rank, void *data, size_t len)
{
    struct mx_buf *in = mx_comm_inbox(comm, rank);

    while (in->len < len)
        turn(comm);
    memcpy(data, in->data, len);
    in->len -= len;
    memmove(in->data, in->data + len, in->len);
}

/* Wait until a rank has taken all that was sent to it. */
static inline void flush(struct mx_comm *comm, unsigned rank)
{
    while (mx_comm_pending(comm, rank) > 0)
        turn(comm);
}

/* Byte `i` of the stream between two ranks. */
static inline char byte_of(unsigned from, unsigned to, size_t i)
{
    return (char)((i * 2654435761U + from * 40503U + to * 977U) >> 11);
}

static inline void fill(char *data, size_t len, unsigned from, unsigned to, size_t first)
{
    for (size_t k = 0; k < len; k++)
        data[k] = byte_of(from, to, first + k);
}

/* Take all that has come from a rank, which must go on at byte `first`. Returns
 * how much that was. */
static inline size_t take(struct mx_comm *comm, unsigned from, size_t first)
{
    struct mx_buf *in = mx_comm_inbox(comm, from);
    unsigned       to = mx_comm_rank(comm);
    size_t         len = in->len, wrong = 0;

    CHECK(mx_buf_ok(in));
    for (size_t k = 0; k < len; k++)
        wrong += in->data[k] != byte_of(from, to, first + k);
    CHECK(wrong == 0);
    mx_buf_clear(in);
    return len;
}

#endif
