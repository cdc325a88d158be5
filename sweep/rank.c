#include "sweep/rank.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/gpu_choice.h"
#include "sweep/nvml.h"
#include "sweep/rank_message.h"
#include "sweep/reduction.h"
#include "sweep/signals.h"
#include "sweep/spawn.h"
#include "sweep/supervisor.h"
#include "worker/device.h"

/* Between two looks at MPI, which cannot wake us. */
static const double shortest_nap_s = 50e-6, longest_nap_s = 20e-3;

static const double beats_a_timeout = 8; /* signs of life in a rank_timeout */

/* On its own host we see whether rank 0 lives. Elsewhere only its silence tells,
 * and that may be a slow disk: so many rank_timeouts are waited. */
static const double patience_timeouts = 10;

/* Before START rank 0 says nothing: it waits for the directory and looks at the
 * data. It may also have died, and then nobody else would end this process. */
static const double start_patience_s = 1800;

/* A signal to the launcher reaches all ranks: rank 0 then ends the sweep for all.
 * One that only this rank got is heeded after a moment. */
static const double leave_after_s = 0.2;

struct rank {
    struct mx_comm       *comm;
    char                 *program;
    struct mx_supervisor *supervisor; /* NULL before START, and when its executors have ended */
    struct mx_rank_start  start;
    struct worker_contributions *own;
    struct mx_reduction         *reduction;
    struct mx_buf                frame, numbers;
    uint32_t                    *lives; /* by executor of ours: as rank_message.h */
    struct mx_gpus               gpus;  /* that we see; looked at if executors compute on them */
    struct mx_nvml               nvml;
    bool                         on_gpus;
    struct mx_process            self;
    long                         launcher; /* our parent at the start */
    double                       heard_s, beat_s, looked_s, nap_s;
    double                       told_s; /* when a signal told us to end, 0 = none has */
    bool                         started, left, over, lossy;
};

static int tell(struct rank *rank, const struct mx_rank_message *message, struct mx_err *err)
{
    mx_buf_clear(&rank->frame);
    mx_rank_message_put(&rank->frame, message);
    if (!mx_buf_ok(&rank->frame))
        return mx_fail(err, MX_ENOMEM, "no memory for a message to rank 0");
    return mx_comm_send(rank->comm, 0, rank->frame.data, rank->frame.len, err);
}

static void end_executors(struct rank *rank)
{
    mx_supervisor_end(rank->supervisor, mx_signals_grace_s(true));
    mx_supervisor_close(rank->supervisor);
    rank->supervisor = NULL;
}

/* Take no more part, and say why; the process stays until rank 0 ends the job,
 * because a rank that just ends makes launchers end the others. */
static int leave(struct rank *rank, const char *why)
{
    struct mx_rank_message message = {.type = MX_RANK_LEAVING};

    if (rank->left)
        return 0;
    rank->left = true;
    end_executors(rank);
    snprintf(message.text, sizeof message.text, "%.511s", why);
    return tell(rank, &message, NULL);
}

/* A rank does not know yet whether the sweep is one for GPUs. What is odd about the
 * environment is told where nothing is found. */
static void look_at_gpus(struct rank *rank)
{
    struct mx_buf why = {0};

    mx_buf_clear(&rank->numbers);
    if (worker_cuda_ready(NULL) == 0)
        mx_gpus_of_process(&rank->gpus, &why, NULL);
    mx_gpus_put(&rank->numbers, &rank->gpus);
    mx_buf_free(&why);
}

static int say_hello(struct rank *rank, struct mx_err *err)
{
    struct mx_rank_message hello = {.type = MX_RANK_HELLO, .text = MX_VERSION};

    if (mx_place_look(&hello.place, err))
        return -1;
    hello.process = rank->self;
    look_at_gpus(rank);
    hello.bytes = rank->numbers.data;
    hello.len = rank->numbers.len;
    return mx_buf_ok(&rank->numbers) ? tell(rank, &hello, err)
                                     : mx_fail(err, MX_ENOMEM, "no memory for a list of GPUs");
}

