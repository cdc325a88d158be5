#include "worker/images.h"
#include "worker/resample.h"

int worker_resize_planes(struct worker_resampler *resampler, const uint8_t *planes,
                         uint32_t channels, uint32_t height, uint32_t width, uint8_t *out,
                         uint32_t to_height, uint32_t to_width, struct mx_err *err)
{
    struct worker_resampler *own = NULL;

    if (!resampler)
        resampler = own = worker_resampler_new(height, width, to_height, to_width, err);
    else if (worker_resampler_room(resampler, height, width, to_height, to_width, err))
        return -1;
    if (!resampler)
        return -1;
    worker_resampler_aim(resampler, height, width, to_height, to_width);
    for (uint32_t c = 0; c < channels; c++)
        worker_resampler_run(
            resampler,
            (struct worker_window){planes + (size_t)c * height * width, width, height, width},
            out + (size_t)c * to_height * to_width);
    worker_resampler_free(own);
    return 0;
}

int worker_resize(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                  uint32_t to_height, uint32_t to_width, struct mx_err *err)
{
    return worker_resize_planes(NULL, plane, 1, height, width, out, to_height, to_width, err);
}
