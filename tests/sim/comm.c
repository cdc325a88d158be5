/* comm.c - sweep/comm.h in a simulation: streams that are slow, cut off, or end
 * in a rank that is dead. A mx_comm is the process itself. */
#include "sweep/comm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

enum {
    PIECE_BYTES = 1 << 15,
};

static struct sim_process *process_of(const struct mx_comm *comm)
{
    return (struct sim_process *)(uintptr_t)comm;
}

static struct sim_stream *stream_to(const struct mx_comm *comm, unsigned rank)
{
    const struct sim_process *process = process_of(comm);

    return &process->job->streams[process->rank][rank];
}

int mx_comm_open(struct mx_comm **comm, bool *quiet, struct mx_err *err)
{
    (void)err;
    *quiet = false;
    *comm = NULL;
    return 0;
}

unsigned mx_comm_rank(const struct mx_comm *comm)
{
    return process_of(comm)->rank;
}

unsigned mx_comm_size(const struct mx_comm *comm)
{
    return process_of(comm)->job->nranks;
}

const char *mx_comm_library(void)
{
    return "simulation";
}

int mx_comm_listen(struct mx_comm *comm, unsigned rank, struct mx_err *err)
{
    (void)comm, (void)rank, (void)err;
    return 0;
}

static double delay_s(void)
{
    double delay = 1e-4 + 4e-3 * sim_uniform();

    if (sim->now_s < sim->slow_net_s || sim_chance(sim->p_slow_piece))
        delay *= 500;
    return delay;
}

/* The next piece of a stream goes on its way. */
static void send_piece(struct sim_job *job, unsigned from, unsigned to)
{
    struct sim_stream *stream = &job->streams[from][to];
    size_t             most = sim_chance(0.1) ? 1 + sim_below(200) : PIECE_BYTES;

    stream->piece = stream->pending.len < most ? stream->pending.len : most;
    sim_plan((struct sim_event){
        .at_s = sim->now_s + delay_s(), .kind = SIM_PIECE, .process = job->ranks[to], .a = from});
}

int mx_comm_send(struct mx_comm *comm, unsigned rank, const void *data, size_t len,
                 struct mx_err *err)
{
    struct sim_process *process = process_of(comm);
    struct sim_stream  *stream = stream_to(comm, rank);

    (void)err;
    if (process->dead || process->dropped[rank] || len == 0)
        return 0;
    mx_buf_add(&stream->pending, data, len);
    if (stream->piece == 0)
        send_piece(process->job, process->rank, rank);
    return 0;
}

void sim_piece_arrives(const struct sim_event *event)
{
    struct sim_process *to = event->process;
    struct sim_job     *job = to->job;
    unsigned            from = event->a;
    struct sim_stream  *stream = &job->streams[from][to->rank];
    double              cut_s = fmax(job->cut_s[from], job->cut_s[to->rank]);

    if (!sim_alive(to) || to->dropped[from])
        return; /* it never takes it */
    if (cut_s > sim->now_s) {
        struct sim_event later = *event;

        later.at_s = cut_s + delay_s();
        sim_plan(later);
        return;
    }
    mx_buf_add(&to->inbox[from], stream->pending.data, stream->piece);
    stream->pending.len -= stream->piece;
    memmove(stream->pending.data, stream->pending.data + stream->piece, stream->pending.len);
    stream->piece = 0;
    to->news[from] = true;
    sim_wake(to);
    if (stream->pending.len > 0)
        send_piece(job, from, to->rank);
}

unsigned mx_comm_progress(struct mx_comm *comm)
{
    (void)comm;
    return 0;
}

int mx_comm_news(struct mx_comm *comm)
{
    struct sim_process *process = process_of(comm);

    /* A ghost sees rank 0 gone, once, and nothing else. */
    for (unsigned r = 0; r < (process->dead ? process->rank > 0 : process->job->nranks); r++) {
        if (!process->news[r] || process->dropped[r])
            continue;
        process->news[r] = false;
        process->changed = true;
        return (int)r;
    }
    return -1;
}

struct mx_buf *mx_comm_inbox(struct mx_comm *comm, unsigned rank)
{
    return &process_of(comm)->inbox[rank];
}

size_t mx_comm_pending(const struct mx_comm *comm, unsigned rank)
{
    return process_of(comm)->dead ? 0 : stream_to(comm, rank)->pending.len;
}

bool mx_comm_gone(const struct mx_comm *comm, unsigned rank, char *text, size_t room)
{
    const struct sim_process *process = process_of(comm);
    const struct sim_process *other = process->job->ranks[rank];

    if (!process->dead && !(process->job->tells_deaths && (!other || other->dead)))
        return false;
    if (text)
        snprintf(text, room, "MPI says that it is dead");
    return true;
}

void mx_comm_drop(struct mx_comm *comm, unsigned rank)
{
    process_of(comm)->dropped[rank] = true;
}

bool mx_comm_lossy(const struct mx_comm *comm)
{
    const struct sim_process *process = process_of(comm);

    for (unsigned r = 0; r < process->job->nranks; r++)
        if (process->dropped[r])
            return true;
    return false;
}

void mx_comm_close(struct mx_comm *comm, bool lossy, int exit_code)
{
    (void)comm, (void)lossy, (void)exit_code;
}
