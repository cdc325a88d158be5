/* yaml_tree.h - YAML text as a tree with places, within limits.
 *
 * Made from libyaml's events. One document of mappings, lists and scalars;
 * anchors, aliases, merge keys and tags are refused, and so is a mapping that
 * holds a key twice. What a scalar means is left to sweep/scalar.h and the key
 * it belongs to.
 */
#ifndef MX_SWEEP_YAML_TREE_H
#define MX_SWEEP_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "sweep/messages.h"

enum {
    MX_YAML_MAX_BYTES = 4 << 20,
    MX_YAML_MAX_DEPTH = 32,
    MX_YAML_MAX_NODES = 200000,
    MX_YAML_MAX_KEYS = 1000, /* of one mapping */
};

struct mx_node {
    enum {
        MX_NODE_SCALAR,
        MX_NODE_LIST,
        MX_NODE_MAP
    } kind;
    struct mx_place place;
    const char     *text;   /* SCALAR, without NUL bytes inside */
    bool            quoted; /* SCALAR: in quotes or a block, so text and nothing else */
    size_t          count;  /* LIST, MAP: entries */
    struct mx_node *first, *last;
    struct mx_node *next; /* entry of the same list or mapping */
    struct mx_node *key;  /* of this entry in its mapping: a SCALAR */
};

/* Read len bytes. Returns the root, or NULL: what is wrong is in *messages, or
 * memory ran out (mx_arena_ok). An empty text is an error that calls it
 * `what`, as in "the file is empty". */
struct mx_node *mx_yaml_read(const char *text, size_t len, unsigned source, const char *what,
                             struct mx_arena *arena, struct mx_messages *messages);

#endif
