#include "base/rng.h"
#include "journal_files.h"

TestSuite(journal_damage, .init = make_folder, .fini = remove_folder);

Test(journal_damage, survives_a_cut_at_every_byte)
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

Test(journal_damage, passes_over_a_block_of_zeros)
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

Test(journal_damage, counts_a_repeated_record_and_blank_lines_change_nothing)
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

Test(journal_damage, reads_lines_that_ran_into_each_other)
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

Test(journal_damage, skips_a_record_whose_checksum_is_wrong)
{
    static struct seen       seen;
    struct mx_journal_report report;
    struct mx_buf            text = {0};

    write_small(3);
    load(1, &text);
    text.data[line_start(&text, 2) + 30] ^= 1;
    store(1, text.data, text.len);
    read_back(&seen, &report);
    cr_expect_eq(seen.count, 3);
    cr_expect_eq(seen.records[2].key.low, 3);
    cr_expect_eq(report.skipped_bad, 1);
    mx_buf_free(&text);
}

/* Whatever is flipped, reading ends, and what it gives was written. */
Test(journal_damage, gives_only_true_records_after_random_damage)
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
