/* html.h - pieces of an HTML page: text that cannot break it, numbers that keep their digits.
 */
#ifndef MX_SWEEP_HTML_H
#define MX_SWEEP_HTML_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Append text so that it is text, in an element or between quotes of an attribute: what
 * HTML reads is escaped, bytes that are no UTF-8 and control characters become U+FFFD. */
void mx_html_text(struct mx_buf *out, const char *text);

enum {
    MX_SHOWN_SIZE = 32
};

/* A number as people read it, four digits or so. Returns out. NaN is an en dash. */
const char *mx_html_shown(double x, char out[MX_SHOWN_SIZE]);

/* Append it so, with all its digits, the text of cells.csv, in the element's value. */
void mx_html_number(struct mx_buf *out, double x);

/* The same with another number to look at: an end that was cut. */
void mx_html_number_as(struct mx_buf *out, double x, double shown);

/* Append bytes as base64, with padding. */
void mx_html_base64(struct mx_buf *out, const void *data, size_t len);

#endif
