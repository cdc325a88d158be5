#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
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

static int remember(void *user, const struct mx_record *record, struct mx_err *err)
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

static int ignore(void *user, const struct mx_record *record, struct mx_err *err)
{
    (void)user;
    (void)record;
    (void)err;
    return 0;
}

static char folder[] = "/tmp/mx_journal_XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

TestSuite(journal, .init = make_folder, .fini = remove_folder);

static struct mx_journal *open_journal(struct mx_journal_report *report)
{
    struct mx_err      err = {0};
    struct mx_journal *journal = mx_journal_open(folder, ignore, NULL, report, &err);

    cr_assert(journal, "%s", err.text);
    return journal;
}

static void append(struct mx_journal *journal, const struct mx_record *record)
{
    struct mx_err err = {0};

    cr_assert_eq(mx_journal_append(journal, record, &err), 0, "%s", err.text);
}

static void append_started(struct mx_journal *journal, uint64_t key)
{
    append(journal, &(struct mx_record){.kind = MX_RECORD_STARTED,
                                        .key = {1, key},
                                        .attempt = 1,
                                        .host = "n1",
                                        .started_utc_s = 1764000000.125});
}

/* A journal of `n` records behind the incarnation's own. */
static void write_small(uint64_t n)
{
    struct mx_journal_report report;
    struct mx_journal       *journal = open_journal(&report);

    for (uint64_t k = 1; k <= n; k++)
        append_started(journal, k);
    mx_journal_close(journal);
}

static void read_back(struct seen *seen, struct mx_journal_report *report)
{
    struct mx_err err = {0};

    seen->count = 0;
    cr_assert_eq(mx_journal_read(folder, remember, seen, report, &err), 0, "%s", err.text);
    cr_assert_eq(report->records, seen->count);
}

static void file_of(unsigned number, char path[64])
{
    snprintf(path, 64, "%s/journal/%06u.jsonl", folder, number);
}

static void load(unsigned number, struct mx_buf *text)
{
    char path[64];

    file_of(number, path);
    cr_assert_eq(mx_file_read(path, 1 << 20, text, NULL), 0);
}

static void store(unsigned number, const char *text, size_t len)
{
    char path[64];

    FILE *file;

    file_of(number, path);
    cr_assert(file = fopen(path, "wb"));
    cr_assert_eq(fwrite(text, 1, len, file), len);
    fclose(file);
}

/* Start of line k (from 0) of a text. */
static size_t line_start(const struct mx_buf *text, size_t k)
{
    const char *at = text->data;

    while (k-- > 0)
        at = strchr(at, '\n') + 1;
    return (size_t)(at - text->data);
}

