#include "worker/listing.h"
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/num.h"
#include "worker/choices.h"
#include "worker/picture.h"

static worker_lister *const listers[] = {
    [WORKER_DATA_FOLDER] = worker_list_folder, [WORKER_DATA_WATERBIRDS] = worker_list_waterbirds,
    [WORKER_DATA_CELEBA] = worker_list_celeba, [WORKER_DATA_METASHIFT] = worker_list_metashift,
    [WORKER_DATA_CUB] = worker_list_cub,       [WORKER_DATA_IMAGENET] = worker_list_imagenet,
};

struct worker_folder *worker_listing(const struct worker_params *params, const char *path,
                                     struct mx_err *err)
{
    struct worker_folder *folder = calloc(1, sizeof *folder);

    if (!folder || !(folder->arena = mx_arena_new()))
        mx_fail(err, MX_ENOMEM, "no memory for the names in %s", path);
    else if (listers[params->data_set](folder, path, err) == 0)
        return folder;
    worker_folder_free(folder);
    return NULL;
}

struct mx_table *worker_listing_table(const char *set, const char *path, const char *name,
                                      bool blanks, struct mx_err *err)
{
    char            *file = mx_path_join(path, name), shown[WORKER_SHOWN_SIZE];
    struct mx_table *table = NULL;

    if (!file)
        mx_fail(err, MX_ENOMEM, "no memory for a path in %s", path);
    else if (!mx_file_exists(file))
        mx_fail(err, MX_EDATA,
                "%s: there is no %s in %s: set data.path to the folder that holds it", set, name,
                worker_shown_path(path, shown));
    else
        table = mx_table_open(file, blanks, WORKER_TABLE_BYTES, err);
    free(file);
    return table;
}

int worker_listing_add(struct worker_folder *folder, int which, const char *name, uint32_t label,
                       uint32_t group, struct mx_err *err)
{
    enum {
        FIRST_ROOM = 64
    };
    struct worker_folder_part *part = &folder->parts[which];

    if (part->n == part->room) {
        uint32_t                   room = part->room ? 2 * part->room : FIRST_ROOM;
        struct worker_folder_file *grown = mx_arena_alloc(folder->arena, room, sizeof *grown);

        if (!grown)
            return mx_fail(err, MX_ENOMEM, "no memory for the names of %u images", room);
        if (part->n > 0)
            memcpy(grown, part->files, part->n * sizeof *grown);
        part->files = grown;
        part->room = room;
    }
    part->files[part->n++] = (struct worker_folder_file){
        .name = mx_arena_text(folder->arena, name, strlen(name)), .label = label, .group = group};
    return mx_arena_ok(folder->arena)
               ? 0
               : mx_fail(err, MX_ENOMEM, "no memory for the names of %u images", part->n);
}

int worker_listing_classes(struct worker_folder *folder, uint32_t n, const char *const *names,
                           struct mx_err *err)
{
    folder->nclasses = n;
    folder->classes = mx_arena_alloc(folder->arena, n, sizeof *folder->classes);
    for (uint32_t c = 0; folder->classes && c < n; c++)
        folder->classes[c] = mx_arena_text(folder->arena, names[c], strlen(names[c]));
    return mx_arena_ok(folder->arena)
               ? 0
               : mx_fail(err, MX_ENOMEM, "no memory for the names of %u classes", n);
}

int worker_listing_header(struct mx_table *table, struct mx_err *err)
{
    int rc = mx_table_next(table, err);

    return rc == 0 ? mx_table_fail(table, err, "the table is empty: get the file again")
                   : (rc < 0 ? -1 : 0);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* No file may stand twice, in one part or in two: its image would count twice, or be trained and
 * tested on. */
static int refuse_twins(const struct worker_folder *folder, const char *set, const char *shown,
                        struct mx_err *err)
{
    const char **names, *twin = NULL;
    char         name[WORKER_SHOWN_SIZE];
    size_t       n = 0;

    for (int p = 0; p < WORKER_PARTS; p++)
        n += folder->parts[p].n;
    if (!(names = malloc((n + 1) * sizeof *names)))
        return mx_fail(err, MX_ENOMEM, "no memory for the names of %zu images", n);
    n = 0;
    for (int p = 0; p < WORKER_PARTS; p++)
        for (uint32_t i = 0; i < folder->parts[p].n; i++)
            names[n++] = folder->parts[p].files[i].name;
    qsort(names, n, sizeof *names, by_bytes);
    for (size_t k = 1; k < n && !twin; k++)
        if (strcmp(names[k - 1], names[k]) == 0)
            twin = names[k];
    if (twin)
        worker_shown_path(twin, name);
    free(names);
    return twin ? mx_fail(err, MX_EDATA,
                          "%s: %s is listed more than once in %s: leave one of its lines", set,
                          name, shown)
                : 0;
}

int worker_listing_end(const struct worker_folder *folder, const char *set, const char *path,
                       struct mx_err *err)
{
    const struct worker_folder_part *train = &folder->parts[WORKER_PART_TRAIN];
    char                             shown[WORKER_SHOWN_SIZE];
    uint32_t                         i = 0;

    worker_shown_path(path, shown);
    if (train->n == 0 || folder->parts[WORKER_PART_TEST].n == 0)
        return mx_fail(err, MX_EDATA, "%s: there is no %s image in %s", set,
                       train->n == 0 ? "training" : "test", shown);
    while (i < train->n && train->files[i].label == train->files[0].label)
        i++;
    if (i == train->n)
        return mx_fail(err, MX_EDATA,
                       "%s: all training images in %s are of class %u: there is nothing to tell "
                       "apart",
                       set, shown, train->files[0].label);
    return refuse_twins(folder, set, shown, err);
}

int worker_listing_number(const struct mx_table *table, size_t column, const char *name,
                          uint32_t below, uint32_t *out, struct mx_err *err)
{
    int64_t x = -1;

    if (column >= mx_table_fields(table))
        return mx_table_fail(table, err, "the line ends before column %s", name);
    if (!mx_num_parse_int(mx_table_field(table, column), &x) || x < 0 || x >= below)
        return mx_table_fail(table, err, "column %s is '%.40s', not one of 0 to %u", name,
                             mx_table_field(table, column), below - 1);
    *out = (uint32_t)x;
    return 0;
}
