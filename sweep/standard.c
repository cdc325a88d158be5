#include "sweep/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void mx_standard_open(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", O_RDWR);
}

/* A pipe that nobody reads any more. */
static bool is_abandoned(int fd)
{
    struct pollfd polled = {.fd = fd};

    return poll(&polled, 1, 0) > 0 && (polled.revents & POLLERR);
}

int mx_standard_end(int code)
{
    bool lost;
    int  reason;

    errno = 0;
    lost = fflush(stdout) != 0;
    reason = errno; /* of what was written earlier it is not known any more */
    lost = ferror(stdout) || lost;
    if (!lost || is_abandoned(STDOUT_FILENO))
        return 0;
    /* A command that failed has said why. */
    if (code == 0)
        fprintf(stderr, "mixsweep: cannot write to standard output%s%s\n", reason ? ": " : "",
                reason ? strerror(reason) : "");
    return -1;
}
