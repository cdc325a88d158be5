/* options.h - command lines: one table says what a command takes, and reading, error
 * texts, --help, man pages and completion come from it.
 */
#ifndef MX_SWEEP_OPTIONS_H
#define MX_SWEEP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What an option sets in the command's own struct, `at` bytes behind its begin. */
enum mx_option_kind {
    MX_OPTION_FLAG,        /* bool: true */
    MX_OPTION_TEXT,        /* const char *, lent, not "" */
    MX_OPTION_COUNT,       /* int64_t, low to high */
    MX_OPTION_MAYBE_COUNT, /* the same; without a number behind it: `alone` */
    MX_OPTION_REAL,        /* double, low to high */
    MX_OPTION_DURATION,    /* double: seconds, above 0 */
    MX_OPTION_WORD,        /* unsigned: place in `words` */
    MX_OPTION_LIST,        /* struct mx_option_list: may be repeated */
};

/* What completion offers for a value or an argument. */
enum mx_completes {
    MX_COMPLETES_NOTHING,
    MX_COMPLETES_FILES,
    MX_COMPLETES_FOLDERS,
    MX_COMPLETES_CONFIGS,  /* *.yaml and folders */
    MX_COMPLETES_KEYS,     /* KEY=VALUE of a configuration */
    MX_COMPLETES_COMMANDS, /* of the program, and the parts of one */
    MX_COMPLETES_SETS,     /* data sets as data.set takes them */
    MX_COMPLETES_FETCHED,  /* those that data fetch knows */
};

struct mx_option_list {
    const char **items; /* the array is the caller's to free, the texts are lent */
    size_t       count;
};

struct mx_option {
    const char         *name;  /* without dashes; NULL ends a table */
    const char         *value; /* as help shows it: "N"; NULL: a flag */
    enum mx_option_kind kind;
    size_t              at;
    int64_t             low, high; /* COUNT, REAL */
    int64_t             alone;     /* MAYBE_COUNT */
    const char *const  *words;     /* WORD, ended by NULL; for completion of a TEXT too */
    enum mx_completes   completes;
    const char         *give; /* in errors, behind "give "; NULL: said by kind and bounds */
    const char         *help; /* is wrapped */
};

struct mx_example {
    const char *line; /* the whole command; NULL ends a list */
    const char *what;
};

/* A word that an argument may be, and what it means. */
struct mx_topic {
    const char *word; /* NULL ends a list */
    const char *help; /* is wrapped */
};

enum {
    MX_USAGE_FORMS = 4
};

/* All about a command. Paragraphs are wrapped, and parted by an empty line. */
struct mx_usage {
    const char              *command;               /* "run", "data fetch" */
    const char              *forms[MX_USAGE_FORMS]; /* behind "mixsweep ", ended by NULL */
    const char              *takes;                 /* "one CONFIG", or NULL: no argument */
    unsigned                 least, most;           /* arguments */
    enum mx_completes        completes;             /* the first of them */
    const struct mx_topic   *topics;                /* or one of these words */
    const char              *topics_head;           /* stands above them in the help */
    const char              *summary;       /* a line for the list of commands and the man page */
    const char              *about, *notes; /* before and behind the options; notes may be NULL */
    const struct mx_option  *options;       /* NULL: none */
    const struct mx_example *examples;      /* NULL: none */
    const char              *exits;         /* "0, or 2 for usage" */
};

/* Rows that several commands have; `into` is the command's struct. */
#define MX_OPTION_SET(into, member)                                                                \
    {                                                                                              \
        .name = "set", .value = "KEY=VALUE", .kind = MX_OPTION_LIST, .at = offsetof(into, member), \
        .completes = MX_COMPLETES_KEYS, .help = "set a key of the configuration; may be repeated"  \
    }
#define MX_OPTION_SMOKE(into, member)                                                              \
    {                                                                                              \
        .name = "smoke", .at = offsetof(into, member),                                             \
        .help = "apply the configuration's smoke overrides"                                        \
    }
#define MX_OPTION_JSON(into, member, text)                                                         \
    {                                                                                              \
        .name = "json", .at = offsetof(into, member), .help = text                                 \
    }

/* Read a command line; argv[0] is the command. Options may stand anywhere, as "--name
 * value" or "--name=value"; "--" ends them. `arguments` has room for usage->most.
 * Returns 0; 1 if --help was asked for; -1 with MX_EINVAL, or MX_ENOMEM. Lists are to be
 * freed in each case. */
int mx_options_read(const struct mx_usage *usage, int argc, char **argv, void *into,
                    const char **arguments, size_t *narguments, struct mx_err *err);

/* Fail with "COMMAND TEXT; mixsweep COMMAND --help tells more", MX_EINVAL. Returns -1. */
int mx_usage_fail(const struct mx_usage *usage, struct mx_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
