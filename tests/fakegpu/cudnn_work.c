/* cuDNN: convolutions and their gradients, each as products with a matrix of windows. */
#include <dnnl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/cudnn_work.h"

enum {
    BLOCK = 8 /* filters whose products a rough sum adds before it is rounded */
};

/* ---- what goes together ---- */

int fake_output_side(const struct fake_work *work, int d)
{
    const struct fake_convolution *of = &work->convolution;
    int                            reach = of->dilation[d] * (work->w.dims[2 + d] - 1) + 1;

    return (work->x.dims[2 + d] + 2 * of->pad[d] - reach) / of->stride[d] + 1;
}

void fake_check_shapes(const struct fake_work *work, const char *const names[3])
{
    const int groups = work->convolution.groups;

    if (work->x.dims[1] != work->w.dims[1] * groups)
        fake_misuse(names[1], "%d channels in each of %d groups, of %d channels", work->w.dims[1],
                    groups, work->x.dims[1]);
    if (work->w.dims[0] % groups != 0)
        fake_misuse(names[1], "%d filters do not divide into %d groups", work->w.dims[0], groups);
    if (work->y.dims[0] != work->x.dims[0] || work->y.dims[1] != work->w.dims[0] ||
        work->y.dims[2] != fake_output_side(work, 0) ||
        work->y.dims[3] != fake_output_side(work, 1))
        fake_misuse(names[2], "is %d x %d x %d x %d, and the convolution gives %d x %d x %d x %d",
                    work->y.dims[0], work->y.dims[1], work->y.dims[2], work->y.dims[3],
                    work->x.dims[0], work->w.dims[0], fake_output_side(work, 0),
                    fake_output_side(work, 1));
}

void fake_check_eights(const struct fake_work *work, const char *name)
{
    const bool alone = work->w.dims[1] == 1 && work->convolution.groups > 1;

    if (work->x.dims[1] % 8 != 0 || work->y.dims[1] % 8 != 0 ||
        (!alone && work->w.dims[1] % 8 != 0))
        fake_misuse(name, "%d to %d channels in %d groups are no multiples of 8", work->x.dims[1],
                    work->y.dims[1], work->convolution.groups);
}

/* ---- doing it ---- */

/* A piece of work while it is done: dense arrays, one image behind the other, and whether sums are turned round. */
struct doing {
    const struct fake_work *work;
    float                  *x, *w, *y, *matrix;
    size_t                  image, filter, output; /* numbers of one group of each */
    bool                    turned;
};

/* Between an image's channels of one group and its windows: (c, r, s) rows of (p, q), the last one first where
 * sums are turned round. */
static void windows(const struct doing *of, float *image, bool back)
{
    const struct fake_convolution *by = &of->work->convolution;
    const int *w = of->work->w.dims, *x = of->work->x.dims, *y = of->work->y.dims;
    const int  rows = w[1] * w[2] * w[3];

    for (int k = 0; k < rows; k++) {
        int    row = of->turned ? rows - 1 - k : k;
        int    s = row % w[3], r = row / w[3] % w[2], c = row / (w[2] * w[3]);
        float *plane = image + (size_t)c * (size_t)(x[2] * x[3]);

        for (int p = 0; p < y[2]; p++) {
            int    h = p * by->stride[0] - by->pad[0] + r * by->dilation[0];
            float *to = of->matrix + ((size_t)row * (size_t)y[2] + (size_t)p) * (size_t)y[3];

            for (int q = 0; q < y[3]; q++) {
                int    v = q * by->stride[1] - by->pad[1] + s * by->dilation[1];
                bool   inside = h >= 0 && h < x[2] && v >= 0 && v < x[3];
                size_t at = inside ? (size_t)h * (size_t)x[3] + (size_t)v : 0;

                if (!back)
                    to[q] = inside ? plane[at] : 0.0f;
                else if (inside)
                    plane[at] += to[q];
            }
        }
    }
}

static void round_sums(const struct doing *of, float *sums, dnnl_dim_t n)
{
    for (dnnl_dim_t i = 0; of->work->rough && i < n; i++)
        sums[i] = fake_from_bf16(fake_to_bf16(sums[i]));
}

/* Call with terms [from, from + count) of a sum of `all`: all at once, a rough sum `step` at a time, and one that is
 * turned round in quarters, the last one first. */
static void in_steps(const struct doing *of, dnnl_dim_t all, dnnl_dim_t step,
                     void (*add)(const struct doing *of, dnnl_dim_t from, dnnl_dim_t count,
                                 float keep, float *const at[2]),
                     float *const at[2])
{
    const dnnl_dim_t size = of->work->rough ? step : of->turned ? (all + 3) / 4 : all;
    const dnnl_dim_t steps = (all + size - 1) / size;

    for (dnnl_dim_t k = 0; k < steps; k++) {
        const dnnl_dim_t from = (of->turned ? steps - 1 - k : k) * size;

        add(of, from, from + size > all ? all - from : size, k > 0 ? 1.0f : 0.0f, at);
    }
}

/* Places of an output's plane, and factors of a window. */
static dnnl_dim_t places(const struct doing *of)
{
    return (dnnl_dim_t)of->work->y.dims[2] * of->work->y.dims[3];
}

static dnnl_dim_t window(const struct doing *of)
{
    return (dnnl_dim_t)of->work->w.dims[1] * of->work->w.dims[2] * of->work->w.dims[3];
}

static dnnl_dim_t filters(const struct doing *of)
{
    return of->work->w.dims[0] / of->work->convolution.groups;
}

