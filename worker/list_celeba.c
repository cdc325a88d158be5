/* CelebA: which are blond (the label) and which male (the attribute), from one table as robust
 * methods have it (celeba_split.csv; metadata.csv, Kirichenko and others 2023;
 * metadata_celeba.csv, Idrissi and others 2022), or from list_attr_celeba and
 * list_eval_partition, both .csv or both .txt (Liu and others 2015). Images are in
 * img_align_celeba, or beside the tables. */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/listing.h"

/* The tables of a form. In .txt ones fields are separated by blanks. */
struct tables {
    struct mx_table *attributes, *partition; /* partition NULL: its column is in the other */
    bool             blanks;
    size_t           name, blond, male, split; /* columns */
};

static void close_tables(struct tables *tables)
{
    mx_table_close(tables->attributes);
    mx_table_close(tables->partition);
}

static bool is_there(const char *path, const char *name)
{
    struct mx_buf file = {0};
    bool          there;

    mx_buf_printf(&file, "%s/%s", path, name);
    there = mx_file_exists(mx_buf_str(&file));
    mx_buf_free(&file);
    return there;
}

/* The table that tells all, if there is one: celeba_split.csv before the set's own two tables,
 * the others behind them. */
static const char *find_single(const char *path)
{
    if (is_there(path, "celeba_split.csv"))
        return "celeba_split.csv";
    if (is_there(path, "list_attr_celeba.csv") || is_there(path, "list_attr_celeba.txt"))
        return NULL;
    return is_there(path, "metadata.csv")          ? "metadata.csv"
           : is_there(path, "metadata_celeba.csv") ? "metadata_celeba.csv"
                                                   : NULL;
}

static int open_tables(struct tables *tables, const char *path, struct mx_err *err)
{
    const char *single = find_single(path);

    *tables = (struct tables){.blanks = false};
    if (single) {
        tables->attributes = worker_listing_table("celeba", path, single, false, err);
        return tables->attributes ? 0 : -1;
    }
    tables->blanks =
        !is_there(path, "list_attr_celeba.csv") &&
        (is_there(path, "list_attr_celeba.txt") || is_there(path, "list_eval_partition.txt"));
    tables->attributes = worker_listing_table(
        "celeba", path, tables->blanks ? "list_attr_celeba.txt" : "list_attr_celeba.csv",
        tables->blanks, err);
    if (!tables->attributes)
        return -1;
    tables->partition = worker_listing_table(
        "celeba", path, tables->blanks ? "list_eval_partition.txt" : "list_eval_partition.csv",
        tables->blanks, err);
    return tables->partition ? 0 : -1;
}

/* What columns are called, in the set's own tables and elsewhere; NULL last. */
enum {
    SPELLINGS = 4
};
static const char *const names_of_name[SPELLINGS] = {"image_id", "img_filename", "filename"};
static const char *const names_of_blond[SPELLINGS] = {"Blond_Hair", "y"};
static const char *const names_of_male[SPELLINGS] = {"Male", "place", "a"};
static const char *const names_of_split[SPELLINGS] = {"partition", "split"};

/* The first of the names that the header has. */
static int find(const struct mx_table *table, const char *const names[SPELLINGS], size_t *at,
                struct mx_err *err)
{
    *at = SIZE_MAX;
    for (int k = 0; *at == SIZE_MAX && names[k]; k++)
        *at = mx_table_find(table, names[k]);
    return *at == SIZE_MAX ? mx_table_fail(table, err,
                                           "there is no column %s: get the file again, or see that "
                                           "commas are between the names of its columns",
                                           names[0])
                           : 0;
}

/* The row of the partition for the image that the other table has here. */
static int need_row(struct tables *tables, struct mx_err *err)
{
    int rc = mx_table_next(tables->partition, err);

    return rc == 0 ? mx_table_fail(tables->partition, err,
                                   "the table ends here, and the other one goes on with '%.60s': "
                                   "get both files again",
                                   mx_table_field(tables->attributes, 0))
                   : (rc < 0 ? -1 : 0);
}

