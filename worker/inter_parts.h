/* inter_parts.h - what the stages of a comparison across models share: scorer_stage.c
 * (one model scores the maps of all), inter_model_stage.c (what all of them say, side by
 * side) and standing_stage.c (what it says of one).
 *
 * All find the same models and images, from the images.csv that each maps stage left, and
 * number them alike. docs/maps.md says what is compared.
 */
#ifndef MX_WORKER_INTER_PARTS_H
#define MX_WORKER_INTER_PARTS_H

#include "worker/choices.h"
#include "worker/curve.h"
#include "worker/stage.h"

/* The model of one maps stage. */
struct inter_model {
    const struct worker_input *maps;     /* lent by the job */
    bool                       taken;    /* its maps are there, and it is accurate enough */
    double                     accuracy; /* share of the images; NaN without maps */
    uint32_t                   wrong;    /* images that it gets wrong ... */
    uint32_t                   alone;    /* ... and that all others get right */
};

struct inter_set {
    uint32_t            models, images;
    struct inter_model *model;            /* (models): in the order of the job's inputs */
    uint32_t           *labels;           /* (images) */
    bool               *correct;          /* (models, images) */
    uint32_t            ntaken, *taken;   /* numbers of models */
    uint32_t            ncommon, *common; /* numbers of images that all of those get right */
};

/* Read what the job's maps stages left of the first score.inter_model.images images, and
 * choose models and images. A zeroed set. Returns 0, or -1 with MX_EDATA (files that do not
 * fit together), MX_EIO or MX_ENOMEM; inter_set_free() is due either way. */
int  inter_set_read(const struct worker_job *job, struct inter_set *set, struct mx_err *err);
void inter_set_free(struct inter_set *set);

/* The number of the model of a trial; UINT32_MAX if there is none. */
uint32_t inter_set_find(const struct inter_set *set, const char *name);

/* One curve that is compared, and the word of it in columns and file names. */
struct inter_variant {
    enum worker_curve_kind kind;
    enum worker_fill       fill;
    const char            *word; /* the fill of deletion; insertion_blur, insertion_road */
};

enum {
    INTER_VARIANTS = WORKER_FILLS + 2
};

/* The curves that parameters ask for; returns how many. */
uint32_t inter_variants(const struct worker_params *params,
                        struct inter_variant        variants[INTER_VARIANTS]);

/* The maps that are compared: those asked for and both controls; returns how many. */
uint32_t inter_attributions(const struct worker_params *params,
                            enum worker_attribution     which[WORKER_MAPS]);

/* What a scorer leaves: float32 (attributions, variants, maps, images), by the numbers
 * above; NaN where a map is missing, or where an outside scorer is wrong. */
#define INTER_AREAS_FILE "areas.npy"

/* What the comparison leaves for each of its models: trial,metric,value,low,high. */
#define INTER_VALUES_FILE "values.csv"

/* "STAGES/KEY/FILE" of an input, to be freed; NULL with MX_ENOMEM. */
char *inter_input_path(const struct worker_job *job, const struct worker_input *input,
                       const char *file, struct mx_err *err);

#endif
