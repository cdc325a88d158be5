/* augment.h - random changes of one training image, on its bytes: what data.augment
 * does besides flips and shifted crops (those a batch's kernel does, worker/batch.h).
 *
 * random_resized_crop: up to ten times a share of the image's area, uniform in
 * data.random_resized_crop.scale, and an aspect ratio, uniform in the logarithm of
 * .ratio, are drawn, until a box of that area and ratio, its sides rounded (halves to
 * even), fits; its corner is uniform. If none fits, the largest box around the centre
 * whose ratio is allowed. The box is resized to the image's size (worker/resample.h). Of image
 * files it is drawn in the image as the file has it, no larger than worker_originals_side().
 *
 * Colour jitter: brightness, contrast and saturation are blended with black, with the
 * image's mean luminance and with each pixel's own luminance, the share of the image
 * uniform in [max(0, 1 - s), 1 + s]; the hue is turned by a uniform share in [-s, s] of
 * the circle; s is data.jitter.NAME. The four come in random order, on values in [0, 1],
 * cut to that range after each of the first three; the result is rounded to bytes.
 * Luminance is .2989 red + .587 green + .114 blue. One with s = 0 is left out. Images that
 * have not three channels have no colours: contrast blends with the mean of all values.
 *
 * Both as torchvision's RandomResizedCrop and ColorJitter (on float images) define them.
 * Draws come from the stream AUGMENT at (epoch, row of the image in its set, which).
 */
#ifndef MX_WORKER_AUGMENT_H
#define MX_WORKER_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/dataset.h"
#include "worker/image_store.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is drawn for an image at (epoch, row): the third name of its place. They enter the
 * random numbers: never renumber. */
enum worker_augment_what {
    WORKER_AUGMENT_SHIFT = 0,
    WORKER_AUGMENT_MIRROR = 1,
    WORKER_AUGMENT_BOX = 2,
    WORKER_AUGMENT_COLOUR = 3,
};

/* What an augmentation is made of. */
bool worker_augment_mirrors(unsigned augment);
bool worker_augment_shifts(unsigned augment);
bool worker_augment_resizes(unsigned augment);
bool worker_augment_jitters(unsigned augment);

/* The shorter side, at most, of the images of their own size that parts are cut from; 0 where they
 * are cut from the images that the network sees: of sets that are no image files, without a
 * data.size, and where nothing is cut. */
uint32_t worker_originals_side(const struct worker_params *params);

struct worker_crop {
    uint32_t y, x, height, width;
};

/* Draw a box in an image of (height, width). */
void worker_crop_draw(const struct worker_params *params, uint32_t height, uint32_t width,
                      struct mx_rng *rng, struct worker_crop *crop);

enum {
    WORKER_JITTER_BRIGHTNESS,
    WORKER_JITTER_CONTRAST,
    WORKER_JITTER_SATURATION,
    WORKER_JITTER_HUE,
    WORKER_JITTERS
};

struct worker_jitter {
    uint32_t order[WORKER_JITTERS];  /* a permutation of them */
    float    factor[WORKER_JITTERS]; /* share of the image; of hue: the turn, of a circle */
    bool     used[WORKER_JITTERS];
};

void worker_jitter_draw(const struct worker_params *params, struct mx_rng *rng,
                        struct worker_jitter *jitter);

/* Apply it to an image (channels, plane) of bytes; `values` is memory for as many floats. */
void worker_jitter_apply(const struct worker_jitter *jitter, uint8_t *image, uint32_t channels,
                         size_t plane, float *values);

/* Room for the changed images of a batch. */
struct worker_augmenter;

/* For `room` images. Returns it, to be released with worker_augmenter_free(), or NULL with
 * MX_ENOMEM. Its bytes are worker_augmenter_bytes(); those are 0 for augmentations that need
 * none. Parts of images larger than the shape can be cut after worker_augmenter_fit(). */
struct worker_augmenter *worker_augmenter_new(const struct worker_shape *shape, uint32_t room,
                                              struct mx_err *err);
void     worker_augmenter_free(struct worker_augmenter *augmenter); /* NULL is allowed */
uint64_t worker_augmenter_bytes(const struct worker_params *params,
                                const struct worker_shape *shape, uint32_t room);

/* Make room for images up to that size. Returns 0, or -1 with MX_ENOMEM and the room it had. */
int worker_augmenter_fit(struct worker_augmenter *augmenter, uint32_t height, uint32_t width,
                         struct mx_err *err);

/* Make image i < room of `image`, row `row` of its set; of the shape's size unless a part of it is
 * resized. */
void worker_augmenter_make(struct worker_augmenter *augmenter, const struct worker_params *params,
                           struct worker_image image, uint32_t i, struct mx_stream stream,
                           uint32_t epoch, uint32_t row);

/* The images made: (room, channels, height, width). */
const uint8_t *worker_augmenter_pixels(const struct worker_augmenter *augmenter);

#ifdef __cplusplus
}
#endif

#endif
