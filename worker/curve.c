/* Curves of many images: their steps fill batches together. */
#include "worker/curve_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void runner_free(struct curve_runner *run)
{
    free(run->targets);
    free(run->images);
    free(run->filled);
    free(run->logits);
    free(run->order);
    free(run->removed);
    free(run->waiting);
}

static int runner_new(struct curve_runner *run, const struct worker_curve_spec *spec,
                      const struct worker_curve_batch *batch, float *curves, struct mx_err *err)
{
    *run = (struct curve_runner){.spec = spec, .batch = batch, .curves = curves};
    run->pixels = spec->shape.height * spec->shape.width;
    run->floats = run->pixels * spec->shape.channels;
    run->each = worker_curve_pixels_a_step(run->pixels, spec->steps);
    run->used = (run->pixels + run->each - 1) / run->each;
    run->targets = malloc((batch->n + 1) * sizeof *run->targets);
    run->images = malloc((size_t)spec->batch * run->floats * sizeof *run->images);
    run->filled = malloc(run->floats * sizeof *run->filled);
    run->logits = malloc((size_t)spec->batch * spec->shape.classes * sizeof *run->logits);
    run->order = malloc(run->pixels * sizeof *run->order);
    run->removed = malloc(run->pixels * sizeof *run->removed);
    run->waiting = malloc(spec->batch * sizeof *run->waiting);
    if (!run->targets || !run->images || !run->filled || !run->logits || !run->order ||
        !run->removed || !run->waiting)
        return mx_fail(err, MX_ENOMEM, "no memory for curves of %u images", batch->n);
    return 0;
}

/* The softmax probability of a class. */
static double probability(const float *logits, uint32_t classes, uint32_t class)
{
    double top = logits[0], sum = 0;

    for (uint32_t c = 1; c < classes; c++)
        top = fmax(top, logits[c]);
    for (uint32_t c = 0; c < classes; c++)
        sum += exp(logits[c] - top);
    return exp(logits[class] - top) / sum;
}

int curve_note(struct curve_runner *run, uint32_t image, uint32_t step, const float *logits,
               struct mx_err *err)
{
    const double p = probability(logits, run->spec->shape.classes, run->targets[image]);

    if (!isfinite(p))
        return mx_fail(err, MX_EDIVERGED,
                       "the model's answer for image %u is not finite: its weights are too "
                       "large (lower train.lr, or set train.clip_norm)",
                       run->batch->rows[image]);
    run->curves[(size_t)image * (run->spec->steps + 1) + step] = (float)p;
    return 0;
}

static int answer(struct curve_runner *run, struct mx_err *err)
{
    if (run->nwaiting > 0 &&
        run->spec->predict(run->spec->model, run->images, run->nwaiting, run->logits, err))
        return -1;
    for (uint32_t w = 0; w < run->nwaiting; w++)
        if (curve_note(run, run->waiting[w].image, run->waiting[w].step,
                       run->logits + (size_t)w * run->spec->shape.classes, err))
            return -1;
    run->nwaiting = 0;
    return 0;
}

/* A place in the batch for the next step. */
static float *place(struct curve_runner *run, uint32_t image, uint32_t step, struct mx_err *err)
{
    if (run->nwaiting == run->spec->batch && answer(run, err))
        return NULL;
    run->waiting[run->nwaiting] = (struct curve_waiting){image, step};
    return run->images + (size_t)run->nwaiting++ * run->floats;
}

static uint32_t largest(const float *logits, uint32_t classes)
{
    uint32_t best = 0;

    for (uint32_t c = 1; c < classes; c++)
        best = logits[c] > logits[best] ? c : best;
    return best;
}

/* Under rise: the class that the model sees in the clean image. */
static int choose_targets(struct curve_runner *run, struct mx_err *err)
{
    const struct worker_curve_batch *batch = run->batch;
    const uint32_t                   classes = run->spec->shape.classes;

    if (!run->spec->rise) {
        memcpy(run->targets, batch->targets, batch->n * sizeof *run->targets);
        return 0;
    }
    for (uint32_t done = 0; done < batch->n; done += run->spec->batch) {
        const uint32_t left = batch->n - done;
        const uint32_t n = left < run->spec->batch ? left : run->spec->batch;

        if (run->spec->predict(run->spec->model, batch->images + (size_t)done * run->floats, n,
                               run->logits, err))
            return -1;
        for (uint32_t i = 0; i < n; i++)
            run->targets[done + i] = largest(run->logits + (size_t)i * classes, classes);
    }
    return 0;
}

int curve_fill(const struct curve_runner *run, const float *image, float *filled,
               struct mx_err *err)
{
    if (run->spec->fill == WORKER_FILL_BLUR)
        return worker_blur(&run->spec->shape, run->spec->rise, image, filled, err);
    memset(filled, 0, run->floats * sizeof *filled);
    return 0;
}

