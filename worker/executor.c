#include "worker/executor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "worker/device.h"
#include "worker/protocol.h"

struct executor {
    struct worker_cache         *cache;
    struct worker_progress_slot *slot;
    struct mx_buf                in, out;
};

/* Nothing of ours outlives the sweep: the kernel sends SIGKILL when the
 * supervisor dies, and a supervisor that died before this call is noticed. */
static int follow_parent(long parent, struct mx_err *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        return mx_fail_errno(err, MX_EIO, errno, "cannot tie the executor to its supervisor");
    if ((long)getppid() != parent)
        return mx_fail(err, MX_EIO, "the supervisor is gone");
    return 0;
}

/* The cap makes a trial that needs too much fail alone, instead of the
 * machine's memory killer choosing a victim. Sanitizers reserve terabytes. */
static int cap_memory(uint64_t bytes, struct mx_err *err)
{
#if defined(__SANITIZE_ADDRESS__)
    (void)bytes;
    (void)err;
#else
    struct rlimit limit = {bytes, bytes};

    if (bytes > 0 && setrlimit(RLIMIT_DATA, &limit))
        return mx_fail_errno(err, MX_EIO, errno, "cannot limit the executor's memory");
#endif
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

static bool tick(void *user, uint64_t done, uint64_t total)
{
    struct executor *executor = user;

    worker_progress_set(executor->slot, done, total);
    return false;
}

static int send_message(struct executor *executor, const struct worker_message *message,
                        struct mx_err *err)
{
    mx_buf_clear(&executor->out);
    worker_message_put(&executor->out, message);
    if (!mx_buf_ok(&executor->out))
        return mx_fail(err, MX_ENOMEM, "no memory for a message to the supervisor");
    return mx_file_write_all(WORKER_SOCKET_FD, executor->out.data, executor->out.len,
                             "the supervisor's socket", err);
}

static int run_stage(struct executor *executor, const struct worker_message *order,
                     struct mx_err *err)
{
    struct worker_progress progress = {tick, executor};
    struct worker_message  answer = {.lease = order->lease, .stage = order->stage};
    struct mx_err          failure = {0};
    double                 start = mx_clock_monotonic_s();
    int                    rc;

    worker_progress_set(executor->slot, 0, 1);
    if (worker_stage_run(&order->job, executor->cache, &progress, &answer.result, &failure)) {
        answer.type = WORKER_MESSAGE_FAILED;
        answer.code = failure.code;
        memcpy(answer.text, failure.text, sizeof answer.text);
    } else {
        answer.type = WORKER_MESSAGE_DONE;
    }
    answer.seconds = mx_clock_monotonic_s() - start;
    rc = send_message(executor, &answer, err);
    worker_message_free(&answer);
    return rc;
}

/* Wait for bytes. Returns 1, 0 when the supervisor closed, -1 on error. */
static int receive(struct executor *executor, struct mx_err *err)
{
    char    piece[1 << 14];
    ssize_t n;

    do
        n = read(WORKER_SOCKET_FD, piece, sizeof piece);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != ECONNRESET)
        return mx_fail_errno(err, MX_EIO, errno, "cannot read from the supervisor");
    if (n <= 0)
        return 0;
    mx_buf_add(&executor->in, piece, (size_t)n);
    return mx_buf_ok(&executor->in)
               ? 1
               : mx_fail(err, MX_ENOMEM, "no memory for a message of %zd bytes", n);
}

/* Serve all whole messages that have come. */
static int serve_waiting(struct executor *executor, struct mx_err *err)
{
    struct worker_message order;
    size_t                at = 0;
    long                  used;
    int                   rc = 0;

    while ((used = worker_message_take(executor->in.data + at, executor->in.len - at, &order,
                                       err)) > 0) {
        if (order.type == WORKER_MESSAGE_RUN)
            rc = run_stage(executor, &order, err);
        worker_message_free(&order);
        at += (size_t)used;
        if (rc)
            return rc;
    }
    memmove(executor->in.data, executor->in.data + at, executor->in.len - at);
    executor->in.len -= at;
    return used < 0 ? -1 : 0;
}

int worker_executor_serve(const struct worker_executor_options *options, struct mx_err *err)
{
    struct executor       executor = {0};
    struct worker_message hello = {.type = WORKER_MESSAGE_HELLO};
    int                   rc = -1;

    if (follow_parent(options->parent, err) || cap_memory(options->memory_bytes, err))
        return -1;
    if (!(executor.slot = map_slot(options->slot, err)))
        return -1;
    if (!(executor.cache = worker_cache_new())) {
        mx_fail(err, MX_ENOMEM, "no memory for an executor");
        goto done;
    }
    worker_device_name(hello.device, sizeof hello.device);
    if (send_message(&executor, &hello, err))
        goto done;
    while ((rc = receive(&executor, err)) > 0)
        if ((rc = serve_waiting(&executor, err)))
            break;
done:
    worker_cache_free(executor.cache);
    mx_buf_free(&executor.in);
    mx_buf_free(&executor.out);
    return rc;
}
