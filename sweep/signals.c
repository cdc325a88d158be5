#include "sweep/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

/* Handlers can reach nothing but globals: these few are the whole state. */
static volatile sig_atomic_t interrupts, ends, last_signal;
static int                   wake[2] = {-1, -1};

static void on_signal(int number)
{
    int saved = errno;

    last_signal = number;
    if (number == SIGINT)
        interrupts = interrupts + 1;
    else
        ends = 1;
    (void)!write(wake[1], "", 1);
    errno = saved;
}

int mx_signals_install(struct mx_err *err)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK))
        return mx_fail_errno(err, MX_EIO, errno, "cannot make a pipe for signals");
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        struct sigaction before;

        /* nohup and shells that start us in the background ignore some: so do we. */
        if (sigaction(ours[i], NULL, &before) || before.sa_handler != SIG_IGN)
            sigaction(ours[i], &action, NULL);
    }
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
    return 0;
}

int mx_signals_fd(void)
{
    return wake[0];
}

void mx_signals_wait(double seconds)
{
    struct pollfd   polled = {wake[0], POLLIN, 0};
    struct timespec timeout = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};

    ppoll(&polled, 1, &timeout, NULL);
}

enum mx_request mx_signals_request(void)
{
    char bytes[64];

    while (wake[0] >= 0 && read(wake[0], bytes, sizeof bytes) > 0)
        ;
    if (ends || interrupts > 1)
        return MX_REQUEST_END;
    return interrupts ? MX_REQUEST_DRAIN : MX_REQUEST_NONE;
}

double mx_signals_grace_s(bool launched)
{
    return launched && (last_signal == SIGTERM || last_signal == SIGINT) ? 0.25 : 10;
}

const char *mx_signals_name(void)
{
    switch (last_signal) {
    case SIGINT:
        return "Ctrl-C";
    case SIGTERM:
        return "SIGTERM";
    case SIGHUP:
        return "SIGHUP";
    case SIGUSR1:
        return "SIGUSR1";
    case SIGUSR2:
        return "SIGUSR2";
    default:
        return "";
    }
}
