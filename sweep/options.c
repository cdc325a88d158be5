#include "sweep/options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/keys.h"
#include "sweep/messages.h"

/* What is being read. */
struct reader {
    const struct mx_usage  *usage;
    int                     argc, next;
    char                  **argv;
    char                   *into;
    /* An option whose number was left out, and the word behind it. */
    const struct mx_option *alone;
    const char             *behind;
};

int mx_usage_fail(const struct mx_usage *usage, struct mx_err *err, const char *fmt, ...)
{
    char    text[384];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return mx_fail(err, MX_EINVAL, "%s %s; mixsweep %s --help tells more", usage->command, text,
                   usage->command);
}

/* The option that a misspelt one means, or NULL. */
static const char *nearest(const struct mx_usage *usage, const char *name)
{
    const char *found = NULL;
    size_t      least = SIZE_MAX;

    for (const struct mx_option *o = usage->options; o && o->name; o++) {
        const size_t distance = mx_name_distance(name, o->name);

        if (strncmp(name, o->name, strlen(name)) == 0 && strlen(name) > 1)
            return o->name;
        if (distance < least && distance * 3 <= strlen(o->name)) {
            least = distance;
            found = o->name;
        }
    }
    return found;
}

static int unknown(const struct mx_usage *usage, const char *word, struct mx_err *err)
{
    const char *name = word + strspn(word, "-"), *meant;
    char        bare[64], shown[MX_SHOWN_SIZE];

    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(name, "="), name);
    meant = nearest(usage, bare);
    mx_shown(word, shown);
    return meant
               ? mx_usage_fail(usage, err, "does not take '%s' (did you mean --%s?)", shown, meant)
               : mx_usage_fail(usage, err, "does not take '%s'", shown);
}

static void words_text(const struct mx_option *option, char *out, size_t size)
{
    size_t used = 0;

    for (const char *const *word = option->words; *word && used < size; word++)
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 word == option->words ? ""
                                 : word[1]             ? ", "
                                                       : " or ",
                                 *word);
}

/* "--workers 0: give a number from 1 to 4096". text NULL: nothing stood behind it. */
static int wrong(const struct mx_option *option, const char *text, struct mx_err *err)
{
    char give[192], shown[MX_SHOWN_SIZE];

    if (option->give)
        snprintf(give, sizeof give, "%s", option->give);
    else if (option->words)
        words_text(option, give, sizeof give);
    else if (option->kind == MX_OPTION_COUNT || option->kind == MX_OPTION_MAYBE_COUNT)
        snprintf(give, sizeof give, "a number from %" PRId64 " to %" PRId64, option->low,
                 option->high);
    else if (option->kind == MX_OPTION_DURATION)
        snprintf(give, sizeof give, "a time above 0, as 90s or 2h30m");
    else
        snprintf(give, sizeof give, "%s", option->value);
    if (!text || !*text)
        return mx_fail(err, MX_EINVAL, "--%s: give %s", option->name, give);
    return mx_fail(err, MX_EINVAL, "--%s %s: give %s", option->name, mx_shown(text, shown), give);
}

static int take_count(const struct mx_option *option, const char *text, int64_t *count,
                      struct mx_err *err)
{
    int64_t value;

    if (!mx_num_parse_int(text, &value) || value < option->low || value > option->high)
        return wrong(option, text, err);
    *count = value;
    return 0;
}

static int take_real(const struct mx_option *option, const char *text, double *real,
                     struct mx_err *err)
{
    double value;

    if (!mx_num_parse_real(text, &value) ||
        !(value >= (double)option->low && value <= (double)option->high))
        return wrong(option, text, err);
    *real = value;
    return 0;
}

static int take_duration(const struct mx_option *option, const char *text, double *seconds,
                         struct mx_err *err)
{
    double value;

    if (mx_num_parse_duration(text, &value, err))
        return mx_err_prefix(err, "--%s", option->name);
    if (!(value > 0))
        return wrong(option, text, err);
    *seconds = value;
    return 0;
}

static int take_word(const struct mx_option *option, const char *text, unsigned *place,
                     struct mx_err *err)
{
    for (unsigned w = 0; option->words[w]; w++)
        if (strcmp(option->words[w], text) == 0) {
            *place = w;
            return 0;
        }
    return wrong(option, text, err);
}

