/* cmd_help.c - `mixsweep help`: help, pages of the manual and completion, all from the tables
 * of the commands. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "sweep/command.h"
#include "sweep/usage.h"

static const char *const forms[] = {"text", "man", "markdown", "bash", "zsh", "fish", NULL};

enum form {
    TEXT,
    MAN,
    MARKDOWN,
    BASH,
    ZSH,
    FISH
};

struct options {
    unsigned    form;
    const char *folder;
};

static const struct mx_option known[] = {
    {.name = "form",
     .value = "FORM",
     .kind = MX_OPTION_WORD,
     .at = offsetof(struct options, form),
     .words = forms,
     .help =
         "text, man (a page of the manual as roff), markdown (all commands on one page), or the "
         "completion of a shell: bash, zsh, fish"},
    {.name = "write",
     .value = "FOLDER",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, folder),
     .completes = MX_COMPLETES_FOLDERS,
     .help =
         "write all pages and all completions below a folder, which is made if it is not there, as "
         "they are installed"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep help run --form man | man -l -", "A page of the manual that is not installed:"},
    {"source <(mixsweep help --form bash)", "Completion in this shell:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_help_command = {
    .command = "help",
    .forms = {"help [COMMAND] [OPTIONS]"},
    .takes = "one COMMAND at most",
    .most = 2,
    .completes = MX_COMPLETES_COMMANDS,
    .summary = "help on a command; pages of the manual and completion",
    .about = "Print the help of a command, or the list of commands; with --form its page of the "
             "manual, or what makes a shell complete command lines.",
    .options = known,
    .examples = examples,
    .exits = "0; 2 usage, or no such command; 3 a page cannot be written.",
};

static const struct mx_usage *find(const char *command, const char *part)
{
    char name[64];

    snprintf(name, sizeof name, "%s%s%s", command, part ? " " : "", part ? part : "");
    for (const struct mx_usage *const *u = mx_usages; *u; u++)
        if (strcmp((*u)->command, name) == 0)
            return *u;
    return NULL;
}

static void put(enum form form, const struct mx_usage *usage, struct mx_buf *out)
{
    switch (form) {
    case TEXT:
        if (usage)
            mx_usage_help(usage, out);
        else
            mx_usage_list(mx_usages, out);
        break;
    case MAN:
        if (usage)
            mx_usage_man(usage, MX_VERSION, out);
        else
            mx_usage_man_all(mx_usages, MX_VERSION, out);
        break;
    case MARKDOWN:
        mx_usage_markdown(mx_usages, out);
        break;
    case BASH:
        mx_usage_bash(mx_usages, out);
        break;
    case ZSH:
        mx_usage_zsh(mx_usages, out);
        break;
    case FISH:
        mx_usage_fish(mx_usages, out);
        break;
    }
}

/* FOLDER/PLACE/NAME; a blank in a name becomes a hyphen. */
static int write_one(const char *folder, const char *place, const char *name, const char *ending,
                     enum form form, const struct mx_usage *usage, struct mx_err *err)
{
    struct mx_buf path = {0}, text = {0};
    int           rc;

    mx_buf_printf(&path, "%s/%s", folder, place);
    rc = mx_buf_ok(&path) ? mx_dir_make(mx_buf_str(&path), err)
                          : mx_fail(err, MX_ENOMEM, "no memory for a path");
    mx_buf_text(&path, "/");
    for (const char *c = name; *c; c++)
        mx_buf_add(&path, *c == ' ' ? "-" : c, 1);
    mx_buf_text(&path, ending);
    put(form, usage, &text);
    if (rc == 0)
        rc = mx_buf_ok(&path) && mx_buf_ok(&text)
                 ? mx_file_write(mx_buf_str(&path), text.data, text.len, err)
                 : mx_fail(err, MX_ENOMEM, "no memory for a page");
    mx_buf_free(&path);
    mx_buf_free(&text);
    return rc;
}

/* What is there now, and how it comes into use where it was not installed. */
static void tell_written(const char *folder, size_t pages)
{
    printf("written below %s: %zu pages of the manual, and completion for bash, zsh and fish\n"
           "  man %s/man/man1/mixsweep.1\n"
           "  source %s/bash-completion/completions/mixsweep\n"
           "  fpath=(%s/zsh/site-functions $fpath), before compinit\n"
           "  source %s/fish/vendor_completions.d/mixsweep.fish\n",
           folder, pages, folder, folder, folder, folder);
}

static int write_all(const char *folder, struct mx_err *err)
{
    size_t pages = 1;
    int    rc = 0;

    if (write_one(folder, "man/man1", "mixsweep", ".1", MAN, NULL, err) ||
        write_one(folder, "bash-completion/completions", "mixsweep", "", BASH, NULL, err) ||
        write_one(folder, "zsh/site-functions", "_mixsweep", "", ZSH, NULL, err) ||
        write_one(folder, "fish/vendor_completions.d", "mixsweep", ".fish", FISH, NULL, err))
        return -1;
    for (const struct mx_usage *const *u = mx_usages; *u && rc == 0; u++) {
        char name[80];

        snprintf(name, sizeof name, "mixsweep %.60s", (*u)->command);
        rc = write_one(folder, "man/man1", name, ".1", MAN, *u, err);
        pages++;
    }
    if (rc == 0)
        tell_written(folder, pages);
    return rc;
}

static int print(const struct options *options, const char *const *words, size_t n,
                 struct mx_err *err)
{
    const struct mx_usage *usage = n > 0 ? find(words[0], n > 1 ? words[1] : NULL) : NULL;
    struct mx_buf          out = {0};

    if (n > 0 && !usage)
        return mx_fail(err, MX_EINVAL, "no command '%.60s'; mixsweep help lists them",
                       words[n - 1]);
    put((enum form)options->form, usage, &out);
    fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    return 0;
}

int mx_cmd_help(int argc, char **argv)
{
    struct options options = {.form = TEXT};
    struct mx_err  err = {0};
    const char    *words[2] = {NULL, NULL};
    size_t         n;
    int rc = mx_command_read(&mx_usage_help_command, argc, argv, &options, words, &n, &err);

    if (rc == 0)
        rc = options.folder ? write_all(options.folder, &err) : print(&options, words, n, &err);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
