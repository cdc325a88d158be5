#include "sweep/config.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/config_reader.h"

/* What stands at the top of a file besides sections and keys. */
static const char *const blocks[] = {"grid", "grids", "exclude", "smoke", NULL};

enum {
    NAME_ROOM = 128
};

/* How a value is taken: stored, checked only, or stored over what was there. */
typedef void take_fn(struct mx_reader *reader, enum mx_key_id key, const struct mx_node *entry);

static const char *nearest_block(const char *name)
{
    const char *nearest = NULL;
    size_t      best = strlen(name) / 3 + 1;

    for (size_t i = MX_SECTION_DATA; i < MX_SECTIONS + sizeof blocks / sizeof blocks[0] - 1; i++) {
        const char *word = i < MX_SECTIONS ? mx_section_names[i] : blocks[i - MX_SECTIONS];
        size_t      distance = mx_name_distance(name, word);

        if (distance < best) {
            best = distance;
            nearest = word;
        }
    }
    return nearest;
}

void mx_reader_unknown_key(const struct mx_reader *reader, struct mx_place place, const char *shown,
                           const char *full)
{
    bool seen = reader->values.messages->errors < MX_MESSAGES_SHOWN; /* else no time for it */
    const char *nearest = seen ? mx_key_nearest(full) : NULL;
    char        text[MX_SHOWN_SIZE];

    if (!nearest && mx_key_find(shown) != KEY_COUNT)
        nearest = shown;
    if (!nearest && seen)
        nearest = mx_key_nearest(shown);
    if (nearest)
        mx_error_at(reader->values.messages, place, "unknown key '%s' (did you mean '%s'?)",
                    mx_shown(shown, text), nearest);
    else
        mx_error_at(reader->values.messages, place,
                    "unknown key '%s' (mixsweep check --keys lists all)", mx_shown(shown, text));
}

/* Read and check one value; false after a message. */
static bool read_value(struct mx_reader *reader, enum mx_key_id key, const struct mx_node *entry,
                       struct mx_value *value)
{
    return mx_value_read(&reader->values, key, entry, value) &&
           mx_value_check_built(&reader->values, key, value, &reader->defaults[key], entry);
}

static void check_value(struct mx_reader *reader, enum mx_key_id key, const struct mx_node *entry)
{
    struct mx_value value;

    read_value(reader, key, entry, &value);
}

static void override_value(struct mx_reader *reader, enum mx_key_id key,
                           const struct mx_node *entry)
{
    struct mx_value value;

    reader->attempted[key] = true;
    reader->places[key] = entry->key ? entry->key->place : entry->place;
    mx_reader_drop_axis(reader, key);
    if (read_value(reader, key, entry, &value)) {
        reader->config->base[key] = value;
        reader->config->given[key] = true;
    } else {
        reader->broken[key] = true;
    }
}

static void store_value(struct mx_reader *reader, enum mx_key_id key, const struct mx_node *entry)
{
    if (reader->attempted[key])
        mx_error_at(reader->values.messages, entry->key->place, "%s is set twice, first at line %u",
                    mx_keys[key].name, reader->places[key].line);
    else
        override_value(reader, key, entry);
}

/* True if keys continue the dotted name: "data.synthetic". */
static bool is_prefix(const char *name)
{
    size_t length = strlen(name);

    for (size_t key = 0; key < KEY_COUNT; key++)
        if (strncmp(mx_keys[key].name, name, length) == 0 && mx_keys[key].name[length] == '.')
            return true;
    return false;
}

/* Give every value below a mapping to take(); prefix is its dotted name. */
static void walk(struct mx_reader *reader, const char *prefix, const struct mx_node *map,
                 take_fn *take)
{
    if (map->kind != MX_NODE_MAP || map->count == 0) {
        mx_error_at(reader->values.messages, map->place, "%s takes a mapping of keys to values",
                    *prefix ? prefix : "smoke");
        return;
    }
    for (const struct mx_node *entry = map->first; entry; entry = entry->next) {
        const char *name = entry->key->text;
        char        full[NAME_ROOM];
        bool        fits = snprintf(full, sizeof full, "%s%s%s", prefix, *prefix ? "." : "", name) <
                    (int)sizeof full;
        enum mx_key_id key = fits ? mx_key_find(full) : KEY_COUNT;

        if (key != KEY_COUNT)
            take(reader, key, entry);
        else if (fits && is_prefix(full))
            walk(reader, full, entry, take);
        else
            mx_reader_unknown_key(reader, entry->key->place, name, full);
    }
}

/* Smoke values leave the data set alone: its data is a miniature of that set. */
static void smoke_value(struct mx_reader *reader, enum mx_key_id key, const struct mx_node *entry)
{
    struct mx_place first = reader->smoke_places[key];

    reader->smoke_places[key] = entry->key->place;
    if (first.line > 0)
        mx_error_at(reader->values.messages, entry->key->place,
                    "smoke: %s is set twice, first at line %u", mx_keys[key].name, first.line);
    else if (key == KEY_DATA_SET)
        mx_error_at(reader->values.messages, entry->key->place,
                    "smoke cannot set data.set (a smoke run makes a miniature of the set itself)");
    else if (reader->config->smoke)
        override_value(reader, key, entry);
    else
        check_value(reader, key, entry);
}

