/* Waterbirds: metadata.csv with img_filename, y, split and place (Sagawa and others 2020,
 * waterbird_complete95_forest2water2). */
#include "worker/listing.h"
#include <stdint.h>

static const char *const columns[] = {"img_filename", "y", "split", "place"};
enum {
    FILENAME,
    LABEL,
    SPLIT,
    PLACE,
    COLUMNS
};

static int find_columns(const struct mx_table *table, size_t at[COLUMNS], struct mx_err *err)
{
    for (int c = 0; c < COLUMNS; c++)
        if ((at[c] = mx_table_find(table, columns[c])) == SIZE_MAX)
            return mx_table_fail(
                table, err,
                "there is no column %s: img_filename, y, split and place are needed, with commas "
                "between them",
                columns[c]);
    return 0;
}

static int take_row(struct worker_folder *folder, const struct mx_table *table,
                    const size_t at[COLUMNS], struct mx_err *err)
{
    uint32_t label = 0, split = 0, place = 0;

    if (at[FILENAME] >= mx_table_fields(table))
        return mx_table_fail(table, err, "the line ends before column img_filename");
    if (!*mx_table_field(table, at[FILENAME]))
        return mx_table_fail(table, err, "column img_filename is empty");
    if (worker_listing_number(table, at[LABEL], columns[LABEL], 2, &label, err) ||
        worker_listing_number(table, at[SPLIT], columns[SPLIT], WORKER_PARTS, &split, err) ||
        worker_listing_number(table, at[PLACE], columns[PLACE], 2, &place, err))
        return -1;
    return worker_listing_add(folder, (int)split, mx_table_field(table, at[FILENAME]), label,
                              2 * label + place, err);
}

int worker_list_waterbirds(struct worker_folder *folder, const char *path, struct mx_err *err)
{
    static const char *const classes[] = {"landbird", "waterbird"};
    struct mx_table *table = worker_listing_table("waterbirds", path, "metadata.csv", false, err);
    size_t           at[COLUMNS] = {0};
    int              rc = -1;

    folder->ngroups = 4;
    if (table && !worker_listing_header(table, err) && !find_columns(table, at, err))
        rc = 1;
    while (rc > 0 && (rc = mx_table_next(table, err)) > 0)
        if (take_row(folder, table, at, err))
            rc = -1;
    mx_table_close(table);
    if (rc || worker_listing_classes(folder, 2, classes, err))
        return -1;
    return worker_listing_end(folder, "waterbirds", path, err);
}
