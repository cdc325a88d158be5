/* explain.h - attribution maps: which pixels a network's answer rests on.
 *
 * An explainer holds a trained network in eval mode, norms folded into the
 * convolutions before them, and keeps every layer's output and gradient, on the CPU or on a GPU; what it takes
 * and gives is the host's. A map
 * is of the LOGIT of one class an image (methods.md 2): never of its softmax,
 * whose gradient vanishes where the network is sure. Maps are (n, height, width)
 * floats, as they come: not scaled, not clipped. Map i is the same bits alone and
 * in company. docs/maps.md defines every map.
 */
#ifndef MX_WORKER_EXPLAIN_H
#define MX_WORKER_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/choices.h"
#include "worker/device.h"
#include "worker/engine.h"
#include "worker/net.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a map needs, besides the network. */
enum {
    WORKER_MAP_NEEDS_NOTHING = 0,
    WORKER_MAP_NEEDS_CHANNELS = 1,  /* a layer of channels before the classifier */
    WORKER_MAP_NEEDS_RELEVANCE = 2, /* the second half of worker_explainer_new() */
    WORKER_MAP_IS_SIGNED = 4,       /* score.rank says how it is ranked; others as they are */
    WORKER_MAP_IS_DRAWN = 8,        /* depends on the stream and on rows */
    WORKER_MAP_IS_CONTROL = 16,     /* knows nothing of the network */
};

enum {
    WORKER_MAP_BATCH = 16 /* images of the maps stage at a time; part of the numbers' last bits */
};

struct worker_explainer;
struct worker_map_options;
struct worker_map_batch;

struct worker_map_kind {
    const char *word;  /* as in score.attributions, columns and file names */
    unsigned    needs; /* of the enum above */
    /* For batch->n up to the explainer's batch size. */
    int (*map)(struct worker_explainer *explainer, const struct worker_map_options *options,
               const struct worker_map_batch *batch, float *maps, double *figures,
               struct mx_err *err);
};

/* By enum worker_attribution (worker/choices.h). */
extern const struct worker_map_kind worker_map_kinds[WORKER_MAPS];

/* Parameters of maps, named as the keys of score. */
struct worker_map_options {
    uint32_t         smoothgrad_samples, integrated_gradients_points;
    double           smoothgrad_sigma; /* share of the image's own range of values */
    uint32_t         rise_masks;       /* 0: 2000 for a shorter side up to 64, else 4000 */
    uint32_t         occlusion_patch;  /* pixels; 0: a seventh of the shorter side */
    struct mx_stream stream;           /* of purpose SCORE */
};

/* methods.md 2: 25 samples of sigma .15, 50 points, the rest by the image's size. */
struct worker_map_options worker_map_defaults(struct mx_stream stream);

/* What is to be explained. Arrays are lent. */
struct worker_map_batch {
    const float    *images;      /* (n, channels, height, width), normalised */
    const uint32_t *targets;     /* (ntargets): the class whose logit is explained */
    const uint32_t *rows;        /* (n): the image's number, by which its noise is drawn */
    uint32_t        n, ntargets; /* alike: one class an image */
};

/* Where and how an explainer works. */
struct worker_explainer_plan {
    enum worker_device device;
    unsigned           threads;    /* of the CPU */
    uint32_t           batch_size; /* images at a time, at most */
    bool               relevance;  /* also what layer_relevance needs, half as much memory again */
};

/* That of a stage: WORKER_MAP_BATCH images on params->device. */
struct worker_explainer_plan worker_explainer_plan(const struct worker_params *params,
                                                   bool                        relevance);

/* The net is lent for the explainer's life; tensors are as worker_engine_export() gives them, and
 * copied. Returns NULL with MX_EINVAL (a tensor is missing or of another shape, no images),
 * MX_ENOMEM, MX_EGPU or MX_EINTERNAL. */
struct worker_explainer *worker_explainer_new(const struct worker_net    *net,
                                              const struct worker_tensor *tensors, size_t count,
                                              const struct worker_explainer_plan *plan,
                                              struct mx_err                      *err);
