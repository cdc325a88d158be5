/* bench_dispatch.h - what the two measurements of dispatch share: a sweep of
 * trials that do nothing. */
#ifndef MX_SWEEP_BENCH_DISPATCH_H
#define MX_SWEEP_BENCH_DISPATCH_H

#include "base/err.h"

enum {
    MX_DISPATCH_REPEATS = 100 /* trials of a cell */
};

/* Run the sweep of `config` in this process alone: the scheduler gives stages to
 * two executors that are none, and journal and results are written to the new
 * folder `directory`. MX_EINTERNAL if a trial was not done. */
int mx_dispatch_in_process(const char *config, const char *directory, struct mx_err *err);

#endif