/* Behind the last image of the attributes the partition has to end, too. */
static int need_end(struct tables *tables, struct mx_err *err)
{
    int rc = tables->partition ? mx_table_next(tables->partition, err) : 0;

    return rc > 0 ? mx_table_fail(tables->partition, err,
                                  "the other table ends before '%.60s': get both files again",
                                  mx_table_field(tables->partition, 0))
                  : rc;
}

static int read_headers(struct tables *tables, struct mx_err *err)
{
    struct mx_table *table = tables->attributes;

    if ((tables->blanks && worker_listing_header(table, err)) || /* a count is first */
        worker_listing_header(table, err))
        return -1;
    if (find(table, names_of_blond, &tables->blond, err) ||
        find(table, names_of_male, &tables->male, err))
        return -1;
    if (tables->blanks) { /* the header has no name for the first column */
        tables->name = 0;
        tables->blond++;
        tables->male++;
        tables->split = 1;
        return 0;
    }
    if (find(table, names_of_name, &tables->name, err))
        return -1;
    if (tables->partition && worker_listing_header(tables->partition, err))
        return -1;
    return find(tables->partition ? tables->partition : table, names_of_split, &tables->split, err);
}

/* 1, or 0 or -1. */
static int take_flag(const struct mx_table *table, size_t column, const char *name, uint32_t *out,
                     struct mx_err *err)
{
    if (column < mx_table_fields(table) && strcmp(mx_table_field(table, column), "-1") == 0) {
        *out = 0;
        return 0;
    }
    return worker_listing_number(table, column, name, 2, out, err);
}

static int take_row(struct worker_folder *folder, const struct tables *tables, const char *below,
                    struct mx_err *err)
{
    const struct mx_table *table = tables->attributes;
    const struct mx_table *split_in = tables->partition ? tables->partition : table;
    struct mx_buf          name = {0};
    uint32_t               blond = 0, male = 0, split = 0;
    int                    rc = -1;

    if (tables->name >= mx_table_fields(table))
        return mx_table_fail(table, err, "the line ends before its image's name");
    if (!*mx_table_field(table, tables->name))
        return mx_table_fail(table, err, "the image's name is empty");
    if (tables->partition &&
        strcmp(mx_table_field(split_in, 0), mx_table_field(table, tables->name)) != 0)
        return mx_table_fail(split_in, err, "'%.60s' stands where the other table has '%.60s'",
                             mx_table_field(split_in, 0), mx_table_field(table, tables->name));
    if (take_flag(table, tables->blond, "Blond_Hair", &blond, err) ||
        take_flag(table, tables->male, "Male", &male, err) ||
        worker_listing_number(split_in, tables->split, "partition", WORKER_PARTS, &split, err))
        return -1;
    if (strchr(mx_table_field(table, tables->name), '/'))
        below = ""; /* it tells its folder itself */
    mx_buf_printf(&name, "%s%s", below, mx_table_field(table, tables->name));
    if (!mx_buf_ok(&name))
        mx_fail(err, MX_ENOMEM, "no memory for the names of celeba");
    else
        rc =
            worker_listing_add(folder, (int)split, mx_buf_str(&name), blond, 2 * blond + male, err);
    mx_buf_free(&name);
    return rc;
}

int worker_list_celeba(struct worker_folder *folder, const char *path, struct mx_err *err)
{
    static const char *const classes[] = {"not blond", "blond"};
    const char              *below = is_there(path, "img_align_celeba") ? "img_align_celeba/" : "";
    struct tables            tables;
    int                      rc = open_tables(&tables, path, err);

    folder->ngroups = 4;
    if (rc == 0)
        rc = read_headers(&tables, err);
    while (rc == 0 && (rc = mx_table_next(tables.attributes, err)) > 0) {
        rc = tables.partition ? need_row(&tables, err) : 0;
        if (rc == 0)
            rc = take_row(folder, &tables, below, err);
        if (rc)
            break;
    }
    if (rc == 0)
        rc = need_end(&tables, err);
    close_tables(&tables);
    if (rc || worker_listing_classes(folder, 2, classes, err))
        return -1;
    return worker_listing_end(folder, "celeba", path, err);
}
