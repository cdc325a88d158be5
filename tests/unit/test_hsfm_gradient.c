/* The gradient of one edit: both forms and both precisions against a plain unrolled
 * one, and that against finite differences. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/naive_hsfm.h"

/* One edit's inputs, owned. */
struct inputs {
    struct worker_hsfm_edit edit;
    double                 *support, *w, *b, *hard_rows;
    uint32_t               *support_labels, *hard_labels;
};

static struct inputs inputs_new(uint32_t per_class, uint32_t classes, uint32_t dims, uint32_t steps,
                                double lr)
{
    const uint32_t          n = per_class * classes, hard = 37;
    struct worker_features *f = formula_features(WORKER_F64, dims, classes, n, hard, 1, 1);
    struct inputs           in = {.support = f->split[0].x64,
                                  .w = f->head_w,
                                  .b = f->head_b,
                                  .hard_rows = f->split[1].x64,
                                  .support_labels = f->split[0].labels,
                                  .hard_labels = f->split[1].labels};

    in.edit = (struct worker_hsfm_edit){.n = n,
                                        .dims = dims,
                                        .classes = classes,
                                        .hard = hard,
                                        .support = in.support,
                                        .w = in.w,
                                        .b = in.b,
                                        .hard_rows = in.hard_rows,
                                        .support_labels = in.support_labels,
                                        .hard_labels = in.hard_labels,
                                        .inner_steps = steps,
                                        .inner_lr = lr};
    free(f->split[0].groups);
    free(f->split[1].groups);
    for (int part = 0; part < 2; part++)
        f->split[part].groups = NULL;
    f->split[0].x64 = f->split[1].x64 = f->head_w = f->head_b = NULL;
    f->split[0].labels = f->split[1].labels = NULL;
    formula_features_free(f);
    return in;
}

static void inputs_free(struct inputs *in)
{
    free(in->support);
    free(in->w);
    free(in->b);
    free(in->hard_rows);
    free(in->support_labels);
    free(in->hard_labels);
}

/* The largest difference, in parts of the largest element of b. */
static double distance(const double *a, const double *b, size_t n)
{
    double most = 0, largest = 0;

    for (size_t k = 0; k < n; k++) {
        const double d = fabs(a[k] - b[k]);

        if (!(d <= most))
            most = d;
        largest = fmax(largest, fabs(b[k]));
    }
    return most / largest;
}

static const struct {
    uint32_t per_class, classes, dims, steps;
    double   lr;
} shapes[] = {
    {2, 2, 16, 1, 0.5},   {2, 2, 19, 15, 5e-5}, {16, 2, 64, 15, 5e-5}, {16, 2, 64, 15, 0.5},
    {5, 3, 33, 7, 1.0},   {2, 10, 24, 10, 0.5}, {64, 2, 16, 10, 0.5},  {256, 2, 20, 10, 5e-5},
    {256, 2, 20, 4, 0.5}, {64, 10, 16, 5, 0.5}, {256, 10, 16, 3, 0.5}, {16, 2, 2048, 3, 1e-3},
};

static void expect_forms(struct inputs *in, size_t shape)
{
    static const double tolerances[] = {[WORKER_F32] = 1e-4, [WORKER_F64] = 1e-9};
    const size_t        n = (size_t)in->edit.n * in->edit.dims;
    double             *naive = malloc(n * sizeof *naive), *got = malloc(n * sizeof *got);
    const double        loss = naive_hsfm_loss(&in->edit);

    naive_hsfm_gradient(&in->edit, naive);
    for (int form = 0; form < 2; form++)
        for (int precision = WORKER_F32; precision <= WORKER_F64; precision++) {
            double        far, found;
            struct mx_err err;

            in->edit.gram = form == 1;
            cr_assert_eq(worker_hsfm_gradient(&in->edit, (enum worker_precision)precision, got,
                                              &found, &err),
                         0, "%s", err.text);
            far = distance(got, naive, n);
            cr_expect(far <= tolerances[precision], "shape %zu, gram %d, precision %d: off by %g",
                      shape, form, precision, far);
            cr_expect(fabs(found - loss) <= (precision == WORKER_F64 ? 1e-12 : 1e-5) * loss,
                      "shape %zu, gram %d, precision %d: loss %.17g, not %.17g", shape, form,
                      precision, found, loss);
        }
    free(naive);
    free(got);
}

