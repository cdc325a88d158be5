/* usage_offer.c - what completion may offer, as words. */
#include "sweep/usage_offer.h"

#include <string.h>

#include "sweep/downloads.h"

void usage_put_quoted(const char *text, struct mx_buf *out)
{
    mx_buf_text(out, "'");
    for (; *text; text++)
        if (*text == '\'')
            mx_buf_text(out, "'\\''");
        else
            mx_buf_add(out, text, 1);
    mx_buf_text(out, "'");
}

void usage_put_short(const char *help, const char *without, struct mx_buf *out)
{
    size_t        len = strcspn(help, ";\n");
    struct mx_buf text = {0};

    for (size_t k = 0; k < len; k++)
        if (!strchr(without, help[k]))
            mx_buf_add(&text, help + k, 1);
    usage_put_quoted(mx_buf_str(&text), out);
    mx_buf_free(&text);
}

bool usage_is_part(const struct mx_usage *usage)
{
    return strchr(usage->command, ' ') != NULL;
}

struct usage_offer usage_offer_of(const struct mx_option *option)
{
    return (struct usage_offer){option->completes, option->words, NULL};
}

struct usage_offer usage_offer_of_arguments(const struct mx_usage *usage)
{
    return (struct usage_offer){usage->completes, NULL, usage->topics};
}

static void put_sets(struct mx_buf *out)
{
    for (const struct worker_choice *set = worker_data_sets; set->word; set++)
        mx_buf_printf(out, " %s", set->word);
}

static void put_fetched(struct mx_buf *out)
{
    for (const struct mx_download *set = mx_downloads; set->what; set++)
        mx_buf_printf(out, " %s", mx_download_word(set));
}

bool usage_put_words(const struct usage_offer *offer, const char *begin, const char *end,
                     struct mx_buf *out)
{
    const bool sets = offer->completes == MX_COMPLETES_SETS;
    const bool fetched = offer->completes == MX_COMPLETES_FETCHED;

    if (!offer->words && !offer->topics && !sets && !fetched)
        return false;
    mx_buf_text(out, begin);
    for (const char *const *word = offer->words; word && *word; word++)
        mx_buf_printf(out, " %s", *word);
    for (const struct mx_topic *topic = offer->topics; topic && topic->word; topic++)
        mx_buf_printf(out, " %s", topic->word);
    if (sets)
        put_sets(out);
    if (fetched)
        put_fetched(out);
    mx_buf_text(out, end);
    return true;
}

void usage_put_keys(const char *behind, struct mx_buf *out)
{
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (mx_keys[k].built)
            mx_buf_printf(out, " %s%s", mx_keys[k].name, behind);
}

bool usage_has_values(const struct mx_key *key)
{
    return key->built && (key->choices || key->type == MX_TYPE_BOOL);
}

void usage_put_values(const struct mx_key *key, struct mx_buf *out)
{
    if (key->type == MX_TYPE_BOOL)
        mx_buf_text(out, " true false");
    for (const struct worker_choice *choice = key->choices; choice && choice->word; choice++)
        if (choice->built)
            mx_buf_printf(out, " %s", choice->word);
}

void usage_put_commands(const struct mx_usage *const *usages, const char *of, struct mx_buf *out)
{
    const size_t len = of ? strlen(of) : 0;

    for (const struct mx_usage *const *u = usages; *u; u++)
        if (!of && !usage_is_part(*u))
            mx_buf_printf(out, " %s", (*u)->command);
        else if (of && strncmp((*u)->command, of, len) == 0 && (*u)->command[len] == ' ')
            mx_buf_printf(out, " %s", (*u)->command + len + 1);
}
