#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/num.h"
#include "base/rng.h"

/* What Python's repr() writes, without its ".0". */
Test(num, writes_reals_as_the_table_says)
{
    static const struct {
        double      x;
        const char *text;
    } rows[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1, "-1"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {100, "100"},
        {5e-4, "0.0005"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {1.5e-5, "1.5e-05"},
        {1e15, "1000000000000000"},
        {9999999999999998, "9999999999999998"},
        {1e16, "1e+16"},
        {1.5e300, "1.5e+300"},
        {123456789012345.6, "123456789012345.6"},
        {0x1p53, "9007199254740992"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {-1.25e-310, "-1.25e-310"},
        {(double)0.1f, "0.10000000149011612"},
        {9.5367431640625e-07, "9.5367431640625e-07"},
        /* Powers of two whose shortest text is not the nearest of its length. */
        {0x1p-1017, "7.120236347223045e-307"},
        {0x1p-44, "5.684341886080802e-14"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    char out[MX_NUM_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_str_eq(mx_num_format(rows[i].x, out), rows[i].text, "%s instead of %s", out,
                         rows[i].text);
}

Test(num, reads_back_the_very_bits_it_wrote)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (int i = 0; i < 100000; i++) {
        uint64_t bits = (uint64_t)mx_rng_u32(&rng) << 32, back;
        char     out[MX_NUM_SIZE];
        double   x, y = 0;

        bits |= mx_rng_u32(&rng);
        if (i % 8 == 0)
            bits &= 0x8000FFFFFFFFFFFF; /* subnormal numbers too */
        if (i % 8 == 1)
            bits &= 0xFFF0000000000000; /* and powers of two */
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        cr_assert(mx_num_parse_real(mx_num_format(x, out), &y), "%s", out);
        memcpy(&back, &y, sizeof back);
        cr_assert_eq(back, bits, "%016" PRIx64 " became %s", bits, out);
    }
}

/* Numbers of every size, some close to where the text gets longer. */
static double any_number(struct mx_rng *rng, int i)
{
    uint64_t bits = (uint64_t)mx_rng_u32(rng) << 32 | mx_rng_u32(rng);
    double   x;

    switch (i % 6) {
    case 0:
        memcpy(&x, &bits, sizeof x);
        return isfinite(x) && x != 0 ? fabs(x) : 1;
    case 1:
        return (double)(1 + (bits >> 12 >> bits % 50));
    case 2:
        return (double)(1 + mx_rng_below(rng, 1000000)) / pow(10, (double)mx_rng_below(rng, 16));
    case 3:
        return nextafter(pow(10, (double)mx_rng_below(rng, 36) - 18), bits & 1 ? 0 : INFINITY);
    case 4:
        return ldexp((double)(1 + mx_rng_below(rng, 4096)), (int)mx_rng_below(rng, 160) - 120);
    default:
        return ((double)(bits >> 11) + 1) * pow(10, (double)mx_rng_below(rng, 40) - 36);
    }
}

Test(num, finds_the_digits_that_printf_and_strtod_find)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(7, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (int i = 0; i < 60000; i++) {
        double            x = any_number(&rng, i);
        struct mx_decimal fast, slow;

        mx_decimal_of(x, &fast);
        mx_decimal_slow(x, &slow);
        cr_assert_str_eq(fast.digits, slow.digits, "%a: %s, not %s", x, fast.digits, slow.digits);
        cr_assert_eq(fast.exponent, slow.exponent, "%a", x);
    }
}

/* Whatever is read in whole arithmetic has the bits that strtod gives: the shortest texts,
 * with digits added, and halves between two doubles. */
Test(num, reads_in_whole_arithmetic_what_strtod_reads)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(8, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    int           read = 0;

    for (int i = 0; i < 60000; i++) {
        double x = any_number(&rng, i), y, again = NAN;
        char   text[64];

        switch (i % 4) {
        case 0:
            snprintf(text, sizeof text, "%.*e", (int)mx_rng_below(&rng, 19), x);
            break;
        case 1:
            snprintf(text, sizeof text, "-%.*f", (int)mx_rng_below(&rng, 28), fmod(x, 1e4));
            break;
        case 2: /* 2^53 and more, where every other one is a half */
            snprintf(text, sizeof text, "%llu",
                     (1ULL << 53) +
                         mx_rng_below(&rng, 1U << 31) * (1ULL << mx_rng_below(&rng, 31)));
            break;
        default:
            mx_num_format(x, text);
        }
        if (mx_decimal_read(text, strlen(text), &again) == 0)
            continue;
        read++;
        y = strtod(text, NULL);
        cr_assert(memcmp(&again, &y, sizeof y) == 0, "%s: %a, not %a", text, again, y);
    }
    cr_expect(read > 30000, "%d of 60000 texts", read);
}

Test(num, reads_the_number_in_front_and_nothing_else)
{
    static const struct {
        const char *text;
        size_t      len;
        double      x;
    } is[] = {{"0", 1, 0},        {"-0.5e-3,", 7, -0.0005}, {"12}", 2, 12},
              {"1.25x", 4, 1.25}, {"3E-05", 5, 3e-5},       {"10e-1", 5, 1}};
    static const char *const none[] = {"",
                                       "-",
                                       "+1",
                                       ".5",
                                       "5.",
                                       "05",
                                       "1e",
                                       "1e+",
                                       "nan",
                                       "1e23",
                                       "0x1",
                                       "1e-30",
                                       "12345678901234567890"};

    for (size_t k = 0; k < sizeof is / sizeof is[0]; k++) {
        double x = NAN;

        cr_expect_eq(mx_decimal_read(is[k].text, strlen(is[k].text), &x), is[k].len, "%s",
                     is[k].text);
        cr_expect_eq(x, is[k].x, "%s: %a", is[k].text, x);
    }
    for (size_t k = 0; k < sizeof none / sizeof none[0]; k++) {
        double x = 7;
        size_t n = mx_decimal_read(none[k], strlen(none[k]), &x);

        /* "0x1" begins with a number: 0. */
        cr_expect(n == 0 || (n == 1 && none[k][1] == 'x'), "%s: %zu", none[k], n);
        cr_expect(n > 0 || x == 7, "%s: %a", none[k], x);
    }
}

/* One digit fewer never reads back: that is what shortest means. */
Test(num, uses_no_more_digits_than_needed)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(6, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (int i = 0; i < 20000; i++) {
        double x = mx_rng_normal(&rng) * pow(10, (double)mx_rng_below(&rng, 40) - 20);
        char   out[MX_NUM_SIZE], shorter[MX_NUM_SIZE];
        int    seen = 0, digits = 0; /* digits: up to the last that is not 0 */

        mx_num_format(x, out);
        for (const char *at = out; *at && *at != 'e'; at++) {
            seen += *at >= '0' && *at <= '9' && (seen > 0 || *at != '0');
            if (*at >= '1' && *at <= '9')
                digits = seen;
        }
        if (digits < 2)
            continue;
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, x);
        cr_assert_neq(strtod(shorter, NULL), x, "%s where %s would do", out, shorter);
    }
}

Test(num, takes_reals_in_every_usual_spelling)
{
    static const struct {
        const char *text;
        double      x;
    } rows[] = {{"1e-3", 1e-3}, {"1E3", 1000}, {".5", 0.5},   {"5.", 5},           {"+1e-4", 1e-4},
                {"-0", -0.0},   {"007", 7},    {"1e-400", 0}, {"1.7e308", 1.7e308}};
    double x;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect(mx_num_parse_real(rows[i].text, &x), "%s", rows[i].text);
        cr_expect_eq(x, rows[i].x, "%s", rows[i].text);
    }
}

Test(num, refuses_what_is_no_real_and_leaves_the_result_alone)
{
    static const char *const bad[] = {"",     " 1",    "1 ",   "1x",  "0x10",  "nan",      "inf",
                                      "-inf", "1e",    "e5",   ".",   "-",     "--1",      "1-1",
                                      "1,5",  "1e400", "1e5e", "1..", "1_000", "infinity", "1\n"};
    double                   x = 42;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not(mx_num_parse_real(bad[i], &x), "'%s'", bad[i]);
        cr_expect_eq(x, 42);
    }
}

Test(num, takes_integers_of_64_bits_and_nothing_else)
{
    static const char *const bad[] = {"",  "1.0", "1e3", " 1",  "1 ",
                                      "+", "0x1", "1-1", "--1", "9223372036854775808"};
    int64_t                  x = 42;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not(mx_num_parse_int(bad[i], &x), "'%s'", bad[i]);
        cr_expect_eq(x, 42);
    }
    cr_expect(mx_num_parse_int("9223372036854775807", &x));
    cr_expect_eq(x, INT64_MAX);
    cr_expect(mx_num_parse_int("-9223372036854775808", &x));
    cr_expect_eq(x, INT64_MIN);
    cr_expect(mx_num_parse_int("+7", &x));
    cr_expect_eq(x, 7);
}

