/* inter_comparison.h - between inter_model_stage.c, which compares, and inter_write.c, which
 * writes down what came of it. Nobody else's.
 */
#ifndef MX_WORKER_INTER_COMPARISON_H
#define MX_WORKER_INTER_COMPARISON_H

#include "base/buf.h"
#include "worker/inter_model.h"
#include "worker/inter_parts.h"
#include "worker/stage_parts.h"

struct inter_comparison {
    const struct worker_job      *job;
    const struct worker_progress *progress;
    struct inter_set              set;
    struct inter_variant          variants[INTER_VARIANTS];
    enum worker_attribution       which[WORKER_MAPS];
    uint32_t                      nvariants, nwhich;
    const struct worker_input   **scorers;   /* (models) */
    const struct worker_input    *outside;   /* NULL: none asked for */
    uint32_t                      n, *row;   /* models of the matrix: places among those taken */
    float                        *areas;     /* (map, scorer, images), of one kind and curve */
    float                        *all;       /* (scorer, variants, maps taken, images) */
    float                        *ours;      /* (variants, maps taken, images): the outside one's */
    double                       *matrix[3]; /* (map, scorer): itself, low, high */
    uint32_t                      carriers, *carrier; /* rows that have such maps */
    struct mx_buf                 values;
    struct worker_stage_file     *files;
    size_t                        nfiles;
    uint64_t                      done, total;
};

/* The trial of a row of the matrix; lives as long as the job. */
const char *inter_row_name(const struct inter_comparison *c, uint32_t row);

/* FOLDER/WHAT.ATTRIBUTION.CURVE.npy of map kind a and curve v, noted for stage.json: a matrix
 * (models, models) of float64 or areas (models, models, images) of float32.
 * MX_EIO with the path, or MX_ENOMEM.
 */
int inter_write_array(struct inter_comparison *c, const char *what, uint32_t a, uint32_t v,
                      const void *data, bool is_areas, struct mx_err *err);

/* One line of values.csv: a metric of a trial, "" if of all, with its interval; NAN is left
 * empty.
 */
void inter_put(struct inter_comparison *c, const char *trial, const char *metric, uint32_t a,
               uint32_t v, const double values[3]);

/* FOLDER/NAME, noted for stage.json. MX_EIO with the path, or MX_ENOMEM. */
int inter_write_text(struct inter_comparison *c, const char *name, const struct mx_buf *text,
                     struct mx_err *err);

/* models.csv: every model, its row or why it has none; images.csv: the common ones. Errors as
 * inter_write_text's.
 */
int inter_write_models(struct inter_comparison *c, struct mx_err *err);
int inter_write_images(struct inter_comparison *c, struct mx_err *err);

/* To the log: which models were left out, and on how many images the rest met. */
void inter_tell(const struct inter_comparison *c);

#endif
