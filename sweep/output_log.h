/* output_log.h - what an executor prints, in a file that stays small.
 *
 * Executors have nothing to print: what comes is a library's complaint, a
 * sanitizer's report, or a flood. The executors of a rank share one file: at most
 * MX_OUTPUT_LOG_BYTES stay in it and as many in the one before it (PATH.1).
 */
#ifndef MX_SWEEP_OUTPUT_LOG_H
#define MX_SWEEP_OUTPUT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/capped_file.h"

struct mx_output_log;

enum {
    MX_OUTPUT_LOG_BYTES = 1 << 20,
    MX_OUTPUT_LINE = 4096,
    MX_LAST_WORDS_SIZE = 121, /* 120 bytes and a NUL */
};

/* A log that writes to a file, which outlives it. number: each line begins with "[NUMBER] "
 * and is written whole, those longer than MX_OUTPUT_LINE in pieces; -1: bytes as they come, for
 * a file with no other writer. Returns NULL with MX_ENOMEM. */
struct mx_output_log *mx_output_log_new(struct mx_capped_file *file, int64_t number,
                                        struct mx_err *err);
/* What it holds of a line is written. NULL is allowed. */
void                  mx_output_log_free(struct mx_output_log *log);

const char *mx_output_log_path(const struct mx_output_log *log);

/* Append bytes. A disk that does not take them is no reason to stop a sweep:
 * they are dropped. */
void mx_output_log_add(struct mx_output_log *log, const void *data, size_t len);

/* Another process begins: the last words are none. */
void mx_output_log_begin(struct mx_output_log *log);

/* The last line with anything in it since then, its first 120 bytes; what is
 * not printable ASCII is '?'. "" if there is none. Of a line of more than 1,000
 * bytes, those near its end. Returns out. */
const char *mx_output_log_last_words(const struct mx_output_log *log, char out[MX_LAST_WORDS_SIZE]);

#endif
