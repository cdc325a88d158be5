/* Class activation maps (Selvaraju and others 2017; Chattopadhay and others 2018): the
 * channels that the classifier reads, weighted by what their values do to the logit. */
#include <math.h>
#include <stdlib.h>

#include "worker/explain_parts.h"

/* The layer's values and gradients in row-major order: (n, channels, area) each. */
struct cam {
    const struct worker_layer *layer;
    size_t                     area;
    float                     *values, *gradients;
};

static int copy_plain(struct worker_explainer *explainer, const struct kern_tensor *from,
                      float *plain, struct mx_err *err)
{
    const struct worker_layer *layer = &explainer->net->layers[explainer->cam];
    const uint32_t      dims[] = {explainer->n, layer->channels, layer->height, layer->width};
    struct kern_tensor *to = kern_tensor_plain(explainer->nn, 4, dims, err);
    int                 result = -1;

    if (to && !kern_tensor_bind(to, plain, err))
        result = kern_tensor_copy(from, to, err);
    kern_tensor_free(to);
    return result;
}

int worker_explainer_channels(const struct worker_explainer *explainer,
                              struct worker_channels *channels, struct mx_err *err)
{
    const struct worker_layer *layer = &explainer->net->layers[explainer->cam];

    if (worker_map_possible(explainer, WORKER_MAP_GRADCAM, err))
        return -1;
    *channels = (struct worker_channels){layer->channels, layer->height, layer->width};
    return 0;
}

int worker_explain_channels(struct worker_explainer *explainer, const float *images, uint32_t n,
                            float *values, struct mx_err *err)
{
    return explain_forward(explainer, images, n, err) ||
                   copy_plain(explainer, explainer->layers[explainer->cam].value, values, err)
               ? -1
               : 0;
}

static int cam_new(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                   struct cam *cam, struct mx_err *err)
{
    const struct explain_layer *at = &explainer->layers[explainer->cam];
    size_t                      floats;

    cam->layer = &explainer->net->layers[explainer->cam];
    cam->area = (size_t)cam->layer->height * cam->layer->width;
    floats = explainer->n * cam->layer->channels * cam->area;
    if (!(cam->values = malloc(2 * floats * sizeof *cam->values)))
        return mx_fail(err, MX_ENOMEM, "no memory for the channels of %s", cam->layer->name);
    cam->gradients = cam->values + floats;
    if (explain_forward(explainer, batch->images, batch->n, err) ||
        explain_backward(explainer, batch->targets, batch->n, EXPLAIN_GRADIENT, explainer->cam,
                         err) ||
        copy_plain(explainer, at->value, cam->values, err) ||
        copy_plain(explainer, at->grad, cam->gradients, err))
        return -1;
    return 0;
}

static double mean_weight(const float *values, const float *gradients, size_t area)
{
    double sum = 0;

    (void)values;
    for (size_t p = 0; p < area; p++)
        sum += gradients[p];
    return sum / (double)area;
}

static double plus_plus_weight(const float *values, const float *gradients, size_t area)
{
    double total = 0, weight = 0;

    for (size_t p = 0; p < area; p++)
        total += values[p];
    for (size_t p = 0; p < area; p++) {
        const double g = gradients[p];

        if (g > 0)
            weight += g * g / (2 * g * g + total * g * g * g + 1e-6) * g;
    }
    return weight;
}

/* ReLU of the weighted sum of an image's channels. */
static void combine(const struct cam *cam, uint32_t                                i,
                    double (*weigh)(const float *, const float *, size_t), double *sums, float *out)
{
    const size_t first = (size_t)i * cam->layer->channels * cam->area;

    for (size_t p = 0; p < cam->area; p++)
        sums[p] = 0;
    for (uint32_t c = 0; c < cam->layer->channels; c++) {
        const float *values = cam->values + first + c * cam->area;
        const double weight = weigh(values, cam->gradients + first + c * cam->area, cam->area);

        for (size_t p = 0; p < cam->area; p++)
            sums[p] += weight * values[p];
    }
    for (size_t p = 0; p < cam->area; p++)
        out[p] = sums[p] < 0 ? 0 : (float)sums[p]; /* a NaN stays one */
}

static int map_cam(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                   double (*weigh)(const float *, const float *, size_t), float      *maps,
                   struct mx_err *err)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const size_t               pixels = (size_t)input->height * input->width;
    struct cam                 cam = {0};
    double                    *sums = NULL;
    float                     *small = NULL;
    int                        result = cam_new(explainer, batch, &cam, err);

    if (result == 0 &&
        (!(sums = malloc(cam.area * sizeof *sums)) || !(small = malloc(cam.area * sizeof *small))))
        result = mx_fail(err, MX_ENOMEM, "no memory for a map of %s", cam.layer->name);
    for (uint32_t i = 0; result == 0 && i < batch->n; i++) {
        combine(&cam, i, weigh, sums, small);
        worker_map_resize(small, cam.layer->height, cam.layer->width, maps + i * pixels,
                          input->height, input->width);
    }
    free(sums);
    free(small);
    free(cam.values);
    return result;
}

EXPLAIN_MAP(map_gradcam)
{
    (void)options;
    (void)figures;
    return map_cam(explainer, batch, mean_weight, maps, err);
}

EXPLAIN_MAP(map_gradcam_plus_plus)
{
    (void)options;
    (void)figures;
    return map_cam(explainer, batch, plus_plus_weight, maps, err);
}
