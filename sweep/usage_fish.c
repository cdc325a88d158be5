/* usage_fish.c - completion in fish: a line for each option. */
#include <string.h>

#include "sweep/usage_offer.h"

static void put_fish_condition(const struct mx_usage *usage, struct mx_buf *out)
{
    const char *part = strchr(usage->command, ' ');

    if (part)
        mx_buf_printf(out,
                      "complete -c mixsweep -n '__fish_seen_subcommand_from %.*s; and "
                      "__fish_seen_subcommand_from %s'",
                      (int)(part - usage->command), usage->command, part + 1);
    else
        mx_buf_printf(out, "complete -c mixsweep -n '__fish_seen_subcommand_from %s'",
                      usage->command);
}

static void put_fish_values(struct usage_offer offer, struct mx_buf *out)
{
    static const char *const places[] = {
        [MX_COMPLETES_NOTHING] = " -x",
        [MX_COMPLETES_FILES] = " -rF",
        [MX_COMPLETES_FOLDERS] = " -xa '(__fish_complete_directories)'",
        [MX_COMPLETES_CONFIGS] = " -xa '(__fish_complete_suffix .yaml .yml)'",
        [MX_COMPLETES_KEYS] = " -xa '(__mixsweep_keys)'",
        [MX_COMPLETES_COMMANDS] = " -xa '(__mixsweep_commands)'",
    };

    if (!usage_put_words(&offer, " -xa '", "'", out))
        mx_buf_text(out, places[offer.completes]);
}

static void put_fish_command(const struct mx_usage *usage, struct mx_buf *out)
{
    if (usage->completes != MX_COMPLETES_NOTHING || usage->topics) {
        put_fish_condition(usage, out);
        put_fish_values(usage_offer_of_arguments(usage), out);
        mx_buf_text(out, "\n");
    }
    put_fish_condition(usage, out);
    mx_buf_text(out, " -l help -d 'print help'\n");
    for (const struct mx_option *o = usage->options; o && o->name; o++) {
        put_fish_condition(usage, out);
        mx_buf_printf(out, " -l %s", o->name);
        if (o->value && o->kind != MX_OPTION_MAYBE_COUNT)
            put_fish_values(usage_offer_of(o), out);
        mx_buf_text(out, " -d ");
        usage_put_short(o->help, "", out);
        mx_buf_text(out, "\n");
    }
}

static void put_fish_functions(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(out, "function __mixsweep_keys\n"
                     "    set -l typed (string replace -r '^--set=' '' -- (commandline -ct))\n"
                     "    set -l values\n"
                     "    switch $typed\n");
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (usage_has_values(&mx_keys[k])) {
            mx_buf_printf(out, "        case '%s=*'\n            set values", mx_keys[k].name);
            usage_put_values(&mx_keys[k], out);
            mx_buf_text(out, "\n");
        }
    mx_buf_text(out, "        case '*=*'\n            return\n        case '*'\n"
                     "            string join \\n");
    usage_put_keys("=", out);
    mx_buf_text(out, "\n            return\n    end\n"
                     "    string replace -r '^' (string replace -r '=.*' '=' -- $typed) $values\n"
                     "end\nfunction __mixsweep_commands\n"
                     "    switch (commandline -pco)[-1]\n        case data\n"
                     "            string join \\n");
    usage_put_commands(usages, "data", out);
    mx_buf_text(out, "\n        case help\n            string join \\n");
    usage_put_commands(usages, NULL, out);
    mx_buf_text(out, "\n    end\nend\n");
}

void mx_usage_fish(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(out, "# Completion of mixsweep for fish; made by the program itself.\n");
    put_fish_functions(usages, out);
    mx_buf_text(out, "complete -c mixsweep -f\n"
                     "complete -c mixsweep -n __fish_use_subcommand -l version -d 'print the "
                     "version'\n");
    for (const struct mx_usage *const *u = usages; *u; u++)
        if (!usage_is_part(*u)) {
            mx_buf_printf(out, "complete -c mixsweep -n __fish_use_subcommand -a %s -d ",
                          (*u)->command);
            usage_put_quoted((*u)->summary, out);
            mx_buf_text(out, "\n");
        }
    for (const struct mx_usage *const *u = usages; *u; u++)
        put_fish_command(*u, out);
}
