#include "reduce/table.h"

#include <stdlib.h>
#include <string.h>

struct column {
    char     *name;
    uint64_t *bits;    /* (rows) */
    uint64_t *present; /* (rows / 64, up): bit row % 64 of word row / 64 */
};

struct reduce_table {
    size_t         rows, ncolumns, room;
    struct column *columns;
    size_t         last; /* the column asked for last */
};

struct reduce_table *reduce_table_new(size_t rows, struct mx_err *err)
{
    struct reduce_table *table = calloc(1, sizeof *table);

    if (!table) {
        mx_fail(err, MX_ENOMEM, "no memory for a table of %zu rows", rows);
        return NULL;
    }
    table->rows = rows;
    return table;
}

static void free_column(struct column *column)
{
    free(column->name);
    free(column->bits);
    free(column->present);
}

void reduce_table_free(struct reduce_table *table)
{
    if (!table)
        return;
    for (size_t c = 0; c < table->ncolumns; c++)
        free_column(&table->columns[c]);
    free(table->columns);
    free(table);
}

size_t reduce_table_find(const struct reduce_table *table, const char *name)
{
    for (size_t c = 0; c < table->ncolumns; c++)
        if (strcmp(table->columns[c].name, name) == 0)
            return c;
    return SIZE_MAX;
}

static int grow(struct reduce_table *table)
{
    size_t         room = table->room ? 2 * table->room : 16;
    struct column *columns;

    if (table->ncolumns < table->room)
        return 0;
    if (!(columns = realloc(table->columns, room * sizeof columns[0])))
        return -1;
    table->columns = columns;
    table->room = room;
    return 0;
}

static int add_column(struct reduce_table *table, const char *name, struct mx_err *err)
{
    struct column column = {strdup(name), calloc(table->rows + 1, sizeof column.bits[0]),
                            calloc(table->rows / 64 + 1, sizeof column.present[0])};

    if (!column.name || !column.bits || !column.present || grow(table)) {
        free_column(&column);
        return mx_fail(err, MX_ENOMEM, "no memory for column %s of %zu rows", name, table->rows);
    }
    table->columns[table->ncolumns++] = column;
    return 0;
}

int reduce_table_column(struct reduce_table *table, const char *name, size_t *column,
                        struct mx_err *err)
{
    /* Rows are filled in the same order of columns: mostly it is the next one. */
    size_t next = table->last + 1 < table->ncolumns ? table->last + 1 : 0;

    if (table->ncolumns > 0 && strcmp(table->columns[next].name, name) == 0) {
        *column = table->last = next;
        return 0;
    }
    *column = reduce_table_find(table, name);
    if (*column == SIZE_MAX) {
        if (add_column(table, name, err))
            return -1;
        *column = table->ncolumns - 1;
    }
    table->last = *column;
    return 0;
}

size_t reduce_table_columns(const struct reduce_table *table)
{
    return table->ncolumns;
}

const char *reduce_table_name(const struct reduce_table *table, size_t column)
{
    return table->columns[column].name;
}

void reduce_table_set(struct reduce_table *table, size_t row, size_t column, double value)
{
    struct column *to = &table->columns[column];

    memcpy(&to->bits[row], &value, sizeof value);
    to->present[row / 64] |= UINT64_C(1) << row % 64;
}

bool reduce_table_get(const struct reduce_table *table, size_t row, size_t column, double *value)
{
    const struct column *from = &table->columns[column];

    if (!(from->present[row / 64] >> row % 64 & 1))
        return false;
    memcpy(value, &from->bits[row], sizeof *value);
    return true;
}
