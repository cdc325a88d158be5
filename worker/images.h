/* images.h - a set's images as they come, before limits and splits. */
#ifndef MX_WORKER_IMAGES_H
#define MX_WORKER_IMAGES_H

#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Images of one half of a set (training or test), in the set's order. A
 * zeroed struct is empty. */
struct worker_images {
    uint32_t  n, channels, height, width;
    uint8_t  *pixels; /* (n, channels, height, width), owned */
    uint32_t *labels; /* (n), owned */
    uint32_t *groups; /* (n), owned; NULL without groups */
};

/* Release the arrays; the struct is empty again. */
void worker_images_free(struct worker_images *images);

/* Bring every image to (channels, size, size): the shorter side is resized to
 * `size`, then the centre is cut out; one channel may be repeated. Returns 0,
 * or -1 with MX_ENOMEM or, for other changes of channels, MX_EINVAL. */
int worker_images_fit(struct worker_images *images, uint32_t channels, uint32_t size,
                      struct mx_err *err);

/* Bilinear resizing of one plane of bytes (height, width) into out (to_height,
 * to_width). Shrinking is antialiased: the triangle grows with the factor, as
 * Pillow's does. First along rows, then along columns, each rounded to a byte.
 * Returns 0, or -1 with MX_ENOMEM. */
int worker_resize(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                  uint32_t to_height, uint32_t to_width, struct mx_err *err);

/* Mean and population standard deviation of pixels / 255 for each channel,
 * from exact integer sums, rounded to 4 decimals. Returns 0, or -1 with
 * MX_EDATA where a channel is constant. */
int worker_images_moments(const struct worker_images *images, const char *set_name,
                          float mean[WORKER_MAX_CHANNELS], float sd[WORKER_MAX_CHANNELS],
                          struct mx_err *err);

/* Cut a set's two halves into train, val and test (formats.md, "Order of a
 * set"): train_limit and test_limit first, then per class round(val_fraction
 * n_c), half up, drawn by the stream SPLIT of `seed`. `set` gets splits in the
 * order of the rows. Returns 0, or -1 with MX_ENOMEM, or MX_EDATA if no image
 * is left to train on or to test. */
int worker_split_images(const struct worker_images *train, const struct worker_images *test,
                        const struct worker_params *params, uint64_t seed,
                        struct worker_dataset *set, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
