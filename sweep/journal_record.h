/* journal_record.h - inside the journal: one record as a line, and back. */
#ifndef MX_SWEEP_JOURNAL_RECORD_H
#define MX_SWEEP_JOURNAL_RECORD_H

#include "sweep/journal.h"

/* The last record accepted of an earlier file. */
struct mx_journal_tail {
    unsigned file;
    uint64_t seq; /* 0 = none */
};

/* A record with what only the journal itself reads. */
struct mx_journal_line {
    uint64_t                seq; /* from 1 in each file, without gaps */
    struct mx_record        record;
    struct mx_journal_tail *tails; /* INCARNATION */
    size_t                  ntails;
    unsigned                incarnation;
};

/* Append the record as one line with its checksum and line end. */
void mx_journal_line_format(const struct mx_journal_line *line, struct mx_buf *out);

/* Read one record, text[0 .. len) without line end. Returns true if it is
 * whole, its checksum right and its content known; then release it with
 * mx_journal_line_free(). */
bool mx_journal_line_parse(const char *text, size_t len, struct mx_journal_line *line);
void mx_journal_line_free(struct mx_journal_line *line);

/* What surrounds a record. A record holds each of them once: quotes inside its
 * texts are escaped. */
#define MX_JOURNAL_BEGIN "{\"seq\":"
#define MX_JOURNAL_SUM   ",\"sum\":\""
enum {
    MX_JOURNAL_SUM_LENGTH = 8 + 16 + 2 /* ,"sum":" then 16 hex digits then "} */
};

#endif
