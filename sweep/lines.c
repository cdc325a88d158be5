#include "sweep/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct line {
    bool            filled;
    struct mx_value value; /* what the text says */
    struct mx_buf   text;
};

struct mx_lines {
    size_t         norder;
    enum mx_key_id order[KEY_COUNT]; /* keys that can be in a line, by their bytes */
    struct line    line[KEY_COUNT];
};

static int by_name(const void *a, const void *b)
{
    const enum mx_key_id *x = a, *y = b;

    return strcmp(mx_keys[*x].name, mx_keys[*y].name);
}

static size_t sorted_keys(enum mx_key_id order[KEY_COUNT])
{
    size_t n = 0;

    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (mx_key_sweepable(k) && k != KEY_DATA_PATH)
            order[n++] = k;
    qsort(order, n, sizeof *order, by_name);
    return n;
}

struct mx_lines *mx_lines_new(struct mx_err *err)
{
    struct mx_lines *lines = calloc(1, sizeof *lines);

    if (!lines)
        mx_fail(err, MX_ENOMEM, "no memory for the text of cells");
    else
        lines->norder = sorted_keys(lines->order);
    return lines;
}

void mx_lines_free(struct mx_lines *lines)
{
    if (!lines)
        return;
    for (unsigned k = 0; k < KEY_COUNT; k++)
        mx_buf_free(&lines->line[k].text);
    free(lines);
}

/* Keys without a value, where none was written and the default is none, are
 * no part of a cell: later versions may add such keys and old ids stay. */
bool mx_value_given(enum mx_key_id key, const struct mx_value *value)
{
    switch (mx_keys[key].type) {
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        return value->text && *value->text;
    case MX_TYPE_LIST:
        return value->list.count > 0;
    default:
        return true;
    }
}

static void write_line(enum mx_key_id key, const struct mx_value *value, struct mx_buf *out)
{
    static const struct mx_value zero = {.real = 0};

    if (mx_keys[key].type == MX_TYPE_REAL && value->real == 0)
        value = &zero; /* -0 is the same value, so it must be the same text */
    mx_buf_text(out, mx_keys[key].name);
    mx_buf_add(out, "=", 1);
    mx_value_format(key, value, out);
    mx_buf_add(out, "\n", 1);
}

/* True only if both have the same text; false says nothing. */
static bool same(enum mx_key_id key, const struct mx_value *a, const struct mx_value *b)
{
    switch (mx_keys[key].type) {
    case MX_TYPE_REAL:
    case MX_TYPE_DURATION:
        return a->real == b->real;
    case MX_TYPE_INT:
        return a->integer == b->integer;
    case MX_TYPE_BOOL:
        return a->boolean == b->boolean;
    case MX_TYPE_CHOICE:
        return a->choice == b->choice;
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        return a->text == b->text;
    case MX_TYPE_LIST:
        return a->list.items == b->list.items && a->list.count == b->list.count;
    }
    return false;
}

void mx_lines_add(struct mx_lines *lines, const struct mx_point *point, unsigned sections,
                  struct mx_buf *out)
{
    for (size_t i = 0; i < lines->norder; i++) {
        enum mx_key_id         key = lines->order[i];
        const struct mx_value *value = &point->value[key];
        struct line           *line = &lines->line[key];

        if (!point->used[key] || !(sections & MX_SECTION_BIT(mx_keys[key].section)) ||
            !mx_value_given(key, value))
            continue;
        if (!line->filled || !same(key, &line->value, value)) {
            mx_buf_clear(&line->text);
            write_line(key, value, &line->text);
            line->value = *value;
            line->filled = true;
        }
        if (mx_buf_ok(&line->text))
            mx_buf_add(out, line->text.data, line->text.len);
        out->failed |= line->text.failed;
    }
}

uint64_t mx_lines_cell(struct mx_lines *lines, const struct mx_point *point, struct mx_buf *scratch)
{
    mx_buf_clear(scratch);
    mx_lines_add(lines, point, MX_SECTIONS_OF_CELL, scratch);
    return mx_hash64(mx_buf_str(scratch), scratch->len);
}

uint64_t mx_grid_cell(const struct mx_point *point, struct mx_buf *scratch)
{
    enum mx_key_id order[KEY_COUNT];
    size_t         n = sorted_keys(order);

    mx_buf_clear(scratch);
    for (size_t i = 0; i < n; i++)
        if (point->used[order[i]] && mx_value_given(order[i], &point->value[order[i]]))
            write_line(order[i], &point->value[order[i]], scratch);
    return mx_hash64(mx_buf_str(scratch), scratch->len);
}
