/* console.h - what a person sees while a sweep runs, and its log file.
 *
 * On a terminal one progress bar at the bottom; elsewhere one plain line a
 * minute at most. Log records go to DIR/log/sweep.log and, from level info up,
 * to standard error. Standard output is left to results.
 *
 * sweep.log holds MX_SWEEP_LOG_BYTES at most, and as many in sweep.log.1. So that no
 * warning and no error is lost with what is older, these are in DIR/log/warnings.log too.
 */
#ifndef MX_SWEEP_CONSOLE_H
#define MX_SWEEP_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "sweep/progress.h"
#include "sweep/system_log.h"

struct mx_console;

enum {
    MX_SWEEP_LOG_BYTES = 64 << 20
};

struct mx_console_options {
    const char             *directory; /* of the sweep */
    enum mx_log_format      format;
    bool                    terminal; /* draw the bar ... */
    unsigned                width;    /* ... in so many columns */
    enum mx_system_log_kind system_log;
    size_t                  log_bytes; /* 0: MX_SWEEP_LOG_BYTES */
};

/* Returns NULL with MX_EIO or MX_ENOMEM. */
struct mx_console *mx_console_open(const struct mx_console_options *options, struct mx_err *err);

/* Tell a person what is waited for, before there is a console: the `waiting` of
 * mx_owner_take(). */
void mx_console_waiting(void *user, const char *text);

/* Whom a message is about; zeroed but for the trial: rank 0, which speaks. */
struct mx_console_about {
    const char *host;  /* NULL: of rank 0 */
    int         rank;  /* with a host */
    const char *trial; /* NULL: none */
};

/* Tell something. Repeats within a minute are counted instead of written (mx_log_fold_take()).
 * A log that cannot be written (full disk) is reported once on standard error. */
void mx_console_tell(struct mx_console *console, enum mx_log_level level,
                     struct mx_console_about about, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same about rank 0. */
void mx_console_log(struct mx_console *console, enum mx_log_level level, const char *trial,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* For lines that may be as many as there are stages: whether one is to be written
 * now. Some a second are; the others are counted, and the count is a line. Ask
 * before putting the line together. */
bool mx_console_wants(struct mx_console *console);

/* Show progress if it is time: ten times a second on a terminal, else once a
 * minute and only if something ended since. now_s: monotonic. */
void mx_console_progress(struct mx_console *console, const struct mx_progress *progress,
                         uint64_t failed, double now_s);

/* When mx_console_progress() wants to be called next (monotonic). */
double mx_console_due_s(const struct mx_console *console);

/* Remove the bar, tell the counts of repeats, close. NULL is allowed. */
void mx_console_close(struct mx_console *console);

#endif
