/* bench_journal.c - what a record costs: written, with its share of the group's
 * fsync, and read again as a resumed sweep reads it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/bench.h"
#include "sweep/bench_record.h"
#include "sweep/journal.h"

enum {
    RECORDS = 100000,
    RUNS = 3
};

struct times {
    double append[RUNS], read[RUNS]; /* microseconds a record */
};

static int accept_record(void *user, const struct mx_record *record, struct mx_err *err)
{
    size_t *metrics = user;

    (void)err;
    *metrics += record->nmetrics;
    return 0;
}

static int append_records(struct mx_journal *journal, struct mx_err *err)
{
    struct worker_metric metrics[MX_BENCH_METRICS];
    struct mx_record     record;

    for (unsigned r = 1; r <= RECORDS; r++) {
        mx_bench_record(&record, metrics, r);
        record.key = (struct mx_hash128){r, r};
        record.ended_utc_s = mx_clock_utc_s();
        record.seconds = 1.0 / r;
        record.started_utc_s = record.ended_utc_s - record.seconds;
        if (mx_journal_append(journal, &record, err) ||
            (mx_clock_monotonic_s() >= mx_journal_due_s(journal) && mx_journal_sync(journal, err)))
            return -1;
    }
    return mx_journal_sync(journal, err);
}

static int time_append(const char *folder, double *us, struct mx_err *err)
{
    struct mx_journal_report report;
    size_t                   metrics = 0;
    struct mx_journal *journal = mx_journal_open(folder, accept_record, &metrics, &report, err);
    double             start_s = mx_clock_monotonic_s();
    int                rc;

    if (!journal)
        return -1;
    rc = append_records(journal, err);
    *us = 1e6 * (mx_clock_monotonic_s() - start_s) / RECORDS;
    mx_journal_close(journal);
    return rc;
}

static int time_read(const char *folder, double *us, struct mx_err *err)
{
    struct mx_journal_report report;
    size_t                   metrics = 0;
    double                   start_s = mx_clock_monotonic_s();

    if (mx_journal_read(folder, accept_record, &metrics, &report, err))
        return -1;
    *us = 1e6 * (mx_clock_monotonic_s() - start_s) / RECORDS;
    if (metrics != (size_t)RECORDS * MX_BENCH_METRICS)
        return mx_fail(err, MX_EINTERNAL, "the journal gave %zu of %zu numbers back", metrics,
                       (size_t)RECORDS * MX_BENCH_METRICS);
    return 0;
}

static int time_both(struct times *times, unsigned run, struct mx_err *err)
{
    char          folder[MX_BENCH_FOLDER_SIZE];
    struct mx_err later;
    int           rc;

    if (mx_bench_folder(folder, err))
        return -1;
    rc = time_append(folder, &times->append[run], err) || time_read(folder, &times->read[run], err)
             ? -1
             : 0;
    return mx_dir_remove(folder, rc ? &later : err) || rc ? -1 : 0;
}

int mx_bench_journal(const struct mx_bench_options *options, struct mx_bench_results *results,
                     struct mx_err *err)
{
    struct times times;

    for (unsigned r = 0; r < RUNS; r++)
        if (time_both(&times, r, err))
            return -1;
    mx_bench_add(results, "journal.append", "us", times.append, RUNS);
    mx_bench_add(results, "journal.read", "us", times.read, RUNS);
    return mx_bench_resume(options, results, err);
}
