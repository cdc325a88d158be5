/* csv.h - writing CSV: one field after another into a buffer.
 *
 * Commas are put where they belong, quotes where RFC 4180 asks for them.
 */
#ifndef MX_CSV_H
#define MX_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mx_csv {
    struct mx_buf *out;   /* lent */
    bool           comma; /* a field precedes on this line */
};

/* A field of any text; one of a text in which nothing needs quotes. */
void mx_csv_text(struct mx_csv *csv, const char *text);
void mx_csv_plain(struct mx_csv *csv, const char *text);

/* A number, NaN as an empty field; an integer; a time, none (0) as an empty field. */
void mx_csv_real(struct mx_csv *csv, double x);
void mx_csv_uint(struct mx_csv *csv, uint64_t n);
void mx_csv_utc(struct mx_csv *csv, double utc_s);

void mx_csv_end_line(struct mx_csv *csv);

#ifdef __cplusplus
}
#endif

#endif
