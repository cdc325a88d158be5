/* Class activation maps (Selvaraju and others 2017; Chattopadhay and others 2018): the
 * channels that the classifier reads, weighted by what their values do to the logit. */
#include <stdlib.h>

#include "worker/explain_parts.h"

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
                   kern_tensor_read(explainer->layers[explainer->cam].value, values, err)
               ? -1
               : 0;
}

/* The layer's values and gradients in row-major order: (n, channels, points) each. */
struct cam {
    const struct worker_layer *layer;
    size_t                     points;
    float                     *values, *gradients, *maps; /* maps: (n, points) */
    double                    *weights;                   /* (n, channels) */
    char                      *room;                      /* of all of them, the device's */
};

static int copy_plain(struct worker_explainer *explainer, const struct cam *cam,
                      const struct kern_tensor *from, float *plain, struct mx_err *err)
{
    const uint32_t      dims[] = {explainer->n, cam->layer->channels, cam->layer->height,
                                  cam->layer->width};
    struct kern_tensor *to = kern_tensor_plain(explainer->nn, 4, dims, err);
    int                 result = -1;

    if (to && !kern_tensor_bind(to, plain, err))
        result = kern_tensor_copy(from, to, err);
    kern_tensor_free(to);
    return result;
}

/* Arrays begin where they are aligned. */
static size_t aligned(size_t bytes)
{
    return (bytes + KERN_ALIGN - 1) / KERN_ALIGN * KERN_ALIGN;
}

static int cam_new(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                   struct cam *cam, struct mx_err *err)
{
    const struct explain_layer *at = &explainer->layers[explainer->cam];
    size_t                      channels, values, weights, maps;

    cam->layer = &explainer->net->layers[explainer->cam];
    cam->points = (size_t)cam->layer->height * cam->layer->width;
    channels = (size_t)explainer->n * cam->layer->channels;
    values = aligned(channels * cam->points * sizeof(float));
    weights = aligned(channels * sizeof(double));
    maps = explainer->n * cam->points * sizeof(float);
    if (!(cam->room = explain_room(explainer, 2 * values + weights + maps, false, err)))
        return -1;
    cam->values = (float *)(void *)cam->room;
    cam->gradients = (float *)(void *)(cam->room + values);
    cam->weights = (double *)(void *)(cam->room + 2 * values);
    cam->maps = (float *)(void *)(cam->room + 2 * values + weights);
    if (explain_forward(explainer, batch->images, batch->n, err) ||
        explain_backward(explainer, batch->targets, batch->n, EXPLAIN_GRADIENT, explainer->cam,
                         err) ||
        copy_plain(explainer, cam, at->value, cam->values, err) ||
        copy_plain(explainer, cam, at->grad, cam->gradients, err))
        return -1;
    return 0;
}

/* Small maps are made on the device and made larger here. */
static int map_cam(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                   bool plus_plus, float *maps, struct mx_err *err)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const size_t               pixels = explain_pixels(explainer);
    struct cam                 cam = {0};
    float                     *small = NULL;
    int                        result = cam_new(explainer, batch, &cam, err);

    if (result == 0) {
        const struct kern_map_sides sides = {batch->n, cam.layer->channels, cam.layer->height,
                                             cam.layer->width};
        const size_t                bytes = batch->n * cam.points * sizeof *small;

        explainer->on->maps->cam(explainer->nn, cam.maps, cam.weights, cam.values, cam.gradients,
                                 &sides, plus_plus);
        if (!(small = malloc(bytes)))
            result = mx_fail(err, MX_ENOMEM, "no memory for a map of %s", cam.layer->name);
        else
            result = explainer->on->get(explainer->nn, small, cam.maps, bytes, err);
    }
    for (uint32_t i = 0; result == 0 && i < batch->n; i++)
        worker_map_resize(small + i * cam.points, cam.layer->height, cam.layer->width,
                          maps + i * pixels, input->height, input->width);
    free(small);
    explain_room_free(explainer, cam.room);
    return result;
}

EXPLAIN_MAP(map_gradcam)
{
    (void)options;
    (void)figures;
    return map_cam(explainer, batch, false, maps, err);
}

EXPLAIN_MAP(map_gradcam_plus_plus)
{
    (void)options;
    (void)figures;
    return map_cam(explainer, batch, true, maps, err);
}
