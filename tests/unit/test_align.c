/* Agreement with boxes and masks, by hand. Field report: "height and width swapped" (a mask
 * of another shape is refused), "threshold picked per image or on the test set". */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/align.h"

enum {
    HEIGHT = 6,
    WIDTH = 10,
    PIXELS = HEIGHT * WIDTH
};

/* Pixels in falling order of a map, raster order among equals. */
static void order_of(const float *map, uint32_t *order)
{
    for (uint32_t p = 0; p < PIXELS; p++) {
        uint32_t place = 0;

        for (uint32_t q = 0; q < PIXELS; q++)
            place += map[q] > map[p] || (map[q] == map[p] && q < p);
        order[place] = p;
    }
}

static struct worker_alignment align(const float *map, const struct worker_marks *marks)
{
    uint32_t                order[PIXELS];
    struct worker_alignment out;
    struct mx_err           err;

    order_of(map, order);
    cr_assert_eq(worker_align(map, order, HEIGHT, WIDTH, marks, &out, &err), 0, "%s", err.text);
    return out;
}

static void put(float *map, uint32_t y, uint32_t x, float value)
{
    map[y * WIDTH + x] = value;
}

static const struct worker_box   box = {1, 6, 4, 9}; /* 3 x 3 */
static const struct worker_marks boxed = {HEIGHT, WIDTH, NULL, &box, 1};

Test(align, pointing_hits_on_the_object_or_within_the_tolerance)
{
    float map[PIXELS] = {0};

    put(map, 2, 7, 1);
    cr_expect_eq(align(map, &boxed).pointing, 1);
    put(map, 0, 7, 2); /* one pixel off; 15/224 of 6 pixels is .4 */
    cr_expect_eq(align(map, &boxed).pointing, 0);
}

/* 15/224 of 224 is 15: at a distance of 14 it is a hit, at 15 no more. */
Test(align, the_tolerance_is_strict)
{
    static float            map[224 * 230];
    static uint32_t         order[224 * 230];
    const struct worker_box far = {100, 100, 101, 101};
    struct worker_marks     marks = {224, 230, NULL, &far, 1};
    struct worker_alignment out;

    order[0] = 100 * 230 + 114;
    cr_assert_eq(worker_align(map, order, 224, 230, &marks, &out, NULL), 0);
    cr_expect_eq(out.pointing, 1);
    order[0] = 100 * 230 + 115;
    cr_assert_eq(worker_align(map, order, 224, 230, &marks, &out, NULL), 0);
    cr_expect_eq(out.pointing, 0);
}

Test(align, energy_is_the_share_of_positive_mass)
{
    float map[PIXELS] = {0};

    put(map, 2, 7, 3);
    put(map, 0, 0, 1);
    put(map, 5, 5, -9);
    cr_expect(fabs(align(map, &boxed).energy - .75) <= 1e-12);
    cr_expect(fabs(align(map, &boxed).energy_minus_area - (.75 - 9.0 / 60)) <= 1e-12);
    memset(map, 0, sizeof map);
    cr_expect_eq(align(map, &boxed).energy, 0);
}

Test(align, relevance_rank_counts_the_first_pixels)
{
    float map[PIXELS] = {0};

    for (uint32_t k = 0; k < 9; k++) /* six of the object, three beside it */
        put(map, 1 + k / 3, k % 3 < 2 ? 6 + k % 3 : 1, 1);
    cr_expect(fabs(align(map, &boxed).relevance_rank - 6.0 / 9) <= 1e-12);
}

/* Two parts: the larger one elsewhere, the smaller one the box itself. */
Test(align, boxes_are_of_the_largest_part_or_of_any)
{
    float                   map[PIXELS] = {0};
    struct worker_alignment out;

    for (uint32_t y = 1; y < 4; y++)
        for (uint32_t x = 6; x < 9; x++)
            put(map, y, x, 1);
    for (uint32_t y = 0; y < 6; y++)
        for (uint32_t x = 0; x < 4; x++)
            put(map, y, x, .6f);
    out = align(map, &boxed);
    cr_expect_eq(out.box_iou[30], 0);
    cr_expect_eq(out.any_box_iou[30], 1);
    cr_expect_eq(out.box_iou[80], 1);
    cr_expect(fabsf(out.mask_iou[30] - 9.0f / 33) <= 1e-6f);
    cr_expect_eq(out.mask_iou[80], 1);
    cr_expect(fabsf(out.box_iou[0] - 9.0f / 60) <= 1e-6f); /* everything is above 0 */
}

