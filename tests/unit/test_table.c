#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "reduce/table.h"

Test(table, keeps_every_value_to_the_bit_and_knows_what_is_missing)
{
    static const double  values[] = {0.1, -0.0, 0.0, INFINITY, NAN, 5e-324};
    struct reduce_table *table = reduce_table_new(130, NULL);
    size_t               column;
    double               value = 7;

    cr_assert(table);
    cr_assert_eq(reduce_table_column(table, "val.accuracy", &column, NULL), 0);
    for (size_t k = 0; k < sizeof values / sizeof values[0]; k++)
        reduce_table_set(table, 62 + k, column, values[k]);
    for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
        cr_assert(reduce_table_get(table, 62 + k, column, &value));
        cr_expect_arr_eq(&value, &values[k], sizeof value);
    }
    value = 7;
    cr_expect_not(reduce_table_get(table, 61, column, &value));
    cr_expect_not(reduce_table_get(table, 129, column, &value));
    cr_expect_eq(value, 7);
    reduce_table_free(table);
}

Test(table, columns_keep_their_numbers_in_whatever_order_they_come)
{
    struct reduce_table *table = reduce_table_new(1, NULL);
    size_t               column;
    char                 name[16];

    cr_assert(table);
    for (size_t k = 0; k < 100; k++) {
        snprintf(name, sizeof name, "m%zu", k);
        cr_assert_eq(reduce_table_column(table, name, &column, NULL), 0);
        cr_expect_eq(column, k);
    }
    for (size_t k = 0; k < 100; k++) {
        snprintf(name, sizeof name, "m%zu", k * 37 % 100);
        cr_assert_eq(reduce_table_column(table, name, &column, NULL), 0);
        cr_expect_eq(column, k * 37 % 100);
        cr_expect_eq(reduce_table_find(table, name), column);
        cr_expect_str_eq(reduce_table_name(table, column), name);
    }
    cr_expect_eq(reduce_table_columns(table), 100);
    cr_expect_eq(reduce_table_find(table, "none"), SIZE_MAX);
    reduce_table_free(table);
}
