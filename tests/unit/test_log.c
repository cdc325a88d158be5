#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static const struct mx_log_record full = {
    .utc_s = 1769851800.125,
    .level = MX_LOG_WARNING,
    .host = "n1",
    .rank = 3,
    .trial = "00000000000000aa.r0",
    .text = "memory ran out",
};

static const char *line_of(const struct mx_log_record *record, enum mx_log_format format,
                           struct mx_buf *out)
{
    mx_buf_clear(out);
    mx_log_line(record, format, out);
    return mx_buf_str(out);
}

Test(log, writes_a_text_line_and_a_json_line)
{
    struct mx_buf        out = {0};
    struct mx_log_record bare = {.utc_s = 0, .level = MX_LOG_INFO, .rank = -1, .text = "hello"};

    cr_expect_str_eq(line_of(&full, MX_LOG_TEXT, &out),
                     "2026-01-31T09:30:00.125Z warning n1/3 00000000000000aa.r0: memory ran out\n");
    cr_expect_str_eq(line_of(&full, MX_LOG_JSON, &out),
                     "{\"time\":\"2026-01-31T09:30:00.125Z\",\"level\":\"warning\",\"host\":\"n1\","
                     "\"rank\":3,\"trial\":\"00000000000000aa.r0\",\"text\":\"memory ran out\"}\n");
    cr_expect_str_eq(line_of(&bare, MX_LOG_TEXT, &out), "1970-01-01T00:00:00.000Z info hello\n");
    cr_expect_str_eq(line_of(&bare, MX_LOG_JSON, &out),
                     "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"host\":null,"
                     "\"rank\":null,\"trial\":null,\"text\":\"hello\"}\n");
    mx_buf_free(&out);
}

Test(log, keeps_a_text_of_several_lines_on_one)
{
    struct mx_buf        out = {0};
    struct mx_log_record record = {.level = MX_LOG_ERROR, .rank = -1, .text = "a\nb\r\x1b[31mc"};

    cr_expect_str_eq(line_of(&record, MX_LOG_TEXT, &out),
                     "1970-01-01T00:00:00.000Z error a\\nb\\x0d\\x1b[31mc\n");
    cr_expect_not_null(strstr(line_of(&record, MX_LOG_JSON, &out), "\"a\\nb\\u000d\\u001b[31mc\""));
    mx_buf_free(&out);
}

Test(log, a_line_never_exceeds_what_a_pipe_takes_whole)
{
    /* Plain, escaped and multi-byte characters, of lengths around the limit. */
    static const char *const pieces[] = {"x", "\x1b", "\xE2\x82\xAC", "\xFF"};
    char                     text[6001], name[200];
    struct mx_buf            out = {0};

    memset(name, 0x01, sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t p = 0; p < 4; p++)
        for (size_t repeats = 1900; repeats <= 2000; repeats++)
            for (int format = MX_LOG_TEXT; format <= MX_LOG_JSON; format++) {
                struct mx_log_record record = {.rank = 1 << 30, .host = name, .trial = name};
                size_t               n = strlen(pieces[p]);

                for (size_t i = 0; i < repeats; i++)
                    memcpy(text + i * n, pieces[p], n + 1);
                record.text = text;
                line_of(&record, (enum mx_log_format)format, &out);
                cr_assert_leq(out.len, (size_t)MX_LOG_LINE);
                cr_assert_eq(strcspn(out.data, "\n"), out.len - 1);
            }
    mx_buf_free(&out);
}

Test(log, cuts_between_two_characters)
{
    char                 text[3 * 2000 + 1] = "";
    struct mx_log_record record = {.rank = -1, .text = text};
    struct mx_buf        out = {0};

    for (size_t i = 0; i < 2000; i++)
        memcpy(text + 3 * i, "\xE2\x82\xAC", 4);
    line_of(&record, MX_LOG_JSON, &out);
    cr_expect_null(strstr(out.data, "\xEF\xBF\xBD"));
    cr_expect_not_null(strstr(out.data, "\xE2\x82\xAC...\"}\n"));
    mx_buf_free(&out);
}

Test(log, writes_one_whole_line_at_a_time)
{
    int           ends[2];
    char          got[256] = "";
    struct mx_buf expected = {0};

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(mx_log_write(ends[1], "a pipe", &full, MX_LOG_TEXT, NULL), 0);
    cr_assert_gt(read(ends[0], got, sizeof got - 1), 0);
    cr_expect_str_eq(got, line_of(&full, MX_LOG_TEXT, &expected));
    close(ends[0]);
    close(ends[1]);
    mx_buf_free(&expected);
}

