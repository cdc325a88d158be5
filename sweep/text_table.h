/* text_table.h - columns of text that fit a terminal.
 *
 * Too wide a table first takes its short heads, then shortens the cells of its
 * widest shrinkable columns, then leaves out optional columns, then is cut.
 */
#ifndef MX_SWEEP_TEXT_TABLE_H
#define MX_SWEEP_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct mx_text_table;

struct mx_text_column {
    const char *head, *short_head; /* copied; short_head NULL = the same */
    bool        right;             /* aligned to the right */
    bool        shrink, optional;
};

/* A table without rows; NULL if there is no memory. */
struct mx_text_table *mx_text_table_new(const struct mx_text_column *columns, size_t ncolumns);
void                  mx_text_table_free(struct mx_text_table *table); /* NULL is allowed */

/* Add the next cell, row by row from left to right. The text is copied. */
void mx_text_table_add(struct mx_text_table *table, const char *text);

/* Append head and rows as lines of at most `width` columns; 0 = no limit. Returns how many of the
 * table's columns were not left out. */
size_t mx_text_table_print(const struct mx_text_table *table, unsigned width, struct mx_buf *out);

/* Columns of a terminal that UTF-8 text takes, one a character. */
size_t mx_text_width(const char *text);

#endif
