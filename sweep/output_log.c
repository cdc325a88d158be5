#include "sweep/output_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAIL_BYTES = 1024
};

struct mx_output_log {
    struct mx_capped_file *file;
    int64_t                number;
    size_t                 nline, ntail;
    char                   line[MX_OUTPUT_LINE]; /* the one that has begun */
    char                   tail[TAIL_BYTES];     /* the last bytes of the present process */
};

static void end_line(struct mx_output_log *log);

struct mx_output_log *mx_output_log_new(struct mx_capped_file *file, int64_t number,
                                        struct mx_err *err)
{
    struct mx_output_log *log = calloc(1, sizeof *log);

    if (!log) {
        mx_fail(err, MX_ENOMEM, "no memory for the log %s", mx_capped_file_path(file));
        return NULL;
    }
    log->file = file;
    log->number = number;
    return log;
}

void mx_output_log_free(struct mx_output_log *log)
{
    if (log)
        end_line(log);
    free(log);
}

const char *mx_output_log_path(const struct mx_output_log *log)
{
    return mx_capped_file_path(log->file);
}

static void keep_tail(struct mx_output_log *log, const char *data, size_t len)
{
    size_t kept;

    if (len > TAIL_BYTES) {
        data += len - TAIL_BYTES;
        len = TAIL_BYTES;
    }
    kept = log->ntail < TAIL_BYTES - len ? log->ntail : TAIL_BYTES - len;
    memmove(log->tail, log->tail + log->ntail - kept, kept);
    memcpy(log->tail + kept, data, len);
    log->ntail = kept + len;
}

/* Bytes as they come, each file filled to its brim. */
static void add_raw(struct mx_output_log *log, const char *at, size_t len)
{
    while (len > 0) {
        size_t room = mx_capped_file_room(log->file);
        size_t piece = room > 0 ? room : MX_OUTPUT_LOG_BYTES;

        piece = piece < len ? piece : len;
        if (mx_capped_file_add(log->file, at, piece, NULL))
            return;
        at += piece;
        len -= piece;
    }
}

static void end_line(struct mx_output_log *log)
{
    if (log->nline == 0)
        return;
    log->line[log->nline++] = '\n';
    mx_capped_file_add(log->file, log->line, log->nline, NULL);
    log->nline = 0;
}

static void add_lines(struct mx_output_log *log, const char *at, size_t len)
{
    for (; len > 0; at++, len--) {
        if (log->nline == 0)
            log->nline =
                (size_t)snprintf(log->line, sizeof log->line, "[%lld] ", (long long)log->number);
        if (*at != '\n')
            log->line[log->nline++] = *at;
        if (*at == '\n' || log->nline == MX_OUTPUT_LINE - 1)
            end_line(log);
    }
}

void mx_output_log_add(struct mx_output_log *log, const void *data, size_t len)
{
    keep_tail(log, data, len);
    (log->number < 0 ? add_raw : add_lines)(log, data, len);
}

void mx_output_log_begin(struct mx_output_log *log)
{
    end_line(log);
    log->ntail = 0;
}

const char *mx_output_log_last_words(const struct mx_output_log *log, char out[MX_LAST_WORDS_SIZE])
{
    size_t start, end = log->ntail, n = 0;

    while (end > 0 && (unsigned char)log->tail[end - 1] <= ' ')
        end--;
    for (start = end; start > 0 && log->tail[start - 1] != '\n'; start--)
        ;
    for (; start < end && n < MX_LAST_WORDS_SIZE - 1; start++)
        out[n++] = log->tail[start] >= ' ' && log->tail[start] <= '~' ? log->tail[start] : '?';
    out[n] = '\0';
    return out;
}
