/* scalar.h - what an unquoted scalar can mean.
 *
 * Our own rules, close to YAML 1.2's core schema and stricter: numbers are
 * decimal ("1e-3", ".5", "5.", "+1E4"), true and false are the only booleans,
 * null is an error wherever a value is wanted. What looks like a number to a
 * person but is none here is told apart, so that it can be refused by name.
 */
#ifndef MX_SWEEP_SCALAR_H
#define MX_SWEEP_SCALAR_H

enum mx_scalar {
    MX_SCALAR_TEXT,
    MX_SCALAR_NULL,         /* nothing, ~, null, Null, NULL */
    MX_SCALAR_TRUE,         /* true */
    MX_SCALAR_FALSE,        /* false */
    MX_SCALAR_INT,          /* 12, -3, +4 */
    MX_SCALAR_REAL,         /* 1e-3, .5, 5. */
    MX_SCALAR_LEADING_ZERO, /* 007, -01.5 */
    MX_SCALAR_NOT_FINITE,   /* .nan, nan, .inf, -inf, infinity */
    MX_SCALAR_FOREIGN,      /* 0x1f, 0o17, 0b1, 1_000, 1,000, 12:30 */
};

enum mx_scalar mx_scalar_kind(const char *text);

#endif
