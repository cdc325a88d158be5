#include "base/decimal.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

enum {
    MOST_DIGITS = 19, /* that a whole number of 64 bits holds, whichever they are */
    MOST_TENS = 27    /* five to the power of this fits into 64 bits */
};

/* whole * 10^exponent, as far as it has been read. */
struct number {
    uint64_t whole;
    int      digits; /* of whole, zeros in front not counted */
    int      exponent;
};

/* Digits from `at` on; where they end, or NULL if they are too many. */
static const char *read_digits(const char *at, const char *end, struct number *n)
{
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        n->whole = 10 * n->whole + (uint64_t)(*at - '0');
        n->digits += n->digits > 0 || *at != '0';
        if (n->digits > MOST_DIGITS)
            return NULL;
    }
    return at;
}

/* "e+05" and the like; where it ends, or NULL if it is none or large. */
static const char *read_exponent(const char *at, const char *end, struct number *n)
{
    const char *first;
    int         exponent = 0, sign = 1;

    if (at < end && (*at == '-' || *at == '+'))
        sign = *at++ == '-' ? -1 : 1;
    for (first = at; at < end && *at >= '0' && *at <= '9' && at - first < 4; at++)
        exponent = 10 * exponent + (*at - '0');
    if (at == first || at - first == 4)
        return NULL;
    n->exponent += sign * exponent;
    return at;
}

/* As JSON has it: no zero in front of other digits, digits on both sides of the point. */
static const char *read_number(const char *at, const char *end, struct number *n)
{
    const char *first = at, *point;

    if (!(at = read_digits(at, end, n)) || at == first || (*first == '0' && at > first + 1))
        return NULL;
    if (at < end && *at == '.') {
        point = at++;
        if (!(at = read_digits(at, end, n)) || at == point + 1)
            return NULL;
        n->exponent = -(int)(at - point - 1);
    }
    return at < end && (*at == 'e' || *at == 'E') ? read_exponent(at + 1, end, n) : at;
}

/* top * 2^scale, of which `more` is there too, to the nearest double, the even one of two.
 * The highest bit of top is set; the result is a normal number. */
static double round_to_double(uint64_t top, bool more, int scale)
{
    const int      spare = 64 - DBL_MANT_DIG;
    const uint64_t half = UINT64_C(1) << (spare - 1), rest = top & (2 * half - 1);
    uint64_t       mantissa = top >> spare, bits;
    double         x;

    mantissa += rest > half || (rest == half && (more || mantissa % 2 == 1));
    /* The mantissa's highest bit, or a carry out of it, adds to the exponent. */
    bits = ((uint64_t)(scale + spare + DBL_MANT_DIG - 1 + DBL_MAX_EXP - 2) << (DBL_MANT_DIG - 1)) +
           mantissa;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* whole / 10^tens. Both are shifted to 64 bits; their quotient has 64 or, with one more
 * taken in from the right, 63 of its own. Of what is left it only counts whether it is 0. */
static double divide(uint64_t whole, int tens)
{
    static const uint64_t fives[MOST_TENS + 1] = {1,
                                                  5,
                                                  25,
                                                  125,
                                                  625,
                                                  3125,
                                                  15625,
                                                  78125,
                                                  390625,
                                                  1953125,
                                                  9765625,
                                                  48828125,
                                                  244140625,
                                                  1220703125,
                                                  6103515625,
                                                  30517578125,
                                                  152587890625,
                                                  762939453125,
                                                  3814697265625,
                                                  19073486328125,
                                                  95367431640625,
                                                  476837158203125,
                                                  2384185791015625,
                                                  11920928955078125,
                                                  59604644775390625,
                                                  298023223876953125,
                                                  1490116119384765625,
                                                  7450580596923828125};
    const int             up = __builtin_clzll(whole), down = __builtin_clzll(fives[tens]);
    const uint64_t        divisor = fives[tens] << down;
    const u128            dividend = (u128)(whole << up) << 63;
    uint64_t              quotient = (uint64_t)(dividend / divisor);
    u128                  rest = dividend - (u128)quotient * divisor;
    int                   scale = down - up - 63 - tens;

    if (!(quotient >> 63)) {
        rest *= 2;
        quotient = 2 * quotient + (rest >= divisor);
        rest -= rest >= divisor ? divisor : 0;
        scale--;
    }
    return round_to_double(quotient, rest != 0, scale);
}

size_t mx_decimal_read(const char *text, size_t len, double *out)
{
    struct number n = {0, 0, 0};
    const bool    negative = len > 0 && *text == '-';
    const char   *end = read_number(text + negative, text + len, &n);
    double        x = 0;

    if (!end || n.exponent > 0 || n.exponent < -MOST_TENS)
        return 0;
    if (n.whole > 0)
        x = divide(n.whole, -n.exponent);
    *out = negative ? -x : x;
    return (size_t)(end - text);
}
