#include "sweep/yaml_tree.h"

#include <string.h>
#include <yaml.h>

#include "sweep/utf8.h"

struct builder {
    const char         *text;
    size_t              len;
    unsigned            source;
    struct mx_arena    *arena;
    struct mx_messages *messages;
    struct mx_node     *root;
    struct mx_node     *open[MX_YAML_MAX_DEPTH]; /* collections not yet ended */
    struct mx_node     *key[MX_YAML_MAX_DEPTH];  /* key that waits for its value */
    size_t              depth, nodes, documents;
};

static struct mx_place place_of(const struct builder *b, yaml_mark_t mark)
{
    return (struct mx_place){b->source, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* Remember the first entry of a mapping with the same key; false if it is new. */
static bool already_there(struct builder *b, const struct mx_node *map, const struct mx_node *key)
{
    for (const struct mx_node *entry = map->first; entry; entry = entry->next)
        if (strcmp(entry->key->text, key->text) == 0) {
            char shown[MX_SHOWN_SIZE];

            mx_error_at(b->messages, key->place, "duplicate key '%s', first at line %u",
                        mx_shown(key->text, shown), entry->key->place.line);
            return true;
        }
    return false;
}

/* Take a node as the key of the entry to come. */
static bool take_key(struct builder *b, struct mx_node *map, struct mx_node *node)
{
    if (node->kind != MX_NODE_SCALAR) {
        mx_error_at(b->messages, node->place, "a key must be a name, not a list or mapping");
        return false;
    }
    if (!node->quoted && strcmp(node->text, "<<") == 0)
        mx_error_at(b->messages, node->place,
                    "merge keys (<<) are not supported (write the keys out)");
    if (map->count == MX_YAML_MAX_KEYS) {
        mx_error_at(b->messages, node->place, "more than %d keys in one mapping", MX_YAML_MAX_KEYS);
        return false;
    }
    already_there(b, map, node);
    b->key[b->depth - 1] = node;
    return true;
}

/* Put a node where it belongs: root, list entry, key or value. */
static bool attach(struct builder *b, struct mx_node *node)
{
    struct mx_node *parent;

    if (b->depth == 0) {
        b->root = node;
        return true;
    }
    parent = b->open[b->depth - 1];
    if (parent->kind == MX_NODE_MAP) {
        if (!b->key[b->depth - 1])
            return take_key(b, parent, node);
        node->key = b->key[b->depth - 1];
        b->key[b->depth - 1] = NULL;
    }
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    parent->count++;
    return true;
}

/* A new node from an event; NULL stops the reading. */
static struct mx_node *new_node(struct builder *b, const yaml_event_t *event,
                                const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct mx_place place = place_of(b, event->start_mark);
    struct mx_node *node;
    char            shown[MX_SHOWN_SIZE];

    if (anchor)
        mx_error_at(b->messages, place, "anchors (&%s) are not supported (write the value out)",
                    mx_shown((const char *)anchor, shown));
    if (tag)
        mx_error_at(b->messages, place, "tags are not supported ('%s'): remove it",
                    mx_shown((const char *)tag, shown));
    if (++b->nodes > MX_YAML_MAX_NODES) {
        mx_error_at(b->messages, place, "more than %d values (use a range)", MX_YAML_MAX_NODES);
        return NULL;
    }
    if ((node = mx_arena_alloc(b->arena, 1, sizeof *node)))
        node->place = place;
    return node;
}

static bool scalar(struct builder *b, const yaml_event_t *event)
{
    const char     *text = (const char *)event->data.scalar.value;
    size_t          len = event->data.scalar.length;
    struct mx_node *node = new_node(b, event, event->data.scalar.anchor, event->data.scalar.tag);

    if (!node || !(node->text = mx_arena_text(b->arena, text, len)))
        return false;
    node->kind = MX_NODE_SCALAR;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (strlen(node->text) != len) {
        mx_error_at(b->messages, node->place, "a NUL character inside a text");
        return false;
    }
    return attach(b, node);
}

static bool open_collection(struct builder *b, const yaml_event_t *event)
{
    bool            map = event->type == YAML_MAPPING_START_EVENT;
    struct mx_node *node =
        map ? new_node(b, event, event->data.mapping_start.anchor, event->data.mapping_start.tag)
            : new_node(b, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);

    if (!node)
        return false;
    node->kind = map ? MX_NODE_MAP : MX_NODE_LIST;
    if (b->depth == MX_YAML_MAX_DEPTH) {
        mx_error_at(b->messages, node->place, "nested more than %d levels deep", MX_YAML_MAX_DEPTH);
        return false;
    }
    if (!attach(b, node))
        return false;
    b->open[b->depth++] = node;
    b->key[b->depth - 1] = NULL;
    return true;
}

/* Returns false to stop: limits, or what cannot be made sense of. */
static bool take_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->documents++ == 0)
            return true;
        mx_error_at(b->messages, place_of(b, event->start_mark),
                    "a second document begins here (a configuration is one document)");
        return false;
    case YAML_ALIAS_EVENT:
        mx_error_at(b->messages, place_of(b, event->start_mark),
                    "aliases (*) are not supported (write the value out)");
        return false;
    case YAML_SCALAR_EVENT:
        return scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return open_collection(b, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return true;
}

static void syntax_error(struct builder *b, const yaml_parser_t *parser)
{
    struct mx_place place = place_of(b, parser->problem_mark);
    bool            tab = mx_utf8_at(b->text, b->len, place.line, place.column) == '\t';

    if (parser->error == YAML_MEMORY_ERROR) {
        b->messages->failed = true;
        return;
    }
    if (tab)
        mx_error_at(b->messages, place, "a tab cannot stand here (indent with spaces)");
    else if (parser->context)
        mx_error_at(b->messages, place, "%s (%s that begins at line %zu)",
                    parser->problem ? parser->problem : "not YAML", parser->context,
                    parser->context_mark.line + 1);
    else
        mx_error_at(b->messages, place, "%s", parser->problem ? parser->problem : "not YAML");
}

/* Feed all events to the builder. */
static bool build(struct builder *b)
{
    yaml_parser_t parser;
    yaml_event_t  event;
    bool          good = true, ended = false;

    if (!yaml_parser_initialize(&parser)) {
        b->messages->failed = true;
        return false;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)b->text, b->len);
    while (good && !ended) {
        if (!yaml_parser_parse(&parser, &event)) {
            syntax_error(b, &parser);
            good = false;
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        good = take_event(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return good;
}

struct mx_node *mx_yaml_read(const char *text, size_t len, unsigned source, const char *what,
                             struct mx_arena *arena, struct mx_messages *messages)
{
    static const char bom[] = "\xef\xbb\xbf";
    unsigned          errors = messages->errors;
    struct mx_place   place = {source, 1, 1};
    const char       *problem;
    struct builder    b = {.source = source, .arena = arena, .messages = messages};

    if (len >= 3 && memcmp(text, bom, 3) == 0) {
        text += 3;
        len -= 3;
    }
    b.text = text;
    b.len = len;
    if ((problem = mx_utf8_check(text, len, &place.line, &place.column))) {
        mx_error_at(messages, place, "%s", problem);
        return NULL;
    }
    if (!build(&b) || messages->errors > errors)
        return NULL;
    if (!b.root)
        mx_error_at(messages, place, "%s is empty", what);
    return b.root;
}
