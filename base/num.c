#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

/* The digits with the point where the exponent says; no exponent is written. */
static void put_plain(const struct mx_decimal *number, char *out)
{
    size_t n = strlen(number->digits);
    int    point = number->exponent + 1; /* digits in front of it */

    if (point <= 0) {
        out = stpcpy(out, "0.");
        memset(out, '0', (size_t)-point);
        strcpy(out - point, number->digits);
    } else if ((size_t)point >= n) {
        memcpy(out, number->digits, n);
        memset(out + n, '0', (size_t)point - n);
        out[point] = '\0';
    } else {
        memcpy(out, number->digits, (size_t)point);
        out[point] = '.';
        strcpy(out + point + 1, number->digits + point);
    }
}

/* "d.ddde+XX", the exponent with two digits or three. */
static void put_scientific(const struct mx_decimal *number, char *out)
{
    int exponent = abs(number->exponent);

    *out++ = number->digits[0];
    if (number->digits[1]) {
        *out++ = '.';
        out = stpcpy(out, number->digits + 1);
    }
    *out++ = 'e';
    *out++ = number->exponent < 0 ? '-' : '+';
    if (exponent >= 100)
        *out++ = (char)('0' + exponent / 100);
    *out++ = (char)('0' + exponent / 10 % 10);
    *out++ = (char)('0' + exponent % 10);
    *out = '\0';
}

const char *mx_num_format(double x, char out[MX_NUM_SIZE])
{
    struct mx_decimal number;
    char             *at = out;

    if (isnan(x))
        return strcpy(out, "nan");
    if (isinf(x))
        return strcpy(out, x > 0 ? "inf" : "-inf");
    if (signbit(x))
        *at++ = '-';
    if (x == 0) {
        strcpy(at, "0");
        return out;
    }
    mx_decimal_of(fabs(x), &number);
    if (number.exponent < -4 || number.exponent >= 16)
        put_scientific(&number, at);
    else
        put_plain(&number, at);
    return out;
}

bool mx_num_parse_real(const char *text, double *out)
{
    const size_t len = strlen(text);
    char        *end;
    double       x;

    if (len > 0 && mx_decimal_read(text, len, &x) == len) {
        *out = x;
        return true;
    }
    if (!*text || text[strspn(text, "+-.0123456789eE")] != '\0')
        return false;
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
        if (tolower((unsigned char)at[1]) == 'x' || !*end || !(unit = strchr(units, *end)) ||
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

const char *mx_num_format_fixed(double x, int digits, char out[MX_NUM_SIZE])
{
    if (!(fabs(x) < 1e15))
        return mx_num_format(x, out);
    snprintf(out, MX_NUM_SIZE, "%.*f", digits, x);
    if (out[0] == '-' && strspn(out + 1, "0.") == strlen(out + 1))
        snprintf(out, MX_NUM_SIZE, "%.*f", digits, 0.0);
    return out;
}

const char *mx_num_format_duration(double seconds, char out[MX_NUM_SIZE])
{
    static const double exact = 1e15; /* whole numbers up to here have no gaps */
    char                number[MX_NUM_SIZE];
    uint64_t            whole;
    int                 n = 0;

    if (!(seconds >= 1 && seconds < exact && seconds == floor(seconds))) {
        snprintf(out, MX_NUM_SIZE, "%ss", mx_num_format(seconds, number));
        return out;
    }
    whole = (uint64_t)seconds;
    if (whole >= 3600)
        n += snprintf(out + n, MX_NUM_SIZE - (size_t)n, "%" PRIu64 "h", whole / 3600);
    if (whole / 60 % 60 > 0)
        n += snprintf(out + n, MX_NUM_SIZE - (size_t)n, "%" PRIu64 "m", whole / 60 % 60);
    if (whole % 60 > 0)
        snprintf(out + n, MX_NUM_SIZE - (size_t)n, "%" PRIu64 "s", whole % 60);
    return out;
}
