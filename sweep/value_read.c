#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "sweep/scalar.h"
#include "sweep/utf8.h"
#include "sweep/value.h"
#include "worker/params.h"

/* One value being read: what for, from where. */
struct reading {
    const struct mx_value_reader *reader;
    const char                   *what; /* the key's name, or what a number is */
    const struct mx_key          *key;  /* NULL for a number that is no key's */
    const struct mx_node         *node;
};

/* Say "WHAT: 'TEXT' PROBLEM"; returns false. */
static bool refuse(const struct reading *r, const char *problem)
{
    char shown[MX_SHOWN_SIZE];

    mx_error_at(r->reader->messages, r->node->place, "%s: '%s' %s", r->what,
                mx_shown(r->node->text, shown), problem);
    return false;
}

/* A single value, and not nothing. */
static bool is_scalar(const struct reading *r)
{
    struct mx_messages *messages = r->reader->messages;

    if (r->node->kind == MX_NODE_MAP)
        mx_error_at(messages, r->node->place, "%s takes a value, not a mapping", r->what);
    else if (r->node->kind == MX_NODE_LIST && r->key && mx_key_sweepable(mx_key_find(r->what)) &&
             r->key->type != MX_TYPE_LIST)
        mx_error_at(messages, r->node->place, "%s takes one value here (to sweep it, %s)", r->what,
                    r->node->place.source > 0 ? "write --set grid.KEY=[...]"
                                              : "move the list into grid");
    else if (r->node->kind == MX_NODE_LIST)
        mx_error_at(messages, r->node->place, "%s takes one value, not a list", r->what);
    else if (!r->node->quoted && mx_scalar_kind(r->node->text) == MX_SCALAR_NULL)
        mx_error_at(messages, r->node->place, "%s has no value", r->what);
    else
        return true;
    return false;
}

