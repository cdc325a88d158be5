/* Concepts that channels of the network tell, on the images that have segments. */
#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/file.h"
#include "worker/dissection.h"
#include "worker/score_parts.h"
#include "worker/segments.h"

static const char file_name[] = "concepts.csv";

struct dissecting {
    struct worker_segments        *segments;
    struct worker_explainer       *explainer;
    struct worker_net              net;
    struct worker_dissection_sizes sizes;
    struct worker_dissection      *dissection;
    float                         *values;   /* (WORKER_MAP_BATCH, units, height, width) */
    uint8_t                       *concepts; /* (pixels) */
    uint32_t                       n;        /* images, of which sizes.images have segments */
};

static void dissecting_free(struct dissecting *d)
{
    worker_segments_free(d->segments);
    worker_explainer_free(d->explainer);
    worker_net_free(&d->net);
    worker_dissection_free(d->dissection);
    free(d->values);
    free(d->concepts);
}

static int explain_network(struct scoring *s, struct dissecting *d, struct mx_err *err)
{
    const struct worker_explainer_plan plan = worker_explainer_plan(&s->job.params, false);
    struct worker_tensor              *tensors = NULL;
    size_t                             count = 0;

    if (worker_net_build(&s->job.params, &s->set->shape, &d->net, err) ||
        worker_engine_export(s->engine, &tensors, &count, err))
        return -1;
    d->explainer = worker_explainer_new(&d->net, tensors, count, &plan, err);
    worker_tensors_free(tensors, count);
    return d->explainer ? 0 : -1;
}

static int find_segments(struct scoring *s, struct dissecting *d, struct mx_err *err)
{
    if (!(d->segments = worker_segments_open(&s->job.params, s->job.seed, s->set, err))) {
        if (err && err->code == MX_EINVAL)
            err->code = MX_EDATA; /* wanted and not there: no second attempt */
        return -1;
    }
    return worker_segments_among(d->segments, s->job.params.score_images, &d->n, &d->sizes.images,
                                 err);
}

static int dissecting_new(struct scoring *s, struct dissecting *d, struct mx_err *err)
{
    const struct worker_shape *shape = &s->set->shape;
    struct worker_channels     channels;

    if (find_segments(s, d, err) || explain_network(s, d, err) ||
        worker_explainer_channels(d->explainer, &channels, err))
        return -1;
    d->sizes.units = channels.count;
    d->sizes.height = channels.height;
    d->sizes.width = channels.width;
    d->sizes.to_height = shape->height;
    d->sizes.to_width = shape->width;
    d->values = malloc(WORKER_MAP_BATCH * (size_t)channels.count * channels.height *
                       channels.width * sizeof *d->values);
    d->concepts = malloc(s->pixels);
    if (!d->values || !d->concepts)
        return mx_fail(err, MX_ENOMEM, "no memory for the channels of %d images", WORKER_MAP_BATCH);
    return (d->dissection = worker_dissection_new(&d->sizes, err)) ? 0 : -1;
}

/* One image, in the first pass or in the second. */
static int look_at(struct scoring *s, struct dissecting *d, uint32_t i, const float *values,
                   bool second, struct mx_err *err)
{
    int there;

    (void)s;
    if (!worker_segments_has(d->segments, i))
        return 0;
    if (!second)
        return worker_dissection_show(d->dissection, values, err);
    if ((there = worker_segments_read(d->segments, i, d->concepts, err)) > 0)
        worker_dissection_compare(d->dissection, values, d->concepts);
    return there < 0 ? -1 : 0;
}

static int pass(struct scoring *s, struct dissecting *d, bool second, struct mx_err *err)
{
    const size_t unit = (size_t)d->sizes.height * d->sizes.width;

    for (uint32_t first = 0; first < d->n; first += WORKER_MAP_BATCH) {
        const uint32_t n = d->n - first < WORKER_MAP_BATCH ? d->n - first : WORKER_MAP_BATCH;

        worker_batch_plain(s->batch, s->set, &s->set->test, first, n);
        if (score_tick(s, err) ||
            worker_explain_channels(d->explainer, s->batch->images, n, d->values, err))
            return -1;
        s->done += n;
        for (uint32_t i = 0; i < n; i++)
            if (look_at(s, d, first + i, d->values + i * d->sizes.units * unit, second, err))
                return -1;
    }
    return 0;
}

static int write_units(struct scoring *s, const struct dissecting *d, struct mx_err *err)
{
    struct mx_buf text = {0};
    struct mx_csv csv = {.out = &text};
    char         *path;
    int           rc = -1;

    if (!s->keeps)
        return 0;
    mx_buf_text(&text, "unit,concept,name,iou,threshold,detector\n");
    for (uint32_t u = 0; u < d->sizes.units; u++) {
        const struct worker_dissection_unit unit = worker_dissection_unit(d->dissection, u);
        const char                         *name = worker_segments_name(d->segments, unit.concept);

        mx_csv_uint(&csv, u);
        mx_csv_uint(&csv, unit.concept);
        mx_csv_text(&csv, name ? name : "");
        mx_csv_real(&csv, unit.iou);
        mx_csv_real(&csv, unit.threshold);
        mx_csv_uint(&csv, unit.detects);
        mx_csv_end_line(&csv);
    }
    if ((path = score_new_file(s, file_name, false, 0, 0, err))) {
        s->files[s->nfiles - 1].ndims = 0;
        rc = mx_buf_ok(&text) ? mx_file_write(path, text.data, text.len, err)
                              : mx_fail(err, MX_ENOMEM, "no memory to write %s", file_name);
    }
    free(path);
    mx_buf_free(&text);
    return rc;
}

static int report(struct scoring *s, const struct dissecting *d, struct mx_err *err)
{
    uint32_t detectors, concepts;
    char     note[160];

    worker_dissection_count(d->dissection, &detectors, &concepts);
    snprintf(note, sizeof note, "%u of %u units tell %u of %u concepts, on %u images", detectors,
             d->sizes.units, concepts, worker_segments_concepts(d->segments), d->sizes.images);
    if (s->progress && s->progress->note)
        s->progress->note(s->progress->user, note);
    if (score_wanted(s, WORKER_SCORE_BIT(CONCEPTS)) &&
        worker_result_add(s->result, "test.concepts", concepts, err))
        return -1;
    if (score_wanted(s, WORKER_SCORE_BIT(CONCEPT_UNITS)) &&
        worker_result_add(s->result, "test.concept_units", detectors, err))
        return -1;
    return write_units(s, d, err);
}

int score_concepts(struct scoring *s, struct mx_err *err)
{
    struct dissecting d = {.n = 0};
    int               rc;

    if (!score_wanted(s, worker_scores_that_are(WORKER_SCORE_SEGMENTS)))
        return 0;
    rc = dissecting_new(s, &d, err) || pass(s, &d, false, err) || pass(s, &d, true, err) ||
                 report(s, &d, err)
             ? -1
             : 0;
    dissecting_free(&d);
    return rc;
}
