/* faults.c - the program with faults: told by MX_FAULT what goes wrong, and where.
 *
 *     MX_FAULT="WHAT POINT STAGE TIMES"     in executors
 *     MX_FAULT="contribution SLOT"          in supervisors
 *
 * WHAT is a word of `faults` below, POINT one of `points`, STAGE the number of
 * the plan's stage or "any", TIMES "always", or the path of a file that the
 * first to get there makes: the others then pass. SLOT may be "first": the
 * first that the process contributes.
 *
 * With MX_PRETEND_CUDA stages are given to executors of GPUs, and computed by their CPUs: to
 * test all that is around them where no GPU is (tests/fakegpu/nvml.c).
 */
#include "worker/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/nn.h"
#include "worker/device.h"

static const char *const points[] = {
    [WORKER_FAULT_EXECUTOR_STARTS] = "executor_starts",
    [WORKER_FAULT_STAGE_STARTS] = "stage_starts",
    [WORKER_FAULT_STAGE_ENDS] = "stage_ends",
    [WORKER_FAULT_HALF_SENT] = "half_sent",
    [WORKER_FAULT_GROUP_STARTS] = "group_starts",
    [WORKER_FAULT_GROUP_JOINED] = "group_joined",
    [WORKER_FAULT_GROUP_HANDS] = "group_hands",
};

/* The memory that a stage finds taken, to be given back at its end. */
static void *taken;

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        _exit(1);
}

/* The default action, whatever a sanitizer made of it. */
static void segfault(void)
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

/* A line that is longer than a pipe takes in one piece, whatever else is written there. */
static void talk(void)
{
    char line[5001];

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    if (write(STDERR_FILENO, line, sizeof line) < 0)
        _exit(1);
}

static void end_with_status(void)
{
    say("it was I who ended\n");
    _exit(7);
}

/* All that the limit allows, in a chain of pieces. */
static void take_memory(void)
{
    for (size_t bytes = (size_t)64 << 20; bytes >= 64; bytes /= 2) {
        void **piece;

        while ((piece = malloc(bytes))) {
            *piece = taken;
            taken = piece;
        }
    }
}

static void give_memory_back(void)
{
    while (taken) {
        void *next = *(void **)taken;

        free(taken);
        taken = next;
    }
}

static void abort_for_memory(void)
{
    take_memory();
    abort();
}

static void hang(void)
{
    for (;;)
        pause();
}

/* Until somebody sends SIGCONT. */
static void stand(void)
{
    raise(SIGSTOP);
}

static void flood(void)
{
    for (;;)
        say("a line of a flood that does not end, longer than it needs to be\n");
}

static void die(void)
{
    raise(SIGKILL);
}

static const struct {
    const char *word;
    void (*act)(void);
} faults[] = {
    {"segfault", segfault},
    {"exit", end_with_status},
    {"abort_for_memory", abort_for_memory},
    {"take_memory", take_memory},
    {"hang", hang},
    {"stand", stand},
    {"flood", flood},
    {"die", die},
    {"talk", talk},
};

/* True once if `times` is the path of a file. */
static bool is_due(const char *times)
{
    int fd;

    if (strcmp(times, "always") == 0)
        return true;
    if ((fd = open(times, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666)) < 0)
        return false;
    close(fd);
    return true;
}

/* True if a number is the one that a word says, or the word is that for all. */
static bool is_meant(const char *word, const char *all, uint64_t number)
{
    char *end;

    return strcmp(word, all) == 0 || (strtoull(word, &end, 10) == number && *end == '\0');
}

int worker_cuda_ready(struct mx_err *err)
{
    return getenv("MX_PRETEND_CUDA") ? 0 : mx_fail(err, MX_EGPU, "no GPU is pretended");
}

/* Only an executor that was given a GPU asks. */
int worker_cuda_open(struct mx_err *err)
{
    (void)err;
    return 0;
}

/* The linker has stages for GPUs call this one: their networks are computed by the CPU. */
struct kern_nn *__wrap_kern_nn_new_cuda(enum kern_precision precision, bool repeats,
                                        struct mx_err *err);

struct kern_nn *__wrap_kern_nn_new_cuda(enum kern_precision precision, bool repeats,
                                        struct mx_err *err)
{
    (void)precision;
    (void)repeats;
    return kern_nn_new(1, err);
}

/* The variable that MX_FAULT_SHOWS names, as this executor has it. */
static void show_variable(void)
{
    const char *name = getenv("MX_FAULT_SHOWS");
    const char *value = name ? getenv(name) : NULL;

    if (name)
        fprintf(stderr, "%s=%s\n", name, value ? value : "(not set)");
}

void worker_fault(enum worker_fault_point point, uint32_t stage)
{
    const char *text = getenv("MX_FAULT");
    char        what[32], where[32], victim[32], times[512];

    if (point == WORKER_FAULT_STAGE_ENDS)
        give_memory_back();
    if (point == WORKER_FAULT_EXECUTOR_STARTS)
        show_variable();
    if (!text || sscanf(text, "%31s %31s %31s %511s", what, where, victim, times) != 4)
        return;
    if (strcmp(where, points[point]) != 0 || !is_meant(victim, "any", stage) || !is_due(times))
        return;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (strcmp(what, faults[i].word) == 0)
            faults[i].act();
}

void worker_fault_contribution(uint64_t slot, uint64_t *bits)
{
    static bool lied;
    const char *text = getenv("MX_FAULT");
    char        victim[32];

    if (lied || !text || sscanf(text, "contribution %31s", victim) != 1 ||
        !is_meant(victim, "first", slot))
        return;
    lied = true;
    ++*bits;
}
