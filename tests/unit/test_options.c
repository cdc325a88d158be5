#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/options.h"
#include "sweep/usage.h"

struct options {
    bool                  json, smoke;
    const char           *out;
    int64_t               rows, draws;
    double                rate, limit_s;
    unsigned              format;
    struct mx_option_list sets;
};

static const char *const formats[] = {"text", "json", "xml", NULL};

static const struct mx_option known[] = {
    MX_OPTION_JSON(struct options, json, "as JSON"),
    MX_OPTION_SMOKE(struct options, smoke),
    {.name = "out",
     .value = "DIR",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, out),
     .give = "a directory",
     .help = "where to"},
    {.name = "rows",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, rows),
     .low = 1,
     .high = 200,
     .help = "rows"},
    {.name = "stats",
     .value = "N",
     .kind = MX_OPTION_MAYBE_COUNT,
     .at = offsetof(struct options, draws),
     .low = 1,
     .high = 1000,
     .alone = 7,
     .help = "draws"},
    {.name = "rate",
     .value = "F",
     .kind = MX_OPTION_REAL,
     .at = offsetof(struct options, rate),
     .low = 0,
     .high = 1,
     .give = "a share from 0 to 1",
     .help = "share"},
    {.name = "time-limit",
     .value = "T",
     .kind = MX_OPTION_DURATION,
     .at = offsetof(struct options, limit_s),
     .help = "an end"},
    {.name = "format",
     .value = "WORD",
     .kind = MX_OPTION_WORD,
     .at = offsetof(struct options, format),
     .words = formats,
     .help = "how"},
    MX_OPTION_SET(struct options, sets),
    {.name = NULL},
};

static const struct mx_usage usage = {
    .command = "look",
    .forms = {"look CONFIG [OPTIONS]", "look CONFIG --stats"},
    .takes = "one CONFIG",
    .least = 1,
    .most = 1,
    .about = "Look.",
    .options = known,
    .notes = "Twice.",
    .examples = (const struct mx_example[]){{"mixsweep look c.yaml", "Once:"}, {NULL, NULL}},
    .exits = "0.",
};

/* Read "WORD WORD ...". Blanks part words. */
static int read_line(const char *line, struct options *options, const char **argument,
                     struct mx_err *err)
{
    static char text[500], command[] = "look";
    char       *argv[20] = {command}, *save = NULL;
    int         argc = 1;
    size_t      n;

    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    *options = (struct options){.rows = -1, .rate = -1};
    return mx_options_read(&usage, argc, argv, options, argument, &n, err);
}

Test(options, are_read_wherever_they_stand_and_in_both_forms)
{
    struct options options;
    struct mx_err  err = {0};
    const char    *file = NULL;

    cr_assert_eq(read_line("--json c.yaml --out=a=b --rows 200 --set x=1 --rate .5 --set y=2 "
                           "--time-limit 2m --format json",
                           &options, &file, &err),
                 0, "%s", err.text);
    cr_expect_str_eq(file, "c.yaml");
    cr_expect(options.json);
    cr_expect_not(options.smoke);
    cr_expect_str_eq(options.out, "a=b");
    cr_expect_eq(options.rows, 200);
    cr_expect_eq(options.rate, .5);
    cr_expect_eq(options.limit_s, 120);
    cr_expect_eq(options.format, 1);
    cr_assert_eq(options.sets.count, 2);
    cr_expect_str_eq(options.sets.items[0], "x=1");
    cr_expect_str_eq(options.sets.items[1], "y=2");
    free(options.sets.items);
}

Test(options, end_at_two_dashes)
{
    struct options options;
    struct mx_err  err = {0};
    const char    *file = NULL;

    cr_assert_eq(read_line("--json -- --smoke", &options, &file, &err), 0, "%s", err.text);
    cr_expect_str_eq(file, "--smoke");
    cr_expect_not(options.smoke);
    cr_assert_eq(read_line("-", &options, &file, &err), 0);
    cr_expect_str_eq(file, "-");
}

Test(options, ask_for_help_before_anything_else_is_checked)
{
    struct options options;
    const char    *file;

    cr_expect_eq(read_line("--help", &options, &file, NULL), 1);
    cr_expect_eq(read_line("-h", &options, &file, NULL), 1);
    cr_expect_eq(read_line("c.yaml --rows 3 --help --nonsense", &options, &file, NULL), 1);
    cr_expect_eq(read_line("--out --help c.yaml", &options, &file, NULL), 0);
}

