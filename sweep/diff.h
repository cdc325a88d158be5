/* diff.h - what two sweeps have that differs: cells, what became of trials, numbers, keys. */
#ifndef MX_SWEEP_DIFF_H
#define MX_SWEEP_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Compare the tables of two directories as they are in results.csv, text by text, without the
 * run.* columns; trials are paired by name. Appends what differs, at most `most` lines of a
 * kind (0: all); names of configuration keys too, which alone make no difference:
 * what they change is in the cells. Returns 0 with *same; or -1 with what mx_sheets_read()
 * says. */
int mx_diff(const char *a, const char *b, size_t most, bool *same, struct mx_buf *out,
            struct mx_err *err);

#endif