Test(num, takes_lengths_of_time)
{
    static const struct {
        const char *text;
        double      seconds;
    } rows[] = {{"90s", 90},  {"5m", 300},         {"2h30m", 9000}, {"1d", 86400},
                {"0s", 0},    {"1d2h3m4s", 93784}, {"1.5h", 5400},  {"1h0.25s", 3600.25},
                {".5s", 0.5}, {"1e-05s", 1e-5}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double seconds = -1;

        cr_expect_eq(mx_num_parse_duration(rows[i].text, &seconds, NULL), 0, "%s", rows[i].text);
        cr_expect_eq(seconds, rows[i].seconds, "%s", rows[i].text);
    }
}

Test(num, refuses_lengths_of_time_without_a_unit_or_out_of_order)
{
    static const char *const bad[] = {"",      "90",  "0",      "s",    "-5s", "5m2h",
                                      "5s5s",  "5 s", "5w",     "1h5",  "inf", "nans",
                                      "0x10s", "5ms", "1e400s", "5.s.", "5S"};
    struct mx_err            err;
    double                   seconds = 42;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(mx_num_parse_duration(bad[i], &seconds, &err), -1, "'%s'", bad[i]);
        cr_expect_eq(err.code, MX_EINVAL);
        cr_expect_eq(seconds, 42);
    }
    mx_num_parse_duration("90", &seconds, &err);
    cr_expect_str_eq(err.text, "'90' is not a length of time; write it as 90s, 5m or 2h30m");
}

