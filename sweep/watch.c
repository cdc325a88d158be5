#include "sweep/watch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/status_print.h"

enum {
    WRAPPED = 12, /* lines from which there is room for heads that take several, */
    WRAPPED_COLUMNS = 40,
    HEAD_LINES = 3, /* so many each: with the bar and the keys they leave one for the tables */
    WITH_BAR = 8,   /* lines from which there is room for the bar, */
    WITH_FOOT = 5,  /* the keys */
    BAR_FRAME = 7,  /* columns of "[] 100%" */
};

static const char keys[] = "q: quit   up, down, page up, page down: scroll";

/* A screen as it is filled. */
struct filling {
    struct mx_watch_screen *screen;
    unsigned                width, height;
};

static void put(struct filling *filling, const char *line, size_t len, enum mx_watch_style style)
{
    struct mx_watch_screen *screen = filling->screen;

    if (screen->lines >= filling->height)
        return;
    mx_buf_add(&screen->text, line, len);
    mx_buf_text(&screen->text, "\n");
    screen->styles[screen->lines++] = style;
}

/* The n-th line of a text, and its length; NULL behind the last one. */
static const char *line_of(const char *text, size_t n, size_t *len)
{
    for (; n > 0 && *text; n--) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    *len = strcspn(text, "\n");
    return *text ? text : NULL;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static enum mx_watch_style style_of_state(const struct mx_status *status)
{
    if (strcmp(status->state, "lost") == 0)
        return MX_WATCH_BAD;
    return strcmp(status->state, "finished") == 0 ? MX_WATCH_GOOD : MX_WATCH_HEAD;
}

/* "[=======>      ]  53%" */
static void put_bar(struct filling *filling, const struct mx_status *status)
{
    const uint64_t left =
        status->counts.by_state[MX_STATE_PENDING] + status->counts.by_state[MX_STATE_RUNNING];
    const uint64_t planned = status->counts.planned;
    const double   share = planned > 0 ? (double)(planned - left) / (double)planned : 1;
    struct mx_buf  bar = {0};
    const size_t   cells = filling->width > BAR_FRAME ? filling->width - BAR_FRAME : 0;
    const size_t   filled = (size_t)(share * (double)cells);

    mx_buf_text(&bar, "[");
    for (size_t k = 0; k < cells; k++)
        mx_buf_text(&bar, k < filled ? "=" : k == filled ? ">" : " ");
    mx_buf_printf(&bar, "] %3.0f%%", 100 * share);
    if (cells > 0)
        put(filling, mx_buf_str(&bar), bar.len, MX_WATCH_PLAIN);
    mx_buf_free(&bar);
}

/* Titles stand behind an empty line; the rows of nodes that are lost end in that word. */
static enum mx_watch_style style_of_row(const char *line, size_t len, bool title)
{
    static const char failures[] = "failed attempts", lost[] = "  lost";
    const size_t      end = sizeof lost - 1;

    if (title)
        return len >= sizeof failures - 1 && strncmp(line, failures, sizeof failures - 1) == 0
                   ? MX_WATCH_BAD
                   : MX_WATCH_HEAD;
    return len >= end && strncmp(line + len - end, lost, end) == 0 ? MX_WATCH_BAD : MX_WATCH_PLAIN;
}

/* The tables, `room` lines of them. */
static void put_tables(struct filling *filling, const char *text, size_t room, unsigned scroll)
{
    const size_t lines = count_lines(text);
    const size_t most = lines > room ? lines - room : 0;

    filling->screen->scroll = scroll < most ? scroll : (unsigned)most;
    for (size_t k = 0; k < room; k++) {
        const size_t n = filling->screen->scroll + k;
        size_t       len = 0, before = 1;
        const char  *line = line_of(text, n, &len);

        if (line && n > 0)
            line_of(text, n - 1, &before);
        put(filling, line ? line : "", line ? len : 0,
            line ? style_of_row(line, len, before == 0) : MX_WATCH_PLAIN);
    }
}

/* State, counts, pace: those for which there is room. */
static int put_heads(struct filling *filling, const struct mx_status_view *view,
                     const char *directory)
{
    static const unsigned needs[MX_STATUS_HEADS] = {[MX_STATUS_STATE] = 3, /* lines */
                                                    [MX_STATUS_COUNTS] = 1,
                                                    [MX_STATUS_PACE] = 2};
    struct mx_buf         text = {0};
    bool                  ok = true;

    for (int head = 0; head < MX_STATUS_HEADS; head++) {
        const char *line;
        size_t      len;

        if (filling->height < needs[head])
            continue;
        mx_buf_clear(&text);
        mx_status_head(view, directory, (enum mx_status_head)head, filling->width,
                       filling->height >= WRAPPED && filling->width >= WRAPPED_COLUMNS, &text);
        ok &= mx_buf_ok(&text);
        for (size_t n = 0; n < HEAD_LINES && (line = line_of(mx_buf_str(&text), n, &len)); n++)
            put(filling, line, len,
                head == MX_STATUS_STATE ? style_of_state(&view->status) : MX_WATCH_PLAIN);
    }
    mx_buf_free(&text);
    return ok ? 0 : -1;
}

static void put_below(struct filling *filling, const struct mx_status *status, const char *tables,
                      unsigned scroll)
{
    const unsigned foot = filling->height >= WITH_FOOT;

    if (filling->height >= WITH_BAR)
        put_bar(filling, status);
    put_tables(filling, tables, filling->height - filling->screen->lines - foot, scroll);
    if (foot)
        put(filling, keys, sizeof keys - 1 < filling->width ? sizeof keys - 1 : filling->width,
            MX_WATCH_FOOT);
}

int mx_watch_fill(const struct mx_status_view *view, const char *directory, unsigned width,
                  unsigned height, unsigned scroll, struct mx_watch_screen *screen,
                  struct mx_err *err)
{
    struct filling filling = {screen, width, height};
    struct mx_buf  text = {0};

    *screen = (struct mx_watch_screen){.styles = calloc(height, sizeof *screen->styles)};
    mx_status_tables(view, width, false, &text);
    if (screen->styles && mx_buf_ok(&text) && put_heads(&filling, view, directory) == 0)
        put_below(&filling, &view->status, mx_buf_str(&text), scroll);
    else
        screen->text.failed = true;
    mx_buf_free(&text);
    return mx_buf_ok(&screen->text) ? 0 : mx_fail(err, MX_ENOMEM, "no memory for the screen");
}

void mx_watch_free(struct mx_watch_screen *screen)
{
    mx_buf_free(&screen->text);
    free(screen->styles);
    *screen = (struct mx_watch_screen){.styles = NULL};
}
