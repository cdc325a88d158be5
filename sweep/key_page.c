#include "sweep/key_page.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "sweep/keys.h"

static const char *const titles[MX_SECTIONS] = {
    "Top of the file",         "data: the images",        "model: the network",
    "train: the training",     "mix: the augmentation",   "head: the last layer",
    "score: what is measured", "search: which cells run", "schedule: how the sweep runs",
};

/* "0 to 0.9", "above 0 to 1000", "1s to 1d". */
static void write_bounds(const struct mx_key *key, struct mx_buf *out)
{
    char low[MX_NUM_SIZE], high[MX_NUM_SIZE];

    if (key->type == MX_TYPE_DURATION) {
        mx_num_format_duration(key->low, low);
        mx_num_format_duration(key->high, high);
    } else {
        mx_num_format(key->low, low);
        mx_num_format(key->high, high);
    }
    mx_buf_printf(out, "%s%s to %s", key->above_low ? "above " : "", low, high);
    if (key->zero_word)
        mx_buf_printf(out, ", or `%s`", key->zero_word);
    if (strcmp(key->unit, "1") != 0 && key->type != MX_TYPE_DURATION)
        mx_buf_printf(out, " (%s)", key->unit);
}

/* Words that this version cannot do are in brackets; where the whole key is not
 * built its row says so. */
static void write_words(const struct mx_key *key, struct mx_buf *out)
{
    for (const struct worker_choice *choice = key->choices; choice->word; choice++) {
        bool later = key->built && !choice->built;

        mx_buf_printf(out, "%s%s`%s`%s", choice == key->choices ? "" : " ", later ? "(" : "",
                      choice->word, later ? ")" : "");
    }
}

static void write_values(const struct mx_key *key, struct mx_buf *out)
{
    enum mx_type type = key->type == MX_TYPE_LIST ? key->element : key->type;

    if (key->range)
        mx_buf_text(out, "lowest and highest, each ");
    else if (key->type == MX_TYPE_LIST)
        mx_buf_text(out, key->rising ? "rising list: " : "list: ");
    switch (type) {
    case MX_TYPE_REAL:
    case MX_TYPE_DURATION:
        write_bounds(key, out);
        break;
    case MX_TYPE_INT:
        mx_buf_text(out, "whole, ");
        write_bounds(key, out);
        break;
    case MX_TYPE_CHOICE:
        write_words(key, out);
        break;
    case MX_TYPE_BOOL:
        mx_buf_text(out, "`true` `false`");
        break;
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        mx_buf_text(out, key->unit);
        break;
    case MX_TYPE_LIST:
        break;
    }
}

/* The conditions that are the key's own: those of its whole section are told
 * above the tables. */
static void write_conditions(const struct mx_key *key, struct mx_buf *out)
{
    const char *between = "";

    for (const struct mx_condition *c = key->used; c->words != 0; c++) {
        bool common = c->key == KEY_TRAIN_EPOCHS ||
                      (c->key == KEY_DATA_SET && key->section != MX_SECTION_DATA);

        if (common)
            continue;
        mx_buf_text(out, between);
        mx_condition_format(c, out);
        between = "; ";
    }
}

static void write_row(const struct mx_key *key, struct mx_buf *out)
{
    mx_buf_printf(out, "| `%s` | ", key->name);
    if (*key->default_text)
        mx_buf_printf(out, "`%s`", key->default_text);
    if (key->other_when.words) {
        mx_buf_printf(out, "; `%s` with ", key->other_text);
        mx_condition_format(&key->other_when, out);
    }
    mx_buf_text(out, " | ");
    write_values(key, out);
    mx_buf_text(out, " | ");
    write_conditions(key, out);
    mx_buf_printf(out, " | %s |\n", key->help);
}

/* The keys of a section that are built, or those that are not; none, no table. */
static void write_table(unsigned section, bool built, const char *title, struct mx_buf *out)
{
    bool opened = false;

    for (size_t k = 0; k < KEY_COUNT; k++) {
        if (mx_keys[k].section != section || mx_keys[k].built != built)
            continue;
        if (!opened)
            mx_buf_printf(out,
                          "\n%s\n\n| key | default | values | used with | meaning |\n"
                          "| --- | --- | --- | --- | --- |\n",
                          title);
        opened = true;
        write_row(&mx_keys[k], out);
    }
}

void mx_key_page(struct mx_buf *out)
{
    char title[64];

    mx_buf_text(out,
                "\nWords in (brackets) and keys under *Not built yet* are known, and this version "
                "cannot do them: anything\nbut the default is an error that says so. An empty "
                "default means none, or what the last column says.\n"
                "\n\"Used with\" names what else must be set for a key to count; elsewhere it is "
                "folded away. On top of that,\nkeys of `model`, `train` and `mix` are unused with "
                "`data.set: features`, and those of `train` and `mix`\n(but `train.precision` and "
                "`train.threads`) with `train.epochs: 0`.\n");
    for (unsigned section = 0; section < MX_SECTIONS; section++) {
        snprintf(title, sizeof title, "### %s", titles[section]);
        write_table(section, true, title, out);
        write_table(section, false, "*Not built yet:*", out);
    }
}
