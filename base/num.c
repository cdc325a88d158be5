#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Turn "d.ddde+XX" into plain digits: the point moves by the exponent. */
static void expand(const char *scientific, int exponent, char *out)
{
    static const char zeros[] = "0000000000000000";
    char              digits[MX_NUM_SIZE];
    size_t            n = 0;
    const char       *at = scientific;

    if (*at == '-')
        *out++ = *at++;
    for (; *at && *at != 'e'; at++)
        if (*at != '.')
            digits[n++] = *at;
    digits[n] = '\0';
    if (exponent < 0)
        sprintf(out, "0.%.*s%s", -exponent - 1, zeros, digits);
    else if ((size_t)exponent + 1 >= n)
        sprintf(out, "%s%.*s", digits, exponent + 1 - (int)n, zeros);
    else
        sprintf(out, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
}

const char *mx_num_format(double x, char out[MX_NUM_SIZE])
{
    char text[MX_NUM_SIZE];
    int  exponent;

    if (isnan(x))
        return strcpy(out, "nan");
    if (isinf(x))
        return strcpy(out, x > 0 ? "inf" : "-inf");
    if (x == 0)
        return strcpy(out, signbit(x) ? "-0" : "0");
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, x);
        if (strtod(text, NULL) == x)
            break;
    }
    exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent < -4 || exponent >= 16)
        strcpy(out, text);
    else
        expand(text, exponent, out);
    return out;
}

bool mx_num_parse_real(const char *text, double *out)
{
    char  *end;
    double x;

    if (!*text || text[strspn(text, "+-.0123456789eE")] != '\0')
        return false;
    errno = 0;
    x = strtod(text, &end);
    if (end == text || *end || isinf(x))
        return false;
    *out = x;
    return true;
}

bool mx_num_parse_int(const char *text, int64_t *out)
{
    char     *end;
    long long x;

    if (!*text || text[strspn(text, "+-0123456789")] != '\0')
        return false;
    errno = 0;
    x = strtoll(text, &end, 10);
    if (end == text || *end || errno == ERANGE)
        return false;
    *out = x;
    return true;
}

int mx_num_parse_duration(const char *text, double *seconds, struct mx_err *err)
{
    static const char   units[] = "dhms";
    static const double length[] = {86400, 3600, 60, 1};
    const char         *at = text;
    int                 last = -1;
    double              total = 0;

    while (*at) {
        char       *end = NULL;
        const char *unit;
        double      x;

        if (!isdigit((unsigned char)*at) && *at != '.')
            goto fail;
        x = strtod(at, &end);
        if (end != at + strspn(at, "0123456789.") || !*end || !(unit = strchr(units, *end)) ||
            unit - units <= last)
            goto fail;
        last = (int)(unit - units);
        total += x * length[last];
        at = end + 1;
    }
    if (at == text || !isfinite(total))
        goto fail;
    *seconds = total;
    return 0;
fail:
    return mx_fail(err, MX_EINVAL, "'%.60s' is not a length of time; write it as 90s, 5m or 2h30m",
                   text);
}

const char *mx_num_format_duration(double seconds, char out[MX_NUM_SIZE])
{
    uint64_t whole = (uint64_t)seconds;
    uint64_t h = whole / 3600, m = whole / 60 % 60;
    double   s = seconds - (double)(h * 3600 + m * 60);
    char     number[MX_NUM_SIZE];
    int      n = 0;

    if (h > 0)
        n += snprintf(out + n, MX_NUM_SIZE - (size_t)n, "%" PRIu64 "h", h);
    if (m > 0)
        n += snprintf(out + n, MX_NUM_SIZE - (size_t)n, "%" PRIu64 "m", m);
    if (s > 0 || n == 0)
        snprintf(out + n, MX_NUM_SIZE - (size_t)n, "%ss", mx_num_format(s, number));
    return out;
}
