/* Maps made of gradients of the images. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/explain_parts.h"

/* The sides of an explainer's images. */
struct sides {
    uint32_t channels;
    size_t   pixels;
};

static struct sides sides_of(const struct worker_explainer *explainer)
{
    const struct worker_layer *input = &explainer->net->layers[0];

    return (struct sides){input->channels, (size_t)input->height * input->width};
}

/* Per pixel: the largest absolute value of its channels; or the sum over channels of
 * values, each times its factor if there are factors. */
static void largest_of_channels(const float *values, uint32_t n, struct sides sides, float *maps)
{
    for (size_t k = 0; k < n * sides.pixels; k++) {
        const float *pixel =
            values + k / sides.pixels * sides.channels * sides.pixels + k % sides.pixels;

        maps[k] = 0;
        for (uint32_t c = 0; c < sides.channels; c++)
            if (!(fabsf(pixel[c * sides.pixels]) <= maps[k])) /* a NaN gets in */
                maps[k] = fabsf(pixel[c * sides.pixels]);
    }
}

static void sum_of_channels(const float *values, const float *factors, uint32_t n,
                            struct sides sides, float *maps)
{
    for (size_t k = 0; k < n * sides.pixels; k++) {
        const size_t first = k / sides.pixels * sides.channels * sides.pixels + k % sides.pixels;
        double       sum = 0;

        for (uint32_t c = 0; c < sides.channels; c++) {
            const size_t at = first + c * sides.pixels;

            sum += factors ? (double)values[at] * factors[at] : values[at];
        }
        maps[k] = (float)sum;
    }
}

/* The gradients of the targets' logits by the images: theirs till the next pass. */
static const float *image_gradients(struct worker_explainer *explainer, const float *images,
                                    const uint32_t *targets, uint32_t n, enum explain_mode mode,
                                    struct mx_err *err)
{
    if (explain_forward(explainer, images, n, err) ||
        explain_backward(explainer, targets, n, mode, 0, err))
        return NULL;
    return kern_tensor_data(explainer->layers[0].grad);
}

EXPLAIN_MAP(map_gradient)
{
    const float *gradients =
        image_gradients(explainer, batch->images, batch->targets, batch->n, EXPLAIN_GRADIENT, err);

    (void)options;
    (void)figures;
    if (!gradients)
        return -1;
    largest_of_channels(gradients, batch->n, sides_of(explainer), maps);
    return 0;
}

EXPLAIN_MAP(map_input_x_gradient)
{
    const float *gradients =
        image_gradients(explainer, batch->images, batch->targets, batch->n, EXPLAIN_GRADIENT, err);

    (void)options;
    (void)figures;
    if (!gradients)
        return -1;
    sum_of_channels(gradients, batch->images, batch->n, sides_of(explainer), maps);
    return 0;
}

EXPLAIN_MAP(map_guided_backprop)
{
    const float *gradients =
        image_gradients(explainer, batch->images, batch->targets, batch->n, EXPLAIN_GUIDED, err);

    (void)options;
    (void)figures;
    if (!gradients)
        return -1;
    sum_of_channels(gradients, NULL, batch->n, sides_of(explainer), maps);
    return 0;
}

