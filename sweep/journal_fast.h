/* journal_fast.h - inside the journal: reading a line of the form that we write.
 *
 * Every record of a stage that this program writes has the same members in the
 * same order, no blanks, and mostly no escapes. Such a line is read here without
 * building a JSON value. Any other, be it right or wrong, is left to jansson:
 * what is read here is read the same there.
 */
#ifndef MX_SWEEP_JOURNAL_FAST_H
#define MX_SWEEP_JOURNAL_FAST_H

#include "sweep/journal_record.h"

/* Read one record, text[0 .. len), whose checksum is right. False if it is not
 * of that form, *line then being empty; else to be released with
 * mx_journal_line_free(). */
bool mx_journal_line_fast(const char *text, size_t len, struct mx_journal_line *line);

/* The same with jansson, of every form; false if the content is not known. */
bool mx_journal_line_slow(const char *text, size_t len, struct mx_journal_line *line);

#endif
