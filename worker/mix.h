/* mix.h - the strategies of mixed sample augmentation, one row each.
 *
 * A strategy only draws: which box or mask, and how much of the base and of the
 * partner lies inside and outside it. Choosing partners, the label rules and
 * the pixels are the same for all (worker/batch_mix.c, kernels/batch_body.h). A
 * new strategy is a file with a draw function and a row in worker/mix.c.
 *
 * Names of the draws. Everything comes from the stream MIX at the place
 * (epoch, batch, 16 slot + what): slot 0 belongs to the batch, slot 1 + i to
 * its i-th sample, `what` is one of enum worker_mix_what. So lambda is the same
 * for every strategy of one cell's neighbours, a sample's draws do not depend
 * on the rest of the batch, and a later `what` disturbs none of the others.
 */
#ifndef MX_WORKER_MIX_H
#define MX_WORKER_MIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "worker/batch.h"
#include "worker/dataset.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The values enter the random numbers: never renumber; below 16. */
enum worker_mix_what {
    WORKER_DRAW_WHETHER = 0, /* is the batch mixed at all (mix.prob) */
    WORKER_DRAW_PARTNER = 1, /* permutation of the batch */
    WORKER_DRAW_LAMBDA = 2,
    WORKER_DRAW_CENTRE = 3, /* column, then row */
    WORKER_DRAW_SCALE = 4,  /* side of a patch */
    WORKER_DRAW_CELLS = 5,  /* gridmix: one number a cell, row by row */
    WORKER_DRAW_NOISE = 6,  /* fmix: real and imaginary part of each frequency, row by row */
    WORKER_DRAW_ROUNDING = 7,
    WORKER_DRAW_BLOCKS = 8,  /* puzzlemix: which grid; the batch's always */
    WORKER_DRAW_LAYER = 9,   /* manifold_mixup: where; the batch's always */
    WORKER_DRAW_CHOICE = 10, /* mix.choices: which strategy; the batch's always */
};

/* Whose draw it is. */
struct worker_mix_place {
    struct mx_stream stream;
    uint32_t         epoch, batch;
    uint32_t         slot; /* 0 = the batch; 1 + i = sample i */
};

/* What a strategy drew. Weights as in struct kern_batch_sample. A draw function
 * finds worker_mix_blank. */
struct worker_mix_draw {
    double   share;          /* weight of the base image, pixels counted after clipping */
    double   drawn;          /* the same before: neither clipped nor rounded to whole pixels */
    uint32_t y0, x0, y1, x1; /* y1 and x1 exclusive; may be empty */
    float    outside[2], inside[2];
    bool     masked;    /* the scene's mask was filled, and weighs instead of the box */
    int32_t  corner[2]; /* row and column where the box began before it was clipped */
    uint32_t patch[2];  /* height and width to which the partner is shrunk; 0, 0: not at all */
    uint32_t blocks;    /* a side, which moved as the scene's moves say; 0: none did */
    unsigned layer;     /* enum worker_mix_layer; beyond the input no pixel is mixed */
};

/* Nothing but the base image. */
extern const struct worker_mix_draw worker_mix_blank;

/* What a draw function may look at. */
struct worker_mix_scene {
    const struct worker_params *params;
    const struct worker_shape  *shape;
    struct worker_mix_place     place;
    bool                        host; /* the base image must keep at least half (label rule host) */
    uint8_t                    *mask; /* (height, width), of a strategy with masks: to be filled
                                         with twice the weight of the base image */
    uint16_t                   *moves;   /* (KERN_MOVES), likewise: as kern_batch_args has them */
    struct kern_mask_recipe    *recipe;  /* of a strategy with NOISE: to be filled instead of the
                                            mask, which a device makes; or NULL */
    void                       *scratch; /* the strategy's own, from its row's scratch_new() */
    /* Images, for a strategy that looks at them: image i of the batch, whose
     * partner, crop and flip are known. With WORKER_MIX_GRADIENT the batch's
     * images are there, clean, and their gradient, if there is a network. */
    const struct worker_batch  *batch;
    const struct worker_dataset *set;
    uint32_t                     i;
};

/* What a strategy is like, and so needs. */
enum worker_mix_trait {
    WORKER_MIX_PAIRS = 1,    /* takes a second image and its label; else the label is unchanged */
    WORKER_MIX_MASKS = 2,    /* weighs pixels by a mask, and may move blocks */
    WORKER_MIX_GRADIENT = 4, /* looks at the gradient of the loss by the clean images */
    WORKER_MIX_EACH = 8,     /* has a draw for each image, though lambda be the batch's */
    WORKER_MIX_HISTORY = 16, /* its second images are those of the batch before, as mixed */
    WORKER_MIX_HIDDEN = 32,  /* may mix within the network */
    WORKER_MIX_CLIPS = 64,   /* pastes a box that the border clips: mix.weight counts */
    WORKER_MIX_NOISE = 128,  /* its masks are made of noise, which a device can do from a recipe */
};

struct worker_mix {
    unsigned traits; /* a sum of enum worker_mix_trait */
    /* NULL where nothing is mixed. */
    void (*draw)(const struct worker_mix_scene *scene, struct worker_mix_draw *draw);
    /* Memory for drawing, made once; NULL: it needs none. Returns NULL with
     * MX_ENOMEM or MX_EINVAL. */
    void *(*scratch_new)(const struct worker_params *params, const struct worker_shape *shape,
                         struct mx_err *err);
    void (*scratch_free)(void *scratch); /* NULL is allowed */
};

