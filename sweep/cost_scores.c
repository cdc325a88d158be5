#include "sweep/cost_scores.h"

#include "sweep/cost_maps.h"
#include "worker/align.h"
#include "worker/choices.h"
#include "worker/map_scores.h"

/* Operations for each pixel, as if they were the network's: CPU seconds of one core (AVX2) for
 * maps of 16, 32 and 64 pixels a side, times the middle speed of sweep/cost.c. Filling by road
 * takes longer the larger the holes, which for smooth maps grow with the image; beyond 64 pixels
 * this is assumed to go on as a straight line. Blurring was measured with 3 taps (below 2e3); what
 * it takes with 11, at 224 pixels, is assumed. */
static const double road_flop = 12e3, road_side_flop = 1e3; /* of a step: + for each pixel a side */
static const double blur_flop = 4e3, order_flop = 6e3;      /* of an image */
static const double threshold_flop = 900;                   /* of an image and threshold */

enum {
    OCCLUSIONS = 3,   /* shares of the pixels that are hidden */
    NPY_BYTES = 128,  /* a header */
    FILE_RECORD = 160 /* a file in stage.json */
};

static double curves_of(const struct worker_params *params)
{
    double curves = 0;

    for (enum worker_fill fill = 0; fill < WORKER_FILLS; fill++)
        curves += worker_score_curves(params, fill);
    return curves;
}

static unsigned count_bits(uint64_t bits)
{
    unsigned n = 0;

    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

/* Scores that leave a number an image; those of curves leave the curves. */
static unsigned lists_of(const struct worker_params *params)
{
    const uint64_t own = worker_scores_of(WORKER_STAGE_SCORES);
    const unsigned other = WORKER_SCORE_FILLED | WORKER_SCORE_NO_MAP | WORKER_SCORE_ENDS;

    return count_bits(params->score_metrics & own & ~worker_scores_that_are(other));
}

static void add_files(const struct worker_params *params, double maps, double images,
                      struct mx_scores_cost *cost)
{
    const double points = (double)params->score_steps + 1, curves = curves_of(params);
    const double lists = lists_of(params);

    cost->files += maps * (curves + lists) + (curves > 0);
    cost->disk_bytes +=
        maps * images * 4 * (curves * points + lists) + cost->files * (NPY_BYTES + FILE_RECORD);
}

struct mx_scores_cost mx_scores_cost(const struct worker_params  *params,
                                     const struct worker_shape   *shape,
                                     const struct mx_scores_size *size)
{
    const uint64_t scores = params->score_metrics & worker_scores_of(WORKER_STAGE_SCORES);
    const bool     marks = (scores & worker_scores_that_are(WORKER_SCORE_MARKS)) != 0;
    const bool     again = (scores & WORKER_SCORE_BIT(RANDOMISATION_CORRELATION)) != 0;
    const double   pixels = (double)shape->height * shape->width;
    const double   maps = params->score_attributions.count > 0 ? mx_maps_count(params) : 0;
    const double   points = (double)params->score_steps + 1, n = size->maps;
    const double   side = shape->height > shape->width ? shape->height : shape->width;
    const double   road = worker_score_curves(params, WORKER_FILL_ROAD) * points *
                        (road_flop + road_side_flop * side);
    const double          blur = worker_score_curves(params, WORKER_FILL_BLUR) * blur_flop;
    struct mx_scores_cost cost = {.passes = maps * n * curves_of(params) * points, .files = 0};

    cost.flop = maps * n * pixels *
                (road + blur + curves_of(params) * order_flop +
                 (marks ? order_flop + WORKER_THRESHOLDS * threshold_flop : 0));
    if (scores & WORKER_SCORE_BIT(OCCLUSION_ACCURACY))
        cost.passes += OCCLUSIONS * (size->val + size->test);
    if (scores & worker_scores_that_are(WORKER_SCORE_SEGMENTS))
        cost.passes += 2 * (n > 0 ? n : size->test);
    if (again && maps > 0) {
        cost.passes += n * mx_maps_passes(params, shape);
        cost.memory_bytes += size->map_bytes;
    }
    if (marks)
        cost.memory_bytes += (uint64_t)(size->test * pixels);
    if (maps > 0)
        add_files(params, maps, n, &cost);
    cost.memory_bytes += (uint64_t)(n * 4 * (4 * points + (marks ? 5 * WORKER_THRESHOLDS : 1)));
    return cost;
}
