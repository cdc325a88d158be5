/* usage_offer.h - between usage_offer.c and the usage_*.c files of the shells: what completion may
 * offer somewhere. Nobody else's. All text is appended to `out`.
 */
#ifndef MX_SWEEP_USAGE_OFFER_H
#define MX_SWEEP_USAGE_OFFER_H

#include "sweep/keys.h"
#include "sweep/usage.h"

/* What may stand somewhere: words of one kind or the other, or files. */
struct usage_offer {
    enum mx_completes      completes;
    const char *const     *words;
    const struct mx_topic *topics;
};

struct usage_offer usage_offer_of(const struct mx_option *option);
struct usage_offer usage_offer_of_arguments(const struct mx_usage *usage);

/* Its words, each behind a blank, between begin and end. False, and nothing is put, if there are
 * none: these are files, or words that a function of the shell finds. */
bool usage_put_words(const struct usage_offer *offer, const char *begin, const char *end,
                     struct mx_buf *out);

/* The keys that --set takes, each behind a blank and with `behind` at its end. */
void usage_put_keys(const char *behind, struct mx_buf *out);

/* Whether a key takes words, and those, each behind a blank. */
bool usage_has_values(const struct mx_key *key);
void usage_put_values(const struct mx_key *key, struct mx_buf *out);

/* The commands, or with `of` the parts of that one, each behind a blank. */
void usage_put_commands(const struct mx_usage *const *usages, const char *of, struct mx_buf *out);

/* "data fetch" is a part of a command. */
bool usage_is_part(const struct mx_usage *usage);

/* Text between single quotes of a shell. */
void usage_put_quoted(const char *text, struct mx_buf *out);

/* The first sentence of a help, which is what there is room for, quoted; of it no character that
 * is in `without`. */
void usage_put_short(const char *help, const char *without, struct mx_buf *out);

#endif
