/* supervisor.c - executors: started, given orders, ended. */
#include "sweep/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sweep/supervisor_private.h"

static const double close_wait_s = 3; /* for idle executors to end by themselves */

const struct mx_supervisor_gpu *mx_supervised_gpu(const struct mx_supervisor *supervisor,
                                                  uint32_t                    index)
{
    const unsigned n = supervisor->options.ngpus;

    return n > 0 ? &supervisor->gpus[index % n] : NULL;
}

int mx_supervised_start(struct mx_supervisor *supervisor, uint32_t index, struct mx_err *err)
{
    struct mx_supervised           *executor = &supervisor->executors[index];
    const struct mx_supervisor_gpu *gpu = mx_supervised_gpu(supervisor, index);
    struct mx_spawn_options         options = {
                .program = supervisor->program,
                .slot = index,
                .progress_fd = supervisor->progress_fd,
                .memory_bytes = supervisor->options.memory_bytes,
                .gpu = gpu ? gpu->uuid : NULL,
    };

    mx_buf_clear(&executor->in);
    mx_buf_clear(&executor->out);
    mx_output_log_begin(executor->log);
    executor->taken = executor->sent = 0;
    executor->ready = executor->ended = false;
    executor->waiting = executor->first = executor->answered = 0;
    executor->kill_reason = MX_REASON_NONE;
    executor->complaint[0] = '\0';
    executor->moved_s = mx_clock_monotonic_s();
    executor->pause_s = 0;
    worker_progress_set(&supervisor->slots[index], 0, 0);
    worker_progress_set_lease(&supervisor->slots[index], 0);
    return mx_spawn_executor(&options, &executor->child, err);
}

static int map_progress(struct mx_supervisor *supervisor, struct mx_err *err)
{
    size_t bytes = (supervisor->options.workers + 1) * sizeof *supervisor->slots;
    int    low = memfd_create("mixsweep-progress", MFD_CLOEXEC);
    void  *memory;

    /* Clear of the descriptors that executors are given. */
    supervisor->progress_fd = low < 0 ? -1 : mx_spawn_move_up(low);
    if (supervisor->progress_fd < 0 || ftruncate(supervisor->progress_fd, (off_t)bytes))
        return mx_fail_errno(err, MX_EIO, errno, "cannot make the progress memory");
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, supervisor->progress_fd, 0);
    if (memory == MAP_FAILED)
        return mx_fail_errno(err, MX_EIO, errno, "cannot map the progress memory");
    supervisor->slots = memory;
    return 0;
}

/* One file for all executors of a rank, named after the first of them. */
static int open_output(struct mx_supervisor *supervisor, struct mx_err *err)
{
    struct mx_buf path = {0};

    mx_buf_printf(&path, "%s/log/exec-%u.log", supervisor->directory,
                  (unsigned)supervisor->options.first);
    if (mx_buf_ok(&path))
        supervisor->output = mx_capped_file_new(path.data, MX_OUTPUT_LOG_BYTES, err);
    else
        mx_fail(err, MX_ENOMEM, "no memory for a path");
    mx_buf_free(&path);
    return supervisor->output ? 0 : -1;
}

static int open_log(struct mx_supervisor *supervisor, uint32_t index, struct mx_err *err)
{
    const bool alone = supervisor->options.workers == 1;

    supervisor->executors[index].log = mx_output_log_new(
        supervisor->output, alone ? -1 : (int64_t)supervisor->options.first + index, err);
    return supervisor->executors[index].log ? 0 : -1;
}

struct mx_supervisor *mx_supervisor_open(const struct mx_supervisor_options *options,
                                         struct mx_err                      *err)
{
    size_t                n = options->workers;
    struct mx_supervisor *supervisor =
        calloc(1, sizeof *supervisor + n * sizeof supervisor->executors[0]);

    if (!supervisor)
        goto nomem;
    supervisor->options = *options;
    supervisor->progress_fd = -1;
    supervisor->looked_s = mx_clock_monotonic_s();
    for (size_t i = 0; i < n; i++)
        supervisor->executors[i].child = (struct mx_child){0, -1, -1, -1};
    supervisor->program = strdup(options->program);
    supervisor->directory = strdup(options->directory);
    supervisor->polled = calloc(MX_SUPERVISED_FDS * n + 1, sizeof *supervisor->polled);
    supervisor->list = calloc(n + 1, sizeof *supervisor->list);
    supervisor->gpus = calloc(options->ngpus + 1, sizeof *supervisor->gpus);
    if (!supervisor->program || !supervisor->directory || !supervisor->polled ||
        !supervisor->list || !supervisor->gpus)
        goto nomem;
    if (options->ngpus > 0)
        memcpy(supervisor->gpus, options->gpus, options->ngpus * sizeof *supervisor->gpus);
    if (map_progress(supervisor, err) || open_output(supervisor, err) ||
        mx_supervised_meter_open(supervisor, err))
        goto fail;
    for (uint32_t i = 0; i < n; i++)
        if (open_log(supervisor, i, err) || mx_supervised_start(supervisor, i, err))
            goto fail;
    return supervisor;
nomem:
    mx_fail(err, MX_ENOMEM, "no memory for %u executors", options->workers);
fail:
    mx_supervisor_close(supervisor);
    return NULL;
}

/* How many frames there are that will be answered, and the first one's lease; -1 with *err if
 * they are not whole. */
static int count_frames(const void *frames, size_t len, uint64_t *count, uint64_t *first,
                        struct mx_err *err)
{
    const char    *at = frames;
    struct mx_wire wire;

