/* dataset.h - images and labels in memory, split for one seed.
 *
 * Pixels stay bytes; normalisation happens when a batch is made. Order of a
 * set, limits and the validation split follow formats.md: train_limit first,
 * then val_fraction of what is left, per class, chosen by the split stream.
 */
#ifndef MX_WORKER_DATASET_H
#define MX_WORKER_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_progress; /* worker/stage.h */

enum {
    WORKER_MAX_CHANNELS = 4,
    WORKER_DATASET_STORES = 3, /* one a part */
};

struct worker_shape {
    uint32_t channels, height, width; /* of an image as the network sees it */
    uint32_t classes;
    uint32_t groups; /* 0 = the set has no groups */
};

/* Some images of a set, by row number. */
struct worker_split {
    uint32_t  n;
    uint8_t  *pixels; /* (n, channels, height, width); with `at`, all images of a store */
    uint32_t *labels; /* (n), below classes */
    uint32_t *groups; /* (n), below groups; NULL without groups */
    uint32_t *rows;   /* (n), the image's place in the set as stored */
    uint32_t *at;     /* (n), which of the pixels' images each is; NULL: the i-th is its own.
                         Such pixels are lent: read-only, and shared with other splits and processes */
};

/* Which image of split->pixels the i-th is, and its bytes; `bytes` are those of an image. */
static inline uint32_t worker_split_at(const struct worker_split *split, uint32_t i)
{
    return split->at ? split->at[i] : i;
}

static inline const uint8_t *worker_split_image(const struct worker_split *split, uint32_t i,
                                                size_t bytes)
{
    return split->pixels + worker_split_at(split, i) * bytes;
}

enum {
    WORKER_REMARK_SIZE = 320,
    WORKER_REMARK_NAMES = 50 /* damaged files whose names are kept */
};

/* What a set's files had that people should hear of. */
struct worker_remarks {
    uint32_t skipped;                           /* damaged files left out */
    char     first_skipped[WORKER_REMARK_SIZE]; /* what is wrong with the first of them */
    char     skipped_names[WORKER_REMARK_NAMES][WORKER_REMARK_SIZE]; /* paths of the first ones */
    uint32_t turned; /* photos that ask to be turned (EXIF orientation); they are not */
    char     first_turned[WORKER_REMARK_SIZE]; /* file name of the first of them */
    char     uncached[WORKER_REMARK_SIZE];     /* why decoded images could not be kept; or "" */
};

struct worker_dataset {
    struct worker_shape   shape;
    struct worker_split   train, val, test;
    float                 mean[WORKER_MAX_CHANNELS]; /* of pixels / 255 */
    float                 sd[WORKER_MAX_CHANNELS];   /* above 0 */
    struct worker_remarks remarks;
    const char *const    *known_classes; /* names of a published set's classes, or NULL */
    char                **own_classes;   /* those its folders have, owned; or NULL */

    struct worker_image_store *stores[WORKER_DATASET_STORES]; /* that splits with `at` look into */
    struct worker_image_store *originals; /* what data.augment cuts parts of training images from,
                                             by the same numbers as train.at; NULL: from these */
    uint32_t decoded; /* image files that were decoded for it; 0: all came from the cache */
};

/* Shape of a set without reading an image: of sets of known shape, synthetic
 * ones, and class folders, which are listed. data.size makes images square: the
 * shorter side is resized, the centre cut out. data.channels is 1 or 3: grey
 * images are repeated, colours become luminance, synthetic images are made so.
 * Returns 0, or -1 with MX_EINVAL where only its files could tell, or the set
 * cannot have that shape; or MX_EDATA or MX_EIO where its folders cannot be listed. */
int worker_dataset_shape(const struct worker_params *params, struct worker_shape *shape,
                         struct mx_err *err);

/* Number of training and test images, after limits and before the validation
 * split, from the same knowledge. */
int worker_dataset_counts(const struct worker_params *params, uint64_t *train, uint64_t *test,
                          struct mx_err *err);

/* Where the set's Debian package puts its files, "" for a set without one. */
const char *worker_dataset_default_path(unsigned data_set);

