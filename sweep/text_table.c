#include "sweep/text_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    GAP = 2,
    SHRINK_FIRST = 6, /* columns are made no narrower while others can go */
    SHRINK_LAST = 3
};

struct mx_text_table {
    size_t                 ncolumns, count, room;
    struct mx_text_column *columns; /* heads owned */
    char                 **cells;   /* (count), row by row */
    bool                   failed;
};

/* How it is going to look. */
struct layout {
    const struct mx_text_table *table;
    bool                        short_heads;
    bool                       *left_out; /* (ncolumns) */
    size_t                     *widths;   /* (ncolumns), 0 = left out */
};

size_t mx_text_width(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

struct mx_text_table *mx_text_table_new(const struct mx_text_column *columns, size_t ncolumns)
{
    struct mx_text_table *table = calloc(1, sizeof *table);

    if (!table || !(table->columns = calloc(ncolumns + 1, sizeof columns[0])))
        goto fail;
    for (; table->ncolumns < ncolumns; table->ncolumns++) {
        struct mx_text_column       *column = &table->columns[table->ncolumns];
        const struct mx_text_column *from = &columns[table->ncolumns];

        *column = *from;
        column->head = strdup(from->head);
        column->short_head = strdup(from->short_head ? from->short_head : from->head);
        if (!column->head || !column->short_head) {
            table->ncolumns++;
            goto fail;
        }
    }
    return table;
fail:
    mx_text_table_free(table);
    return NULL;
}

void mx_text_table_free(struct mx_text_table *table)
{
    if (!table)
        return;
    for (size_t c = 0; c < table->ncolumns; c++) {
        free((char *)table->columns[c].head);
        free((char *)table->columns[c].short_head);
    }
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->columns);
    free(table->cells);
    free(table);
}

void mx_text_table_add(struct mx_text_table *table, const char *text)
{
    size_t room = table->room ? 2 * table->room : 64;
    char **cells;

    if (table->count == table->room) {
        if (!(cells = realloc(table->cells, room * sizeof cells[0]))) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->room = room;
    }
    if (!(table->cells[table->count] = strdup(text)))
        table->failed = true;
    else
        table->count++;
}

static const char *head_of(const struct layout *layout, size_t c)
{
    const struct mx_text_column *column = &layout->table->columns[c];

    return layout->short_heads ? column->short_head : column->head;
}

static void natural_widths(struct layout *layout)
{
    const struct mx_text_table *table = layout->table;

    for (size_t c = 0; c < table->ncolumns; c++) {
        size_t widest = mx_text_width(head_of(layout, c));

        for (size_t i = c; i < table->count; i += table->ncolumns) {
            size_t w = mx_text_width(table->cells[i]);

            widest = w > widest ? w : widest;
        }
        layout->widths[c] = layout->left_out[c] ? 0 : widest;
    }
}

static size_t total_width(const struct layout *layout)
{
    size_t total = 0;

    for (size_t c = 0; c < layout->table->ncolumns; c++)
        if (layout->widths[c] > 0)
            total += layout->widths[c] + (total > 0 ? GAP : 0);
    return total;
}

static void shrink(struct layout *layout, size_t width, size_t least)
{
    while (total_width(layout) > width) {
        size_t widest = SIZE_MAX;

        for (size_t c = 0; c < layout->table->ncolumns; c++)
            if (layout->table->columns[c].shrink && layout->widths[c] > least &&
                (widest == SIZE_MAX || layout->widths[c] > layout->widths[widest]))
                widest = c;
        if (widest == SIZE_MAX)
            return;
        layout->widths[widest]--;
    }
}

/* Leave out the last optional column that is there; false if there is none. */
static bool leave_out(struct layout *layout)
{
    for (size_t c = layout->table->ncolumns; c-- > 0;)
        if (layout->table->columns[c].optional && !layout->left_out[c])
            return layout->left_out[c] = true;
    return false;
}

static void fit(struct layout *layout, size_t width)
{
    natural_widths(layout);
    layout->short_heads = total_width(layout) > width;
    do {
        natural_widths(layout);
        shrink(layout, width, SHRINK_FIRST);
    } while (total_width(layout) > width && leave_out(layout));
    shrink(layout, width, SHRINK_LAST);
}

static void spaces(struct mx_buf *out, size_t n)
{
    while (n-- > 0)
        mx_buf_text(out, " ");
}

/* The first n characters of a text in bytes. */
static size_t bytes_of(const char *text, size_t n)
{
    const char *at = text;

    while (*at && n > 0) {
        at++;
        while (((unsigned char)*at & 0xC0) == 0x80)
            at++;
        n--;
    }
    return (size_t)(at - text);
}

/* The text in exactly `width` columns; of a longer one the start and a mark. */
static void put_cell(struct mx_buf *out, const char *text, size_t width, bool right)
{
    size_t w = mx_text_width(text);

    if (w > width) {
        mx_buf_add(out, text, bytes_of(text, width - 1));
        mx_buf_text(out, "\xE2\x80\xA6");
        return;
    }
    if (right)
        spaces(out, width - w);
    mx_buf_text(out, text);
    if (!right)
        spaces(out, width - w);
}

static void put_line(const struct layout *layout, const char *const *cells, size_t width,
                     struct mx_buf *out)
{
    struct mx_buf line = {0};
    const char   *text;
    size_t        len;

    for (size_t c = 0; c < layout->table->ncolumns; c++) {
        if (layout->widths[c] == 0)
            continue;
        if (line.len > 0)
            spaces(&line, GAP);
        put_cell(&line, cells ? cells[c] : head_of(layout, c), layout->widths[c],
                 layout->table->columns[c].right);
    }
    text = mx_buf_str(&line);
    len = bytes_of(text, width);
    while (len > 0 && text[len - 1] == ' ')
        len--;
    mx_buf_add(out, text, len);
    mx_buf_text(out, "\n");
    if (!mx_buf_ok(&line))
        out->failed = true;
    mx_buf_free(&line);
}

size_t mx_text_table_print(const struct mx_text_table *table, unsigned width, struct mx_buf *out)
{
    size_t        limit = width > 0 ? width : SIZE_MAX, shown = table->ncolumns;
    struct layout layout = {.table = table};

    layout.widths = calloc(table->ncolumns + 1, sizeof layout.widths[0]);
    layout.left_out = calloc(table->ncolumns + 1, sizeof layout.left_out[0]);
    if (!layout.widths || !layout.left_out || table->failed) {
        out->failed = true;
        goto done;
    }
    fit(&layout, limit);
    for (size_t c = 0; c < table->ncolumns; c++)
        shown -= layout.left_out[c];
    put_line(&layout, NULL, limit, out);
    for (size_t i = 0; i + table->ncolumns <= table->count; i += table->ncolumns)
        put_line(&layout, (const char *const *)&table->cells[i], limit, out);
done:
    free(layout.widths);
    free(layout.left_out);
    return shown;
}