Test(log, says_what_could_not_be_written)
{
    struct mx_err err;

    cr_assert_eq(mx_log_write(-1, "log/sweep.log", &full, MX_LOG_TEXT, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot write log/sweep.log: Bad file descriptor");
}

Test(log, folds_repeats_and_tells_their_number_when_the_window_ends)
{
    struct mx_log_fold   fold = {.window_s = 60};
    struct mx_log_record record = full, told;

    cr_expect(mx_log_fold_take(&fold, &record));
    for (int i = 1; i <= 5; i++) {
        record.utc_s = full.utc_s + i;
        cr_expect_not(mx_log_fold_take(&fold, &record));
    }
    cr_expect_not(mx_log_fold_due(&fold, full.utc_s + 59, &told));
    cr_assert(mx_log_fold_due(&fold, full.utc_s + 60, &told));
    cr_expect_str_eq(told.text, "memory ran out (repeated 5 times in 1m)");
    cr_expect_str_eq(told.host, "n1");
    cr_expect_str_eq(told.trial, full.trial);
    cr_expect_eq(told.rank, 3);
    cr_expect_eq(told.level, MX_LOG_WARNING);
    cr_expect_not(mx_log_fold_due(&fold, INFINITY, &told));
    record.utc_s = full.utc_s + 61;
    cr_expect(mx_log_fold_take(&fold, &record), "after the window it is news again");
}

Test(log, folds_only_what_is_the_same)
{
    struct mx_log_fold   fold = {.window_s = 60};
    struct mx_log_record other[] = {full, full, full, full, full}, told;

    other[0].text = "memory ran low";
    other[1].rank = 4;
    other[2].host = NULL;
    other[3].text = "memory ran";
    other[4].level = MX_LOG_ERROR;
    cr_expect(mx_log_fold_take(&fold, &full));
    for (size_t i = 0; i < 5; i++) {
        cr_expect(mx_log_fold_take(&fold, &other[i]));
        cr_expect_not(mx_log_fold_take(&fold, &other[i]));
    }
    for (size_t i = 0; i < 5; i++)
        cr_expect(mx_log_fold_due(&fold, INFINITY, &told));
    cr_expect_not(mx_log_fold_due(&fold, INFINITY, &told));
}

/* Feed n failures of a bad node, of different trials and attempts, one a second from `at`;
 * returns how many were written. */
static unsigned fail_often(struct mx_log_fold *fold, double at, unsigned n)
{
    unsigned written = 0;

    for (unsigned i = 0; i < n; i++) {
        char                 trial[32], text[64];
        struct mx_log_record record = full;

        snprintf(trial, sizeof trial, "%016x.r%u", i, i % 3);
        snprintf(text, sizeof text, "attempt %u of stage train failed: no device", 1 + i % 12);
        record.utc_s = at + i;
        record.trial = trial;
        record.text = text;
        written += mx_log_fold_take(fold, &record);
    }
    return written;
}

Test(log, what_befalls_many_trials_of_a_node_is_told_in_a_few_lines)
{
    struct mx_log_fold   fold = {.window_s = 60};
    struct mx_log_record told;

    cr_expect_eq(fail_often(&fold, full.utc_s, 50), MX_LOG_ALIKE);
    cr_assert(mx_log_fold_due(&fold, INFINITY, &told));
    cr_expect_str_eq(told.text,
                     "attempt 1 of stage train failed: no device (and 47 more like it in 1m, from "
                     "n1/3 0000000000000003.r0 to n1/3 0000000000000031.r1)",
                     "%s", told.text);
    cr_expect_str_eq(told.host, "n1");
    cr_expect_eq(told.rank, 3);
    cr_expect_null(told.trial);
    cr_expect_not(mx_log_fold_due(&fold, INFINITY, &told));
}

Test(log, a_count_names_only_what_all_that_were_counted_share)
{
    static const int     ranks[] = {3, 4, 5, 6, 3};
    struct mx_log_fold   fold = {.window_s = 60};
    struct mx_log_record record = full, told;

    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        record.rank = ranks[i];
        cr_expect_eq(mx_log_fold_take(&fold, &record), i < MX_LOG_ALIKE, "%zu", i);
    }
    cr_assert(mx_log_fold_due(&fold, INFINITY, &told));
    cr_expect_str_eq(told.text,
                     "memory ran out (and 2 more like it in 1m, from n1/6 00000000000000aa.r0 to "
                     "n1/3 00000000000000aa.r0)",
                     "%s", told.text);
    cr_expect_eq(told.rank, -1);
    cr_expect_str_eq(told.host, "n1");
    cr_expect_str_eq(told.trial, full.trial);
}

Test(log, progress_and_other_news_that_differ_in_numbers_are_all_told)
{
    struct mx_log_fold fold = {.window_s = 60};

    for (int i = 0; i < 10; i++) {
        char                 text[32];
        struct mx_log_record record = {.level = MX_LOG_INFO, .rank = -1, .text = text};

        snprintf(text, sizeof text, "%d of 24 trials ended", i);
        cr_expect(mx_log_fold_take(&fold, &record));
    }
}

/* Twice as many different messages as slots, each five times, in turn: what is
 * written and what is told as repeated must add up to all of them. */
Test(log, loses_no_message_when_there_are_more_than_it_can_remember)
{
    struct mx_log_fold   fold = {.window_s = 10};
    struct mx_log_record told;
    unsigned             written = 0, repeated = 0;

    for (int round = 0; round < 5; round++)
        for (int i = 0; i < 2 * MX_LOG_SLOTS; i++) {
            char                 text[32];
            struct mx_log_record record = {.utc_s = round, .rank = -1, .text = text};

            snprintf(text, sizeof text, "message %d", i);
            written += mx_log_fold_take(&fold, &record);
        }
    while (mx_log_fold_due(&fold, INFINITY, &told)) {
        const char *count = strstr(told.text, "(repeated ");

        cr_assert_not_null(count);
        repeated += (unsigned)atoi(count + strlen("(repeated "));
    }
    cr_expect_eq(written + repeated, 5 * 2 * MX_LOG_SLOTS);
    cr_expect_eq(repeated, 4 * MX_LOG_SLOTS);
}

Test(log, a_message_too_long_to_remember_is_always_written)
{
    struct mx_log_fold   fold = {.window_s = 60};
    char                 text[600];
    struct mx_log_record record = {.rank = -1, .text = text};

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_expect(mx_log_fold_take(&fold, &record));
    cr_expect(mx_log_fold_take(&fold, &record));
}

enum {
    WRITERS = 8,
    LINES_EACH = 200,
    LONG_LINE = 5000
};

/* Write long records to a descriptor; the process ends. */
static void write_long_lines(int fd, int writer)
{
    char                 text[LONG_LINE + 1];
    struct mx_log_record record = full;

    memset(text, 'a' + writer, LONG_LINE);
    text[LONG_LINE] = '\0';
    record.rank = writer;
    record.text = text;
    for (int i = 0; i < LINES_EACH; i++)
        if (mx_log_write(fd, "the pipe", &record, MX_LOG_JSON, NULL))
            _exit(1);
    _exit(0);
}

/* A line has to be just what one writer wrote; returns which. */
static int writer_of(const char *line, struct mx_buf *scratch)
{
    struct mx_log_record record = full;
    const char          *rank = strstr(line, "\"rank\":");
    char                 text[LONG_LINE + 1];

    cr_assert_not_null(rank, "%.100s", line);
    record.rank = atoi(rank + 7);
    memset(text, 'a' + record.rank, LONG_LINE);
    text[LONG_LINE] = '\0';
    record.text = text;
    cr_expect_str_eq(line, line_of(&record, MX_LOG_JSON, scratch));
    return record.rank;
}

Test(log, long_lines_of_eight_processes_are_neither_torn_nor_mixed)
{
    int           ends[2], seen[WRITERS] = {0};
    struct mx_buf scratch = {0};
    char         *line = NULL;
    size_t        room = 0;
    FILE         *in;

    cr_assert_eq(pipe(ends), 0);
    for (int w = 0; w < WRITERS; w++) {
        const pid_t pid = fork();

        cr_assert_geq(pid, 0);
        if (pid == 0)
            write_long_lines(ends[1], w);
    }
    close(ends[1]);
    cr_assert_not_null(in = fdopen(ends[0], "r"));
    while (getline(&line, &room, in) > 0)
        seen[writer_of(line, &scratch)]++;
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;

        cr_assert_gt(wait(&status), 0);
        cr_expect_eq(status, 0);
        cr_expect_eq(seen[w], LINES_EACH);
    }
    fclose(in);
    free(line);
    mx_buf_free(&scratch);
}
