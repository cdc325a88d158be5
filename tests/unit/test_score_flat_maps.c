/* Maps that say little or nothing, and small ones, through every score of maps: a flat map divides
 * nothing by zero, and what a map says does not depend on its scale. */
#include "tests/unit/score_stages.h"

TestSuite(score_flat_maps, .init = make_folder, .fini = remove_folder);

/* Of the seven images' maps one is zero, one flat, one flat and negative, one all negative, one
 * positive in one pixel; all times a factor. */
static void put_maps(float factor)
{
    const uint64_t dims[] = {IMAGES, SIDE, SIDE};
    float          maps[IMAGES][PIXELS];
    char           path[256];

    for (int p = 0; p < PIXELS; p++) {
        maps[0][p] = 0;
        maps[1][p] = 2 * factor;
        maps[2][p] = -2 * factor;
        maps[3][p] = (float)(-1 - p * 37 % PIXELS) * factor;
        maps[4][p] = p == 19 ? factor : 0;
        maps[5][p] = (float)(p * 37 % PIXELS) * factor;
        maps[6][p] = (float)(p * 29 % PIXELS - 30) * factor;
    }
    file_of(maps_key, "gradcam.npy", path);
    cr_assert_eq(worker_npy_write(path, WORKER_NPY_F32, 3, dims, maps, NULL), 0);
}

static struct worker_result score(struct world *w, float factor, const char *key)
{
    put_maps(factor);
    become(w->job, WORKER_STAGE_SCORES, key);
    return run(w->job, w->cache);
}

Test(score_flat_maps, give_numbers_and_the_same_at_any_scale)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADCAM};
    struct world                         w = {.job = NULL};
    struct worker_result                 result, small;
    size_t                               seen = 0;

    begin(&w, worker_scores_of(WORKER_STAGE_SCORES) & ~worker_scores_that_are(WORKER_SCORE_NO_MAP),
          kinds, 1);
    w.job->params.score_bootstrap = 20;
    w.job->params.score_fills =
        (struct worker_list){3, {WORKER_FILL_ZERO, WORKER_FILL_BLUR, WORKER_FILL_ROAD}};
    result = score(&w, 1, "44444444444444444444444444444444");
    small = score(&w, 0x1p-27F, "55555555555555555555555555555555");
    cr_assert_eq(result.nmetrics, small.nmetrics);
    for (size_t m = 0; m < result.nmetrics; m++) {
        const char *name = result.metrics[m].name;

        if (!strstr(name, ".gradcam"))
            continue;
        cr_expect(isfinite(result.metrics[m].value), "%s: %g", name, result.metrics[m].value);
        cr_expect(fabs(result.metrics[m].value - small.metrics[m].value) <= 1e-12, "%s: %g and %g",
                  name, result.metrics[m].value, small.metrics[m].value);
        seen++;
    }
    cr_expect(seen > 60, "%zu", seen);
    worker_result_free(&result);
    worker_result_free(&small);
    end(&w);
}

/* The map of a zero image, and the score of it: it has no entropy, and is no part of the mean. */
Test(score_flat_maps, a_map_of_zeros_has_no_entropy_and_no_mass)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADCAM};
    struct world                         w = {.job = NULL};
    struct worker_result                 result;
    float                               *entropy, *gini, *energy;

    begin(&w,
          WORKER_SCORE_BIT(ENTROPY) | WORKER_SCORE_BIT(GINI) |
              WORKER_SCORE_BIT(ENERGY_POINTING_GAME),
          kinds, 1);
    put_maps(1);
    result = run(w.job, w.cache);
    entropy = read_rows("entropy.gradcam.npy", 1);
    gini = read_rows("gini.gradcam.npy", 1);
    energy = read_rows("energy_pointing_game.gradcam.npy", 1);
    cr_expect(isnan(entropy[0]));
    cr_expect_eq(gini[0], 0);
    cr_expect_eq(energy[0], 0);
    for (int flat = 1; flat <= 2; flat++) {
        cr_expect(fabs((double)entropy[flat] - log(PIXELS)) <= 1e-6);
        cr_expect(fabs((double)gini[flat]) <= 1e-6);
    }
    cr_expect_eq(energy[2], 0, "nothing of it is positive");
    cr_expect_eq(energy[3], 0);
    free(entropy);
    free(gini);
    free(energy);
    worker_result_free(&result);
    end(&w);
}
