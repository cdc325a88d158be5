/* messages.h - what check has to say about a configuration.
 *
 * Errors and warnings are collected with their places while a configuration is
 * read, and shown in the order of the file, whatever the order of the checks.
 */
#ifndef MX_SWEEP_MESSAGES_H
#define MX_SWEEP_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Where something is written. Source 0 is the file, source n the n-th --set.
 * Lines and columns count from 1, columns in characters. */
struct mx_place {
    unsigned source, line, column;
};

struct mx_message;

/* Zeroed = empty. */
struct mx_messages {
    struct mx_message *list;
    size_t             count, room;
    unsigned           errors, warnings;
    bool               failed; /* memory ran out: something is missing */
};

/* Add an error or a warning: one line. */
void mx_error_at(struct mx_messages *messages, struct mx_place place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void mx_warning_at(struct mx_messages *messages, struct mx_place place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Append "FILE:LINE:COL: error: TEXT\n" for each, sorted by place; what comes
 * from sets[n-1] begins with "--set SET: " instead. At most MX_MESSAGES_SHOWN
 * lines, then one that counts the rest. */
enum {
    MX_MESSAGES_SHOWN = 200
};
void mx_messages_write(struct mx_messages *messages, const char *file, const char *const *sets,
                       struct mx_buf *out);

void mx_messages_free(struct mx_messages *messages);

/* Text from a user, made fit for a message: control bytes become '?', and what
 * is longer than 60 bytes is cut with "...". Returns out. */
enum {
    MX_SHOWN_SIZE = 68
};
const char *mx_shown(const char *text, char out[MX_SHOWN_SIZE]);

#endif
