/* Deletion, insertion and what is made of them. */
#include <math.h>
#include <stdlib.h>

#include "worker/score_parts.h"

#define BIT(score) WORKER_SCORE_BIT(score)

/* The curves that an attribution can have, and the scores that need them. */
enum {
    MOST_FIRST,
    LEAST_FIRST,
    SHIFTED,
    INSERTION,
    CURVES
};
static const struct {
    enum worker_curve_kind kind;
    bool                   shifted; /* in the order of the maps shifted round */
    const char            *word;    /* of its file */
    uint64_t               needed_by;
} curve_kinds[CURVES] = {
    [MOST_FIRST] = {WORKER_CURVE_DELETION, false, "deletion",
                    BIT(DELETION) | BIT(DELETION_NORMALISED) | BIT(SYMMETRIC_RELEVANCE_GAIN) |
                        BIT(RANDOM_ORDER_DELETION)},
    [LEAST_FIRST] = {WORKER_CURVE_LEAST_FIRST, false, "deletion_least_first",
                     BIT(DELETION_LEAST_FIRST) | BIT(SYMMETRIC_RELEVANCE_GAIN)},
    [SHIFTED] = {WORKER_CURVE_DELETION, true, "random_order_deletion", BIT(RANDOM_ORDER_DELETION)},
    [INSERTION] = {WORKER_CURVE_INSERTION, false, "insertion",
                   BIT(INSERTION) | BIT(INSERTION_NORMALISED)},
};

/* Of one attribution with one fill. */
struct curves {
    struct worker_curve_spec spec;
    uint32_t                 points;
    double                  *fractions;     /* (points) */
    float                   *curve[CURVES]; /* (n, points); NULL: not needed */
    float                   *area[CURVES];  /* (n) */
};

static bool is_asked(const struct worker_list *fills, enum worker_fill fill)
{
    for (uint32_t k = 0; k < fills->count; k++)
        if ((enum worker_fill)fills->items[k] == fill)
            return true;
    return false;
}

/* Insertion starts from the blurred image whatever is asked, and is never of zeros. */
static bool is_needed(const struct worker_params *params, unsigned curve, enum worker_fill fill)
{
    if (!(params->score_metrics & curve_kinds[curve].needed_by))
        return false;
    if (curve == INSERTION && fill != WORKER_FILL_ROAD)
        return fill == WORKER_FILL_BLUR;
    return is_asked(&params->score_fills, fill);
}

unsigned worker_score_curves(const struct worker_params *params, enum worker_fill fill)
{
    unsigned curves = 0;

    for (unsigned c = 0; c < CURVES; c++)
        curves += is_needed(params, c, fill);
    return curves;
}

uint64_t score_curves_images(const struct scoring *s)
{
    uint64_t curves = 0;

    for (enum worker_fill fill = 0; fill < WORKER_FILLS; fill++)
        curves += worker_score_curves(&s->job.params, fill);
    return curves * s->n * (uint64_t)(s->job.params.score_steps + 1);
}

int score_curves_begin(struct scoring *s, struct mx_err *err)
{
    const uint64_t           points = (uint64_t)s->job.params.score_steps + 1;
    struct worker_curve_spec spec = score_spec(s);
    double                  *fractions = malloc(points * sizeof *fractions);
    char                    *path = NULL;
    int                      rc = -1;

    if (!fractions)
        return mx_fail(err, MX_ENOMEM, "no memory for curves of %llu points",
                       (unsigned long long)points);
    worker_curve_fractions(&spec, fractions);
    if (!s->keeps || score_curves_images(s) == 0)
        rc = 0;
    else if ((path = score_new_file(s, "fraction.npy", true, (uint32_t)points, 0, err)))
        rc = worker_npy_write(path, WORKER_NPY_F64, 1, &points, fractions, err);
    free(path);
    free(fractions);
    return rc;
}

static int run_curve(struct scoring *s, struct curves *c, unsigned curve, struct mx_err *err)
{
    c->spec.kind = curve_kinds[curve].kind;
    for (uint32_t first = 0; first < s->n; first += SCORE_CHUNK) {
        const uint32_t                  n = score_chunk(s, first);
        const struct worker_curve_batch batch = {s->batch->images,
                                                 curve_kinds[curve].shifted ? s->others : s->maps,
                                                 s->targets + first, s->rows + first, n};

        worker_batch_plain(s->batch, s->set, &s->set->test, first, n);
        if (score_read_maps(s, first, n, err))
            return -1;
        for (uint32_t i = 0; i < n && curve_kinds[curve].shifted; i++)
            worker_map_shifted(&s->set->shape, s->maps + i * s->pixels, s->stream,
                               s->rows[first + i], s->others + i * s->pixels);
        if (worker_curves(&c->spec, &batch, c->curve[curve] + (size_t)first * c->points, err))
            return -1;
    }
    for (uint32_t i = 0; i < s->n; i++)
        c->area[curve][i] = (float)worker_curve_area(c->curve[curve] + (size_t)i * c->points,
                                                     c->fractions, c->points);
    return 0;
}

static double mean(const float *values, uint32_t n)
{
    double sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += values[i];
    return sum / n;
}

