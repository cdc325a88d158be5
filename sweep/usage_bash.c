/* usage_bash.c - completion in bash: a function that looks at the command, then at the option
 * before the cursor. */
#include "sweep/usage_offer.h"

static void put_bash_values(struct usage_offer offer, struct mx_buf *out)
{
    static const char *const places[] = {
        [MX_COMPLETES_NOTHING] = ":",
        [MX_COMPLETES_FILES] = "_mixsweep_files -f",
        [MX_COMPLETES_FOLDERS] = "_mixsweep_files -d",
        [MX_COMPLETES_CONFIGS] = "_mixsweep_files -f -X '!*.y?(a)ml'; _mixsweep_more -d",
        [MX_COMPLETES_KEYS] = "_mixsweep_keys",
        [MX_COMPLETES_COMMANDS] = "_mixsweep_commands",
    };

    if (!usage_put_words(&offer, "COMPREPLY=($(compgen -W '", "' -- \"$word\"))", out))
        mx_buf_text(out, places[offer.completes]);
}

static void put_bash_command(const struct mx_usage *usage, struct mx_buf *out)
{
    mx_buf_printf(out, "    '%s')\n        case $before in\n", usage->command);
    for (const struct mx_option *o = usage->options; o && o->name; o++) {
        if (!o->value || o->kind == MX_OPTION_MAYBE_COUNT)
            continue;
        mx_buf_printf(out, "        --%s) ", o->name);
        put_bash_values(usage_offer_of(o), out);
        mx_buf_text(out, "; return ;;\n");
    }
    mx_buf_text(out,
                "        esac\n        case $word in\n        -*) COMPREPLY=($(compgen -W '--help");
    for (const struct mx_option *o = usage->options; o && o->name; o++)
        mx_buf_printf(out, " --%s", o->name);
    mx_buf_text(out, "' -- \"$word\")) ;;\n        *) ");
    put_bash_values(usage_offer_of_arguments(usage), out);
    mx_buf_text(out, " ;;\n        esac ;;\n");
}

/* Functions that offer words which do not stand for themselves. */
static void put_bash_functions(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(out, "_mixsweep_keys() { compopt -o nospace 2>/dev/null; "
                     "COMPREPLY=($(compgen -W '");
    usage_put_keys("=", out);
    mx_buf_text(out, "' -- \"$word\")); }\n_mixsweep_commands() {\n    case $before in\n"
                     "    data) COMPREPLY=($(compgen -W '");
    usage_put_commands(usages, "data", out);
    mx_buf_text(out, "' -- \"$word\")) ;;\n    help) COMPREPLY=($(compgen -W '");
    usage_put_commands(usages, NULL, out);
    mx_buf_text(out, "' -- \"$word\")) ;;\n    esac\n}\n_mixsweep_value() {\n    case $1 in\n");
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (usage_has_values(&mx_keys[k])) {
            mx_buf_printf(out, "    %s) echo '", mx_keys[k].name);
            usage_put_values(&mx_keys[k], out);
            mx_buf_text(out, "' ;;\n");
        }
    mx_buf_text(out, "    esac\n}\n");
}

void mx_usage_bash(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(
        out,
        "# Completion of mixsweep for bash; made by the program itself.\n"
        "_mixsweep_files() { compopt -o filenames 2>/dev/null; local IFS=$'\\n'; "
        "COMPREPLY=($(compgen \"$@\" -- \"$word\")); }\n"
        "_mixsweep_more() { local IFS=$'\\n'; COMPREPLY+=($(compgen \"$@\" -- \"$word\")); }\n");
    put_bash_functions(usages, out);
    mx_buf_text(out, "_mixsweep() {\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
                     "command=${COMP_WORDS[1]} equals= extglob\n"
                     "    # --name=value is three words here\n"
                     "    [ \"$word\" = = ] && word= && before==\n"
                     "    [ \"$before\" = = ] && equals=1 && before=${COMP_WORDS[COMP_CWORD-1]} && "
                     "[ \"$before\" = = ] && "
                     "before=${COMP_WORDS[COMP_CWORD-2]}\n"
                     "    extglob=$(shopt -p extglob); shopt -s extglob\n"
                     "    COMPREPLY=()\n"
                     "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                     "        COMPREPLY=($(compgen -W '--help --version");
    for (const struct mx_usage *const *u = usages; *u; u++)
        if (!usage_is_part(*u))
            mx_buf_printf(out, " %s", (*u)->command);
    mx_buf_text(out, "' -- \"$word\"))\n    else\n        _mixsweep_of\n    fi\n    $extglob\n}\n"
                     "_mixsweep_of() {\n"
                     "    # --set key=value: the key stands before the sign\n"
                     "    case $equals$before in\n"
                     "    1-*) ;;\n"
                     "    1*) COMPREPLY=($(compgen -W \"$(_mixsweep_value \"$before\")\" -- "
                     "\"$word\")); return ;;\n"
                     "    esac\n"
                     "    [ \"$command\" = data ] && [ \"$COMP_CWORD\" -gt 2 ] && "
                     "command=\"data ${COMP_WORDS[2]}\"\n"
                     "    case $command in\n");
    for (const struct mx_usage *const *u = usages; *u; u++)
        put_bash_command(*u, out);
    mx_buf_text(out, "    esac\n}\ncomplete -F _mixsweep mixsweep\n");
}
