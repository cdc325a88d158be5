#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Each test works in a folder of its own, which is the current one. */
static char folder[] = "/tmp/mx-file-XXXXXX";

static void enter(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void leave(void)
{
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
    cr_assert_not(mx_file_exists(folder));
}

TestSuite(file, .init = enter, .fini = leave);

static const char *content(const char *path)
{
    static struct mx_buf buf;
    struct mx_err        err;

    cr_assert_eq(mx_file_read(path, 1 << 20, &buf, &err), 0, "%s", err.text);
    return mx_buf_str(&buf);
}

/* Number of names in the current folder. */
static int names(void)
{
    FILE *list = popen("ls -A | wc -l", "r");
    int   n = -1;

    cr_assert_not_null(list);
    cr_assert_eq(fscanf(list, "%d", &n), 1);
    pclose(list);
    return n;
}

Test(file, writes_and_replaces_whole_files)
{
    cr_assert_eq(mx_file_write("a", "first", 5, NULL), 0);
    cr_expect_str_eq(content("a"), "first");
    cr_assert_eq(mx_file_write("a", "2", 1, NULL), 0);
    cr_expect_str_eq(content("a"), "2");
    cr_assert_eq(mx_file_write("a", "", 0, NULL), 0);
    cr_expect_str_eq(content("a"), "");
    cr_expect_eq(names(), 1);
}

Test(file, writes_pieces_one_behind_the_other)
{
    const struct mx_piece pieces[] = {{"one", 3}, {NULL, 0}, {" two", 4}};

    cr_assert_eq(mx_file_write_pieces("a", pieces, 3, NULL), 0);
    cr_expect_str_eq(content("a"), "one two");
    cr_expect_eq(names(), 1);
}

static bool keeps_a(const char *name)
{
    return strcmp(name, "a") == 0;
}

Test(file, clears_a_directory_but_for_what_is_to_be_kept)
{
    struct mx_err err;

    cr_assert_eq(mx_dir_make("d/b/c", NULL), 0);
    cr_assert_eq(mx_file_write("d/a", "1", 1, NULL), 0);
    cr_assert_eq(mx_file_write("d/aa", "1", 1, NULL), 0);
    cr_assert_eq(mx_file_write("d/b/a", "1", 1, NULL), 0);
    cr_assert_eq(mx_dir_clear("d", keeps_a, &err), 0, "%s", err.text);
    cr_expect(mx_file_exists("d/a"));
    cr_expect_not(mx_file_exists("d/aa"));
    cr_expect_not(mx_file_exists("d/b"));
    cr_expect_eq(mx_dir_clear("none", keeps_a, &err), -1);
    cr_expect_str_eq(err.text, "cannot open directory none: No such file or directory");
}

Test(file, leaves_the_old_file_when_the_disk_takes_no_more)
{
    struct rlimit small = {1000, RLIM_INFINITY};
    char          data[5000];
    struct mx_err err;

    memset(data, 'x', sizeof data);
    cr_assert_eq(mx_file_write("a", "old", 3, NULL), 0);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    cr_expect_eq(mx_file_write("a", data, sizeof data, &err), -1);
    small.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &small);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot write a: File too large");
    cr_expect_str_eq(content("a"), "old");
    cr_expect_eq(names(), 1, "the temporary file is gone");
}

