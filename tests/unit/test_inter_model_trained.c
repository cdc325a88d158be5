/* A planted case with a known answer and networks that are really trained. Two patches of synthetic
 * images tell the class, a plain one and a faint striped one; shapes do not, labels are drawn anew.
 * A network looks at the plain patch, which is enough. Its copy is trained on with parts of the
 * patches erased, so it has to look at both, and withstands occlusion: its maps show more of what
 * tells the class, as the patches themselves say. By plain deletion they look much worse, since
 * the copy holds out longer. Across models they are the better ones. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/small_training.h"
#include "worker/align.h"
#include "worker/batch.h"
#include "worker/curve.h"
#include "worker/explain.h"
#include "worker/inter_model.h"

enum {
    SEED = 5, /* 3, 4 and 11 say the same, by smaller margins */
    SIDE = 12,
    PIXELS = SIDE * SIDE,
    PATCHES = 2, /* plain, then striped */
    IMAGES = 256,
    BATCH = 32,
    EPOCHS = 3,
    MORE_EPOCHS = 16, /* of the copy */
    PAIRS = 2,
    MODELS = 2 * PAIRS, /* a network and its copy, in turns */
    SEEN = 24,          /* test images */
    STEPS = 28
};

static const uint32_t sides[PATCHES] = {3, 6};

struct place {
    uint32_t top, left;
};

struct planted {
    struct worker_job     *job;
    struct worker_dataset *set;
    struct worker_net      net;
    struct place           trained[IMAGES][PATCHES], tested[IMAGES][PATCHES];
    struct worker_engine  *models[MODELS];
    float                  images[SEEN * PIXELS];
    uint32_t               rows[SEEN];
    float                  maps[MODELS][SEEN * PIXELS];
};

static struct mx_rng draw(uint32_t a, uint32_t b, uint32_t c)
{
    return mx_rng_at(mx_stream_make(SEED, 0, MX_PURPOSE_DATA, 0), a, b, c);
}

static size_t pixel(const struct place *place, unsigned patch, uint32_t k)
{
    return (place->top + k / sides[patch]) * SIDE + place->left + k % sides[patch];
}

/* White or black; or stripes that lie or stand, a sixth of that apart. */
static uint8_t patch_byte(unsigned patch, uint32_t label, uint32_t k)
{
    if (patch == 0)
        return label ? 255 : 0;
    return (label ? k / sides[patch] : k % sides[patch]) % 2 ? 148 : 108;
}

static void plant(struct worker_split *split, struct place (*places)[PATCHES], unsigned half)
{
    for (uint32_t i = 0; i < split->n; i++) {
        struct mx_rng rng = draw(half, i, 0);
        uint8_t      *image = split->pixels + (size_t)i * PIXELS;

        split->labels[i] = (uint32_t)mx_rng_below(&rng, 2);
        for (uint32_t k = 0; k < PIXELS; k++)
            image[k] = (uint8_t)(96 + image[k] / 4);
        for (unsigned patch = 0; patch < PATCHES; patch++) {
            struct place *place = &places[i][patch];

            place->top = (uint32_t)mx_rng_below(&rng, SIDE - sides[patch] + 1);
            place->left =
                patch * SIDE / 2 + (uint32_t)mx_rng_below(&rng, SIDE / 2 - sides[patch] + 1);
            for (uint32_t k = 0; k < sides[patch] * sides[patch]; k++)
                image[pixel(place, patch, k)] = patch_byte(patch, split->labels[i], k);
        }
    }
}

/* One patch goes, and a share of the other. */
static void erase(float *image, const struct place *places, struct mx_rng *rng)
{
    const unsigned gone = mx_rng_uniform(rng) < 0.6 ? 0 : 1;
    const double   share = mx_rng_uniform(rng) * 0.8;

    for (unsigned patch = 0; patch < PATCHES; patch++)
        for (uint32_t k = 0; k < sides[patch] * sides[patch]; k++)
            if (patch == gone || mx_rng_uniform(rng) < share)
                image[pixel(&places[patch], patch, k)] = 0;
}

