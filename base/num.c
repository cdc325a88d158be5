#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
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

/* Make "d.ddde+XX" the next larger number of as many digits; false if there is none. */
static bool step_up(char *scientific)
{
    for (char *at = strchr(scientific, 'e') - 1; at >= scientific; at--) {
        if (*at >= '0' && *at < '9') {
            ++*at;
            return true;
        }
        if (*at == '9')
            *at = '0';
    }
    return false;
}

/* Remove the zeros, and a bare point, before the exponent. */
static void strip_zeros(char *scientific)
{
    char *exponent = strchr(scientific, 'e'), *end = exponent;

    if (!memchr(scientific, '.', (size_t)(exponent - scientific)))
        return;
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    memmove(end, exponent, strlen(exponent) + 1);
}

/* Write finite x as the shortest "d.ddde+XX" that reads back to it. Whatever 15
 * digits can say comes out of 15 digits (DBL_DIG), except for subnormal numbers.
 * Below a power of two the numbers lie twice as close as above it: the nearest
 * decimal may miss where the next one up still hits. */
static void shortest(double x, char out[MX_NUM_SIZE])
{
    int  precision = fabs(x) < DBL_MIN ? 0 : DBL_DIG - 1;
    int  binary_exponent;
    bool power_of_two = fabs(frexp(x, &binary_exponent)) == 0.5;

    for (;; precision++) {
        snprintf(out, MX_NUM_SIZE, "%.*e", precision, x);
        if (strtod(out, NULL) == x || precision == DBL_DECIMAL_DIG - 1)
            break;
        if (power_of_two && step_up(out) && strtod(out, NULL) == x)
            break;
    }
    strip_zeros(out);
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
    shortest(x, text);
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
