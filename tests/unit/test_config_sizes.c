/* Networks that images are too small for: check tells, before trials fail one by one. */
#include "config_files.h"

static void expect(const char *text, const char *messages)
{
    struct mx_buf     all = {0}, report = {0};
    struct mx_err     err = {0};
    struct mx_config *config;

    mx_buf_printf(&all, "name: sizes\ndata: {set: synthetic}\n%s\n", text);
    config = config_of_bytes(all.data, all.len, NULL, 0, false, &report, &err);
    cr_expect_eq(config == NULL, messages[0] != '\0', "%s: %s", text, err.text);
    cr_expect_str_eq(mx_buf_str(&report), messages);
    mx_config_free(config);
    mx_buf_free(&all);
    mx_buf_free(&report);
}

Test(config_sizes, a_network_for_which_every_size_is_too_small_is_refused)
{
    expect("grid: {model.arch: [linear, vgg11_bn], data.size: [8, 31]}",
           "c.yaml:3:8: error: model.arch vgg11_bn needs images of at least 32 x 32, not 31 x 31 "
           "(set data.size)\n");
    expect("grids: [{model.arch: [linear], data.size: [8]}, {model.arch: [vgg11_bn], data.size: "
           "[16]}]",
           "c.yaml:3:50: error: model.arch vgg11_bn needs images of at least 32 x 32, not 16 x 16 "
           "(set data.size)\n");
}

/* An exclude rule or a zip may keep what does not fit apart: plan and run tell. */
Test(config_sizes, where_some_size_will_do_nothing_is_said)
{
    expect("grid: {model.arch: [linear, vgg11_bn], data.size: [16, 32]}", "");
    expect("grid: {model.arch: [linear, vgg11_bn], data.size: [native, 16]}", "");
    expect("grid: {model.arch: [linear, vgg11_bn]}", "");
}
