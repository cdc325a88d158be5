/* Curves against a version that takes one image, one step and one pixel at a time, and
 * against exact cases. The field report's row "pixel flipping one image at a time":
 * an_image_has_the_same_curve_whatever_the_batch. Direction of each score: curve.h. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/nn.h"
#include "worker/choices.h"
#include "worker/curve.h"
#include "worker/engine.h"

enum {
    HEIGHT = 5,
    WIDTH = 7,
    CHANNELS = 2,
    CLASSES = 3,
    PIXELS = HEIGHT * WIDTH,
    FLOATS = CHANNELS * PIXELS,
    IMAGES = 4,
    ROOM = 64 /* points of a curve, at most */
};

/* SciPy 1.17: gaussian_filter(delta, 5) at [5, 5] and at [0, 0]. */
static const double rise_middle = 0.008832628216191647, rise_corner = 0.007736635408576913;

static const struct worker_shape shape = {CHANNELS, HEIGHT, WIDTH, CLASSES, 0};

/* A model that is no network: smooth, and different for every pixel. */
static int predict(void *model, const float *images, uint32_t n, float *logits, struct mx_err *err)
{
    unsigned *calls = model;

    (void)err;
    if (calls)
        (*calls)++;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < CLASSES; c++) {
            double sum = 0;

            for (uint32_t k = 0; k < FLOATS; k++)
                sum += sin(1.7 * k + 2.1 * c) * tanh(images[i * FLOATS + k]);
            logits[i * CLASSES + c] = (float)sum;
        }
    return 0;
}

/* Images; maps that vary, that have many ties, that are zero, that have both signs. */
struct given {
    float    images[IMAGES * FLOATS], maps[IMAGES * PIXELS];
    uint32_t targets[IMAGES], rows[IMAGES];
};

static struct worker_curve_batch give(struct given *given)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(8, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (int k = 0; k < IMAGES * FLOATS; k++)
        given->images[k] = (float)mx_rng_normal(&rng);
    for (int k = 0; k < IMAGES * PIXELS; k++) {
        const double x = mx_rng_normal(&rng);

        given->maps[k] = (float)(k < PIXELS       ? x
                                 : k < 2 * PIXELS ? floor(2 * x)
                                 : k < 3 * PIXELS ? 0
                                                  : fabs(x));
    }
    for (uint32_t i = 0; i < IMAGES; i++) {
        given->targets[i] = (i + 1) % CLASSES;
        given->rows[i] = 100 - 9 * i;
    }
    return (struct worker_curve_batch){given->images, given->maps, given->targets, given->rows,
                                       IMAGES};
}

static struct worker_curve_spec spec_of(enum worker_curve_kind kind, enum worker_fill fill)
{
    return (struct worker_curve_spec){.shape = shape,
                                      .steps = 8,
                                      .kind = kind,
                                      .fill = fill,
                                      .stream = mx_stream_make(4, 1, MX_PURPOSE_SCORE, 0),
                                      .batch = 5,
                                      .predict = predict};
}

/* True if pixel a goes before pixel b. */
static bool before(const struct worker_curve_spec *spec, const float *map, const uint32_t *keys,
                   int a, int b)
{
    const float x = spec->is_signed ? map[a] : fabsf(map[a]);
    const float y = spec->is_signed ? map[b] : fabsf(map[b]);

    if (x != y)
        return x > y;
    if (!spec->raster && keys[a] != keys[b])
        return keys[a] < keys[b];
    return a < b;
}

/* How many pixels go before pixel p. */
static int place_of(const struct worker_curve_spec *spec, const float *map, uint32_t row, int p)
{
    struct mx_rng rng = mx_rng_at(spec->stream, WORKER_DRAW_TIES, row, 0);
    uint32_t      keys[PIXELS];
    int           place = 0;

    for (int k = 0; k < PIXELS; k++)
        keys[k] = mx_rng_u32(&rng);
    for (int k = 0; k < PIXELS; k++)
        place += k != p && before(spec, map, keys, k, p);
    return spec->kind == WORKER_CURVE_LEAST_FIRST ? PIXELS - 1 - place : place;
}

