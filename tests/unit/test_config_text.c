#include "base/rng.h"
#include "config_files.h"
#include "sweep/scalar.h"
#include "sweep/utf8.h"

Test(config_text, scalars_mean_what_our_rules_say)
{
    static const struct {
        const char    *text;
        enum mx_scalar kind;
    } cases[] = {
        {"12", MX_SCALAR_INT},
        {"-3", MX_SCALAR_INT},
        {"+4", MX_SCALAR_INT},
        {"0", MX_SCALAR_INT},
        {"1e-3", MX_SCALAR_REAL},
        {"1E3", MX_SCALAR_REAL},
        {".5", MX_SCALAR_REAL},
        {"5.", MX_SCALAR_REAL},
        {"+1e-4", MX_SCALAR_REAL},
        {"-.5e+2", MX_SCALAR_REAL},
        {"0.5", MX_SCALAR_REAL},
        {"0e0", MX_SCALAR_REAL},
        {"007", MX_SCALAR_LEADING_ZERO},
        {"08", MX_SCALAR_LEADING_ZERO},
        {"-00", MX_SCALAR_LEADING_ZERO},
        {"01.5", MX_SCALAR_LEADING_ZERO},
        {"0x1F", MX_SCALAR_FOREIGN},
        {"0o17", MX_SCALAR_FOREIGN},
        {"0b11", MX_SCALAR_FOREIGN},
        {"1_000", MX_SCALAR_FOREIGN},
        {"12:30", MX_SCALAR_FOREIGN},
        {"1,5", MX_SCALAR_FOREIGN},
        {".nan", MX_SCALAR_NOT_FINITE},
        {".NaN", MX_SCALAR_NOT_FINITE},
        {"nan", MX_SCALAR_NOT_FINITE},
        {"-.inf", MX_SCALAR_NOT_FINITE},
        {"Infinity", MX_SCALAR_NOT_FINITE},
        {"", MX_SCALAR_NULL},
        {"~", MX_SCALAR_NULL},
        {"null", MX_SCALAR_NULL},
        {"NULL", MX_SCALAR_NULL},
        {"true", MX_SCALAR_TRUE},
        {"false", MX_SCALAR_FALSE},
        {"True", MX_SCALAR_TEXT},
        {"yes", MX_SCALAR_TEXT},
        {"no", MX_SCALAR_TEXT},
        {"off", MX_SCALAR_TEXT},
        {"y", MX_SCALAR_TEXT},
        {"e5", MX_SCALAR_TEXT},
        {"1e", MX_SCALAR_TEXT},
        {".", MX_SCALAR_TEXT},
        {"-", MX_SCALAR_TEXT},
        {"+-1", MX_SCALAR_TEXT},
        {"1.2.3", MX_SCALAR_TEXT},
        {"1e3x", MX_SCALAR_TEXT},
        {"0x", MX_SCALAR_TEXT},
        {"resnet8", MX_SCALAR_TEXT},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(mx_scalar_kind(cases[i].text), cases[i].kind, "'%s' is %d", cases[i].text,
                     mx_scalar_kind(cases[i].text));
}

Test(config_text, every_way_to_write_a_number_is_that_number)
{
    struct mx_config *config =
        good_config(CONFIG_BASE "train: {lr: +1E-3, weight_decay: .5, momentum: 0., epochs: 1e1, "
                                "warmup_epochs: -0.0, batch_size: 64.0}\n"
                                "name: 12:30\n");

    cr_expect_eq(config->base[KEY_TRAIN_LR].real, 1e-3);
    cr_expect_eq(config->base[KEY_TRAIN_WEIGHT_DECAY].real, 0.5);
    cr_expect_eq(config->base[KEY_TRAIN_MOMENTUM].real, 0);
    cr_expect_eq(config->base[KEY_TRAIN_EPOCHS].integer, 10);
    cr_expect_eq(config->base[KEY_TRAIN_BATCH_SIZE].integer, 64);
    cr_expect_eq(1 / config->base[KEY_TRAIN_WARMUP_EPOCHS].real, INFINITY);
    cr_expect_str_eq(config->name, "12:30");
    mx_config_free(config);
}

struct refused {
    const char *text;
    size_t      len; /* 0: up to its NUL */
    const char *message;
};

static void expect_refused(const struct refused *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct mx_buf     report = {0};
        size_t            len = cases[i].len ? cases[i].len : strlen(cases[i].text);
        struct mx_config *config =
            config_of_bytes(cases[i].text, len, NULL, 0, false, &report, NULL);

        cr_expect_null(config, "case %zu is accepted", i);
        cr_expect_str_eq(mx_buf_str(&report), cases[i].message);
        mx_config_free(config);
        mx_buf_free(&report);
    }
}

