#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/head_data.h"
#include "worker/edits.h"

enum {
    SUPPORT = 6,
    NEAR = 5,
    DIMS = HEAD_DATA_DIMS
};

static const uint32_t rows[SUPPORT] = {3, 17, 40, 111, 250, 399};

struct world {
    struct worker_features      *features;
    double                       before[SUPPORT * DIMS], after[SUPPORT * DIMS];
    struct worker_edits_question question;
};

/* Support features, and where they go: most of the way to a row of another group. */
static void make(struct world *world, int with_groups)
{
    struct worker_feature_split *train;

    world->features = head_data_new(WORKER_F64, 2, with_groups);
    train = &world->features->split[WORKER_FEATURES_TRAIN];
    for (uint32_t s = 0; s < SUPPORT; s++)
        for (uint32_t k = 0; k < DIMS; k++) {
            double here = train->x64[rows[s] * DIMS + k];

            world->before[s * DIMS + k] = here;
            world->after[s * DIMS + k] = 0.2 * here + 0.8 * train->x64[(s + 60) * DIMS + k];
        }
    world->question = (struct worker_edits_question){.features = world->features,
                                                     .n = SUPPORT,
                                                     .rows = rows,
                                                     .before = world->before,
                                                     .after = world->after,
                                                     .neighbours = NEAR};
}

static double distance(const struct world *world, const double *from, uint32_t row)
{
    double sum = 0;

    for (uint32_t k = 0; k < DIMS; k++)
        sum += pow(from[k] - world->features->split[0].x64[row * DIMS + k], 2);
    return sqrt(sum);
}

/* The rank of a row is how many others, the image itself aside, are nearer. */
static void expect_ranks(const struct world *world, uint32_t s, const double *from,
                         const struct worker_neighbour *nearest)
{
    for (uint32_t j = 0; j < NEAR; j++) {
        uint32_t nearer = 0;
        double   here = distance(world, from, nearest[j].row);

        for (uint32_t r = 0; r < HEAD_DATA_TRAIN; r++) {
            double there = distance(world, from, r);

            nearer += r != rows[s] && r != nearest[j].row &&
                      (there < here || (there == here && r < nearest[j].row));
        }
        cr_expect_eq(nearer, j);
        cr_expect(nearest[j].row != rows[s]);
        cr_expect(fabs(nearest[j].distance - here) <= 1e-12 * here);
    }
}

Test(edits, neighbours_are_the_nearest_training_images_but_the_image_itself)
{
    struct world        world;
    struct worker_edits edits;

    make(&world, 1);
    cr_assert_eq(worker_edits_measure(&world.question, &edits, NULL), 0);
    for (uint32_t s = 0; s < SUPPORT; s++) {
        expect_ranks(&world, s, world.before + s * DIMS, edits.before + s * NEAR);
        expect_ranks(&world, s, world.after + s * DIMS, edits.after + s * NEAR);
        cr_expect_eq(edits.after[s * NEAR].row, s + 60, "it went most of the way there");
        cr_expect(fabs(edits.moved[s] - 0.8 * distance(&world, world.before + s * DIMS, s + 60)) <=
                  1e-12);
    }
    worker_edits_free(&edits);
    head_data_free(world.features);
}

static void expect_counts(int with_groups)
{
    struct world        world;
    struct worker_edits edits;
    uint64_t            want[16] = {0}, sum = 0;

    make(&world, with_groups);
    cr_assert_eq(worker_edits_measure(&world.question, &edits, NULL), 0);
    cr_assert_eq(edits.parts, with_groups ? 4 : 2);
    for (uint32_t s = 0; s < SUPPORT; s++)
        for (uint32_t j = 0; j < NEAR; j++) {
            const struct worker_feature_split *train = &world.features->split[0];
            const uint32_t                    *of = with_groups ? train->groups : train->labels;

            want[of[rows[s]] * edits.parts + of[edits.after[s * NEAR + j].row]]++;
        }
    cr_expect_arr_eq(edits.count_after, want, edits.parts * edits.parts * sizeof *want);
    for (uint32_t k = 0; k < edits.parts * edits.parts; k++)
        sum += edits.count_before[k];
    cr_expect_eq(sum, SUPPORT * NEAR);
    worker_edits_free(&edits);
    head_data_free(world.features);
}

Test(edits, neighbours_are_counted_by_the_group_of_the_support_image_and_their_own)
{
    expect_counts(1);
}

Test(edits, without_groups_they_are_counted_by_class)
{
    expect_counts(0);
}

Test(edits, similarity_to_a_text_is_the_cosine)
{
    struct world        world;
    struct worker_edits edits;
    double              texts[2 * DIMS] = {0};

    make(&world, 1);
    texts[2] = 5; /* the second one is zero */
    world.question.texts = texts;
    world.question.ntexts = 2;
    cr_assert_eq(worker_edits_measure(&world.question, &edits, NULL), 0);
    for (uint32_t s = 0; s < SUPPORT; s++) {
        double length = 0;

        for (uint32_t k = 0; k < DIMS; k++)
            length += pow(world.before[s * DIMS + k], 2);
        cr_expect(fabs(edits.text_before[2 * s] - world.before[s * DIMS + 2] / sqrt(length)) <=
                  1e-14);
        cr_expect_eq(edits.text_before[2 * s + 1], 0);
        cr_expect(edits.text_after[2 * s] != edits.text_before[2 * s]);
    }
    worker_edits_free(&edits);
    head_data_free(world.features);
}

Test(edits, says_what_cannot_be_asked)
{
    struct world        world;
    struct worker_edits edits;
    struct mx_err       err;
    uint32_t            bad[SUPPORT] = {3, 400};

    make(&world, 1);
    world.question.neighbours = 400;
    cr_expect_eq(worker_edits_measure(&world.question, &edits, &err), -1);
    cr_expect_str_eq(err.text, "400 neighbours among 400 training images: ask for 1 to 399");
    world.question.neighbours = 0;
    cr_expect_eq(worker_edits_measure(&world.question, &edits, &err), -1);
    world.question.neighbours = 5;
    world.question.rows = bad;
    cr_expect_eq(worker_edits_measure(&world.question, &edits, &err), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, "support image 1 is row 400 of train, which has 400");
    head_data_free(world.features);
}
