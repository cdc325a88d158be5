/* Maps made of gradients of the images. */
#include <math.h>
#include <stdlib.h>

#include "worker/explain_parts.h"

/* The gradients of the targets' logits by n images of the device, theirs till the next pass;
 * NULL with *err. */
static float *run_gradients(struct worker_explainer *explainer, const uint32_t *targets, uint32_t n,
                            enum explain_mode mode, struct mx_err *err)
{
    if (explain_run(explainer, n, err) || explain_backward(explainer, targets, n, mode, 0, err))
        return NULL;
    return kern_tensor_data(explainer->layers[0].grad);
}

/* ... by a batch of the host's images. */
static float *image_gradients(struct worker_explainer       *explainer,
                              const struct worker_map_batch *batch, enum explain_mode mode,
                              struct mx_err *err)
{
    if (explainer->on->put(explainer->nn, explain_input(explainer), batch->images,
                           batch->n * explain_image_floats(explainer) * sizeof(float), err))
        return NULL;
    return run_gradients(explainer, batch->targets, batch->n, mode, err);
}

/* Maps of the largest absolute value of each pixel's channels. */
static int take_largest(struct worker_explainer *explainer, const float *values, uint32_t n,
                        float *maps, struct mx_err *err)
{
    const struct kern_map_sides sides = explain_sides(explainer, n);

    explainer->on->maps->largest(explainer->nn, explainer->maps, values, &sides);
    return explain_take_maps(explainer, n, maps, err);
}

/* Maps of the sum of each pixel's channels, each times its factor if there are factors. */
static int take_sums(struct worker_explainer *explainer, const float *values, const float *factors,
                     uint32_t n, float *maps, struct mx_err *err)
{
    const struct kern_map_sides sides = explain_sides(explainer, n);

    explainer->on->maps->sum(explainer->nn, explainer->maps, values, factors, &sides);
    return explain_take_maps(explainer, n, maps, err);
}

EXPLAIN_MAP(map_gradient)
{
    const float *gradients = image_gradients(explainer, batch, EXPLAIN_GRADIENT, err);

    (void)options;
    (void)figures;
    return gradients ? take_largest(explainer, gradients, batch->n, maps, err) : -1;
}

EXPLAIN_MAP(map_input_x_gradient)
{
    const float *gradients = image_gradients(explainer, batch, EXPLAIN_GRADIENT, err);

    (void)options;
    (void)figures;
    return gradients
               ? take_sums(explainer, gradients, explain_input(explainer), batch->n, maps, err)
               : -1;
}

EXPLAIN_MAP(map_guided_backprop)
{
    const float *gradients = image_gradients(explainer, batch, EXPLAIN_GUIDED, err);

    (void)options;
    (void)figures;
    return gradients ? take_sums(explainer, gradients, NULL, batch->n, maps, err) : -1;
}

EXPLAIN_MAP(map_layer_relevance)
{
    const size_t pixels = explain_pixels(explainer);

    (void)options;
    if (explain_forward(explainer, batch->images, batch->n, err) ||
        explain_relevance(explainer, batch->targets, batch->n, err) ||
        take_sums(explainer, kern_tensor_data(explainer->layers[0].grad), NULL, batch->n, maps,
                  err))
        return -1;
    for (uint32_t i = 0; figures && i < batch->n; i++) {
        figures[i] = 0;
        for (size_t p = 0; p < pixels; p++)
            figures[i] += maps[i * pixels + p];
    }
    return 0;
}

void worker_map_noise(struct mx_stream stream, uint32_t row, uint32_t sample, size_t floats,
                      float *noise)
{
    struct mx_rng rng = mx_rng_at(stream, WORKER_MAP_SMOOTHGRAD, row, sample);

    for (size_t k = 0; k < floats; k++)
        noise[k] = (float)mx_rng_normal(&rng);
}

static double range_of(const float *image, size_t floats)
{
    double low = image[0], high = image[0];

    for (size_t k = 1; k < floats; k++) {
        low = fmin(low, image[k]);
        high = fmax(high, image[k]);
    }
    return high - low;
}