Test(config_text, parts_of_yaml_that_are_refused)
{
    static const struct refused cases[] = {
        {"a: &x 1\n", 0,
         "c.yaml:1:4: error: anchors (&x) are not supported (write the value out)\n"},
        {"a: *x\n", 0, "c.yaml:1:4: error: aliases (*) are not supported (write the value out)\n"},
        {"<<: {a: 1}\n", 0,
         "c.yaml:1:1: error: merge keys (<<) are not supported (write the keys out)\n"},
        {"a: !!str 1\n", 0,
         "c.yaml:1:4: error: tags are not supported "
         "('tag:yaml.org,2002:str'): remove it\n"},
        {"a: !own {b: 1}\n", 0, "c.yaml:1:4: error: tags are not supported ('!own'): remove it\n"},
        {"seed: 1\n---\nseed: 2\n", 0,
         "c.yaml:2:1: error: a second document begins here (a configuration is one document)\n"},
        {"[a]: 1\n", 0, "c.yaml:1:1: error: a key must be a name, not a list or mapping\n"},
        {"? {a: 1}\n: 2\n", 0, "c.yaml:1:3: error: a key must be a name, not a list or mapping\n"},
        {"", 0, "c.yaml:1:1: error: the file is empty\n"},
        {"# only a comment\n", 0, "c.yaml:1:1: error: the file is empty\n"},
        {"---\n", 0,
         "c.yaml:2:1: error: a configuration is a mapping of keys (such as 'name: "
         "ratios')\n"},
        {"- 1\n", 0,
         "c.yaml:1:1: error: a configuration is a mapping of keys (such as 'name: "
         "ratios')\n"},
    };

    expect_refused(cases, sizeof cases / sizeof cases[0]);
}

Test(config_text, text_that_is_no_yaml_names_its_place)
{
    static const struct refused cases[] = {
        {"train:\n\tlr: 1\n", 0,
         "c.yaml:2:1: error: a tab cannot stand here (indent with "
         "spaces)\n"},
        {"grid: {a: [1, 2}\n", 0,
         "c.yaml:1:16: error: did not find expected ',' or ']' (while parsing a flow sequence "
         "that begins at line 1)\n"},
        {"a: 'x\n", 0,
         "c.yaml:2:1: error: found unexpected end of stream (while scanning a quoted "
         "scalar that begins at line 1)\n"},
        {"a: 1\n b: 2\n", 0, "c.yaml:2:3: error: mapping values are not allowed in this context\n"},
        {"a: \"\\q\"\n", 0,
         "c.yaml:1:5: error: found unknown escape character (while parsing a "
         "quoted scalar that begins at line 1)\n"},
    };

    expect_refused(cases, sizeof cases / sizeof cases[0]);
}

Test(config_text, bytes_that_are_no_text)
{
    static const struct refused cases[] = {
        {"name: x\xff\n", 0,
         "c.yaml:1:8: error: a byte that is not UTF-8 (save the file as "
         "UTF-8)\n"},
        {"a: 1\nb: \xc3", 0,
         "c.yaml:2:4: error: a byte that is not UTF-8 (save the file as "
         "UTF-8)\n"},
        {"\xc3\xa4\xc0\xaf", 0,
         "c.yaml:1:2: error: a byte that is not UTF-8 (save the file as "
         "UTF-8)\n"},
        {"a: \xed\xa0\x80", 0,
         "c.yaml:1:4: error: a byte that is not UTF-8 (save the file as "
         "UTF-8)\n"},
        {"\xff\xfe"
         "a",
         0, "c.yaml:1:1: error: the text is UTF-16 (save it as UTF-8)\n"},
        {"a: \x01", 0, "c.yaml:1:4: error: a control character (remove it)\n"},
        {"a: 1\r\nb: \x1b", 0, "c.yaml:2:4: error: a control character (remove it)\n"},
        {"a: 1\0b", 6, "c.yaml:1:5: error: a control character (remove it)\n"},
        {"name: \"a\\0b\"", 0, "c.yaml:1:7: error: a NUL character inside a text\n"},
    };

    expect_refused(cases, sizeof cases / sizeof cases[0]);
}

Test(config_text, a_byte_order_mark_and_line_ends_of_both_kinds_are_fine)
{
    struct mx_buf     report = {0};
    struct mx_config *config = good_config(
        "\xef\xbb\xbf# \xc3\xbc\r\ndata: {set: synthetic}\r\nmodel: {arch: linear}\r\nseed: 5\r\n");

    cr_expect_eq(config->base[KEY_SEED].integer, 5);
    mx_config_free(config);
    cr_expect_null(config_of("\xef\xbb\xbfsede: 1\r\n", &report));
    cr_expect(strncmp(mx_buf_str(&report), "c.yaml:1:1: error: unknown key 'sede'", 37) == 0);
    mx_buf_free(&report);
}

/* text repeated n times between `before` and `after`. */
static struct mx_buf repeated(const char *before, const char *text, size_t n, const char *after)
{
    struct mx_buf out = {0};

    mx_buf_text(&out, before);
    for (size_t i = 0; i < n; i++)
        mx_buf_text(&out, text);
    mx_buf_text(&out, after);
    return out;
}

static void expect_limit(struct mx_buf text, const char *message)
{
    struct refused refused = {text.data, text.len, message};

    expect_refused(&refused, 1);
    mx_buf_free(&text);
}

