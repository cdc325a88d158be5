/* status_print.h - how a sweep is doing, for people: counts first. Lines are of at most `width`
 * columns (0 = no limit), ASCII but for what names and messages bring. */
#ifndef MX_SWEEP_STATUS_PRINT_H
#define MX_SWEEP_STATUS_PRINT_H

#include <stdbool.h>

#include "base/buf.h"
#include "sweep/status_read.h"

/* What comes before the tables. */
enum mx_status_head {
    MX_STATUS_STATE,  /* and who runs it */
    MX_STATUS_COUNTS, /* trials by state */
    MX_STATUS_PACE,   /* speed and ETA with its basis, or how to go on; what it took of GPUs */
    MX_STATUS_HEADS
};

/* Append one of them: as a line that is cut where the terminal ends, or as several. `directory`
 * is for the advice on how to go on. */
void mx_status_head(const struct mx_status_view *view, const char *directory,
                    enum mx_status_head head, unsigned width, bool wrap, struct mx_buf *out);

/* Append the tables, each behind an empty line: nodes (lost ones first, at most 20, and how many
 * there are), failures, stages under way, GPUs; and the reduction. What failures say is
 * shortened to a column, or, `whole`, told in lines below where a column is too narrow. */
void mx_status_tables(const struct mx_status_view *view, unsigned width, bool whole,
                      struct mx_buf *out);

/* Append all of it; nothing is cut or shortened but names that are wider than the terminal has
 * room for. */
void mx_status_text(const struct mx_status_view *view, const char *directory, unsigned width,
                    struct mx_buf *out);

/* Whether it says that it runs. */
bool mx_status_runs(const struct mx_status *status);

/* "35/h", "1234/h", or "" for what is not known. Returns out (size room). */
const char *mx_status_rate(double rate_per_hour, char *out, size_t room);

/* Append a line, cut where the terminal ends; or as many lines as it needs, the first one
 * indented by so many columns and the others by two more. */
void mx_status_put_cut(struct mx_buf *out, unsigned width, const char *line);
void mx_status_put_wrapped(struct mx_buf *out, unsigned width, unsigned indent, const char *text);

#endif