Test(num, writes_lengths_of_time_that_read_back_exactly)
{
    static const struct {
        double      seconds;
        const char *text;
    } rows[] = {{0, "0s"},        {1, "1s"},
                {59, "59s"},      {60, "1m"},
                {90, "1m30s"},    {300, "5m"},
                {3600, "1h"},     {3601, "1h1s"},
                {9000, "2h30m"},  {86400, "24h"},
                {1.5, "1.5s"},    {90.1, "90.1s"},
                {1e-5, "1e-05s"}, {3600.25, "3600.25s"},
                {1e18, "1e+18s"}};
    char out[MX_NUM_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double back = -1;

        cr_expect_str_eq(mx_num_format_duration(rows[i].seconds, out), rows[i].text, "%s", out);
        cr_expect_eq(mx_num_parse_duration(out, &back, NULL), 0, "%s", out);
        cr_expect_eq(back, rows[i].seconds, "%s", out);
    }
}

Test(num, fixed_digits_have_no_sign_where_nothing_is_left)
{
    static const struct {
        double      x;
        int         digits;
        const char *text;
    } rows[] = {{0.12345, 4, "0.1235"},   {-0.00004, 4, "0.0000"},
                {-0.00006, 4, "-0.0001"}, {-0.0, 2, "0.00"},
                {-0.4, 0, "0"},           {1e15, 4, "1000000000000000"},
                {-NAN, 4, "nan"},         {-INFINITY, 4, "-inf"},
                {-1e300, 4, "-1e+300"},   {-999999999999999, 9, "-999999999999999.000000000"}};
    char out[MX_NUM_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_str_eq(mx_num_format_fixed(rows[i].x, rows[i].digits, out), rows[i].text, "%s",
                         out);
}
