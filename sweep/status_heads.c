/* status_heads.c - the lines of a status before its tables: state, counts, pace. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sweep/progress.h"
#include "sweep/status_print.h"
#include "sweep/text_table.h"

enum {
    TIME_SIZE = 32,
    INDENT = 2 /* of lines that go on with the one before */
};

bool mx_status_runs(const struct mx_status *status)
{
    return strcmp(status->state, "running") == 0 || strcmp(status->state, "draining") == 0;
}

/* The bytes of a text that fill at most so many columns; all of one that is no longer. */
static size_t bytes_of(const char *text, size_t columns)
{
    size_t len = 0;

    for (; text[len] && columns > 0; columns--)
        for (len++; ((unsigned char)text[len] & 0xC0) == 0x80;)
            len++;
    return len;
}

void mx_status_put_cut(struct mx_buf *out, unsigned width, const char *line)
{
    mx_buf_add(out, line, width > 0 ? bytes_of(line, width) : strlen(line));
    mx_buf_text(out, "\n");
}

/* Where a line of so many columns ends: before a blank, or within a word that is longer. */
static size_t break_of(const char *text, size_t columns)
{
    const size_t most = bytes_of(text, columns);
    size_t       at = most;

    if (!text[most])
        return most;
    while (at > 0 && text[at] != ' ')
        at--;
    return at > 0 ? at : most;
}

void mx_status_put_wrapped(struct mx_buf *out, unsigned width, unsigned indent, const char *text)
{
    unsigned first = indent;

    while (width > indent + INDENT && *text) {
        const size_t len = break_of(text, width - first);

        mx_buf_printf(out, "%*s", (int)first, "");
        mx_buf_add(out, text, len);
        mx_buf_text(out, "\n");
        text += len + strspn(text + len, " ");
        first = indent + INDENT;
    }
    if (width == 0)
        mx_buf_printf(out, "%*s", (int)indent, "");
    if (*text) /* as wide as can be, or too narrow for an indent */
        mx_status_put_cut(out, width, text);
}

const char *mx_status_rate(double rate_per_hour, char *out, size_t room)
{
    out[0] = '\0';
    if (isfinite(rate_per_hour))
        snprintf(out, room, rate_per_hour < 100 ? "%.3g/h" : "%.0f/h", rate_per_hour);
    return out;
}

static void put_state(const struct mx_status_view *view, struct mx_buf *line)
{
    const struct mx_status *status = &view->status;
    char                    age[TIME_SIZE], utc[MX_UTC_SIZE];

    mx_buf_printf(line, "%s: %s", status->name, status->state);
    if (mx_status_runs(status))
        mx_buf_printf(line, " on %s (process %ld)", view->owner.process.host,
                      view->owner.process.pid);
    mx_buf_printf(line, ", incarnation %u, ", status->incarnation);
    if (mx_status_runs(status))
        mx_buf_printf(line, "updated %s ago", mx_progress_time(view->age_s, age, sizeof age));
    else
        mx_buf_printf(line, "last heard of %s ago, %s",
                      mx_progress_time(view->age_s, age, sizeof age),
                      mx_clock_format_utc(status->updated_utc_s, utc));
}

/* "24 trials: 12 done, 1 failed, 2 running, 9 pending" */
static void put_counts(const struct mx_status *status, struct mx_buf *line)
{
    const char *comma = ": ";

    mx_buf_printf(line, "%" PRIu64 " trial%s", status->counts.planned,
                  status->counts.planned == 1 ? "" : "s");
    for (size_t k = 0; k < MX_STATES; k++) {
        const enum mx_state state = mx_status_order[k];

        if (status->counts.by_state[state] == 0)
            continue;
        mx_buf_printf(line, "%s%" PRIu64 " %s", comma, status->counts.by_state[state],
                      mx_state_names[state]);
        comma = ", ";
    }
}

/* "35/h, ETA 12m, by the longest chain" */
static void put_rate_and_eta(const struct mx_status *status, struct mx_buf *line)
{
    char        rate[TIME_SIZE], eta[TIME_SIZE];
    const char *basis = status->eta_basis;

    mx_status_rate(status->rate_per_hour, rate, sizeof rate);
    mx_buf_printf(line, "%s%sETA %s%s%s", rate, rate[0] ? ", " : "",
                  mx_progress_time(status->eta_s, eta, sizeof eta), basis ? ", by " : "",
                  basis ? basis : "");
}

/* How it goes, or how to go on; and what it took. */
static void put_pace(const struct mx_status_view *view, const char *directory, struct mx_buf *line)
{
    const struct mx_status *status = &view->status;

    if (strcmp(status->state, "lost") == 0)
        mx_buf_printf(line, "its process (%ld on %s) is gone: mixsweep resume %s goes on",
                      view->owner.process.pid, view->owner.process.host, directory);
    else if (strcmp(status->state, "interrupted") == 0)
        mx_buf_printf(line, "mixsweep resume %s goes on", directory);
    else if (strcmp(status->state, "finished") == 0)
        mx_buf_printf(line, "results: %s/results.csv", directory);
    else
        put_rate_and_eta(status, line);
    if (status->exit_code >= 0)
        mx_buf_printf(line, "; exit code %d", status->exit_code);
    if (status->gpu.known)
        mx_buf_text(line, "; ");
    mx_gpu_use_text(&status->gpu, line);
}

void mx_status_head(const struct mx_status_view *view, const char *directory,
                    enum mx_status_head head, unsigned width, bool wrap, struct mx_buf *out)
{
    struct mx_buf line = {0};

    switch (head) {
    case MX_STATUS_STATE:
        put_state(view, &line);
        break;
    case MX_STATUS_COUNTS:
        put_counts(&view->status, &line);
        break;
    case MX_STATUS_PACE:
    case MX_STATUS_HEADS:
        put_pace(view, directory, &line);
        break;
    }
    if (wrap)
        mx_status_put_wrapped(out, width, 0, mx_buf_str(&line));
    else
        mx_status_put_cut(out, width, mx_buf_str(&line));
    out->failed |= line.failed;
    mx_buf_free(&line);
}