Test(journal, gives_back_every_field_to_the_bit)
{
    static struct seen         seen;
    struct mx_journal_report   report;
    struct mx_journal         *journal = open_journal(&report);
    const struct worker_metric metrics[] = {{"val.accuracy", 0.1 + 0.2},
                                            {"test.deletion.gradcam++.zero", NAN},
                                            {"test.cross_entropy", INFINITY},
                                            {"val.confidence", -0.0}};
    struct mx_record           done = {.kind = MX_RECORD_DONE,
                                       .key = {0x0123456789abcdef, 0xfedcba9876543210},
                                       .attempt = 2,
                                       .rank = 3,
                                       .executor = 7,
                                       .host = "node-1",
                                       .device = "AMD \"EPYC\"",
                                       .started_utc_s = 1764000000.125,
                                       .ended_utc_s = 1764000012.5,
                                       .seconds = 12.345678901234567,
                                       .metrics = metrics,
                                       .nmetrics = 4};
    struct mx_record           failed = done;

    append(journal, &done);
    failed.kind = MX_RECORD_FAILED;
    failed.reason = MX_REASON_STALLED;
    failed.final = true;
    strcpy(failed.text, "no progress,\"sum\":\"0123456789abcdef\"}\n{\"seq\":9");
    append(journal, &failed);
    mx_journal_close(journal);
    read_back(&seen, &report);
    cr_assert_eq(seen.count, 3);
    cr_expect_eq(report.skipped_bad + report.torn_bytes + report.duplicates, 0);
    cr_expect_eq(seen.records[0].kind, MX_RECORD_INCARNATION);
    cr_expect_eq(seen.records[0].pid, getpid());
    cr_expect_eq(seen.records[1].kind, MX_RECORD_DONE);
    cr_expect_eq(seen.records[1].key.high, done.key.high);
    cr_expect_eq(seen.records[1].key.low, done.key.low);
    cr_expect_eq(seen.records[1].attempt, 2);
    cr_expect_eq(seen.records[1].rank, 3);
    cr_expect_eq(seen.records[1].executor, 7);
    cr_expect_str_eq(seen.records[1].host, "node-1");
    cr_expect_str_eq(seen.records[1].device, done.device);
    cr_expect_eq(seen.records[1].seconds, done.seconds);
    cr_expect(fabs(seen.records[1].started_utc_s - done.started_utc_s) <= 1e-6);
    cr_assert_eq(seen.records[1].nmetrics, 4);
    for (size_t k = 0; k < 4; k++) {
        cr_expect_str_eq(seen.metrics[1][k].name, metrics[k].name);
        if (k != 1)
            cr_expect_arr_eq(&seen.metrics[1][k].value, &metrics[k].value, sizeof(double));
    }
    cr_expect(isnan(seen.metrics[1][1].value));
    cr_expect_eq(seen.records[2].reason, MX_REASON_STALLED);
    cr_expect(seen.records[2].final);
    cr_expect_str_eq(seen.records[2].text, failed.text);
}

Test(journal, survives_a_cut_at_every_byte)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_buf            text = {0};

    write_small(4);
    load(1, &text);
    for (size_t len = 0; len <= text.len; len++) {
        size_t whole = 0;

        /* A record is whole without its line end too. */
        for (size_t k = 0; k < len; k++)
            whole += text.data[k] == '\n';
        if (len < text.len && text.data[len] == '\n')
            whole++;
        store(1, text.data, len);
        read_back(&seen, &report);
        cr_assert_eq(seen.count, whole, "cut at %zu: %zu records", len, seen.count);
        cr_assert_eq(report.skipped_bad, 0, "cut at %zu", len);
        cr_assert_eq(report.torn_bytes > 0, len > 0 && text.data[len - 1] != '\n' &&
                                                !(len < text.len && text.data[len] == '\n'));
    }
    mx_buf_free(&text);
}

Test(journal, passes_over_a_block_of_zeros)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_buf            text = {0}, damaged = {0};
    static const char        zeros[8192];
    size_t                   at;

    write_small(4);
    load(1, &text);
    /* Between two lines nothing is lost ... */
    at = line_start(&text, 2);
    mx_buf_add(&damaged, text.data, at);
    mx_buf_add(&damaged, zeros, sizeof zeros);
    mx_buf_add(&damaged, text.data + at, text.len - at);
    store(1, damaged.data, damaged.len);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 5);
    cr_expect_eq(report.skipped_bad, 0);
    /* ... inside one it is lost, and instead of two both are missed. */
    mx_buf_clear(&damaged);
    mx_buf_add(&damaged, text.data, at + 20);
    mx_buf_add(&damaged, zeros, sizeof zeros);
    mx_buf_add(&damaged, text.data + at + 20, text.len - at - 20);
    store(1, damaged.data, damaged.len);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 4);
    cr_expect_eq(report.skipped_bad, 1);
    mx_buf_clear(&damaged);
    mx_buf_add(&damaged, text.data, at);
    mx_buf_add(&damaged, zeros, sizeof zeros);
    mx_buf_add(&damaged, text.data + line_start(&text, 4), text.len - line_start(&text, 4));
    store(1, damaged.data, damaged.len);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 3);
    cr_expect_eq(report.skipped_bad, 2);
    mx_buf_free(&text);
    mx_buf_free(&damaged);
}

