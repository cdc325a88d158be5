#include "sweep/value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/scalar.h"

/* The type that a key's single values have. */
static enum mx_type item_type(enum mx_key_id key)
{
    return mx_keys[key].type == MX_TYPE_LIST ? mx_keys[key].element : mx_keys[key].type;
}

static int order(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_items(enum mx_type type, const struct mx_value *a, const struct mx_value *b)
{
    switch (type) {
    case MX_TYPE_REAL:
    case MX_TYPE_DURATION:
        return order(a->real, b->real);
    case MX_TYPE_INT:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case MX_TYPE_BOOL:
        return a->boolean - b->boolean;
    case MX_TYPE_CHOICE:
        return (a->choice > b->choice) - (a->choice < b->choice);
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        return strcmp(a->text, b->text);
    case MX_TYPE_LIST:
        break;
    }
    return 0;
}

int mx_value_compare(enum mx_key_id key, const struct mx_value *a, const struct mx_value *b)
{
    enum mx_type type = item_type(key);

    if (mx_keys[key].type != MX_TYPE_LIST)
        return compare_items(type, a, b);
    for (size_t i = 0; i < a->list.count && i < b->list.count; i++) {
        int sign = compare_items(type, &a->list.items[i], &b->list.items[i]);

        if (sign)
            return sign;
    }
    return (a->list.count > b->list.count) - (a->list.count < b->list.count);
}

bool mx_value_equal(enum mx_key_id key, const struct mx_value *a, const struct mx_value *b)
{
    return mx_value_compare(key, a, b) == 0;
}

double mx_value_number(enum mx_key_id key, const struct mx_value *value)
{
    return mx_keys[key].type == MX_TYPE_INT ? (double)value->integer : value->real;
}

static void format_item(const struct mx_key *key, enum mx_type type, const struct mx_value *value,
                        struct mx_buf *out)
{
    char text[MX_NUM_SIZE];

    switch (type) {
    case MX_TYPE_REAL:
        mx_buf_text(out, mx_num_format(value->real, text));
        break;
    case MX_TYPE_INT:
        if (value->integer == 0 && key->zero_word)
            mx_buf_text(out, key->zero_word);
        else
            mx_buf_printf(out, "%" PRId64, value->integer);
        break;
    case MX_TYPE_BOOL:
        mx_buf_text(out, value->boolean ? "true" : "false");
        break;
    case MX_TYPE_CHOICE:
        mx_buf_text(out, key->choices[value->choice].word);
        break;
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        mx_buf_text(out, value->text);
        break;
    case MX_TYPE_DURATION:
        if (value->real == 0 && key->zero_word)
            mx_buf_text(out, key->zero_word);
        else
            mx_buf_text(out, mx_num_format_duration(value->real, text));
        break;
    case MX_TYPE_LIST:
        break;
    }
}

void mx_value_format(enum mx_key_id key, const struct mx_value *value, struct mx_buf *out)
{
    const struct mx_key *row = &mx_keys[key];

    if (row->type != MX_TYPE_LIST) {
        format_item(row, row->type, value, out);
        return;
    }
    mx_buf_text(out, "[");
    for (size_t i = 0; i < value->list.count; i++) {
        if (i > 0)
            mx_buf_text(out, ",");
        format_item(row, row->element, &value->list.items[i], out);
    }
    mx_buf_text(out, "]");
}

void mx_value_built_words(const struct mx_key *key, struct mx_buf *out)
{
    const char *between = "";

    for (const struct worker_choice *c = key->choices; c->word; c++)
        if (c->built) {
            mx_buf_printf(out, "%s%s", between, c->word);
            between = ", ";
        }
}

static bool is_built(const struct mx_value_reader *reader, const struct mx_key *key,
                     const struct mx_value *item, struct mx_place place)
{
    const struct worker_choice *choice = &key->choices[item->choice];
    struct mx_buf               built = {0};

    if (choice->built)
        return true;
    mx_value_built_words(key, &built);
    mx_error_at(reader->messages, place, "%s: '%s' is not built yet in this version%s%s", key->name,
                choice->word, built.len > 0 ? "; built: " : "", mx_buf_str(&built));
    mx_buf_free(&built);
    return false;
}

bool mx_value_check_built(const struct mx_value_reader *reader, enum mx_key_id key,
                          const struct mx_value *value, const struct mx_value *standard,
                          const struct mx_node *node)
{
    const struct mx_key *row = &mx_keys[key];
    bool                 good = true;
    size_t               i = 0;

    if (mx_value_equal(key, value, standard))
        return true;
    if (!row->built) {
        mx_error_at(reader->messages, node->place, "%s is not built yet in this version",
                    row->name);
        return false;
    }
    if (row->type == MX_TYPE_CHOICE)
        return is_built(reader, row, value, node->place);
    if (row->type == MX_TYPE_LIST && row->element == MX_TYPE_CHOICE)
        for (const struct mx_node *item = node->first; item; item = item->next)
            good &= is_built(reader, row, &value->list.items[i++], item->place);
    return good;
}

bool mx_value_default(struct mx_arena *arena, enum mx_key_id key, struct mx_value *value)
{
    const struct mx_key   *row = &mx_keys[key];
    struct mx_messages     messages = {0};
    struct mx_value_reader reader = {arena, &messages};
    struct mx_node        *node;
    bool                   good;

    *value = (struct mx_value){0};
    if (!*row->default_text) {
        if (row->type == MX_TYPE_TEXT || row->type == MX_TYPE_PATH)
            value->text = "";
        return true;
    }
    node = mx_yaml_read(row->default_text, strlen(row->default_text), 0, "the default", arena,
                        &messages);
    good = node && mx_value_read(&reader, key, node, value);
    mx_messages_free(&messages);
    return good;
}

struct ranked {
    const struct mx_value *value;
    const struct mx_node  *node;
};

/* What qsort_r() hands on to by_value(). */
struct ranking {
    enum mx_key_id key;
    enum mx_type   type;
};

static int compare_as(const struct ranking *by, const struct mx_value *a, const struct mx_value *b)
{
    return by->type == MX_TYPE_LIST ? mx_value_compare(by->key, a, b)
                                    : compare_items(by->type, a, b);
}

static int by_value(const void *pa, const void *pb, void *by)
{
    const struct ranked *a = pa, *b = pb;
    int                  sign = compare_as(by, a->value, b->value);

    return sign ? sign : (a->value > b->value) - (a->value < b->value);
}

bool mx_values_distinct(const struct mx_value_reader *reader, enum mx_key_id key, enum mx_type type,
                        const struct mx_value *values, const struct mx_node *list)
{
    struct ranked *ranked = mx_arena_alloc(reader->arena, list->count, sizeof *ranked);
    struct ranking by = {key, type};
    size_t         n = 0;
    bool           good = ranked != NULL;

    for (const struct mx_node *node = list->first; ranked && node; node = node->next, n++)
        ranked[n] = (struct ranked){&values[n], node};
    if (n > 1)
        qsort_r(ranked, n, sizeof *ranked, by_value, &by);
    for (size_t i = 1; i < n; i++)
        if (compare_as(&by, ranked[i - 1].value, ranked[i].value) == 0) {
            struct mx_place first = ranked[i - 1].node->place;

            mx_error_at(reader->messages, ranked[i].node->place,
                        "%s: the same value is listed at line %u, column %u", mx_keys[key].name,
                        first.line, first.column);
            good = false;
        }
    return good;
}

/* A value of `type`; as lists hold them and points do. */
static void json_item(struct mx_json *json, const char *name, const struct mx_key *key,
                      enum mx_type type, const struct mx_value *value)
{
    switch (type) {
    case MX_TYPE_REAL:
    case MX_TYPE_DURATION:
        mx_json_real(json, name, value->real == 0 ? 0 : value->real);
        break;
    case MX_TYPE_INT:
        if (key->zero_word && value->integer == 0)
            mx_json_text(json, name, key->zero_word);
        else
            mx_json_int(json, name, value->integer);
        break;
    case MX_TYPE_BOOL:
        mx_json_bool(json, name, value->boolean);
        break;
    case MX_TYPE_CHOICE:
        mx_json_text(json, name, key->choices[value->choice].word);
        break;
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        mx_json_text(json, name, value->text);
        break;
    case MX_TYPE_LIST:
        mx_json_array(json, name);
        for (size_t i = 0; i < value->list.count; i++)
            json_item(json, NULL, key, key->element, &value->list.items[i]);
        mx_json_end_array(json);
        break;
    }
}

void mx_value_json(struct mx_json *json, const char *name, enum mx_key_id key,
                   const struct mx_value *value)
{
    json_item(json, name, &mx_keys[key], mx_keys[key].type, value);
}
