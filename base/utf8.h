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

#ifdef __cplusplus
}
#endif

#endif
