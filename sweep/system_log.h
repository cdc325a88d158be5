/* system_log.h - records for the machine's own log: syslog's socket or journald's.
 *
 * Both are datagrams to a local socket, so no library is needed. Whatever becomes of
 * them, the sweep goes on: a log that takes nothing is no reason to wait.
 */
#ifndef MX_SWEEP_SYSTEM_LOG_H
#define MX_SWEEP_SYSTEM_LOG_H

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

enum mx_system_log_kind {
    MX_SYSTEM_LOG_NONE,
    MX_SYSTEM_LOG_SYSLOG, /* /dev/log, lines as of RFC 3164: "<12>Jan 31 09:30:00 mixsweep[PID]: warning
                             host/rank trial: text" */
    MX_SYSTEM_LOG_JOURNAL, /* /run/systemd/journal/socket: fields MESSAGE, PRIORITY,
                              SYSLOG_IDENTIFIER, MIXSWEEP_DIRECTORY, _HOST, _RANK, _TRIAL */
    MX_SYSTEM_LOGS
};

struct mx_system_log;

/* Connect. socket_path: NULL for the kind's own. Returns NULL with *err MX_EIO if nobody
 * listens there, or MX_ENOMEM. kind is not NONE. */
struct mx_system_log *mx_system_log_open(enum mx_system_log_kind kind, const char *socket_path,
                                         const char *directory, struct mx_err *err);
void                  mx_system_log_close(struct mx_system_log *log); /* NULL is allowed */

/* Send a record; one that is not taken at once is lost, and counted. After the log was
 * started anew the next record finds it again. */
void mx_system_log_write(struct mx_system_log *log, const struct mx_log_record *record);

/* How many were lost. */
uint64_t mx_system_log_lost(const struct mx_system_log *log);

#endif
