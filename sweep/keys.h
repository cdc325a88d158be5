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

#include "base/buf.h"
#include "sweep/words.h"
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
    MX_SECTIONS
};

/* "" for the top, else as written in a config: "data", "model" ... */
extern const char *const mx_section_names[MX_SECTIONS];

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

/* "key has one of these words": bit i of `words` stands for choice i. For an
 * INT key bit 0 stands for 0 and bit 1 for every other value. */
struct mx_condition {
    enum mx_key_id key;
    uint32_t       words; /* 0 ends a row's conditions */
};

enum {
    MX_MAX_CONDITIONS = 4
};

struct mx_key {
    const char         *name; /* "mix.alpha" */
    enum mx_section     section;
    enum mx_type        type, element;   /* element: of a LIST */
    const char         *unit;            /* "pixels", "epochs", "1" for bare numbers, "word" ... */
    double              low, high;       /* bounds of numbers, inclusive ... */
    bool                above_low;       /* ... but low itself excluded */
    bool                range;           /* LIST: of two, the lowest and the highest value */
    bool                scores;          /* LIST of metrics: the field is a set of scores */
    bool                rising;          /* LIST of INT: each value above the one before */
    bool                repeats;         /* LIST: the same value may stand in it several times */
    const char         *zero_word;       /* "all": written where the value is to be 0, which is out
                                                  of bounds; or NULL */
    const char         *default_text;    /* as one would write it; "" = none or automatic */
    struct mx_condition other_when;      /* where another default holds; words 0: nowhere */
    const char         *other_text;      /* that one, of a number or a word */
    const struct worker_choice *choices; /* CHOICE, or LIST of them */
    const char                 *help;    /* one line */
    struct mx_condition         used[MX_MAX_CONDITIONS + 1]; /* all must hold; none = always used */
    bool                        built;  /* false: known, and this version cannot do it */
    ptrdiff_t                   offset; /* in struct worker_params, -1 = not there */
    unsigned                    field;  /* enum worker_param, if it is there */
};

extern const struct mx_key mx_keys[KEY_COUNT];

/* The key of that name, or KEY_COUNT. */
enum mx_key_id mx_key_find(const char *name);

/* The known name that a misspelt one means: one that ends in ".NAME", else the
 * nearest by Damerau-Levenshtein distance if that is at most a third of its
 * length; or NULL. */
const char *mx_key_nearest(const char *name);

/* The same distance for any two names: insertions, deletions, replacements and
 * swaps of neighbours. Longer than 63 bytes are cut. */
size_t mx_name_distance(const char *a, const char *b);

/* True if the key can be an axis: section data, model, train, mix or head. */
bool mx_key_sweepable(enum mx_key_id key);

/* True if a point with these values uses the key: otherwise it is folded away.
 * Looks only at the keys that conditions name; allocates nothing. */
bool mx_key_used(enum mx_key_id key, const struct mx_value values[KEY_COUNT]);

/* Whether one condition holds for a value of its key. */
bool mx_condition_holds(const struct mx_condition *condition, const struct mx_value *value);

/* Append a condition as people read it: "mix.strategy: mixup, cutmix" or
 * "train.epochs: not 0". */
void mx_condition_format(const struct mx_condition *condition, struct mx_buf *out);

#endif