/* What maps of many passes need: the clean images, and sums of gradients by them. */
struct passes {
    struct worker_explainer       *explainer;
    const struct worker_map_batch *batch;
    size_t                         floats; /* of the batch's images */
    double                        *sums;   /* (n, image), the device's */
};

static int passes_new(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                      struct passes *passes, struct mx_err *err)
{
    const size_t floats = batch->n * explain_image_floats(explainer);

    *passes = (struct passes){.explainer = explainer, .batch = batch, .floats = floats};
    if (!(passes->sums = explain_room(explainer, floats * sizeof(double), true, err)))
        return -1;
    return explainer->on->put(explainer->nn, explainer->images, batch->images,
                              floats * sizeof(float), err);
}

static void passes_free(struct passes *passes)
{
    explain_room_free(passes->explainer, passes->sums);
}

/* Add weight x gradients of the images that the network is given now. */
static int add_gradients(struct passes *passes, double weight, struct mx_err *err)
{
    struct worker_explainer *explainer = passes->explainer;
    const float             *gradients =
        run_gradients(explainer, passes->batch->targets, passes->batch->n, EXPLAIN_GRADIENT, err);

    if (!gradients)
        return -1;
    explainer->on->maps->add(explainer->nn, passes->sums, gradients, weight, passes->floats);
    return 0;
}

/* The sums as floats, where gradients were. */
static const float *rounded_sums(struct passes *passes)
{
    struct worker_explainer *explainer = passes->explainer;
    float                   *out = kern_tensor_data(explainer->layers[0].grad);

    explainer->on->maps->round(explainer->nn, out, passes->sums, 1, passes->floats);
    return out;
}

/* Noise is drawn here and brought to the device, where it is scaled: an image's sigma is a share
 * of its range. */
struct noise {
    float  *drawn;  /* (n, image) */
    double *sigma;  /* (n) */
    double *theirs; /* sigma on the device */
};

static int noise_new(struct passes *passes, const struct worker_map_options *options,
                     struct noise *noise, struct mx_err *err)
{
    struct worker_explainer *explainer = passes->explainer;
    const uint32_t           n = passes->batch->n;
    const size_t             floats = explain_image_floats(explainer);

    noise->drawn = malloc(passes->floats * sizeof *noise->drawn);
    noise->sigma = malloc((n + (size_t)1) * sizeof *noise->sigma);
    if (!noise->drawn || !noise->sigma)
        return mx_fail(err, MX_ENOMEM, "no memory for noise of %u images", n);
    if (!(noise->theirs = explain_room(explainer, n * sizeof *noise->theirs, false, err)))
        return -1;
    for (uint32_t i = 0; i < n; i++)
        noise->sigma[i] =
            options->smoothgrad_sigma * range_of(passes->batch->images + i * floats, floats);
    return explainer->on->put(explainer->nn, noise->theirs, noise->sigma, n * sizeof *noise->sigma,
                              err);
}

static void noise_free(struct worker_explainer *explainer, struct noise *noise)
{
    explain_room_free(explainer, noise->theirs);
    free(noise->drawn);
    free(noise->sigma);
}

/* The network's images = batch + noise of one sample. */
static int add_noise(struct passes *passes, const struct worker_map_options *options,
                     struct noise *noise, uint32_t sample, struct mx_err *err)
{
    struct worker_explainer    *explainer = passes->explainer;
    const struct kern_map_sides sides = explain_sides(explainer, passes->batch->n);
    const size_t                floats = explain_image_floats(explainer);
    float                      *own = explain_input(explainer);

    for (uint32_t i = 0; i < passes->batch->n; i++)
        worker_map_noise(options->stream, passes->batch->rows[i], sample, floats,
                         noise->drawn + i * floats);
    if (explainer->on->put(explainer->nn, own, noise->drawn, passes->floats * sizeof *own, err))
        return -1;
    explainer->on->maps->noise(explainer->nn, own, explainer->images, noise->theirs, &sides);
    return 0;
}

