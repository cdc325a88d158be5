/* lines.h - what a point is, as text: sorted "key=value\n" lines.
 *
 * Cell ids and stage keys are hashes of such lines (docs/cell-ids.md). The
 * lines of a point are nearly those of the point before, so each key's line is
 * kept until its value changes.
 */
#ifndef MX_SWEEP_LINES_H
#define MX_SWEEP_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/grid.h"

/* A set of sections: the bits of their numbers. */
#define MX_SECTION_BIT(section) (1u << (section))
#define MX_SECTIONS_OF_CELL                                                                        \
    (MX_SECTION_BIT(MX_SECTION_DATA) | MX_SECTION_BIT(MX_SECTION_MODEL) |                          \
     MX_SECTION_BIT(MX_SECTION_TRAIN) | MX_SECTION_BIT(MX_SECTION_MIX) |                           \
     MX_SECTION_BIT(MX_SECTION_HEAD))

struct mx_lines;

/* Returns an empty cache to be released with mx_lines_free(), or NULL with
 * MX_ENOMEM. */
struct mx_lines *mx_lines_new(struct mx_err *err);
void             mx_lines_free(struct mx_lines *lines); /* NULL is allowed */

/* Append the lines of every key of `sections` that the point uses and that has
 * a value, data.path excepted, sorted by the bytes of the key. A failure of
 * memory is remembered by `out`. */
void mx_lines_add(struct mx_lines *lines, const struct mx_point *point, unsigned sections,
                  struct mx_buf *out);

/* False for a text or list that is empty: nothing was written and the default
 * is none. Such a key has no line. */
bool mx_value_given(enum mx_key_id key, const struct mx_value *value);

/* The cell id, as mx_grid_cell() gives it. */
uint64_t mx_lines_cell(struct mx_lines *lines, const struct mx_point *point,
                       struct mx_buf *scratch);

#endif
