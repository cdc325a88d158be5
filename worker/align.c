#include "worker/align.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/align_parts.h"

/* Everything about one image while it is scored. */
struct scene {
    const float             *map;
    uint32_t                 height, width, pixels, area; /* area: pixels of the object */
    bool                    *object;                      /* (pixels) */
    const struct worker_box *boxes;
    uint32_t                 nboxes;
    struct worker_box        own;   /* the object's, where no box is given */
    struct align_parts       parts; /* memory to find parts with */
    float                   *scaled;
};

static int check_marks(const struct worker_marks *marks, uint32_t height, uint32_t width,
                       struct mx_err *err)
{
    if (marks->height != height || marks->width != width)
        return mx_fail(err, MX_EINVAL, "marks of %u x %u pixels for a map of %u x %u",
                       marks->height, marks->width, height, width);
    for (uint32_t b = 0; b < marks->nboxes; b++) {
        const struct worker_box *box = &marks->boxes[b];

        if (box->top >= box->bottom || box->left >= box->right || box->bottom > height ||
            box->right > width)
            return mx_fail(err, MX_EINVAL,
                           "box %u (rows %u to %u, columns %u to %u) is not in an image of %u x %u",
                           b, box->top, box->bottom, box->left, box->right, height, width);
    }
    return 0;
}

static void mark_object(struct scene *scene, const struct worker_marks *marks)
{
    if (marks->mask)
        memcpy(scene->object, marks->mask, scene->pixels * sizeof *scene->object);
    else
        for (uint32_t b = 0; b < marks->nboxes; b++)
            for (uint32_t y = marks->boxes[b].top; y < marks->boxes[b].bottom; y++)
                for (uint32_t x = marks->boxes[b].left; x < marks->boxes[b].right; x++)
                    scene->object[y * scene->width + x] = true;
    scene->own = (struct worker_box){scene->height, scene->width, 0, 0};
    for (uint32_t p = 0; p < scene->pixels; p++)
        if (scene->object[p]) {
            align_stretch(&scene->own, p / scene->width, p % scene->width);
            scene->area++;
        }
    scene->boxes = marks->nboxes ? marks->boxes : &scene->own;
    scene->nboxes = marks->nboxes ? marks->nboxes : 1;
}

/* True if pixel p is on the object, or nearer to it than the tolerance. */
static bool points_at(const struct scene *scene, uint32_t p)
{
    const uint32_t side = scene->height < scene->width ? scene->height : scene->width;
    const double   reach = 15.0 * side / 224, y = p / scene->width, x = p % scene->width;

    for (uint32_t q = 0; q < scene->pixels; q++)
        if (scene->object[q] &&
            (q == p || hypot(q / scene->width - y, q % scene->width - x) < reach))
            return true;
    return false;
}

static double energy_of(const struct scene *scene)
{
    double inside = 0, all = 0;

    for (uint32_t p = 0; p < scene->pixels; p++) {
        const double value = scene->map[p] > 0 ? scene->map[p] : 0;

        all += value;
        inside += scene->object[p] ? value : 0;
    }
    return all > 0 ? inside / all : 0;
}

static double rank_of(const struct scene *scene, const uint32_t *order)
{
    uint32_t hits = 0;

    for (uint32_t k = 0; k < scene->area; k++)
        hits += scene->object[order[k]];
    return (double)hits / scene->area;
}

/* Scaled to [0, 1]; a flat map is 0 throughout, so that threshold 0 takes the whole image. */
static void scale(struct scene *scene)
{
    double low = INFINITY, high = -INFINITY;

    for (uint32_t p = 0; p < scene->pixels; p++) {
        scene->scaled[p] = scene->map[p] > 0 ? scene->map[p] : 0;
        low = fmin(low, scene->scaled[p]);
        high = fmax(high, scene->scaled[p]);
    }
    for (uint32_t p = 0; p < scene->pixels; p++)
        scene->scaled[p] = high > low ? (float)((scene->scaled[p] - low) / (high - low)) : 0;
}

static float best_iou(const struct scene *scene, const struct worker_box *box)
{
    float best = 0;

    for (uint32_t b = 0; b < scene->nboxes; b++)
        best = fmaxf(best, (float)align_box_iou(box, &scene->boxes[b]));
    return best;
}

static void score_threshold(struct scene *scene, unsigned t, struct worker_alignment *out)
{
    struct align_parts *parts = &scene->parts;
    uint32_t            both = 0, above = 0, largest = 0;

    for (uint32_t p = 0; p < scene->pixels; p++) {
        parts->above[p] = scene->scaled[p] >= (float)t / WORKER_THRESHOLDS;
        above += parts->above[p];
        both += parts->above[p] && scene->object[p];
    }
    out->mask_iou[t] = (float)both / (float)(above + scene->area - both);
    align_find_parts(parts);
    for (uint32_t k = 0; k < parts->count; k++) {
        const float iou = best_iou(scene, &parts->boxes[k]);

        if (parts->sizes[k] > parts->sizes[largest])
            largest = k;
        out->any_box_iou[t] = fmaxf(out->any_box_iou[t], iou);
    }
    if (parts->count > 0)
        out->box_iou[t] = best_iou(scene, &parts->boxes[largest]);
}

static int scene_new(struct scene *scene, const float *map, uint32_t height, uint32_t width,
                     struct mx_err *err)
{
    *scene = (struct scene){.map = map, .height = height, .width = width};
    scene->pixels = height * width;
    scene->object = calloc(scene->pixels, sizeof *scene->object);
    scene->scaled = malloc(scene->pixels * sizeof *scene->scaled);
    if (!scene->object || !scene->scaled)
        return mx_fail(err, MX_ENOMEM, "no memory to score a map");
    return align_parts_new(&scene->parts, height, width, err);
}

int worker_align(const float *map, const uint32_t *order, uint32_t height, uint32_t width,
                 const struct worker_marks *marks, struct worker_alignment *out, struct mx_err *err)
{
    struct scene scene;
    int          result = -1;

    memset(out, 0, sizeof *out);
    if (check_marks(marks, height, width, err))
        return -1;
    if (scene_new(&scene, map, height, width, err))
        goto done;
    mark_object(&scene, marks);
    result = scene.area == 0;
    if (result == 1)
        goto done;
    out->pointing = points_at(&scene, order[0]);
    out->energy = energy_of(&scene);
    out->energy_minus_area = out->energy - (double)scene.area / scene.pixels;
    out->relevance_rank = rank_of(&scene, order);
    scale(&scene);
    for (unsigned t = 0; t < WORKER_THRESHOLDS; t++)
        score_threshold(&scene, t, out);

done:
    free(scene.object);
    free(scene.scaled);
    align_parts_free(&scene.parts);
    return result;
}

double worker_threshold_score(const float *ious, uint32_t n, double delta, unsigned threshold)
{
    double sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        const double iou = ious[(size_t)i * WORKER_THRESHOLDS + threshold];

        sum += delta > 0 ? iou >= delta : iou;
    }
    return sum / n;
}

unsigned worker_pick_threshold(const float *ious, uint32_t n, double delta)
{
    unsigned best = 0;

    for (unsigned t = 1; t < WORKER_THRESHOLDS; t++)
        if (worker_threshold_score(ious, n, delta, t) >
            worker_threshold_score(ious, n, delta, best))
            best = t;
    return best;
}
