/* usage_zsh.c - completion in zsh: _arguments with a line for each option. */
#include "sweep/usage_offer.h"

static void put_zsh_action(struct usage_offer offer, struct mx_buf *out)
{
    static const char *const places[] = {
        [MX_COMPLETES_NOTHING] = " ",
        [MX_COMPLETES_FILES] = "_files",
        [MX_COMPLETES_FOLDERS] = "_files -/",
        [MX_COMPLETES_CONFIGS] = "_files -g \"*.y(a|)ml(-.)\"",
        [MX_COMPLETES_KEYS] = "_mixsweep_keys",
        [MX_COMPLETES_COMMANDS] = "_mixsweep_commands",
    };

    if (!usage_put_words(&offer, "(", ")", out))
        mx_buf_text(out, places[offer.completes]);
}

static void put_zsh_option(const struct mx_option *option, struct mx_buf *out)
{
    struct mx_buf spec = {0}, help = {0};

    usage_put_short(option->help, "[]:'\\", &help);
    mx_buf_printf(&spec, "%s--%s%s[%.*s]", option->kind == MX_OPTION_LIST ? "*" : "", option->name,
                  option->value && option->kind != MX_OPTION_MAYBE_COUNT ? "=" : "",
                  help.len > 2 ? (int)help.len - 2 : 0, mx_buf_str(&help) + 1);
    if (option->value) {
        mx_buf_printf(&spec,
                      option->kind == MX_OPTION_MAYBE_COUNT ? "::%s:" : ":%s:", option->value);
        put_zsh_action(usage_offer_of(option), &spec);
    }
    mx_buf_text(out, " \\\n            ");
    usage_put_quoted(mx_buf_str(&spec), out);
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
        put_zsh_action(usage_offer_of_arguments(usage), &spec);
        mx_buf_text(out, " \\\n            ");
        usage_put_quoted(mx_buf_str(&spec), out);
        mx_buf_free(&spec);
    }
    mx_buf_text(out, " ;;\n");
}

static void put_zsh_functions(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(out, "_mixsweep_keys() {\n    if compset -P 1 '*='; then\n"
                     "        case ${${IPREFIX%=}##*=} in\n");
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (usage_has_values(&mx_keys[k])) {
            mx_buf_printf(out, "        (%s) compadd --", mx_keys[k].name);
            usage_put_values(&mx_keys[k], out);
            mx_buf_text(out, " ;;\n");
        }
    mx_buf_text(out, "        esac\n    else\n        compadd -S '' --");
    usage_put_keys("=", out);
    mx_buf_text(out, "\n    fi\n}\n_mixsweep_commands() {\n"
                     "    if [[ $words[CURRENT-1] == data ]]; then\n        compadd --");
    usage_put_commands(usages, "data", out);
    mx_buf_text(out, "\n    else\n        compadd --");
    usage_put_commands(usages, NULL, out);
    mx_buf_text(out, "\n    fi\n}\n");
}

void mx_usage_zsh(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(out, "#compdef mixsweep\n# Completion of mixsweep for zsh; made by the program "
                     "itself.\n");
    put_zsh_functions(usages, out);
    mx_buf_text(out, "_mixsweep() {\n    local -a commands\n    local command=$words[2]\n"
                     "    commands=(\n");
    for (const struct mx_usage *const *u = usages; *u; u++) {
        struct mx_buf line = {0};

        if (usage_is_part(*u))
            continue;
        mx_buf_printf(&line, "%s:%s", (*u)->command, (*u)->summary);
        mx_buf_text(out, "        ");
        usage_put_quoted(mx_buf_str(&line), out);
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
