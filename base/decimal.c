#include "base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

#define SMALLEST_MANTISSA ((uint64_t)1 << (DBL_MANT_DIG - 1))

enum {
    TEXT_SIZE = 32
};

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

static void strip_zeros(char *digits)
{
    size_t n = strlen(digits);

    while (n > 1 && digits[n - 1] == '0')
        digits[--n] = '\0';
}

static void read_scientific(const char *text, struct mx_decimal *out)
{
    size_t n = 0;

    for (; *text != 'e'; text++)
        if (*text != '.')
            out->digits[n++] = *text;
    out->digits[n] = '\0';
    out->exponent = (int)strtol(text + 1, NULL, 10);
    strip_zeros(out->digits);
}

/* Whatever 15 digits can say comes out of 15 digits (DBL_DIG), except for
 * subnormal numbers. */
void mx_decimal_slow(double x, struct mx_decimal *out)
{
    char text[TEXT_SIZE];
    int  precision = x < DBL_MIN ? 0 : DBL_DIG - 1;
    int  binary_exponent;
    bool power_of_two = frexp(x, &binary_exponent) == 0.5;

    for (;; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, x);
        if (strtod(text, NULL) == x || precision == DBL_DECIMAL_DIG - 1)
            break;
        if (power_of_two && step_up(text) && strtod(text, NULL) == x)
            break;
    }
    read_scientific(text, out);
}

static void put_whole(uint64_t whole, int exponent_of_last, struct mx_decimal *out)
{
    char reversed[TEXT_SIZE];
    int  n = 0;

    for (; whole > 0; whole /= 10)
        reversed[n++] = (char)('0' + whole % 10);
    out->exponent = n - 1 + exponent_of_last;
    for (int i = 0; i < n; i++)
        out->digits[i] = reversed[n - 1 - i];
    out->digits[n] = '\0';
    strip_zeros(out->digits);
}

static uint64_t power_of_ten(int n)
{
    uint64_t power = 1;

    while (n-- > 0)
        power *= 10;
    return power;
}

static u128 power_of_five(int n)
{
    static const uint64_t powers[] = {1,           5,           25,        125,        625,
                                      3125,        15625,       78125,     390625,     1953125,
                                      9765625,     48828125,    244140625, 1220703125, 6103515625,
                                      30517578125, 152587890625};

    return n <= 16 ? powers[n] : (u128)powers[16] * powers[n - 16];
}

/* x = mantissa * 2^-shift, and x * 10^k = scaled / 2^(shift - k), all exact. */
struct fraction {
    uint64_t mantissa;
    int      shift;
};

static uint64_t whole_part(struct fraction x, int k)
{
    return (uint64_t)((x.mantissa * power_of_five(k)) >> (x.shift - k));
}

/* The integer nearest to x * 10^k, the even one of two; whether it reads back,
 * that is whether it lies within half a unit of the mantissa (at exactly half
 * the even mantissa is read). Below a power of two the units are smaller: of
 * those only what is exact counts. */
static bool nearest(struct fraction x, int k, uint64_t *whole)
{
    u128 five = power_of_five(k), scaled = x.mantissa * five;
    u128 unit = (u128)1 << (x.shift - k), rest = scaled & (unit - 1), off;
    bool up;

    *whole = (uint64_t)(scaled >> (x.shift - k));
    up = 2 * rest > unit || (2 * rest == unit && (*whole & 1));
    *whole += up;
    off = 2 * (up ? unit - rest : rest);
    if (x.mantissa == SMALLEST_MANTISSA)
        return off == 0;
    return off < five || (off == five && x.mantissa % 2 == 0);
}

/* A normal number greater than 0. */
static struct fraction take_apart(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return (struct fraction){.mantissa = SMALLEST_MANTISSA | (bits & (SMALLEST_MANTISSA - 1)),
                             .shift = DBL_MANT_DIG - DBL_MIN_EXP + 1 -
                                      (int)(bits >> (DBL_MANT_DIG - 1))};
}

/* In whole arithmetic, if 17 digits of x fit into it. */
static bool decimal_fast(double x, struct mx_decimal *out)
{
    static const double smallest = 1e-14, largest = 1e14, log10_of_2 = 0.30103;
    struct fraction     fraction;
    int                 exponent;
    uint64_t            whole;

    if (!(x >= smallest && x < largest))
        return false;
    fraction = take_apart(x);
    exponent = (int)floor((DBL_MANT_DIG - 1 - fraction.shift) * log10_of_2); /* or one more */
    exponent += whole_part(fraction, DBL_DIG - 1 - exponent) >= power_of_ten(DBL_DIG);
    for (int digits = DBL_DIG; digits <= MX_DECIMAL_DIGITS; digits++) {
        int  k = digits - 1 - exponent;
        bool enough = nearest(fraction, k, &whole);

        if (!enough && fraction.mantissa == SMALLEST_MANTISSA)
            return false;
        if (enough || digits == MX_DECIMAL_DIGITS) {
            put_whole(whole, -k, out);
            break;
        }
    }
    return true;
}

void mx_decimal_of(double x, struct mx_decimal *out)
{
    static const double exact = 0x1p53; /* integers below have all their digits */

    if (x < exact && x >= 1 && x == floor(x))
        put_whole((uint64_t)x, 0, out);
    else if (!decimal_fast(x, out))
        mx_decimal_slow(x, out);
}
