/* MetaShift as train/CLASS/CONTEXT/FILE and test/CLASS/CONTEXT/FILE, val alike if it is there;
 * a part without context folders has its files right in the class (Liang and Zou 2022). A group
 * is a class in a context: first those of training, then what the others have beyond them. */
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "worker/listing.h"
#include "worker/names.h"

enum {
    MOST_GROUPS = 256
};

/* What is known of the groups so far. */
struct groups {
    const char *name[MOST_GROUPS]; /* "CLASS/CONTEXT" */
    uint32_t    n;
};

static int group_of(struct worker_folder *folder, struct groups *groups, const char *name,
                    uint32_t *group, struct mx_err *err)
{
    for (*group = 0; *group < groups->n; (*group)++)
        if (strcmp(groups->name[*group], name) == 0)
            return 0;
    if (groups->n == MOST_GROUPS)
        return mx_fail(err, MX_EDATA, "metashift: more than %d contexts", MOST_GROUPS);
    if (!(groups->name[groups->n++] = mx_arena_text(folder->arena, name, strlen(name))))
        return mx_fail(err, MX_ENOMEM, "no memory for the names of contexts");
    return 0;
}

/* Where the walk through the folders is. */
struct walk {
    struct worker_folder *folder;
    struct groups        *groups;
    const char           *root, *below; /* data.path; "train" and so on */
    int                   part;
    uint32_t              label;
};

/* The files of one context, or of a class without them ("" as context). */
static int take_files(const struct walk *w, const struct worker_names *files, const char *context,
                      struct mx_err *err)
{
    const char   *class_ = w->folder->classes[w->label];
    struct mx_buf text = {0};
    uint32_t      group = 0;
    int           rc;

    mx_buf_printf(&text, "%s/%s", class_, context);
    rc = group_of(w->folder, w->groups, mx_buf_str(&text), &group, err);
    for (size_t k = 0; rc == 0 && k < files->n; k++) {
        mx_buf_clear(&text);
        mx_buf_printf(&text, "%s/%s/%s%s%s", w->below, class_, context, *context ? "/" : "",
                      files->name[k]);
        rc = worker_listing_add(w->folder, w->part, mx_buf_str(&text), w->label, group, err);
    }
    mx_buf_free(&text);
    return rc;
}

static int take_class(const struct walk *w, struct mx_err *err)
{
    struct mx_buf       path = {0}, inner = {0};
    struct worker_names names = {0}, files = {0};
    int                 rc;

    mx_buf_printf(&path, "%s/%s/%s", w->root, w->below, w->folder->classes[w->label]);
    rc = worker_names_read("metashift", mx_buf_str(&path), &names, err);
    if (rc == 0 && names.n > 0 && worker_names_folder(mx_buf_str(&path), names.name[0])) {
        for (size_t k = 0; rc == 0 && k < names.n; k++) {
            mx_buf_clear(&inner);
            mx_buf_printf(&inner, "%s/%s", mx_buf_str(&path), names.name[k]);
            rc = worker_names_read("metashift", mx_buf_str(&inner), &files, err);
            if (rc == 0)
                rc = take_files(w, &files, names.name[k], err);
            worker_names_free(&files);
        }
    } else if (rc == 0) {
        rc = take_files(w, &names, "", err);
    }
    worker_names_free(&names);
    mx_buf_free(&path);
    mx_buf_free(&inner);
    return rc;
}

/* The classes are the folders of the training part. */
static int take_classes(struct worker_folder *folder, const char *path, struct mx_err *err)
{
    struct mx_buf       train = {0};
    struct worker_names names = {0};
    int                 rc;

    mx_buf_printf(&train, "%s/train", path);
    rc = worker_names_read("metashift", mx_buf_str(&train), &names, err);
    if (rc == 0)
        worker_names_keep_folders(mx_buf_str(&train), &names);
    if (rc == 0 && names.n < 2)
        rc = mx_fail(err, MX_EDATA, "metashift: %s holds fewer than two class folders",
                     mx_buf_str(&train));
    if (rc == 0)
        rc =
            worker_listing_classes(folder, (uint32_t)names.n, (const char *const *)names.name, err);
    worker_names_free(&names);
    mx_buf_free(&train);
    return rc;
}

int worker_list_metashift(struct worker_folder *folder, const char *path, struct mx_err *err)
{
    static const char *const below[WORKER_PARTS] = {
        [WORKER_PART_TRAIN] = "train", [WORKER_PART_VAL] = "val", [WORKER_PART_TEST] = "test"};
    struct groups groups = {.n = 0};
    int           rc = take_classes(folder, path, err);

    for (int p = 0; rc == 0 && p < WORKER_PARTS; p++) {
        struct walk w = {folder, &groups, path, below[p], p, 0};

        if (p == WORKER_PART_VAL && !worker_names_folder(path, below[p]))
            continue;
        for (; rc == 0 && w.label < folder->nclasses; w.label++)
            rc = take_class(&w, err);
    }
    folder->ngroups = groups.n;
    return rc ? -1 : worker_listing_end(folder, "metashift", path, err);
}
