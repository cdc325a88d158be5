#include <unistd.h>

#include "journal_files.h"

TestSuite(journal_lost, .init = make_folder, .fini = remove_folder);

static void expect_lost(unsigned first, unsigned files, uint64_t records)
{
    static struct seen       seen;
    struct mx_journal_report report;

    read_back(&seen, &report);
    cr_expect_eq(report.first_lost, first, "first is %u", report.first_lost);
    cr_expect_eq(report.lost_files, files, "%u files", report.lost_files);
    cr_expect_eq(report.lost_records, records, "%llu records",
                 (unsigned long long)report.lost_records);
}

static void drop(unsigned number)
{
    char path[64];

    file_of(number, path);
    cr_assert_eq(unlink(path), 0);
}

Test(journal_lost, nothing_is_lost_of_whole_files_and_of_the_last_one)
{
    struct mx_buf text = {0};

    write_small(4);
    write_small(2);
    expect_lost(0, 0, 0);
    /* Nobody has read the end of the last file. */
    load(2, &text);
    store(2, text.data, line_start(&text, 1));
    expect_lost(0, 0, 0);
    mx_buf_free(&text);
}

Test(journal_lost, counts_what_a_shorter_file_no_longer_holds)
{
    struct mx_buf text = {0};

    write_small(4);
    write_small(2);
    write_small(0);
    load(1, &text);
    store(1, text.data, line_start(&text, 2));
    expect_lost(1, 1, 3);
    /* Half a record is none. */
    store(1, text.data, line_start(&text, 2) + 20);
    expect_lost(1, 1, 3);
    store(1, text.data, 0);
    expect_lost(1, 1, 5);
    mx_buf_free(&text);
}

Test(journal_lost, counts_the_records_of_missing_files)
{
    write_small(4);
    write_small(2);
    write_small(1);
    drop(1);
    expect_lost(1, 1, 5);
    drop(2);
    expect_lost(1, 2, 8);
}

Test(journal_lost, goes_on_being_told_by_the_incarnations_after_the_loss)
{
    struct mx_journal_report report;

    write_small(4);
    write_small(2);
    drop(1);
    mx_journal_close(open_journal(&report));
    cr_expect_eq(report.lost_records, 5);
    cr_expect_eq(report.files, 1);
    expect_lost(1, 1, 5);
}

Test(journal_lost, a_gap_whose_size_nobody_knows_is_a_lost_file_without_records)
{
    struct mx_buf text = {0};

    write_small(4);
    write_small(2);
    drop(1);
    load(2, &text);
    text.data[30] ^= 1; /* the record that names what was accepted */
    store(2, text.data, text.len);
    expect_lost(1, 1, 0);
    mx_buf_free(&text);
}

/* A damaged record is told as such, and not a second time as lost. */
Test(journal_lost, damaged_records_at_the_end_are_not_counted_twice)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_buf            text = {0};

    write_small(4);
    write_small(2);
    load(1, &text);
    text.data[line_start(&text, 4) + 30] ^= 1;
    store(1, text.data, text.len);
    read_back(&seen, &report);
    cr_expect_eq(report.skipped_bad, 1);
    expect_lost(0, 0, 0);
    mx_buf_free(&text);
}

/* What an owner wrote after it lost the directory is late, and nothing is gone. */
Test(journal_lost, late_records_are_no_loss)
{
    struct mx_journal_report report;
    struct mx_journal       *late = open_journal(&report);

    append_started(late, 1);
    cr_assert_eq(mx_journal_sync(late, NULL), 0);
    write_small(1);
    append_started(late, 2);
    mx_journal_close(late);
    write_small(1);
    expect_lost(0, 0, 0);
}
