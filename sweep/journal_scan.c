#include "sweep/journal_scan.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == '\n' || c == '\0' || c == ' ' || c == '\r' || c == '\t';
}

/* Lines of [at, end) with anything in them but blanks and zeros. */
static uint64_t count_lines(const char *at, const char *end)
{
    uint64_t n = 0;
    bool     seen = false;

    for (; at < end; at++) {
        if (*at == '\n')
            seen = false;
        else if (!is_blank(*at) && !seen) {
            seen = true;
            n++;
        }
    }
    return n;
}

/* The last MX_JOURNAL_BEGIN in [at, end), or NULL. */
static const char *last_begin(const char *at, const char *end)
{
    static const char begin[] = MX_JOURNAL_BEGIN;
    const char       *found = NULL;

    while ((at = memmem(at, (size_t)(end - at), begin, sizeof begin - 1)))
        found = at++;
    return found;
}

/* What lies behind the last good record: damaged whole lines, then a torn one. */
static void count_rest(const char *at, const char *end, struct mx_journal_report *report)
{
    const char *line = end > at ? memrchr(at, '\n', (size_t)(end - at)) : NULL;
    const char *torn = line ? line + 1 : at;

    report->skipped_bad += count_lines(at, torn);
    report->torn_bytes += (uint64_t)(end - torn);
}

/* One try: the piece up to the next checksum. Lines may have run into each
 * other, so ends of lines mean nothing: a record is what begins like one, ends
 * in a checksum, and matches it. */
static const char *try_piece(const struct mx_journal_scan *scan, const char *sum,
                             const char **begin, struct mx_journal_line *line)
{
    const char *end = sum + MX_JOURNAL_SUM_LENGTH;

    *begin = last_begin(scan->at, sum);
    if (!*begin || end > scan->end || !mx_journal_line_parse(*begin, (size_t)(end - *begin), line))
        return NULL;
    return end;
}

bool mx_journal_scan_next(struct mx_journal_scan *scan, struct mx_journal_line *line,
                          struct mx_journal_report *report)
{
    static const char mark[] = MX_JOURNAL_SUM;
    const char       *from = scan->at; /* end of the last good record */
    const char       *sum, *begin, *end;

    while ((sum = memmem(scan->at, (size_t)(scan->end - scan->at), mark, sizeof mark - 1))) {
        uint64_t bad, missing;

        if (!(end = try_piece(scan, sum, &begin, line))) {
            scan->at = sum + sizeof mark - 1;
            continue;
        }
        scan->at = end;
        bad = count_lines(from, begin);
        if (line->seq <= scan->last_seq) {
            report->skipped_bad += bad;
            report->duplicates++;
            mx_journal_line_free(line);
            from = scan->at;
            continue;
        }
        missing = line->seq - scan->last_seq - 1;
        report->skipped_bad += bad > missing ? bad : missing;
        scan->last_seq = line->seq;
        return true;
    }
    count_rest(from, scan->end, report);
    scan->at = scan->end;
    return false;
}