/* The number of a score of curves; its curves are there. */
static double number_of(const struct scoring *s, const struct curves *c, enum worker_score score)
{
    switch (score) {
    case WORKER_SCORE_DELETION:
        return mean(c->area[MOST_FIRST], s->n);
    case WORKER_SCORE_INSERTION:
        return mean(c->area[INSERTION], s->n);
    case WORKER_SCORE_DELETION_LEAST_FIRST:
        return mean(c->area[LEAST_FIRST], s->n);
    case WORKER_SCORE_DELETION_NORMALISED:
        return worker_curve_normalised(c->curve[MOST_FIRST], s->n, c->points, c->fractions, false);
    case WORKER_SCORE_INSERTION_NORMALISED:
        return worker_curve_normalised(c->curve[INSERTION], s->n, c->points, c->fractions, true);
    case WORKER_SCORE_SYMMETRIC_RELEVANCE_GAIN:
        return worker_symmetric_gain(c->area[LEAST_FIRST], c->area[MOST_FIRST], s->n);
    default:
        return worker_random_order_gain(c->area[SHIFTED], c->area[MOST_FIRST], s->n);
    }
}

static double as_it_is(double a, double b)
{
    (void)b;
    return a;
}

static double difference(double a, double b)
{
    return a - b;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static double gain(double a, double b)
{
    return a > 0 ? (a - b) / a : NAN;
}

/* What number_of() is made of, as means over images. */
static struct score_sample sample_of(const struct curves *c, enum worker_score score)
{
    float *const             *area = c->area;
    const struct score_column none = {NULL, 0};

    switch (score) {
    case WORKER_SCORE_INSERTION:
        return (struct score_sample){{{area[INSERTION], 1}, none}, as_it_is};
    case WORKER_SCORE_DELETION_LEAST_FIRST:
        return (struct score_sample){{{area[LEAST_FIRST], 1}, none}, as_it_is};
    case WORKER_SCORE_DELETION_NORMALISED:
        return (struct score_sample){{{area[MOST_FIRST], 1}, {c->curve[MOST_FIRST], c->points}},
                                     ratio};
    case WORKER_SCORE_INSERTION_NORMALISED:
        return (struct score_sample){
            {{area[INSERTION], 1}, {c->curve[INSERTION] + c->points - 1, c->points}}, ratio};
    case WORKER_SCORE_SYMMETRIC_RELEVANCE_GAIN:
        return (struct score_sample){{{area[LEAST_FIRST], 1}, {area[MOST_FIRST], 1}}, difference};
    case WORKER_SCORE_RANDOM_ORDER_DELETION:
        return (struct score_sample){{{area[SHIFTED], 1}, {area[MOST_FIRST], 1}}, gain};
    default:
        return (struct score_sample){{{area[MOST_FIRST], 1}, none}, as_it_is};
    }
}

/* What a score needs must be there: under a fill that was not asked for, insertion alone is. */
static bool has_curves(const struct curves *c, enum worker_score score)
{
    for (unsigned k = 0; k < CURVES; k++)
        if (curve_kinds[k].needed_by >> score & 1u && !c->curve[k])
            return false;
    return true;
}

static int report(struct scoring *s, const struct curves *c, const char *fill, struct mx_err *err)
{
    uint64_t any = 0;

    for (unsigned k = 0; k < CURVES; k++)
        any |= curve_kinds[k].needed_by;
    for (enum worker_score score = 0; score < WORKER_SCORES; score++) {
        const char         *word = worker_map_scores[score].word;
        struct score_sample sample;

        if (!((any & s->scores) >> score & 1u) || !has_curves(c, score))
            continue;
        sample = sample_of(c, score);
        if (score_add(s, word, fill, number_of(s, c, score), err) ||
            score_add_interval(s, word, fill, &sample, err))
            return -1;
    }
    for (unsigned k = 0; k < CURVES; k++)
        if (c->curve[k] && score_keep(s, curve_kinds[k].word, fill, c->curve[k], c->points, err))
            return -1;
    return 0;
}

static void curves_free(struct curves *c)
{
    free(c->fractions);
    for (unsigned k = 0; k < CURVES; k++) {
        free(c->curve[k]);
        free(c->area[k]);
    }
}

static int curves_new(struct scoring *s, enum worker_fill fill, struct curves *c,
                      struct mx_err *err)
{
    bool full = true;

    *c = (struct curves){.spec = score_spec(s)};
    c->spec.fill = fill;
    c->points = c->spec.steps + 1;
    full = (c->fractions = malloc(c->points * sizeof *c->fractions)) != NULL;
    for (unsigned k = 0; k < CURVES; k++)
        if (is_needed(&s->job.params, k, fill)) {
            c->curve[k] = malloc(((size_t)s->n + 1) * c->points * sizeof *c->curve[k]);
            c->area[k] = malloc(((size_t)s->n + 1) * sizeof *c->area[k]);
            full = full && c->curve[k] && c->area[k];
        }
    if (!full)
        return mx_fail(err, MX_ENOMEM, "no memory for the curves of %u images", s->n);
    worker_curve_fractions(&c->spec, c->fractions);
    return 0;
}

static int score_fill(struct scoring *s, enum worker_fill fill, struct mx_err *err)
{
    struct curves c;
    int           rc;

    if (worker_score_curves(&s->job.params, fill) == 0)
        return 0;
    rc = curves_new(s, fill, &c, err);
    for (unsigned k = 0; k < CURVES && rc == 0; k++)
        if (c.curve[k])
            rc = run_curve(s, &c, k, err);
    if (rc == 0)
        rc = report(s, &c, worker_fills[fill].word, err);
    curves_free(&c);
    return rc;
}

int score_curves(struct scoring *s, struct mx_err *err)
{
    for (enum worker_fill fill = 0; fill < WORKER_FILLS; fill++)
        if (score_fill(s, fill, err))
            return -1;
    return 0;
}
