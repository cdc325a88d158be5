/* value.h - values of keys: read from YAML nodes, compared.
 *
 * (Formatting and equality for everybody are in sweep/config.h.)
 */
#ifndef MX_SWEEP_VALUE_H
#define MX_SWEEP_VALUE_H

#include <stdbool.h>

#include "base/json.h"
#include "sweep/config.h"
#include "sweep/messages.h"
#include "sweep/yaml_tree.h"

/* Where values come from and complaints go. */
struct mx_value_reader {
    struct mx_arena    *arena;
    struct mx_messages *messages;
};

/* Read one value of a key: type, bounds, known words. Returns false after a
 * message at the node's place, or if memory ran out (mx_arena_ok). Whether the
 * key and its words are built is not asked: see mx_value_check_built(). */
bool mx_value_read(const struct mx_value_reader *reader, enum mx_key_id key,
                   const struct mx_node *node, struct mx_value *value);

/* Read a number that is no key's value, called `what` in messages. */
bool mx_number_read(const struct mx_value_reader *reader, const char *what,
                    const struct mx_node *node, double *number);

/* Append the words of a CHOICE key that this version can do, ", " between them. */
void mx_value_built_words(const struct mx_key *key, struct mx_buf *out);

/* Refuse what this version cannot do: a key that is not built with anything
 * but its default, or a word that is not built. Returns false after a message
 * at `node`, which the value was read from; words of a list are all named. */
bool mx_value_check_built(const struct mx_value_reader *reader, enum mx_key_id key,
                          const struct mx_value *value, const struct mx_value *standard,
                          const struct mx_node *node);

/* The default of a key: 0, "" or an empty list where the table gives none.
 * Returns false if memory ran out. */
bool mx_value_default(struct mx_arena *arena, enum mx_key_id key, struct mx_value *value);

/* Order of values of one key: negative, 0, positive. Text by bytes, lists item
 * by item. */
int mx_value_compare(enum mx_key_id key, const struct mx_value *a, const struct mx_value *b);

/* Write a value into JSON as `plan` does: numbers, words (also the word that a key has
 * for 0), true or false, texts, lists. */
void mx_value_json(struct mx_json *json, const char *name, enum mx_key_id key,
                   const struct mx_value *value);

/* A number of a key (REAL, INT, DURATION) as a double. */
double mx_value_number(enum mx_key_id key, const struct mx_value *value);

/* Refuse a list that holds a value twice, naming both places. values[0..n) are
 * the entries of `list`, of the key's own type or, inside a value that is a
 * list, of its element type. Returns false after a message. */
bool mx_values_distinct(const struct mx_value_reader *reader, enum mx_key_id key, enum mx_type type,
                        const struct mx_value *values, const struct mx_node *list);

#endif
