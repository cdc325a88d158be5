/* usage_shells.c - completion for bash, zsh and fish. */
#include <string.h>

#include "sweep/usage.h"

/* Text between single quotes of a shell. */
static void put_quoted(const char *text, struct mx_buf *out)
{
    mx_buf_text(out, "'");
    for (; *text; text++)
        if (*text == '\'')
            mx_buf_text(out, "'\\''");
        else
            mx_buf_add(out, text, 1);
    mx_buf_text(out, "'");
}

/* The first sentence of a help, which is what there is room for. */
static void put_short(const char *help, const char *without, struct mx_buf *out)
{
    size_t        len = strcspn(help, ";\n");
    struct mx_buf text = {0};

    for (size_t k = 0; k < len; k++)
        if (!strchr(without, help[k]))
            mx_buf_add(&text, help + k, 1);
    put_quoted(mx_buf_str(&text), out);
    mx_buf_free(&text);
}

static bool is_part(const struct mx_usage *usage)
{
    return strchr(usage->command, ' ') != NULL;
}

/* What may stand somewhere: words of one kind or the other, or files. */
struct offer {
    enum mx_completes      completes;
    const char *const     *words;
    const struct mx_topic *topics;
};

static struct offer offer_of(const struct mx_option *option)
{
    return (struct offer){option->completes, option->words, NULL};
}

static struct offer offer_of_arguments(const struct mx_usage *usage)
{
    return (struct offer){usage->completes, NULL, usage->topics};
}

/* False if these are no words. */
static bool put_words(const struct offer *offer, const char *begin, const char *end,
                      struct mx_buf *out)
{
    if (!offer->words && !offer->topics)
        return false;
    mx_buf_text(out, begin);
    for (const char *const *word = offer->words; word && *word; word++)
        mx_buf_printf(out, " %s", *word);
    for (const struct mx_topic *topic = offer->topics; topic && topic->word; topic++)
        mx_buf_printf(out, " %s", topic->word);
    mx_buf_text(out, end);
    return true;
}

/* ---- bash: a function that looks at the command, then at the option before the cursor. */

static void put_bash_values(struct offer offer, struct mx_buf *out)
{
    static const char *const places[] = {
        [MX_COMPLETES_NOTHING] = ":",
        [MX_COMPLETES_FILES] = "_mixsweep_files -f",
        [MX_COMPLETES_FOLDERS] = "_mixsweep_files -d",
        [MX_COMPLETES_CONFIGS] = "_mixsweep_files -f -X '!*.y?(a)ml'; _mixsweep_more -d",
    };

    if (!put_words(&offer, "COMPREPLY=($(compgen -W '", "' -- \"$word\"))", out))
        mx_buf_text(out, places[offer.completes]);
}

static void put_bash_command(const struct mx_usage *usage, struct mx_buf *out)
{
    mx_buf_printf(out, "    '%s')\n        case $before in\n", usage->command);
    for (const struct mx_option *o = usage->options; o && o->name; o++) {
        if (!o->value || o->kind == MX_OPTION_MAYBE_COUNT)
            continue;
        mx_buf_printf(out, "        --%s) ", o->name);
        put_bash_values(offer_of(o), out);
        mx_buf_text(out, "; return ;;\n");
    }
    mx_buf_text(out,
                "        esac\n        case $word in\n        -*) COMPREPLY=($(compgen -W '--help");
    for (const struct mx_option *o = usage->options; o && o->name; o++)
        mx_buf_printf(out, " --%s", o->name);
    mx_buf_text(out, "' -- \"$word\")) ;;\n        *) ");
    put_bash_values(offer_of_arguments(usage), out);
    mx_buf_text(out, " ;;\n        esac ;;\n");
}

void mx_usage_bash(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(
        out,
        "# Completion of mixsweep for bash; made by the program itself.\n"
        "_mixsweep_files() { compopt -o filenames 2>/dev/null; local IFS=$'\\n'; "
        "COMPREPLY=($(compgen \"$@\" -- \"$word\")); }\n"
        "_mixsweep_more() { local IFS=$'\\n'; COMPREPLY+=($(compgen \"$@\" -- \"$word\")); }\n"
        "_mixsweep() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
        "command=${COMP_WORDS[1]} extglob\n"
        "    # --name=value is three words here\n"
        "    [ \"$word\" = = ] && word= && before==\n"
        "    [ \"$before\" = = ] && before=${COMP_WORDS[COMP_CWORD-1]} && [ \"$before\" = = ] && "
        "before=${COMP_WORDS[COMP_CWORD-2]}\n"
        "    extglob=$(shopt -p extglob); shopt -s extglob\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        COMPREPLY=($(compgen -W '--help --version");
    for (const struct mx_usage *const *u = usages; *u; u++)
        if (!is_part(*u))
            mx_buf_printf(out, " %s", (*u)->command);
    mx_buf_text(out, "' -- \"$word\"))\n    else\n        _mixsweep_of\n    fi\n    $extglob\n}\n"
                     "_mixsweep_of() {\n"
                     "    [ \"$command\" = data ] && [ \"$COMP_CWORD\" -gt 2 ] && "
                     "command=\"data ${COMP_WORDS[2]}\"\n"
                     "    case $command in\n");
    for (const struct mx_usage *const *u = usages; *u; u++)
        put_bash_command(*u, out);
    mx_buf_text(out, "    esac\n}\ncomplete -F _mixsweep mixsweep\n");
}

/* ---- zsh: _arguments with a line for each option. */

