/* utc.c - UTC as text, and back. */
#include "base/clock.h"

#include <math.h>
#include <string.h>

static const int64_t day_s = 86400;

enum {
    DAYS_BEFORE_1970 = 719468, /* since 0000-03-01 */
    DAYS_400_YEARS = 146097,
    DAYS_100_YEARS = 36524,
    DAYS_4_YEARS = 1461,
    DAYS_5_MONTHS = 153, /* from March, and again from August */
};

static void put_digits(char *out, unsigned x, int n)
{
    for (; n-- > 0; x /= 10)
        out[n] = (char)('0' + x % 10);
}

/* Year, month and day of a day counted from 1970-01-01. Years are taken to begin
 * in March, so that the day which some of them lack is their last; 400 of them
 * always have the same number of days. */
static void put_date(unsigned day, char *out)
{
    unsigned since = day + DAYS_BEFORE_1970, years, year, month;

    year = since / DAYS_400_YEARS * 400;
    since %= DAYS_400_YEARS;
    /* Without the leap days before it, each year is 365 days. */
    years = (since - since / (DAYS_4_YEARS - 1) + since / DAYS_100_YEARS -
             since / (DAYS_400_YEARS - 1)) /
            365;
    since -= 365 * years + years / 4 - years / 100;
    month = (5 * since + 2) / DAYS_5_MONTHS; /* March is 0 */
    since -= (DAYS_5_MONTHS * month + 2) / 5;
    year += years + (month >= 10);
    put_digits(out, year, 4);
    put_digits(out + 5, month < 10 ? month + 3 : month - 9, 2);
    put_digits(out + 8, since + 1, 2);
}

const char *mx_clock_format_utc(double utc_s, char out[MX_UTC_SIZE])
{
    static const double year_10000_s = 253402300800.0;
    int64_t             ms;
    unsigned            second; /* of its day */

    out[0] = '\0';
    if (!(utc_s >= 0 && utc_s < year_10000_s - 1))
        return out;
    ms = llround(utc_s * 1000);
    second = (unsigned)(ms / 1000 % day_s);
    strcpy(out, "0000-00-00T00:00:00.000Z");
    put_date((unsigned)(ms / 1000 / day_s), out);
    put_digits(out + 11, second / 3600, 2);
    put_digits(out + 14, second / 60 % 60, 2);
    put_digits(out + 17, second % 60, 2);
    put_digits(out + 20, (unsigned)(ms % 1000), 3);
    return out;
}

static unsigned get_digits(const char *text, int n)
{
    unsigned x = 0;

    for (int i = 0; i < n; i++)
        x = 10 * x + ((unsigned)text[i] - '0') % 10;
    return x;
}

/* The day counted from 1970-01-01: put_date() the other way round. */
static int64_t get_date(const char *text)
{
    unsigned year = get_digits(text, 4), month = get_digits(text + 5, 2);

    month = month > 2 ? month - 3 : month + 9;
    year -= month >= 10;
    return (int64_t)year * 365 + year / 4 - year / 100 + year / 400 +
           (DAYS_5_MONTHS * month + 2) / 5 + get_digits(text + 8, 2) - 1 - DAYS_BEFORE_1970;
}

bool mx_clock_parse_utc(const char *text, double *utc_s)
{
    unsigned second =
        3600 * get_digits(text + 11, 2) + 60 * get_digits(text + 14, 2) + get_digits(text + 17, 2);
    double time_s = (double)(day_s * get_date(text) + second) + get_digits(text + 20, 3) / 1000.0;
    char   back[MX_UTC_SIZE];

    /* Whatever was no digit, or no date, does not come back. */
    if (!*mx_clock_format_utc(time_s, back) || memcmp(back, text, MX_UTC_LENGTH) != 0)
        return false;
    *utc_s = time_s;
    return true;
}
