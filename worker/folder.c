#include "worker/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "worker/picture.h"

/* Names in a folder, sorted by their bytes. */
struct names {
    char **name; /* (n), owned */
    size_t n, room;
};

static void free_names(struct names *names)
{
    for (size_t k = 0; k < names->n; k++)
        free(names->name[k]);
    free(names->name);
    *names = (struct names){0};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool passed_over(const char *name)
{
    return name[0] == '.' || !strcmp(name, "Thumbs.db") || !strcmp(name, "desktop.ini");
}

static int add_name(struct names *names, const char *name)
{
    if (names->n == names->room) {
        size_t room = names->room ? 2 * names->room : 64;
        char **grown = realloc(names->name, room * sizeof *grown);

        if (!grown)
            return -1;
        names->name = grown;
        names->room = room;
    }
    if (!(names->name[names->n] = strdup(name)))
        return -1;
    names->n++;
    return 0;
}

static int read_names(const char *path, struct names *names, struct mx_err *err)
{
    char           shown[WORKER_SHOWN_SIZE];
    DIR           *dir = opendir(path);
    struct dirent *entry;
    int            rc = 0;

    *names = (struct names){0};
    worker_shown_path(path, shown);
    if (!dir && errno == ENOENT)
        return mx_fail(err, MX_EDATA,
                       "folder: there is no folder %s: set data.path to the one that holds the "
                       "class folders",
                       shown);
    if (!dir)
        return mx_fail_errno(err, MX_EDATA, errno, "folder: cannot read the folder %s", shown);
    while (rc == 0 && (errno = 0, entry = readdir(dir)))
        if (!passed_over(entry->d_name) && add_name(names, entry->d_name))
            rc = mx_fail(err, MX_ENOMEM, "no memory for the names of %s", shown);
    if (rc == 0 && errno)
        rc = mx_fail_errno(err, MX_EIO, errno, "folder: cannot read the folder %s", shown);
    closedir(dir);
    if (rc)
        free_names(names);
    else if (names->n > 0)
        qsort(names->name, names->n, sizeof *names->name, by_bytes);
    return rc;
}

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

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Keep the folders among the names: the classes. */
static void keep_folders(const char *path, struct names *names, bool top)
{
    struct mx_buf buf = {0};
    size_t        kept = 0;

    for (size_t k = 0; k < names->n; k++)
        if ((top && !strcmp(names->name[k], "masks")) ||
            !is_folder(join(&buf, path, names->name[k])))
            free(names->name[k]);
        else
            names->name[kept++] = names->name[k];
    names->n = kept;
    mx_buf_free(&buf);
}

/* The classes are those of the training part. */
static int take_classes(struct worker_folder *folder, const struct names *names, const char *path,
                        struct mx_err *err)
{
    char shown[WORKER_SHOWN_SIZE], only[WORKER_SHOWN_SIZE];

    worker_shown_path(path, shown);
    if (names->n == 0)
        return mx_fail(err, MX_EDATA,
                       "folder: there is no class folder in %s: put the images of each class into "
                       "a folder of its own there",
                       shown);
    if (names->n == 1)
        return mx_fail(err, MX_EDATA,
                       "folder: %s holds one class only (%s): there is nothing to tell apart",
                       shown, worker_shown_path(names->name[0], only));
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
static int take_files(struct worker_folder *folder, const struct names *files, const char *below,
                      struct worker_folder_part *part)
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
static int list_classes(struct worker_folder *folder, const struct names *names, const char *path,
                        bool empty_allowed, struct names *files, struct mx_err *err)
{
    char          shown[WORKER_SHOWN_SIZE];
    struct mx_buf buf = {0};
    int           rc = 0;

    for (size_t k = 0; rc == 0 && k < names->n; k++) {
        uint32_t    label = class_of(folder, names->name[k]);
        const char *place = join(&buf, path, names->name[k]);

        if (label == folder->nclasses)
            rc =
                mx_fail(err, MX_EDATA, "folder: %s is a class that the training images do not have",
                        worker_shown_path(place, shown));
        else if (read_names(place, &files[label], err))
            rc = -1;
        else if (files[label].n == 0 && !empty_allowed)
            rc = mx_fail(err, MX_EDATA, "folder: the class folder %s holds no file",
                         worker_shown_path(place, shown));
    }
    mx_buf_free(&buf);
    return rc;
}

/* One part, from the class folders in PATH/below. */
static int list_part(struct worker_folder *folder, const char *root, const char *below, int which,
                     struct mx_err *err)
{
    struct mx_buf path = {0};
    struct names  names, *files = NULL;
    int           rc = read_names(join(&path, root, below), &names, err);

    if (rc)
        goto done;
    keep_folders(mx_buf_str(&path), &names, !*below);
    if (which == WORKER_PART_TRAIN && take_classes(folder, &names, mx_buf_str(&path), err)) {
        rc = -1;
        goto done;
    }
    if (!(files = calloc(folder->nclasses + 1, sizeof *files)) || !mx_arena_ok(folder->arena))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the names in %s", root);
    else
        rc =
            list_classes(folder, &names, mx_buf_str(&path), which != WORKER_PART_TRAIN, files, err);
    if (rc == 0 && take_files(folder, files, below, &folder->parts[which]))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the names in %s", root);
    for (uint32_t c = 0; files && c < folder->nclasses; c++)
        free_names(&files[c]);
done:
    free(files);
    free_names(&names);
    mx_buf_free(&path);
    return rc;
}

static int list_all(struct worker_folder *folder, const char *root, struct mx_err *err)
{
    static const char *const below[WORKER_PARTS] = {
        [WORKER_PART_TRAIN] = "train", [WORKER_PART_VAL] = "val", [WORKER_PART_TEST] = "test"};
    struct mx_buf path = {0};
    int           rc = 0;

    if (!is_folder(join(&path, root, below[WORKER_PART_TRAIN])))
        rc = list_part(folder, root, "", WORKER_PART_TRAIN, err);
    else
        for (int p = 0; rc == 0 && p < WORKER_PARTS; p++)
            if (is_folder(join(&path, root, below[p])))
                rc = list_part(folder, root, below[p], p, err);
    mx_buf_free(&path);
    return rc;
}

struct worker_folder *worker_folder_list(const char *path, struct mx_err *err)
{
    struct worker_folder *folder = calloc(1, sizeof *folder);

    if (!folder || !(folder->arena = mx_arena_new()))
        mx_fail(err, MX_ENOMEM, "no memory for the names in %s", path);
    else if (list_all(folder, path, err) == 0)
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
