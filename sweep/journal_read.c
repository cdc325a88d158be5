#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/disk.h"
#include "base/file.h"
#include "sweep/journal_scan.h"

#define MOST_BYTES (SIZE_MAX / 4) /* of a file: as many as it has */

/* Number of a name like 000012.jsonl, 0 if it is none. */
static unsigned file_number(const char *name)
{
    size_t   digits = strspn(name, "0123456789");
    uint64_t number = strtoull(name, NULL, 10);

    return digits >= 6 && digits <= 9 && strcmp(name + digits, ".jsonl") == 0 ? (unsigned)number
                                                                              : 0;
}

static int by_number(const void *a, const void *b)
{
    const struct mx_journal_file *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

struct listing {
    struct mx_journal_file *files;
    size_t                  count, room;
};

/* 0, or 1 without memory. */
static int list_file(void *user, const char *name)
{
    struct listing *listing = user;
    unsigned        number = file_number(name);

    if (number == 0)
        return 0;
    if (listing->count == listing->room) {
        size_t                  room = 2 * listing->room + 16;
        struct mx_journal_file *more = realloc(listing->files, room * sizeof more[0]);

        if (!more)
            return 1;
        listing->files = more;
        listing->room = room;
    }
    listing->files[listing->count++] = (struct mx_journal_file){number, UINT64_MAX, 0, 0};
    return 0;
}

/* The files of a journal folder in order; *files is to be freed. A folder that
 * is not there has none. */
static int list_files(const char *folder, struct mx_journal_file **files, size_t *count,
                      struct mx_err *err)
{
    struct listing listing = {0};
    int            rc = mx_disk_list(folder, list_file, &listing);

    *files = listing.files;
    *count = listing.count;
    if (rc > 0)
        return mx_fail(err, MX_ENOMEM, "no memory to list %s", folder);
    if (rc < 0 && errno != ENOENT)
        return mx_fail_errno(err, MX_EIO, errno, "cannot open directory %s", folder);
    if (*count > 0)
        qsort(*files, *count, sizeof(*files)[0], by_number);
    return 0;
}

char *mx_journal_file_path(const char *folder, unsigned number)
{
    char name[32];

    snprintf(name, sizeof name, "%06u.jsonl", number);
    return mx_path_join(folder, name);
}

/* A file, or its head if it has more bytes than `most`. */
static int read_text(const char *folder, unsigned number, size_t most, struct mx_buf *text,
                     struct mx_err *err)
{
    char *path = mx_journal_file_path(folder, number);
    int   rc = path ? mx_file_read_head(path, most, text, err)
                    : mx_fail(err, MX_ENOMEM, "no memory to read %s", folder);

    free(path);
    return rc;
}

static struct mx_journal_scan scan_begin(const struct mx_buf *text)
{
    const char *data = text->data ? text->data : "";

    return (struct mx_journal_scan){data, data + text->len, 0};
}

/* The most that any incarnation accepted of each earlier file, there or not. */
struct claims {
    struct mx_journal_tail *tails;
    size_t                  count, room;
};

static int claim(struct claims *claims, const struct mx_journal_tail *tail, struct mx_err *err)
{
    for (size_t k = 0; k < claims->count; k++)
        if (claims->tails[k].file == tail->file) {
            if (tail->seq > claims->tails[k].seq)
                claims->tails[k].seq = tail->seq;
            return 0;
        }
    if (claims->count == claims->room) {
        size_t                  room = 2 * claims->room + 16;
        struct mx_journal_tail *more = realloc(claims->tails, room * sizeof more[0]);

        if (!more)
            return mx_fail(err, MX_ENOMEM, "no memory for what the journal names as accepted");
        claims->tails = more;
        claims->room = room;
    }
    claims->tails[claims->count++] = *tail;
    return 0;
}

static int claim_tails(struct claims *claims, const struct mx_journal_line *line, unsigned number,
                       struct mx_err *err)
{
    for (size_t k = 0; k < line->ntails; k++)
        if (line->tails[k].file < number && claim(claims, &line->tails[k], err))
            return -1;
    return 0;
}

static uint64_t claimed_of(const struct claims *claims, unsigned number)
{
    for (size_t k = 0; k < claims->count; k++)
        if (claims->tails[k].file == number)
            return claims->tails[k].seq;
    return 0;
}

static void add_lost(struct mx_journal_report *report, unsigned first, unsigned files,
                     uint64_t records)
{
    if (report->lost_files == 0)
        report->first_lost = first;
    report->lost_files += files;
    report->lost_records += records;
}

/* Files are numbered without gaps, so a gap is files that are gone. */
static void count_lost(const struct mx_journal_file *files, size_t count,
                       const struct claims *claims, struct mx_journal_report *report)
{
    unsigned next = 1;

    for (size_t f = 0; f < count; next = files[f++].number + 1) {
        uint64_t claimed = claimed_of(claims, files[f].number), gone = 0;

        for (size_t k = 0; k < claims->count; k++)
            if (claims->tails[k].file >= next && claims->tails[k].file < files[f].number)
                gone += claims->tails[k].seq;
        if (files[f].number > next)
            add_lost(report, next, files[f].number - next, gone);
        if (claimed > files[f].end)
            add_lost(report, files[f].number, 1, claimed - files[f].end);
    }
}

/* Take over what an incarnation accepted of the files before it. */
static void apply_tails(struct mx_journal_file *files, size_t count,
                        const struct mx_journal_line *line, unsigned number)
{
    for (size_t k = 0; k < line->ntails; k++)
        for (size_t f = 0; f < count && files[f].number < number; f++)
            if (files[f].number == line->tails[k].file && line->tails[k].seq < files[f].limit)
                files[f].limit = line->tails[k].seq;
}

/* The first good record of a file, mostly in its head. 1 with *line, 0, or -1. */
static int read_first(const char *folder, unsigned number, struct mx_buf *text,
                      struct mx_journal_line *line, struct mx_err *err)
{
    size_t most[] = {1 << 16, MOST_BYTES};

    for (size_t k = 0; k < 2; k++) {
        struct mx_journal_report unused = {0};
        struct mx_journal_scan   scan;

        if (read_text(folder, number, most[k], text, err))
            return -1;
        scan = scan_begin(text);
        if (mx_journal_scan_next(&scan, line, &unused))
            return 1;
        if (text->len < most[k])
            break;
    }
    return 0;
}

/* First pass: each file's first record limits the files before it. */
static int find_limits(const char *folder, struct mx_journal_file *files, size_t count,
                       struct claims *claims, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc = 0;

    for (size_t f = 0; f < count && rc == 0; f++) {
        struct mx_journal_line line;

        if ((rc = read_first(folder, files[f].number, &text, &line, err)) <= 0)
            continue;
        rc = 0;
        if (line.record.kind == MX_RECORD_INCARNATION) {
            apply_tails(files, count, &line, files[f].number);
            rc = claim_tails(claims, &line, files[f].number, err);
        }
        mx_journal_line_free(&line);
    }
    mx_buf_free(&text);
    return rc;
}

static int read_file(const char *folder, struct mx_journal_file *file,
                     const struct mx_journal_acceptor *to, struct mx_err *err)
{
    struct mx_buf          text = {0};
    struct mx_journal_line line;
    struct mx_journal_scan scan;
    uint64_t               bad = to->report->skipped_bad; /* up to the last good record */
    int                    rc = read_text(folder, file->number, MOST_BYTES, &text, err);

    scan = scan_begin(&text);
    while (rc == 0 && mx_journal_scan_next(&scan, &line, to->report)) {
        if (line.seq > file->limit) {
            to->report->ignored_late++;
        } else {
            file->last = line.seq;
            to->report->records++;
            rc = to->accept(to->user, &line.record, err);
        }
        bad = to->report->skipped_bad;
        mx_journal_line_free(&line);
    }
    file->end = scan.last_seq + (to->report->skipped_bad - bad);
    mx_buf_free(&text);
    return rc;
}

int mx_journal_read_all(const char *folder, const struct mx_journal_acceptor *to,
                        struct mx_journal_file **files, size_t *count, struct mx_err *err)
{
    struct claims claims = {0};
    int           rc = list_files(folder, files, count, err);

    *to->report = (struct mx_journal_report){.files = (unsigned)*count};
    if (rc == 0)
        rc = find_limits(folder, *files, *count, &claims, err);
    for (size_t f = 0; f < *count && rc == 0; f++)
        rc = read_file(folder, &(*files)[f], to, err);
    if (rc == 0)
        count_lost(*files, *count, &claims, to->report);
    free(claims.tails);
    return rc;
}

int mx_journal_read(const char *directory,
                    int (*accept)(void *user, const struct mx_record *record, struct mx_err *err),
                    void *user, struct mx_journal_report *report, struct mx_err *err)
{
    struct mx_journal_acceptor to = {accept, user, report};
    char                      *folder = mx_path_join(directory, "journal");
    struct mx_journal_file    *files = NULL;
    size_t                     count;
    int                        rc = folder ? mx_journal_read_all(folder, &to, &files, &count, err)
                                           : mx_fail(err, MX_ENOMEM, "no memory to read the journal");

    free(files);
    free(folder);
    return rc;
}
