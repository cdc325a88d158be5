#include "sweep/keys.h"

#include <string.h>

#include "worker/params.h"
#include "worker/synthetic.h"

#define WORD_ROW(symbol, word, built) {word, built},
#define WORD_ARRAY(NAME, name)                                                                     \
    const struct worker_choice mx_##name##_words[] = {MX_##NAME##_WORDS(WORD_ROW){NULL, false}};
MX_WORD_LISTS(WORD_ARRAY)

const char *const mx_section_names[MX_SECTIONS] = {
    "", "data", "model", "train", "mix", "head", "score", "search", "schedule",
};

/* Columns of keys.def. */
#define BOUNDS(low_, high_)             .low = (double)(low_), .high = (double)(high_)
#define REAL(low_, high_)               .type = MX_TYPE_REAL, BOUNDS(low_, high_)
#define REAL_ABOVE(low_, high_)         REAL(low_, high_), .above_low = true
#define INT(low_, high_)                .type = MX_TYPE_INT, BOUNDS(low_, high_)
#define INT_OR(word_, low_, high_)      INT(low_, high_), .zero_word = (word_)
#define BOOL                            .type = MX_TYPE_BOOL
#define WORD(list_)                     .type = MX_TYPE_CHOICE, .choices = (list_)
#define TEXT                            .type = MX_TYPE_TEXT
#define PATHNAME                        .type = MX_TYPE_PATH
#define DURATION(low_, high_)           .type = MX_TYPE_DURATION, BOUNDS(low_, high_)
#define DURATION_OR(word_, low_, high_) DURATION(low_, high_), .zero_word = (word_)
#define LIST(element_)                  .type = MX_TYPE_LIST, .element = MX_TYPE_##element_
#define LIST_OF_REAL(low_, high_)       LIST(REAL), BOUNDS(low_, high_)
#define LIST_OF_REAL_ABOVE(low_, high_) LIST_OF_REAL(low_, high_), .above_low = true
#define LIST_OF_INT(low_, high_)        LIST(INT), BOUNDS(low_, high_)
#define RISING_LIST_OF_INT(low_, high_) LIST_OF_INT(low_, high_), .rising = true
#define LIST_OF_WORD(list_)             LIST(CHOICE), .choices = (list_)
#define WEIGHED_WORDS(list_)            LIST_OF_WORD(list_), .repeats = true
#define LIST_OF_METRICS                 LIST_OF_WORD(mx_metric_words), .scores = true
#define RANGE_OF_REAL(low_, high_)      LIST_OF_REAL(low_, high_), .range = true, .repeats = true
#define BUT(text_, when_, other_)       text_, .other_when = when_, .other_text = (other_)
#define ALWAYS                          .used = {{KEY_COUNT, 0}}
#define WHEN(...)                       .used = {__VA_ARGS__}
#define W(word_)                        (1u << WORKER_##word_)
#define M(word_)                        (1u << MX_##word_)
#define IS(key_, words_)                                                                           \
    {                                                                                              \
        KEY_##key_, (words_)                                                                       \
    }
#define NOT(key_, words_)                                                                          \
    {                                                                                              \
        KEY_##key_, ~(words_)                                                                      \
    }
#define IMAGES        NOT(DATA_SET, W(DATA_FEATURES))
#define TRAINS        IMAGES, NOT(TRAIN_EPOCHS, 1u)
#define RESIZED_CROPS W(AUGMENT_RANDOM_RESIZED_CROP) | W(AUGMENT_RANDOM_RESIZED_CROP_JITTER)
#define IMAGE_FILES                                                                                \
    W(DATA_FOLDER) | W(DATA_WATERBIRDS) | W(DATA_CELEBA) | W(DATA_METASHIFT) | W(DATA_CUB) |       \
        W(DATA_IMAGENET)
#define JITTERS                                                                                    \
    W(AUGMENT_FLIP_JITTER) | W(AUGMENT_FLIP_CROP_JITTER) | W(AUGMENT_RANDOM_RESIZED_CROP_JITTER)
#define MIXING        NOT(MIX_STRATEGY, W(MIX_NONE))
#define HSFM          WHEN(IS(HEAD_METHOD, W(HEAD_HSFM)))
#define READY         true
#define LATER         false
#define FIELD(field_) offsetof(struct worker_params, field_), .field = WORKER_PARAM_##field_
#define NOWHERE       -1