void                     worker_explainer_free(struct worker_explainer *explainer); /* or NULL */

/* The tensors of a file (worker/safetensors.h) for worker_explainer_new(), to be
 * released with worker_tensors_free(). Returns 0, or -1 with MX_EDATA, MX_EIO, MX_ENOMEM. */
int worker_tensors_read(const char *path, struct worker_tensor **tensors, size_t *count,
                        struct mx_err *err);

/* Bytes held: weights, outputs, gradients, and what the operations hold. */
size_t worker_explainer_bytes(const struct worker_explainer *explainer);

/* Returns 0 if this network can carry the map; else -1 with MX_EINVAL and why not. */
int worker_map_possible(const struct worker_explainer *explainer, enum worker_attribution which,
                        struct mx_err *err);

/* The maps of any number of images: maps (n, height, width). figures (n), may be
 * NULL: integrated_gradients its completeness error, layer_relevance the sum of the
 * relevance that reached the pixels, NaN for others. Returns 0, or -1 with MX_EINVAL
 * (not possible, targets that are not one an image or no class of the network) or
 * MX_EDIVERGED (a map that is not finite); maps are then worth nothing. */
int worker_explain(struct worker_explainer *explainer, enum worker_attribution which,
                   const struct worker_map_options *options, const struct worker_map_batch *batch,
                   float *maps, double *figures, struct mx_err *err);

/* The channels that gradcam reads: how many, and the size of each. Returns 0, or -1 with MX_EINVAL
 * for a network without any. */
struct worker_channels {
    uint32_t count, height, width;
};
int worker_explainer_channels(const struct worker_explainer *explainer,
                              struct worker_channels *channels, struct mx_err *err);

/* What they say of n images, up to the explainer's batch size. values has room for a whole batch of
 * (channels, height, width) each. Returns 0, or -1 with *err. */
int worker_explain_channels(struct worker_explainer *explainer, const float *images, uint32_t n,
                            float *values, struct mx_err *err);

/* Logits (n, classes) of the same network for any number of images: a
 * worker_predict_fn (worker/curve.h) whose argument is the explainer. */
int worker_explainer_predict(void *explainer, const float *images, uint32_t n, float *logits,
                             struct mx_err *err);

/* What is drawn, for comparisons with others: noise of a copy of an image
 * (standard normal, `floats` numbers), and RISE's mask number m (height, width). */
void worker_map_noise(struct mx_stream stream, uint32_t row, uint32_t sample, size_t floats,
                      float *noise);
void worker_map_rise_mask(struct mx_stream stream, uint32_t m, uint32_t height, uint32_t width,
                          float *mask);

/* The n points of Gauss and Legendre on [0, 1] and their weights, which sum to 1. */
void worker_gauss_legendre(uint32_t n, double *points, double *weights);

/* Bilinear, align_corners false: (height, width) to (to_height, to_width). */
void worker_map_resize(const float *map, uint32_t height, uint32_t width, float *out,
                       uint32_t to_height, uint32_t to_width);

/* Only a part (height, width) of what that would make, from row top and column left. */
struct worker_map_cutout {
    uint32_t to_height, to_width, top, left, height, width;
};
void worker_map_cut(const float *map, uint32_t height, uint32_t width,
                    const struct worker_map_cutout *cut, float *out);

enum worker_map_state {
    WORKER_MAP_VARIED,
    WORKER_MAP_FLAT, /* every pixel alike: it says nothing */
    WORKER_MAP_ZERO, /* flat, and zero */
};
enum worker_map_state worker_map_state(const float *map, size_t n);

/* For pictures: a copy scaled to [0, 1], the map itself is kept. Unsigned: from
 * smallest to largest. Signed: positive and negative parts each by their own
 * largest, THEN the absolute value. No positive factor changes it. A flat map
 * gives zeros. Returns the map's state. */
enum worker_map_state worker_map_scaled(const float *map, size_t n, bool is_signed, float *out);

#ifdef __cplusplus
}
#endif

#endif
