/* Accuracy while a square of each image is hidden: what plain deletion rewards, by itself. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/score_parts.h"

static const uint32_t shares[] = {10, 30, 50}; /* percent of the pixels */

/* Zero a rectangle as square as the image lets it be. */
static void hide(const struct scoring *s, float *image, uint32_t row, uint32_t percent)
{
    const struct worker_shape *shape = &s->set->shape;
    const double               area = (double)s->pixels * percent / 100,
                 shorter = fmin(shape->height, shape->width);
    const double   side = fmin(round(sqrt(area)), shorter);
    const double   other = fmax(1, round(side < shorter ? side : area / side));
    const uint32_t height = (uint32_t)(shape->height <= shape->width ? side : other);
    const uint32_t width = (uint32_t)(shape->height <= shape->width ? other : side);
    struct mx_rng  rng = mx_rng_at(s->stream, SCORE_DRAW_OCCLUSION, row, percent);
    const uint32_t top = (uint32_t)mx_rng_below(&rng, shape->height - height + 1);
    const uint32_t left = (uint32_t)mx_rng_below(&rng, shape->width - width + 1);

    for (uint32_t c = 0; c < shape->channels; c++)
        for (uint32_t y = top; y < top + height; y++)
            for (uint32_t x = left; x < left + width; x++)
                image[((size_t)c * shape->height + y) * shape->width + x] = 0;
}

/* Of equal logits the first is the answer; a row with a NaN is never right. */
static bool is_right(const float *logits, uint32_t classes, uint32_t label)
{
    for (uint32_t c = 0; c < classes; c++)
        if (!(c < label ? logits[c] < logits[label] : logits[c] <= logits[label]))
            return false;
    return true;
}

static int count_hits(struct scoring *s, const struct worker_split *split, uint32_t percent,
                      float *logits, uint32_t *hits, struct mx_err *err)
{
    const uint32_t classes = s->set->shape.classes;
    const size_t   image = s->pixels * s->set->shape.channels;

    for (uint32_t first = 0; first < split->n; first += SCORE_CHUNK) {
        const uint32_t n = split->n - first < SCORE_CHUNK ? split->n - first : SCORE_CHUNK;

        worker_batch_plain(s->batch, s->set, split, first, n);
        for (uint32_t i = 0; i < n; i++)
            hide(s, s->batch->images + i * image, split->rows[first + i], percent);
        if (score_predict(s, s->batch->images, n, logits, err))
            return -1;
        for (uint32_t i = 0; i < n; i++)
            *hits += is_right(logits + (size_t)i * classes, classes, split->labels[first + i]);
    }
    return 0;
}

static int score_split(struct scoring *s, const char *name, const struct worker_split *split,
                       float *logits, struct mx_err *err)
{
    for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
        char     column[WORKER_METRIC_NAME_SIZE];
        uint32_t hits = 0;

        if (count_hits(s, split, shares[k], logits, &hits, err))
            return -1;
        snprintf(column, sizeof column, "%s.%s.%u", name,
                 worker_map_scores[WORKER_SCORE_OCCLUSION_ACCURACY].word, shares[k]);
        if (worker_result_add(s->result, column, (double)hits / split->n, err))
            return -1;
    }
    return 0;
}

int score_occlusion(struct scoring *s, struct mx_err *err)
{
    float *logits;
    int    rc;

    if (!score_wanted(s, WORKER_SCORE_BIT(OCCLUSION_ACCURACY)))
        return 0;
    if (!(logits = malloc((size_t)SCORE_CHUNK * s->set->shape.classes * sizeof *logits)))
        return mx_fail(err, MX_ENOMEM, "no memory for the logits of %d images", SCORE_CHUNK);
    rc = (s->set->val.n > 0 && score_split(s, "val", &s->set->val, logits, err)) ||
                 score_split(s, "test", &s->set->test, logits, err)
             ? -1
             : 0;
    free(logits);
    return rc;
}
