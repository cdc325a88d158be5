/* A rank that takes nothing costs one piece under way and is seen. ctest: quick timeout=60 ranks=2 */
#include <mpi.h>

#include "tests/mpi/ranks.h"

enum {
    BYTES = 3 << 20,
    PIECES = 64 << 10, /* more than is ever under way to one rank */
    WAKE = 7           /* tag of a message beside the streams */
};

static void send_to_one_that_waits(struct mx_comm *comm)
{
    char  *data = malloc(BYTES);
    size_t pending;

    CHECK(data != NULL);
    fill(data, BYTES, 0, 1, 0);
    send(comm, 1, data, BYTES);
    free(data);
    CHECK(mx_comm_pending(comm, 1) == BYTES);
    while (mx_comm_pending(comm, 1) == BYTES)
        turn(comm);
    /* Rank 1 has taken what it had a receive posted for, and no more. */
    pending = mx_comm_pending(comm, 1);
    CHECK(pending >= BYTES - PIECES);
    for (int i = 0; i < 2000; i++)
        turn(comm);
    CHECK(mx_comm_pending(comm, 1) == pending);
    CHECK(!mx_comm_gone(comm, 1, NULL, 0));
    CHECK(MPI_Send(NULL, 0, MPI_BYTE, 1, WAKE, MPI_COMM_WORLD) == MPI_SUCCESS);
    flush(comm, 1);
}

static void wait_then_take(struct mx_comm *comm)
{
    CHECK(MPI_Recv(NULL, 0, MPI_BYTE, 0, WAKE, MPI_COMM_WORLD, MPI_STATUS_IGNORE) == MPI_SUCCESS);
    for (size_t taken = 0; taken < BYTES; taken += take(comm, 0, taken))
        turn(comm);
}

int main(void)
{
    struct mx_comm *comm = join(2);

    if (mx_comm_rank(comm) == 0)
        send_to_one_that_waits(comm);
    else
        wait_then_take(comm);
    mx_comm_close(comm, false, 1);
    return 0;
}
