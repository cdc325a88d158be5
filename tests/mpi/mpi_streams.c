/* Streams between all pairs of ranks keep order and content. ctest: quick timeout=60 ranks=3 */
#include <mpi.h>

#include "base/rng.h"
#include "tests/mpi/ranks.h"

enum {
    RANKS = 3,
    MESSAGES = 24,
    LONGEST = 1 << 20
};

/* Sizes from 0 to a megabyte, small ones more often. */
static size_t length(unsigned from, unsigned to, unsigned message)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_DATA, 0), from, to, message);
    double        share = mx_rng_uniform(&rng);

    return (size_t)(share * share * share * LONGEST);
}

static size_t total(unsigned from, unsigned to)
{
    size_t sum = 0;

    for (unsigned m = 0; m < MESSAGES; m++)
        sum += length(from, to, m);
    return sum;
}

static void send_one(struct mx_comm *comm, unsigned to, unsigned message, size_t *sent)
{
    static char data[LONGEST];
    unsigned    from = mx_comm_rank(comm);
    size_t      len = length(from, to, message);

    fill(data, len, from, to, *sent);
    send(comm, to, data, len);
    *sent += len;
}

/* All ranks at once: each sends to and hears all others. */
static void everybody_to_everybody(struct mx_comm *comm)
{
    unsigned me = mx_comm_rank(comm);
    size_t   sent[RANKS] = {0}, taken[RANKS] = {0};
    size_t   missing = 1;

    for (unsigned r = 0; r < RANKS; r++)
        if (r != me)
            CHECK(mx_comm_listen(comm, r, NULL) == 0);
    for (unsigned m = 0; missing > 0; m++) {
        for (unsigned r = 0; r < RANKS; r++)
            if (r != me && m < MESSAGES)
                send_one(comm, r, m, &sent[r]);
        turn(comm);
        for (int r = mx_comm_news(comm); r >= 0; r = mx_comm_news(comm))
            taken[r] += take(comm, (unsigned)r, taken[r]);
        missing = 0;
        for (unsigned r = 0; r < RANKS; r++)
            if (r != me)
                missing +=
                    total(r, me) - taken[r] + mx_comm_pending(comm, r) + (m < MESSAGES ? 1 : 0);
    }
}

/* Many small sends go as one message. */
static void small_sends_travel_together(struct mx_comm *comm)
{
    unsigned me = mx_comm_rank(comm), pieces = 0;
    char     done;

    if (me == 1) {
        for (size_t i = 0; i < 10000; i++) {
            char three[3];

            fill(three, sizeof three, 1, 0, 3 * i);
            send(comm, 0, three, sizeof three);
        }
        receive(comm, 0, &done, 1);
    } else if (me == 0) {
        for (size_t taken = 0; taken < 30000; taken += take(comm, 1, taken))
            pieces += turn(comm);
        CHECK(pieces == 1);
        send(comm, 1, "", 1);
        flush(comm, 1);
    }
}

int main(void)
{
    struct mx_comm *comm = join(RANKS);

    everybody_to_everybody(comm);
    MPI_Barrier(MPI_COMM_WORLD);
    small_sends_travel_together(comm);
    mx_comm_close(comm, false, 1);
    return 0;
}
