#include <glob.h>
#include <stdio.h>
#include <sys/wait.h>

#include "config_files.h"
#include "sweep/check.h"
#include "sweep/key_page.h"

/* Check a file c.yaml with this text. */
static void expect_check(const char *text, int rc, const char *out, const char *messages,
                         const char *summary)
{
    char          folder[] = "/tmp/mixsweep-check-XXXXXX";
    struct mx_buf o = {0}, m = {0};
    struct mx_err err = {0};

    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(mx_file_write("c.yaml", text, strlen(text), NULL), 0);
    cr_expect_eq(mx_check("c.yaml", NULL, 0, false, &o, &m, &err), rc);
    cr_expect_str_eq(mx_buf_str(&o), out);
    cr_expect_str_eq(mx_buf_str(&m), messages);
    cr_expect_str_eq(err.text, summary);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
    mx_buf_free(&o);
    mx_buf_free(&m);
}

Test(check, counts_cells_and_trials_after_folding_and_excluding)
{
    expect_check(CONFIG_BASE "repeats: 3\n"
                             "grid: {mix.strategy: [none, mixup, cutmix], mix.alpha: [0.2, 1]}\n"
                             "exclude: [{mix.strategy: cutmix, mix.alpha: 1}]\n",
                 0, "c.yaml: ok, 4 cells, 12 trials\n", "", "");
    expect_check(CONFIG_BASE, 0, "c.yaml: ok, 1 cell, 1 trial\n", "", "");
}

Test(check, a_rule_that_matches_nothing_is_a_warning_at_its_place)
{
    expect_check(CONFIG_BASE "exclude:\n- {train.epochs: 3}\n", 0, "c.yaml: ok, 1 cell, 1 trial\n",
                 "c.yaml:4:3: warning: this exclude rule matches no point\n", "");
}

Test(check, rules_that_leave_no_cell_are_an_error)
{
    expect_check(CONFIG_BASE "exclude:\n- {train.epochs: 30}\n", -1, "", "",
                 "c.yaml: the exclude rules leave no cell");
}

Test(check, errors_are_told_with_their_number)
{
    expect_check(CONFIG_BASE "sede: 1\n", -1, "",
                 "c.yaml:3:1: error: unknown key 'sede' (did you mean 'seed'?)\n",
                 "c.yaml: 1 error");
}

/* The whole of docs/config.md. */
static void read_page(struct mx_buf *page)
{
    struct mx_err err;

    cr_assert_eq(mx_file_read(MX_SOURCE_DIR "/docs/config.md", 1 << 20, page, &err), 0, "%s",
                 err.text);
}

Test(check, the_page_on_the_configuration_holds_the_printed_table_of_keys)
{
    struct mx_buf page = {0}, keys = {0};
    const char   *below;

    read_page(&page);
    mx_key_page(&keys);
    below = strstr(page.data, MX_KEY_PAGE_MARKER);
    cr_assert(below, "no marker in docs/config.md");
    cr_expect(strcmp(below + strlen(MX_KEY_PAGE_MARKER), mx_buf_str(&keys)) == 0,
              "docs/config.md is stale: put what `mixsweep check --keys` prints below its marker");
    mx_buf_free(&page);
    mx_buf_free(&keys);
}

Test(check, the_example_on_that_page_is_a_good_configuration)
{
    static const char fence[] = "```yaml\n";
    struct mx_buf     page = {0};
    char             *begin, *end;
    struct mx_config *config;

    read_page(&page);
    begin = strstr(page.data, fence);
    cr_assert(begin);
    end = strstr(begin + strlen(fence), "```");
    cr_assert(end);
    *end = '\0';
    config = good_config(begin + strlen(fence));
    cr_expect_str_eq(config->name, "ratios");
    mx_config_free(config);
    mx_buf_free(&page);
}

Test(check, every_example_is_good_with_and_without_its_smoke_values)
{
    glob_t found;

    cr_assert_eq(glob(MX_SOURCE_DIR "/configs/*.yaml", 0, NULL, &found), 0);
    cr_assert_gt(found.gl_pathc, 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        for (int smoke = 0; smoke < 2; smoke++) {
            struct mx_buf out = {0}, messages = {0};
            struct mx_err err = {0};

            cr_expect_eq(mx_check(found.gl_pathv[i], NULL, 0, smoke, &out, &messages, &err), 0,
                         "%s\n%s", mx_buf_str(&messages), err.text);
            cr_expect_null(strstr(mx_buf_str(&messages), "has no effect"), "%s",
                           mx_buf_str(&messages));
            mx_buf_free(&out);
            mx_buf_free(&messages);
        }
    globfree(&found);
}

/* Run a shell command; returns its exit status and what it wrote. */
static int run(const char *command, struct mx_buf *out)
{
    char   piece[4096];
    size_t n;
    FILE  *pipe = popen(command, "r");
    int    status;

    cr_assert(pipe);
    while ((n = fread(piece, 1, sizeof piece, pipe)) > 0)
        mx_buf_add(out, piece, n);
    status = pclose(pipe);
    cr_assert(WIFEXITED(status), "%s", command);
    return WEXITSTATUS(status);
}

Test(check, the_command_ends_with_0_or_2_and_keeps_its_streams_apart)
{
    static const char *const bad[] = {"", "a.yaml b.yaml", "--no-such x.yaml", "/no/such.yaml"};
    static const char        good[] =
        "f=$(mktemp /tmp/mixsweep-check-XXXXXX.yaml); printf 'data: {set: synthetic}\\n' >$f;"
        "printf 'model: {arch: linear}\\nsmoke: {repeats: 5}\\n' >>$f;" MX_PROGRAM
        " check --smoke --set mix.alpha=3 $f 2>/dev/null; status=$?; rm $f; exit $status";
    struct mx_buf out = {0};

    cr_expect_eq(run(good, &out), 0);
    cr_expect(strstr(mx_buf_str(&out), ".yaml: ok, 1 cell, 5 trials\n"), "%s", mx_buf_str(&out));
    mx_buf_clear(&out);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mx_buf command = {0};

        mx_buf_printf(&command, MX_PROGRAM " check %s 2>/dev/null", bad[i]);
        cr_expect_eq(run(command.data, &out), 2, "%s", command.data);
        cr_expect_eq(out.len, 0, "%s on standard output: %s", command.data, mx_buf_str(&out));
        mx_buf_free(&command);
    }
    cr_expect_eq(run(MX_PROGRAM " check --help 2>&1", &out), 0);
    cr_expect(strncmp(mx_buf_str(&out), "usage: mixsweep check CONFIG", 28) == 0);
    mx_buf_free(&out);
}
