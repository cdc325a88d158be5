/* run_reduce.c - the tables of the ranks, summed and compared with the journal. */
#include <inttypes.h>
#include <string.h>

#include "sweep/run_state.h"

struct reading {
    const struct run            *run;
    struct worker_contributions *journal;
};

/* What the journal's files say, read back from the disk: not what we remember
 * to have written. */
static int accept_record(void *user, const struct mx_record *record, struct mx_err *err)
{
    struct reading *reading = user;
    uint32_t        stage;

    if (record->kind != MX_RECORD_DONE ||
        !mx_plan_index_find(&reading->run->replay.index, record->key, &stage))
        return 0;
    return worker_contributions_add(reading->journal, 0, stage, record->metrics, record->nmetrics,
                                    err);
}

/* "rank 3's" is not said: a sum does not tell who was wrong. */
static int tell_difference(const struct run *run, const struct mx_link_reduced *reduced,
                           struct mx_err *err)
{
    char        key[MX_HASH128_HEX];
    const char *missing = reduced->there == 1   ? " (the journal has none)"
                          : reduced->there == 2 ? " (no executor contributed it)"
                                                : "";

    mx_hash128_hex(run->plan->stages[reduced->stage].key, key);
    return mx_fail(err, MX_EINTERNAL,
                   "the reduced table differs from the journal: %s of stage %s has the bits "
                   "%016" PRIx64 " and should have %016" PRIx64
                   "%s; the journal counts, results.csv is made from it. A machine of this sweep "
                   "may have faulty memory: run the sweep again elsewhere and compare",
                   reduced->metric, key, reduced->sum, reduced->journal, missing);
}

/* Ranks that were lost when nothing ran any more. */
static void tell_losses(struct run *run)
{
    for (unsigned r = 0; r < run->ranks; r++) {
        struct mx_link_rank rank = mx_link_rank(run->link, r);

        if (rank.lost && !run->nodes[r].lost)
            mx_console_tell(run->console, MX_LOG_WARNING,
                            (struct mx_console_about){run->nodes[r].host, (int)r, NULL},
                            "the rank %s", rank.loss);
        run->nodes[r].lost = rank.lost;
    }
}

/* What went wrong on the way, line by line. */
static void tell_lines(struct run *run, struct mx_buf *lines)
{
    for (const char *at = mx_buf_str(lines); *at;) {
        const size_t len = strcspn(at, "\n");

        mx_console_log(run->console, MX_LOG_WARNING, NULL, "%.*s", (int)len, at);
        at += len + (at[len] == '\n');
    }
    mx_buf_free(lines);
}

static int reduce(struct run *run, const struct worker_contributions *journal, struct mx_err *err)
{
    struct mx_link_table   table = {journal, run->makers, run->plan->nstages};
    struct mx_link_reduced reduced;
    struct mx_err          stuck = {0};
    int                    rc = mx_link_reduce(run->link, &table, &reduced, &stuck);
    bool                   by_group;

    tell_losses(run);
    tell_lines(run, &reduced.told);
    if (rc) {
        if (stuck.code != MX_EIO) {
            *err = stuck;
            return -1;
        }
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "%s; results.csv is made from the journal and complete", stuck.text);
        return 0;
    }
    run->reduction = (struct mx_status_reduction){.path = reduced.path,
                                                  .ranks = reduced.ranks,
                                                  .bytes = reduced.bytes,
                                                  .seconds = reduced.seconds,
                                                  .matches = reduced.matches};
    by_group = strcmp(reduced.path, "nccl") == 0;
    if (!reduced.matches)
        return tell_difference(run, &reduced, err);
    mx_console_log(run->console, reduced.ranks > 1 ? MX_LOG_INFO : MX_LOG_DEBUG, NULL,
                   "reduced: %" PRIu64 " numbers of %u %s%s, %" PRIu64
                   " bytes in %.3f s; equal to the journal bit for bit",
                   reduced.slots, reduced.ranks, by_group ? "executors by NCCL" : "rank",
                   by_group || reduced.ranks == 1 ? "" : "s", reduced.bytes, reduced.seconds);
    return 0;
}

int run_reduce(struct run *run, struct mx_err *err)
{
    struct reading           reading = {run, worker_contributions_new(err)};
    struct mx_journal_report report;
    int                      rc = -1;

    if (reading.journal && mx_journal_sync(run->journal, err) == 0 &&
        mx_journal_read(run->directory, accept_record, &reading, &report, err) == 0)
        rc = reduce(run, reading.journal, err);
    worker_contributions_free(reading.journal);
    return rc;
}
