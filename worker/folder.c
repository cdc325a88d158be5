#include "worker/folder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "worker/listing.h"
#include "worker/names.h"
#include "worker/picture.h"

/* "path/name" with what follows it; the buffer is cleared first. */
static const char *join(struct mx_buf *buf, const char *path, const char *name)
{
    mx_buf_clear(buf);
    mx_buf_text(buf, path);
    if (*path && *name)
        mx_buf_text(buf, "/");
    mx_buf_text(buf, name);
    return mx_buf_str(buf);
}

/* Beside the class folders, and no class: what people marked. */
static bool is_marks(const char *name)
{
    return !strcmp(name, "masks") || !strcmp(name, "segments");
}

/* Keep the classes among the names: the folders. */
static void keep_classes(const char *path, struct worker_names *names, bool top)
{
    size_t kept = 0;

    worker_names_keep_folders(path, names);
    for (size_t k = 0; k < names->n; k++)
        if (top && is_marks(names->name[k]))
            free(names->name[k]);
        else
            names->name[kept++] = names->name[k];
    names->n = kept;
}

/* Whose folders are listed. */
struct form {
    const char *set;     /* for messages */
    bool        has_xml; /* files of boxes may lie among the images */
};

/* The classes are those of the training part. */
static int take_classes(struct worker_folder *folder, const struct form *form,
                        const struct worker_names *names, const char *path, struct mx_err *err)
{
    char shown[WORKER_SHOWN_SIZE], only[WORKER_SHOWN_SIZE];

    worker_shown_path(path, shown);
    if (names->n == 0)
        return mx_fail(err, MX_EDATA,
                       "%s: there is no class folder in %s: put the images of each class into "
                       "a folder of its own there",
                       form->set, shown);
    if (names->n == 1)
        return mx_fail(err, MX_EDATA,
                       "%s: %s holds one class only (%s): there is nothing to tell apart",
                       form->set, shown, worker_shown_path(names->name[0], only));
    folder->classes = mx_arena_alloc(folder->arena, names->n, sizeof *folder->classes);
    for (size_t c = 0; folder->classes && c < names->n; c++)
        folder->classes[c] = mx_arena_text(folder->arena, names->name[c], strlen(names->name[c]));
    folder->nclasses = (uint32_t)names->n;
    return 0;
}

/* The number of a class by its name; nclasses if there is none. */
static uint32_t class_of(const struct worker_folder *folder, const char *name)
{
    uint32_t c = 0;

    while (c < folder->nclasses && strcmp(folder->classes[c], name) != 0)
        c++;
    return c;
}

/* The k-th file of each class in turn; `files` has the names of every class. */
static int take_files(struct worker_folder *folder, const struct worker_names *files,
                      const char *below, struct worker_folder_part *part)
{
    struct mx_buf name = {0}, class_ = {0};
    size_t        total = 0;

    for (uint32_t c = 0; c < folder->nclasses; c++)
        total += files[c].n;
    if (!(part->files = mx_arena_alloc(folder->arena, total, sizeof *part->files)))
        return -1;
    for (size_t k = 0; part->n < total; k++)
        for (uint32_t c = 0; c < folder->nclasses; c++) {
            if (k >= files[c].n)
                continue;
            join(&class_, below, folder->classes[c]);
            join(&name, mx_buf_str(&class_), files[c].name[k]);
            part->files[part->n++] = (struct worker_folder_file){
                .name = mx_arena_text(folder->arena, mx_buf_str(&name), name.len), .label = c};
        }
    mx_buf_free(&name);
    mx_buf_free(&class_);
    return name.failed || class_.failed || !mx_arena_ok(folder->arena) ? -1 : 0;
}

/* The names in the folder of every class of a part, into files[label]. */
static int list_classes(struct worker_folder *folder, const struct form *form,
                        const struct worker_names *names, const char *path, bool empty_allowed,
                        struct worker_names *files, struct mx_err *err)
{
    char          shown[WORKER_SHOWN_SIZE];
    struct mx_buf buf = {0};
    int           rc = 0;

    for (size_t k = 0; rc == 0 && k < names->n; k++) {
        uint32_t    label = class_of(folder, names->name[k]);
        const char *place = join(&buf, path, names->name[k]);

        if (label == folder->nclasses) {
            rc = mx_fail(
                err, MX_EDATA,
                "%s: %s is a class that the training images do not have: rename or remove it",
                form->set, worker_shown_path(place, shown));
            break;
        }
        if ((rc = worker_names_read(form->set, place, &files[label], err)))
            break;
        if (form->has_xml)
            worker_names_drop(&files[label], ".xml");
        if (files[label].n == 0 && !empty_allowed)
            rc = mx_fail(err, MX_EDATA,
                         "%s: the class folder %s holds no file: put images there, or remove it",
                         form->set, worker_shown_path(place, shown));
    }
    mx_buf_free(&buf);
    return rc;
}

