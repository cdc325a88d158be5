/* status_print.h - how a sweep is doing, for people: counts first. */
#ifndef MX_SWEEP_STATUS_PRINT_H
#define MX_SWEEP_STATUS_PRINT_H

#include "base/buf.h"
#include "sweep/status_read.h"

/* Append lines of at most `width` columns (0 = no limit): the state and who runs it, trials
 * by state, speed and ETA with its basis, nodes (lost ones first, at most 20, and how many there
 * are), stages under way, failures, the reduction. `directory` is for the advice on how to go
 * on. ASCII but for what names and messages bring. */
void mx_status_text(const struct mx_status_view *view, const char *directory, unsigned width,
                    struct mx_buf *out);

#endif
