/* build_config.h - configurations made by hand, for tests of what reads them.
 *
 * Values are kept in one pool that lives as long as the builder; nothing is
 * freed before build_free().
 */
#ifndef MX_TESTS_BUILD_CONFIG_H
#define MX_TESTS_BUILD_CONFIG_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/config.h"
#include "worker/choices.h"

enum {
    BUILD_BLOCKS = 4,
    BUILD_AXES = 12,
    BUILD_RULES = 8,
};

struct build {
    struct mx_config  config;
    struct mx_block   blocks[BUILD_BLOCKS];
    struct mx_axis    axes[BUILD_BLOCKS][BUILD_AXES];
    struct mx_exclude rules[BUILD_RULES];
    void             *pool[512];
    size_t            npool;
};

static inline struct mx_value build_real(double x)
{
    struct mx_value value = {.list = {0}};

    value.real = x;
    return value;
}

static inline struct mx_value build_int(int64_t x)
{
    struct mx_value value = {.list = {0}};

    value.integer = x;
    return value;
}

static inline struct mx_value build_bool(bool x)
{
    struct mx_value value = {.list = {0}};

    value.boolean = x;
    return value;
}

static inline struct mx_value build_choice(unsigned x)
{
    struct mx_value value = {.list = {0}};

    value.choice = x;
    return value;
}

static inline struct mx_value build_text(const char *x)
{
    struct mx_value value = {.list = {0}};

    value.text = x;
    return value;
}

/* A copy of n items that lives as long as the builder. */
static inline void *build_keep(struct build *b, const void *items, size_t n, size_t size)
{
    void *copy = malloc(n * size + 1);

    cr_assert(copy && b->npool < sizeof b->pool / sizeof b->pool[0]);
    memcpy(copy, items, n * size);
    return b->pool[b->npool++] = copy;
}

static inline struct mx_value build_default(const struct mx_key *key)
{
    struct mx_value value = {.list = {0}};

    if (key->type == MX_TYPE_REAL)
        mx_num_parse_real(key->default_text, &value.real);
    else if (key->type == MX_TYPE_INT)
        mx_num_parse_int(key->default_text, &value.integer);
    else if (key->type == MX_TYPE_BOOL)
        value.boolean = strcmp(key->default_text, "true") == 0;
    else if (key->type == MX_TYPE_TEXT || key->type == MX_TYPE_PATH)
        value.text = "";
    for (unsigned i = 0; key->type == MX_TYPE_CHOICE && key->choices[i].word; i++)
        if (strcmp(key->choices[i].word, key->default_text) == 0)
            value.choice = i;
    return value;
}

/* Defaults, data.set synthetic, model.arch linear; one block without axes. */
static inline struct build *build_new(void)
{
    struct build *b = calloc(1, sizeof *b);

    cr_assert_not_null(b);
    b->config.file = "sweep.yaml";
    b->config.directory = "/configs";
    b->config.name = "sweep";
    for (unsigned k = 0; k < KEY_COUNT; k++)
        b->config.base[k] = build_default(&mx_keys[k]);
    b->config.base[KEY_DATA_SET] = build_choice(WORKER_DATA_SYNTHETIC);
    b->config.base[KEY_MODEL_ARCH] = build_choice(WORKER_ARCH_LINEAR);
    for (size_t i = 0; i < BUILD_BLOCKS; i++)
        b->blocks[i].axes = b->axes[i];
    b->config.nblocks = 1;
    b->config.blocks = b->blocks;
    b->config.excludes = b->rules;
    return b;
}

static inline void build_free(struct build *b)
{
    while (b->npool > 0)
        free(b->pool[--b->npool]);
    free(b);
}

/* Another block; the axes that follow are its. */
static inline void build_block(struct build *b)
{
    cr_assert_lt(b->config.nblocks, BUILD_BLOCKS);
    b->config.nblocks++;
}

static inline void build_add_axis(struct build *b, size_t nkeys, const enum mx_key_id *keys,
                                  const struct mx_axis_values *values)
{
    struct mx_block *block = &b->blocks[b->config.nblocks - 1];

    cr_assert_lt(block->naxes, BUILD_AXES);
    b->axes[b->config.nblocks - 1][block->naxes++] =
        (struct mx_axis){nkeys, build_keep(b, keys, nkeys, sizeof *keys),
                         build_keep(b, values, nkeys, sizeof *values), values[0].count};
}

static inline void build_list(struct build *b, enum mx_key_id key, size_t n,
                              const struct mx_value *list)
{
    struct mx_axis_values values = {
        .form = MX_AXIS_LIST, .list = build_keep(b, list, n, sizeof *list), .count = n};

    build_add_axis(b, 1, &key, &values);
}

/* list[k] holds the n values of keys[k]. */
static inline void build_zip(struct build *b, size_t nkeys, const enum mx_key_id *keys, size_t n,
                             const struct mx_value *const *list)
{
    struct mx_axis_values values[8];

    for (size_t k = 0; k < nkeys; k++)
        values[k] = (struct mx_axis_values){
            .form = MX_AXIS_LIST, .list = build_keep(b, list[k], n, sizeof **list), .count = n};
    build_add_axis(b, nkeys, keys, values);
}

static inline void build_linear(struct build *b, enum mx_key_id key, double from, double to,
                                uint64_t count)
{
    struct mx_axis_values values = {.form = MX_AXIS_LINEAR, .from = from, .to = to, .count = count};

    build_add_axis(b, 1, &key, &values);
}

static inline void build_exclude(struct build *b, size_t n, const struct mx_match *matches)
{
    cr_assert_lt(b->config.nexcludes, BUILD_RULES);
    b->rules[b->config.nexcludes++] =
        (struct mx_exclude){n, build_keep(b, matches, n, sizeof *matches), 1, 1};
}

/* The condition "key is this value". */
static inline struct mx_match build_is(struct build *b, enum mx_key_id key, struct mx_value value)
{
    return (struct mx_match){.key = key, .any = build_keep(b, &value, 1, sizeof value), .nany = 1};
}

#define BUILD_LIST(b, key, ...)                                                                    \
    build_list(b, key, sizeof((struct mx_value[]){__VA_ARGS__}) / sizeof(struct mx_value),         \
               (struct mx_value[]){__VA_ARGS__})

#endif