static enum mx_section section_of(const char *name)
{
    unsigned section = MX_SECTION_DATA;

    while (section < MX_SECTIONS && strcmp(mx_section_names[section], name) != 0)
        section++;
    return (enum mx_section)section;
}

/* An entry of the top that is neither a section nor one of the blocks. */
static void read_top_key(struct mx_reader *reader, const struct mx_node *entry)
{
    const char    *name = entry->key->text, *nearest = nearest_block(name);
    enum mx_key_id key = mx_key_find(name);
    char           shown[MX_SHOWN_SIZE];

    if (key != KEY_COUNT && mx_keys[key].section == MX_SECTION_TOP)
        store_value(reader, key, entry);
    else if (key != KEY_COUNT)
        mx_error_at(reader->values.messages, entry->key->place,
                    "%s cannot stand at the top (write '%s' below '%s:')", name,
                    strchr(name, '.') + 1, mx_section_names[mx_keys[key].section]);
    else if (nearest)
        mx_error_at(reader->values.messages, entry->key->place,
                    "unknown key '%s' (did you mean '%s'?)", mx_shown(name, shown), nearest);
    else
        mx_reader_unknown_key(reader, entry->key->place, name, name);
}

static const struct mx_node *find(const struct mx_node *map, const char *name)
{
    for (const struct mx_node *entry = map->first; entry; entry = entry->next)
        if (strcmp(entry->key->text, name) == 0)
            return entry;
    return NULL;
}

/* Everything in the file, in the order that the checks need. */
static void read_file(struct mx_reader *reader, const struct mx_node *root)
{
    const struct mx_node *grid = find(root, "grid"), *grids = find(root, "grids");
    const struct mx_node *exclude = find(root, "exclude"), *smoke = find(root, "smoke");

    for (const struct mx_node *entry = root->first; entry; entry = entry->next) {
        const char     *name = entry->key->text;
        enum mx_section section = section_of(name);

        if (section != MX_SECTIONS) {
            reader->section_places[section] = entry->key->place;
            walk(reader, name, entry, store_value);
        } else if (entry != grid && entry != grids && entry != exclude && entry != smoke) {
            read_top_key(reader, entry);
        }
    }
    if (grid && grids)
        mx_error_at(reader->values.messages, grids->key->place,
                    "grids cannot stand beside grid, at line %u (make grid its first block)",
                    grid->key->place.line);
    else if (grid)
        mx_reader_grid(reader, grid);
    else if (grids)
        mx_reader_grids(reader, grids);
    if (exclude)
        mx_reader_excludes(reader, exclude);
    if (smoke)
        walk(reader, "", smoke, smoke_value);
}

/* One --set: "train.lr=0.1", or "grid.train.lr=[0.1, 1]" for an axis. */
static void read_set(struct mx_reader *reader, const char *set, unsigned source)
{
    static const char     axis[] = "grid.";
    struct mx_place       place = {source, 1, 1};
    const char           *equals = strchr(set, '='), *name;
    char                 *whole;
    const struct mx_node *node;
    enum mx_key_id        key;
    bool                  sweep = strncmp(set, axis, sizeof axis - 1) == 0;

    if (!equals) {
        mx_error_at(reader->values.messages, place, "no '=' in it (write --set key=value)");
        return;
    }
    if (!(whole = mx_arena_text(reader->values.arena, set, (size_t)(equals - set))))
        return;
    name = whole + (sweep ? sizeof axis - 1 : 0);
    if ((key = mx_key_find(name)) == KEY_COUNT) {
        mx_reader_unknown_key(reader, place, name, name);
        return;
    }
    node = mx_yaml_read(equals + 1, strlen(equals + 1), source, "the value", reader->values.arena,
                        reader->values.messages);
    if (!node)
        return;
    if (!sweep)
        override_value(reader, key, node);
    else if (mx_key_sweepable(key))
        mx_reader_set_axis(reader, key, node);
    else
        mx_error_at(reader->values.messages, place,
                    "%s cannot be an axis (only keys of data, model, train, mix and head can)",
                    name);
}

/* Hand the drafts over to the immutable configuration. */
static void finish_blocks(struct mx_reader *reader)
{
    struct mx_arena *arena = reader->values.arena;
    size_t           nblocks = reader->nblocks ? reader->nblocks : 1;
    struct mx_block *done = mx_arena_alloc(arena, nblocks, sizeof *done);

    for (size_t b = 0; done && b < reader->nblocks; b++) {
        const struct mx_block_draft *draft = &reader->blocks[b];
        struct mx_axis              *axes = mx_arena_alloc(arena, draft->naxes, sizeof *axes);

        for (size_t a = 0; axes && a < draft->naxes; a++)
            axes[a] = (struct mx_axis){draft->axes[a].nkeys, draft->axes[a].keys,
                                       draft->axes[a].values, draft->axes[a].count};
        done[b] = (struct mx_block){draft->naxes, axes};
    }
    reader->config->nblocks = nblocks;
    reader->config->blocks = done;
    reader->config->nexcludes = reader->nexcludes;
    reader->config->excludes = reader->excludes;
}

