/* A rank that is killed in the midst of its messages. ctest: slow timeout=60 ranks=4 survives */
#include <signal.h>

#include "tests/mpi/ranks.h"

enum {
    RANKS = 4,
    VICTIM = 2,
    LONGEST = 300000,     /* bytes of one message */
    WAITING = 2000000,    /* bytes that may wait for one rank */
    DEATH = 3000000,      /* bytes that the victim takes before */
    ENOUGH = 12 * 1000000 /* bytes that each survivor takes from each other */
};

struct flow {
    size_t sent[RANKS], taken[RANKS];
};

/* Keep every stream full, up to what survivors want of each other. */
static void send_more(struct mx_comm *comm, struct flow *flow, unsigned turns)
{
    static char data[LONGEST];
    unsigned    me = mx_comm_rank(comm);

    for (unsigned r = 0; r < RANKS; r++) {
        size_t len = turns % 3 == 0 ? LONGEST : (turns * 40503U + r) % 50;

        if (len > ENOUGH - flow->sent[r])
            len = ENOUGH - flow->sent[r];
        if (r == me || mx_comm_pending(comm, r) > WAITING)
            continue;
        fill(data, len, me, r, flow->sent[r]);
        send(comm, r, data, len);
        flow->sent[r] += len;
    }
}

/* True once all that is due between the living has come and gone. */
static bool is_enough(struct mx_comm *comm, const struct flow *flow)
{
    for (unsigned r = 0; r < RANKS; r++)
        if (r != mx_comm_rank(comm) && r != VICTIM &&
            (flow->taken[r] < ENOUGH || flow->sent[r] < ENOUGH || mx_comm_pending(comm, r) > 0))
            return false;
    return true;
}

static void take_all(struct mx_comm *comm, struct flow *flow)
{
    turn(comm);
    for (int r = mx_comm_news(comm); r >= 0; r = mx_comm_news(comm))
        flow->taken[r] += take(comm, (unsigned)r, flow->taken[r]);
}

static void talk(struct mx_comm *comm, struct flow *flow)
{
    for (unsigned turns = 0; !is_enough(comm, flow); turns++) {
        if (mx_comm_rank(comm) == VICTIM && flow->taken[0] > DEATH && flow->taken[1] > DEATH)
            raise(SIGKILL);
        send_more(comm, flow, turns);
        take_all(comm, flow);
    }
}

/* The survivors report to rank 0: one more byte of their streams, which may reach
 * it while it is still talking to others. */
static void report(struct mx_comm *comm, struct flow *flow)
{
    unsigned me = mx_comm_rank(comm);
    char     byte;

    if (me > 0) {
        fill(&byte, 1, me, 0, ENOUGH);
        send(comm, 0, &byte, 1);
        flush(comm, 0);
        return;
    }
    while (flow->taken[1] <= ENOUGH || flow->taken[3] <= ENOUGH)
        take_all(comm, flow);
    puts("all survivors passed");
}

int main(void)
{
    struct mx_comm *comm = join(RANKS);
    struct flow     flow = {{0}, {0}};

    for (unsigned r = 0; r < RANKS; r++)
        CHECK(r == mx_comm_rank(comm) || mx_comm_listen(comm, r, NULL) == 0);
    talk(comm, &flow);
    mx_comm_drop(comm, VICTIM);
    report(comm, &flow);
    mx_comm_close(comm, true, 0);
    return 1;
}
