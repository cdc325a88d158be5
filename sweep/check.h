/* check.h - everything that can be said of a configuration before it runs. */
#ifndef MX_SWEEP_CHECK_H
#define MX_SWEEP_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/config.h"
#include "sweep/grid.h"

/* Read a configuration as mx_config_read() does, number its points and count
 * its cells. No data file is read. Appends errors and warnings to *messages,
 * one a line, and to *out "FILE: ok, N cells, M trials\n" if there are no
 * errors. Returns 0; or -1 with a summary in *err. */
int mx_check(const char *file, const char *const *sets, size_t nsets, bool smoke,
             struct mx_buf *out, struct mx_buf *messages, struct mx_err *err);

/* Append what is odd and no error, one a line: exclude rules that match no
 * point, data that is not where it should be (not for a smoke run, which makes
 * its own). Returns 0, or -1 with *err. */
int mx_check_warnings(const struct mx_config *config, const struct mx_grid *grid,
                      struct mx_buf *messages, struct mx_err *err);

#endif