/* Put pixels order[from..to) of `source` into an image. */
static void copy_pixels(const struct curve_runner *run, float *image, const float *source,
                        uint32_t from, uint32_t to)
{
    for (uint32_t c = 0; c < run->spec->shape.channels; c++)
        for (uint32_t k = from; k < to; k++) {
            const size_t at = (size_t)c * run->pixels + run->order[k];

            image[at] = source[at];
        }
}

static uint32_t changed(const struct curve_runner *run, uint32_t step)
{
    return step >= run->used ? run->pixels : step * run->each;
}

/* The steps of an image, each made from the one before. */
static int run_filled(struct curve_runner *run, uint32_t i, struct mx_err *err)
{
    const float *image = run->batch->images + (size_t)i * run->floats;
    const bool   insertion = run->spec->kind == WORKER_CURVE_INSERTION;
    const float *source = insertion ? image : run->filled;
    const float *last = insertion ? run->filled : image;

    if (curve_fill(run, image, run->filled, err))
        return -1;
    for (uint32_t t = 0; t <= run->used; t++) {
        float *own = place(run, i, t, err);

        if (!own)
            return -1;
        memmove(own, last, run->floats * sizeof *own);
        if (t > 0)
            copy_pixels(run, own, source, changed(run, t - 1), changed(run, t));
        last = own;
    }
    return 0;
}

static int run_road(struct curve_runner *run, uint32_t i, struct mx_err *err)
{
    const float *image = run->batch->images + (size_t)i * run->floats;
    const bool   insertion = run->spec->kind == WORKER_CURVE_INSERTION;

    for (uint32_t p = 0; p < run->pixels; p++)
        run->removed[p] = insertion;
    for (uint32_t t = 0; t <= run->used; t++) {
        float *own = place(run, i, t, err);

        if (!own)
            return -1;
        for (uint32_t k = t > 0 ? changed(run, t - 1) : 0; k < changed(run, t); k++)
            run->removed[run->order[k]] = !insertion;
        if (worker_road(&run->spec->shape, image, run->removed, run->spec->stream,
                        run->batch->rows[i], own, err))
            return -1;
    }
    return 0;
}

static void reverse(uint32_t *order, uint32_t n)
{
    for (uint32_t k = 0; k < n / 2; k++) {
        const uint32_t swapped = order[k];

        order[k] = order[n - 1 - k];
        order[n - 1 - k] = swapped;
    }
}

int curve_rank(const struct curve_runner *run, uint32_t image, uint32_t *order, struct mx_err *err)
{
    if (worker_curve_order(run->spec, run->batch->maps + (size_t)image * run->pixels,
                           run->batch->rows[image], order, err))
        return -1;
    if (run->spec->kind == WORKER_CURVE_LEAST_FIRST)
        reverse(order, run->pixels);
    return 0;
}

/* Made here, one after the other. */
static int run_here(struct curve_runner *run, struct mx_err *err)
{
    for (uint32_t i = 0; i < run->batch->n; i++) {
        if (curve_rank(run, i, run->order, err))
            return -1;
        if (run->spec->fill == WORKER_FILL_ROAD ? run_road(run, i, err) : run_filled(run, i, err))
            return -1;
    }
    return answer(run, err);
}

static int check(const struct worker_curve_spec *spec, const struct worker_curve_batch *batch,
                 struct mx_err *err)
{
    if (spec->steps == 0 || spec->batch == 0)
        return mx_fail(err, MX_EINVAL, "a curve needs at least one step and one image at a time");
    if (spec->kind == WORKER_CURVE_INSERTION && spec->fill == WORKER_FILL_ZERO)
        return mx_fail(err, MX_EINVAL,
                       "insertion starts from a blurred or imputed image: fill blur or road");
    for (uint32_t i = 0; !spec->rise && i < batch->n; i++)
        if (batch->targets[i] >= spec->shape.classes)
            return mx_fail(err, MX_EINVAL, "image %u has target class %u, of %u", batch->rows[i],
                           batch->targets[i], spec->shape.classes);
    return 0;
}

int worker_curves(const struct worker_curve_spec *spec, const struct worker_curve_batch *batch,
                  float *curves, struct mx_err *err)
{
    struct curve_runner run = {0};
    int                 result = -1;

    if (check(spec, batch, err) || runner_new(&run, spec, batch, curves, err) ||
        choose_targets(&run, err))
        goto done;
    if (spec->nn && spec->fill != WORKER_FILL_ROAD ? curve_on_device(&run, err)
                                                   : run_here(&run, err))
        goto done;
    for (uint32_t i = 0; i < batch->n; i++)
        for (uint32_t t = run.used + 1; t <= spec->steps; t++)
            curves[(size_t)i * (spec->steps + 1) + t] =
                curves[(size_t)i * (spec->steps + 1) + run.used];
    result = 0;

done:
    runner_free(&run);
    return result;
}