/* output += filter * matrix, of some rows of the matrix. */
static void add_forward(const struct doing *of, dnnl_dim_t from, dnnl_dim_t count, float keep,
                        float *const at[2])
{
    dnnl_sgemm('N', 'N', filters(of), places(of), count, 1.0f, at[0] + from, window(of),
               of->matrix + from * places(of), places(of), keep, at[1], places(of));
    round_sums(of, at[1], filters(of) * places(of));
}

/* matrix += filter' * output, of some filters. */
static void add_to_data(const struct doing *of, dnnl_dim_t from, dnnl_dim_t count, float keep,
                        float *const at[2])
{
    dnnl_sgemm('T', 'N', window(of), places(of), count, 1.0f, at[0] + from * window(of), window(of),
               at[1] + from * places(of), places(of), keep, of->matrix, places(of));
    round_sums(of, of->matrix, window(of) * places(of));
}

/* One group of one image. */
static void one_group(const struct doing *of, size_t pair)
{
    const size_t group = pair % (size_t)of->work->convolution.groups;
    float *const image = of->x + pair * of->image;
    float *const at[2] = {of->w + group * of->filter, of->y + pair * of->output};

    if (of->work->pass != FAKE_TO_DATA)
        windows(of, image, false);
    if (of->work->pass == FAKE_FORWARD) {
        in_steps(of, window(of), (dnnl_dim_t)of->work->w.dims[2] * of->work->w.dims[3], add_forward,
                 at);
    } else if (of->work->pass == FAKE_TO_DATA) {
        in_steps(of, filters(of), BLOCK, add_to_data, at);
        windows(of, image, true);
    } else {
        dnnl_sgemm('N', 'T', filters(of), window(of), places(of), 1.0f, at[1], places(of),
                   of->matrix, places(of), 1.0f, at[0], window(of));
        round_sums(of, at[0], filters(of) * window(of));
    }
}

/* One that adds in an order of its own: now from one end on, now from the other. */
static bool backwards(const struct fake_work *work)
{
    static unsigned times[FAKE_PASSES];

    return work->any_order && times[work->pass]++ % 2 == 1;
}

static float *zeros(size_t n)
{
    float *made = calloc(n, sizeof *made);

    if (!made)
        fake_misuse("fakegpu", "no memory for a convolution");
    return made;
}

/* Factors as tensor cores read them; sums are 0 so far. */
static void round_factors(const struct fake_work *work, float *values, size_t n)
{
    if (work->x.type != CUDNN_DATA_FLOAT)
        return;
    if (work->rounding == FAKE_TO_TF32)
        fake_round_tf32(values, n);
    else if (work->rounding == FAKE_TO_HALF)
        fake_round_half(values, n);
}

/* To n numbers, one more for each `plane` of them: those of a tensor, over and over. */
static void add_dense(float *to, size_t n, size_t plane, const struct fake_tensor *as,
                      const void *other)
{
    const size_t count = fake_tensor_count(as);
    float       *dense = fake_gather(as, other);

    for (size_t i = 0; i < n; i++)
        to[i] += dense[i / plane % count];
    free(dense);
}

/* What stands behind the convolution of a graph; y holds its result. */
static void finish(const struct fake_work *work, float *y)
{
    const size_t n = fake_tensor_count(&work->y);
    const size_t plane = (size_t)work->y.dims[2] * (size_t)work->y.dims[3];

    if (work->summand)
        add_dense(y, n, 1, &work->summand_as, work->summand);
    if (work->bias)
        add_dense(y, n, plane, &work->bias_as, work->bias);
    for (size_t i = 0; work->relu && i < n; i++) {
        if (y[i] < 0.0f || (!work->keeps_nan && isnan(y[i])))
            y[i] = 0.0f;
        if (y[i] > work->cap)
            y[i] = work->cap;
    }
}

static struct doing begin(const struct fake_work *work)
{
    const size_t groups = (size_t)work->convolution.groups;
    const size_t pairs = (size_t)work->x.dims[0] * groups;
    struct doing of = {.work = work,
                       .image = fake_tensor_count(&work->x) / pairs,
                       .filter = fake_tensor_count(&work->w) / groups,
                       .output = fake_tensor_count(&work->y) / pairs,
                       .turned = backwards(work)};

    of.matrix = zeros((size_t)(window(&of) * places(&of)));
    of.x = work->pass == FAKE_TO_DATA ? zeros(pairs * of.image) : fake_gather(&work->x, work->in);
    of.w = work->pass == FAKE_TO_FILTER
               ? zeros(groups * of.filter)
               : fake_gather(&work->w, work->pass == FAKE_FORWARD ? work->other : work->in);
    of.y =
        work->pass == FAKE_FORWARD ? zeros(pairs * of.output) : fake_gather(&work->y, work->other);
    round_factors(work, of.x, pairs * of.image);
    round_factors(work, of.w, groups * of.filter);
    round_factors(work, of.y, pairs * of.output);
    return of;
}

void fake_convolve(const void *data)
{
    const struct fake_work *work = data;
    const size_t            pairs = (size_t)work->x.dims[0] * (size_t)work->convolution.groups;
    const struct doing      of = begin(work);

    /* Whatever is there belongs to the algorithm. */
    if (work->workspace_bytes > 0)
        memset(work->workspace, 0xFF, work->workspace_bytes);
    for (size_t k = 0; k < pairs; k++)
        one_group(&of, of.turned ? pairs - 1 - k : k);
    if (work->pass == FAKE_FORWARD) {
        finish(work, of.y);
        fake_scatter(&work->y, work->out, of.y, work->alpha, work->beta);
    } else if (work->pass == FAKE_TO_DATA) {
        fake_scatter(&work->x, work->out, of.x, work->alpha, work->beta);
    } else {
        fake_scatter(&work->w, work->out, of.w, work->alpha, work->beta);
    }
    free(of.matrix);
    free(of.x);
    free(of.w);
    free(of.y);
}