Test(file, says_that_a_device_is_full)
{
    struct mx_err err;
    int           fd = open("/dev/full", O_WRONLY);

    cr_assert_geq(fd, 0);
    cr_expect_eq(mx_file_write_all(fd, "x", 1, "a.csv", &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot write a.csv: No space left on device");
    close(fd);
}

Test(file, does_not_replace_a_directory)
{
    struct mx_err err;

    cr_assert_eq(mkdir("d", 0777), 0);
    cr_expect_eq(mx_file_write("d", "x", 1, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_eq(strncmp(err.text, "cannot rename d.tmp.", 20), 0, "%s", err.text);
    cr_expect_eq(names(), 1);
}

Test(file, says_which_folder_is_missing)
{
    struct mx_err err;
    char          expected[100];

    snprintf(expected, sizeof expected, "cannot create no/a.tmp.%ld: No such file or directory",
             (long)getpid());
    cr_expect_eq(mx_file_write("no/a", "x", 1, &err), -1);
    cr_expect_str_eq(err.text, expected);
}

Test(file, reads_up_to_the_limit_and_no_further)
{
    struct mx_buf buf = {0};
    struct mx_err err;
    char          data[40000];

    memset(data, 'y', sizeof data);
    cr_assert_eq(mx_file_write("a", data, sizeof data, NULL), 0);
    cr_expect_eq(mx_file_read("a", sizeof data, &buf, &err), 0);
    cr_expect_eq(buf.len, sizeof data);
    cr_expect_eq(mx_file_read("a", sizeof data - 1, &buf, &err), -1);
    cr_expect_eq(err.code, MX_ERANGE);
    cr_expect_str_eq(err.text, "a is larger than 39999 bytes");
    mx_buf_free(&buf);
}

Test(file, reads_the_head_of_a_file_of_any_size)
{
    static const size_t rows[] = {0, 1, 16384, 39999, 40000, 40001};
    struct mx_buf       buf = {0};
    char                data[40000];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)('a' + i % 23);
    cr_assert_eq(mx_file_write("a", data, sizeof data, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = rows[i] < sizeof data ? rows[i] : sizeof data;

        cr_assert_eq(mx_file_read_head("a", rows[i], &buf, NULL), 0);
        cr_expect_eq(buf.len, n);
        cr_expect_arr_eq(buf.data, data, n);
        cr_expect_eq(buf.data[n], '\0');
    }
    mx_buf_free(&buf);
}

Test(file, says_why_it_cannot_read)
{
    struct mx_buf buf = {0};
    struct mx_err err;

    cr_expect_eq(mx_file_read("missing", 10, &buf, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot open missing: No such file or directory");
    cr_assert_eq(mkdir("d", 0777), 0);
    cr_expect_eq(mx_file_read("d", 10, &buf, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot read d: Is a directory");
    mx_buf_free(&buf);
}

Test(file, makes_a_directory_with_its_parents)
{
    struct mx_err err;

    cr_expect_eq(mx_dir_make("a/b//c/", &err), 0);
    cr_expect(mx_file_exists("a/b/c"));
    cr_expect_eq(mx_dir_make("a/b/c", &err), 0, "one that exists is fine");
    cr_expect_eq(mx_dir_make("/", &err), 0);
    cr_expect_eq(mx_dir_make(".", &err), 0);
    cr_expect_eq(mx_dir_make("", &err), -1);
    cr_expect_str_eq(err.text, "cannot make a directory without a name");
}

Test(file, says_what_stands_in_the_way_of_a_directory)
{
    struct mx_err err;

    cr_assert_eq(mx_file_write("f", "x", 1, NULL), 0);
    cr_expect_eq(mx_dir_make("f", &err), -1);
    cr_expect_str_eq(err.text, "f exists and is not a directory");
    cr_expect_eq(mx_dir_make("f/g", &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot make directory f/g: Not a directory");
}

Test(file, removes_a_tree_and_does_not_follow_links)
{
    cr_assert_eq(mx_dir_make("keep", NULL), 0);
    cr_assert_eq(mx_file_write("keep/file", "x", 1, NULL), 0);
    cr_assert_eq(mx_dir_make("tree/deep/er", NULL), 0);
    cr_assert_eq(mx_file_write("tree/deep/file", "x", 1, NULL), 0);
    cr_assert_eq(symlink("../keep", "tree/link"), 0);
    cr_assert_eq(symlink("nowhere", "tree/dangling"), 0);
    cr_expect(mx_file_exists("tree/dangling"));
    cr_expect_eq(mx_dir_remove("tree", NULL), 0);
    cr_expect_not(mx_file_exists("tree"));
    cr_expect_str_eq(content("keep/file"), "x");
    cr_expect_eq(mx_dir_remove("tree", NULL), 0, "one that is not there is fine");
}

Test(file, syncs_a_directory_and_names_one_it_cannot)
{
    struct mx_err err;

    cr_expect_eq(mx_dir_sync(".", &err), 0);
    cr_expect_eq(mx_dir_sync("missing", &err), -1);
    cr_expect_str_eq(err.text, "cannot open directory missing: No such file or directory");
}

Test(file, joins_paths)
{
    static const struct {
        const char *dir, *name, *joined;
    } rows[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"},        {".", "b", "b"},
                {"a", "/b", "/b"}, {"/", "b", "/b"},   {"./a", "b", "./a/b"}, {"a", "", "a/"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *joined = mx_path_join(rows[i].dir, rows[i].name);

        cr_expect_str_eq(joined, rows[i].joined);
        free(joined);
    }
}
