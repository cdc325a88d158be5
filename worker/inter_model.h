/* inter_model.h - comparing what maps carry, across models (methods.md 3; ours).
 *
 * A_ij is how model j's answer fares while pixels go in the order of model i's map: the
 * mean over images of the area below (curve / its own value at 0 %; insertion: at
 * 100 %). The diagonal is ordinary deletion, where a model that withstands occlusion
 * looks as if its maps were poor. Off the diagonal every map meets every scorer, so the
 * scorers' own robustness can be taken out:
 *
 *     A_ij = mu + map_i + scorer_j + rest_ij ,   i != j,   sums of map and scorer 0.
 *
 * Direction: a low area is good for deletion. `carries` below is -map for deletion and
 * +map for insertion, so that higher is better. Areas are (map, scorer, images).
 */
#ifndef MX_WORKER_INTER_MODEL_H
#define MX_WORKER_INTER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which models take part: those with at least share x the best accuracy. Returns how
 * many. NaN never does. */
uint32_t worker_inter_select(const double *accuracy, uint32_t models, double share, bool *taken);

/* Which images every model that takes part gets right; correct is (models, images).
 * alone (models), may be NULL: the images that only this model gets wrong, so what it
 * costs the others; wrong (models), may be NULL: all that it gets wrong. Returns how many
 * are common. */
uint32_t worker_inter_common(const bool *correct, uint32_t models, uint32_t images,
                             const bool *taken, bool *common, uint32_t *alone, uint32_t *wrong);

enum {
    WORKER_INTER_FEW_IMAGES = 100 /* below it, a report warns */
};

/* An area of a curve by its own value at one end; NaN if that is 0. */
double worker_inter_area(const float *curve, const double *fractions, uint32_t points,
                         bool insertion);

/* The mean over images: (map, scorer). counts (images), may be NULL: how often each
 * image is taken. */
void worker_inter_matrix(const float *areas, uint32_t models, uint32_t images,
                         const uint32_t *counts, double *matrix);

/* Numbers of a matrix. Arrays are (models), the caller's. */
struct worker_inter_fit {
    double  mean;    /* mu */
    double *map;     /* what its map does to every scorer's area */
    double *scorer;  /* how its area fares whatever the map: its robustness */
    double *self;    /* A_ii - (mu + map_i + scorer_i): what it carries for its own model only */
    double *row;     /* mean of A_ij over j != i */
    double *carries; /* -map, or +map for insertion: higher is better */
};

/* Fit by least squares over i != j. Returns 0, or -1 with MX_EINVAL for fewer than three
 * models. */
int worker_inter_fit(const double *matrix, uint32_t models, bool insertion,
                     struct worker_inter_fit *fit, struct mx_err *err);

/* 95 % intervals from `resamples` draws of images with repetition, all refitted: the
 * 2.5 and 97.5 percentiles of the matrix (map, scorer) and of each number. */
struct worker_inter_interval {
    double                 *matrix; /* (map, scorer) */
    struct worker_inter_fit fit;
};
int worker_inter_bootstrap(const float *areas, uint32_t models, uint32_t images, bool insertion,
                           uint32_t resamples, struct mx_stream stream,
                           struct worker_inter_interval *low, struct worker_inter_interval *high,
                           struct mx_err *err);

/* The ceiling: the mean entry between two different models of one recipe (recipe:
 * (models), alike where only the seed differs). NaN if there are none. */
double worker_inter_ceiling(const double *matrix, uint32_t models, const uint32_t *recipe);

/* Memory for the arrays of a fit, in one block at fit->map; free it with free(fit->map). */
int worker_inter_fit_new(uint32_t models, struct worker_inter_fit *fit, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