/* One part, from the class folders in PATH/below. */
static int list_part(struct worker_folder *folder, const struct form *form, const char *root,
                     const char *below, int which, struct mx_err *err)
{
    struct mx_buf       path = {0};
    struct worker_names names, *files = NULL;
    int                 rc = worker_names_read(form->set, join(&path, root, below), &names, err);

    if (rc)
        goto done;
    keep_classes(mx_buf_str(&path), &names, !*below);
    if (which == WORKER_PART_TRAIN && take_classes(folder, form, &names, mx_buf_str(&path), err)) {
        rc = -1;
        goto done;
    }
    if (!(files = calloc(folder->nclasses + 1, sizeof *files)) || !mx_arena_ok(folder->arena))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the names in %s", root);
    else
        rc = list_classes(folder, form, &names, mx_buf_str(&path), which != WORKER_PART_TRAIN,
                          files, err);
    if (rc == 0 && take_files(folder, files, below, &folder->parts[which]))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the names in %s", root);
    for (uint32_t c = 0; files && c < folder->nclasses; c++)
        worker_names_free(&files[c]);
done:
    free(files);
    worker_names_free(&names);
    mx_buf_free(&path);
    return rc;
}

int worker_list_folder(struct worker_folder *folder, const char *root, struct mx_err *err)
{
    static const char *const below[WORKER_PARTS] = {
        [WORKER_PART_TRAIN] = "train", [WORKER_PART_VAL] = "val", [WORKER_PART_TEST] = "test"};
    static const struct form form = {"folder", false};
    int                      rc = 0;

    if (!worker_names_folder(root, below[WORKER_PART_TRAIN]))
        rc = list_part(folder, &form, root, "", WORKER_PART_TRAIN, err);
    else
        for (int p = 0; rc == 0 && p < WORKER_PARTS; p++)
            if (worker_names_there(root, below[p]))
                rc = list_part(folder, &form, root, below[p], p, err);
    return rc;
}

/* The labels of the published test images are secret: what is published as val is the test
 * part, as everybody uses it. */
int worker_list_imagenet(struct worker_folder *folder, const char *root, struct mx_err *err)
{
    static const struct form form = {"imagenet", true};
    char                     shown[WORKER_SHOWN_SIZE];

    if (list_part(folder, &form, root, "train", WORKER_PART_TRAIN, err))
        return -1;
    if (list_part(folder, &form, root, "val", WORKER_PART_TEST, err))
        return -1;
    if (folder->parts[WORKER_PART_TEST].n == 0) /* its archive has all images in one folder */
        return mx_fail(err, MX_EDATA,
                       "imagenet: no class folder in %s/val holds an image: put each image into "
                       "the folder of its class there",
                       worker_shown_path(root, shown));
    return 0;
}

struct worker_folder *worker_folder_list(const char *path, struct mx_err *err)
{
    struct worker_folder *folder = calloc(1, sizeof *folder);

    if (!folder || !(folder->arena = mx_arena_new()))
        mx_fail(err, MX_ENOMEM, "no memory for the names in %s", path);
    else if (worker_list_folder(folder, path, err) == 0)
        return folder;
    worker_folder_free(folder);
    return NULL;
}

void worker_folder_free(struct worker_folder *folder)
{
    if (!folder)
        return;
    mx_arena_free(folder->arena);
    free(folder);
}

/* Move the marked files of `from` to `to`. */
static int move_marked(struct worker_folder *folder, const uint8_t *marks,
                       struct worker_folder_part *from, struct worker_folder_part *to)
{
    uint32_t kept = 0;

    if (!(to->files = mx_arena_alloc(folder->arena, from->n, sizeof *to->files)))
        return -1;
    for (uint32_t i = 0; i < from->n; i++)
        if (marks[i])
            to->files[to->n++] = from->files[i];
        else
            from->files[kept++] = from->files[i];
    from->n = kept;
    return 0;
}

int worker_folder_hold_out(struct worker_folder *folder, double fraction, uint64_t seed,
                           const char *path, struct mx_err *err)
{
    struct worker_folder_part *train = &folder->parts[WORKER_PART_TRAIN];
    struct worker_folder_part *test = &folder->parts[WORKER_PART_TEST];
    const uint32_t             files = train->n;
    char                       shown[WORKER_SHOWN_SIZE];
    uint8_t                   *marks = calloc(files, 1);
    uint32_t                  *members = calloc(files, 2 * sizeof *members);
    int                        rc = 0;

    if (!marks || !members)
        rc = mx_fail(err, MX_ENOMEM, "no memory to split %u images", files);
    for (uint32_t c = 0; rc == 0 && test->n == 0 && c < folder->nclasses; c++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < files; i++)
            if (train->files[i].label == c)
                members[n++] = i;
        worker_draw_share(seed, c, WORKER_SPLIT_TEST, fraction, members, n, members + files, marks);
    }
    if (rc == 0 && test->n == 0 && move_marked(folder, marks, train, test))
        rc = mx_fail(err, MX_ENOMEM, "no memory to split %u images", files);
    else if (rc == 0 && test->n == 0 && fraction > 0)
        rc = mx_fail(err, MX_EDATA,
                     "folder: data.test_fraction %g of %u images of %u classes is no image of any "
                     "class: raise it, or give more images",
                     fraction, files, folder->nclasses);
    else if (rc == 0 && test->n == 0)
        rc = mx_fail(err, MX_EDATA,
                     "folder: %s has no test images: set data.test_fraction, or put them into a "
                     "folder test beside a folder train",
                     worker_shown_path(path, shown));
    else if (rc == 0 && train->n == 0)
        rc = mx_fail(err, MX_EDATA,
                     "all %u images went into the test part: lower data.test_fraction", files);
    free(marks);
    free(members);
    return rc;
}