static void train(struct planted *p, unsigned model, uint32_t epochs, bool erasing)
{
    const struct mx_stream unused = mx_stream_make(SEED, 0, MX_PURPOSE_MIX, 0);
    struct worker_batch   *batch = worker_batch_new(&p->job->params, &p->set->shape, BATCH, NULL);
    uint32_t               order[IMAGES];
    double                 loss;

    for (uint32_t epoch = 0; epoch < epochs; epoch++) {
        struct mx_rng rng = draw(2 + model, epoch, 0);

        mx_rng_permutation(&rng, order, IMAGES);
        for (uint32_t at = 0; at < IMAGES; at += BATCH) {
            cr_assert_eq(worker_batch_train(batch, &p->job->params, p->set, order + at, BATCH,
                                            unused, unused, epoch, at / BATCH, NULL),
                         0);
            for (uint32_t i = 0; erasing && i < BATCH; i++)
                erase(batch->images + (size_t)i * PIXELS, p->trained[order[at + i]], &rng);
            cr_assert_eq(worker_engine_step(p->models[model], batch,
                                            0.05 * (1 - (double)epoch / epochs), &loss, NULL),
                         0);
        }
    }
    worker_batch_free(batch);
}

static void copy(struct worker_engine *to, struct worker_engine *from)
{
    struct worker_engine_memory a, b;

    cr_assert_eq(worker_engine_memory(to, &a, NULL), 0);
    cr_assert_eq(worker_engine_memory(from, &b, NULL), 0);
    cr_assert_eq(a.bytes, b.bytes);
    memcpy(a.data, b.data, a.bytes);
    *a.steps = *b.steps;
}

static void make_models(struct planted *p)
{
    for (unsigned m = 0; m < MODELS; m++) {
        p->models[m] = worker_engine_new(&p->job->params, &p->set->shape, BATCH,
                                         mx_stream_make(SEED, m, MX_PURPOSE_INIT, 0), NULL);
        cr_assert_not_null(p->models[m]);
        if (m % 2 == 0) {
            train(p, m, EPOCHS, false);
        } else {
            copy(p->models[m], p->models[m - 1]);
            train(p, m, MORE_EPOCHS, true);
        }
    }
}

static struct planted *planted_new(void)
{
    struct planted       *p = calloc(1, sizeof *p);
    struct worker_params *params;
    struct worker_batch  *batch;

    cr_assert_not_null(p);
    p->job = small_training("");
    params = &p->job->params;
    params->data_size = SIDE;
    params->data_val_fraction = 0;
    params->data_synthetic_n = IMAGES;
    params->data_synthetic_classes = 2;
    params->data_augment = WORKER_AUGMENT_NONE;
    params->mix_strategy = WORKER_MIX_NONE;
    p->set = worker_dataset_open(params, SEED, NULL);
    cr_assert(p->set && p->set->train.n == IMAGES && p->set->test.n >= SEEN);
    plant(&p->set->train, p->trained, 0);
    plant(&p->set->test, p->tested, 1);
    cr_assert_eq(worker_net_build(params, &p->set->shape, &p->net, NULL), 0);
    batch = worker_batch_new(params, &p->set->shape, SEEN, NULL);
    worker_batch_plain(batch, p->set, &p->set->test, 0, SEEN);
    memcpy(p->images, batch->images, sizeof p->images);
    worker_batch_free(batch);
    for (uint32_t i = 0; i < SEEN; i++)
        p->rows[i] = i;
    make_models(p);
    return p;
}

static void planted_free(struct planted *p)
{
    for (unsigned m = 0; m < MODELS; m++)
        worker_engine_free(p->models[m]);
    worker_net_free(&p->net);
    worker_dataset_free(p->set);
    worker_job_free(p->job);
    free(p->job);
    free(p);
}

static void explain(struct planted *p, unsigned model)
{
    const struct worker_map_options options =
        worker_map_defaults(mx_stream_make(SEED, 0, MX_PURPOSE_SCORE, 0));
    const struct worker_map_batch batch = {p->images, p->set->test.labels, p->rows, SEEN, SEEN};
    struct worker_tensor         *tensors;
    size_t                        count;
    struct worker_explainer      *explainer;

    cr_assert_eq(worker_engine_export(p->models[model], &tensors, &count, NULL), 0);
    explainer = worker_explainer_new(
        &p->net, tensors, count,
        &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, WORKER_MAP_BATCH, false}, NULL);
    cr_assert_not_null(explainer);
    cr_assert_eq(worker_explain(explainer, WORKER_MAP_INPUT_X_GRADIENT, &options, &batch,
                                p->maps[model], NULL, NULL),
                 0);
    worker_explainer_free(explainer);
    worker_tensors_free(tensors, count);
}

