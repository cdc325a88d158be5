#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/contribution.h"

static const struct worker_metric two[] = {{"val.accuracy", 0.5}, {"test.accuracy", -0.0}};
static const struct worker_metric other[] = {{"test.accuracy", 1.0}, {"val.loss", NAN}};
static const char *const          names[] = {"test.accuracy", "val.accuracy", "val.loss"};

static uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

Test(contribution, every_number_goes_to_the_place_of_its_name_with_all_its_bits)
{
    struct worker_contributions *c = worker_contributions_new(NULL);
    struct reduce_slots         *slots = reduce_slots_new(NULL);
    uint64_t                     bits;

    cr_assert_eq(worker_contributions_add(c, 1, 0, two, 2, NULL), 0);
    cr_assert_eq(worker_contributions_add(c, 2, 5, other, 2, NULL), 0);
    cr_expect_eq(worker_contributions_nnames(c), 3);
    cr_expect_str_eq(worker_contributions_name(c, 0), "val.accuracy");
    cr_assert_eq(worker_contributions_slots(c, names, 3, NULL, slots, NULL), 0);
    cr_expect_eq(reduce_slots_count(slots), 4);
    cr_assert(reduce_slots_get(slots, 1, &bits));
    cr_expect_eq(bits, bits_of(0.5));
    cr_assert(reduce_slots_get(slots, 0, &bits));
    cr_expect_eq(bits, bits_of(-0.0));
    cr_assert(reduce_slots_get(slots, 5 * 3 + 2, &bits));
    cr_expect_eq(bits, bits_of(NAN));
    reduce_slots_free(slots);
    worker_contributions_free(c);
}

Test(contribution, what_is_dropped_or_not_wanted_or_not_named_is_left_out)
{
    static const bool            wanted[] = {true, false, true};
    struct worker_contributions *c = worker_contributions_new(NULL);
    struct reduce_slots         *slots = reduce_slots_new(NULL);

    for (uint32_t stage = 0; stage < 3; stage++)
        cr_assert_eq(worker_contributions_add(c, stage + 1, stage, two, 2, NULL), 0);
    worker_contributions_drop(c, 3);
    worker_contributions_drop(c, 77);
    cr_assert_eq(worker_contributions_slots(c, names + 1, 1, wanted, slots, NULL), 0);
    cr_expect_eq(reduce_slots_count(slots), 1);
    cr_expect(reduce_slots_get(slots, 0, &(uint64_t){0}));
    reduce_slots_free(slots);
    worker_contributions_free(c);
}

Test(contribution, a_stage_done_twice_counts_once_the_late_one_is_dropped)
{
    struct worker_contributions *c = worker_contributions_new(NULL);
    struct reduce_slots         *slots = reduce_slots_new(NULL);
    uint64_t                     bits;

    cr_assert_eq(worker_contributions_add(c, 1, 0, other, 1, NULL), 0);
    cr_assert_eq(worker_contributions_add(c, 2, 0, two + 1, 1, NULL), 0);
    worker_contributions_drop(c, 1);
    cr_assert_eq(worker_contributions_slots(c, names, 3, NULL, slots, NULL), 0);
    cr_assert(reduce_slots_get(slots, 0, &bits));
    cr_expect_eq(bits, bits_of(-0.0));
    reduce_slots_free(slots);
    worker_contributions_free(c);
}

Test(contribution, many_stages_and_names_are_kept)
{
    struct worker_contributions *c = worker_contributions_new(NULL);

    for (uint32_t i = 0; i < 5000; i++) {
        struct worker_metric metric = {.value = i};

        snprintf(metric.name, sizeof metric.name, "test.group_accuracy.%u", i % 100);
        cr_assert_eq(worker_contributions_add(c, i + 1, i, &metric, 1, NULL), 0);
    }
    cr_expect_eq(worker_contributions_nnames(c), 100);
    worker_contributions_free(c);
}
