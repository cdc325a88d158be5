#include "worker/dissection.h"

#include <math.h>
#include <stdlib.h>

#include "worker/explain.h"

enum {
    CONCEPTS = 256 /* numbers, 0 among them */
};

static const double quantile = 0.005, least_iou = 0.04;

struct worker_dissection {
    struct worker_dissection_sizes sizes;
    uint32_t  largest;  /* values that are kept of a unit: those above its threshold, and that */
    float    *heaps;    /* (units, largest), each a heap with its smallest first */
    uint32_t  kept;     /* values of each heap so far */
    float    *enlarged; /* (to_height, to_width) */
    uint64_t *above;    /* (units): pixels above its threshold */
    uint64_t *both;     /* (units, CONCEPTS): of them, those of a concept */
    uint64_t  pixels[CONCEPTS];
};

/* A share of all values may be above the threshold, which is the next one. */
static uint64_t largest_of(const struct worker_dissection_sizes *sizes)
{
    const double values = (double)sizes->images * sizes->height * sizes->width;

    /* so that 0.005 of 200 is 1, whatever the product's last bit */
    return (uint64_t)(values * quantile * (1 + 1e-12)) + 1;
}

void worker_dissection_free(struct worker_dissection *dissection)
{
    if (!dissection)
        return;
    free(dissection->heaps);
    free(dissection->enlarged);
    free(dissection->above);
    free(dissection->both);
    free(dissection);
}

struct worker_dissection *worker_dissection_new(const struct worker_dissection_sizes *sizes,
                                                struct mx_err                        *err)
{
    struct worker_dissection *d = calloc(1, sizeof *d);

    if (d) {
        d->sizes = *sizes;
        d->largest = (uint32_t)largest_of(sizes);
        d->heaps = calloc((size_t)sizes->units * d->largest, sizeof *d->heaps);
        d->enlarged = calloc((size_t)sizes->to_height * sizes->to_width, sizeof *d->enlarged);
        d->above = calloc(sizes->units, sizeof *d->above);
        d->both = calloc((size_t)sizes->units * CONCEPTS, sizeof *d->both);
        if (d->heaps && d->enlarged && d->above && d->both)
            return d;
    }
    worker_dissection_free(d);
    mx_fail(err, MX_ENOMEM, "no memory to look at %u units on %u images", sizes->units,
            sizes->images);
    return NULL;
}

/* Let a value sink from the top to its place. */
static void sink(float *heap, uint32_t n, float value)
{
    uint32_t at = 0, child;

    while ((child = 2 * at + 1) < n) {
        child += child + 1 < n && heap[child + 1] < heap[child];
        if (heap[child] >= value)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = value;
}

static void rise(float *heap, uint32_t at, float value)
{
    for (; at > 0 && heap[(at - 1) / 2] > value; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = value;
}

int worker_dissection_show(struct worker_dissection *d, const float *values, struct mx_err *err)
{
    const size_t area = (size_t)d->sizes.height * d->sizes.width;

    for (size_t k = 0; k < d->sizes.units * area; k++)
        if (!isfinite(values[k]))
            return mx_fail(
                err, MX_EDIVERGED,
                "what unit %zu says is not finite (lower train.lr, or set train.clip_norm)",
                k / area);
    for (size_t p = 0; p < area; p++) {
        const bool full = d->kept == d->largest;

        for (uint32_t u = 0; u < d->sizes.units; u++) {
            float *heap = d->heaps + (size_t)u * d->largest;

            if (!full)
                rise(heap, d->kept, values[u * area + p]);
            else if (values[u * area + p] > heap[0])
                sink(heap, d->largest, values[u * area + p]);
        }
        d->kept += !full;
    }
    return 0;
}

static float threshold_of(const struct worker_dissection *d, uint32_t unit)
{
    return d->heaps[(size_t)unit * d->largest];
}

/* Count a unit's pixels in one image. */
static void compare_unit(struct worker_dissection *d, uint32_t unit, const float *values,
                         const uint8_t *concepts)
{
    const size_t area = (size_t)d->sizes.height * d->sizes.width;
    const size_t pixels = (size_t)d->sizes.to_height * d->sizes.to_width;
    const float  threshold = threshold_of(d, unit);
    bool         any = false;

    for (size_t p = 0; p < area && !any; p++)
        any = values[p] > threshold;
    if (!any) /* between values there is nothing larger */
        return;
    worker_map_resize(values, d->sizes.height, d->sizes.width, d->enlarged, d->sizes.to_height,
                      d->sizes.to_width);
    for (size_t p = 0; p < pixels; p++)
        if (d->enlarged[p] > threshold) {
            d->above[unit]++;
            d->both[(size_t)unit * CONCEPTS + concepts[p]]++;
        }
}

void worker_dissection_compare(struct worker_dissection *d, const float *values,
                               const uint8_t *concepts)
{
    const size_t area = (size_t)d->sizes.height * d->sizes.width;

    for (size_t p = 0; p < (size_t)d->sizes.to_height * d->sizes.to_width; p++)
        d->pixels[concepts[p]]++;
    for (uint32_t u = 0; u < d->sizes.units; u++)
        compare_unit(d, u, values + u * area, concepts);
}

struct worker_dissection_unit worker_dissection_unit(const struct worker_dissection *d,
                                                     uint32_t                        unit)
{
    struct worker_dissection_unit found = {.threshold = (double)threshold_of(d, unit)};

    for (uint32_t c = 1; c < CONCEPTS; c++) {
        const uint64_t both = d->both[(size_t)unit * CONCEPTS + c];
        const uint64_t either = d->above[unit] + d->pixels[c] - both;
        const double   iou = both > 0 ? (double)both / (double)either : 0;

        if (iou > found.iou) {
            found.iou = iou;
            found.concept = c;
        }
    }
    found.detects = found.iou > least_iou;
    return found;
}

void worker_dissection_count(const struct worker_dissection *d, uint32_t *detectors,
                             uint32_t *concepts)
{
    bool seen[CONCEPTS] = {false};

    *detectors = *concepts = 0;
    for (uint32_t u = 0; u < d->sizes.units; u++) {
        const struct worker_dissection_unit unit = worker_dissection_unit(d, u);

        if (!unit.detects)
            continue;
        ++*detectors;
        *concepts += !seen[unit.concept];
        seen[unit.concept] = true;
    }
}
