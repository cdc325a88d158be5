/* Network dissection against a version that takes one unit, one image and one pixel at a time. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "worker/dissection.h"
#include "worker/explain.h"

enum {
    UNITS = 5,
    HEIGHT = 3,
    WIDTH = 4,
    AREA = HEIGHT * WIDTH,
    TO_HEIGHT = 9,
    TO_WIDTH = 11,
    PIXELS = TO_HEIGHT * TO_WIDTH,
    IMAGES = 40 /* 480 values a unit: 2 of them above the threshold */
};

static const struct worker_dissection_sizes sizes = {UNITS,     HEIGHT,   WIDTH,
                                                     TO_HEIGHT, TO_WIDTH, IMAGES};

struct world {
    float   values[IMAGES][UNITS][AREA];
    uint8_t concepts[IMAGES][PIXELS];
};

static struct world *draw(uint64_t seed)
{
    struct world *w = malloc(sizeof *w);
    struct mx_rng rng = mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    cr_assert_not_null(w);
    for (int i = 0; i < IMAGES; i++) {
        for (int u = 0; u < UNITS; u++)
            for (int p = 0; p < AREA; p++)
                w->values[i][u][p] = (float)mx_rng_below(&rng, u == 3 ? 4 : 1000); /* ties */
        for (int p = 0; p < PIXELS; p++)
            w->concepts[i][p] = p % TO_WIDTH < 6 ? (uint8_t)(mx_rng_below(&rng, 4) * 85) : 0;
    }
    return w;
}

static struct worker_dissection *dissect(const struct world *w)
{
    struct worker_dissection *d = worker_dissection_new(&sizes, NULL);

    cr_assert_not_null(d);
    for (int i = 0; i < IMAGES; i++)
        cr_assert_eq(worker_dissection_show(d, w->values[i][0], NULL), 0);
    for (int i = 0; i < IMAGES; i++)
        worker_dissection_compare(d, w->values[i][0], w->concepts[i]);
    return d;
}

/* The smallest value that at most 0.5 % of all are above. */
static float naive_threshold(const struct world *w, int unit)
{
    float best = INFINITY;

    for (int i = 0; i < IMAGES; i++)
        for (int p = 0; p < AREA; p++) {
            int above = 0;

            for (int k = 0; k < IMAGES * AREA; k++)
                above += w->values[k / AREA][unit][k % AREA] > w->values[i][unit][p];
            if (above * 1000 <= 5 * IMAGES * AREA && w->values[i][unit][p] < best)
                best = w->values[i][unit][p];
        }
    return best;
}

static double naive_iou(const struct world *w, int unit, int concept)
{
    const float threshold = naive_threshold(w, unit);
    int         both = 0, either = 0;

    for (int i = 0; i < IMAGES; i++) {
        float large[PIXELS];

        worker_map_resize(w->values[i][unit], HEIGHT, WIDTH, large, TO_HEIGHT, TO_WIDTH);
        for (int p = 0; p < PIXELS; p++) {
            both += large[p] > threshold && w->concepts[i][p] == concept;
            either += large[p] > threshold || w->concepts[i][p] == concept;
        }
    }
    return either > 0 ? (double)both / either : 0;
}

Test(dissection, is_that_of_one_pixel_at_a_time)
{
    struct world             *w = draw(1);
    struct worker_dissection *d = dissect(w);

    for (int u = 0; u < UNITS; u++) {
        const struct worker_dissection_unit unit = worker_dissection_unit(d, (uint32_t)u);
        double                              best = 0;
        int concept = 0;

        for (int c = 1; c < 256; c++)
            if (naive_iou(w, u, c) > best) {
                best = naive_iou(w, u, c);
                concept = c;
            }
        cr_expect_eq((float)unit.threshold, naive_threshold(w, u), "unit %d", u);
        cr_expect(fabs(unit.iou - best) <= 1e-12, "unit %d: %g, not %g", u, unit.iou, best);
        cr_expect_eq(unit.concept, (uint32_t) concept);
        cr_expect_eq(unit.detects, best > 0.04);
    }
    worker_dissection_free(d);
    free(w);
}

/* Unit 0 speaks where concept 7 is, in two images; unit 1 the same; unit 2 where 9 is; the others
 * say the same of everything. */
Test(dissection, finds_the_units_that_tell_a_concept_and_counts_each_concept_once)
{
    struct world             *w = calloc(1, sizeof *w);
    struct worker_dissection *d;
    uint32_t                  detectors, concepts;

    for (int i = 0; i < 2; i++) {
        w->values[i][0][5] = w->values[i][1][5] = 3;
        w->values[i + 5][2][0] = 1;
        for (int p = 0; p < PIXELS; p++) {
            w->concepts[i][p] =
                p / TO_WIDTH / 3 == 1 && p % TO_WIDTH * WIDTH / TO_WIDTH == 1 ? 7 : 0;
            w->concepts[i + 5][p] = p / TO_WIDTH < 3 && p % TO_WIDTH < 3 ? 9 : 0;
        }
    }
    d = dissect(w);
    worker_dissection_count(d, &detectors, &concepts);
    cr_expect_eq(detectors, 3, "%u", detectors);
    cr_expect_eq(concepts, 2, "%u", concepts);
    cr_expect_eq(worker_dissection_unit(d, 0).concept, 7);
    cr_expect_eq(worker_dissection_unit(d, 1).concept, 7);
    cr_expect_eq(worker_dissection_unit(d, 2).concept, 9);
    cr_expect_eq(worker_dissection_unit(d, 3).concept, 0);
    cr_expect_eq(worker_dissection_unit(d, 3).iou, 0);
    cr_expect_not(worker_dissection_unit(d, 4).detects);
    worker_dissection_free(d);
    free(w);
}

Test(dissection, no_positive_factor_changes_it)
{
    struct world             *w = draw(2);
    struct worker_dissection *d = dissect(w), *scaled;

    for (int k = 0; k < IMAGES * UNITS * AREA; k++)
        w->values[k / (UNITS * AREA)][k / AREA % UNITS][k % AREA] *= 0x1p-20F;
    scaled = dissect(w);
    for (uint32_t u = 0; u < UNITS; u++) {
        cr_expect_eq(worker_dissection_unit(d, u).iou, worker_dissection_unit(scaled, u).iou);
        cr_expect_eq(worker_dissection_unit(d, u).threshold * 0x1p-20,
                     worker_dissection_unit(scaled, u).threshold);
    }
    worker_dissection_free(d);
    worker_dissection_free(scaled);
    free(w);
}

Test(dissection, refuses_what_is_not_finite)
{
    struct worker_dissection *d = worker_dissection_new(&sizes, NULL);
    float                     values[UNITS * AREA] = {0};
    struct mx_err             err = {0};

    values[2 * AREA + 1] = NAN;
    cr_expect_eq(worker_dissection_show(d, values, &err), -1);
    cr_expect_eq(err.code, MX_EDIVERGED);
    cr_expect_str_eq(err.text,
                     "what unit 2 says is not finite (lower train.lr, or set train.clip_norm)");
    worker_dissection_free(d);
    worker_dissection_free(NULL);
}
