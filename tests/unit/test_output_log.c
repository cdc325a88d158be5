#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "sweep/output_log.h"

static char folder[] = "/tmp/mixsweep-output-XXXXXX";
static char path[64], before[64];

static struct mx_capped_file *file;

static struct mx_output_log *open_log(void)
{
    struct mx_err         err = {0};
    struct mx_output_log *log;

    if (path[0] == '\0') {
        cr_assert_not_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/exec-7.log", folder);
        snprintf(before, sizeof before, "%s/exec-7.log.1", folder);
    }
    cr_assert_not_null(file = mx_capped_file_new(path, MX_OUTPUT_LOG_BYTES, &err), "%s", err.text);
    cr_assert_not_null(log = mx_output_log_new(file, -1, &err), "%s", err.text);
    return log;
}

static void close_log(struct mx_output_log *log)
{
    mx_output_log_free(log);
    mx_capped_file_free(file);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

static long long bytes_of(const char *name)
{
    struct stat info;

    return stat(name, &info) ? -1 : (long long)info.st_size;
}

static void expect_words(struct mx_output_log *log, const char *text, const char *expected)
{
    char words[MX_LAST_WORDS_SIZE];

    mx_output_log_begin(log);
    mx_output_log_add(log, text, strlen(text));
    cr_expect_str_eq(mx_output_log_last_words(log, words), expected);
}

Test(output_log, a_flood_leaves_two_files_within_bounds_the_newest_bytes_in_them)
{
    static char           piece[100003];
    struct mx_output_log *log = open_log();
    struct mx_buf         text = {0};

    for (int i = 0; i < 50; i++) {
        memset(piece, 'a' + i % 26, sizeof piece);
        mx_output_log_add(log, piece, sizeof piece);
    }
    cr_expect_eq(bytes_of(before), MX_OUTPUT_LOG_BYTES);
    cr_expect_eq(bytes_of(path), 50 * (long long)sizeof piece % MX_OUTPUT_LOG_BYTES);
    cr_assert_eq(mx_file_read(path, MX_OUTPUT_LOG_BYTES, &text, NULL), 0);
    cr_expect_eq(text.data[text.len - 1], 'a' + 49 % 26);
    mx_buf_free(&text);
    close_log(log);
}

Test(output_log, what_an_earlier_process_left_stays_and_counts)
{
    static char           piece[MX_OUTPUT_LOG_BYTES - 5];
    struct mx_output_log *log = open_log();

    mx_output_log_add(log, "early", 5);
    mx_output_log_free(log);
    mx_capped_file_free(file);
    log = open_log();
    mx_output_log_add(log, piece, sizeof piece);
    cr_expect_eq(bytes_of(path), MX_OUTPUT_LOG_BYTES);
    cr_expect_eq(bytes_of(before), -1);
    mx_output_log_add(log, "x", 1);
    cr_expect_eq(bytes_of(path), 1);
    cr_expect_eq(bytes_of(before), MX_OUTPUT_LOG_BYTES);
    close_log(log);
}

Test(output_log, last_words_are_the_last_line_with_anything_in_it)
{
    struct mx_output_log *log = open_log();

    expect_words(log, "", "");
    expect_words(log, "\n \n\n", "");
    expect_words(log, "only", "only");
    expect_words(log, "first\nsecond line\n\n  \n", "second line");
    expect_words(log, "first\n\ttab and \x1b[1m and \xc3\xa9\r\n", "?tab and ?[1m and ??");
    close_log(log);
}

Test(output_log, last_words_of_a_long_line_are_cut)
{
    struct mx_output_log *log = open_log();
    char                  words[MX_LAST_WORDS_SIZE];
    char                  line[500];

    memset(line, 'x', sizeof line);
    memcpy(line, "\nstart", 6);
    mx_output_log_add(log, line, sizeof line);
    mx_output_log_last_words(log, words);
    cr_expect_eq(strlen(words), 120);
    cr_expect_eq(strncmp(words, "startxxx", 8), 0);
    for (int i = 0; i < 10; i++) /* its beginning is not known any more */
        mx_output_log_add(log, line + 6, sizeof line - 6);
    mx_output_log_last_words(log, words);
    cr_expect_eq(strspn(words, "x"), 120);
    close_log(log);
}

Test(output_log, executors_that_share_a_file_write_whole_lines_with_their_numbers)
{
    struct mx_output_log *first = open_log();
    struct mx_output_log *log[2];
    struct mx_buf         text = {0};
    char                  words[MX_LAST_WORDS_SIZE];

    for (int i = 0; i < 2; i++)
        cr_assert_not_null(log[i] = mx_output_log_new(file, 7 + i, NULL));
    mx_output_log_add(log[0], "one th", 6);
    mx_output_log_add(log[1], "other\nlast", 10);
    mx_output_log_add(log[0], "ing\n\nrest", 9);
    cr_expect_str_eq(mx_output_log_last_words(log[0], words), "rest");
    mx_output_log_begin(log[0]);
    cr_expect_str_eq(mx_output_log_last_words(log[0], words), "");
    mx_output_log_free(log[0]);
    mx_output_log_free(log[1]);
    cr_assert_eq(mx_file_read(path, 1000, &text, NULL), 0);
    cr_expect_str_eq(mx_buf_str(&text), "[8] other\n[7] one thing\n[7] \n[7] rest\n[8] last\n");
    mx_buf_free(&text);
    close_log(first);
}

Test(output_log, a_line_without_an_end_is_written_in_whole_pieces)
{
    static char           piece[3 * MX_OUTPUT_LINE];
    struct mx_output_log *first = open_log(), *log = mx_output_log_new(file, 12, NULL);
    struct mx_buf         text = {0};
    size_t                written = 0;

    memset(piece, 'x', sizeof piece);
    mx_output_log_add(log, piece, sizeof piece);
    mx_output_log_free(log);
    cr_assert_eq(mx_file_read(path, 1 << 20, &text, NULL), 0);
    for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
        cr_expect_eq(strncmp(line, "[12] ", 5), 0);
        cr_expect_leq(strlen(line), MX_OUTPUT_LINE - 1);
        written += strlen(line) - 5;
    }
    cr_expect_eq(written, sizeof piece);
    mx_buf_free(&text);
    close_log(first);
}

Test(output_log, a_folder_that_is_not_there_is_an_error)
{
    struct mx_err err = {0};

    cr_expect_null(mx_capped_file_new("/nowhere/at/all.log", 100, &err));
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot open /nowhere/at/all.log: No such file or directory");
}
