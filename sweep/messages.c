#include "sweep/messages.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct mx_message {
    struct mx_place place;
    size_t          order; /* of adding, among equal places */
    bool            warning;
    char           *text;
};

static void add(struct mx_messages *messages, struct mx_place place, bool warning, const char *fmt,
                va_list args)
{
    struct mx_buf text = {0};

    mx_buf_vprintf(&text, fmt, args);
    if (messages->count == messages->room) {
        size_t room = messages->room ? 2 * messages->room : 16;
        void  *list = realloc(messages->list, room * sizeof *messages->list);

        if (!list)
            goto fail;
        messages->list = list;
        messages->room = room;
    }
    if (!mx_buf_ok(&text))
        goto fail;
    messages->list[messages->count] = (struct mx_message){
        .place = place, .order = messages->count, .warning = warning, .text = text.data};
    messages->count++;
    messages->errors += !warning;
    messages->warnings += warning;
    return;
fail:
    mx_buf_free(&text);
    messages->failed = true;
}

void mx_error_at(struct mx_messages *messages, struct mx_place place, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(messages, place, false, fmt, args);
    va_end(args);
}

void mx_warning_at(struct mx_messages *messages, struct mx_place place, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(messages, place, true, fmt, args);
    va_end(args);
}

static int compare(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *pa, const void *pb)
{
    const struct mx_message *a = pa, *b = pb;
    int                      order = compare(a->place.source, b->place.source);

    if (order == 0)
        order = compare(a->place.line, b->place.line);
    if (order == 0)
        order = compare(a->place.column, b->place.column);
    return order ? order : compare(a->order, b->order);
}

void mx_messages_write(struct mx_messages *messages, const char *file, const char *const *sets,
                       struct mx_buf *out)
{
    size_t shown = messages->count < MX_MESSAGES_SHOWN ? messages->count : MX_MESSAGES_SHOWN;

    if (messages->count > 0)
        qsort(messages->list, messages->count, sizeof *messages->list, by_place);
    for (size_t i = 0; i < shown; i++) {
        const struct mx_message *m = &messages->list[i];
        const char              *grade = m->warning ? "warning" : "error";
        char                     set[MX_SHOWN_SIZE];

        if (m->place.source == 0)
            mx_buf_printf(out, "%s:%u:%u: %s: %s\n", file, m->place.line, m->place.column, grade,
                          m->text);
        else
            mx_buf_printf(out, "--set %s: %s: %s\n", mx_shown(sets[m->place.source - 1], set),
                          grade, m->text);
    }
    if (shown < messages->count)
        mx_buf_printf(out, "%s: showing %zu of %zu messages\n", file, shown, messages->count);
}

void mx_messages_free(struct mx_messages *messages)
{
    for (size_t i = 0; i < messages->count; i++)
        free(messages->list[i].text);
    free(messages->list);
    *messages = (struct mx_messages){0};
}

const char *mx_shown(const char *text, char out[MX_SHOWN_SIZE])
{
    enum {
        LONGEST = 60
    };
    size_t length = strnlen(text, LONGEST + 1);
    bool   cut = length > LONGEST;

    if (cut)
        for (length = LONGEST; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
            length--;
    for (size_t i = 0; i < length; i++)
        out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    strcpy(out + length, cut ? "..." : "");
    return out;
}
