/* images.h - a set's images as they come, before limits and splits. */
#ifndef MX_WORKER_IMAGES_H
#define MX_WORKER_IMAGES_H

#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Images of one part of a set, in the set's order. A zeroed struct is empty. */
struct worker_images {
    uint32_t  n, channels, height, width;
    uint8_t  *pixels; /* (n, channels, height, width), owned; with `at`, lent by a store */
    uint32_t *labels; /* (n), owned */
    uint32_t *groups; /* (n), owned; NULL without groups */
    uint32_t *at;     /* (n), owned: which of the pixels' images each is; NULL: the i-th */
};

/* Release the arrays; the struct is empty again. */
void worker_images_free(struct worker_images *images);

/* Training images of a set, more than one, have two classes at least. Returns 0, or -1 with MX_EDATA,
 * which names the set and `place`, where it lies. */
int worker_images_differ(const struct worker_images *train, const char *set, const char *place,
                         struct mx_err *err);

/* Bring every image to (channels, size, size): the shorter side is resized to
 * `size`, then the centre is cut out; one channel may be repeated, three become
 * one as worker_picture_channels() says. Returns 0, or -1 with MX_ENOMEM or,
 * for other changes of channels, MX_EINVAL. */
int worker_images_fit(struct worker_images *images, uint32_t channels, uint32_t size,
                      struct mx_err *err);

/* The same for planes (channels, height, width), or one, into out (channels, size, size),
 * as they are. With many images a resampler, which gets room for each, spares the memory and the
 * weights of another one; NULL: it makes one. Return 0, or -1 with MX_ENOMEM. */
struct worker_resampler;
int worker_fit_planes(struct worker_resampler *resampler, const uint8_t *planes, uint32_t channels,
                      uint32_t height, uint32_t width, uint8_t *out, uint32_t size,
                      struct mx_err *err);
int worker_fit_plane(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                     uint32_t size, struct mx_err *err);

/* Bilinear resizing of one plane of bytes (height, width) into out (to_height,
 * to_width). Shrinking is antialiased: the triangle grows with the factor, as
 * Pillow's does. First along rows, then along columns, each rounded to a byte.
 * Returns 0, or -1 with MX_ENOMEM. */
int worker_resize(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                  uint32_t to_height, uint32_t to_width, struct mx_err *err);

/* The same for planes (channels, height, width); resampler: as for worker_fit_planes(). */
int worker_resize_planes(struct worker_resampler *resampler, const uint8_t *planes,
                         uint32_t channels, uint32_t height, uint32_t width, uint8_t *out,
                         uint32_t to_height, uint32_t to_width, struct mx_err *err);

/* Exact sums over pixels, channel by channel. A zeroed struct is empty. */
struct worker_moments {
    uint64_t pixels; /* of each channel */
    uint64_t sum[WORKER_MAX_CHANNELS], squares[WORKER_MAX_CHANNELS];
};

/* Count the n images of `pixels` (n, channels, plane) in. */
void worker_moments_add(struct worker_moments *moments, const uint8_t *pixels, uint32_t n,
                        uint32_t channels, size_t plane);

/* Mean and population standard deviation of pixels / 255 for each channel,
 * rounded to 4 decimals. Returns 0, or -1 with MX_EDATA where a channel is
 * constant. */
int worker_moments_round(const struct worker_moments *moments, uint32_t channels,
                         const char *set_name, float mean[WORKER_MAX_CHANNELS],
                         float sd[WORKER_MAX_CHANNELS], struct mx_err *err);

/* All of it at once. */
int worker_images_moments(const struct worker_images *images, const char *set_name,
                          float mean[WORKER_MAX_CHANNELS], float sd[WORKER_MAX_CHANNELS],
                          struct mx_err *err);

/* The parts of a set as they come. */
enum {
    WORKER_PART_TRAIN,
    WORKER_PART_VAL, /* empty: the set has none of its own */
    WORKER_PART_TEST,
    WORKER_PARTS
};

/* round(fraction n), half up, as the fraction is written: 0.145 of 100 is 15. */
uint32_t worker_share(double fraction, uint32_t n);

/* Draw `share` of the n members of a class, by the stream SPLIT of `seed` at
 * (class, what): marks[members[k]] becomes 1 for those drawn. `order` has room
 * for n. */
enum worker_split_what {
    WORKER_SPLIT_VAL = 0, /* the values enter the random numbers: never renumber */
    WORKER_SPLIT_TEST = 1,
    WORKER_SPLIT_AGREE = 2, /* dominoes whose attribute agrees: this, plus the part's number */
    WORKER_SPLIT_HOLDOUT = 2 + WORKER_PARTS,
};
void worker_draw_share(uint64_t seed, uint32_t class_, enum worker_split_what what, double share,
                       const uint32_t *members, uint32_t n, uint32_t *order, uint8_t *marks);

/* Mark round(fraction n_c) of each class among the first `limit` images, so drawn, for
 * validation. marks: (limit), zeroed. Returns 0, or -1 with MX_ENOMEM. */
int worker_mark_validation(const struct worker_images *train, uint32_t limit, uint32_t classes,
                           double fraction, uint64_t seed, uint8_t *marks, struct mx_err *err);

/* Mark round(0.2 n_c) of each class of a training split, so drawn: those that are held out of
 * the network's training, for afr to weigh (methods.md 4). labels, marks: (n), marks zeroed.
 * Returns 0, or -1 with MX_ENOMEM. */
int worker_mark_holdout(const uint32_t *labels, uint32_t n, uint32_t classes, uint64_t seed,
                        uint8_t *marks, struct mx_err *err);

/* Cut a set's parts into train, val and test (formats.md, "Order of a set"):
 * train_limit and test_limit first, then, unless the set has a validation part,
 * per class round(val_fraction n_c), half up, drawn by the stream SPLIT of
 * `seed`. `set` gets splits in the order of the rows, and the parts' memory: they
 * are empty afterwards. Returns 0, or -1 with MX_ENOMEM, or MX_EDATA if no image
 * is left to train on. */
int worker_split_images(struct worker_images        parts[WORKER_PARTS],
                        const struct worker_params *params, uint64_t seed,
                        struct worker_dataset *set, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
