/* MetaShift as train/CLASS/CONTEXT/FILE and test/CLASS/CONTEXT/FILE, val alike if it is there;
 * a part without context folders has its files right in the class (Liang and Zou 2022). A group
 * is a class in a context: first those of training, then what the others have beyond them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "worker/listing.h"
#include "worker/names.h"
#include "worker/picture.h"

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

/* A class has folders of contexts or files: both are a slip, and so is a context without files. */
static int take_context(const struct walk *w, const char *class_, const char *context,
                        struct mx_err *err)
{
    char                shown[WORKER_SHOWN_SIZE];
    struct worker_names files = {0};
    char               *path = mx_path_join(class_, context);
    int                 rc;

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory for a path in %s", class_);
    worker_shown_path(path, shown);
    if (!worker_names_folder(path, ""))
        rc = mx_fail(err, MX_EDATA,
                     "metashift: %s is a file among folders of contexts: put it into one of them",
                     shown);
    else
        rc = worker_names_read("metashift", path, &files, err);
    if (rc == 0 && files.n == 0)
        rc = mx_fail(err, MX_EDATA,
                     "metashift: the folder %s holds no file: put images there, or remove it",
                     shown);
    if (rc == 0)
        rc = take_files(w, &files, context, err);
    worker_names_free(&files);
    free(path);
    return rc;
}

static int take_class(const struct walk *w, struct mx_err *err)
{
    struct mx_buf       path = {0};
    struct worker_names names = {0};
    int                 rc;

    mx_buf_printf(&path, "%s/%s/%s", w->root, w->below, w->folder->classes[w->label]);
    rc = worker_names_read("metashift", mx_buf_str(&path), &names, err);
    if (rc == 0 && names.n > 0 && worker_names_folder(mx_buf_str(&path), names.name[0])) {
        for (size_t k = 0; rc == 0 && k < names.n; k++)
            rc = take_context(w, mx_buf_str(&path), names.name[k], err);
    } else if (rc == 0) {
        rc = take_files(w, &names, "", err);
    }
    worker_names_free(&names);
    mx_buf_free(&path);
    return rc;
}

/* The classes are the folders of the training part. */
static int take_classes(struct worker_folder *folder, const char *path, struct mx_err *err)
{
    char                shown[WORKER_SHOWN_SIZE];
    struct mx_buf       train = {0};
    struct worker_names names = {0};
    int                 rc;

    mx_buf_printf(&train, "%s/train", path);
    rc = worker_names_read("metashift", mx_buf_str(&train), &names, err);
    if (rc == 0)
        worker_names_keep_folders(mx_buf_str(&train), &names);
    if (rc == 0 && names.n < 2)
        rc = mx_fail(err, MX_EDATA,
                     "metashift: %s holds fewer than two class folders: there is nothing to tell "
                     "apart",
                     worker_shown_path(mx_buf_str(&train), shown));
    if (rc == 0)
        rc =
            worker_listing_classes(folder, (uint32_t)names.n, (const char *const *)names.name, err);
    worker_names_free(&names);
    mx_buf_free(&train);
    return rc;
}

/* The other parts hold classes of the training part only. */
static int check_classes(const struct worker_folder *folder, const char *path, const char *below,
                         struct mx_err *err)
{
    char                shown[WORKER_SHOWN_SIZE];
    struct mx_buf       part = {0};
    struct worker_names names = {0};
    int                 rc;

    mx_buf_printf(&part, "%s/%s", path, below);
    rc = worker_names_read("metashift", mx_buf_str(&part), &names, err);
    if (rc == 0)
        worker_names_keep_folders(mx_buf_str(&part), &names);
    for (size_t k = 0; rc == 0 && k < names.n; k++) {
        uint32_t c = 0;

        while (c < folder->nclasses && strcmp(folder->classes[c], names.name[k]) != 0)
            c++;
        if (c < folder->nclasses)
            continue;
        mx_buf_printf(&part, "/%s", names.name[k]);
        rc = mx_fail(err, MX_EDATA,
                     "metashift: %s is a class that the training images do not have: rename or "
                     "remove it",
                     worker_shown_path(mx_buf_str(&part), shown));
    }
    worker_names_free(&names);
    mx_buf_free(&part);
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

        if (p == WORKER_PART_VAL && !worker_names_there(path, below[p]))
            continue;
        if (p != WORKER_PART_TRAIN)
            rc = check_classes(folder, path, below[p], err);
        for (; rc == 0 && w.label < folder->nclasses; w.label++)
            rc = take_class(&w, err);
    }
    folder->ngroups = groups.n;
    return rc ? -1 : worker_listing_end(folder, "metashift", path, err);
}
