/* score_parts.h - what the parts of the scores stage share.
 *
 * Private to worker/scores_stage.c and worker/score_*.c. A part looks at the maps of one
 * attribution, a chunk of images at a time, adds its numbers to the stage's result and
 * leaves what it has of each image in files.
 */
#ifndef MX_WORKER_SCORE_PARTS_H
#define MX_WORKER_SCORE_PARTS_H

#include "worker/annotations.h"
#include "worker/batch.h"
#include "worker/curve.h"
#include "worker/explain.h"
#include "worker/map_scores.h"
#include "worker/npy.h"
#include "worker/resamples.h"
#include "worker/stage_parts.h"

enum {
    SCORE_CHUNK = WORKER_FEATURE_BATCH, /* images looked at together, and predicted at a time */
    SCORE_NAME_SIZE = 96
};

/* In the score stream beside those of worker/curve.h: the place of occlusion's square;
 * second name the image's row, third the share in percent. */
enum {
    SCORE_DRAW_OCCLUSION = 0x103
};

struct scoring;

/* A file that is noted for stage.json. */
struct score_file {
    char     name[SCORE_NAME_SIZE];
    uint32_t ndims, dims[2]; /* ndims 0: text */
    bool     wide;           /* float64, else float32 */
};

struct scoring {
    struct worker_job             job; /* its own: with the weights of the train stage */
    const struct worker_progress *progress;
    struct worker_result         *result;
    const struct worker_dataset  *set; /* the cache's */
    struct worker_engine         *engine;
    struct worker_batch          *batch;       /* (SCORE_CHUNK) */
    struct worker_annotations    *annotations; /* NULL: no score needs them */
    struct worker_explainer      *untrained;   /* the same network with new weights; or NULL */
    struct worker_net             net;         /* of that */
    struct mx_stream              stream;
    struct worker_resamples      *resamples; /* for intervals; NULL: none are wanted */
    uint64_t                      scores;    /* bits of enum worker_score that are wanted */
    uint32_t                      n;         /* images that have maps */
    size_t                        pixels;
    uint32_t                     *targets, *rows; /* (n) */
    bool                          there[WORKER_MAPS];
    enum worker_attribution       which;         /* the maps that are looked at ... */
    struct worker_npy            *file;          /* ... and where they lie */
    float                        *maps, *others; /* (SCORE_CHUNK, pixels) */
    float                        *values;        /* (n): of one score */
    uint64_t                      done, total;   /* images predicted */
    bool                          keeps;         /* files are left */
    struct score_file            *files;
    size_t                        nfiles, files_room;
};

static inline bool score_wanted(const struct scoring *s, uint64_t bits)
{
    return (s->scores & bits) != 0;
}

/* How many images there are from `first` on, SCORE_CHUNK at most. */
static inline uint32_t score_chunk(const struct scoring *s, uint32_t first)
{
    const uint32_t rest = s->n - first, most = SCORE_CHUNK;

    return rest < most ? rest : most;
}

/* Read the maps of n images from `first` on into s->maps. Returns 0 or -1. */
int score_read_maps(struct scoring *s, uint32_t first, uint32_t n, struct mx_err *err);

/* One more sign of life; -1 with MX_EINTERRUPTED if the stage is to end. */
int score_tick(struct scoring *s, struct mx_err *err);

/* What a worker_curve_spec says of any curve or order of this attribution. */
struct worker_curve_spec score_spec(struct scoring *s);

/* A worker_predict_fn whose argument is the scoring: counts what it predicts. */
int score_predict(void *scoring, const float *images, uint32_t n, float *logits,
                  struct mx_err *err);

/* Add test.WORD.ATTRIBUTION, with .FILL behind it unless fill is NULL. */
int score_add(struct scoring *s, const char *word, const char *fill, double value,
              struct mx_err *err);

/* The name of that, as in the table of results. */
void score_name(const struct scoring *s, const char *word, const char *fill,
                char name[SCORE_NAME_SIZE]);

/* What a score is made of: the means over images of one or two numbers an image, NaN where it has
 * none; and how. */
struct score_sample {
    struct score_column {
        const float *values; /* every stride-th; NULL: there is no such number */
        size_t       stride;
    } of[2];
    double (*number)(double mean, double other);
};

/* Where intervals are wanted, add test.WORD_low.ATTRIBUTION[.FILL] and _high. */
int score_add_interval(struct scoring *s, const char *word, const char *fill,
                       const struct score_sample *sample, struct mx_err *err);

/* Leave an array WORD.ATTRIBUTION[.FILL].npy of float32, (n) or with columns (n, columns). */
int score_keep(struct scoring *s, const char *word, const char *fill, const float *data,
               uint32_t columns, struct mx_err *err);

/* Note a file of that name for stage.json; its path, to be freed, or NULL with *err. */
char *score_new_file(struct scoring *s, const char *name, bool wide, uint32_t rows,
                     uint32_t columns, struct mx_err *err);

/* s->values are one score's, NaN where an image has none: add their mean, empty if none has
 * any, and keep them. */
int score_add_values(struct scoring *s, enum worker_score score, struct mx_err *err);

/* The parts. Each returns 0, or -1 with *err. */
uint64_t score_curves_images(const struct scoring *s); /* that one attribution's curves predict */
int      score_curves_begin(struct scoring *s, struct mx_err *err); /* once: fraction.npy */
int      score_curves(struct scoring *s, struct mx_err *err);
int      score_marks_begin(struct scoring *s, struct mx_err *err);
int      score_marks(struct scoring *s, struct mx_err *err);
int      score_maps_begin(struct scoring *s, struct mx_err *err);
int      score_maps(struct scoring *s, struct mx_err *err);
int      score_occlusion(struct scoring *s, struct mx_err *err);
int      score_concepts(struct scoring *s, struct mx_err *err);

#endif