/* "FOLDER/PATH", or FOLDER if path is "", made absolute, in the arena. */
static const char *absolute(struct mx_arena *arena, const char *folder, const char *path)
{
    char       *joined = *path ? mx_path_join(folder, path) : strdup(folder);
    char       *here = getcwd(NULL, 0), *whole = NULL;
    const char *copy = NULL;

    if (joined && here)
        whole = strcmp(joined, ".") == 0 ? strdup(here) : mx_path_join(here, joined);
    if (whole)
        copy = mx_arena_text(arena, whole, strlen(whole));
    free(joined);
    free(here);
    free(whole);
    return copy;
}

/* The sweep's name, from the file's if there is none, and where paths start. */
static bool name_parts(struct mx_reader *reader, const char *file)
{
    struct mx_config *config = reader->config;
    struct mx_arena  *arena = reader->values.arena;
    char             *folder = mx_arena_text(arena, file, strlen(file));
    char             *copy = mx_arena_text(arena, file, strlen(file)), *base, *end;

    if (!folder || !copy)
        return false;
    base = basename(copy);
    if ((end = strrchr(base, '.')) && (!strcmp(end, ".yaml") || !strcmp(end, ".yml")) && end > base)
        *end = '\0';
    config->file = mx_arena_text(arena, file, strlen(file));
    config->name = *config->base[KEY_NAME].text ? config->base[KEY_NAME].text : base;
    config->directory = absolute(arena, dirname(folder), config->base[KEY_DIRECTORY].text);
    return config->file && config->directory;
}

static bool start(struct mx_reader *reader, struct mx_arena *arena, struct mx_messages *messages,
                  bool smoke)
{
    reader->values = (struct mx_value_reader){arena, messages};
    if (!(reader->config = mx_arena_alloc(arena, 1, sizeof *reader->config)))
        return false;
    mx_specials_find(&reader->specials);
    reader->config->smoke = smoke;
    reader->config->memory = arena;
    for (size_t key = 0; key < KEY_COUNT; key++) {
        if (!mx_value_default(arena, (enum mx_key_id)key, &reader->defaults[key]))
            return false;
        reader->config->base[key] = reader->defaults[key];
    }
    return true;
}

/* From text to a configuration, or to messages. Returns false if memory ran
 * out or there are errors. */
static bool read_all(struct mx_reader *reader, const char *file, const struct mx_buf *text,
                     const char *const *sets, size_t nsets)
{
    struct mx_messages   *messages = reader->values.messages;
    const struct mx_node *root =
        mx_yaml_read(mx_buf_str(text), text->len, 0, "the file", reader->values.arena, messages);

    if (root && root->kind != MX_NODE_MAP)
        mx_error_at(messages, root->place,
                    "a configuration is a mapping of keys (such as 'name: ratios')");
    if (!root || messages->errors > 0)
        return false;
    read_file(reader, root);
    for (size_t i = 0; i < nsets; i++)
        read_set(reader, sets[i], (unsigned)i + 1);
    if (!mx_arena_ok(reader->values.arena) || !name_parts(reader, file))
        return false;
    mx_reader_settle_defaults(reader);
    mx_reader_check(reader);
    finish_blocks(reader);
    return messages->errors == 0 && mx_arena_ok(reader->values.arena);
}

struct mx_config *mx_config_read(const char *file, const char *const *sets, size_t nsets,
                                 bool smoke, struct mx_config_report *report, struct mx_err *err)
{
    struct mx_arena   *arena = mx_arena_new();
    struct mx_reader  *reader = calloc(1, sizeof *reader);
    struct mx_messages messages = {0};
    struct mx_buf      text = {0};
    struct mx_config  *config = NULL;

    if (!mx_file_exists(file)) {
        mx_fail(err, MX_EINVAL, "there is no file %s", file);
        goto done;
    }
    if (!arena || !reader || !start(reader, arena, &messages, smoke))
        goto nomem;
    if (mx_file_read(file, MX_YAML_MAX_BYTES, &text, err) != 0)
        goto done;
    if (read_all(reader, file, &text, sets, nsets))
        config = reader->config;
    mx_messages_write(&messages, file, sets, &report->text);
    report->errors = messages.errors;
    report->warnings = messages.warnings;
    if (messages.failed || !mx_arena_ok(arena) || !mx_buf_ok(&report->text))
        goto nomem;
    if (!config)
        mx_fail(err, MX_EINVAL, "%s: %u error%s", file, messages.errors,
                messages.errors == 1 ? "" : "s");
    goto done;
nomem:
    config = NULL;
    mx_fail(err, MX_ENOMEM, "no memory to read %s", file);
done:
    mx_messages_free(&messages);
    mx_buf_free(&text);
    free(reader);
    if (!config)
        mx_arena_free(arena);
    return config;
}

void mx_config_free(struct mx_config *config)
{
    if (config)
        mx_arena_free(config->memory);
}
