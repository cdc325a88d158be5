#include "worker/resample.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/wide.h"
#include "worker/resample_parts.h"

/* Weights that an output pixel can have, an even number; for all of them 2 from + 4 to at most. */
static uint32_t most_taps(uint32_t from, uint32_t to)
{
    return 2 * (from / to) + 4;
}

/* Its weights two by two; the last has none beside it where there is an odd number. */
static void make_pairs(struct resample_axis *axis, uint32_t slot, uint32_t taps)
{
    const size_t   place = (size_t)slot * axis->most;
    const int32_t *weight = axis->weight + place;

    for (uint32_t t = 0; t < taps; t += 2) {
        const int32_t next = t + 1 < taps ? weight[t + 1] : 0;

        axis->pairs[place + t] = weight[t] >> RESAMPLE_LOW_BITS | next >> RESAMPLE_LOW_BITS << 16;
        axis->pairs[place + t + 1] = (weight[t] & RESAMPLE_LOW) | (next & RESAMPLE_LOW) << 16;
    }
}

/* The weights of output pixel `at`, which is `slot` of those wanted. */
static void make_taps(struct resample_axis *axis, uint32_t at, uint32_t slot, double *share)
{
    const double scale = (double)axis->from / axis->to, support = scale > 1 ? scale : 1;
    const double centre = (at + 0.5) * scale;
    const double low = centre - support + 0.5, high = centre + support + 0.5;
    int32_t     *weight = axis->weight + (size_t)slot * axis->most;
    uint32_t     first = low < 0 ? 0 : (uint32_t)low;
    uint32_t     taps = (high > axis->from ? axis->from : (uint32_t)high) - first;
    double       sum = 0;

    for (uint32_t k = 0; k < taps; k++) {
        double distance = fabs((first + k - centre + 0.5) * (1 / support));

        share[k] = distance < 1 ? 1 - distance : 0;
        sum += share[k];
    }
    for (uint32_t k = 0; k < taps; k++)
        weight[k] = (int32_t)(0.5 + share[k] / sum * (1 << RESAMPLE_WEIGHT_BITS));
    while (taps > 1 && weight[taps - 1] == 0)
        taps--;
    make_pairs(axis, slot, taps);
    axis->first[slot] = first;
    axis->taps[slot] = taps;
}

static void axis_aim(struct resample_axis *axis, uint32_t from, uint32_t to, uint32_t skip,
                     uint32_t count, double *share)
{
    if (axis->from == from && axis->to == to && axis->skip == skip && axis->count == count)
        return;
    axis->from = from;
    axis->to = to;
    axis->skip = skip;
    axis->count = count;
    axis->most = most_taps(from, to);
    for (uint32_t slot = 0; slot < count; slot++)
        make_taps(axis, skip + slot, slot, share);
}

static void axis_free(struct resample_axis *axis)
{
    free(axis->first);
    free(axis->taps);
    free(axis->weight);
    free(axis->pairs);
}

/* Room for n elements in an array, whose content is lost where it grows. */
static int make_room(void **array, size_t *room, size_t n, size_t bytes)
{
    if (n <= *room)
        return 0;
    free(*array);
    *room = 0;
    if (!(*array = aligned_alloc(RESAMPLE_COLUMN, (n * bytes + RESAMPLE_COLUMN - 1) /
                                                      RESAMPLE_COLUMN * RESAMPLE_COLUMN)))
        return -1;
    *room = n;
    return 0;
}

static int axis_room(struct resample_axis *axis, uint32_t from, uint32_t to)
{
    const size_t weights = 2 * (size_t)from + 4 * (size_t)to;

    if (to <= axis->room && weights <= axis->weights)
        return 0;
    axis_free(axis);
    *axis = (struct resample_axis){.room = to, .weights = weights};
    axis->first = calloc(to + 1u, sizeof *axis->first);
    axis->taps = calloc(to + 1u, sizeof *axis->taps);
    axis->weight = calloc(weights, sizeof *axis->weight);
    axis->pairs = calloc(weights, sizeof *axis->pairs);
    return axis->first && axis->taps && axis->weight && axis->pairs ? 0 : -1;
}

int worker_resampler_room(struct worker_resampler *r, uint32_t height, uint32_t width,
                          uint32_t to_height, uint32_t to_width, struct mx_err *err)
{
    const uint32_t longer = height > width ? height : width;
    void          *share = r->share, *rows = r->rows;
    int            rc = make_room(&share, &r->share_room, most_taps(longer, 1), sizeof *r->share);

    r->share = share;
    rc |= make_room(&rows, &r->rows_room, (size_t)height * to_width + RESAMPLE_BEHIND, 1);
    r->rows = rows;
    rc |= make_room(&r->turned, &r->turned_room, (size_t)width + RESAMPLE_BEHIND, RESAMPLE_COLUMN);
    if (rc || axis_room(&r->down, height, to_height) || axis_room(&r->along, width, to_width))
        return mx_fail(err, MX_ENOMEM, "no memory to resize %u x %u pixels", height, width);
    return 0;
}

struct worker_resampler *worker_resampler_new(uint32_t height, uint32_t width, uint32_t to_height,
                                              uint32_t to_width, struct mx_err *err)
{
    struct worker_resampler *resampler = calloc(1, sizeof *resampler);

    if (!resampler)
        mx_fail(err, MX_ENOMEM, "no memory to resize %u x %u pixels", height, width);
    else if (worker_resampler_room(resampler, height, width, to_height, to_width, err) == 0)
        return resampler;
    worker_resampler_free(resampler);
    return NULL;
}

void worker_resampler_free(struct worker_resampler *resampler)
{
    if (!resampler)
        return;
    axis_free(&resampler->down);
    axis_free(&resampler->along);
    free(resampler->share);
    free(resampler->rows);
    free(resampler->turned);
    free(resampler);
}

void worker_resampler_aim(struct worker_resampler *resampler, uint32_t height, uint32_t width,
                          uint32_t to_height, uint32_t to_width)
{
    axis_aim(&resampler->down, height, to_height, 0, to_height, resampler->share);
    axis_aim(&resampler->along, width, to_width, 0, to_width, resampler->share);
}

void worker_resampler_aim_at_centre(struct worker_resampler *resampler, uint32_t height,
                                    uint32_t width, uint32_t to_height, uint32_t to_width,
                                    uint32_t size)
{
    axis_aim(&resampler->down, height, to_height, (to_height - size) / 2, size, resampler->share);
    axis_aim(&resampler->along, width, to_width, (to_width - size) / 2, size, resampler->share);
}

void worker_resampler_run(struct worker_resampler *resampler, struct worker_window window,
                          uint8_t *out)
{
    (kern_has_wide_vectors() ? resample_wide : resample_plain)(resampler, &window, out);
}
