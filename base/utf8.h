/* utf8.h - one character of UTF-8 after another. */
#ifndef MX_UTF8_H
#define MX_UTF8_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Decode the character at the front of `left` bytes (1 or more). Returns its
 * length in bytes and sets *character; or 0, *character untouched, if it is
 * malformed: overlong, a surrogate, beyond U+10FFFF, or cut off. */
size_t mx_utf8_decode(const void *text, size_t left, uint32_t *character);

/* Write into `out` (size bytes, 5 or more) what of a text a message can hold: bytes that are no
 * UTF-8, and control characters, become \xNN; what does not fit is left out. Returns out. */
char *mx_utf8_shown(const char *text, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
