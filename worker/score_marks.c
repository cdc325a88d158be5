/* Agreement of maps with boxes and masks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/score_parts.h"

/* What an attribution has of the images that are marked. */
struct marked {
    struct worker_alignment *all;    /* (n) */
    bool                    *is;     /* (n): the image is marked */
    uint32_t                *order;  /* (pixels) */
    float                   *halves; /* (n, WORKER_THRESHOLDS): those of one half, then the other */
    uint32_t                 count[2]; /* images of each half */
};

int score_marks_begin(struct scoring *s, struct mx_err *err)
{
    uint32_t bare = 0;
    char     note[80];

    if (!worker_annotations_possible(s->job.params.data_set))
        s->scores &= ~worker_scores_that_are(WORKER_SCORE_MARKS);
    if (!score_wanted(s, worker_scores_that_are(WORKER_SCORE_MARKS)))
        return 0;
    if (!(s->annotations = worker_annotations_read(&s->job.params, s->job.seed, s->set, err))) {
        if (err && err->code == MX_EINVAL)
            err->code = MX_EDATA; /* marks that are wanted and not there: no second attempt */
        return -1;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        const struct worker_marks marks = worker_annotations_of(s->annotations, i);
        bool                      any = marks.nboxes > 0;

        for (size_t p = 0; marks.mask && !any && p < s->pixels; p++)
            any = marks.mask[p];
        bare += !any;
    }
    if (!s->progress || !s->progress->note)
        return 0;
    if (*worker_annotations_remark(s->annotations))
        s->progress->note(s->progress->user, worker_annotations_remark(s->annotations));
    snprintf(note, sizeof note, "%u of %u images have no box or mask: skipped", bare, s->n);
    if (bare > 0)
        s->progress->note(s->progress->user, note);
    return 0;
}

static void marked_free(struct marked *m)
{
    free(m->all);
    free(m->is);
    free(m->order);
    free(m->halves);
}

static int align_all(struct scoring *s, struct marked *m, struct mx_err *err)
{
    const struct worker_shape     *shape = &s->set->shape;
    const struct worker_curve_spec spec = score_spec(s);

    for (uint32_t first = 0; first < s->n; first += SCORE_CHUNK) {
        const uint32_t n = score_chunk(s, first);

        if (score_read_maps(s, first, n, err))
            return -1;
        for (uint32_t i = 0; i < n; i++) {
            const struct worker_marks marks = worker_annotations_of(s->annotations, first + i);
            const float              *map = s->maps + i * s->pixels;
            int                       skipped;

            if (score_tick(s, err) ||
                worker_curve_order(&spec, map, s->rows[first + i], m->order, err))
                return -1;
            skipped = worker_align(map, m->order, shape->height, shape->width, &marks,
                                   &m->all[first + i], err);
            if (skipped < 0)
                return -1;
            m->is[first + i] = !skipped;
        }
    }
    return 0;
}

/* The overlaps that a score looks at. */
static const float *ious_of(const struct worker_alignment *one, enum worker_score score)
{
    return score == WORKER_SCORE_MAX_BOX_ACCURACY      ? one->box_iou
           : score == WORKER_SCORE_MAX_BOX_ACCURACY_V2 ? one->any_box_iou
                                                       : one->mask_iou;
}

/* Every other marked image is of the other half. */
static void fill_halves(const struct scoring *s, struct marked *m, enum worker_score score)
{
    uint32_t marked = 0, seen[2] = {0, 0};

    for (uint32_t i = 0; i < s->n; i++)
        marked += m->is[i];
    m->count[0] = (marked + 1) / 2;
    m->count[1] = marked / 2;
    for (uint32_t i = 0; i < s->n; i++)
        if (m->is[i]) {
            const unsigned half = (seen[0] + seen[1]) % 2;
            const uint32_t at = half * m->count[0] + seen[half]++;
            const float   *ious = ious_of(&m->all[i], score);

            for (unsigned t = 0; t < WORKER_THRESHOLDS; t++)
                m->halves[(size_t)at * WORKER_THRESHOLDS + t] = ious[t];
        }
}

/* Add to s->values what each image has at the threshold that suits the other half best: no
 * image has a say in the one that it is scored at. */
static void add_held_out(struct scoring *s, const struct marked *m, enum worker_score score,
                         double delta, float weight)
{
    unsigned at[2], seen = 0;

    for (unsigned half = 0; half < 2; half++)
        at[half] =
            worker_pick_threshold(m->halves + (half ? 0 : (size_t)m->count[0] * WORKER_THRESHOLDS),
                                  m->count[!half], delta);
    for (uint32_t i = 0; i < s->n; i++)
        if (m->is[i]) {
            const float iou = ious_of(&m->all[i], score)[at[seen++ % 2]];

            s->values[i] += weight * (delta > 0 ? (float)(iou >= delta) : iou);
        }
}

static int score_thresholds(struct scoring *s, struct marked *m, enum worker_score score,
                            struct mx_err *err)
{
    static const double deltas[] = {.3, .5, .7};

    fill_halves(s, m, score);
    for (uint32_t i = 0; i < s->n; i++)
        s->values[i] = m->is[i] && m->count[1] > 0 ? 0 : NAN;
    if (score == WORKER_SCORE_MASK_IOU)
        add_held_out(s, m, score, 0, 1);
    else if (score == WORKER_SCORE_MAX_BOX_ACCURACY)
        add_held_out(s, m, score, .5, 1);
    else
        for (int d = 0; d < 3; d++)
            add_held_out(s, m, score, deltas[d], 1.0F / 3);
    return score_add_values(s, score, err);
}

static double value_of(const struct worker_alignment *one, enum worker_score score)
{
    switch (score) {
    case WORKER_SCORE_POINTING_GAME:
        return one->pointing;
    case WORKER_SCORE_ENERGY_POINTING_GAME:
        return one->energy;
    case WORKER_SCORE_ENERGY_POINTING_GAME_MINUS_AREA:
        return one->energy_minus_area;
    default:
        return one->relevance_rank;
    }
}

static int score_one(struct scoring *s, struct marked *m, enum worker_score score,
                     struct mx_err *err)
{
    if (score == WORKER_SCORE_MAX_BOX_ACCURACY || score == WORKER_SCORE_MAX_BOX_ACCURACY_V2 ||
        score == WORKER_SCORE_MASK_IOU)
        return score_thresholds(s, m, score, err);
    for (uint32_t i = 0; i < s->n; i++)
        s->values[i] = m->is[i] ? (float)value_of(&m->all[i], score) : NAN;
    return score_add_values(s, score, err);
}

int score_marks(struct scoring *s, struct mx_err *err)
{
    const uint64_t wanted = s->scores & worker_scores_that_are(WORKER_SCORE_MARKS);
    struct marked  m = {.count = {0, 0}};
    int            rc = -1;

    if (!wanted)
        return 0;
    m.all = malloc(((size_t)s->n + 1) * sizeof *m.all);
    m.is = calloc((size_t)s->n + 1, sizeof *m.is);
    m.order = malloc(s->pixels * sizeof *m.order);
    m.halves = malloc(((size_t)s->n + 1) * WORKER_THRESHOLDS * sizeof *m.halves);
    if (!m.all || !m.is || !m.order || !m.halves)
        mx_fail(err, MX_ENOMEM, "no memory to compare the maps of %u images with marks", s->n);
    else
        rc = align_all(s, &m, err);
    for (enum worker_score score = 0; score < WORKER_SCORES && rc == 0; score++)
        if (wanted >> score & 1u)
            rc = score_one(s, &m, score, err);
    marked_free(&m);
    return rc;
}
