#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "sweep/config.h"

/* Text in double quotes with YAML's escapes. */
static void write_text(const char *text, struct mx_buf *out)
{
    mx_buf_text(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            mx_buf_text(out, "\\");
        mx_buf_add(out, text, 1);
    }
    mx_buf_text(out, "\"");
}

static void write_value(enum mx_key_id key, const struct mx_value *value, struct mx_buf *out)
{
    const struct mx_key *row = &mx_keys[key];

    if (row->type == MX_TYPE_TEXT || row->type == MX_TYPE_PATH)
        write_text(value->text, out);
    else
        mx_value_format(key, value, out);
}

/* What was never given and has no default stays out: "" is no path. */
static bool is_unset(enum mx_key_id key, const struct mx_value *value)
{
    enum mx_type type = mx_keys[key].type;

    if (type == MX_TYPE_TEXT || type == MX_TYPE_PATH)
        return !*value->text;
    return type == MX_TYPE_LIST && value->list.count == 0;
}

static const struct mx_axis_values *find_axis(const struct mx_block *block, enum mx_key_id key)
{
    for (size_t a = 0; a < block->naxes; a++)
        for (size_t k = 0; k < block->axes[a].nkeys; k++)
            if (block->axes[a].keys[k] == key)
                return &block->axes[a].values[k];
    return NULL;
}

/* A key that every block sweeps may have no value beside it. */
static bool always_swept(const struct mx_config *config, enum mx_key_id key)
{
    for (size_t b = 0; b < config->nblocks; b++)
        if (!find_axis(&config->blocks[b], key))
            return false;
    return true;
}

static bool swept_somewhere(const struct mx_config *config, enum mx_key_id key)
{
    for (size_t b = 0; b < config->nblocks; b++)
        if (find_axis(&config->blocks[b], key))
            return true;
    return false;
}

/* A default that changes along the grid: written, it would be the same everywhere. */
static bool follows_grid(const struct mx_config *config, enum mx_key_id key)
{
    const struct mx_condition *when = &mx_keys[key].other_when;

    return when->words && !config->given[key] && swept_somewhere(config, when->key);
}

/* Required keys have no default: without a value they are axes, or unused. */
static bool is_written(const struct mx_config *config, enum mx_key_id key)
{
    if (always_swept(config, key) || is_unset(key, &config->base[key]))
        return false;
    return config->given[key] || *mx_keys[key].default_text;
}

static void write_keys(const struct mx_config *config, enum mx_section section, struct mx_buf *out)
{
    bool opened = section == MX_SECTION_TOP;

    for (size_t k = 0; k < KEY_COUNT; k++) {
        enum mx_key_id key = (enum mx_key_id)k;
        const char    *name = mx_keys[k].name;

        if (mx_keys[k].section != section || key == KEY_NAME || key == KEY_DIRECTORY ||
            !is_written(config, key))
            continue;
        if (!opened)
            mx_buf_printf(out, "%s:\n", mx_section_names[section]);
        opened = true;
        if (follows_grid(config, key)) {
            mx_buf_printf(out, "  # %s: %s, but %s with ", strchr(name, '.') + 1,
                          mx_keys[k].default_text, mx_keys[k].other_text);
            mx_condition_format(&mx_keys[k].other_when, out);
            mx_buf_text(out, "\n");
            continue;
        }
        if (section != MX_SECTION_TOP)
            mx_buf_printf(out, "  %s: ", strchr(name, '.') + 1);
        else
            mx_buf_printf(out, "%s: ", name);
        write_value(key, &config->base[key], out);
        mx_buf_text(out, "\n");
    }
}

static void write_axis_values(enum mx_key_id key, const struct mx_axis_values *values,
                              struct mx_buf *out)
{
    char from[MX_NUM_SIZE], to[MX_NUM_SIZE];

    if (values->form != MX_AXIS_LIST) {
        mx_buf_printf(out, "{%s: [%s, %s], count: %" PRIu64 "}",
                      values->form == MX_AXIS_LOG ? "log" : "linear",
                      mx_num_format(values->from, from), mx_num_format(values->to, to),
                      values->count);
        return;
    }
    for (uint64_t i = 0; i < values->count; i++) {
        mx_buf_text(out, i == 0 ? "[" : ", ");
        write_value(key, &values->list[i], out);
    }
    mx_buf_text(out, "]");
}

/* One block: its keys each on a line behind `indent`. */
static void write_block(const struct mx_block *block, const char *indent, struct mx_buf *out)
{
    for (size_t a = 0; a < block->naxes; a++) {
        const struct mx_axis *axis = &block->axes[a];

        mx_buf_text(out, indent);
        if (axis->nkeys > 1)
            mx_buf_text(out, "zip: {");
        for (size_t k = 0; k < axis->nkeys; k++) {
            mx_buf_printf(out, "%s%s: ", k > 0 ? ", " : "", mx_keys[axis->keys[k]].name);
            write_axis_values(axis->keys[k], &axis->values[k], out);
        }
        mx_buf_text(out, axis->nkeys > 1 ? "}\n" : "\n");
    }
}

static void write_blocks(const struct mx_config *config, struct mx_buf *out)
{
    if (config->nblocks == 1 && config->blocks[0].naxes > 0) {
        mx_buf_text(out, "grid:\n");
        write_block(&config->blocks[0], "  ", out);
    }
    if (config->nblocks > 1)
        mx_buf_text(out, "grids:\n");
    for (size_t b = 0; config->nblocks > 1 && b < config->nblocks; b++) {
        mx_buf_text(out, config->blocks[b].naxes > 0 ? "  -\n" : "  - {}\n");
        write_block(&config->blocks[b], "    ", out);
    }
}

static void write_match(const struct mx_match *match, struct mx_buf *out)
{
    char number[MX_NUM_SIZE];

    mx_buf_printf(out, "%s: ", mx_keys[match->key].name);
    if (match->nany == 0) {
        mx_buf_text(out, "{");
        if (match->has_below)
            mx_buf_printf(out, "below: %s", mx_num_format(match->below, number));
        if (match->has_above)
            mx_buf_printf(out, "%sabove: %s", match->has_below ? ", " : "",
                          mx_num_format(match->above, number));
        mx_buf_text(out, "}");
        return;
    }
    if (match->nany > 1)
        mx_buf_text(out, "[");
    for (size_t i = 0; i < match->nany; i++) {
        mx_buf_text(out, i > 0 ? ", " : "");
        write_value(match->key, &match->any[i], out);
    }
    if (match->nany > 1)
        mx_buf_text(out, "]");
}

static void write_excludes(const struct mx_config *config, struct mx_buf *out)
{
    if (config->nexcludes > 0)
        mx_buf_text(out, "exclude:\n");
    for (size_t e = 0; e < config->nexcludes; e++) {
        mx_buf_text(out, "  - {");
        for (size_t m = 0; m < config->excludes[e].nmatches; m++) {
            mx_buf_text(out, m > 0 ? ", " : "");
            write_match(&config->excludes[e].matches[m], out);
        }
        mx_buf_text(out, "}\n");
    }
}

void mx_config_write(const struct mx_config *config, struct mx_buf *out)
{
    mx_buf_text(out, "# Every key with its value, written by mixsweep.\nname: ");
    write_text(config->name, out);
    mx_buf_text(out, "\ndirectory: ");
    write_text(config->directory, out);
    mx_buf_text(out, "\n");
    for (unsigned section = MX_SECTION_TOP; section < MX_SECTIONS; section++)
        write_keys(config, (enum mx_section)section, out);
    write_blocks(config, out);
    write_excludes(config, out);
}
