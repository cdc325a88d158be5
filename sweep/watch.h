/* watch.h - what `mixsweep watch` shows: a status made to fit a screen. Knows no terminal. */
#ifndef MX_SWEEP_WATCH_H
#define MX_SWEEP_WATCH_H

#include <stddef.h>

#include "base/buf.h"
#include "sweep/status_read.h"

enum mx_watch_style {
    MX_WATCH_PLAIN,
    MX_WATCH_HEAD, /* of the whole, and of tables */
    MX_WATCH_GOOD, /* nothing is left to do */
    MX_WATCH_BAD,  /* lost, failed */
    MX_WATCH_FOOT, /* the line of keys */
    MX_WATCH_STYLES
};

struct mx_watch_screen {
    struct mx_buf        text;   /* of all lines, each ended by \n */
    enum mx_watch_style *styles; /* (lines) */
    size_t               lines;
    unsigned             scroll; /* how far down the tables are, after bounds are kept */
};

/* Fill a screen of `width` columns and `height` lines (1 or more each): state, counts, speed, a
 * bar, then as much of the tables as fits from line `scroll` of them on, and the keys in the
 * last line. What is least needed goes first where there is little room; the counts
 * stay to the last. To be released with mx_watch_free(), whatever comes back: 0, or
 * -1 with MX_ENOMEM. */
int  mx_watch_fill(const struct mx_status_view *view, const char *directory, unsigned width,
                   unsigned height, unsigned scroll, struct mx_watch_screen *screen,
                   struct mx_err *err);
void mx_watch_free(struct mx_watch_screen *screen);

#endif