static int take_item(const struct reader *reader, const char *text, struct mx_option_list *list,
                     struct mx_err *err)
{
    if (!list->items && !(list->items = calloc((size_t)reader->argc, sizeof *list->items)))
        return mx_fail(err, MX_ENOMEM, "no memory for the command line");
    list->items[list->count++] = text;
    return 0;
}

static int take_value(const struct reader *reader, const struct mx_option *option, const char *text,
                      struct mx_err *err)
{
    void *place = reader->into + option->at;

    if (!*text)
        return wrong(option, text, err);
    switch (option->kind) {
    case MX_OPTION_TEXT:
        *(const char **)place = text;
        return 0;
    case MX_OPTION_COUNT:
    case MX_OPTION_MAYBE_COUNT:
        return take_count(option, text, place, err);
    case MX_OPTION_REAL:
        return take_real(option, text, place, err);
    case MX_OPTION_DURATION:
        return take_duration(option, text, place, err);
    case MX_OPTION_WORD:
        return take_word(option, text, place, err);
    case MX_OPTION_LIST:
        return take_item(reader, text, place, err);
    case MX_OPTION_FLAG:
        break;
    }
    return 0;
}

/* What follows belongs to an option that may stand alone if it is a number. */
static int take_maybe(struct reader *reader, const struct mx_option *option, struct mx_err *err)
{
    const char *text = reader->next < reader->argc ? reader->argv[reader->next] : "";

    if (*text && strspn(text, "0123456789") == strlen(text)) {
        reader->next++;
        return take_value(reader, option, text, err);
    }
    reader->alone = option;
    reader->behind = text;
    *(int64_t *)(void *)(reader->into + option->at) = option->alone;
    return 0;
}

static int take_option(struct reader *reader, const char *word, struct mx_err *err)
{
    const char             *name = word + 2, *equals = strchr(name, '=');
    const size_t            len = equals ? (size_t)(equals - name) : strlen(name);
    const struct mx_option *option = reader->usage->options;

    while (option && option->name &&
           !(strlen(option->name) == len && strncmp(option->name, name, len) == 0))
        option++;
    if (strncmp(word, "--", 2) != 0 || !option || !option->name)
        return unknown(reader->usage, word, err);
    if (option->kind == MX_OPTION_FLAG) {
        if (equals)
            return mx_fail(err, MX_EINVAL, "--%s stands alone: it takes no value", option->name);
        *(bool *)(reader->into + option->at) = true;
        return 0;
    }
    if (equals)
        return take_value(reader, option, equals + 1, err);
    if (option->kind == MX_OPTION_MAYBE_COUNT)
        return take_maybe(reader, option, err);
    if (reader->next == reader->argc)
        return wrong(option, NULL, err);
    return take_value(reader, option, reader->argv[reader->next++], err);
}

static int take_argument(const struct reader *reader, const char *word, const char **arguments,
                         size_t *narguments, struct mx_err *err)
{
    const struct mx_usage *usage = reader->usage;
    char                   shown[MX_SHOWN_SIZE];

    if (*narguments < usage->most) {
        arguments[(*narguments)++] = word;
        return 0;
    }
    if (reader->behind && *reader->behind) /* one word too many: that was to be the number */
        return mx_fail(err, MX_EINVAL,
                       "--%s %s: give a number from %" PRId64 " to %" PRId64 ", or none",
                       reader->alone->name, mx_shown(reader->behind, shown), reader->alone->low,
                       reader->alone->high);
    mx_shown(word, shown);
    return usage->takes
               ? mx_usage_fail(usage, err, "does not take '%s': it takes %s", shown, usage->takes)
               : mx_usage_fail(usage, err, "does not take '%s'", shown);
}

int mx_options_read(const struct mx_usage *usage, int argc, char **argv, void *into,
                    const char **arguments, size_t *narguments, struct mx_err *err)
{
    struct reader reader = {.usage = usage, .argc = argc, .next = 1, .argv = argv, .into = into};
    bool          ended = false;

    *narguments = 0;
    while (reader.next < argc) {
        const char *word = argv[reader.next++];
        int         rc;

        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
            continue;
        }
        if (!ended && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
            return 1;
        rc = !ended && word[0] == '-' && word[1]
                 ? take_option(&reader, word, err)
                 : take_argument(&reader, word, arguments, narguments, err);
        if (rc)
            return rc;
    }
    return *narguments < usage->least ? mx_usage_fail(usage, err, "takes %s", usage->takes) : 0;
}
