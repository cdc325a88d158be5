#include "sweep/usage.h"

#include <string.h>

void mx_usage_wrap(const char *text, size_t at, size_t indent, size_t width, struct mx_buf *out)
{
    bool first = true;

    while (*text) {
        const size_t len = strcspn(text, " \n");

        if (text[0] == '\n' && text[1] == '\n') {
            mx_buf_printf(out, "\n\n%*s", (int)indent, "");
            text += 2;
            at = indent;
            first = true;
        } else if (len == 0) {
            text++;
        } else {
            if (!first && at + 1 + len > width) {
                mx_buf_printf(out, "\n%*s", (int)indent, "");
                at = indent;
            } else if (!first) {
                mx_buf_text(out, " ");
                at++;
            }
            mx_buf_add(out, text, len);
            at += len;
            text += len;
            first = false;
        }
    }
}

void mx_usage_option(const struct mx_option *option, struct mx_buf *out)
{
    const bool maybe = option->kind == MX_OPTION_MAYBE_COUNT;

    mx_buf_printf(out, "--%s", option->name);
    if (option->value)
        mx_buf_printf(out, maybe ? " [%s]" : " %s", option->value);
}

static size_t widest(const struct mx_option *options)
{
    size_t width = strlen("--help");

    for (const struct mx_option *o = options; o && o->name; o++) {
        struct mx_buf text = {0};

        mx_usage_option(o, &text);
        width = text.len > width ? text.len : width;
        mx_buf_free(&text);
    }
    return width;
}

static void put_options(const struct mx_usage *usage, struct mx_buf *out)
{
    static const struct mx_option help = {.name = "help", .help = "print this"};
    const size_t                  indent = widest(usage->options) + 4;
    const struct mx_option       *o = usage->options;

    mx_buf_text(out, "\n");
    for (bool last = false; !last; o++) {
        const size_t from = out->len;

        last = !o || !o->name;
        mx_buf_text(out, "  ");
        mx_usage_option(last ? &help : o, out);
        while (out->len - from < indent && mx_buf_ok(out))
            mx_buf_text(out, " ");
        mx_usage_wrap(last ? help.help : o->help, indent, indent, MX_USAGE_WIDTH, out);
        mx_buf_text(out, "\n");
        if (last)
            break;
    }
}

static void put_topics(const struct mx_usage *usage, struct mx_buf *out)
{
    size_t indent = 0;

    for (const struct mx_topic *t = usage->topics; t && t->word; t++)
        indent = strlen(t->word) + 4 > indent ? strlen(t->word) + 4 : indent;
    if (usage->topics)
        mx_buf_printf(out, "\n%s\n\n", usage->topics_head);
    for (const struct mx_topic *t = usage->topics; t && t->word; t++) {
        mx_buf_printf(out, "  %-*s", (int)indent - 2, t->word);
        mx_usage_wrap(t->help, indent, indent, MX_USAGE_WIDTH, out);
        mx_buf_text(out, "\n");
    }
}

static void put_paragraphs(const char *text, struct mx_buf *out)
{
    if (!text)
        return;
    mx_buf_text(out, "\n");
    mx_usage_wrap(text, 0, 0, MX_USAGE_WIDTH, out);
    mx_buf_text(out, "\n");
}

static void put_examples(const struct mx_example *examples, struct mx_buf *out)
{
    if (examples)
        mx_buf_text(out, "\nExamples:\n");
    for (; examples && examples->line; examples++) {
        mx_buf_text(out, "  ");
        mx_usage_wrap(examples->what, 2, 2, MX_USAGE_WIDTH, out);
        mx_buf_printf(out, "\n      %s\n", examples->line);
    }
}

void mx_usage_help(const struct mx_usage *usage, struct mx_buf *out)
{
    for (int f = 0; f < MX_USAGE_FORMS && usage->forms[f]; f++)
        mx_buf_printf(out, "%s mixsweep %s\n", f == 0 ? "usage:" : "      ", usage->forms[f]);
    put_paragraphs(usage->about, out);
    put_topics(usage, out);
    put_options(usage, out);
    put_paragraphs(usage->notes, out);
    put_examples(usage->examples, out);
    if (usage->exits) {
        mx_buf_text(out, "\nExit status: ");
        mx_usage_wrap(usage->exits, strlen("Exit status: "), 0, MX_USAGE_WIDTH, out);
        mx_buf_text(out, "\n");
    }
}

void mx_usage_list(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(out, "usage: mixsweep COMMAND [OPTIONS]\n\n");
    for (; *usages; usages++)
        if (!strchr((*usages)->command, ' '))
            mx_buf_printf(out, "  %-8s  %s\n", (*usages)->command, (*usages)->summary);
    mx_buf_text(out, "\nmixsweep COMMAND --help tells the options of a command.\n");
}

void mx_usage_markdown(const struct mx_usage *const *usages, struct mx_buf *out)
{
    mx_buf_text(
        out, "# Commands\n\nWhat `mixsweep COMMAND --help` says, of all commands; the page is what "
             "`mixsweep help --form markdown` prints.\nTimes are written as `90s` or "
             "`2h30m`.\n");
    for (; *usages; usages++) {
        mx_buf_printf(out, "\n## %s\n\n```\n", (*usages)->command);
        mx_usage_help(*usages, out);
        mx_buf_text(out, "```\n");
    }
}
