/* config_files.h - configurations in a temporary folder, for tests.
 *
 * The file is always c.yaml in the current directory, so that messages can be
 * compared to the letter.
 */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/config.h"

/* Two lines that make any configuration complete; tests begin at line 3. */
#define CONFIG_BASE "data: {set: synthetic}\nmodel: {arch: linear}\n"

/* Read `len` bytes of text; messages go to *report, which the caller frees. */
static inline struct mx_config *config_of_bytes(const char *text, size_t len,
                                                const char *const *sets, size_t nsets, bool smoke,
                                                struct mx_buf *report, struct mx_err *err)
{
    char                    folder[] = "/tmp/mixsweep-config-XXXXXX";
    struct mx_config_report r = {0};
    struct mx_config       *config;
    FILE                   *file;

    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    file = fopen("c.yaml", "w"); /* not synced: tests write thousands of them */
    cr_assert(file);
    cr_assert_eq(fwrite(text, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
    config = mx_config_read("c.yaml", sets, nsets, smoke, &r, err);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
    *report = r.text;
    return config;
}

static inline struct mx_config *config_of(const char *text, struct mx_buf *report)
{
    return config_of_bytes(text, strlen(text), NULL, 0, false, report, NULL);
}

/* As config_of(), of a configuration that must be good. */
static inline struct mx_config *good_config(const char *text)
{
    struct mx_buf     report = {0};
    struct mx_config *config = config_of(text, &report);

    cr_assert(config, "%s", mx_buf_str(&report));
    mx_buf_free(&report);
    return config;
}

#endif
