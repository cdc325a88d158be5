#include "base/csv_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"

struct mx_table {
    char         *path;
    struct mx_buf text;
    char         *at; /* what is left of it: fields before it were cut out in place */
    bool          blanks;
    size_t        line, next_line;
    char        **fields;
    size_t        nfields, room;
};

struct mx_table *mx_table_open(const char *path, bool blanks, size_t max_bytes, struct mx_err *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    struct mx_table  *table = calloc(1, sizeof *table);
    struct mx_err     why = {.code = MX_OK};

    if (!table || !(table->path = strdup(path))) {
        mx_fail(err, MX_ENOMEM, "no memory to read %s", path);
        mx_table_close(table);
        return NULL;
    }
    if (mx_file_refuse_pipe(path, &why) || mx_file_read(path, max_bytes, &table->text, &why)) {
        mx_fail(err, why.code == MX_ENOMEM ? MX_ENOMEM : MX_EDATA, "%s", why.text);
    } else if (table->text.len > 0 && memchr(table->text.data, 0, table->text.len)) {
        mx_fail(err, MX_EDATA, "%s is no text: it holds a byte 0: save it as UTF-8", path);
    } else {
        table->at = table->text.len > 0 ? table->text.data : NULL;
        if (table->at && !strncmp(table->at, mark, strlen(mark)))
            table->at += strlen(mark);
        table->blanks = blanks;
        table->next_line = 1;
        return table;
    }
    mx_table_close(table);
    return NULL;
}

struct mx_table *mx_table_of(const char *name, struct mx_buf *text, struct mx_err *err)
{
    struct mx_table *table = calloc(1, sizeof *table);

    if (!table || !(table->path = strdup(name)) || !mx_buf_ok(text)) {
        mx_fail(err, MX_ENOMEM, "no memory to read %s", name);
        mx_table_close(table);
        return NULL;
    }
    table->text = *text;
    *text = (struct mx_buf){0};
    table->at = table->text.len > 0 ? table->text.data : NULL;
    table->next_line = 1;
    return table;
}

void mx_table_close(struct mx_table *table)
{
    if (!table)
        return;
    mx_buf_free(&table->text);
    free(table->fields);
    free(table->path);
    free(table);
}

static int add_field(struct mx_table *table, char *field)
{
    if (table->nfields == table->room) {
        size_t room = table->room ? 2 * table->room : 16;
        char **grown = realloc(table->fields, room * sizeof *grown);

        if (!grown)
            return -1;
        table->fields = grown;
        table->room = room;
    }
    table->fields[table->nfields++] = field;
    return 0;
}

/* Unquote a field that begins at *at with a quote, in place. False: it is not closed. */
static bool take_quoted(struct mx_table *table, char **at)
{
    char *from = *at + 1, *to = *at;

    for (; *from; from++) {
        if (*from == '"' && from[1] != '"')
            break;
        if (*from == '\n')
            table->next_line++;
        if (*from == '"')
            from++;
        *to++ = *from;
    }
    if (!*from)
        return false;
    *to = '\0';
    *at = from + 1;
    return true;
}

/* One field at table->at, cut off; *end is the character behind it. Returns 0, -1 for a quote
 * that is not closed, -2 for want of memory, -3 for text behind a closing quote. */
static int take_field(struct mx_table *table, char *end)
{
    char *field = table->at, *at = table->at;

    if (table->blanks) {
        at += strcspn(at, " \t\r\n");
    } else if (*at == '"') {
        if (!take_quoted(table, &at))
            return -1;
        if (*at && !strchr(",\r\n", *at))
            return -3;
    } else {
        at += strcspn(at, ",\r\n");
    }
    *end = *at;
    *at = '\0';
    table->at = at + (*end != '\0');
    return add_field(table, field) ? -2 : 0;
}

/* Behind the end of a line that `end` began. */
static void end_line(struct mx_table *table, char end)
{
    if (end == '\r' && *table->at == '\n')
        table->at++;
    table->next_line++;
}

static int take_row(struct mx_table *table)
{
    char end = ',';

    while (end != '\n' && end != '\r' && end != '\0') {
        int rc;

        if (table->blanks) {
            table->at += strspn(table->at, " \t");
            if (table->nfields > 0 && strchr("\r\n", *table->at)) {
                end = *table->at;
                table->at += end != '\0';
                break;
            }
        }
        if ((rc = take_field(table, &end)))
            return rc;
    }
    if (end != '\0')
        end_line(table, end);
    return 0;
}

int mx_table_next(struct mx_table *table, struct mx_err *err)
{
    do {
        int rc;

        if (!table->at || !*table->at)
            return 0;
        table->line = table->next_line;
        table->nfields = 0;
        if ((rc = take_row(table)) == -1)
            return mx_table_fail(table, err, "a quote is opened here and never closed");
        if (rc == -3)
            return mx_table_fail(table, err,
                                 "text follows a closing quote: quote whole fields, and "
                                 "double each quote within them");
        if (rc)
            return mx_fail(err, MX_ENOMEM, "no memory to read %s", table->path);
    } while (table->nfields == 1 && !*table->fields[0]);
    return 1;
}

size_t mx_table_fields(const struct mx_table *table)
{
    return table->nfields;
}

const char *mx_table_field(const struct mx_table *table, size_t k)
{
    return table->fields[k];
}

size_t mx_table_line(const struct mx_table *table)
{
    return table->line;
}

size_t mx_table_find(const struct mx_table *table, const char *name)
{
    for (size_t k = 0; k < table->nfields; k++)
        if (strcmp(table->fields[k], name) == 0)
            return k;
    return SIZE_MAX;
}

int mx_table_fail(const struct mx_table *table, struct mx_err *err, const char *fmt, ...)
{
    char    text[384], shown[384];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    mx_utf8_shown(text, shown, sizeof shown);
    if (table->line == 0) /* no row has been read */
        return mx_fail(err, MX_EDATA, "%s: %s", table->path, shown);
    return mx_fail(err, MX_EDATA, "%s:%zu: %s", table->path, table->line, shown);
}