/* Index = enum worker_strategy. */
extern const struct worker_mix worker_mixes[WORKER_MIXES];

/* The strategies that may be drawn under params, as a set of bits, and the
 * traits of all of them. */
uint32_t worker_mix_strategies(const struct worker_params *params);
unsigned worker_mix_traits(const struct worker_params *params);

/* The strategy of a batch: mix.strategy, or one of mix.choices, each entry of
 * that list with the same chance. */
unsigned worker_mix_strategy(const struct worker_params *params, struct mx_stream stream,
                             uint32_t epoch, uint32_t batch);

/* The cursor for one kind of draw at a place. */
struct mx_rng worker_mix_rng(const struct worker_mix_place *place, enum worker_mix_what what);

/* True if the batch is to be mixed. The chance is mix.prob; in epoch e of the
 * first mix.ramp_epochs R it is mix.prob e / R, and in the last mix.off_epochs
 * it is 0. */
bool worker_mix_whether(const struct worker_params *params, struct mx_stream stream, uint32_t epoch,
                        uint32_t batch);

/* lambda ~ Beta(alpha, alpha); 1 (nothing mixed) for alpha 0. Under the scene's
 * `host` the larger of lambda and 1 - lambda where the strategy is symmetric. */
double worker_mix_lambda(const struct worker_params *params, const struct worker_mix_place *place);
double worker_mix_symmetric_lambda(const struct worker_mix_scene *scene);

/* The box [centre - side/2, centre - side/2 + length) on each axis (row, then
 * column), clipped to the image, into draw's box, and where it began into its
 * corner. The centre lies in the image. Returns the share of the image that is
 * left outside, by exact pixel count. */
double worker_mix_clip(const struct worker_shape *shape, const uint32_t centre[2],
                       const uint32_t side[2], const uint32_t length[2],
                       struct worker_mix_draw *draw);

/* The same around a centre drawn uniformly from the pixels of the image. */
double worker_mix_box(const struct worker_shape *shape, const struct worker_mix_place *place,
                      const uint32_t side[2], const uint32_t length[2],
                      struct worker_mix_draw *draw);

/* The sides of cutmix's box for lambda, row then column: int(S sqrt(1 - lambda)). */
void worker_mix_cut_sides(const struct worker_shape *shape, double lambda, uint32_t side[2]);

/* The partner in the box, the base around it. */
void worker_mix_paste(struct worker_mix_draw *draw);

/* The whole partner shrunk to `scale` of the image's sides, in a box of that size
 * around a uniform pixel. */
void worker_mix_patch(const struct worker_mix_scene *scene, double scale,
                      struct worker_mix_draw *draw);

/* Both images everywhere, the base with weight lambda. */
void worker_mix_blend(double lambda, struct worker_mix_draw *draw);

/* Take the scene's mask, made for `lambda`, as the draw: its mean becomes the share.
 * Under `host` a mask that leaves the base image less than half is replaced by
 * its complement first. */
void worker_mix_take_mask(const struct worker_mix_scene *scene, double lambda,
                          struct worker_mix_draw *draw);

/* The weight of the base image that its label follows: `drawn` for a strategy whose
 * box is clipped if mix.weight says so, else `share`. */
double worker_mix_weight(const struct worker_params *params, const struct worker_mix *strategy,
                         double share, double drawn);

/* Make image i of a batch what was drawn for it: the weights of its pixels
 * (left alone by the rule `only`), batch->area and batch->drawn, and, where the
 * strategy pairs, its labels as mix.labels and mix.weight say. `mask` says which
 * plane holds the mask of a draw that has one. Before, y_a and y_b hold the
 * base's label. */
void worker_mix_apply(struct worker_batch *batch, uint32_t i, const struct worker_mix *strategy,
                      const struct worker_mix_draw *draw, uint32_t mask,
                      const struct worker_params *params, uint32_t other_label);

/* The strategies' functions, one file each. */
typedef void  worker_mix_draw_function(const struct worker_mix_scene *scene,
                                       struct worker_mix_draw        *draw);
typedef void *worker_mix_scratch_function(const struct worker_params *params,
                                          const struct worker_shape *shape, struct mx_err *err);

worker_mix_draw_function worker_mix_draw_mixup;
worker_mix_draw_function worker_mix_draw_cutmix;
worker_mix_draw_function worker_mix_draw_cutout;
worker_mix_draw_function worker_mix_draw_saliencymix;
worker_mix_draw_function worker_mix_draw_resizemix;
worker_mix_draw_function worker_mix_draw_fmix;
worker_mix_draw_function worker_mix_draw_puzzlemix;
worker_mix_draw_function worker_mix_draw_gridmix;
worker_mix_draw_function worker_mix_draw_manifold_mixup;
worker_mix_draw_function worker_mix_draw_recursivemix;

worker_mix_scratch_function worker_mix_saliencymix_new;
void                        worker_mix_saliencymix_free(void *scratch);
worker_mix_scratch_function worker_mix_fmix_new;
void                        worker_mix_fmix_free(void *scratch);
/* Whether a device makes masks for images of this shape, so many a batch: from 65,536 pixels on.
 * What the scratch damps noise by, (height, width / 2 + 1), lent. */
bool         worker_mix_fmix_is_large(const struct worker_shape *shape, uint32_t masks);
const float *worker_mix_fmix_damping(const void *scratch);
worker_mix_scratch_function worker_mix_puzzlemix_new;
void                        worker_mix_puzzlemix_free(void *scratch);

#ifdef __cplusplus
}
#endif

#endif
