/* preview.h - what the mixing strategies of a configuration do to its images.
 *
 * A setting is what a grid's mix axes give: one column of the contact sheet,
 * one object of the statistics. Draws come from the streams that a training
 * of repeat 0 would use, so the pictures are real ones, changed by data.augment as in the
 * first epoch, but for mix.ramp_epochs and mix.off_epochs, which do not count. Statistics are of
 * images as they are.
 */
#ifndef MX_SWEEP_PREVIEW_H
#define MX_SWEEP_PREVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/canvas.h"
#include "sweep/config.h"
#include "sweep/grid.h"
#include "worker/dataset.h"
#include "worker/params.h"

enum {
    MX_PREVIEW_AXES = 2,      /* that make columns */
    MX_PREVIEW_SETTINGS = 12, /* shown at most */
    MX_PREVIEW_ROWS = 16,     /* base images at most */
};

struct mx_preview_setting {
    struct worker_params params;
    bool                 has_alpha; /* the strategy uses mix.alpha */
    size_t               naxes;     /* of the grid's first two, those that this setting uses */
    enum mx_key_id       keys[MX_PREVIEW_AXES];
    struct mx_value      values[MX_PREVIEW_AXES]; /* lists are lent by the configuration */
    char                 title[64];               /* the strategy */
    char                 below[384]; /* the other axis: "alpha 0.2", "labels host"; or "" */
};

/* The settings of a grid's first two axes among the mix keys, in the grid's order, each
 * once; where such an axis has no meaning for a strategy, folded. Data and all other
 * keys are those of the grid's first cell. */
struct mx_preview_settings {
    struct mx_preview_setting *setting; /* (n), owned */
    size_t                     n;
    size_t                     left_out; /* more there are, beyond MX_PREVIEW_SETTINGS */
    bool                       cut;      /* the grid is too large to be looked through */
};

/* Returns 0, or -1 with MX_EINVAL if no cell is left, or MX_ENOMEM. */
int  mx_preview_settings_find(const struct mx_grid *grid, struct mx_preview_settings *settings,
                              struct mx_err *err);
void mx_preview_settings_free(struct mx_preview_settings *settings);

/* One image under one setting. */
struct mx_preview_example {
    uint8_t *image;      /* (height, width, 3), owned: as the network would see it */
    uint8_t *shares;     /* (height, width, 2), owned: of base and partner, of 255 */
    double   share;      /* lambda: the weight of the base image */
    uint32_t nlabels;    /* 1 or 2 */
    uint32_t labels[2];  /* the first is the base's if it counts at all */
    double   weights[2]; /* of the labels, in the loss */
    unsigned strategy;   /* enum worker_strategy: what was drawn */
    unsigned layer;      /* enum worker_mix_layer: where it mixes */
    bool     mixed;
};

/* Mix image `base` of set->train with `partner`; `row` names the draw. Under
 * every setting the same row has the same lambda wherever it is drawn alike.
 * Returns 0 with an example to be given to mx_preview_example_free(), or -1. */
int  mx_preview_mix(const struct mx_preview_setting *setting, const struct worker_dataset *set,
                    uint64_t seed, uint32_t row, uint32_t base, uint32_t partner,
                    struct mx_preview_example *example, struct mx_err *err);
void mx_preview_example_free(struct mx_preview_example *example);

/* Lend a batch the network of params as it is when training begins (with the weights
 * of model.weights), if one of its strategies looks at gradients; *engine, NULL if
 * none does, is to be freed after the batch, also on failure. Returns 0, or -1 with
 * *err. */
struct worker_batch;
struct worker_engine;
int mx_preview_lend(const struct worker_params *params, const struct worker_shape *shape,
                    uint64_t seed, struct worker_batch *batch, struct worker_engine **engine,
                    struct mx_err *err);

/* An image of a split as (height, width, 3) bytes, to be freed; NULL with MX_ENOMEM. */
uint8_t *mx_preview_plain(const struct worker_dataset *set, uint32_t image, struct mx_err *err);

/* Draw the contact sheet: `rows` base images of the training part, each with its
 * partner, and then the settings; with `masks` also where each image shows. Returns 0
 * with a canvas to be freed, or -1 with *err. */
int mx_preview_sheet(const char *name, const struct mx_preview_settings *settings,
                     const struct worker_dataset *set, uint64_t seed, uint32_t rows, bool masks,
                     struct mx_canvas *canvas, struct mx_err *err);

/* Statistics of independent draws of a setting. */
enum {
    MX_PREVIEW_QUANTILES = 7
};
extern const double mx_preview_quantiles[MX_PREVIEW_QUANTILES];

struct mx_preview_stats {
    uint32_t height, width;
    uint64_t n; /* mixed draws; if 0, the numbers below are NaN */
    double   lambda_mean, lambda_sd, lambda_quantiles[MX_PREVIEW_QUANTILES];
    double   lambda_below_half;      /* share of the draws */
    double   drawn_mean, drawn_sd;   /* weight of the base image before clipping */
    double   hidden_mean, hidden_sd; /* share of the base image's pixels with weight 0 */
    double   unmixed;                /* share of all draws */
};

/* Draw `n` times. Images are read only for strategies that look at them, and where
 * only the files tell their size. Returns 0, or -1 with *err. */
int mx_preview_stats(const struct mx_preview_setting *setting, uint64_t seed, uint64_t n,
                     struct mx_preview_stats *stats, struct mx_err *err);

/* As one JSON object of formats.md, with the setting's values of the axes, and as lines
 * of text. */
void mx_preview_stats_json(const struct mx_preview_setting *setting,
                           const struct mx_preview_stats *stats, struct mx_buf *out);
void mx_preview_stats_text(const struct mx_preview_setting *setting,
                           const struct mx_preview_stats *stats, struct mx_buf *out);

#endif
