/* A rank that is killed stops nobody else. ctest: quick timeout=60 ranks=3 survives */
#include <signal.h>

#include "tests/mpi/ranks.h"

enum {
    RANKS = 3,
    VICTIM = 2,
    ROUNDS = 40,
    BYTES = 100000
};

/* Bytes to and fro between ranks 0 and 1; *sent counts one direction. */
static void exchange(struct mx_comm *comm, size_t *sent)
{
    static char out[BYTES], in[BYTES], expected[BYTES];
    unsigned    me = mx_comm_rank(comm), other = 1 - me;

    for (int i = 0; i < ROUNDS; i++) {
        fill(out, BYTES, me, other, *sent);
        fill(expected, BYTES, other, me, *sent);
        send(comm, other, out, BYTES);
        receive(comm, other, in, BYTES);
        CHECK(memcmp(in, expected, BYTES) == 0);
        *sent += BYTES;
    }
    flush(comm, other);
}

/* Where mpirun watches for faults, MPI says who is dead. */
static void is_told_of_the_death(struct mx_comm *comm)
{
    char text[200] = "";
    int  news;

    while (!mx_comm_gone(comm, VICTIM, text, sizeof text))
        turn(comm);
    CHECK(text[0]);
    do
        news = mx_comm_news(comm);
    while (news >= 0 && news != VICTIM);
    CHECK(news == VICTIM);
}

/* Keep the dead rank busy while the living talk, then give it up. */
static void live_on(struct mx_comm *comm)
{
    char   *more = calloc(1, 1 << 20);
    size_t  sent = 0;
    uint8_t byte;

    CHECK(more != NULL);
    CHECK(mx_comm_listen(comm, VICTIM, NULL) == 0);
    exchange(comm, &sent);
    send(comm, VICTIM, "x", 1);
    receive(comm, VICTIM, &byte, 1);
    exchange(comm, &sent);
    send(comm, VICTIM, more, 1 << 20);
    exchange(comm, &sent);
    if (getenv("OMPI_MCA_mpi_ft_enable"))
        is_told_of_the_death(comm);
    else
        CHECK(mx_comm_pending(comm, VICTIM) > 0);
    mx_comm_drop(comm, VICTIM);
    CHECK(mx_comm_lossy(comm) && mx_comm_pending(comm, VICTIM) == 0);
    send(comm, VICTIM, more, 1 << 20);
    CHECK(mx_comm_pending(comm, VICTIM) == 0);
    exchange(comm, &sent);
    free(more);
}

int main(void)
{
    struct mx_comm *comm = join(RANKS);
    unsigned        me = mx_comm_rank(comm);
    char            byte;

    if (me == VICTIM) {
        CHECK(mx_comm_listen(comm, 1, NULL) == 0);
        for (unsigned r = 0; r < VICTIM; r++) {
            receive(comm, r, &byte, 1);
            send(comm, r, &byte, 1);
        }
        for (unsigned r = 0; r < VICTIM; r++)
            flush(comm, r);
        raise(SIGKILL);
    }
    live_on(comm);
    /* mpirun's status tells nothing once a rank has died: the last word does. */
    if (me == 1) {
        send(comm, 0, "y", 1);
        flush(comm, 0);
    } else {
        receive(comm, 1, &byte, 1);
        puts("all survivors passed");
    }
    mx_comm_close(comm, false, 0);
    fputs("FAILED: mx_comm_close() returned after a loss\n", stderr);
    return 1;
}