Test(journal, counts_a_repeated_record_and_blank_lines_change_nothing)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_buf            text = {0};
    size_t                   last;
    char                    *copy;

    write_small(3);
    load(1, &text);
    last = line_start(&text, 3);
    copy = strdup(text.data + last);
    mx_buf_text(&text, "\n \n\r\n");
    mx_buf_text(&text, copy);
    free(copy);
    store(1, text.data, text.len);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 4);
    cr_expect_eq(report.duplicates, 1);
    cr_expect_eq(report.skipped_bad, 0);
    mx_buf_free(&text);
}

Test(journal, reads_lines_that_ran_into_each_other)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_buf            text = {0}, merged = {0};
    size_t                   second, third;

    write_small(3);
    load(1, &text);
    second = line_start(&text, 1);
    third = line_start(&text, 2);
    /* Whole behind whole, then half of one before a whole one. */
    mx_buf_add(&merged, text.data, second - 1);
    mx_buf_add(&merged, text.data + second, 30);
    mx_buf_add(&merged, text.data + third, text.len - third);
    store(1, merged.data, merged.len);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 3);
    cr_expect_eq(report.skipped_bad, 1);
    mx_buf_free(&text);
    mx_buf_free(&merged);
}

Test(journal, skips_a_record_whose_checksum_is_wrong)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_buf            text = {0}, line = {0};

    write_small(3);
    load(1, &text);
    text.data[line_start(&text, 2) + 30] ^= 1;
    store(1, text.data, text.len);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 3);
    cr_expect_eq(seen.records[2].key.low, 3);
    cr_expect_eq(report.skipped_bad, 1);
    mx_journal_report_text(&report, &line);
    cr_expect_str_eq(mx_buf_str(&line), "journal: 1 damaged or missing records skipped");
    mx_buf_free(&text);
    mx_buf_free(&line);
}

Test(journal, ignores_what_an_older_incarnation_writes_after_it_was_replaced)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_journal       *old = open_journal(&report), *new;

    append_started(old, 1);
    cr_assert_eq(mx_journal_sync(old, NULL), 0);
    new = open_journal(&report);
    cr_expect_eq(report.records, 2);
    cr_expect_eq(mx_journal_incarnation(new), 2);
    append_started(old, 2);
    append_started(old, 3);
    append_started(new, 4);
    mx_journal_close(old);
    mx_journal_close(new);
    read_back(&seen, &report);
    cr_expect_eq(report.ignored_late, 2);
    cr_expect_eq(report.files, 2);
    cr_assert_eq(seen.count, 4);
    cr_expect_eq(seen.records[1].key.low, 1);
    cr_expect_eq(seen.records[3].key.low, 4);
    /* A third one sees the same. */
    new = open_journal(&report);
    cr_expect_eq(report.ignored_late, 2);
    mx_journal_close(new);
}

static int refuse(void *user, struct mx_err *err)
{
    (void)user;
    return mx_fail(err, MX_EOWNED, "not ours");
}

Test(journal, writes_nothing_more_once_the_guard_refuses)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_journal       *journal = open_journal(&report);
    struct mx_err            err = {0};

    mx_journal_guard(journal, refuse, NULL);
    append_started(journal, 1);
    cr_expect_eq(mx_journal_sync(journal, &err), -1);
    cr_expect_eq(err.code, MX_EOWNED);
    mx_journal_close(journal);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 1);
}

Test(journal, says_when_a_group_is_due)
{
    struct mx_journal_report report;
    struct mx_journal       *journal = open_journal(&report);

    cr_expect_eq(mx_journal_due_s(journal), INFINITY);
    append_started(journal, 1);
    cr_expect(isfinite(mx_journal_due_s(journal)));
    cr_assert_eq(mx_journal_sync(journal, NULL), 0);
    cr_expect_eq(mx_journal_due_s(journal), INFINITY);
    mx_journal_close(journal);
}

