/* journal_scan.h - inside the journal: reading files, good records among bytes. */
#ifndef MX_SWEEP_JOURNAL_SCAN_H
#define MX_SWEEP_JOURNAL_SCAN_H

#include "sweep/journal_record.h"

/* A place in the text of one journal file. */
struct mx_journal_scan {
    const char *at, *end;
    uint64_t    last_seq; /* of the good records so far */
};

/* Find the next good record; true with *line to be freed, false at the end.
 * What is passed over is counted in *report: damaged records (or, if more, the
 * sequence numbers that are missing) and the bytes of a torn tail. Repeated
 * records are counted and passed over too. */
bool mx_journal_scan_next(struct mx_journal_scan *scan, struct mx_journal_line *line,
                          struct mx_journal_report *report);

/* An earlier file: its number and what is accepted of it. */
struct mx_journal_file {
    unsigned number;
    uint64_t limit; /* records behind it are late */
    uint64_t last;  /* accepted */
    uint64_t end;   /* what it reaches to: the last good record and damaged ones behind it */
};

struct mx_journal_acceptor {
    int (*accept)(void *user, const struct mx_record *record, struct mx_err *err);
    void                     *user;
    struct mx_journal_report *report;
};

/* Read all files of a journal folder in order; a folder that is not there has
 * none. *files is to be freed, after a failure too. */
int mx_journal_read_all(const char *folder, const struct mx_journal_acceptor *to,
                        struct mx_journal_file **files, size_t *count, struct mx_err *err);

/* folder/000012.jsonl in memory to be freed; NULL if there is none. */
char *mx_journal_file_path(const char *folder, unsigned number);

#endif