/* Imputation by elimination: the equations of all removed pixels of a channel. */
static void impute(const bool *removed, const float *image, double *out)
{
    double a[PIXELS][PIXELS + 1] = {{0}};

    for (int p = 0; p < PIXELS; p++) {
        a[p][p] = 1;
        a[p][PIXELS] = image[p];
        for (int q = 0; removed[p] && q < PIXELS; q++) {
            const int dy = abs(p / WIDTH - q / WIDTH), dx = abs(p % WIDTH - q % WIDTH);

            a[p][PIXELS] = 0;
            if (q != p && dy <= 1 && dx <= 1)
                a[p][q] = -(dy + dx == 1 ? 1.0 / 6 : 1.0 / 12);
        }
        if (removed[p]) {
            a[p][p] = 0;
            for (int q = 0; q < PIXELS; q++)
                a[p][p] -= q != p ? a[p][q] : 0;
        }
    }
    for (int k = 0; k < PIXELS; k++)
        for (int p = 0; p < PIXELS; p++) {
            const double factor = p != k && a[k][k] != 0 ? a[p][k] / a[k][k] : 0;

            for (int q = k; q <= PIXELS && factor != 0; q++)
                a[p][q] -= factor * a[k][q];
        }
    for (int p = 0; p < PIXELS; p++)
        out[p] = a[p][PIXELS] / a[p][p];
}

static void road_by_elimination(const struct worker_curve_spec *spec, const bool *removed,
                                uint32_t row, const float *image, float *out)
{
    bool all = true;

    for (int p = 0; p < PIXELS; p++)
        all = all && removed[p];
    for (int c = 0; c < CHANNELS; c++) {
        double filled[PIXELS] = {0};

        if (!all)
            impute(removed, image + c * PIXELS, filled);
        for (int p = 0; p < PIXELS; p++)
            out[c * PIXELS + p] = removed[p] ? (float)filled[p] : image[c * PIXELS + p];
    }
    for (uint32_t p = 0; p < PIXELS; p++) {
        struct mx_rng rng = mx_rng_at(spec->stream, WORKER_DRAW_ROAD, row, p);

        for (uint32_t c = 0; removed[p] && c < CHANNELS; c++)
            out[c * PIXELS + p] += (float)(0.01 * mx_rng_normal(&rng));
    }
}

/* Blurred value of one pixel by the sum over the whole window. */
static double blurred(const float *plane, int taps, double sigma, int y, int x)
{
    double sum = 0, total = 0;

    for (int v = -(taps / 2); v <= taps / 2; v++)
        for (int u = -(taps / 2); u <= taps / 2; u++) {
            const double weight = exp(-(v * v + u * u) / (2 * sigma * sigma));
            int          r = abs(y + v), c = abs(x + u);

            r = r >= HEIGHT ? 2 * HEIGHT - 2 - r : r;
            c = c >= WIDTH ? 2 * WIDTH - 2 - c : c;
            sum += weight * plane[r * WIDTH + c];
            total += weight;
        }
    return sum / total;
}

/* The image of one step. */
static void image_at(const struct worker_curve_spec *spec, const float *image, const float *map,
                     uint32_t row, int changed, float *out)
{
    bool removed[PIXELS];

    for (int p = 0; p < PIXELS; p++)
        removed[p] =
            (place_of(spec, map, row, p) < changed) == (spec->kind != WORKER_CURVE_INSERTION);
    if (spec->fill == WORKER_FILL_ROAD) {
        road_by_elimination(spec, removed, row, image, out);
        return;
    }
    for (int k = 0; k < FLOATS; k++)
        out[k] = !removed[k % PIXELS] ? image[k]
                 : spec->fill == WORKER_FILL_ZERO
                     ? 0
                     : (float)blurred(image + k / PIXELS * PIXELS, 3, 5.0 * HEIGHT / 224,
                                      k % PIXELS / WIDTH, k % WIDTH);
}

static void expect_curve(const struct worker_curve_spec  *spec,
                         const struct worker_curve_batch *batch, uint32_t i, const float *curve)
{
    const int each = (int)ceil((double)PIXELS / spec->steps);

    for (uint32_t t = 0; t <= spec->steps; t++) {
        const int changed = (int)t * each < PIXELS ? (int)t * each : PIXELS;
        float     image[FLOATS], logits[CLASSES];
        double    sum = 0, p;

        image_at(spec, batch->images + i * FLOATS, batch->maps + i * PIXELS, batch->rows[i],
                 changed, image);
        predict(NULL, image, 1, logits, NULL);
        for (int c = 0; c < CLASSES; c++)
            sum += exp(logits[c]);
        p = exp(logits[batch->targets[i]]) / sum;
        cr_expect(fabs(curve[t] - p) <= 1e-5, "kind %d, fill %d, image %u, step %u: %g, not %g",
                  spec->kind, spec->fill, i, t, (double)curve[t], p);
    }
}