/* Append where `data fetch` puts a set: $XDG_DATA_HOME/mixsweep/NAME or
 * ~/.local/share/mixsweep/NAME; nothing without a home directory. */
void worker_dataset_fetch_path(unsigned data_set, struct mx_buf *out);

/* Append where open and probe look with "" as data_path: where the package puts the set, unless
 * it is only where `data fetch` does; nothing where that is nowhere. */
void worker_dataset_look_path(unsigned data_set, struct mx_buf *out);

/* Where the set's files are, as text that tells it from other sets of its name: the
 * folder, or for dominoes those of both sets, "TOP FOLDER over BOTTOM FOLDER". Cut if
 * it is too long. Returns out. */
const char *worker_dataset_place(const struct worker_params *params, char out[WORKER_PATH_SIZE]);

/* The sets that a set's files are of: itself, or for dominoes built from two sets those.
 * Fills sets[0..2) and, lent from params, paths[0..2), "" where none is given; returns
 * how many: 0 for the synthetic set, 1 or 2. */
enum {
    WORKER_DATASET_SOURCES = 2
};
unsigned worker_dataset_sources(const struct worker_params *params,
                                unsigned                    sets[WORKER_DATASET_SOURCES],
                                const char                 *paths[WORKER_DATASET_SOURCES]);

/* Check that every file of the set is there and readable, those of IDX and CIFAR
 * sets that they are well-formed (image files are decoded by open only), and
 * give the set's fingerprint: XXH3-64 over name (below data.path), size and
 * XXH3-64 of each file as stored, in the set's order (0 for synthetic). Returns
 * 0, or -1 with MX_EDATA or MX_EIO that names the file, what is wrong with it, and what
 * to do. */
int worker_dataset_probe(const struct worker_params *params, uint64_t *fingerprint,
                         struct mx_err *err);

/* Read (or, for synthetic, make) the set and split it. val.n may be 0. A damaged
 * image file is MX_EDATA, or left out and counted (data.on_decode_error). Mean and
 * sd are those of data.normalize: published constants, or for other sets those
 * of all training pixels (methods.md 0); `imagenet` on one channel takes the
 * mean of the three constants, `none` is 0 and 1. Returns a set to be
 * released with worker_dataset_free(); or NULL with MX_EDATA or MX_ENOMEM. */
struct worker_dataset *worker_dataset_open(const struct worker_params *params, uint64_t seed,
                                           struct mx_err *err);

/* The same, telling `progress` (NULL: nobody) of each image file that is hashed or decoded, here or by
 * a process that is waited for; MX_EINTERRUPTED where it asks for the end. */
struct worker_dataset *worker_dataset_open_told(const struct worker_params *params, uint64_t seed,
                                                const struct worker_progress *progress,
                                                struct mx_err                *err);

/* Decode image files for a process that opens the same set on this node at the same time, until that one
 * has them all in the cache (worker/store_parts.h). Should the other fail there is no end of it:
 * `progress` has to ask for one. Returns 0; or -1 with MX_EINVAL for a set without image files, or *err of
 * worker_dataset_open_told(). */
int worker_dataset_help(const struct worker_params *params, uint64_t seed,
                        const struct worker_progress *progress, struct mx_err *err);

/* Which constants a set gets: one of data.normalize, or WORKER_NORMALIZE_OF_ARCH
 * where the network has its own, whatever that says: (x - 127) / 128 of
 * efficientnet_lite0. */
enum {
    WORKER_NORMALIZE_OF_ARCH = 1000
};
unsigned worker_dataset_normalize(const struct worker_params *params);

/* The name of a class (label < classes), lent; NULL where only its number is known. */
const char *worker_dataset_class(const struct worker_dataset *set, uint32_t label);

/* Release a set. NULL is allowed. */
void worker_dataset_free(struct worker_dataset *set);

/* True if the set opened with `a` can serve where one with `b` is wanted: the same images, and
 * the originals if b cuts from some. What only a batch uses (data.augment) does not matter
 * beyond that. */
bool worker_dataset_same(const struct worker_params *a, uint64_t seed_a,
                         const struct worker_params *b, uint64_t seed_b);

#ifdef __cplusplus
}
#endif

#endif
