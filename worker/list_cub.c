/* CUB-200-2011: images.txt, image_class_labels.txt and train_test_split.txt, one line an image,
 * and classes.txt (Wah and others 2011). */
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "worker/listing.h"

enum {
    IMAGES,
    LABELS,
    SPLIT,
    TABLES
};
static const char *const names[TABLES] = {"images.txt", "image_class_labels.txt",
                                          "train_test_split.txt"};
enum {
    MOST_CLASSES = 1000
};

/* "NUMBER NAME" lines, the numbers from 1. */
static int read_classes(struct worker_folder *folder, const char *path, struct mx_err *err)
{
    struct mx_table *table = worker_listing_table("cub", path, "classes.txt", true, err);
    int              rc = table ? 1 : -1;

    folder->classes = mx_arena_alloc(folder->arena, MOST_CLASSES, sizeof *folder->classes);
    while (rc > 0 && (rc = mx_table_next(table, err)) > 0) {
        const char *name = mx_table_field(table, mx_table_fields(table) - 1);
        uint32_t    number = 0;

        if (worker_listing_number(table, 0, "number", MOST_CLASSES + 1, &number, err))
            rc = -1;
        else if (mx_table_fields(table) < 2)
            rc = mx_table_fail(table, err, "the line ends before the class's name");
        else if (number != folder->nclasses + 1)
            rc = mx_table_fail(table, err, "class %u stands where %u is due", number,
                               folder->nclasses + 1);
        else if (folder->nclasses == MOST_CLASSES)
            rc = mx_table_fail(table, err, "more than %d classes", MOST_CLASSES);
        else if (folder->classes)
            folder->classes[folder->nclasses++] = mx_arena_text(folder->arena, name, strlen(name));
    }
    mx_table_close(table);
    if (rc == 0 && !mx_arena_ok(folder->arena))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the names of classes");
    if (rc == 0 && folder->nclasses < 2)
        rc = mx_fail(err, MX_EDATA, "cub: classes.txt in %s names fewer than two classes", path);
    return rc;
}

/* The next line of every table; they are of one image. Returns 1, 0 at the end, or -1. */
static int next_lines(struct mx_table *tables[TABLES], struct mx_err *err)
{
    int first = mx_table_next(tables[IMAGES], err);

    for (int t = 1; t < TABLES && first >= 0; t++) {
        int rc = mx_table_next(tables[t], err);

        if (rc < 0)
            return -1;
        if (rc != first)
            return mx_table_fail(tables[t], err, "%s has %s lines", names[IMAGES],
                                 first ? "more" : "fewer");
        if (first && strcmp(mx_table_field(tables[t], 0), mx_table_field(tables[IMAGES], 0)) != 0)
            return mx_table_fail(tables[t], err, "image '%.20s' stands where %s has '%.20s'",
                                 mx_table_field(tables[t], 0), names[IMAGES],
                                 mx_table_field(tables[IMAGES], 0));
    }
    return first;
}

static int take_image(struct worker_folder *folder, struct mx_table *tables[TABLES],
                      struct mx_err *err)
{
    struct mx_buf name = {0};
    uint32_t      label = 0, train = 0;
    int           rc;

    if (mx_table_fields(tables[IMAGES]) < 2)
        return mx_table_fail(tables[IMAGES], err, "the line ends before the image's name");
    if (worker_listing_number(tables[LABELS], 1, "class", folder->nclasses + 1, &label, err) ||
        worker_listing_number(tables[SPLIT], 1, "is_training_image", 2, &train, err))
        return -1;
    if (label == 0)
        return mx_table_fail(tables[LABELS], err, "classes are numbered from 1");
    mx_buf_printf(&name, "images/%s", mx_table_field(tables[IMAGES], 1));
    rc = mx_buf_ok(&name) ? worker_listing_add(folder, train ? WORKER_PART_TRAIN : WORKER_PART_TEST,
                                               mx_buf_str(&name), label - 1, 0, err)
                          : mx_fail(err, MX_ENOMEM, "no memory for the names of cub");
    mx_buf_free(&name);
    return rc;
}

int worker_list_cub(struct worker_folder *folder, const char *path, struct mx_err *err)
{
    struct mx_table *tables[TABLES] = {NULL};
    int              rc = read_classes(folder, path, err);

    for (int t = 0; rc == 0 && t < TABLES; t++)
        if (!(tables[t] = worker_listing_table("cub", path, names[t], true, err)))
            rc = -1;
    while (rc == 0 && (rc = next_lines(tables, err)) > 0)
        if ((rc = take_image(folder, tables, err)))
            break;
    for (int t = 0; t < TABLES; t++)
        mx_table_close(tables[t]);
    return rc ? -1 : worker_listing_end(folder, "cub", path, err);
}