Test(hsfm_gradient, is_the_unrolled_one_in_both_forms_and_precisions)
{
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        struct inputs in = inputs_new(shapes[s].per_class, shapes[s].classes, shapes[s].dims,
                                      shapes[s].steps, shapes[s].lr);

        expect_forms(&in, s);
        inputs_free(&in);
    }
}

/* What the unrolled one and both forms are compared with. */
static double slope(struct inputs *in, size_t k)
{
    const double step = 1e-4, kept = in->support[k];
    double       above, below;

    in->support[k] = kept + step;
    above = naive_hsfm_loss(&in->edit);
    in->support[k] = kept - step;
    below = naive_hsfm_loss(&in->edit);
    in->support[k] = kept;
    return (above - below) / (2 * step);
}

Test(hsfm_gradient, is_the_slope_of_the_loss)
{
    for (uint32_t classes = 2; classes <= 10; classes += 8) {
        struct inputs in = inputs_new(3, classes, 16, 6, 2.0);
        const size_t  n = (size_t)in.edit.n * in.edit.dims;
        double       *slopes = malloc(n * sizeof *slopes), *got = malloc(n * sizeof *got), loss;

        for (size_t k = 0; k < n; k++)
            slopes[k] = slope(&in, k);
        for (int form = 0; form < 3; form++) {
            if (form == 2)
                naive_hsfm_gradient(&in.edit, got);
            in.edit.gram = form == 1;
            if (form < 2)
                cr_assert_eq(worker_hsfm_gradient(&in.edit, WORKER_F64, got, &loss, NULL), 0);
            cr_expect(distance(got, slopes, n) <= 1e-6, "%u classes, form %d: off by %g", classes,
                      form, distance(got, slopes, n));
        }
        free(slopes);
        free(got);
        inputs_free(&in);
    }
}

/* A first-order gradient would pass the tests above with a small rate: with these
 * rates the rest is what decides. */
Test(hsfm_gradient, goes_through_all_steps)
{
    struct inputs in = inputs_new(3, 2, 16, 6, 2.0);
    const size_t  n = (size_t)in.edit.n * in.edit.dims;
    double       *all = malloc(n * sizeof *all), *one = malloc(n * sizeof *one);

    naive_hsfm_gradient(&in.edit, all);
    in.edit.inner_steps = 1;
    in.edit.inner_lr *= 6;
    naive_hsfm_gradient(&in.edit, one);
    cr_expect(distance(one, all, n) > 0.1);
    free(all);
    free(one);
    inputs_free(&in);
}

Test(hsfm_gradient, form_follows_from_the_shape)
{
    static const struct {
        uint32_t n, steps;
        double   gram, direct; /* millions, as in methods.md */
        uint32_t hard;
        bool     is_gram;
    } published[] = {{32, 15, 6.0, 12.8, 128, true},
                     {32, 10, 9.1, 12.1, 512, true},
                     {64, 15, 19.5, 24.6, 128, true},
                     {2048, 10, 17478, 508, 512, false}};

    for (size_t p = 0; p < sizeof published / sizeof published[0]; p++) {
        const double gram =
            worker_hsfm_cost(true, published[p].n, 2048, 2, published[p].steps, published[p].hard) /
            1e6;
        const double direct = worker_hsfm_cost(false, published[p].n, 2048, 2, published[p].steps,
                                               published[p].hard) /
                              1e6;

        cr_expect(fabs(gram - published[p].gram) <= (published[p].gram > 100 ? 1 : 0.2), "%g",
                  gram);
        cr_expect(fabs(direct - published[p].direct) <= (published[p].direct > 100 ? 1 : 0.2), "%g",
                  direct);
        cr_expect_eq(
            worker_hsfm_is_gram(WORKER_HSFM_FORM_AUTO, published[p].n, 2048, 2, published[p].steps),
            published[p].is_gram);
        cr_expect(worker_hsfm_is_gram(WORKER_HSFM_FORM_GRAM, published[p].n, 2048, 2, 1));
        cr_expect(!worker_hsfm_is_gram(WORKER_HSFM_FORM_DIRECT, published[p].n, 2048, 2, 1));
    }
}
