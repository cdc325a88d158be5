#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int(mx_fail)(struct mx_err *err, enum mx_code code, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return -1;
    err->code = code;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return -1;
}

int(mx_fail_errno)(struct mx_err *err, enum mx_code code, int error, const char *fmt, ...)
{
    char    text[sizeof err->text];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return mx_fail(err, code, "%.380s: %s%s", text, strerror(error),
                   error == EMFILE ? " (ulimit -n says how many a process may have)" : "");
}

int(mx_err_prefix)(struct mx_err *err, const char *fmt, ...)
{
    char    text[sizeof err->text], rest[sizeof err->text];
    va_list args;

    if (!err)
        return -1;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    memcpy(rest, err->text, sizeof rest);
    return mx_fail(err, err->code, "%.250s: %.250s", text, rest);
}

int mx_exit_code(enum mx_code code)
{
    switch (code) {
    case MX_OK:
        return 0;
    case MX_EINVAL:
    case MX_ERANGE:
        return 2;
    case MX_ENOMEM:
    case MX_EIO:
    case MX_EDATA:
    case MX_EGPU:
        return 3;
    case MX_EOWNED:
        return 4;
    case MX_EINTERNAL:
        return 70;
    case MX_EINTERRUPTED:
        return 75;
    case MX_EDIVERGED:
        return 1;
    }
    return 70;
}
