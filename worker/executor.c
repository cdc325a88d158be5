#include "worker/executor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/parent.h"
#include "worker/device.h"
#include "worker/fault.h"
#include "worker/group.h"
#include "worker/memory_cap.h"
#include "worker/protocol.h"

/* Answers of short stages are held, so that many are one message to read. */
enum {
    HELD_BYTES = 16 << 10
};
static const double held_s = 0.02, short_stage_s = 0.005;

/* A handler can reach nothing but a global. */
static volatile sig_atomic_t asked_to_end;

static void on_end(int number)
{
    (void)number;
    asked_to_end = 1;
}

struct executor {
    struct worker_cache         *cache;
    struct worker_contributions *own; /* what it has computed on a GPU */
    struct worker_progress_slot *slot;
    uint32_t                     stage;     /* that runs */
    struct worker_job            job;       /* of the order that was taken last */
    struct mx_buf                in;        /* orders; those in front of `taken` are done */
    size_t                       taken;     /* bytes */
    struct mx_buf                out;       /* answers that are held */
    size_t                       last;      /* where the last of them starts */
    double                       sent_s;    /* when answers were sent last */
    char                         note[256]; /* of the stage that runs */
};

static int heed_signals(struct mx_err *err)
{
    struct sigaction action = {.sa_handler = on_end}, ignore = {.sa_handler = SIG_IGN};

    if (sigaction(SIGTERM, &action, NULL) || sigaction(SIGPIPE, &ignore, NULL))
        return mx_fail_errno(err, MX_EIO, errno, "cannot heed signals");
    return 0;
}

static struct worker_progress_slot *map_slot(uint32_t slot, struct mx_err *err)
{
    size_t                       bytes = (slot + 1) * sizeof(struct worker_progress_slot);
    struct worker_progress_slot *slots =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, WORKER_PROGRESS_FD, 0);

    if (slots == MAP_FAILED) {
        mx_fail_errno(err, MX_EIO, errno, "cannot map the progress memory");
        return NULL;
    }
    return slots + slot;
}

/* Add a message to those that are held. */
static int hold(struct executor *executor, const struct worker_message *message, struct mx_err *err)
{
    executor->last = executor->out.len;
    worker_message_put(&executor->out, message);
    return mx_buf_ok(&executor->out)
               ? 0
               : mx_fail(err, MX_ENOMEM, "no memory for a message to the supervisor");
}

/* Send all that is held; in two pieces, between which tests may end this process. */
static int send_held(struct executor *executor, struct mx_err *err)
{
    static const char name[] = "the supervisor's socket";
    const char       *data = executor->out.data;
    size_t            first = executor->last + (executor->out.len - executor->last) / 2;

    if (mx_file_write_all(WORKER_SOCKET_FD, data, first, name, err))
        return -1;
    worker_fault(WORKER_FAULT_HALF_SENT, executor->stage);
    if (mx_file_write_all(WORKER_SOCKET_FD, data + first, executor->out.len - first, name, err))
        return -1;
    mx_buf_clear(&executor->out);
    executor->last = 0;
    executor->sent_s = mx_clock_monotonic_s();
    return 0;
}

/* A long stage does not keep the answers of short ones before it. A supervisor
 * that does not take them is gone: the stage may end. */
static bool tick(void *user, uint64_t done, uint64_t total)
{
    struct executor *executor = user;

    worker_progress_set(executor->slot, done, total);
    if (asked_to_end)
        return true;
    return executor->out.len > 0 && mx_clock_monotonic_s() - executor->sent_s >= held_s &&
           send_held(executor, NULL);
}

/* Notes of a stage come with its answer, one behind the other. */
static void note(void *user, const char *text)
{
    struct executor *executor = user;
    size_t           used = strlen(executor->note);

    snprintf(executor->note + used, sizeof executor->note - used, "%s%s", used > 0 ? "; " : "",
             text);
}

/* What a group of GPUs may be asked for at the end. A training that waits has not ended. */
static int remember(struct executor *executor, const struct worker_message *order,
                    const struct worker_result *result, struct mx_err *err)
{
    if (order->job->params.device != WORKER_DEVICE_CUDA || result->paused_epoch > 0)
        return 0;
    return worker_contributions_add(executor->own, order->lease, order->stage, result->metrics,
                                    result->nmetrics, err);
}

