/* keys.h - the table of configuration keys.
 *
 * One row says everything about a key: name, type, unit, bounds, default,
 * help, when it is used, and where it lies in struct worker_params. Parsing,
 * check, --help, docs/config.md and error texts come from it (sweep/keys.def).
 */
#ifndef MX_SWEEP_KEYS_H
#define MX_SWEEP_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/choices.h"

enum mx_type {
    MX_TYPE_REAL,
    MX_TYPE_INT,
    MX_TYPE_BOOL,
    MX_TYPE_CHOICE, /* one word of key->choices */
    MX_TYPE_TEXT,
    MX_TYPE_PATH,     /* relative to the config file */
    MX_TYPE_DURATION, /* seconds, written as 90s or 2h30m */
    MX_TYPE_LIST,     /* several values of key->element */
};

/* Which part of the tree a key belongs to, and so whether it can be an axis. */
enum mx_section {
    MX_SECTION_TOP,
    MX_SECTION_DATA,
    MX_SECTION_MODEL,
    MX_SECTION_TRAIN,
    MX_SECTION_MIX,
    MX_SECTION_HEAD,
    MX_SECTION_SCORE,
    MX_SECTION_SEARCH,
    MX_SECTION_SCHEDULE,
};

/* One number per key, KEY_DATA_SET and so on, in the order of keys.def. */
enum mx_key_id {
#define KEY(symbol, ...) KEY_##symbol,
#include "sweep/keys.def"
#undef KEY
    KEY_COUNT
};

/* A value of a key. Text and lists are lent by whoever made the value. */
struct mx_value {
    union {
        double      real;    /* REAL, DURATION */
        int64_t     integer; /* INT */
        bool        boolean; /* BOOL */
        unsigned    choice;  /* CHOICE */
        const char *text;    /* TEXT, PATH: as written in the config */
        struct {
            const struct mx_value *items;
            size_t                 count;
        } list; /* LIST */
    };
};

struct mx_key {
    const char                 *name; /* "mix.alpha" */
    enum mx_section             section;
    enum mx_type                type, element; /* element: of a LIST */
    const char                 *unit;         /* "1", "pixels", "epochs", "seconds", "" for words */
    double                      low, high;    /* bounds of numbers, inclusive ... */
    bool                        above_low;    /* ... but low itself excluded */
    const char                 *default_text; /* as one would write it; "" = none or automatic */
    const struct worker_choice *choices;      /* CHOICE, or LIST of them */
    const char                 *help;         /* one line */
    const char                 *used_when;    /* "mix.strategy: mixup cutmix", "" = always */
    bool                        built;        /* false: known, and this version cannot do it */
    ptrdiff_t                   offset;       /* in struct worker_params, -1 = not there */
};

extern const struct mx_key mx_keys[KEY_COUNT];

/* The key of that name, or KEY_COUNT. */
enum mx_key_id mx_key_find(const char *name);

/* The known name nearest to a misspelt one (Damerau-Levenshtein distance of at
 * most a third of its length), or NULL. */
const char *mx_key_nearest(const char *name);

/* True if the key can be an axis: section data, model, train, mix or head. */
bool mx_key_sweepable(enum mx_key_id key);

#endif
