/* bench_dispatch.h - what the measurements of dispatch and of resuming share: a
 * sweep of trials that do nothing. */
#ifndef MX_SWEEP_BENCH_DISPATCH_H
#define MX_SWEEP_BENCH_DISPATCH_H

#include "base/err.h"
#include "sweep/journal.h"
#include "worker/params.h"

enum {
    MX_DISPATCH_REPEATS = 100 /* trials of a cell */
};

/* Run the sweep of `config` in this process alone: the scheduler gives stages to
 * two executors that are none, and journal and results are written to the new
 * folder `directory`. MX_EINTERNAL if a trial was not done. */
int mx_dispatch_in_process(const char *config, const char *directory, struct mx_err *err);

/* What rank 0 needs for one trial of one stage, message, records, scheduler and results
 * with it, when each goes to its executor by itself: seconds of its CPU time. It runs sweeps of trials
 * that do nothing in a folder of its own in /tmp, some seconds long. MX_EIO. */
int mx_dispatch_event_s(double *seconds, struct mx_err *err);

/* What such a sweep gives to mx_plan_new(), since its stages read no data, and to
 * mx_journal_open(), where nothing was written before. */
int mx_dispatch_no_data(void *user, const struct worker_params *params, uint64_t *fingerprint,
                        struct mx_err *err);
int mx_dispatch_no_record(void *user, const struct mx_record *record, struct mx_err *err);

#endif
