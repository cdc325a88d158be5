/* retry.h - trials that are to be run again by the next `resume`.
 *
 * A stage of such a trial gets a record of its own kind in the journal: what
 * was known of it before counts no more.
 */
#ifndef MX_SWEEP_RETRY_H
#define MX_SWEEP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct mx_retry {
    bool        failed;  /* trials that failed or were quarantined */
    bool        missing; /* done, but the folder of one of their stages is gone */
    const char *id; /* a trial, or a cell with all its repeats, whatever came of them; or NULL */
    bool        dry_run; /* tell, and leave everything as it is */
};

/* Mark them, and bring results.csv, cells.csv, status.json and exit_code to what
 * is true now. Appends what was done to `out`, a line for each trial (the first
 * ones), and what to do next. Returns 0, also if there are none; or -1: MX_EINVAL if DIR holds no
 * sweep or no such id, MX_EOWNED if a sweep runs there, MX_EIO, MX_ENOMEM. */
int mx_retry(const char *directory, const struct mx_retry                 *asked,
             void (*waiting)(void *user, const char *text), struct mx_buf *out, struct mx_err *err);

#endif
