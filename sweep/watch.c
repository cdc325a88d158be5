#include "sweep/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/status_print.h"

enum {
    HEADS = 3,     /* lines of mx_status_text() before its tables: state, counts, speed */
    WITH_BAR = 8,  /* lines from which there is room for the bar, */
    WITH_FOOT = 5, /* the keys */
    BAR_FRAME = 7, /* columns of "[] 100%" */
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
    const size_t most = lines > HEADS + room ? lines - HEADS - room : 0;

    filling->screen->scroll = scroll < most ? scroll : (unsigned)most;
    for (size_t k = 0; k < room; k++) {
        const size_t n = HEADS + filling->screen->scroll + k;
        size_t       len = 0, before = 1;
        const char  *line = line_of(text, n, &len);

        if (line)
            line_of(text, n - 1, &before);
        put(filling, line ? line : "", line ? len : 0,
            line ? style_of_row(line, len, before == 0) : MX_WATCH_PLAIN);
    }
}

static void put_all(struct filling *filling, const struct mx_status *status, const char *text,
                    unsigned scroll)
{
    static const unsigned     needs[HEADS] = {3, 1, 2}; /* lines from which each is shown */
    const enum mx_watch_style styles[HEADS] = {style_of_state(status), MX_WATCH_PLAIN,
                                               MX_WATCH_PLAIN};
    const unsigned            foot = filling->height >= WITH_FOOT;
    size_t                    len;

    for (size_t k = 0; k < HEADS; k++) {
        const char *line = line_of(text, k, &len);

        if (line && filling->height >= needs[k])
            put(filling, line, len, styles[k]);
    }
    if (filling->height >= WITH_BAR)
        put_bar(filling, status);
    put_tables(filling, text, filling->height - filling->screen->lines - foot, scroll);
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
    mx_status_text(view, directory, width, &text);
    if (screen->styles && mx_buf_ok(&text))
        put_all(&filling, &view->status, mx_buf_str(&text), scroll);
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