Test(curve, is_that_of_one_pixel_at_a_time)
{
    struct given              given;
    struct worker_curve_batch batch = give(&given);
    struct mx_err             err;

    for (enum worker_curve_kind kind = 0; kind < WORKER_CURVES; kind++)
        for (enum worker_fill fill = 0; fill < WORKER_FILLS; fill++)
            for (int way = 0; way < 4; way++) {
                struct worker_curve_spec spec = spec_of(kind, fill);
                float                    curves[IMAGES * ROOM];

                if (kind == WORKER_CURVE_INSERTION && fill == WORKER_FILL_ZERO)
                    continue;
                spec.is_signed = way & 1;
                spec.raster = way & 2;
                spec.steps = way == 3 ? 20 : 8; /* 20: two pixels a step, 18 steps are enough */
                cr_assert_eq(worker_curves(&spec, &batch, curves, &err), 0, "%s", err.text);
                for (uint32_t i = 0; i < IMAGES; i++)
                    expect_curve(&spec, &batch, i, curves + i * (spec.steps + 1));
            }
}

Test(curve, an_image_has_the_same_curve_whatever_the_batch)
{
    struct given              given;
    struct worker_curve_batch batch = give(&given);

    for (enum worker_fill fill = 0; fill < WORKER_FILLS; fill++) {
        struct worker_curve_spec spec = spec_of(WORKER_CURVE_DELETION, fill);
        float                    whole[IMAGES * 9], one[IMAGES * 9], alone[9];
        unsigned                 calls = 0;

        spec.model = &calls;
        spec.batch = 64;
        cr_assert_eq(worker_curves(&spec, &batch, whole, NULL), 0);
        cr_expect_eq(calls, 1); /* four images of eight steps: one batch */
        spec.batch = 1;
        cr_assert_eq(worker_curves(&spec, &batch, one, NULL), 0);
        cr_expect_arr_eq(whole, one, sizeof one);
        for (uint32_t i = 0; i < IMAGES; i++) {
            const struct worker_curve_batch single = {given.images + i * FLOATS,
                                                      given.maps + i * PIXELS, &given.targets[i],
                                                      &given.rows[i], 1};

            spec.batch = 3;
            cr_assert_eq(worker_curves(&spec, &single, alone, NULL), 0);
            cr_expect_arr_eq(alone, whole + i * 9, sizeof alone);
        }
    }
}

static int from_engine(void *model, const float *images, uint32_t n, float *logits,
                       struct mx_err *err)
{
    return worker_engine_infer(model, images, n, logits, err);
}

/* A device as any, but that the host can read what it made. */
Test(curve, has_the_same_bits_where_a_device_makes_the_images)
{
    static const uint32_t batches[] = {1, 5, 64};
    struct given          given;
    struct kern_nn       *nn = kern_nn_new(1, NULL);
    float                 room[64 * FLOATS], here[IMAGES * 9], there[IMAGES * 9];

    cr_assert(nn);
    for (int k = 0; k < WORKER_CURVES * WORKER_FILLS * 3; k++) {
        const struct worker_curve_batch batch = give(&given);
        struct worker_curve_spec        spec =
            spec_of((enum worker_curve_kind)(k % WORKER_CURVES),
                    (enum worker_fill)(k / WORKER_CURVES % WORKER_FILLS));
        unsigned calls = 0;

        if (spec.kind == WORKER_CURVE_INSERTION && spec.fill == WORKER_FILL_ZERO)
            continue;
        spec.batch = batches[k / WORKER_CURVES / WORKER_FILLS];
        cr_assert_eq(worker_curves(&spec, &batch, here, NULL), 0);
        spec.nn = nn;
        spec.room = room;
        spec.model = &calls;
        cr_assert_eq(worker_curves(&spec, &batch, there, NULL), 0);
        cr_expect_arr_eq(here, there, sizeof here, "kind %d, fill %d, %u at a time", (int)spec.kind,
                         (int)spec.fill, (unsigned)spec.batch);
        cr_expect_eq(calls, (IMAGES * 8 + spec.batch - 1) / spec.batch);
    }
    kern_nn_free(nn);
}