#define KEY(symbol, name_, section_, kind_, unit_, default_, when_, built_, field_, help_)         \
    [KEY_##symbol] = {.name = name_,                                                               \
                      .section = MX_SECTION_##section_,                                            \
                      kind_,                                                                       \
                      .unit = unit_,                                                               \
                      .default_text = default_,                                                    \
                      when_,                                                                       \
                      .built = built_,                                                             \
                      .offset = field_,                                                            \
                      .help = help_},

const struct mx_key mx_keys[KEY_COUNT] = {
#include "sweep/keys.def"
};
#undef KEY

/* A row without help or unit does not compile. */
#define KEY(symbol, name_, section_, kind_, unit_, default_, when_, built_, field_, help_)         \
    _Static_assert(sizeof(name_) > 1, "a key needs a name");                                       \
    _Static_assert(sizeof(unit_) > 1, name_ " needs a unit");                                      \
    _Static_assert(sizeof(help_) > 1, name_ " needs a help line");
#include "sweep/keys.def"
#undef KEY

enum mx_key_id mx_key_find(const char *name)
{
    size_t key = 0;

    while (key < KEY_COUNT && strcmp(mx_keys[key].name, name) != 0)
        key++;
    return (enum mx_key_id)key;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum {
    NAME_ROOM = 64
};

size_t mx_name_distance(const char *a, const char *b)
{
    size_t  la = strnlen(a, NAME_ROOM - 1), lb = strnlen(b, NAME_ROOM - 1);
    size_t  rows[3][NAME_ROOM];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= lb; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *swap = before;

        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            now[j] =
                smaller(last[j - 1] + (a[i - 1] != b[j - 1]), smaller(last[j] + 1, now[j - 1] + 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = swap;
    }
    return last[lb];
}

/* The first key whose name ends in ".NAME". */
static const char *key_ending_in(const char *name)
{
    size_t length = strlen(name);

    for (size_t key = 0; key < KEY_COUNT; key++) {
        size_t whole = strlen(mx_keys[key].name);

        if (whole > length && mx_keys[key].name[whole - length - 1] == '.' &&
            strcmp(mx_keys[key].name + whole - length, name) == 0)
            return mx_keys[key].name;
    }
    return NULL;
}

const char *mx_key_nearest(const char *name)
{
    const char *nearest = key_ending_in(name);
    size_t      best = strlen(name) / 3 + 1;

    if (nearest)
        return nearest;
    for (size_t key = 0; key < KEY_COUNT; key++) {
        size_t distance = mx_name_distance(name, mx_keys[key].name);

        if (distance < best) {
            best = distance;
            nearest = mx_keys[key].name;
        }
    }
    return nearest;
}

bool mx_key_sweepable(enum mx_key_id key)
{
    return mx_keys[key].section >= MX_SECTION_DATA && mx_keys[key].section <= MX_SECTION_HEAD;
}

bool mx_condition_holds(const struct mx_condition *condition, const struct mx_value *value)
{
    unsigned bit =
        mx_keys[condition->key].type == MX_TYPE_CHOICE ? value->choice : value->integer != 0;

    return condition->words >> bit & 1u;
}

bool mx_key_used(enum mx_key_id key, const struct mx_value values[KEY_COUNT])
{
    for (const struct mx_condition *c = mx_keys[key].used; c->words != 0; c++)
        if (!mx_condition_holds(c, &values[c->key]))
            return false;
    return true;
}

/* Append the words whose bits are set, separated by commas. */
static void format_words(const struct worker_choice *choices, uint32_t words, struct mx_buf *out)
{
    const char *comma = "";

    for (unsigned i = 0; choices[i].word; i++)
        if (words >> i & 1u) {
            mx_buf_printf(out, "%s%s", comma, choices[i].word);
            comma = ", ";
        }
}

void mx_condition_format(const struct mx_condition *condition, struct mx_buf *out)
{
    const struct mx_key *key = &mx_keys[condition->key];
    bool                 negated = condition->words >> 31;

    mx_buf_printf(out, "%s: %s", key->name, negated ? "not " : "");
    if (key->type == MX_TYPE_CHOICE)
        format_words(key->choices, negated ? ~condition->words : condition->words, out);
    else
        mx_buf_text(out, "0");
}
