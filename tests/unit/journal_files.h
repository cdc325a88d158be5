/* journal_files.h - a journal in a folder of its own, for tests. */
#ifndef MX_TESTS_JOURNAL_FILES_H
#define MX_TESTS_JOURNAL_FILES_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/journal.h"

enum {
    MAX_SEEN = 256
};

/* What a reader was given. */
struct seen {
    struct mx_record     records[MAX_SEEN];
    struct worker_metric metrics[MAX_SEEN][4];
    size_t               count;
};

static inline int remember(void *user, const struct mx_record *record, struct mx_err *err)
{
    struct seen *seen = user;

    (void)err;
    cr_assert_lt(seen->count, MAX_SEEN);
    cr_assert(record->nmetrics <= 4);
    seen->records[seen->count] = *record;
    for (size_t k = 0; k < record->nmetrics; k++)
        seen->metrics[seen->count][k] = record->metrics[k];
    seen->count++;
    return 0;
}

static inline int ignore(void *user, const struct mx_record *record, struct mx_err *err)
{
    (void)user;
    (void)record;
    (void)err;
    return 0;
}

static char folder[] = "/tmp/mx_journal_XXXXXX";

static inline void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static inline void remove_folder(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

static inline struct mx_journal *open_journal(struct mx_journal_report *report)
{
    struct mx_err      err = {0};
    struct mx_journal *journal = mx_journal_open(folder, ignore, NULL, report, &err);

    cr_assert(journal, "%s", err.text);
    return journal;
}

static inline void append(struct mx_journal *journal, const struct mx_record *record)
{
    struct mx_err err = {0};

    cr_assert_eq(mx_journal_append(journal, record, &err), 0, "%s", err.text);
}

static inline void append_started(struct mx_journal *journal, uint64_t key)
{
    append(journal, &(struct mx_record){.kind = MX_RECORD_STARTED,
                                        .key = {1, key},
                                        .attempt = 1,
                                        .host = "n1",
                                        .started_utc_s = 1764000000.125});
}

/* A journal of `n` records behind the incarnation's own. */
static inline void write_small(uint64_t n)
{
    struct mx_journal_report report;
    struct mx_journal       *journal = open_journal(&report);

    for (uint64_t k = 1; k <= n; k++)
        append_started(journal, k);
    mx_journal_close(journal);
}

static inline void read_back(struct seen *seen, struct mx_journal_report *report)
{
    struct mx_err err = {0};

    seen->count = 0;
    cr_assert_eq(mx_journal_read(folder, remember, seen, report, &err), 0, "%s", err.text);
    cr_assert_eq(report->records, seen->count);
}

static inline void file_of(unsigned number, char path[64])
{
    snprintf(path, 64, "%s/journal/%06u.jsonl", folder, number);
}

static inline void load(unsigned number, struct mx_buf *text)
{
    char path[64];

    file_of(number, path);
    cr_assert_eq(mx_file_read(path, 1 << 20, text, NULL), 0);
}

static inline void store(unsigned number, const char *text, size_t len)
{
    char path[64];

    FILE *file;

    file_of(number, path);
    cr_assert(file = fopen(path, "wb"));
    cr_assert_eq(fwrite(text, 1, len, file), len);
    fclose(file);
}

/* Start of line k (from 0) of a text. */
static inline size_t line_start(const struct mx_buf *text, size_t k)
{
    const char *at = text->data;

    while (k-- > 0)
        at = strchr(at, '\n') + 1;
    return (size_t)(at - text->data);
}

#endif