static int predict(void *engine, const float *images, uint32_t n, float *logits, struct mx_err *err)
{
    return worker_engine_infer(engine, images, n, logits, err);
}

static struct worker_curve_spec spec_of(const struct planted *p, unsigned scorer)
{
    return (struct worker_curve_spec){.shape = p->set->shape,
                                      .steps = STEPS,
                                      .stream = mx_stream_make(SEED, 0, MX_PURPOSE_SCORE, 0),
                                      .batch = 200,
                                      .predict = predict,
                                      .model = p->models[scorer]};
}

static void score(struct planted *p, unsigned map, unsigned scorer, float *areas)
{
    const struct worker_curve_spec  spec = spec_of(p, scorer);
    const struct worker_curve_batch batch = {p->images, p->maps[map], p->set->test.labels, p->rows,
                                             SEEN};
    float                           curves[SEEN * (STEPS + 1)];
    double                          fractions[STEPS + 1];

    cr_assert_eq(worker_curves(&spec, &batch, curves, NULL), 0);
    worker_curve_fractions(&spec, fractions);
    for (uint32_t i = 0; i < SEEN; i++) {
        const float *curve = curves + i * (STEPS + 1);

        cr_assert(curve[0] > 0.5f, "model %u has not learned image %u", scorer, i);
        areas[i] = (float)worker_inter_area(curve, fractions, STEPS + 1, false);
    }
}

/* The share of both patches among as many first pixels of a model's maps. */
static double found(const struct planted *p, unsigned model)
{
    const struct worker_curve_spec spec = spec_of(p, model);
    double                         sum = 0;

    for (uint32_t i = 0; i < SEEN; i++) {
        const float            *map = p->maps[model] + (size_t)i * PIXELS;
        struct worker_box       boxes[PATCHES];
        struct worker_marks     marks = {SIDE, SIDE, NULL, boxes, PATCHES};
        struct worker_alignment alignment;
        uint32_t                order[PIXELS];

        for (unsigned patch = 0; patch < PATCHES; patch++) {
            const struct place *place = &p->tested[i][patch];

            boxes[patch] = (struct worker_box){place->top, place->left, place->top + sides[patch],
                                               place->left + sides[patch]};
        }
        cr_assert_eq(worker_curve_order(&spec, map, i, order, NULL), 0);
        cr_assert_eq(worker_align(map, order, SIDE, SIDE, &marks, &alignment, NULL), 0);
        sum += alignment.relevance_rank;
    }
    return sum / SEEN;
}

/* What the copies have more of than the networks they come from, on average. */
static double copies_have_more(const double *values)
{
    double sum = 0;

    for (unsigned m = 0; m < MODELS; m++)
        sum += m % 2 ? values[m] : -values[m];
    return sum / PAIRS;
}

Test(inter_model_trained, plain_deletion_ranks_a_robust_copy_wrongly_and_this_does_not)
{
    static float            areas[MODELS][MODELS][SEEN];
    struct planted         *p = planted_new();
    double                  matrix[MODELS][MODELS], plain[MODELS], truth[MODELS];
    struct worker_inter_fit fit;

    for (unsigned m = 0; m < MODELS; m++) {
        explain(p, m);
        truth[m] = found(p, m);
    }
    for (unsigned i = 0; i < MODELS; i++)
        for (unsigned j = 0; j < MODELS; j++)
            score(p, i, j, areas[i][j]);
    worker_inter_matrix(&areas[0][0][0], MODELS, SEEN, NULL, &matrix[0][0]);
    cr_assert_eq(worker_inter_fit_new(MODELS, &fit, NULL), 0);
    cr_assert_eq(worker_inter_fit(&matrix[0][0], MODELS, false, &fit, NULL), 0);
    for (unsigned m = 0; m < MODELS; m++)
        plain[m] = matrix[m][m];

    cr_expect(copies_have_more(truth) > 0.05, "%g", copies_have_more(truth));
    /* lower is better: plain deletion has it the wrong way round */
    cr_expect(copies_have_more(plain) > 0.05, "%g", copies_have_more(plain));
    /* higher is better: this has not, and finds the copies' robustness where it belongs */
    cr_expect(copies_have_more(fit.carries) > 0, "%g", copies_have_more(fit.carries));
    cr_expect(copies_have_more(fit.scorer) > 0.05, "%g", copies_have_more(fit.scorer));
    free(fit.map);
    planted_free(p);
}
