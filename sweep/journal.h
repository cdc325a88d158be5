/* journal.h - the durable record of a sweep (formats.md "journal").
 *
 * DIR/journal/NNNNNN.jsonl, one file an incarnation, one JSON object a line
 * with sequence number and checksum, single writer, group fsync. Results are
 * in here before anything else happens with them. docs/journal.md has the
 * format and the rules of reading.
 */
#ifndef MX_SWEEP_JOURNAL_H
#define MX_SWEEP_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "sweep/gpu_use.h"
#include "sweep/sched.h"
#include "worker/stage.h"

/* What is remembered. A record's fields depend on its kind; the others are 0. */
enum mx_record_kind {
    MX_RECORD_INCARNATION, /* host, pid; the accepted tails are written and read inside */
    MX_RECORD_STARTED,     /* key, attempt, host, executor, at */
    MX_RECORD_DONE,        /* key, attempt, metrics, seconds, at */
    MX_RECORD_FAILED,      /* key, attempt, reason, text, seconds, at, final */
    MX_RECORD_RETRY,       /* key, at: what was known of the stage counts no more */
    MX_RECORD_REACHED,     /* as DONE, epoch: a training waits at a rung; one metric, if it was
                            * measured: what is judged; text, of that */
    MX_RECORD_DECIDED,     /* key, epoch, rung, go_on, at: it goes on from there, or is stopped */
    MX_RECORD_HOST,        /* host, text, go_on, at: it gets no more work, or does again */
    MX_RECORD_KINDS
};

struct mx_record {
    enum mx_record_kind         kind;
    struct mx_hash128           key; /* the stage's */
    unsigned                    attempt;
    uint32_t                    rank, executor;
    char                        host[64];
    char                        device[96];
    double                      started_utc_s, ended_utc_s, seconds;
    struct mx_gpu_use           gpu; /* DONE, FAILED, REACHED */
    enum mx_reason              reason;
    bool                        final;     /* FAILED: no attempt is left */
    char                        text[256]; /* free text of a failure */
    const struct worker_metric *metrics;   /* lent */
    size_t                      nmetrics;
    long                        pid;         /* INCARNATION */
    uint32_t                    epoch, rung; /* REACHED, DECIDED */
    bool                        go_on;       /* DECIDED, HOST */
};

/* What reading found besides good records. */
struct mx_journal_report {
    uint64_t records;      /* accepted */
    uint64_t skipped_bad;  /* damaged or missing before the last good one of their file */
    uint64_t torn_bytes;   /* behind the last line end of a file */
    uint64_t ignored_late; /* written by an owner after it lost the directory */
    uint64_t duplicates;
    unsigned files;
    /* What a later incarnation names as accepted, and is in no file any more;
     * and the files that are missing or shorter. */
    uint64_t lost_records;
    unsigned lost_files;
    unsigned first_lost; /* number of the first of them, 0 if there is none */
};

struct mx_journal;

/* Read every earlier file of DIR/journal in order, giving each accepted record
 * to `accept`, then create the next file exclusively and write its incarnation
 * record. Damage is counted, never fatal. Returns NULL with MX_EIO, MX_ENOMEM,
 * MX_EOWNED if another process began the same incarnation, or what accept()
 * said. */
struct mx_journal *
mx_journal_open(const char *directory,
                int (*accept)(void *user, const struct mx_record *record, struct mx_err *err),
                void *user, struct mx_journal_report *report, struct mx_err *err);

/* Read only: for status and reports. Creates nothing. */
int mx_journal_read(const char *directory,
                    int (*accept)(void *user, const struct mx_record *record, struct mx_err *err),
                    void *user, struct mx_journal_report *report, struct mx_err *err);

/* The number of this incarnation, from 1. */
unsigned mx_journal_incarnation(const struct mx_journal *journal);

/* Before each group is written, ask `guard`; if it returns -1 nothing is
 * written and mx_journal_sync() fails with its error (mx_owner_still_mine()). */
void mx_journal_guard(struct mx_journal *journal, int (*guard)(void *user, struct mx_err *err),
                      void              *user);

/* Append a record to the current group. Durable after mx_journal_sync().
 * Returns -1 with MX_ENOMEM, the record not appended. */
int mx_journal_append(struct mx_journal *journal, const struct mx_record *record,
                      struct mx_err *err);

/* Write and fsync the group. Call at most 200 ms after the first append
 * (mx_journal_due_s tells when, infinity if nothing waits). A write that fails
 * part-way is cut back, so the file never holds half a line of ours; -1 with
 * MX_EIO, and the group is kept: the next call tries again. */
int    mx_journal_sync(struct mx_journal *journal, struct mx_err *err);
double mx_journal_due_s(const struct mx_journal *journal);

/* Sync and close. NULL is allowed. */
void mx_journal_close(struct mx_journal *journal);

#endif
