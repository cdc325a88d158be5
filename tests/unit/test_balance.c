#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/head_data.h"
#include "worker/balance.h"

static const struct mx_stream stream = {{11, 22}};

/* 24 rows of groups of 9, 9, 3 and 3, in a mixed order. */
static uint32_t                    labels[24], groups[24];
static struct worker_feature_split split = {.n = 24, .labels = labels, .groups = groups};
static const struct worker_rows    rows = {.split = &split, .dims = 1, .n = 24};

static void make_rows(void)
{
    static const uint32_t sizes[] = {9, 9, 3, 3};
    uint32_t              row = 0;

    for (uint32_t g = 0; g < 4; g++)
        for (uint32_t i = 0; i < sizes[g]; i++, row = (row + 7) % 24) {
            groups[row] = g;
            labels[row] = g / 2;
        }
}

static uint32_t count_group(const uint32_t *index, uint32_t n, uint32_t group)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++)
        count += groups[index[i]] == group;
    return count;
}

static bool all_differ(const uint32_t *index, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (index[i] == index[j])
                return false;
    return true;
}

Test(balance, a_subset_has_as_many_of_each_group_as_the_smallest_has, .init = make_rows)
{
    struct worker_groups sorted;
    uint32_t             seen[24] = {0}, subset[12];

    cr_assert_eq(worker_groups_sort(&rows, 4, 2, &sorted, NULL), 0);
    cr_expect_eq(sorted.used, 4);
    cr_expect_eq(sorted.smallest, 3);
    cr_assert_eq(worker_groups_balanced_size(&sorted), 12);
    for (uint32_t draw = 0; draw < 200; draw++) {
        struct mx_rng rng = mx_rng_at(stream, draw, 0, 0);

        worker_groups_draw_balanced(&sorted, &rng, subset);
        cr_expect(all_differ(subset, 12));
        for (uint32_t g = 0; g < 4; g++)
            cr_expect_eq(count_group(subset, 12, g), 3);
        for (uint32_t i = 0; i < 12; i++)
            seen[subset[i]]++;
    }
    /* Each of 9 rows is drawn with probability 1/3: 67 of 200, sd 6.7. */
    for (uint32_t row = 0; row < 24; row++)
        cr_expect(groups[row] > 1 ? seen[row] == 200 : seen[row] >= 34 && seen[row] <= 100,
                  "row %u was drawn %u times", row, seen[row]);
    worker_groups_free(&sorted);
}

Test(balance, halves_part_every_group, .init = make_rows)
{
    uint32_t             first[24], second[24], in_first[24] = {0};
    struct worker_halves halves = {.first = first, .second = second};
    struct worker_groups sorted;

    cr_assert_eq(worker_groups_sort(&rows, 4, 2, &sorted, NULL), 0);
    for (uint32_t draw = 0; draw < 200; draw++) {
        struct mx_rng rng = mx_rng_at(stream, draw, 0, 0);
        uint32_t      all[24];

        worker_groups_halve(&sorted, &rng, &halves);
        cr_assert_eq(halves.nfirst, 5 + 5 + 2 + 2);
        cr_assert_eq(halves.nsecond, 4 + 4 + 1 + 1);
        memcpy(all, first, sizeof(uint32_t) * 14);
        memcpy(all + 14, second, sizeof(uint32_t) * 10);
        cr_expect(all_differ(all, 24));
        for (uint32_t g = 0; g < 4; g++)
            cr_expect_eq(count_group(first, 14, g), g < 2 ? 5 : 2);
        for (uint32_t i = 0; i < 14; i++)
            in_first[first[i]]++;
    }
    /* 5 of 9 and 2 of 3: 111 and 133 of 200, sd 7. */
    for (uint32_t row = 0; row < 24; row++)
        cr_expect(groups[row] > 1 ? in_first[row] >= 98 && in_first[row] <= 168
                                  : in_first[row] >= 76 && in_first[row] <= 146,
                  "row %u was %u times in the first half", row, in_first[row]);
    worker_groups_free(&sorted);
}

Test(balance, without_groups_classes_are_balanced, .init = make_rows)
{
    struct worker_groups sorted;
    struct mx_rng        rng = mx_rng_at(stream, 0, 0, 0);
    uint32_t             subset[12];

    cr_assert_eq(worker_groups_sort(&rows, 0, 2, &sorted, NULL), 0);
    cr_assert_eq(worker_groups_balanced_size(&sorted), 12);
    worker_groups_draw_balanced(&sorted, &rng, subset);
    for (uint32_t i = 0; i < 12; i++)
        cr_expect_eq(labels[subset[i]], i / 6);
    worker_groups_free(&sorted);
}

Test(balance, a_group_without_rows_takes_no_part, .init = make_rows)
{
    struct worker_groups sorted;

    cr_assert_eq(worker_groups_sort(&rows, 6, 2, &sorted, NULL), 0);
    cr_expect_eq(sorted.used, 4);
    cr_expect_eq(worker_groups_balanced_size(&sorted), 12);
    cr_expect_eq(worker_groups_count(&sorted, 5), 0);
    worker_groups_free(&sorted);
}