EXPLAIN_MAP(map_layer_relevance)
{
    const struct sides sides = sides_of(explainer);

    (void)options;
    if (explain_forward(explainer, batch->images, batch->n, err) ||
        explain_relevance(explainer, batch->targets, batch->n, err))
        return -1;
    sum_of_channels(kern_tensor_data(explainer->layers[0].grad), NULL, batch->n, sides, maps);
    for (uint32_t i = 0; figures && i < batch->n; i++) {
        figures[i] = 0;
        for (size_t p = 0; p < sides.pixels; p++)
            figures[i] += maps[i * sides.pixels + p];
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

/* images of the explainer = batch + noise of one sample. */
static void add_noise(struct worker_explainer *explainer, const struct worker_map_options *options,
                      const struct worker_map_batch *batch, uint32_t sample)
{
    const size_t floats = explain_image_floats(explainer);

    for (uint32_t i = 0; i < batch->n; i++) {
        const float *image = batch->images + i * floats;
        float       *own = explainer->images + i * floats;
        const double sigma = options->smoothgrad_sigma * range_of(image, floats);

        worker_map_noise(options->stream, batch->rows[i], sample, floats, own);
        for (size_t k = 0; k < floats; k++)
            own[k] = (float)(image[k] + sigma * own[k]);
    }
}

/* Add weight x gradients of the explainer's images to sums. */
static int add_gradients(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                         double weight, double *sums, struct mx_err *err)
{
    const float *gradients = image_gradients(explainer, explainer->images, batch->targets, batch->n,
                                             EXPLAIN_GRADIENT, err);

    for (size_t k = 0; gradients && k < batch->n * explain_image_floats(explainer); k++)
        sums[k] += weight * gradients[k];
    return gradients ? 0 : -1;
}

static double *new_sums(const struct worker_explainer *explainer, struct mx_err *err)
{
    double *sums = calloc(explainer->n * explain_image_floats(explainer), sizeof *sums);

    if (!sums)
        mx_fail(err, MX_ENOMEM, "no memory to add up gradients of %u images", explainer->n);
    return sums;
}

EXPLAIN_MAP(map_smoothgrad)
{
    double      *sums = new_sums(explainer, err);
    const size_t floats = batch->n * explain_image_floats(explainer);
    int          result = sums ? 0 : -1;

    (void)figures;
    for (uint32_t s = 0; result == 0 && s < options->smoothgrad_samples; s++) {
        add_noise(explainer, options, batch, s);
        result = add_gradients(explainer, batch, 1.0 / options->smoothgrad_samples, sums, err);
    }
    for (size_t k = 0; result == 0 && k < floats; k++)
        explainer->images[k] = (float)sums[k];
    if (result == 0)
        largest_of_channels(explainer->images, batch->n, sides_of(explainer), maps);
    free(sums);
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

/* abs(sum of the map - (logit of the image - logit of the baseline)) / max(abs(.), 1). */
static int completeness(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                        const float *maps, double *figures, struct mx_err *err)
{
    const size_t floats = batch->n * explain_image_floats(explainer);
    const size_t pixels = sides_of(explainer).pixels;

    if (explain_forward(explainer, batch->images, batch->n, err))
        return -1;
    for (uint32_t i = 0; i < batch->n; i++)
        figures[i] = explain_logit(explainer, i, batch->targets[i]);
    memset(explainer->images, 0, floats * sizeof(float));
    if (explain_forward(explainer, explainer->images, batch->n, err))
        return -1;
    for (uint32_t i = 0; i < batch->n; i++) {
        double difference = figures[i] - explain_logit(explainer, i, batch->targets[i]), sum = 0;

        for (size_t p = 0; p < pixels; p++)
            sum += maps[i * pixels + p];
        figures[i] = fabs(sum - difference) / fmax(fabs(difference), 1);
    }
    return 0;
}

static int integrate(struct worker_explainer *explainer, const struct worker_map_options *options,
                     const struct worker_map_batch *batch, double *sums, struct mx_err *err)
{
    const size_t   floats = batch->n * explain_image_floats(explainer);
    const uint32_t n = options->integrated_gradients_points;
    double        *points = malloc(2 * (size_t)n * sizeof *points), *weights;
    int            result = 0;

    if (!points)
        return mx_fail(err, MX_ENOMEM, "no memory for %u points of a path", n);
    weights = points + n;
    worker_gauss_legendre(n, points, weights);
    for (uint32_t p = 0; result == 0 && p < n; p++) {
        for (size_t k = 0; k < floats; k++)
            explainer->images[k] = (float)(points[p] * batch->images[k]);
        result = add_gradients(explainer, batch, weights[p], sums, err);
    }
    free(points);
    return result;
}

EXPLAIN_MAP(map_integrated_gradients)
{
    double      *sums = new_sums(explainer, err);
    const size_t floats = batch->n * explain_image_floats(explainer);
    int          result = sums ? integrate(explainer, options, batch, sums, err) : -1;

    for (size_t k = 0; result == 0 && k < floats; k++)
        explainer->images[k] = (float)sums[k];
    if (result == 0) {
        sum_of_channels(explainer->images, batch->images, batch->n, sides_of(explainer), maps);
        if (figures)
            result = completeness(explainer, batch, maps, figures, err);
    }
    free(sums);
    return result;
}