Test(options, may_come_without_their_number)
{
    struct options options;
    const char    *file;

    cr_expect_eq(read_line("c.yaml --stats", &options, &file, NULL), 0);
    cr_expect_eq(options.draws, 7);
    cr_expect_eq(read_line("--stats 12 c.yaml", &options, &file, NULL), 0);
    cr_expect_eq(options.draws, 12);
    cr_expect_eq(read_line("--stats=13 c.yaml", &options, &file, NULL), 0);
    cr_expect_eq(options.draws, 13);
    cr_expect_eq(read_line("--stats c.yaml", &options, &file, NULL), 0);
    cr_expect_eq(options.draws, 7);
    cr_expect_str_eq(file, "c.yaml");
}

Test(options, say_what_is_wrong_in_the_same_words)
{
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"", "look takes one CONFIG; mixsweep look --help tells more"},
        {"a b", "look does not take 'b': it takes one CONFIG; mixsweep look --help tells more"},
        {"a --jsom", "look does not take '--jsom' (did you mean --json?); mixsweep look --help "
                     "tells more"},
        {"a --time=3s",
         "look does not take '--time=3s' (did you mean --time-limit?); mixsweep look "
         "--help tells more"},
        {"a --wide", "look does not take '--wide'; mixsweep look --help tells more"},
        {"a -j", "look does not take '-j'; mixsweep look --help tells more"},
        {"a --json=1", "--json stands alone: it takes no value"},
        {"a --out", "--out: give a directory"},
        {"a --out=", "--out: give a directory"},
        {"a --rows 0", "--rows 0: give a number from 1 to 200"},
        {"a --rows 201", "--rows 201: give a number from 1 to 200"},
        {"a --rows two", "--rows two: give a number from 1 to 200"},
        {"a --rows", "--rows: give a number from 1 to 200"},
        {"a --rate 1.5", "--rate 1.5: give a share from 0 to 1"},
        {"a --rate nan", "--rate nan: give a share from 0 to 1"},
        {"a --format yaml", "--format yaml: give text, json or xml"},
        {"a --time-limit 0s", "--time-limit 0s: give a time above 0, as 90s or 2h30m"},
        {"a --stats 0", "--stats 0: give a number from 1 to 1000"},
        {"a --stats many", "--stats many: give a number from 1 to 1000, or none"},
        {"--stats many a", "--stats many: give a number from 1 to 1000, or none"},
        {"a --set", "--set: give KEY=VALUE"},
    };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct options options;
        struct mx_err  err = {0};
        const char    *file;

        cr_expect_eq(read_line(cases[k].line, &options, &file, &err), -1, "%s", cases[k].line);
        cr_expect_str_eq(err.text, cases[k].text);
        cr_expect_eq(err.code, MX_EINVAL);
        free(options.sets.items);
    }
}

Test(options, of_a_time_say_what_times_look_like)
{
    struct options options;
    struct mx_err  err = {0};
    const char    *file;

    cr_expect_eq(read_line("a --time-limit 90", &options, &file, &err), -1);
    cr_expect_eq(strncmp(err.text, "--time-limit: ", 14), 0, "%s", err.text);
    cr_expect(strstr(err.text, "90"), "%s", err.text);
}

Test(usage, names_every_option_and_wraps_its_text)
{
    struct mx_buf out = {0};

    mx_usage_help(&usage, &out);
    cr_assert(mx_buf_ok(&out));
    cr_expect_str_eq(out.data,
                     "usage: mixsweep look CONFIG [OPTIONS]\n"
                     "       mixsweep look CONFIG --stats\n"
                     "\n"
                     "Look.\n"
                     "\n"
                     "  --json           as JSON\n"
                     "  --smoke          apply the configuration's smoke overrides\n"
                     "  --out DIR        where to\n"
                     "  --rows N         rows\n"
                     "  --stats [N]      draws\n"
                     "  --rate F         share\n"
                     "  --time-limit T   an end\n"
                     "  --format WORD    how\n"
                     "  --set KEY=VALUE  set a key of the configuration; may be repeated\n"
                     "  --help           print this\n"
                     "\n"
                     "Twice.\n"
                     "\n"
                     "Examples:\n"
                     "  Once:\n"
                     "      mixsweep look c.yaml\n"
                     "\n"
                     "Exit status: 0.\n");
    mx_buf_free(&out);
}

Test(usage, breaks_lines_between_words_and_keeps_paragraphs)
{
    struct mx_buf out = {0};

    mx_usage_wrap("one two three\n\nfour five", 4, 4, 12, &out);
    cr_expect_str_eq(mx_buf_str(&out), "one two\n    three\n\n    four\n    five");
    mx_buf_free(&out);
}
