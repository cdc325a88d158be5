#include "sweep/system_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

struct mx_system_log {
    enum mx_system_log_kind kind;
    struct sockaddr_un      address;
    int                     fd;
    uint64_t                lost;
    struct mx_buf           directory, line, message;
};

static const char *const sockets[MX_SYSTEM_LOGS] = {
    [MX_SYSTEM_LOG_SYSLOG] = "/dev/log",
    [MX_SYSTEM_LOG_JOURNAL] = "/run/systemd/journal/socket",
};

static const int priorities[MX_LOG_LEVELS] = {[MX_LOG_DEBUG] = LOG_DEBUG,
                                              [MX_LOG_INFO] = LOG_INFO,
                                              [MX_LOG_WARNING] = LOG_WARNING,
                                              [MX_LOG_ERROR] = LOG_ERR};

static int reach(struct mx_system_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return log->fd >= 0
               ? connect(log->fd, (const struct sockaddr *)&log->address, sizeof log->address)
               : -1;
}

struct mx_system_log *mx_system_log_open(enum mx_system_log_kind kind, const char *socket_path,
                                         const char *directory, struct mx_err *err)
{
    struct mx_system_log *log = calloc(1, sizeof *log);
    const char           *path = socket_path ? socket_path : sockets[kind];

    if (!log)
        goto nomem;
    log->kind = kind;
    log->fd = -1;
    log->address.sun_family = AF_UNIX;
    for (const char *at = directory; *at; at++) /* a line end would end the field */
        mx_buf_add(&log->directory, *at == '\n' ? "?" : at, 1);
    if (!mx_buf_ok(&log->directory))
        goto nomem;
    if (strlen(path) >= sizeof log->address.sun_path) {
        mx_fail(err, MX_EIO, "%s is too long for a socket", path);
        goto fail;
    }
    strcpy(log->address.sun_path, path);
    if (reach(log)) {
        mx_fail_errno(err, MX_EIO, errno,
                      "--system-log: nobody takes records at %s; leave the option out, the sweep "
                      "has its own log",
                      path);
        goto fail;
    }
    return log;
nomem:
    mx_fail(err, MX_ENOMEM, "no memory for the system's log");
fail:
    mx_system_log_close(log);
    return NULL;
}

void mx_system_log_close(struct mx_system_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    mx_buf_free(&log->directory);
    mx_buf_free(&log->line);
    mx_buf_free(&log->message);
    free(log);
}

static void format_syslog(struct mx_system_log *log, const struct mx_log_record *record,
                          const char *text)
{
    const time_t now = (time_t)record->utc_s;
    char         when[32] = "";
    struct tm    local;

    if (localtime_r(&now, &local))
        strftime(when, sizeof when, "%b %e %H:%M:%S", &local);
    mx_buf_printf(&log->message, "<%d>%s mixsweep[%d]: %s", LOG_USER | priorities[record->level],
                  when, (int)getpid(), text);
}

static void add_field(struct mx_buf *out, const char *name, const char *value)
{
    if (value)
        mx_buf_printf(out, "%s=%.*s\n", name, (int)strcspn(value, "\n"), value);
}

static void format_journal(struct mx_system_log *log, const struct mx_log_record *record,
                           const char *text)
{
    struct mx_buf *out = &log->message;

    mx_buf_printf(out, "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=mixsweep\n", text,
                  priorities[record->level]);
    add_field(out, "MIXSWEEP_DIRECTORY", mx_buf_str(&log->directory));
    add_field(out, "MIXSWEEP_HOST", record->host);
    if (record->rank >= 0)
        mx_buf_printf(out, "MIXSWEEP_RANK=%d\n", record->rank);
    add_field(out, "MIXSWEEP_TRIAL", record->trial);
}

static int deliver(struct mx_system_log *log)
{
    return send(log->fd, log->message.data, log->message.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1
                                                                                               : 0;
}

void mx_system_log_write(struct mx_system_log *log, const struct mx_log_record *record)
{
    const char *text;

    mx_buf_clear(&log->line);
    mx_buf_clear(&log->message);
    mx_log_line(record, MX_LOG_TEXT, &log->line);
    if (mx_buf_ok(&log->line) && log->line.len > 0) {
        log->line.data[log->line.len - 1] = '\0'; /* its line end */
        text = strchr(log->line.data, ' ');       /* behind the time, which the log writes itself */
        (log->kind == MX_SYSTEM_LOG_JOURNAL ? format_journal : format_syslog)(
            log, record, text ? text + 1 : log->line.data);
    }
    if (!mx_buf_ok(&log->line) || !mx_buf_ok(&log->message) ||
        (deliver(log) && (reach(log) || deliver(log))))
        log->lost++;
}

uint64_t mx_system_log_lost(const struct mx_system_log *log)
{
    return log->lost;
}