EXPLAIN_MAP(map_smoothgrad)
{
    struct passes passes;
    struct noise  noise = {0};
    int           result =
        passes_new(explainer, batch, &passes, err) || noise_new(&passes, options, &noise, err) ? -1
                                                                                                         : 0;

    (void)figures;
    for (uint32_t s = 0; result == 0 && s < options->smoothgrad_samples; s++)
        if (add_noise(&passes, options, &noise, s, err) ||
            add_gradients(&passes, 1.0 / options->smoothgrad_samples, err))
            result = -1;
    if (result == 0)
        result = take_largest(explainer, rounded_sums(&passes), batch->n, maps, err);
    noise_free(explainer, &noise);
    passes_free(&passes);
    return result;
}

void worker_gauss_legendre(uint32_t n, double *points, double *weights)
{
    for (uint32_t i = 0; i < n; i++) {
        double x = cos(M_PI * (i + 0.75) / (n + 0.5)), slope = 1, step = 1;

        for (int round = 0; round < 100 && !(fabs(step) < 1e-15); round++) {
            double last = 1, value = x; /* Legendre polynomials 0 and 1 */

            for (uint32_t k = 2; k <= n; k++) {
                double next = ((2.0 * k - 1) * x * value - (k - 1.0) * last) / k;

                last = value;
                value = next;
            }
            slope = n * (x * value - last) / (x * x - 1);
            step = value / slope;
            x -= step;
        }
        points[i] = (1 - x) / 2;
        weights[i] = 1 / ((1 - x * x) * slope * slope);
    }
}

/* The logits of n images of the device by their targets, into figures. */
static int target_logits(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                         double *figures, struct mx_err *err)
{
    const float *logits;

    if (explain_run(explainer, batch->n, err) ||
        !(logits = explain_logits(explainer, batch->n, err)))
        return -1;
    for (uint32_t i = 0; i < batch->n; i++)
        figures[i] = logits[(size_t)i * explain_classes(explainer) + batch->targets[i]];
    return 0;
}

/* abs(sum of the map - (logit of the image - logit of the baseline)) / max(abs(.), 1). */
static int completeness(struct passes *passes, const float *maps, double *figures,
                        struct mx_err *err)
{
    struct worker_explainer       *explainer = passes->explainer;
    const struct worker_map_batch *batch = passes->batch;
    const size_t                   pixels = explain_pixels(explainer);
    float                         *own = explain_input(explainer);
    double                        *baseline = malloc((batch->n + (size_t)1) * sizeof *baseline);
    int                            result = -1;

    if (!baseline)
        return mx_fail(err, MX_ENOMEM, "no memory for logits of %u images", batch->n);
    explainer->on->copy(explainer->nn, own, explainer->images, passes->floats * sizeof *own);
    if (!target_logits(explainer, batch, figures, err)) {
        explainer->on->zero(explainer->nn, own, passes->floats * sizeof *own);
        result = target_logits(explainer, batch, baseline, err);
    }
    for (uint32_t i = 0; result == 0 && i < batch->n; i++) {
        double difference = figures[i] - baseline[i], sum = 0;

        for (size_t p = 0; p < pixels; p++)
            sum += maps[i * pixels + p];
        figures[i] = fabs(sum - difference) / fmax(fabs(difference), 1);
    }
    free(baseline);
    return result;
}

static int integrate(struct passes *passes, uint32_t n, struct mx_err *err)
{
    struct worker_explainer *explainer = passes->explainer;
    double                  *points = malloc(2 * (size_t)n * sizeof *points), *weights;
    int                      result = 0;

    if (!points)
        return mx_fail(err, MX_ENOMEM, "no memory for %u points of a path", n);
    weights = points + n;
    worker_gauss_legendre(n, points, weights);
    for (uint32_t p = 0; result == 0 && p < n; p++) {
        explainer->on->maps->scale(explainer->nn, explain_input(explainer), explainer->images,
                                   points[p], passes->floats);
        result = add_gradients(passes, weights[p], err);
    }
    free(points);
    return result;
}

EXPLAIN_MAP(map_integrated_gradients)
{
    struct passes passes;
    int           result = passes_new(explainer, batch, &passes, err) ||
                         integrate(&passes, options->integrated_gradients_points, err)
                               ? -1
                               : 0;

    if (result == 0)
        result =
            take_sums(explainer, rounded_sums(&passes), explainer->images, batch->n, maps, err);
    if (result == 0 && figures)
        result = completeness(&passes, maps, figures, err);
    passes_free(&passes);
    return result;
}