    *count = 0;
    while (len > 0) {
        uint16_t type;
        size_t   body;
        int      whole = mx_wire_peek(at, len, &type, &body, err);

        if (whole <= 0)
            return whole < 0 ? -1 : mx_fail(err, MX_EINTERNAL, "orders that end in a frame");
        if (*count == 0) {
            wire = mx_wire_body(at, body);
            *first = mx_take_u64(&wire);
        }
        *count += type != WORKER_MESSAGE_LEAVE;
        at += MX_WIRE_HEAD + body;
        len -= MX_WIRE_HEAD + body;
    }
    return 0;
}

int mx_supervisor_order(struct mx_supervisor *supervisor, uint32_t number, const void *frames,
                        size_t len, struct mx_err *err)
{
    struct mx_supervised *executor = &supervisor->executors[number - supervisor->options.first];
    size_t                before = executor->out.len;
    uint64_t              count, first = 0;

    if (count_frames(frames, len, &count, &first, err))
        return -1;
    if (!executor->ready || executor->ended || len == 0)
        return 0;
    mx_buf_add(&executor->out, frames, len);
    if (!mx_buf_ok(&executor->out)) {
        executor->out.failed = false; /* what was there before is whole */
        executor->out.len = before;
        return mx_fail(err, MX_ENOMEM, "no memory for %zu bytes of orders to executor %u", len,
                       (unsigned)number);
    }
    if (executor->waiting == 0 && count > 0) {
        executor->first = first;
        executor->moved_s = mx_clock_monotonic_s();
        mx_gpu_meter_begin(supervisor->meter, number - supervisor->options.first);
    }
    executor->waiting += count;
    if (before == 0)
        mx_supervised_send(executor);
    return 0;
}

void mx_supervised_close(struct mx_child *child)
{
    if (child->socket >= 0)
        close(child->socket);
    if (child->output >= 0)
        close(child->output);
    close(child->pidfd);
    *child = (struct mx_child){0, -1, -1, -1};
}

void mx_supervised_kill(struct mx_supervised *executor, enum mx_reason reason,
                        const char *complaint)
{
    if (executor->child.pid == 0 || executor->ended || executor->kill_reason)
        return;
    executor->kill_reason = reason;
    snprintf(executor->complaint, sizeof executor->complaint, "%s", complaint);
    kill(executor->child.pid, SIGKILL);
}

void mx_supervisor_kill(struct mx_supervisor *supervisor, uint32_t number, enum mx_reason reason)
{
    mx_supervised_kill(&supervisor->executors[number - supervisor->options.first], reason, "");
}

double mx_supervisor_progress(const struct mx_supervisor *supervisor, uint32_t number)
{
    const struct worker_progress_slot *slot =
        &supervisor->slots[number - supervisor->options.first];
    uint64_t done, total;

    if (worker_progress_lease(slot) == 0)
        return NAN;
    worker_progress_get(slot, &done, &total);
    return total > 0 ? (double)done / (double)total : 0.0;
}

/* Idle executors end when their socket closes; busy ones get a signal. */
static void ask_to_end(struct mx_supervisor *supervisor, int signal)
{
    for (uint32_t i = 0; i < supervisor->options.workers; i++) {
        struct mx_supervised *executor = &supervisor->executors[i];

        if (executor->child.pid == 0)
            continue;
        if (executor->waiting > 0)
            kill(executor->child.pid, signal);
        if (executor->child.socket >= 0)
            close(executor->child.socket);
        executor->child.socket = -1;
    }
}

static bool all_ended(const struct mx_supervisor *supervisor)
{
    for (uint32_t i = 0; i < supervisor->options.workers; i++)
        if (supervisor->executors[i].child.pid != 0 && !supervisor->executors[i].ended)
            return false;
    return true;
}

/* Wait for executors to end, reading what they say meanwhile. */
static void wait_for_ends(struct mx_supervisor *supervisor, double wait_s)
{
    double deadline_s = mx_clock_monotonic_s() + wait_s, now_s;

    while (!all_ended(supervisor) && (now_s = mx_clock_monotonic_s()) < deadline_s)
        if (mx_supervisor_look(supervisor, deadline_s - now_s, -1, NULL))
            return;
}

void mx_supervisor_end(struct mx_supervisor *supervisor, double grace_s)
{
    if (!supervisor)
        return;
    ask_to_end(supervisor, SIGTERM);
    wait_for_ends(supervisor, grace_s);
}

static void end_executors(struct mx_supervisor *supervisor)
{
    ask_to_end(supervisor, SIGKILL);
    wait_for_ends(supervisor, close_wait_s);
    for (uint32_t i = 0; i < supervisor->options.workers; i++) {
        struct mx_child *child = &supervisor->executors[i].child;

        if (child->pid == 0)
            continue;
        kill(child->pid, SIGKILL);
        waitid(P_PIDFD, (id_t)child->pidfd, &(siginfo_t){0}, WEXITED);
        mx_supervised_close(child);
    }
}

void mx_supervisor_close(struct mx_supervisor *supervisor)
{
    if (!supervisor)
        return;
    if (supervisor->slots && supervisor->polled && supervisor->list)
        end_executors(supervisor);
    for (uint32_t i = 0; i < supervisor->options.workers; i++) {
        mx_output_log_free(supervisor->executors[i].log);
        mx_buf_free(&supervisor->executors[i].in);
        mx_buf_free(&supervisor->executors[i].out);
    }
    mx_capped_file_free(supervisor->output);
    mx_supervised_meter_close(supervisor);
    worker_message_free(&supervisor->lent);
    if (supervisor->slots)
        munmap(supervisor->slots, (supervisor->options.workers + 1) * sizeof *supervisor->slots);
    if (supervisor->progress_fd >= 0)
        close(supervisor->progress_fd);
    free(supervisor->polled);
    free(supervisor->list);
    free(supervisor->program);
    free(supervisor->directory);
    free(supervisor->gpus);
    free(supervisor);
}
