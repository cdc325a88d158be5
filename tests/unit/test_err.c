#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

Test(err, says_the_code_and_the_text)
{
    struct mx_err err;

    cr_expect_eq(mx_fail(&err, MX_ERANGE, "trial %d of %d", 8, 7), -1);
    cr_expect_eq(err.code, MX_ERANGE);
    cr_expect_str_eq(err.text, "trial 8 of 7");
}

Test(err, adds_the_words_of_the_system)
{
    struct mx_err err;

    cr_expect_eq(mx_fail_errno(&err, MX_EIO, ENOSPC, "cannot write %s", "a.csv"), -1);
    cr_expect_str_eq(err.text, "cannot write a.csv: No space left on device");
}

Test(err, tells_where_the_number_of_open_files_is_set)
{
    struct mx_err err;

    mx_fail_errno(&err, MX_EIO, EMFILE, "cannot open %s", "a.csv");
    cr_expect_str_eq(err.text, "cannot open a.csv: Too many open files (ulimit -n says how many a "
                               "process may have)");
}

Test(err, accepts_that_nobody_wants_to_know)
{
    cr_expect_eq(mx_fail(NULL, MX_EIO, "%s", "x"), -1);
    cr_expect_eq(mx_fail_errno(NULL, MX_EIO, ENOSPC, "%s", "x"), -1);
    cr_expect_eq(mx_err_prefix(NULL, "%s", "x"), -1);
}

Test(err, a_prefix_keeps_the_code)
{
    struct mx_err err;

    mx_fail(&err, MX_EDATA, "it is empty");
    cr_expect_eq(mx_err_prefix(&err, "%s", "train.gz"), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, "train.gz: it is empty");
}

Test(err, cuts_what_is_too_long)
{
    char          long_text[3000];
    struct mx_err err;

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    mx_fail(&err, MX_EIO, "%s", long_text);
    cr_expect_eq(strlen(err.text), sizeof err.text - 1);
    mx_err_prefix(&err, "%s", long_text);
    cr_expect_lt(strlen(err.text), sizeof err.text);
    mx_fail_errno(&err, MX_EIO, EACCES, "%s", long_text);
    cr_expect_str_eq(err.text + strlen(err.text) - strlen(": Permission denied"),
                     ": Permission denied", "the cause is not what is cut");
}

Test(err, every_code_has_its_exit_code)
{
    static const int exit_codes[] = {
        [MX_OK] = 0,         [MX_EINVAL] = 2,        [MX_ERANGE] = 2,   [MX_ENOMEM] = 3,
        [MX_EIO] = 3,        [MX_EDATA] = 3,         [MX_EGPU] = 3,     [MX_EOWNED] = 4,
        [MX_EINTERNAL] = 70, [MX_EINTERRUPTED] = 75, [MX_EDIVERGED] = 1};

    for (size_t i = 0; i < sizeof exit_codes / sizeof exit_codes[0]; i++)
        cr_expect_eq(mx_exit_code((enum mx_code)i), exit_codes[i], "code %zu", i);
    cr_expect_eq(mx_exit_code((enum mx_code)12345), 70, "what nobody knows is an internal error");
}
