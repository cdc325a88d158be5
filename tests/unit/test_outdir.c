#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/outdir.h"

static char folder[] = "/tmp/mx_outdir_XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

TestSuite(outdir, .init = make_folder, .fini = remove_folder);

static void put_file(const char *path, const char *text)
{
    cr_assert_eq(mx_file_write(path, text, strlen(text), NULL), 0);
}

Test(outdir, takes_the_first_name_that_is_free)
{
    static const char *const expected[] = {"sweep", "sweep-2", "sweep-4"};

    cr_assert_eq(mx_dir_make("sweep-3", NULL), 0);
    for (size_t k = 0; k < 3; k++) {
        char *path = mx_outdir_create("sweep", NULL);

        cr_assert(path);
        cr_expect_str_eq(path, expected[k]);
        free(path);
    }
    cr_expect(mx_file_exists("sweep-2/journal"));
    cr_expect(mx_file_exists("sweep-2/log"));
    cr_expect(mx_file_exists("sweep-2/stages"));
}

Test(outdir, says_why_a_directory_cannot_be_made)
{
    struct mx_err err = {0};

    cr_expect_null(mx_outdir_create("missing/sweep", &err));
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot make directory missing/sweep: No such file or directory");
}

Test(outdir, does_not_touch_one_that_exists_unless_told_to_resume)
{
    struct mx_err err = {0};
    bool          existed = true;

    cr_assert_eq(mx_outdir_open("a/b", false, &existed, &err), 0, "%s", err.text);
    cr_expect_not(existed);
    cr_expect(mx_file_exists("a/b/journal"));
    cr_expect_eq(mx_outdir_open("a/b", false, &existed, &err), -1);
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "a/b exists; give --resume to continue it, or another --out");
    /* Left by a start that came to nothing: nothing to continue, and free to use. */
    put_file("a/b/owner.json", "{}");
    cr_expect_eq(mx_outdir_open("a/b", true, &existed, &err), 0);
    cr_expect_not(existed);
    put_file("a/b/config.yaml", "name: a\n");
    cr_expect_eq(mx_outdir_open("a/b", true, &existed, &err), 0);
    cr_expect(existed);
    cr_expect_eq(mx_outdir_open("a/new/", true, &existed, &err), 0);
    cr_expect_not(existed);
    cr_expect_eq(mx_outdir_open("last//", false, &existed, &err), 0);
    cr_expect(mx_file_exists("last/journal"));
}

Test(outdir, does_not_take_somebody_elses_folder)
{
    struct mx_err err = {0};
    bool          existed;

    cr_assert_eq(mx_dir_make("home", NULL), 0);
    put_file("home/thesis.tex", "x");
    cr_expect_eq(mx_outdir_open("home", true, &existed, &err), -1);
    cr_expect_str_eq(err.text, "home exists and holds no sweep; give another --out");
    cr_expect_not(mx_file_exists("home/journal"));
    cr_expect_eq(mx_outdir_expect("home", &err), -1);
    cr_expect_str_eq(err.text, "home holds no sweep: it has no config.yaml");
    cr_expect_eq(mx_outdir_expect("nowhere", &err), -1);
    cr_expect_str_eq(err.text, "there is no nowhere");
}

Test(outdir, begins_without_a_request_to_an_earlier_incarnation)
{
    bool existed;

    cr_assert_eq(mx_outdir_open("d", false, &existed, NULL), 0);
    put_file("d/control.json", "{}");
    put_file("d/control.json.taken.tmp.12", "{}");
    cr_assert_eq(mx_outdir_begin("d", NULL), 0);
    cr_expect_not(mx_file_exists("d/control.json"));
    cr_expect_not(mx_file_exists("d/control.json.taken.tmp.12"));
}

Test(outdir, has_an_exit_code_only_while_it_is_true)
{
    struct mx_buf text = {0};
    bool          existed;

    cr_assert_eq(mx_outdir_open("d", false, &existed, NULL), 0);
    cr_assert_eq(mx_outdir_write_exit_code("d", 75, NULL), 0);
    cr_assert_eq(mx_file_read("d/exit_code", 64, &text, NULL), 0);
    cr_expect_str_eq(mx_buf_str(&text), "75\n");
    cr_assert_eq(mx_dir_remove("d/stages", NULL), 0);
    cr_assert_eq(mx_outdir_begin("d", NULL), 0);
    cr_expect_not(mx_file_exists("d/exit_code"));
    cr_expect(mx_file_exists("d/stages"));
    cr_assert_eq(mx_outdir_begin("d", NULL), 0);
    mx_buf_free(&text);
}

