/* bench_record.h - the record that measurements of the journal write: a stage that is done, with
 * ten metrics. */
#ifndef MX_SWEEP_BENCH_RECORD_H
#define MX_SWEEP_BENCH_RECORD_H

#include "sweep/journal.h"

enum {
    MX_BENCH_METRICS = 10
};

/* Fill *record, but for key and times: `n` from 1 is in its numbers, so that those of two records
 * differ. The metrics have the names that a sweep's have, and lie in `metrics`. */
void mx_bench_record(struct mx_record *record, struct worker_metric metrics[MX_BENCH_METRICS],
                     unsigned n);

#endif
