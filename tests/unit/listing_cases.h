/* listing_cases.h - what listings of published sets are compared with. */
#ifndef MX_TESTS_LISTING_CASES_H
#define MX_TESTS_LISTING_CASES_H

#include <criterion/criterion.h>

#include "idx_files.h"
#include "picture_files.h"
#include "worker/choices.h"
#include "worker/listing.h"

static inline struct worker_folder *list_set(unsigned set, const char *folder, struct mx_err *err)
{
    struct worker_params params = {.data_set = set};

    return worker_listing(&params, folder, err);
}

/* A part as "NAME label group, ...". */
static inline void expect_part(const struct worker_folder *folder, int part, const char *due)
{
    struct mx_buf out = {0};

    for (uint32_t i = 0; i < folder->parts[part].n; i++) {
        const struct worker_folder_file *file = &folder->parts[part].files[i];

        mx_buf_printf(&out, "%s%s %u %u", i ? ", " : "", file->name, file->label, file->group);
    }
    cr_expect_str_eq(mx_buf_str(&out), due);
    mx_buf_free(&out);
}

static inline struct worker_folder *must_list(unsigned set, const char *folder)
{
    struct mx_err         err = {.text = ""};
    struct worker_folder *listed = list_set(set, folder, &err);

    cr_assert_not_null(listed, "%s", err.text);
    return listed;
}

/* With this text as folder/name, or without the file, the set is refused; the %s is the
 * folder. */
static inline void expect_refused(unsigned set, const char *folder, const char *name,
                                  const char *text, const char *format)
{
    struct mx_err         err = {.code = MX_OK};
    struct worker_folder *listed;
    char                  due[512], *path = mx_path_join(folder, name);

    if (text)
        put_text(folder, name, text);
    else
        unlink(path);
    listed = list_set(set, folder, &err);
    snprintf(due, sizeof due, format, folder);
    cr_expect_null(listed, "%s", due);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, due);
    worker_folder_free(listed);
    free(path);
}

#endif