/* In a child: fill the file up to a limit, then get room again. */
static int write_against_a_limit(void)
{
    struct mx_journal_report report;
    struct mx_journal       *journal = open_journal(&report);
    struct rlimit            tight = {1500, RLIM_INFINITY}, wide = {RLIM_INFINITY, RLIM_INFINITY};
    struct mx_err            err = {0};
    struct mx_buf            text = {0};

    signal(SIGXFSZ, SIG_IGN);
    for (uint64_t k = 1; k <= 20; k++)
        append_started(journal, k);
    setrlimit(RLIMIT_FSIZE, &tight);
    if (mx_journal_sync(journal, &err) != -1 || err.code != MX_EIO ||
        !strstr(err.text, "File too large"))
        return 1;
    load(1, &text);
    if (text.len == 0 || text.data[text.len - 1] != '\n' || strchr(text.data, '\n')[1])
        return 2; /* more than the first record, or half a line */
    mx_buf_free(&text);
    setrlimit(RLIMIT_FSIZE, &wide);
    if (mx_journal_sync(journal, &err))
        return 3;
    mx_journal_close(journal);
    return 0;
}

Test(journal, a_full_disk_leaves_no_half_line_and_loses_nothing)
{
    static struct seen       seen;
    struct mx_journal_report report;
    int                      status;
    pid_t                    child = fork();

    if (child == 0)
        _exit(write_against_a_limit());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 0);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 21);
    cr_expect_eq(report.skipped_bad + report.torn_bytes, 0);
}

Test(journal, is_not_begun_on_a_disk_that_is_full)
{
    int   status;
    pid_t child = fork();
    char  path[64];

    if (child == 0) {
        struct rlimit            none = {0, RLIM_INFINITY};
        struct mx_journal_report report;
        struct mx_err            err = {0};

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &none);
        _exit(mx_journal_open(folder, ignore, NULL, &report, &err) || err.code != MX_EIO);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    file_of(1, path);
    cr_expect_not(mx_file_exists(path));
}

/* Whatever is flipped, reading ends, and what it gives was written. */
Test(journal, gives_only_true_records_after_random_damage)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_buf            text = {0}, damaged = {0};
    struct mx_rng            rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);

    write_small(8);
    load(1, &text);
    for (int run = 0; run < 400; run++) {
        uint64_t flips = 1 + mx_rng_below(&rng, 12), last = 0;

        mx_buf_clear(&damaged);
        mx_buf_add(&damaged, text.data, text.len);
        for (uint64_t k = 0; k < flips; k++)
            damaged.data[mx_rng_below(&rng, text.len)] ^= (char)(1 << mx_rng_below(&rng, 8));
        store(1, damaged.data, damaged.len);
        read_back(&seen, &report);
        /* A line end that is hit makes one bad line of two good ones. */
        cr_assert_geq(seen.count + 2 * flips, 9);
        cr_assert(seen.count == 9 || report.skipped_bad + report.torn_bytes > 0);
        for (size_t k = 0; k < seen.count; k++) {
            if (seen.records[k].kind == MX_RECORD_INCARNATION)
                continue;
            cr_assert_gt(seen.records[k].key.low, last);
            cr_assert_eq(seen.records[k].key.high, 1);
            last = seen.records[k].key.low;
        }
    }
    mx_buf_free(&text);
    mx_buf_free(&damaged);
}

static int stop_at_once(void *user, const struct mx_record *record, struct mx_err *err)
{
    (void)user;
    (void)record;
    return mx_fail(err, MX_EDATA, "enough");
}

Test(journal, passes_on_what_the_reader_said)
{
    struct mx_journal_report report;
    struct mx_err            err = {0};

    write_small(1);
    cr_expect_null(mx_journal_open(folder, stop_at_once, NULL, &report, &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, "enough");
}

Test(journal, of_a_folder_without_one_is_empty)
{
    static struct seen       seen;
    struct mx_journal_report report;

    read_back(&seen, &report);
    cr_expect_eq(seen.count, 0);
    cr_expect_eq(report.files, 0);
}
