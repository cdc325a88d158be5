#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal_files.h"

TestSuite(journal, .init = make_folder, .fini = remove_folder);

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

Test(journal, gives_back_what_is_asked_for_again)
{
    struct mx_journal_report report;
    struct mx_journal       *journal = open_journal(&report);
    static struct seen       seen;
    struct mx_err            err = {0};

    append(journal, &(struct mx_record){.kind = MX_RECORD_RETRY,
                                        .key = {7, 9},
                                        .host = "n\"1",
                                        .started_utc_s = 1764000000.125});
    mx_journal_close(journal);
    cr_assert_eq(mx_journal_read(folder, remember, &seen, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.skipped_bad, 0);
    cr_assert_eq(seen.count, 2);
    cr_expect_eq(seen.records[1].kind, MX_RECORD_RETRY);
    cr_expect(seen.records[1].key.high == 7 && seen.records[1].key.low == 9);
    cr_expect_str_eq(seen.records[1].host, "n\"1");
    cr_expect_eq(seen.records[1].started_utc_s, 1764000000.125);
}

Test(journal, gives_back_what_was_decided_and_why)
{
    struct mx_journal_report          report;
    struct mx_journal                *journal = open_journal(&report);
    static struct seen                seen;
    static const struct worker_metric metric = {"val.accuracy", 0.1 + 0.2};
    struct mx_err                     err = {0};

    append(journal, &(struct mx_record){.kind = MX_RECORD_REACHED,
                                        .key = {7, 9},
                                        .attempt = 2,
                                        .rank = 1,
                                        .executor = 5,
                                        .host = "n1",
                                        .seconds = 1.5,
                                        .epoch = 27,
                                        .rung = 3,
                                        .metrics = &metric,
                                        .nmetrics = 1,
                                        .text = "rung 3"});
    append(journal, &(struct mx_record){.kind = MX_RECORD_DECIDED,
                                        .key = {7, 9},
                                        .epoch = 27,
                                        .rung = 3,
                                        .go_on = true,
                                        .started_utc_s = 1764000000.125});
    append(journal, &(struct mx_record){.kind = MX_RECORD_HOST, .host = "n1", .text = "why"});
    mx_journal_close(journal);
    cr_assert_eq(mx_journal_read(folder, remember, &seen, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.skipped_bad, 0);
    cr_assert_eq(seen.count, 4);
    cr_expect_eq(seen.records[1].kind, MX_RECORD_REACHED);
    cr_expect_eq(seen.records[1].key.low, 9);
    cr_expect_eq(seen.records[1].attempt, 2);
    cr_expect_eq(seen.records[1].executor, 5);
    cr_expect_eq(seen.records[1].seconds, 1.5);
    cr_expect(seen.records[1].epoch == 27 && seen.records[1].rung == 3);
    cr_expect_eq(seen.records[1].nmetrics, 1);
    cr_expect_str_eq(seen.records[1].text, "rung 3");
    cr_expect_eq(seen.records[2].kind, MX_RECORD_DECIDED);
    cr_expect(seen.records[2].epoch == 27 && seen.records[2].rung == 3 && seen.records[2].go_on);
    cr_expect_eq(seen.records[2].started_utc_s, 1764000000.125);
    cr_expect_eq(seen.records[3].kind, MX_RECORD_HOST);
    cr_expect_not(seen.records[3].go_on);
    cr_expect_str_eq(seen.records[3].host, "n1");
    cr_expect_str_eq(seen.records[3].text, "why");
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

/* A disk that was repaired may have put zeros in front of it. */
Test(journal, the_first_record_of_a_file_counts_however_far_behind_it_is)
{
    static struct seen       seen;
    static char              zeros[100000];
    struct mx_journal_report report;
    struct mx_journal       *old = open_journal(&report), *new;
    struct mx_buf            text = {0}, moved = {0};

    new = open_journal(&report);
    append_started(old, 1);
    mx_journal_close(old);
    mx_journal_close(new);
    load(2, &text);
    mx_buf_add(&moved, zeros, sizeof zeros);
    mx_buf_add(&moved, text.data, text.len);
    store(2, moved.data, moved.len);
    read_back(&seen, &report);
    cr_expect_eq(report.ignored_late, 1);
    cr_expect_eq(seen.count, 2);
    mx_buf_free(&text);
    mx_buf_free(&moved);
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
