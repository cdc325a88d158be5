/* config_reader.h - a configuration while it is being read.
 *
 * Private to config*.c. A reader holds the values that will become a
 * mx_config and the places where they were written, so that checks across
 * values can name both.
 */
#ifndef MX_SWEEP_CONFIG_READER_H
#define MX_SWEEP_CONFIG_READER_H

#include "sweep/defaults.h"
#include "sweep/value.h"

/* An axis: as mx_axis, with the place of each key. */
struct mx_axis_draft {
    size_t                 nkeys;
    enum mx_key_id        *keys;
    struct mx_axis_values *values;
    struct mx_place       *places;
    uint64_t               count;
};

struct mx_block_draft {
    size_t                naxes;
    struct mx_axis_draft *axes;
    struct mx_place       place;
};

struct mx_reader {
    struct mx_value_reader values; /* arena and messages */
    struct mx_config      *config;
    struct mx_value        defaults[KEY_COUNT];
    struct mx_place        places[KEY_COUNT]; /* of given values */
    struct mx_place smoke_places[KEY_COUNT];  /* of values in the smoke block; line 0: not there */
    bool            attempted[KEY_COUNT];     /* written somewhere, well or badly */
    bool            broken[KEY_COUNT];        /* badly: checks across keys leave it out */
    struct mx_place section_places[MX_SECTIONS]; /* line 0: not there */
    size_t          nblocks;
    struct mx_block_draft *blocks;
    size_t                 nexcludes;
    struct mx_exclude     *excludes;
    struct mx_specials     specials;
};

/* Say that a key is not known, and which one may be meant. `shown` is how it
 * was written, `full` its dotted name. */
void mx_reader_unknown_key(const struct mx_reader *reader, struct mx_place place, const char *shown,
                           const char *full);

/* The sweepable key of an entry of grid, zip or exclude; KEY_COUNT after a
 * message. `what` says what it cannot be otherwise: "an axis". */
enum mx_key_id mx_reader_sweepable(const struct mx_reader *reader, const struct mx_node *entry,
                                   const char *what);

/* Read `grid` or `grids` into reader->blocks, checking axes against each other
 * and against values of the sections (so those come first). */
void mx_reader_grid(struct mx_reader *reader, const struct mx_node *grid);
void mx_reader_grids(struct mx_reader *reader, const struct mx_node *grids);

/* Read the list or range of one axis. A list of `distinct` values may not hold
 * one twice. Returns false after a message, or if memory ran out. */
bool mx_reader_axis_values(const struct mx_reader *reader, enum mx_key_id key,
                           const struct mx_node *node, bool distinct,
                           struct mx_axis_values *values);

/* Make an axis empty, with room for so many keys. False: no memory. */
bool mx_reader_axis_alloc(const struct mx_reader *reader, struct mx_axis_draft *axis, size_t nkeys);

/* For qsort_r(): order of two tuples, given by their numbers, of an axis. */
int mx_reader_compare_tuples(const void *a, const void *b, void *axis);

/* Replace an axis by a list or range from --set grid.KEY, in every block; it
 * becomes the last axis of a block that did not have it. */
void mx_reader_set_axis(struct mx_reader *reader, enum mx_key_id key, const struct mx_node *node);

/* Take a key out of every axis, since it got one value. Tuples of a zip that
 * become equal are merged. */
void mx_reader_drop_axis(struct mx_reader *reader, enum mx_key_id key);

/* The values of a key in a block: its axis, or NULL. */
const struct mx_axis_values *mx_reader_axis(const struct mx_block_draft *block, enum mx_key_id key,
                                            struct mx_place *place);

/* Give keys whose default depends on another what they hold beside its one value.
 * Where a block varies that other one, the grid sees to it (sweep/defaults.h). */
void mx_reader_settle_defaults(struct mx_reader *reader);

/* Read {linear: ..} or {log: ..}. Returns false after a message. */
bool mx_reader_range(const struct mx_reader *reader, enum mx_key_id key, const struct mx_node *node,
                     struct mx_axis_values *values);

/* Read `exclude` into reader->excludes. */
void mx_reader_excludes(struct mx_reader *reader, const struct mx_node *list);

/* The data sets that have groups, as bits; `features` may. */
extern const uint32_t mx_grouped_sets;

/* Checks of the data keys against each other; of values that are good one by one. */
void mx_reader_check_data(const struct mx_reader *reader);

/* The blocks of a grid, one where there is none; and the smallest or largest number of a
 * key in one of them. */
size_t mx_reader_blocks(const struct mx_reader *reader);
double mx_reader_extreme(const struct mx_reader *reader, size_t block, enum mx_key_id key,
                         bool largest);

/* Checks of early stopping; sets: those of mx_reader_words(reader, KEY_DATA_SET). */
void mx_reader_check_early(const struct mx_reader *reader, uint32_t sets);

/* Checks of search.* against the axes. */
void mx_reader_check_search(const struct mx_reader *reader);

/* Checks of strategies against label rules, layers and choices, and of head methods
 * against data sets; of values that are good one by one. */
void mx_reader_check_mix(const struct mx_reader *reader);

/* The words that a CHOICE key takes anywhere, as bits; whether score.metrics has this one. */
uint32_t mx_reader_words(const struct mx_reader *reader, enum mx_key_id key);
bool     mx_reader_has_metric(const struct mx_reader *reader, unsigned metric);

/* Checks of score.*: metrics of maps that are not made or cannot be, of marks that the data
 * `sets` (bits) do not have; keys of score that nothing uses. */
void mx_reader_check_scores(const struct mx_reader *reader, uint32_t sets);

/* Checks of arithmetic that only a GPU has; of what is compared across models. */
void mx_reader_check_precision(const struct mx_reader *reader);
void mx_reader_check_cross(const struct mx_reader *reader);

/* Networks for which the largest data.size that is written is too small. */
void mx_reader_check_sizes(const struct mx_reader *reader);

/* Checks across keys, once everything is read, and what is left to choose. */
void mx_reader_check(struct mx_reader *reader);

#endif
