/* console.h - what a person sees while a sweep runs, and its log file.
 *
 * On a terminal one progress bar at the bottom; elsewhere one plain line a
 * minute at most. Log records go to DIR/log/sweep.log and, from level info up,
 * to standard error. Standard output is left to results.
 */
#ifndef MX_SWEEP_CONSOLE_H
#define MX_SWEEP_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "sweep/progress.h"

struct mx_console;

/* terminal: draw the bar; width: its columns. Log lines are appended to
 * log_path. Returns NULL with MX_EIO or MX_ENOMEM. */
struct mx_console *mx_console_open(const char *log_path, enum mx_log_format format, bool terminal,
                                   unsigned width, struct mx_err *err);

/* Tell something. Repeats within a minute are counted instead of written. A
 * log that cannot be written (full disk) is reported once on standard error. */
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
