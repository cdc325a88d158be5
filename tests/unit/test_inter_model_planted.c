/* A planted case with a known answer: models whose evidence is one patch, the object.
 * They differ in what share of it they need, and in how much else their maps show. The
 * model with the best maps needs least of the object: by plain deletion its maps look
 * worst, across models they are the best. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/curve.h"
#include "worker/inter_model.h"

enum {
    HEIGHT = 12,
    WIDTH = 10,
    PIXELS = HEIGHT * WIDTH,
    IMAGES = 24,
    STEPS = 15,
    MODELS = 4
};

static const struct worker_shape shape = {1, HEIGHT, WIDTH, 2, 0};

struct model {
    double needs; /* share of the object that is enough */
    double pure;  /* share of the object in what its maps show */
};

/* The first withstands occlusion and has the best maps. */
static const struct model models[MODELS] = {{.25, 1}, {.9, .7}, {1, .5}, {.8, .35}};

/* Images are 1 on the object, 0.5 elsewhere. */
static int predict(void *model, const float *images, uint32_t n, float *logits, struct mx_err *err)
{
    const struct model *own = model;

    (void)err;
    for (uint32_t i = 0; i < n; i++) {
        double seen = 0;

        for (uint32_t p = 0; p < PIXELS; p++)
            seen += images[i * PIXELS + p] > 0.9f;
        seen = fmin(1, seen / (16 * own->needs));
        logits[2 * i] = (float)(12 * seen - 8);
        logits[2 * i + 1] = 0;
    }
    return 0;
}

/* A 4 x 4 object somewhere, and maps that show it among other pixels. */
static void plant(float *images, float maps[MODELS][IMAGES * PIXELS])
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(6, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (uint32_t i = 0; i < IMAGES; i++) {
        const uint32_t top = (uint32_t)mx_rng_below(&rng, HEIGHT - 3);
        const uint32_t left = (uint32_t)mx_rng_below(&rng, WIDTH - 3);

        for (uint32_t p = 0; p < PIXELS; p++) {
            const bool object = p / WIDTH - top < 4 && p % WIDTH - left < 4;

            images[i * PIXELS + p] = object ? 1 : .5f;
            for (int m = 0; m < MODELS; m++) {
                const double decoys = 16 * (1 / models[m].pure - 1) / (PIXELS - 16);
                const bool   shown = object || mx_rng_uniform(&rng) < decoys;

                maps[m][i * PIXELS + p] = (float)(mx_rng_uniform(&rng) / 2 + shown);
            }
        }
    }
}

static void score(uint32_t scorer, const float *images, const float *maps, float *areas)
{
    const uint32_t            targets[IMAGES] = {0};
    uint32_t                  rows[IMAGES];
    float                     curves[IMAGES * (STEPS + 1)];
    double                    fractions[STEPS + 1];
    struct model              own = models[scorer];
    struct worker_curve_spec  spec = {.shape = shape,
                                      .steps = STEPS,
                                      .stream = mx_stream_make(6, 0, MX_PURPOSE_SCORE, 0),
                                      .batch = 50,
                                      .predict = predict,
                                      .model = &own};
    struct worker_curve_batch batch = {images, maps, targets, rows, IMAGES};

    for (uint32_t i = 0; i < IMAGES; i++)
        rows[i] = i;
    cr_assert_eq(worker_curves(&spec, &batch, curves, NULL), 0);
    worker_curve_fractions(&spec, fractions);
    for (uint32_t i = 0; i < IMAGES; i++)
        areas[i] = (float)worker_inter_area(curves + i * (STEPS + 1), fractions, STEPS + 1, false);
}

Test(inter_model_planted, plain_deletion_ranks_a_robust_model_wrongly_and_this_does_not)
{
    static float            images[IMAGES * PIXELS], maps[MODELS][IMAGES * PIXELS];
    static float            areas[MODELS][MODELS][IMAGES];
    double                  matrix[MODELS][MODELS];
    struct worker_inter_fit fit;

    plant(images, maps);
    for (uint32_t i = 0; i < MODELS; i++)
        for (uint32_t j = 0; j < MODELS; j++)
            score(j, images, maps[i], areas[i][j]);
    worker_inter_matrix(&areas[0][0][0], MODELS, IMAGES, NULL, &matrix[0][0]);
    cr_assert_eq(worker_inter_fit_new(MODELS, &fit, NULL), 0);
    cr_assert_eq(worker_inter_fit(&matrix[0][0], MODELS, false, &fit, NULL), 0);

    /* lower is better: the diagonal puts the best maps behind the second and third best */
    cr_expect(matrix[0][0] > matrix[1][1] && matrix[0][0] > matrix[2][2]);
    for (int m = 1; m < MODELS; m++)
        cr_expect(fit.carries[m - 1] > fit.carries[m], "model %d: %g, model %d: %g", m - 1,
                  fit.carries[m - 1], m, fit.carries[m]);
    /* and what the first has too much of is found where it belongs */
    for (int m = 1; m < MODELS; m++)
        cr_expect(fit.scorer[0] > fit.scorer[m]);
    free(fit.map);
}
