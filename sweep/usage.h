/* usage.h - what the table of a command's options says, for people: --help, a man page,
 * completion. All of it is appended to `out`.
 */
#ifndef MX_SWEEP_USAGE_H
#define MX_SWEEP_USAGE_H

#include "base/buf.h"
#include "sweep/options.h"

/* Columns of --help. */
enum {
    MX_USAGE_WIDTH = 92
};

/* Text of paragraphs, wrapped at `width` columns behind `indent` blanks; the first line
 * begins where the last one ended, at column `at`. */
void mx_usage_wrap(const char *text, size_t at, size_t indent, size_t width, struct mx_buf *out);

/* "--workers N", "--stats [N]", "--json". */
void mx_usage_option(const struct mx_option *option, struct mx_buf *out);

/* What mixsweep COMMAND --help prints. */
void mx_usage_help(const struct mx_usage *usage, struct mx_buf *out);

/* The commands and what they are for, parts of commands left out. */
void mx_usage_list(const struct mx_usage *const *usages, struct mx_buf *out);

/* Pages of section 1 as roff: mixsweep-COMMAND.1; and mixsweep.1, with a list of
 * commands, ended by NULL. */
void mx_usage_man(const struct mx_usage *usage, const char *version, struct mx_buf *out);
void mx_usage_man_all(const struct mx_usage *const *usages, const char *version,
                      struct mx_buf *out);

/* A page with the help of each command, docs/commands.md. */
void mx_usage_markdown(const struct mx_usage *const *usages, struct mx_buf *out);

/* The script with which a shell completes command lines. */
void mx_usage_bash(const struct mx_usage *const *usages, struct mx_buf *out);
void mx_usage_zsh(const struct mx_usage *const *usages, struct mx_buf *out);
void mx_usage_fish(const struct mx_usage *const *usages, struct mx_buf *out);

#endif
