/* decimal.h - inside base/num: the digits of a double.
 *
 * The rule: of 15, 16 and 17 significant digits (for subnormal numbers: of 1 and
 * more), the first count whose nearest decimal reads back to the same bits;
 * below a power of two, where numbers lie closer, the next decimal up is tried
 * as well. Zeros at the end are left out. That gives the shortest text.
 */
#ifndef MX_DECIMAL_H
#define MX_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MX_DECIMAL_DIGITS = 17
};

/* d.dddd times 10 to the exponent; the first digit and the last are not 0. */
struct mx_decimal {
    char digits[MX_DECIMAL_DIGITS + 1];
    int  exponent;
};

/* The digits of x: finite and greater than 0. */
void mx_decimal_of(double x, struct mx_decimal *out);

/* The same, step by step with the C library's printf and strtod: what
 * mx_decimal_of() is tested against, and its way for numbers that are large,
 * tiny, or a power of two of many digits. */
void mx_decimal_slow(double x, struct mx_decimal *out);

/* The other way: the double nearest to the number at the start of text[0 .. len), which
 * stands as in JSON, has 19 digits at most, and no more than 27 of them behind the point when
 * written without exponent. Returns its length; or 0, *out untouched, if there is no such
 * number, be it one of another kind. */
size_t mx_decimal_read(const char *text, size_t len, double *out);

#ifdef __cplusplus
}
#endif

#endif
