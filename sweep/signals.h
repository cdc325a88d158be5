/* signals.h - requests from outside, seen by the event loop.
 *
 * Handlers only count and write one byte to a pipe; all work happens in the
 * loop. There is one set of handlers a process.
 */
#ifndef MX_SWEEP_SIGNALS_H
#define MX_SWEEP_SIGNALS_H

#include <stdbool.h>

#include "base/err.h"

/* Install the handlers: Ctrl-C (SIGINT) once asks to drain, twice to end;
 * TERM, HUP, USR1 and USR2 ask to end (batch systems
 * warn with one or the other). SIGPIPE is ignored, and SIGXFSZ, so that a
 * write beyond a limit fails with an error text like a full disk. */
int mx_signals_install(struct mx_err *err);

/* Readable when something came; -1 before mx_signals_install(). */
int mx_signals_fd(void);

/* Wait until something comes, at most so long. */
void mx_signals_wait(double seconds);

enum mx_request {
    MX_REQUEST_NONE,
    MX_REQUEST_DRAIN, /* finish what runs, start nothing more */
    MX_REQUEST_END,   /* stop at once; all is resumable */
};

/* What has been asked so far, and empty the pipe. */
enum mx_request mx_signals_request(void);

/* How long trainings may take to save themselves, after what asked last: launchers
 * kill soon after they have passed SIGTERM or Ctrl-C on (Open MPI 4.1: 1 to 2 s, 5: half a
 * second), and tables and exit_code are still to be written then. */
double mx_signals_grace_s(bool launched);

/* The name of the signal that asked last, for messages ("SIGINT"), or "". */
const char *mx_signals_name(void);

#endif
