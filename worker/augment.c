#include "worker/augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"
#include "worker/known_sets.h"
#include "worker/resample.h"

enum {
    TRIES = 10 /* for a box that fits */
};

struct worker_augmenter {
    struct worker_shape      shape;
    uint8_t                 *pixels; /* (room, channels, height, width) */
    float                   *values; /* (channels, height, width) */
    struct worker_resampler *resampler;
    uint32_t                 height, width; /* that the resampler has room for */
};

bool worker_augment_mirrors(unsigned augment)
{
    return augment != WORKER_AUGMENT_NONE;
}

bool worker_augment_shifts(unsigned augment)
{
    return augment == WORKER_AUGMENT_FLIP_CROP || augment == WORKER_AUGMENT_FLIP_CROP_JITTER;
}

bool worker_augment_resizes(unsigned augment)
{
    return augment == WORKER_AUGMENT_RANDOM_RESIZED_CROP ||
           augment == WORKER_AUGMENT_RANDOM_RESIZED_CROP_JITTER;
}

bool worker_augment_jitters(unsigned augment)
{
    return augment == WORKER_AUGMENT_FLIP_JITTER || augment == WORKER_AUGMENT_FLIP_CROP_JITTER ||
           augment == WORKER_AUGMENT_RANDOM_RESIZED_CROP_JITTER;
}

uint32_t worker_originals_side(const struct worker_params *params)
{
    if (!worker_augment_resizes(params->data_augment) || params->data_size == 0 ||
        !worker_set_cached(params->data_set))
        return 0;
    return (uint32_t)(params->data_random_resized_crop_side ? params->data_random_resized_crop_side
                                                            : 2 * params->data_size);
}

static double between(struct mx_rng *rng, double low, double high)
{
    return low + (high - low) * mx_rng_uniform(rng);
}

/* The largest box around the centre whose ratio is allowed. */
static void central_crop(const double ratio[2], uint32_t height, uint32_t width,
                         struct worker_crop *crop)
{
    const double own = (double)width / height;

    crop->height = height;
    crop->width = width;
    if (own < ratio[0])
        crop->height = (uint32_t)rint(width / ratio[0]);
    else if (own > ratio[1])
        crop->width = (uint32_t)rint(height * ratio[1]);
    crop->y = (height - crop->height) / 2;
    crop->x = (width - crop->width) / 2;
}

void worker_crop_draw(const struct worker_params *params, uint32_t height, uint32_t width,
                      struct mx_rng *rng, struct worker_crop *crop)
{
    const double *scale = params->data_random_resized_crop_scale.items;
    const double *ratio = params->data_random_resized_crop_ratio.items;
    const double  area = (double)height * width;

    for (int t = 0; t < TRIES; t++) {
        const double share = area * between(rng, scale[0], scale[1]);
        const double aspect = exp(between(rng, log(ratio[0]), log(ratio[1])));
        const double wide = rint(sqrt(share * aspect)), high = rint(sqrt(share / aspect));

        if (wide < 1 || wide > width || high < 1 || high > height)
            continue;
        crop->height = (uint32_t)high;
        crop->width = (uint32_t)wide;
        crop->y = (uint32_t)mx_rng_below(rng, height - crop->height + 1u);
        crop->x = (uint32_t)mx_rng_below(rng, width - crop->width + 1u);
        return;
    }
    central_crop(ratio, height, width, crop);
}

struct worker_augmenter *worker_augmenter_new(const struct worker_shape *shape, uint32_t room,
                                              struct mx_err *err)
{
    struct worker_augmenter *augmenter = calloc(1, sizeof *augmenter);
    const size_t             image = (size_t)shape->channels * shape->height * shape->width;

    if (!augmenter)
        goto nomem;
    augmenter->shape = *shape;
    augmenter->pixels = calloc(room, image);
    augmenter->values = calloc(image, sizeof *augmenter->values);
    if (!augmenter->pixels || !augmenter->values)
        goto nomem;
    if (worker_augmenter_fit(augmenter, shape->height, shape->width, err))
        goto fail;
    return augmenter;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory to change %u images", room);
fail:
    worker_augmenter_free(augmenter);
    return NULL;
}

int worker_augmenter_fit(struct worker_augmenter *augmenter, uint32_t height, uint32_t width,
                         struct mx_err *err)
{
    const struct worker_shape *shape = &augmenter->shape;
    struct worker_resampler   *resampler;

    if (height <= augmenter->height && width <= augmenter->width)
        return 0;
    height = height > augmenter->height ? height : augmenter->height;
    width = width > augmenter->width ? width : augmenter->width;
    if (!(resampler = worker_resampler_new(height, width, shape->height, shape->width, err)))
        return -1;
    worker_resampler_free(augmenter->resampler);
    augmenter->resampler = resampler;
    augmenter->height = height;
    augmenter->width = width;
    return 0;
}

void worker_augmenter_free(struct worker_augmenter *augmenter)
{
    if (!augmenter)
        return;
    worker_resampler_free(augmenter->resampler);
    free(augmenter->pixels);
    free(augmenter->values);
    free(augmenter);
}

uint64_t worker_augmenter_bytes(const struct worker_params *params,
                                const struct worker_shape *shape, uint32_t room)
{
    const uint64_t image = (uint64_t)shape->channels * shape->height * shape->width;

    if (!worker_augment_resizes(params->data_augment) &&
        !worker_augment_jitters(params->data_augment))
        return 0;
    return image * (room + sizeof(float));
}

static void resize_box(struct worker_augmenter *augmenter, const struct worker_crop *crop,
                       const struct worker_image *image, uint8_t *out)
{
    const uint32_t height = augmenter->shape.height, width = augmenter->shape.width;
    const uint8_t *from = image->pixels + (size_t)crop->y * image->width + crop->x;

    worker_resampler_aim(augmenter->resampler, crop->height, crop->width, height, width);
    for (uint32_t c = 0; c < augmenter->shape.channels; c++) {
        const struct worker_window window = {from, image->width, crop->height, crop->width};

        worker_resampler_run(augmenter->resampler, window, out);
        from += (size_t)image->height * image->width;
        out += (size_t)height * width;
    }
}

void worker_augmenter_make(struct worker_augmenter *augmenter, const struct worker_params *params,
                           struct worker_image image, uint32_t i, struct mx_stream stream,
                           uint32_t epoch, uint32_t row)
{
    const struct worker_shape *shape = &augmenter->shape;
    const size_t               plane = (size_t)shape->height * shape->width;
    uint8_t                   *out = augmenter->pixels + i * shape->channels * plane;

    if (worker_augment_resizes(params->data_augment)) {
        struct mx_rng      rng = mx_rng_at(stream, epoch, row, WORKER_AUGMENT_BOX);
        struct worker_crop crop;

        worker_crop_draw(params, image.height, image.width, &rng, &crop);
        resize_box(augmenter, &crop, &image, out);
    } else {
        memcpy(out, image.pixels, shape->channels * plane);
    }
    if (worker_augment_jitters(params->data_augment)) {
        struct mx_rng        rng = mx_rng_at(stream, epoch, row, WORKER_AUGMENT_COLOUR);
        struct worker_jitter jitter;

        worker_jitter_draw(params, &rng, &jitter);
        worker_jitter_apply(&jitter, out, shape->channels, plane, augmenter->values);
    }
}

const uint8_t *worker_augmenter_pixels(const struct worker_augmenter *augmenter)
{
    return augmenter->pixels;
}