/* The number without its zeros in front, for a hint. */
static bool refuse_leading_zero(const struct reading *r)
{
    const char *text = r->node->text, *sign = *text == '-' ? "-" : "";
    char        shown[MX_SHOWN_SIZE], better[MX_SHOWN_SIZE];

    text += *text == '-' || *text == '+';
    while (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
        text++;
    mx_error_at(r->reader->messages, r->node->place, "%s: '%s' has a leading zero (write %s%s)",
                r->what, mx_shown(r->node->text, shown), sign, mx_shown(text, better));
    return false;
}

/* Any finite number. */
static bool read_number(const struct reading *r, double *number)
{
    enum mx_scalar kind;

    if (!is_scalar(r))
        return false;
    kind = mx_scalar_kind(r->node->text);
    if (r->node->quoted)
        return refuse(r, kind == MX_SCALAR_INT || kind == MX_SCALAR_REAL
                             ? "is text because of its quotes (remove them)"
                             : "is not a number");
    switch (kind) {
    case MX_SCALAR_INT:
    case MX_SCALAR_REAL:
        if (!mx_num_parse_real(r->node->text, number))
            return refuse(r, "is too large a number");
        *number += 0.0; /* -0 becomes 0 */
        return true;
    case MX_SCALAR_LEADING_ZERO:
        return refuse_leading_zero(r);
    case MX_SCALAR_NOT_FINITE:
        return refuse(r, "is not a finite number");
    case MX_SCALAR_FOREIGN:
        return refuse(r, "is not a number (write decimal digits only, such as 1000 or 1e-3)");
    case MX_SCALAR_TEXT:
    case MX_SCALAR_NULL:
    case MX_SCALAR_TRUE:
    case MX_SCALAR_FALSE:
        break;
    }
    return refuse(r, "is not a number");
}

/* "above 0, up to 100" or "1 to 65536". */
static bool check_bounds(const struct reading *r, double x)
{
    const struct mx_key *key = r->key;
    char                 low[MX_NUM_SIZE], high[MX_NUM_SIZE], shown[MX_SHOWN_SIZE];
    bool                 inside = (key->above_low ? x > key->low : x >= key->low) && x <= key->high;

    if (inside)
        return true;
    if (key->zero_word && x == 0) {
        mx_error_at(r->reader->messages, r->node->place, "%s: %s is written as a word: %s", r->what,
                    mx_shown(r->node->text, shown), key->zero_word);
        return false;
    }
    if (key->type == MX_TYPE_DURATION) {
        mx_num_format_duration(key->low, low);
        mx_num_format_duration(key->high, high);
    } else {
        mx_num_format(key->low, low);
        mx_num_format(key->high, high);
    }
    mx_error_at(r->reader->messages, r->node->place, "%s: %s is out of bounds (%s%s%s%s%s%s)",
                r->what, mx_shown(r->node->text, shown), key->above_low ? "above " : "", low,
                key->above_low ? ", up to " : " to ", high, key->zero_word ? ", or " : "",
                key->zero_word ? key->zero_word : "");
    return false;
}

/* Whole numbers, also as 1e3; beyond 2^53 in digits only. */
static bool read_int(const struct reading *r, struct mx_value *value)
{
    const double exact = 9007199254740992.0;
    double       x = 0;

    if (!read_number(r, &x))
        return false;
    if (mx_num_parse_int(r->node->text, &value->integer))
        return check_bounds(r, (double)value->integer);
    if (x != floor(x))
        return refuse(r, "is not a whole number");
    if (!check_bounds(r, x))
        return false;
    if (fabs(x) > exact)
        return refuse(r, "is too large to be exact (write all its digits)");
    value->integer = (int64_t)x;
    return true;
}

static bool read_bool(const struct reading *r, struct mx_value *value)
{
    enum mx_scalar kind;

    if (!is_scalar(r))
        return false;
    kind = mx_scalar_kind(r->node->text);
    if (kind != MX_SCALAR_TRUE && kind != MX_SCALAR_FALSE)
        return refuse(r, "is neither true nor false");
    if (r->node->quoted)
        return refuse(r, "is text because of its quotes (remove them)");
    value->boolean = kind == MX_SCALAR_TRUE;
    return true;
}

/* "unknown strategy 'no' (did you mean 'none'? allowed: ...)": words that this
 * version can do, since any other would be refused next. */
static bool unknown_word(const struct reading *r)
{
    const char   *noun = strrchr(r->key->name, '.'), *nearest = NULL;
    size_t        best = strlen(r->node->text) / 3 + 1;
    struct mx_buf allowed = {0};
    char          shown[MX_SHOWN_SIZE];

    for (const struct worker_choice *c = r->key->choices; c->word; c++) {
        size_t distance = mx_name_distance(r->node->text, c->word);

        if (r->key->built && c->built && distance < best) {
            best = distance;
            nearest = c->word;
        }
    }
    if (r->key->built)
        mx_value_built_words(r->key, &allowed);
    mx_error_at(r->reader->messages, r->node->place, "%s: unknown %s '%s' (%s%s%s%s%s)", r->what,
                noun ? noun + 1 : r->key->name, mx_shown(r->node->text, shown),
                nearest ? "did you mean '" : "", nearest ? nearest : "", nearest ? "'? " : "",
                allowed.len > 0 ? "allowed: " : "not built yet in this version",
                mx_buf_str(&allowed));
    mx_buf_free(&allowed);
    return false;
}

static bool read_choice(const struct reading *r, struct mx_value *value)
{
    if (!is_scalar(r))
        return false;
    for (unsigned i = 0; r->key->choices[i].word; i++)
        if (strcmp(r->key->choices[i].word, r->node->text) == 0) {
            value->choice = i;
            return true;
        }
    return unknown_word(r);
}

/* A file that another one may take back: "" is none. */
static bool may_be_empty(const struct mx_key *key)
{
    return key->type == MX_TYPE_PATH && !*key->default_text && key != &mx_keys[KEY_DATA_PATH];
}

static bool read_text(const struct reading *r, struct mx_value *value)
{
    unsigned line = 1, column = 1;

    if (!is_scalar(r))
        return false;
    if (!*r->node->text && !may_be_empty(r->key))
        return refuse(r, "is empty");
    if (mx_utf8_check(r->node->text, strlen(r->node->text), &line, &column) ||
        strpbrk(r->node->text, "\n\r") || strstr(r->node->text, "\xc2\x85") ||
        strstr(r->node->text, "\xe2\x80\xa8") || strstr(r->node->text, "\xe2\x80\xa9"))
        return refuse(r, "holds a line end or control character");
    value->text = r->node->text;
    return true;
}

static bool read_duration(const struct reading *r, struct mx_value *value)
{
    struct mx_err  err;
    enum mx_scalar kind;

    if (!is_scalar(r))
        return false;
    kind = mx_scalar_kind(r->node->text);
    if (kind == MX_SCALAR_INT || kind == MX_SCALAR_REAL)
        return refuse(r, "has no unit (write it as 90s, 5m or 2h30m)");
    if (mx_num_parse_duration(r->node->text, &value->real, &err) != 0) {
        mx_error_at(r->reader->messages, r->node->place, "%s: %s", r->what, err.text);
        return false;
    }
    return check_bounds(r, value->real);
}

static bool read_item(const struct reading *r, enum mx_type type, struct mx_value *value)
{
    switch (type) {
    case MX_TYPE_REAL:
        return read_number(r, &value->real) && check_bounds(r, value->real);
    case MX_TYPE_INT:
        return read_int(r, value);
    case MX_TYPE_BOOL:
        return read_bool(r, value);
    case MX_TYPE_CHOICE:
        return read_choice(r, value);
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        return read_text(r, value);
    case MX_TYPE_DURATION:
        return read_duration(r, value);
    case MX_TYPE_LIST:
        break;
    }
    return false;
}

/* A list that holds something. */
static bool is_list(const struct reading *r)
{
    struct mx_messages *messages = r->reader->messages;
    char                shown[MX_SHOWN_SIZE];

    if (r->node->kind == MX_NODE_LIST && r->node->count > 0)
        return true;
    if (r->node->kind == MX_NODE_LIST)
        mx_error_at(messages, r->node->place, "%s: the list is empty", r->what);
    else if (r->node->kind == MX_NODE_MAP)
        mx_error_at(messages, r->node->place, "%s takes a list, not a mapping%s", r->what,
                    r->key && r->key->repeats && !r->key->range
                        ? " (what is to be drawn twice as often stands there twice)"
                        : "");
    else if (is_scalar(r))
        mx_error_at(messages, r->node->place, "%s takes a list (write [%s])", r->what,
                    mx_shown(r->node->text, shown));
    return false;
}

/* A list as long as its key wants it, and, of a range, in its order. */
static bool list_fits(const struct reading *r, const struct mx_value *value)
{
    const struct mx_key   *key = r->key;
    const struct mx_value *items = value->list.items;
    struct mx_messages    *messages = r->reader->messages;
    bool                   falls = false;

    for (size_t i = 1; key->rising && i < value->list.count; i++)
        falls |= items[i].integer < items[i - 1].integer;
    if (falls)
        mx_error_at(messages, r->node->place, "%s: the values must rise (such as [10, 20])",
                    r->what);
    else if (key->range && (value->list.count != 2 || items[0].real > items[1].real))
        mx_error_at(messages, r->node->place, "%s takes a lowest and a highest value (such as %s)",
                    r->what, key->default_text);
    else if (key->offset >= 0 && !key->scores && value->list.count > WORKER_LIST_ROOM)
        mx_error_at(messages, r->node->place, "%s: %zu values, where %d can be given", r->what,
                    value->list.count, WORKER_LIST_ROOM);
    else
        return true;
    return false;
}

static bool read_list(const struct reading *r, enum mx_key_id key, struct mx_value *value)
{
    struct mx_value *items;
    size_t           n = 0;
    bool             good = true;

    if (!is_list(r) || !(items = mx_arena_alloc(r->reader->arena, r->node->count, sizeof *items)))
        return false;
    for (const struct mx_node *node = r->node->first; node; node = node->next, n++) {
        struct reading item = {r->reader, r->what, r->key, node};

        good &= read_item(&item, r->key->element, &items[n]);
    }
    value->list.items = items;
    value->list.count = n;
    return good && list_fits(r, value) &&
           (r->key->repeats || mx_values_distinct(r->reader, key, r->key->element, items, r->node));
}

bool mx_value_read(const struct mx_value_reader *reader, enum mx_key_id key,
                   const struct mx_node *node, struct mx_value *value)
{
    const struct mx_key *row = &mx_keys[key];
    struct reading       r = {reader, row->name, row, node};

    *value = (struct mx_value){0};
    if (row->zero_word && node->kind == MX_NODE_SCALAR && strcmp(node->text, row->zero_word) == 0)
        return true;
    return row->type == MX_TYPE_LIST ? read_list(&r, key, value) : read_item(&r, row->type, value);
}

bool mx_number_read(const struct mx_value_reader *reader, const char *what,
                    const struct mx_node *node, double *number)
{
    struct reading r = {reader, what, NULL, node};

    return read_number(&r, number);
}
