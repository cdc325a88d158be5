/* config.h - a configuration file, typed and checked.
 *
 * mx_config_read() goes all the way from text to typed values or tells every
 * error at once. What comes out is immutable and owns all its memory.
 */
#ifndef MX_SWEEP_CONFIG_H
#define MX_SWEEP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/keys.h"

/* The values of one axis: a list, or a linear range whose i-th value is
 * computed by mx_axis_value(). Log ranges are short and kept as lists. */
struct mx_axis_values {
    enum {
        MX_AXIS_LIST,
        MX_AXIS_LINEAR,
        MX_AXIS_LOG
    } form;
    const struct mx_value *list;     /* LIST, LOG: (count) */
    double                 from, to; /* LINEAR, LOG: the first and the last value */
    uint64_t               count;    /* 1 or more */
    double first, delta, scale;      /* LINEAR: value i is (first + i delta) / scale, all whole
                                        numbers, or if scale is 0 found from the ends */
};

/* One axis: a key alone, or the tuple of keys of a `zip`, all of one length. */
struct mx_axis {
    size_t                       nkeys;
    const enum mx_key_id        *keys;   /* (nkeys) */
    const struct mx_axis_values *values; /* (nkeys), equal counts */
    uint64_t                     count;
};

/* A block of `grid` or `grids`: the product of its axes. No axes: one point. */
struct mx_block {
    size_t                naxes;
    const struct mx_axis *axes; /* in file order; the last turns fastest */
};

/* One condition of an exclude rule. A value matches if it equals one of
 * `any`, or, without any, lies strictly below / above the given bounds. */
struct mx_match {
    enum mx_key_id         key;
    const struct mx_value *any;
    size_t                 nany;
    bool                   has_below, has_above;
    double                 below, above;
};

/* An exclude rule: a cell is excluded if every condition matches. */
struct mx_exclude {
    size_t                 nmatches;
    const struct mx_match *matches;
    unsigned               line, column; /* in the file, from 1, for warnings */
};

struct mx_config {
    const char              *file;             /* as given */
    const char              *directory;        /* absolute; paths are relative to it: `directory`,
                                                  or the folder of the file */
    const char              *name;             /* `name`, or the file's name without .yaml */
    struct mx_value          base[KEY_COUNT];  /* value or default of every key */
    bool                     given[KEY_COUNT]; /* written in the file, smoke or --set, as a value */
    bool                     smoke;            /* the smoke block was applied */
    size_t                   nblocks;          /* 1 or more */
    const struct mx_block   *blocks;
    size_t                   nexcludes;
    const struct mx_exclude *excludes;
    void                    *memory; /* private to config.c */
};

/* Errors and warnings of a whole file, in file order: lines
 * "FILE:LINE:COL: error: TEXT" (or warning:), each ended by \n. */
struct mx_config_report {
    struct mx_buf text;
    unsigned      errors, warnings;
};

/* Read a configuration. sets[0..nsets) are "key=value" from the command line
 * and win over the file; with `smoke` the file's smoke block is applied first.
 * Returns a configuration to be released with mx_config_free(); or NULL, with
 * every error in *report and a summary in *err (MX_EINVAL; MX_EIO if the file
 * cannot be read). Warnings may be in *report in both cases. Free its text. */
struct mx_config *mx_config_read(const char *file, const char *const *sets, size_t nsets,
                                 bool smoke, struct mx_config_report *report, struct mx_err *err);
void              mx_config_free(struct mx_config *config); /* NULL is allowed */

/* Append the configuration as YAML with every key resolved, grid and excludes
 * included, so that reading it again gives the same cells: DIR/config.yaml. */
void mx_config_write(const struct mx_config *config, struct mx_buf *out);

/* The i-th value of one key's axis values. */
struct mx_value mx_axis_value(const struct mx_axis_values *values, enum mx_key_id key, uint64_t i);

/* Append a value as in cell ids, results.csv and messages: shortest numbers,
 * words (also the word that a key has for 0), true/false, text as written,
 * lists as [a,b]. */
void mx_value_format(enum mx_key_id key, const struct mx_value *value, struct mx_buf *out);

/* Equal as values of that key (text by bytes, numbers by value). */
bool mx_value_equal(enum mx_key_id key, const struct mx_value *a, const struct mx_value *b);

#endif
