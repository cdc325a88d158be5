/* usage_man.c - pages of the manual, as roff with the macros of man(7). */
#include <string.h>

#include "sweep/usage.h"

/* Text in which nothing is a request or an escape: backslashes, hyphens that are to be copied,
 * quotes, and a point or an apostrophe at the begin of a line. */
static void put_text(const char *text, bool begins_line, struct mx_buf *out)
{
    for (; *text; text++) {
        if (begins_line && strchr(".'", *text))
            mx_buf_text(out, "\\&");
        begins_line = *text == '\n';
        if (*text == '\\')
            mx_buf_text(out, "\\e");
        else if (*text == '-')
            mx_buf_text(out, "\\-");
        else if (*text == '\'')
            mx_buf_text(out, "\\(aq");
        else if (*text == '^')
            mx_buf_text(out, "\\(ha");
        else if (*text == '~')
            mx_buf_text(out, "\\(ti");
        else if (*text == '`')
            mx_buf_text(out, "\\(ga");
        else
            mx_buf_add(out, text, 1);
    }
}

/* Paragraphs. */
static void put_paragraphs(const char *text, struct mx_buf *out)
{
    while (text && *text) {
        const char   *end = strstr(text, "\n\n");
        const size_t  len = end ? (size_t)(end - text) : strlen(text);
        struct mx_buf paragraph = {0};

        mx_buf_text(out, ".PP\n");
        mx_buf_add(&paragraph, text, len);
        put_text(mx_buf_str(&paragraph), true, out);
        mx_buf_text(out, "\n");
        mx_buf_free(&paragraph);
        text += len + (end ? 2 : 0);
    }
}

/* No date: the same program makes the same page. */
static void put_head(const char *name, const char *summary, const char *version, struct mx_buf *out)
{
    mx_buf_printf(out, ".TH %s 1 \"\" \"mixsweep %s\" \"mixsweep\"\n.SH NAME\n", name, version);
    put_text(name, true, out);
    mx_buf_text(out, " \\- ");
    put_text(summary, false, out);
    mx_buf_text(out, "\n");
}

static void put_option(const struct mx_option *option, struct mx_buf *out)
{
    mx_buf_text(out, ".TP\n.B \\-\\-");
    put_text(option->name, false, out);
    if (option->value) {
        mx_buf_text(out, option->kind == MX_OPTION_MAYBE_COUNT ? " \\fR[\\fI" : " \\fI");
        put_text(option->value, false, out);
        mx_buf_text(out, option->kind == MX_OPTION_MAYBE_COUNT ? "\\fR]" : "\\fR");
    }
    mx_buf_text(out, "\n");
    put_text(option->help, true, out);
    mx_buf_text(out, "\n");
}

static void put_topics(const struct mx_usage *usage, struct mx_buf *out)
{
    if (usage->topics)
        put_paragraphs(usage->topics_head, out);
    for (const struct mx_topic *t = usage->topics; t && t->word; t++) {
        mx_buf_printf(out, ".TP\n.B %s\n", t->word);
        put_text(t->help, true, out);
        mx_buf_text(out, "\n");
    }
}

static void put_examples(const struct mx_example *examples, struct mx_buf *out)
{
    if (examples)
        mx_buf_text(out, ".SH EXAMPLES\n");
    for (; examples && examples->line; examples++) {
        mx_buf_text(out, ".PP\n");
        put_text(examples->what, true, out);
        mx_buf_text(out, "\n.PP\n.nf\n.RS\n");
        put_text(examples->line, true, out);
        mx_buf_text(out, "\n.RE\n.fi\n");
    }
}

/* mixsweep-data-fetch of "data fetch". */
static void put_page_name(const struct mx_usage *usage, struct mx_buf *out)
{
    mx_buf_text(out, "mixsweep-");
    for (const char *c = usage->command; *c; c++)
        mx_buf_add(out, *c == ' ' ? "-" : c, 1);
}

void mx_usage_man(const struct mx_usage *usage, const char *version, struct mx_buf *out)
{
    static const struct mx_option help = {.name = "help", .help = "print this in short"};
    struct mx_buf                 name = {0};

    put_page_name(usage, &name);
    put_head(mx_buf_str(&name), usage->summary, version, out);
    mx_buf_free(&name);
    mx_buf_text(out, ".SH SYNOPSIS\n.nf\n");
    for (int f = 0; f < MX_USAGE_FORMS && usage->forms[f]; f++) {
        mx_buf_text(out, "mixsweep ");
        put_text(usage->forms[f], false, out);
        mx_buf_text(out, "\n");
    }
    mx_buf_text(out, ".fi\n.SH DESCRIPTION\n");
    put_paragraphs(usage->about, out);
    put_topics(usage, out);
    mx_buf_text(out, ".SH OPTIONS\n");
    for (const struct mx_option *o = usage->options; o && o->name; o++)
        put_option(o, out);
    put_option(&help, out);
    if (usage->notes) {
        mx_buf_text(out, ".SH NOTES\n");
        put_paragraphs(usage->notes, out);
    }
    put_examples(usage->examples, out);
    if (usage->exits) {
        mx_buf_text(out, ".SH EXIT STATUS\n");
        put_text(usage->exits, true, out);
        mx_buf_text(out, "\n");
    }
    mx_buf_text(out, ".SH SEE ALSO\n.BR mixsweep (1)\n");
}

void mx_usage_man_all(const struct mx_usage *const *usages, const char *version, struct mx_buf *out)
{
    put_head("mixsweep", "ablation sweeps over mixed sample augmentation and meta-learning",
             version, out);
    mx_buf_text(out, ".SH SYNOPSIS\n.B mixsweep\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
                     "mixsweep trains image classifiers over a grid of mixed sample augmentations, "
                     "ratios and settings, and tells how accurate, robust and interpretable the "
                     "model of each cell is. Times are written as 90s or 2h30m.\n.SH COMMANDS\n");
    for (; *usages; usages++) {
        mx_buf_text(out, ".TP\n.BR ");
        put_page_name(*usages, out);
        mx_buf_text(out, " (1)\n");
        put_text((*usages)->summary, true, out);
        mx_buf_text(out, "\n");
    }
    mx_buf_text(out,
                ".SH EXIT STATUS\n"
                "0 all done, or stopped by rule; 1 finished, some trials failed or were "
                "quarantined (of diff: the sweeps differ); 2 usage, configuration, no such sweep "
                "or trial; 3 environment: device, MPI, disk; 4 the directory is in use; 70 "
                "internal; 75 interrupted, resumable.\n"
                ".SH FILES\nA sweep's directory holds results.csv, cells.csv, config.yaml, "
                "provenance.json, status.json, the journal, logs, and stages.\n"
                ".SH ENVIRONMENT\n.TP\n.B MIXSWEEP_CACHE\nfolder of decoded images; else "
                "$XDG_CACHE_HOME/mixsweep or \\(ti/.cache/mixsweep\n.TP\n.B MIXSWEEP_DATA_MIRROR\n"
                "where data fetch fetches from, instead of the publisher\n");
}
