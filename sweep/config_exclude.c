#include <string.h>

#include "base/num.h"
#include "sweep/config_reader.h"

static bool read_any(const struct mx_reader *reader, const struct mx_node *node,
                     struct mx_match *match)
{
    bool             list = node->kind == MX_NODE_LIST && mx_keys[match->key].type != MX_TYPE_LIST;
    size_t           n = list ? node->count : 1, i = 0;
    struct mx_value *values = mx_arena_alloc(reader->values.arena, n, sizeof *values);
    bool             good = values != NULL;

    if (n == 0) {
        mx_error_at(reader->values.messages, node->place, "exclude: %s has an empty list",
                    mx_keys[match->key].name);
        return false;
    }
    for (const struct mx_node *item = list ? node->first : node; good && i < n;
         item = item->next, i++)
        good = mx_value_read(&reader->values, match->key, item, &values[i]);
    match->any = values;
    match->nany = n;
    return good && (!list || mx_values_distinct(&reader->values, match->key,
                                                mx_keys[match->key].type, values, node));
}

/* {below: x, above: y}. */
static bool read_bounds(const struct mx_reader *reader, const struct mx_node *node,
                        struct mx_match *match)
{
    struct mx_messages *messages = reader->values.messages;
    enum mx_type        type = mx_keys[match->key].type;

    if (type != MX_TYPE_REAL && type != MX_TYPE_INT) {
        mx_error_at(messages, node->place, "exclude: %s is not a number and has no below or above",
                    mx_keys[match->key].name);
        return false;
    }
    for (const struct mx_node *entry = node->first; entry; entry = entry->next) {
        bool below = strcmp(entry->key->text, "below") == 0;

        if (!below && strcmp(entry->key->text, "above") != 0) {
            mx_error_at(messages, entry->key->place,
                        "exclude: a condition takes a value, a list, or {below: x, above: y}");
            return false;
        }
        if (!mx_number_read(&reader->values, entry->key->text, entry,
                            below ? &match->below : &match->above))
            return false;
        *(below ? &match->has_below : &match->has_above) = true;
    }
    if (match->has_below && match->has_above && !(match->below > match->above)) {
        mx_error_at(messages, node->place, "exclude: nothing is above %g and below %g",
                    match->above, match->below);
        return false;
    }
    if (node->count == 0)
        mx_error_at(messages, node->place, "exclude: %s has no condition",
                    mx_keys[match->key].name);
    return node->count > 0;
}

static bool read_rule(const struct mx_reader *reader, const struct mx_node *node,
                      struct mx_exclude *rule)
{
    struct mx_match *matches;
    bool             good = true;

    if (node->kind != MX_NODE_MAP || node->count == 0) {
        mx_error_at(reader->values.messages, node->place,
                    "an exclude rule takes a mapping of keys to values, lists or bounds");
        return false;
    }
    if (!(matches = mx_arena_alloc(reader->values.arena, node->count, sizeof *matches)))
        return false;
    for (const struct mx_node *entry = node->first; entry; entry = entry->next) {
        struct mx_match *match = &matches[rule->nmatches];

        match->key = mx_reader_sweepable(reader, entry, "excluded");
        if (match->key == KEY_COUNT ||
            !(entry->kind == MX_NODE_MAP ? read_bounds(reader, entry, match)
                                         : read_any(reader, entry, match)))
            good = false;
        else
            rule->nmatches++;
    }
    rule->matches = matches;
    rule->line = node->place.line;
    rule->column = node->place.column;
    return good;
}

void mx_reader_excludes(struct mx_reader *reader, const struct mx_node *list)
{
    if (list->kind != MX_NODE_LIST || list->count == 0) {
        mx_error_at(reader->values.messages, list->place,
                    "exclude takes a list of rules (write - {mix.strategy: cutmix})");
        return;
    }
    reader->excludes = mx_arena_alloc(reader->values.arena, list->count, sizeof *reader->excludes);
    if (!reader->excludes)
        return;
    for (const struct mx_node *node = list->first; node; node = node->next)
        if (read_rule(reader, node, &reader->excludes[reader->nexcludes]))
            reader->nexcludes++;
}