static void put_zsh_action(struct offer offer, struct mx_buf *out)
{
    static const char *const places[] = {
        [MX_COMPLETES_NOTHING] = " ",
        [MX_COMPLETES_FILES] = "_files",
        [MX_COMPLETES_FOLDERS] = "_files -/",
        [MX_COMPLETES_CONFIGS] = "_files -g \"*.y(a|)ml(-.)\"",
    };

    if (!put_words(&offer, "(", ")", out))
        mx_buf_text(out, places[offer.completes]);
}

static void put_zsh_option(const struct mx_option *option, struct mx_buf *out)
{
    struct mx_buf spec = {0}, help = {0};

    put_short(option->help, "[]:'\\", &help);
    mx_buf_printf(&spec, "%s--%s[%.*s]", option->kind == MX_OPTION_LIST ? "*" : "", option->name,
                  help.len > 2 ? (int)help.len - 2 : 0, mx_buf_str(&help) + 1);
    if (option->value) {
        mx_buf_printf(&spec,
                      option->kind == MX_OPTION_MAYBE_COUNT ? "::%s:" : ":%s:", option->value);
        put_zsh_action(offer_of(option), &spec);
    }
    mx_buf_text(out, " \\\n            ");
    put_quoted(mx_buf_str(&spec), out);
    mx_buf_free(&spec);
    mx_buf_free(&help);
}

static void put_zsh_command(const struct mx_usage *usage, struct mx_buf *out)
{
    mx_buf_printf(out, "    '%s')\n        _arguments -s -S '--help[print help]'", usage->command);
    for (const struct mx_option *o = usage->options; o && o->name; o++)
        put_zsh_option(o, out);
    if (usage->completes != MX_COMPLETES_NOTHING || usage->topics) {
        struct mx_buf spec = {0};

        mx_buf_text(&spec, "*: :");
        put_zsh_action(offer_of_arguments(usage), &spec);
        mx_buf_text(out, " \\\n            ");
        put_quoted(mx_buf_str(&spec), out);
        mx_buf_free(&spec);
    }
    mx_buf_text(out, " ;;\n");
}

void mx_usage_zsh(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(out, "#compdef mixsweep\n# Completion of mixsweep for zsh; made by the program "
                     "itself.\n_mixsweep() {\n    local -a commands\n    local command=$words[2]\n"
                     "    commands=(\n");
    for (const struct mx_usage *const *u = usages; *u; u++) {
        struct mx_buf line = {0};

        if (is_part(*u))
            continue;
        mx_buf_printf(&line, "%s:%s", (*u)->command, (*u)->summary);
        mx_buf_text(out, "        ");
        put_quoted(mx_buf_str(&line), out);
        mx_buf_text(out, "\n");
        mx_buf_free(&line);
    }
    mx_buf_text(out, "    )\n    if (( CURRENT == 2 )); then\n"
                     "        _describe command commands\n        return\n    fi\n"
                     "    if [[ $command == data && CURRENT -gt 3 ]]; then\n"
                     "        command=\"data $words[3]\"\n        shift words; (( CURRENT-- ))\n"
                     "    fi\n    shift words; (( CURRENT-- ))\n    case $command in\n");
    for (const struct mx_usage *const *u = usages; *u; u++)
        put_zsh_command(*u, out);
    mx_buf_text(out, "    esac\n}\n_mixsweep \"$@\"\n");
}

/* ---- fish: a line for each option. */

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

static void put_fish_values(struct offer offer, struct mx_buf *out)
{
    static const char *const places[] = {
        [MX_COMPLETES_NOTHING] = " -x",
        [MX_COMPLETES_FILES] = " -rF",
        [MX_COMPLETES_FOLDERS] = " -xa '(__fish_complete_directories)'",
        [MX_COMPLETES_CONFIGS] = " -xa '(__fish_complete_suffix .yaml .yml)'",
    };

    if (!put_words(&offer, " -xa '", "'", out))
        mx_buf_text(out, places[offer.completes]);
}

static void put_fish_command(const struct mx_usage *usage, struct mx_buf *out)
{
    if (usage->completes != MX_COMPLETES_NOTHING || usage->topics) {
        put_fish_condition(usage, out);
        put_fish_values(offer_of_arguments(usage), out);
        mx_buf_text(out, "\n");
    }
    put_fish_condition(usage, out);
    mx_buf_text(out, " -l help -d 'print help'\n");
    for (const struct mx_option *o = usage->options; o && o->name; o++) {
        put_fish_condition(usage, out);
        mx_buf_printf(out, " -l %s", o->name);
        if (o->value && o->kind != MX_OPTION_MAYBE_COUNT)
            put_fish_values(offer_of(o), out);
        mx_buf_text(out, " -d ");
        put_short(o->help, "", out);
        mx_buf_text(out, "\n");
    }
}

void mx_usage_fish(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(out, "# Completion of mixsweep for fish; made by the program itself.\n"
                     "complete -c mixsweep -f\n"
                     "complete -c mixsweep -n __fish_use_subcommand -l version -d 'print the "
                     "version'\n");
    for (const struct mx_usage *const *u = usages; *u; u++)
        if (!is_part(*u)) {
            mx_buf_printf(out, "complete -c mixsweep -n __fish_use_subcommand -a %s -d ",
                          (*u)->command);
            put_quoted((*u)->summary, out);
            mx_buf_text(out, "\n");
        }
    for (const struct mx_usage *const *u = usages; *u; u++)
        put_fish_command(*u, out);
}