/* What goes wrong there is told as here. */
Test(curve, refuses_odd_maps_and_answers_on_a_device)
{
    struct given              given;
    struct worker_curve_batch batch = give(&given);
    struct worker_curve_spec  spec = spec_of(WORKER_CURVE_DELETION, WORKER_FILL_BLUR);
    float                     room[5 * FLOATS], curves[IMAGES * 9];
    struct mx_err             err = {0};

    cr_assert((spec.nn = kern_nn_new(1, &err)));
    spec.room = room;
    given.maps[PIXELS + 3] = NAN;
    cr_expect_eq(worker_curves(&spec, &batch, curves, &err), -1);
    cr_expect_str_eq(err.text, "the map of image 91 is not finite at pixel 3");
    batch = give(&given);
    given.images[2 * FLOATS] = INFINITY - INFINITY;
    cr_expect_eq(worker_curves(&spec, &batch, curves, &err), -1);
    cr_expect_eq(err.code, MX_EDIVERGED);
    kern_nn_free(spec.nn);
}

Test(curve, takes_an_engine_for_its_model)
{
    const struct worker_params params = {.train_threads = 1, .model_arch = WORKER_ARCH_RESNET8};
    struct worker_shape        small = {3, 9, 12, 4, 0};
    float                      images[2 * 3 * 108], maps[2 * 108], curves[2][2 * 5];
    const uint32_t             targets[] = {2, 0}, rows[] = {0, 1};
    struct worker_curve_batch  batch = {images, maps, targets, rows, 2};

    for (int k = 0; k < 2 * 3 * 108; k++)
        images[k] = (float)sin(k * k);
    for (int k = 0; k < 2 * 108; k++)
        maps[k] = (float)cos(k * k);
    for (int b = 0; b < 2; b++) {
        struct worker_engine *engine = worker_engine_new(
            &params, &small, b ? 16 : 1, mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), NULL);
        struct worker_curve_spec spec = spec_of(WORKER_CURVE_DELETION, WORKER_FILL_ZERO);

        cr_assert_not_null(engine);
        spec.shape = small;
        spec.steps = 4;
        spec.batch = b ? 16 : 1;
        spec.predict = from_engine;
        spec.model = engine;
        cr_assert_eq(worker_curves(&spec, &batch, curves[b], NULL), 0);
        worker_engine_free(engine);
    }
    for (int k = 0; k < 10; k++)
        cr_expect(fabsf(curves[0][k] - curves[1][k]) <= 1e-6f, "%g and %g", (double)curves[0][k],
                  (double)curves[1][k]);
}

Test(curve, abscissae_are_true_shares_and_areas_trapezoids)
{
    struct worker_curve_spec spec = spec_of(WORKER_CURVE_DELETION, WORKER_FILL_ZERO);
    double                   fractions[11];
    const float              curve[] = {1, .5f, 0};
    const double             shares[] = {0, .25, 1};

    spec.steps = 10; /* of 35 pixels: 4 a step, 9 steps */
    worker_curve_fractions(&spec, fractions);
    cr_expect_eq(fractions[0], 0);
    cr_expect(fabs(fractions[8] - 32.0 / 35) <= 1e-15);
    cr_expect_eq(fractions[9], 1);
    cr_expect_eq(fractions[10], 1);
    spec.rise = true;
    worker_curve_fractions(&spec, fractions);
    cr_expect(fabs(fractions[8] - 8.0 / 9) <= 1e-15);
    cr_expect_eq(fractions[9], 1);
    cr_expect(fabs(worker_curve_area(curve, shares, 3) - (.25 * .75 + .75 * .25)) <= 1e-15);
}

