#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/config.h"

/* A configuration from text, in a file that is gone afterwards. */
static struct mx_config *read_text(const char *text, struct mx_buf *report)
{
    char                    path[] = "/tmp/mixsweep-config-XXXXXX";
    int                     fd = mkstemp(path);
    struct mx_config_report r = {0};
    struct mx_config       *config;

    cr_assert(fd >= 0);
    cr_assert_eq(mx_file_write_all(fd, text, strlen(text), path, NULL), 0);
    close(fd);
    config = mx_config_read(path, NULL, 0, false, &r, NULL);
    unlink(path);
    *report = r.text;
    return config;
}

Test(config, written_out_and_read_again_is_the_same_text)
{
    static const char text[] = "data: {set: synthetic, synthetic: {n: 1e3}}\n"
                               "model: {arch: linear}\n"
                               "grid:\n"
                               "  mix.strategy: [none, cutmix]\n"
                               "  mix.alpha: {log: [0.1, 1.6], count: 5}\n"
                               "exclude:\n"
                               "- {mix.strategy: cutmix, mix.alpha: {below: 0.3}}\n";
    struct mx_buf     report = {0}, again = {0}, first = {0}, second = {0};
    struct mx_config *config = read_text(text, &report), *copy;

    cr_assert(config, "%s", mx_buf_str(&report));
    cr_expect_eq(config->base[KEY_DATA_SYNTHETIC_N].integer, 1000);
    cr_expect_eq(config->nblocks, 1);
    cr_expect_eq(config->blocks[0].naxes, 2);
    mx_config_write(config, &first);
    copy = read_text(mx_buf_str(&first), &again);
    cr_assert(copy, "%s", mx_buf_str(&again));
    mx_config_write(copy, &second);
    cr_expect_str_eq(mx_buf_str(&first), mx_buf_str(&second));
    mx_config_free(config);
    mx_config_free(copy);
    mx_buf_free(&report);
    mx_buf_free(&again);
    mx_buf_free(&first);
    mx_buf_free(&second);
}