static struct mx_config *read_config(const char *head, const char *grid)
{
    struct mx_config_report report = {0};
    struct mx_buf           text = {0};
    struct mx_config       *config;

    mx_buf_printf(&text, "data: {set: synthetic}\nmodel: {arch: linear}\n%s\ngrid: {%s}\n", head,
                  grid);
    put_file("config.yaml", mx_buf_str(&text));
    config = mx_config_read("config.yaml", NULL, 0, false, &report, NULL);
    cr_assert(config, "%s", mx_buf_str(&report.text));
    mx_buf_free(&report.text);
    mx_buf_free(&text);
    return config;
}

static void expect_edit(const char *head, const char *grid, enum mx_edit edit, const char *text)
{
    struct mx_config *old = read_config("train: {epochs: 30}\nrepeats: 2",
                                        "mix.strategy: [none, mixup], mix.alpha: [0.5, 1]");
    struct mx_config *new = read_config(head, grid);
    struct mx_buf said = {0};
    enum mx_edit  found;

    cr_assert_eq(mx_outdir_compare(old, new, &found, &said, NULL), 0);
    cr_expect_eq(found, edit, "%s | %s: %d", head, grid, (int)found);
    cr_expect_str_eq(mx_buf_str(&said), text, "said\n%s", mx_buf_str(&said));
    mx_buf_free(&said);
    mx_config_free(old);
    mx_config_free(new);
}

Test(outdir, tells_harmless_edits_from_those_that_add_and_those_that_break)
{
    static const char same[] = "mix.strategy: [none, mixup], mix.alpha: [0.5, 1]";

    expect_edit("train: {epochs: 30}\nrepeats: 2\nname: other", same, MX_EDIT_NONE, "");
    expect_edit("train: {epochs: 30}\nrepeats: 2\nschedule: {retries: 5}", same, MX_EDIT_HARMLESS,
                "schedule.retries: was 2, is 5\n");
    expect_edit("train: {epochs: 30}\nrepeats: 2\nscore: {metrics: [accuracy, cross_entropy]}",
                same, MX_EDIT_HARMLESS,
                "score.metrics: was [accuracy], is [accuracy,cross_entropy]\n");
    expect_edit("train: {epochs: 30}\nrepeats: 3", same, MX_EDIT_ADDS, "repeats: was 2, is 3\n");
    expect_edit("train: {epochs: 30}\nrepeats: 2",
                "mix.strategy: [none, mixup], mix.alpha: [0.5, 1, 2]", MX_EDIT_ADDS,
                "mix.alpha: was [0.5, 1], is [0.5, 1, 2]\n"
                "1 cells are added to the 3 that are there\n");
    expect_edit("train: {epochs: 20}\nrepeats: 2", same, MX_EDIT_INCOMPATIBLE,
                "train.epochs: was 30, is 20\n"
                "3 of the 3 cells that are there would be gone\n");
    expect_edit("train: {epochs: 30}\nrepeats: 2", "mix.strategy: [mixup], mix.alpha: [0.5, 1]",
                MX_EDIT_INCOMPATIBLE,
                "mix.strategy: was [none, mixup], is [mixup]\n"
                "1 of the 3 cells that are there would be gone\n");
    expect_edit("train: {epochs: 30}\nrepeats: 1", same, MX_EDIT_INCOMPATIBLE,
                "repeats: was 2, is 1\n");
    expect_edit("train: {epochs: 30}\nrepeats: 2\nseed: 1", same, MX_EDIT_INCOMPATIBLE,
                "seed: was 0, is 1\n");
    /* A base value that no cell uses. */
    expect_edit("train: {epochs: 30, warmup_epochs: 0}\nrepeats: 2\nmix: {size: 3}", same,
                MX_EDIT_HARMLESS, "mix.size: was half, is 3\n");
}
