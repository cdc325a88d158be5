/* cmd_watch.c - `mixsweep watch`: the only part that knows ncurses. */
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sweep/command.h"
#include "sweep/watch.h"

struct watch {
    const char *directory;
    double      every_s;
    unsigned    scroll;
    bool        utf8; /* what the terminal shows beyond ASCII */
};

static const struct mx_option known[] = {
    {.name = "every",
     .value = "T",
     .kind = MX_OPTION_DURATION,
     .at = offsetof(struct watch, every_s),
     .help = "how often it is read (5s, 1m), from 0.1s to 1h; default: 2s"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep watch ratios", "From any host that sees the folder:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_watch = {
    .command = "watch",
    .forms = {"watch DIR [--every T]"},
    .takes = "one DIR",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "the same as status on the whole terminal, again and again",
    .about = "Show on the whole terminal how the sweep in DIR is doing, until q is pressed: what "
             "mixsweep status tells, read anew every few seconds. It reads DIR alone, so it works "
             "from any host that sees it, also before the sweep goes on and after it has ended.",
    .options = known,
    .notes = "The keys: q ends it, arrows and page up and down move the tables. Colours are used "
             "where the terminal has some and NO_COLOR is not set.",
    .examples = examples,
    .exits = "0; 2 usage, or DIR holds no sweep; 3 it cannot be read, or no such terminal.",
};

static void start_colours(void)
{
    if (getenv("NO_COLOR") || !has_colors() || start_color() == ERR)
        return;
    use_default_colors();
    init_pair(MX_WATCH_GOOD, COLOR_GREEN, -1);
    init_pair(MX_WATCH_BAD, COLOR_RED, -1);
}

static chtype attributes_of(enum mx_watch_style style)
{
    static const chtype attributes[MX_WATCH_STYLES] = {[MX_WATCH_HEAD] = A_BOLD,
                                                       [MX_WATCH_GOOD] = A_BOLD,
                                                       [MX_WATCH_BAD] = A_BOLD,
                                                       [MX_WATCH_FOOT] = A_REVERSE};

    return attributes[style] |
           (style == MX_WATCH_GOOD || style == MX_WATCH_BAD ? (chtype)COLOR_PAIR(style) : 0);
}

/* One line; what the terminal cannot show is a question mark. */
static void draw_line(const struct watch *watch, int row, char *line, chtype attributes)
{
    for (char *at = line; *at && !watch->utf8; at++)
        if ((unsigned char)*at > 0x7E)
            *at = '?';
    attrset((int)attributes);
    move(row, 0);
    addnstr(line, (int)strlen(line));
    if (attributes & A_REVERSE)
        chgat(-1, A_REVERSE, 0, NULL);
    attrset(A_NORMAL);
}

static void draw(const struct watch *watch, struct mx_watch_screen *screen)
{
    char *line = screen->text.data;

    erase();
    for (size_t k = 0; k < screen->lines; k++) {
        char *end = strchr(line, '\n');

        *end = '\0';
        draw_line(watch, (int)k, line, attributes_of(screen->styles[k]));
        line = end + 1;
    }
    refresh();
}

/* Read and show. A directory that cannot be read for the moment is told in its place. */
static void show(struct watch *watch)
{
    struct mx_status_view  view;
    struct mx_watch_screen screen = {.styles = NULL};
    struct mx_err          err = {0};
    int                    rows, columns;

    getmaxyx(stdscr, rows, columns);
    if (rows < 1 || columns < 1)
        return;
    if (mx_status_view_open(watch->directory, &mx_owner_machine, &view, &err) == 0) {
        if (mx_watch_fill(&view, watch->directory, (unsigned)columns, (unsigned)rows, watch->scroll,
                          &screen, &err) == 0) {
            watch->scroll = screen.scroll;
            draw(watch, &screen);
        }
        mx_watch_free(&screen);
        mx_status_view_close(&view);
    }
    if (err.code != MX_OK) {
        erase();
        draw_line(watch, 0, err.text, attributes_of(MX_WATCH_BAD));
        refresh();
    }
}

/* False if the key ends it. */
static bool take_key(struct watch *watch, int key)
{
    const unsigned page = LINES > 8 ? (unsigned)LINES - 8 : 1;

    switch (key) {
    case 'q':
    case 'Q':
        return false;
    case KEY_DOWN:
    case 'j':
        watch->scroll++;
        break;
    case KEY_UP:
    case 'k':
        watch->scroll -= watch->scroll > 0;
        break;
    case KEY_NPAGE:
    case ' ':
        watch->scroll += page;
        break;
    case KEY_PPAGE:
        watch->scroll -= watch->scroll < page ? watch->scroll : page;
        break;
    case KEY_HOME:
        watch->scroll = 0;
        break;
    default:
        break;
    }
    return true;
}

/* The next key, KEY_RESIZE among them; ERR when it is time to look again. A terminal that changes its
 * size just before ncurses begins to wait is noticed when it begins again: within a second. */
static int next_key(const struct watch *watch)
{
    const double end = mx_clock_monotonic_s() + watch->every_s;
    int          key;

    do {
        timeout((int)(1000 * fmax(0, fmin(1, end - mx_clock_monotonic_s()))));
        key = getch();
    } while (key == ERR && mx_clock_monotonic_s() < end);
    return key;
}

/* Whether the terminal can write anywhere but in its last line. */
static bool can_move(void)
{
    const char *move_cursor = tigetstr("cup");

    return move_cursor && move_cursor != (char *)-1;
}

static int watch_screen(struct watch *watch, struct mx_err *err)
{
    SCREEN *terminal;

    setlocale(LC_CTYPE, ""); /* numbers keep their point */
    watch->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!(terminal = newterm(NULL, stdout, stdin)) || !can_move()) {
        if (terminal) {
            endwin();
            delscreen(terminal);
        }
        return mx_fail(err, MX_EIO,
                       "the terminal '%.60s' (TERM) is not known here, or too simple; mixsweep "
                       "status %.200s tells the same",
                       getenv("TERM") ? getenv("TERM") : "", watch->directory);
    }
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, true);
    start_colours();
    do
        show(watch);
    while (take_key(watch, next_key(watch)));
    endwin();
    delscreen(terminal);
    return 0;
}

static int check(const struct watch *watch, struct mx_err *err)
{
    struct mx_status_view view;

    if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
        return mx_fail(err, MX_EINVAL,
                       "watch needs a terminal; mixsweep status %.300s tells the same once",
                       watch->directory);
    if (mx_status_view_open(watch->directory, &mx_owner_machine, &view, err))
        return -1;
    mx_status_view_close(&view);
    return 0;
}

int mx_cmd_watch(int argc, char **argv)
{
    struct watch  watch = {.every_s = 2};
    struct mx_err err = {0};
    size_t        n;
    int rc = mx_command_read(&mx_usage_watch, argc, argv, &watch, &watch.directory, &n, &err);

    if (rc == 0 && !(watch.every_s >= 0.1 && watch.every_s <= 3600))
        rc = mx_usage_fail(&mx_usage_watch, &err, "takes an --every of 0.1s to 1h");
    if (rc == 0)
        rc = check(&watch, &err) || watch_screen(&watch, &err) ? -1 : 0;
    return rc < 0 ? mx_command_fail(&err) : 0;
}
