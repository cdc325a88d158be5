/* table.h - a result table: rows x named columns of doubles, some of them there.
 *
 * A slot is kept as the 64 bits of its value with a bit that says whether it
 * was contributed. A slot that was not is all zero bits: tables whose
 * contributed slots do not overlap can be added as unsigned integers, in any
 * order, and give every value exactly, NaN and -0 included.
 */
#ifndef REDUCE_TABLE_H
#define REDUCE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reduce_table;

/* An empty table of `rows` rows and no columns. NULL with MX_ENOMEM. */
struct reduce_table *reduce_table_new(size_t rows, struct mx_err *err);
void                 reduce_table_free(struct reduce_table *table); /* NULL is allowed */

/* The number of the column of that name, added if it is new. Columns keep their
 * numbers. Returns 0 with *column; or -1 with MX_ENOMEM, the table unchanged. */
int reduce_table_column(struct reduce_table *table, const char *name, size_t *column,
                        struct mx_err *err);

/* The number of a column, or SIZE_MAX if there is none of that name. */
size_t reduce_table_find(const struct reduce_table *table, const char *name);

size_t      reduce_table_columns(const struct reduce_table *table);
const char *reduce_table_name(const struct reduce_table *table, size_t column); /* lent */

/* Contribute a slot; what was there is replaced. */
void reduce_table_set(struct reduce_table *table, size_t row, size_t column, double value);

/* True with *value if the slot was contributed; else false, *value untouched. */
bool reduce_table_get(const struct reduce_table *table, size_t row, size_t column, double *value);

#ifdef __cplusplus
}
#endif

#endif