/* Begin to work. The directory must be there: on a file system that nodes share. */
static int begin(struct rank *rank, const struct mx_rank_message *message, struct mx_err *err)
{
    const struct mx_rank_start  *start = &message->start;
    struct mx_supervisor_options options = {.program = rank->program,
                                            .directory = rank->start.directory,
                                            .first = start->first,
                                            .workers = start->workers,
                                            .memory_bytes = start->memory_bytes,
                                            .stall_timeout_s = start->stall_timeout_s};
    struct mx_supervisor_gpu    *gpus;

    rank->start = *start;
    rank->started = true;
    rank->heard_s = rank->looked_s = mx_clock_monotonic_s();
    if (!mx_file_exists(start->directory))
        return mx_fail(err, MX_EIO,
                       "it does not see %.300s; put the output directory on a file system that "
                       "all nodes share",
                       start->directory);
    if (!(rank->lives = calloc(start->workers + 1, sizeof *rank->lives)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u executors", (unsigned)start->workers);
    if (!(gpus = mx_rank_gpus_take(message, &options.ngpus, err)))
        return -1;
    options.gpus = gpus;
    rank->on_gpus = options.ngpus > 0;
    rank->supervisor = mx_supervisor_open(&options, err);
    free(gpus);
    return rank->supervisor ? 0 : -1;
}

static int reduce(struct rank *rank, const struct mx_rank_message *message, struct mx_err *err)
{
    struct mx_reduction_round round;
    struct reduce_slots      *slots = NULL;
    void                     *memory = NULL;
    int                       rc = -1;

    if (mx_reduction_read(message, &round, &memory, err))
        return -1;
    if ((slots = reduce_slots_new(err)) &&
        worker_contributions_slots(rank->own, round.names, round.nnames, NULL, slots, err) == 0)
        rc = mx_reduction_begin(rank->reduction, &round, slots, err);
    else
        reduce_slots_free(slots);
    free(memory);
    return rc;
}

static int quit(struct rank *rank)
{
    static const struct mx_rank_message ended = {.type = MX_RANK_ENDED};

    rank->left = true;
    end_executors(rank);
    return tell(rank, &ended, NULL);
}

/* Whether a message is for an executor of ours that is still the same process. */
static bool is_for(const struct rank *rank, const struct mx_rank_message *message)
{
    uint32_t i = message->executor - rank->start.first;

    return rank->supervisor && i < rank->start.workers && rank->lives[i] == message->life;
}

/* -1 with *err: we cannot go on, and rank 0 is told why. */
static int handle(struct rank *rank, unsigned from, const struct mx_rank_message *message,
                  struct mx_err *err)
{
    switch (message->type) {
    case MX_RANK_START:
        return rank->left ? 0 : begin(rank, message, err);
    case MX_RANK_ORDER:
        return is_for(rank, message) ? mx_supervisor_order(rank->supervisor, message->executor,
                                                           message->bytes, message->len, err)
                                     : 0;
    case MX_RANK_KILL:
        if (is_for(rank, message))
            mx_supervisor_kill(rank->supervisor, message->executor, message->reason);
        return 0;
    case MX_RANK_DROP:
        worker_contributions_drop(rank->own, message->lease);
        return 0;
    case MX_RANK_REDUCE:
        return reduce(rank, message, err);
    case MX_RANK_TREE:
        return mx_reduction_take(rank->reduction, from, message->bytes, message->len, err);
    case MX_RANK_BEAT:
        return 0;
    case MX_RANK_QUIT:
        return quit(rank);
    case MX_RANK_BYE:
        rank->over = true;
        rank->lossy = message->lossy;
        return 0;
    default:
        return mx_fail(err, MX_EINTERNAL, "it was sent a message of type %d", (int)message->type);
    }
}

/* All whole messages that have come from a rank. */
static int read_inbox(struct rank *rank, unsigned from, struct mx_err *err)
{
    struct mx_buf         *inbox = mx_comm_inbox(rank->comm, from);
    struct mx_rank_message message;
    size_t                 at = 0;
    long                   used = 0;
    int                    rc = 0;

    while (rc == 0 &&
           (used = mx_rank_message_take(inbox->data + at, inbox->len - at, &message, err)) > 0) {
        rc = handle(rank, from, &message, err);
        at += (size_t)used;
    }
    if (at > 0) /* one that nothing ever came into has no memory */
        memmove(inbox->data, inbox->data + at, inbox->len - at);
    inbox->len -= at;
    return rc || used < 0 ? -1 : 0;
}

/* Nobody else is left to say it. */
static void tell_user(const struct rank *rank)
{
    if (mx_comm_rank(rank->comm) != 1)
        return;
    if (rank->started)
        fprintf(stderr, "mixsweep: rank 0 on %s is gone; mixsweep resume %s goes on\n",
                rank->start.root.host, rank->start.directory);
    else
        fprintf(stderr, "mixsweep: rank 0 is gone before it began; start the sweep again\n");
}

static int read_inboxes(struct rank *rank, struct mx_err *err)
{
    int from;

    while ((from = mx_comm_news(rank->comm)) >= 0) {
        if (read_inbox(rank, (unsigned)from, err))
            return -1;
        if (from == 0)
            rank->heard_s = mx_clock_monotonic_s();
        if (from == 0 && mx_comm_gone(rank->comm, 0, NULL, 0)) {
            tell_user(rank);
            rank->over = rank->lossy = true;
        }
    }
    return 0;
}

/* Pass on what happened to an executor. */
static int pass_on(struct rank *rank, const struct mx_supervisor_event *event, struct mx_err *err)
{
    struct mx_rank_message message = {
        .executor = event->executor, .lease = event->lease, .gpu = event->gpu};

    switch (event->kind) {
    case MX_SUPERVISOR_UP:
        message.type = MX_RANK_UP;
        message.life = ++rank->lives[event->executor - rank->start.first];
        memcpy(message.device, event->device, sizeof message.device);
        break;
    case MX_SUPERVISOR_LOST:
        message.type = MX_RANK_LOST;
        message.reason = event->reason;
        memcpy(message.text, event->text, sizeof message.text);
        break;
    case MX_SUPERVISOR_GONE:
        message.type = MX_RANK_GONE;
        memcpy(message.text, event->text, sizeof message.text);
        break;
    case MX_SUPERVISOR_DONE:
        if (event->message->result.paused_epoch == 0 &&
            worker_contributions_add(rank->own, event->message->lease, event->message->stage,
                                     event->message->result.metrics,
                                     event->message->result.nmetrics, err))
            return -1;
        /* fall through */
    case MX_SUPERVISOR_FAILED:
    case MX_SUPERVISOR_GROUP:
        message.type = MX_RANK_ANSWER;
        message.bytes = event->frame;
        message.len = event->frame_len;
        break;
    }
    return tell(rank, &message, err);
}

static int pass_on_all(struct rank *rank, struct mx_err *err)
{
    struct mx_supervisor_event event;
    int                        rc = 0;

    while (rank->supervisor && (rc = mx_supervisor_next(rank->supervisor, &event, err)) > 0) {
        rank->nap_s = shortest_nap_s;
        if (pass_on(rank, &event, err))
            return -1;
    }
    return rc;
}

/* A sign of life, with how far the executors are. */
static int beat(struct rank *rank, double now_s, struct mx_err *err)
{
    struct mx_rank_message sign = {.type = MX_RANK_BEAT};

    if (!rank->started || now_s - rank->beat_s < rank->start.rank_timeout_s / beats_a_timeout)
        return 0;
    rank->beat_s = now_s;
    mx_buf_clear(&rank->numbers);
    for (uint32_t i = 0; rank->supervisor && i < rank->start.workers; i++)
        mx_put_real(&rank->numbers,
                    mx_supervisor_progress(rank->supervisor, rank->start.first + i));
    if (rank->on_gpus) {
        mx_gpus_update(&rank->nvml, &rank->gpus);
        mx_gpus_put_figures(&rank->numbers, &rank->gpus);
    }
    sign.bytes = rank->numbers.data;
    sign.len = rank->numbers.len;
    return mx_buf_ok(&rank->numbers) ? tell(rank, &sign, err)
                                     : mx_fail(err, MX_ENOMEM, "no memory for a sign of life");
}

/* Whether rank 0 is gone as far as can be seen from here. */
static bool root_is_gone(const struct rank *rank, double now_s)
{
    uint64_t start;

    if (!rank->started)
        return now_s - rank->heard_s > start_patience_s;
    if (mx_process_same_space(&rank->self, &rank->start.root))
        return !mx_owner_machine.start_of(NULL, rank->start.root.pid, &start) ||
               start != rank->start.root.start;
    return now_s - rank->heard_s > patience_timeouts * rank->start.rank_timeout_s;
}

/* Once a sign of life: is there anybody left to work for? And have we been away
 * so long ourselves (stopped, or starved) that others do our work by now? */
static void look_around(struct rank *rank, double now_s)
{
    double every_s = rank->started ? rank->start.rank_timeout_s / beats_a_timeout : 1;
    double away_s = now_s - rank->looked_s;

    if (away_s < every_s)
        return;
    rank->looked_s = now_s;
    if (root_is_gone(rank, now_s))
        tell_user(rank);
    else if ((long)getppid() == rank->launcher &&
             !(rank->started && away_s > rank->start.rank_timeout_s))
        return;
    rank->over = rank->lossy = true;
}

static int wait_shortly(struct rank *rank, struct mx_err *err)
{
    if (mx_comm_progress(rank->comm) > 0)
        rank->nap_s = shortest_nap_s;
    else if (rank->supervisor &&
             mx_supervisor_wait(rank->supervisor, rank->nap_s, mx_signals_fd(), err))
        return -1;
    else if (!rank->supervisor)
        mx_signals_wait(rank->nap_s);
    rank->nap_s = fmin(2 * rank->nap_s, longest_nap_s);
    return 0;
}

static int step(struct rank *rank, struct mx_err *err)
{
    double now_s = mx_clock_monotonic_s();
    char   why[64];

    look_around(rank, now_s);
    if (wait_shortly(rank, err) || read_inboxes(rank, err) || pass_on_all(rank, err) ||
        mx_reduction_pump(rank->reduction, err) || beat(rank, now_s, err))
        return -1;
    if (mx_signals_request() != MX_REQUEST_END || rank->left)
        return 0;
    if (rank->told_s == 0)
        rank->told_s = now_s;
    if (now_s - rank->told_s < leave_after_s)
        return 0;
    snprintf(why, sizeof why, "it was told to end by %s", mx_signals_name());
    return leave(rank, why);
}

static int prepare(struct rank *rank, struct mx_err *err)
{
    rank->launcher = (long)getppid();
    rank->nap_s = shortest_nap_s;
    rank->heard_s = rank->looked_s = mx_clock_monotonic_s();
    if (mx_signals_install(err) || mx_owner_machine.self(NULL, &rank->self, err) ||
        !(rank->program = mx_program_path(err)) || !(rank->own = worker_contributions_new(err)) ||
        !(rank->reduction = mx_reduction_new(rank->comm, err)))
        return -1;
    return say_hello(rank, err);
}

int mx_rank_serve(struct mx_comm *comm)
{
    struct rank   rank = {.comm = comm};
    struct mx_err err = {0};
    bool          lossy;

    if (prepare(&rank, &err))
        leave(&rank, err.text);
    while (!rank.over)
        if (step(&rank, &err))
            leave(&rank, err.text);
    end_executors(&rank);
    worker_contributions_free(rank.own);
    mx_reduction_free(rank.reduction);
    mx_buf_free(&rank.frame);
    mx_buf_free(&rank.numbers);
    mx_gpus_free(&rank.gpus);
    mx_nvml_close(&rank.nvml);
    free(rank.lives);
    free(rank.program);
    lossy = rank.lossy || mx_comm_lossy(comm);
    mx_comm_close(comm, lossy, 0);
    return 0;
}
