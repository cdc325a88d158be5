/* The lock, the current device, and errors that stay. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fakegpu/fake.h"

static struct {
    pthread_mutex_t  lock;
    const char      *call;
    int              device;
    cudaError_t      last, sticks;
    pid_t            owner; /* the process whose context it is; 0: there is none yet */
    struct sigaction before;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .call = "no call"};

static void on_fault(int signal, siginfo_t *info, void *context)
{
    char text[256];

    (void)context;
    if (fake_explain_fault(info->si_addr, text, sizeof text))
        fake_misuse_in("memory", "address", "%s", text);
    /* None of ours: as if this handler had never been. */
    sigaction(signal, &state.before, NULL);
}

static void see_leak(void *object, enum fake_kind kind, const char *maker, void *extra)
{
    (void)object;
    (void)extra;
    fake_misuse_in("exit", "leak", "%s of %s was never freed", fake_kind_name(kind), maker);
}

/* What a process that ends in order has left behind. */
static void at_exit(void)
{
    if (state.owner != getpid())
        return; /* a child that never used the device */
    fake_check_guards();
    fake_objects_each(see_leak, NULL);
    fake_memory_leaks();
}

static void make_context(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

    state.owner = getpid();
    sigaction(SIGSEGV, &action, &state.before);
    atexit(at_exit);
}

cudaError_t fake_enter_question(const char *call)
{
    pthread_mutex_lock(&state.lock);
    state.call = call;
    if (state.owner && state.owner != getpid())
        fake_misuse("process", "CUDA was used before fork(); a child cannot use it");
    return state.sticks;
}

cudaError_t fake_enter(const char *call)
{
    cudaError_t status = fake_enter_question(call);

    if (!fake_machine()->driver)
        return cudaErrorInsufficientDriver;
    if (fake_machine()->visible == 0)
        return cudaErrorNoDevice;
    if (!state.owner)
        make_context();
    return status;
}

cudaError_t fake_leave(cudaError_t status)
{
    if (status != cudaSuccess && status != cudaErrorNotReady)
        state.last = status;
    pthread_mutex_unlock(&state.lock);
    return status;
}

const char *fake_call(void)
{
    return state.call;
}

int fake_device(void)
{
    return state.device;
}

cudaError_t fake_use_device(int device)
{
    if (device < 0 || device >= fake_machine()->visible)
        return cudaErrorInvalidDevice;
    state.device = device;
    return cudaSuccess;
}

cudaError_t fake_last_error(bool forget)
{
    cudaError_t last = state.sticks != cudaSuccess ? state.sticks : state.last;

    if (forget)
        state.last = cudaSuccess;
    return last;
}

void fake_stick(cudaError_t error)
{
    if (state.sticks == cudaSuccess)
        state.sticks = error;
}

cudaError_t fake_sticking(void)
{
    return state.sticks;
}

void fake_hang(void)
{
    pthread_mutex_unlock(&state.lock);
    for (;;)
        pause();
}
