/* utf8.h - is this text, and what stands where. */
#ifndef MX_SWEEP_UTF8_H
#define MX_SWEEP_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Check that len bytes are UTF-8 without control characters other than tab and
 * line ends. Returns NULL and leaves the place alone; or what is wrong, with
 * the line and column (in characters, from 1) of the first such byte. */
const char *mx_utf8_check(const char *text, size_t len, unsigned *line, unsigned *column);

/* The character at a line and column, 0 if there is none. The text has passed
 * mx_utf8_check(). */
uint32_t mx_utf8_at(const char *text, size_t len, unsigned line, unsigned column);

#endif