Test(curve, ties_are_random_by_image_or_in_raster_order)
{
    const float              map[PIXELS] = {0};
    struct worker_curve_spec spec = spec_of(WORKER_CURVE_DELETION, WORKER_FILL_ZERO);
    uint32_t                 order[3][PIXELS];
    bool                     seen[PIXELS] = {false};

    cr_assert_eq(worker_curve_order(&spec, map, 1, order[0], NULL), 0);
    cr_assert_eq(worker_curve_order(&spec, map, 2, order[1], NULL), 0);
    cr_assert_eq(worker_curve_order(&spec, map, 1, order[2], NULL), 0);
    cr_expect_arr_eq(order[0], order[2], sizeof order[0]);
    cr_expect_arr_neq(order[0], order[1], sizeof order[0]);
    for (int k = 0; k < PIXELS; k++)
        seen[order[0][k]] = true;
    spec.raster = true;
    cr_assert_eq(worker_curve_order(&spec, map, 1, order[0], NULL), 0);
    for (uint32_t k = 0; k < PIXELS; k++)
        cr_expect(seen[k] && order[0][k] == k);
}

Test(curve, refuses_what_has_no_meaning)
{
    struct given              given;
    struct worker_curve_batch batch = give(&given);
    struct worker_curve_spec  spec = spec_of(WORKER_CURVE_INSERTION, WORKER_FILL_ZERO);
    float                     curves[IMAGES * 9];
    struct mx_err             err;

    cr_expect_eq(worker_curves(&spec, &batch, curves, &err), -1);
    cr_expect_str_eq(err.text,
                     "insertion starts from a blurred or imputed image: fill blur or road");
    spec.fill = WORKER_FILL_BLUR;
    given.maps[PIXELS + 3] = NAN;
    cr_expect_eq(worker_curves(&spec, &batch, curves, &err), -1);
    cr_expect_eq(err.code, MX_EDIVERGED);
    cr_expect_str_eq(err.text, "the map of image 91 is not finite at pixel 3");
    given.maps[PIXELS + 3] = 0;
    given.images[2 * FLOATS] = NAN;
    cr_expect_eq(worker_curves(&spec, &batch, curves, &err), -1);
    cr_expect_str_eq(err.text, "the model's answer for image 82 is not finite: its weights are too "
                               "large (lower train.lr, or set train.clip_norm)");
    given.targets[1] = CLASSES;
    cr_expect_eq(worker_curves(&spec, &batch, curves, &err), -1);
    cr_expect_str_eq(err.text, "image 91 has target class 3, of 3");
}

/* The released rule: classes are the model's own; the kernel by SciPy's gaussian_filter of
 * an 11 x 11 delta (its middle and corner), zeros beyond the edge. */
Test(curve, protocol_rise_is_that_of_its_authors)
{
    struct worker_shape wide = {1, 31, 33, 3, 0};
    float               image[31 * 33] = {0}, out[31 * 33];
    double              sum = 0;

    image[15 * 33 + 16] = 1;
    cr_assert_eq(worker_blur(&wide, true, image, out, NULL), 0);
    for (int k = 0; k < 31 * 33; k++)
        sum += out[k];
    cr_expect(fabs(sum - 1) <= 1e-5, "%g", sum);
    cr_expect(fabs(out[15 * 33 + 16] - rise_middle) <= 1e-6, "%.8g", (double)out[15 * 33 + 16]);
    cr_expect(fabs(out[10 * 33 + 11] - rise_corner) <= 1e-6, "%.8g", (double)out[10 * 33 + 11]);
    cr_expect_eq(out[9 * 33 + 11], 0);
    memset(image, 0, sizeof image);
    image[0] = 1;
    cr_assert_eq(worker_blur(&wide, true, image, out, NULL), 0);
    cr_expect(fabs(out[0] - rise_middle) <= 1e-6);
    {
        struct given              given;
        struct worker_curve_batch batch = give(&given);
        struct worker_curve_spec  spec = spec_of(WORKER_CURVE_DELETION, WORKER_FILL_ZERO);
        float                     curves[IMAGES * 9], logits[IMAGES * CLASSES];

        spec.rise = true;
        batch.targets = NULL;
        spec.batch = 3;
        cr_assert_eq(worker_curves(&spec, &batch, curves, NULL), 0);
        predict(NULL, given.images, IMAGES, logits, NULL);
        for (uint32_t i = 0; i < IMAGES; i++) {
            double top = -INFINITY, total = 0;

            for (uint32_t c = 0; c < CLASSES; c++) {
                top = fmax(top, logits[i * CLASSES + c]);
                total += exp(logits[i * CLASSES + c]);
            }
            cr_expect(fabs(curves[i * 9] - exp(top) / total) <= 1e-6);
        }
    }
}