/* Run a stage and hold its answer; *seconds is what it took. What a GPU has failed in is no
 * answer: this process is of no use any more, and its end is the stage's. */
static int run_stage(struct executor *executor, const struct worker_message *order, double *seconds,
                     struct mx_err *err)
{
    struct worker_progress progress = {tick, executor, note};
    struct worker_message  answer = {.lease = order->lease, .stage = order->stage};
    struct mx_err          failure = {0};
    double                 start = mx_clock_monotonic_s();
    int                    rc;

    executor->note[0] = '\0';
    worker_fault(WORKER_FAULT_STAGE_STARTS, order->stage);
    if (worker_stage_run(order->job, executor->cache, &progress, &answer.result, &failure)) {
        if (failure.code == MX_EGPU)
            return mx_fail(err, failure.code, "%s", failure.text);
        answer.type = WORKER_MESSAGE_FAILED;
        answer.code = failure.code;
        memcpy(answer.text, failure.text, sizeof answer.text);
    } else {
        answer.type = WORKER_MESSAGE_DONE;
    }
    memcpy(answer.note, executor->note, sizeof answer.note);
    worker_fault(WORKER_FAULT_STAGE_ENDS, order->stage);
    *seconds = answer.seconds = mx_clock_monotonic_s() - start;
    rc = remember(executor, order, &answer.result, err) || hold(executor, &answer, err) ? -1 : 0;
    worker_message_free(&answer);
    return rc;
}

/* Read what the supervisor sent. Returns 1; 0 if it closed, or if nothing has
 * come and `flags` say not to wait; -1 on error. */
static int receive(struct executor *executor, int flags, struct mx_err *err)
{
    char    piece[1 << 16];
    ssize_t n;

    do
        n = recv(WORKER_SOCKET_FD, piece, sizeof piece, flags);
    while (n < 0 && errno == EINTR && !asked_to_end);
    if (asked_to_end)
        return 0;
    if (n < 0 && errno != ECONNRESET && errno != EAGAIN)
        return mx_fail_errno(err, MX_EIO, errno, "cannot read from the supervisor");
    if (n <= 0)
        return 0;
    if (executor->taken > 0) {
        executor->in.len -= executor->taken;
        memmove(executor->in.data, executor->in.data + executor->taken, executor->in.len);
        executor->taken = 0;
    }
    mx_buf_add(&executor->in, piece, (size_t)n);
    return mx_buf_ok(&executor->in)
               ? 1
               : mx_fail(err, MX_ENOMEM, "no memory for a message of %zd bytes", n);
}

/* Take the next order, to be freed. Returns 1; 0 if there is none, see receive(); -1. */
static int next_order(struct executor *executor, int flags, struct worker_message *order,
                      struct mx_err *err)
{
    for (;;) {
        long used =
            worker_message_take(executor->in.data + executor->taken,
                                executor->in.len - executor->taken, order, &executor->job, err);
        int rc;

        if (used < 0)
            return -1;
        executor->taken += (size_t)used;
        if (used > 0 && (order->type == WORKER_MESSAGE_RUN || order->type == WORKER_MESSAGE_GROUP))
            return 1;
        if (used > 0)
            worker_message_free(order);
        else if ((rc = receive(executor, flags, err)) <= 0)
            return rc;
    }
}

/* Whether held answers go out now that a stage took `seconds`. */
static bool send_is_due(const struct executor *executor, double seconds)
{
    return seconds >= short_stage_s || executor->out.len >= HELD_BYTES ||
           mx_clock_monotonic_s() - executor->sent_s >= held_s;
}

/* Whether to give a group up: that is what any further message says, the socket's end too. To
 * be asked is a sign of life. */
