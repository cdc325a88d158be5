/* key_page.h - the table of keys as a page for people.
 *
 * `mixsweep check --keys` prints it; docs/config.md holds it below its marker,
 * and a test compares the bytes.
 */
#ifndef MX_SWEEP_KEY_PAGE_H
#define MX_SWEEP_KEY_PAGE_H

#include "base/buf.h"

/* The line in docs/config.md behind which the page stands. */
#define MX_KEY_PAGE_MARKER "<!-- What follows is printed by `mixsweep check --keys`. -->\n"

/* Append the page: one Markdown table a section. */
void mx_key_page(struct mx_buf *out);

#endif