Test(config_text, depth_values_keys_and_size_are_limited)
{
    struct mx_buf keys = {0}, big = repeated("a: '", "0123456789abcdef", 262144, "'\n");
    struct mx_err err = {0};
    struct mx_buf report = {0};

    expect_limit(repeated("a: ", "[", 20000, ""),
                 "c.yaml:1:35: error: nested more than 32 levels deep\n");
    expect_limit(repeated("a: [", "1,", 200000, "1]\n"),
                 "c.yaml:1:399999: error: more than 200000 values (use a range)\n");
    for (int i = 0; i < 1001; i++)
        mx_buf_printf(&keys, "k%d: 1\n", i);
    expect_limit(keys, "c.yaml:1001:1: error: more than 1000 keys in one mapping\n");
    cr_expect_null(config_of_bytes(big.data, big.len, NULL, 0, false, &report, &err));
    cr_expect_eq(err.code, MX_ERANGE);
    mx_buf_free(&big);
    mx_buf_free(&report);
}

/* Nine levels, each nine times the one before: 387 million values. */
Test(config_text, an_alias_bomb_ends_at_its_first_alias)
{
    struct mx_buf text = {0}, report = {0};

    mx_buf_text(&text, "a0: &a0 [x]\n");
    for (int i = 1; i <= 9; i++) {
        mx_buf_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            mx_buf_printf(&text, "%s*a%d", k > 0 ? ", " : "", i - 1);
        mx_buf_text(&text, "]\n");
    }
    cr_expect_null(config_of(text.data, &report));
    cr_expect_str_eq(mx_buf_str(&report),
                     "c.yaml:1:5: error: anchors (&a0) are not supported (write the value out)\n"
                     "c.yaml:2:5: error: anchors (&a1) are not supported (write the value out)\n"
                     "c.yaml:2:10: error: aliases (*) are not supported (write the value out)\n");
    mx_buf_free(&text);
    mx_buf_free(&report);
}

Test(config_text, a_file_with_many_mistakes_shows_the_first_200_and_counts_the_rest)
{
    struct mx_buf text = {0}, report = {0};
    const char   *last;

    for (int i = 0; i < 900; i++)
        mx_buf_printf(&text, "zebra%d: 1\n", i);
    cr_expect_null(config_of(text.data, &report));
    last = strstr(mx_buf_str(&report), "c.yaml: showing");
    cr_assert(last);
    cr_expect_str_eq(last, "c.yaml: showing 200 of 902 messages\n");
    mx_buf_free(&text);
    mx_buf_free(&report);
}

static const char whole[] =
    "# every construct\nname: \"a \\\"b\\\"\"\nseed: 7\n"
    "data: {set: synthetic, synthetic: {n: 500, noise: .1}}\nmodel: {arch: resnet8}\n"
    "train:\n  epochs: 3\n  lr: 1e-1\n"
    "grids:\n- mix.strategy: [none, mixup]\n  mix.alpha: {log: [.1, 1.6], count: 5}\n"
    "- zip: {mix.prob: {linear: [0, 1], step: .5}, train.momentum: [0, .5, .9]}\n- {}\n"
    "exclude:\n- {mix.strategy: [none], mix.alpha: {below: .2, above: 0.01}}\n"
    "score: {metrics: [accuracy, group_gap]}\nschedule: {trial_timeout: 1h30m}\n"
    "smoke: {train: {epochs: 1}, data.synthetic.n: 20}\n";

/* Read whatever it is: an error or a configuration that can be written and
 * read again. */
static void read_damaged(const char *text, size_t len)
{
    struct mx_buf     report = {0}, out = {0};
    struct mx_config *config = config_of_bytes(text, len, NULL, 0, len % 2, &report, NULL);

    if (config) {
        mx_config_write(config, &out);
        mx_config_free(config);
        config = config_of_bytes(out.data, out.len, NULL, 0, false, &report, NULL);
        cr_expect(config, "%s\n%s", mx_buf_str(&report), mx_buf_str(&out));
        mx_config_free(config);
    } else {
        cr_expect(mx_buf_str(&report)[0], "refused without a message:\n%.*s", (int)len, text);
    }
    mx_buf_free(&report);
    mx_buf_free(&out);
}

Test(config_text, a_file_cut_off_at_any_byte_is_read_or_refused_with_a_message)
{
    mx_config_free(good_config(whole));
    for (size_t len = 0; len < sizeof whole; len++)
        read_damaged(whole, len);
}

Test(config_text, a_file_with_flipped_bytes_is_read_or_refused_with_a_message)
{
    static const char bytes[] = "{}[],:-#&*!|>'\"%@`\n\t 01.eE~<\\\x80\xff";
    struct mx_rng     rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (int i = 0; i < 600; i++) {
        char copy[sizeof whole];

        memcpy(copy, whole, sizeof whole);
        for (uint64_t n = 1 + mx_rng_below(&rng, 3); n > 0; n--)
            copy[mx_rng_below(&rng, sizeof whole - 1)] =
                bytes[mx_rng_below(&rng, sizeof bytes - 1)];
        read_damaged(copy, sizeof whole - 1);
    }
}