static bool must_leave(void *user)
{
    struct executor *executor = user;
    uint64_t         done, total;
    char             byte;

    worker_progress_get(executor->slot, &done, &total);
    worker_progress_set(executor->slot, done + 1, 0);
    return asked_to_end || executor->in.len > executor->taken ||
           recv(WORKER_SOCKET_FD, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* Some of what a group gave, for the supervisor. */
static int send_part(void *user, const void *bytes, size_t len, struct mx_err *err)
{
    struct executor            *executor = user;
    const struct worker_message part = {
        .type = WORKER_MESSAGE_PART, .stage = executor->stage, .bytes = bytes, .len = len};

    return hold(executor, &part, err) || send_held(executor, err) ? -1 : 0;
}

/* Work together with other executors. What goes wrong there is the answer. */
static int serve_group(struct executor *executor, const struct worker_message *order,
                       struct mx_err *err)
{
    const struct worker_group_talk talk = {must_leave, send_part, executor};
    struct worker_message          answer = {.type = WORKER_MESSAGE_GROUPED, .stage = order->stage};
    struct mx_buf                  bytes = {0};
    struct mx_err                  failure = {0};
    int                            rc;

    executor->stage = order->stage;
    if (worker_group_serve(executor->own, order->bytes, order->len, &talk, &bytes, &failure)) {
        answer.code = failure.code;
        memcpy(answer.text, failure.text, sizeof answer.text);
    }
    answer.bytes = bytes.data;
    answer.len = bytes.len;
    rc = hold(executor, &answer, err) || send_held(executor, err) ? -1 : 0;
    mx_buf_free(&bytes);
    return rc;
}

/* Run the order, and others for as long as they have already come. Answers are
 * sent before the last stage stops counting as running: a process that dies of
 * the sending is blamed on it. */
static int serve(struct executor *executor, struct worker_message *order, struct mx_err *err)
{
    int more = 1, rc = 0;

    while (more > 0 && rc == 0) {
        enum worker_kind kind;
        double           seconds = 0;

        if (order->type == WORKER_MESSAGE_GROUP)
            return serve_group(executor, order, err);
        kind = order->job->kind;
        executor->stage = order->stage;
        worker_progress_set(executor->slot, 0, 1);
        worker_progress_set_lease(executor->slot, order->lease);
        rc = run_stage(executor, order, &seconds, err);
        worker_message_free(order);
        if (rc) { /* what came before it is answered all the same */
            send_held(executor, NULL);
            return rc;
        }
        if (asked_to_end) /* nobody waits for an answer, and the lease says what was broken off */
            return rc;
        if (rc == 0 && (more = next_order(executor, MSG_DONTWAIT, order, err)) < 0)
            rc = -1;
        if (rc == 0 && (more == 0 || order->type == WORKER_MESSAGE_GROUP ||
                        order->job->kind != kind || send_is_due(executor, seconds)))
            rc = send_held(executor, err);
        worker_progress_set_lease(executor->slot, 0);
    }
    if (more > 0)
        worker_message_free(order);
    return rc;
}

int worker_executor_serve(const struct worker_executor_options *options, struct mx_err *err)
{
    struct executor       executor = {0};
    struct worker_message message = {.type = WORKER_MESSAGE_HELLO};
    int                   rc = -1;

    if (heed_signals(err) || mx_follow_parent(options->parent, err) ||
        (options->memory_bytes > 0 && worker_memory_cap(options->memory_bytes, err)))
        return -1;
    if (!(executor.slot = map_slot(options->slot, err)))
        return -1;
    worker_fault(WORKER_FAULT_EXECUTOR_STARTS, 0);
    if (options->gpu && worker_cuda_open(err))
        return -1;
    if (!(executor.cache = worker_cache_new())) {
        mx_fail(err, MX_ENOMEM, "no memory for an executor");
        goto done;
    }
    if (!(executor.own = worker_contributions_new(err)))
        goto done;
    worker_device_name(message.device, sizeof message.device);
    if (hold(&executor, &message, err) || send_held(&executor, err))
        goto done;
    while ((rc = next_order(&executor, 0, &message, err)) > 0)
        if ((rc = serve(&executor, &message, err)) || asked_to_end)
            break;
done:
    worker_cache_free(executor.cache);
    worker_contributions_free(executor.own);
    worker_job_free(&executor.job);
    mx_buf_free(&executor.in);
    mx_buf_free(&executor.out);
    return rc;
}
