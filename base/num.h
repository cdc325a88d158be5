/* num.h - numbers as text, the same text everywhere.
 *
 * Doubles are written with the fewest digits that read back to the same bits.
 * Plain notation for 1e-4 <= |x| < 1e16, otherwise an exponent of at least two
 * digits ("1e-05", "1e+16"); integral values carry no ".0". That is Python's
 * repr() without the ".0", so outside tools can recompute cell ids.
 */
#ifndef MX_NUM_H
#define MX_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MX_NUM_SIZE = 32
}; /* bytes that hold any double as text */

/* Write x to out and return out. NaN is "nan", infinities "inf" and "-inf". */
const char *mx_num_format(double x, char out[MX_NUM_SIZE]);

/* For people: with so many digits behind the point (0 to 9), "0.0000" for what rounds to nothing
 * from either side, "nan" without a sign; from 1e15 on as mx_num_format(). Returns out. */
const char *mx_num_format_fixed(double x, int digits, char out[MX_NUM_SIZE]);

/* Read a whole text as a double or an integer: no blanks, no rest. Hexadecimal,
 * "nan" and "inf" are refused. Returns false, *out untouched, if it is none or
 * does not fit. (The program never leaves the C locale.) */
bool mx_num_parse_real(const char *text, double *out);
bool mx_num_parse_int(const char *text, int64_t *out);

/* Read a length of time: one or more of d, h, m, s with numbers before them,
 * largest first ("90s", "2h30m"), into seconds. A bare number is refused,
 * since its unit would be a guess. Returns 0, or -1 with MX_EINVAL. */
int mx_num_parse_duration(const char *text, double *seconds, struct mx_err *err);

/* Write seconds so that reading them gives the same number: whole ones as
 * "2h30m", "5m", others in seconds alone, "90.5s". Returns out. */
const char *mx_num_format_duration(double seconds, char out[MX_NUM_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