Test(align, parts_that_touch_at_a_corner_are_one)
{
    float                   map[PIXELS] = {0};
    const struct worker_box two = {2, 2, 4, 4};
    struct worker_marks     marks = {HEIGHT, WIDTH, NULL, &two, 1};

    put(map, 2, 2, 1);
    put(map, 3, 3, 1);
    cr_expect_eq(align(map, &marks).box_iou[50], 1);
}

Test(align, a_mask_of_another_shape_is_refused)
{
    static const bool       mask[PIXELS] = {[7] = true};
    struct worker_marks     marks = {WIDTH, HEIGHT, mask, NULL, 0};
    struct worker_alignment out;
    struct mx_err           err;
    float                   map[PIXELS] = {0};
    uint32_t                order[PIXELS];
    const struct worker_box wide = {0, 4, 6, 11};

    order_of(map, order);
    cr_expect_eq(worker_align(map, order, HEIGHT, WIDTH, &marks, &out, &err), -1);
    cr_expect_str_eq(err.text, "marks of 10 x 6 pixels for a map of 6 x 10");
    marks = (struct worker_marks){HEIGHT, WIDTH, NULL, &wide, 1};
    cr_expect_eq(worker_align(map, order, HEIGHT, WIDTH, &marks, &out, &err), -1);
    cr_expect_str_eq(err.text, "box 0 (rows 0 to 6, columns 4 to 11) is not in an image of 6 x 10");
}

Test(align, what_is_not_marked_is_skipped)
{
    static const bool       mask[PIXELS] = {false};
    struct worker_marks     marks = {HEIGHT, WIDTH, mask, NULL, 0};
    struct worker_alignment out;
    float                   map[PIXELS] = {0};
    uint32_t                order[PIXELS];

    order_of(map, order);
    cr_expect_eq(worker_align(map, order, HEIGHT, WIDTH, &marks, &out, NULL), 1);
    marks.mask = NULL;
    cr_expect_eq(worker_align(map, order, HEIGHT, WIDTH, &marks, &out, NULL), 1);
}

Test(align, a_mask_has_a_box_of_its_own)
{
    bool                mask[PIXELS] = {false};
    struct worker_marks marks = {HEIGHT, WIDTH, mask, NULL, 0};
    float               map[PIXELS] = {0};

    mask[2 * WIDTH + 3] = mask[4 * WIDTH + 8] = true;
    for (uint32_t y = 2; y < 5; y++)
        for (uint32_t x = 3; x < 9; x++)
            put(map, y, x, 1);
    cr_expect_eq(align(map, &marks).box_iou[50], 1);
    cr_expect(fabsf(align(map, &marks).mask_iou[50] - 2.0f / 18) <= 1e-6f);
}

/* One image passes at .2 only, the other at .6 only. */
Test(align, one_threshold_serves_the_whole_set)
{
    static float ious[2 * WORKER_THRESHOLDS], test[2 * WORKER_THRESHOLDS];

    ious[20] = .9f;
    ious[WORKER_THRESHOLDS + 60] = .9f;
    cr_expect_eq(worker_threshold_score(ious, 2, .5, 20), .5);
    cr_expect_eq(worker_pick_threshold(ious, 2, .5), 20);
    cr_expect_eq(worker_threshold_score(ious, 2, .5, worker_pick_threshold(ious, 2, .5)), .5);
    cr_expect(fabs(worker_threshold_score(ious, 2, 0, 60) - .45) <= 1e-6);
    test[60] = test[WORKER_THRESHOLDS + 60] = .6f; /* an oracle would find these */
    cr_expect_eq(worker_threshold_score(test, 2, .5, worker_pick_threshold(ious, 2, .5)), 0);
    cr_expect_eq(worker_threshold_score(test, 2, .5, worker_pick_threshold(test, 2, .5)), 1);
}
