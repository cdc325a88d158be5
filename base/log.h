/* log.h - log records: one line and one write(2) each, repeats counted.
 *
 * Formatting, folding and writing are separate, so that one record can go to
 * the console and to a file, and so that tests need neither. Nothing here
 * reads a clock: the time is in the record.
 */
#ifndef MX_LOG_H
#define MX_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mx_log_level {
    MX_LOG_DEBUG,
    MX_LOG_INFO,
    MX_LOG_WARNING,
    MX_LOG_ERROR,
    MX_LOG_LEVELS
};

/* "debug", "info", "warning", "error". */
extern const char *const mx_log_level_names[MX_LOG_LEVELS];

enum mx_log_format {
    MX_LOG_TEXT, /* 2026-01-31T09:30:00.125Z warning host/rank trial: text */
    MX_LOG_JSON, /* {"time":...,"level":...,"host":...,"rank":...,"trial":...,"text":...} */
};

enum {
    MX_LOG_LINE =
        4096,          /* bytes of a line at most, newline included: PIPE_BUF, so lines never mix */
    MX_LOG_SLOTS = 32, /* different messages whose repeats are counted at the same time */
    MX_LOG_ALIKE = 3, /* warnings that differ in their names and numbers alone: so many are shown */
    MX_LOG_NAME = 64, /* room of a host or trial that is remembered */
};

/* What happened. Texts are lent. */
struct mx_log_record {
    double            utc_s;
    enum mx_log_level level;
    const char       *host;  /* NULL: this says nothing about a host */
    int               rank;  /* -1: nor about a rank */
    const char       *trial; /* NULL: nor about a trial */
    const char       *text;  /* anything: line ends and control characters are escaped */
};

/* Append the record as one line, ended by its only \n. A text that would make
 * it longer than MX_LOG_LINE is cut between two characters and ends with "...";
 * of host and trial, 64 bytes are shown. */
void mx_log_line(const struct mx_log_record *record, enum mx_log_format format, struct mx_buf *out);

/* Write the record's line to a descriptor in one go. `name` says what that is
 * ("log/sweep.log") in the message of -1 with MX_EIO or MX_ENOMEM. */
int mx_log_write(int fd, const char *name, const struct mx_log_record *record,
                 enum mx_log_format format, struct mx_err *err);

/* Whom a record is about, as it is remembered: "" and -1 for nobody. */
struct mx_log_about {
    int  rank;
    char host[MX_LOG_NAME], trial[MX_LOG_NAME];
};

/* Remembers the messages of the last window. A zeroed struct with window_s set
 * is ready, and holds no resources. */
struct mx_log_fold {
    double window_s; /* how long repeats are counted before the count is told */
    struct mx_log_kept {
        bool                used;
        double              first_s; /* when the message itself was written */
        uint64_t            repeats; /* counted since then */
        enum mx_log_level   level;
        struct mx_log_about about, from, to; /* the message; the first and the last counted */
        bool other_host, other_rank, other_trial, other_text; /* in some of those counted */
        char text[512];
    } slot[MX_LOG_SLOTS];
    char told[1024]; /* the text lent by mx_log_fold_due() */
};

/* Ask whether to write a record now. False: it was counted, since
 *   - it equals, time aside, one written less than window_s before; or
 *   - it is a warning or an error, and MX_LOG_ALIKE were written less than window_s before
 *     that differ from it in whom they are about and in the numbers in their text alone: what
 *     befalls many trials, ranks or executors is told in a few lines.
 * A record that cannot be remembered (all slots taken, or too long) is always to be
 * written. */
bool mx_log_fold_take(struct mx_log_fold *fold, const struct mx_log_record *record);

/* Get the next count whose window has ended by utc_s, as a record to write: "TEXT (repeated N
 * times in S)", or, where others were counted, "TEXT (and N more like it in S, from HOST/RANK
 * TRIAL to HOST/RANK TRIAL)", about the host, rank and trial that all of them share; false if
 * there is none. Call until then; with utc_s INFINITY at the end of the program, so that no
 * count is lost. The record's texts are lent until the next call on fold. */
bool mx_log_fold_due(struct mx_log_fold *fold, double utc_s, struct mx_log_record *record);

#ifdef __cplusplus
}
#endif

#endif
