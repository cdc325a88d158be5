/* Every operation of the backend against its definition, over awkward shapes. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/nn.h"
#include "tests/reference/naive_net.h"

/* A tensor in row-major order in guarded memory, 16 words on each side, and the
 * one that an operation works on: itself, or a copy in another order. */
enum {
    GUARD = 16
};
static const float guard_word = 1234.5f;

struct array {
    struct kern_tensor *plain, *op;
    float              *memory, *data, *op_memory;
    double             *wide; /* the reference's copy */
    size_t              n;
};

/* Drawn, or NaN throughout (rng NULL) for what is to be written. */
static struct array array_new(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                              struct mx_rng *rng)
{
    struct array  a = {.n = 1};
    struct mx_err err;

    for (unsigned d = 0; d < ndims; d++)
        a.n *= dims[d];
    cr_assert_not_null(a.plain = kern_tensor_plain(nn, ndims, dims, &err), "%s", err.text);
    cr_assert_eq(kern_tensor_bytes(a.plain), a.n * sizeof(float));
    a.op = a.plain;
    a.memory = aligned_alloc(KERN_ALIGN, (a.n + 2 * GUARD + 15) / 16 * 16 * sizeof(float));
    a.wide = calloc(a.n, sizeof *a.wide);
    a.data = a.memory + GUARD;
    for (size_t i = 0; i < GUARD; i++)
        a.memory[i] = a.data[a.n + i] = guard_word;
    for (size_t i = 0; i < a.n; i++) {
        a.data[i] = rng ? (float)mx_rng_normal(rng) : NAN;
        a.wide[i] = rng ? a.data[i] : 0;
    }
    cr_assert_eq(kern_tensor_bind(a.plain, a.data, &err), 0);
    return a;
}

/* Let the operation work on a copy in the order of another tensor. */
static void array_reorder(struct array *a, const struct kern_tensor *order)
{
    size_t floats;

    cr_assert_not_null(a->op = kern_tensor_like(order, NULL));
    floats = kern_tensor_bytes(a->op) / sizeof(float);
    a->op_memory = aligned_alloc(KERN_ALIGN, (floats + GUARD + 15) / 16 * 16 * sizeof(float));
    a->op_memory[floats] = guard_word;
    cr_assert_eq(kern_tensor_bind(a->op, a->op_memory, NULL), 0);
    cr_assert_eq(kern_tensor_copy(a->plain, a->op, NULL), 0);
}

/* Padding must be zero, so that all floats of both orders sum up alike. */
static void array_back(struct array *a, const char *what)
{
    double sum = 0, plain = 0;
    size_t floats = kern_tensor_bytes(a->op) / sizeof(float);

    if (a->op == a->plain)
        return;
    cr_assert_eq(kern_tensor_copy(a->op, a->plain, NULL), 0);
    cr_assert_eq(a->op_memory[floats], guard_word, "%s: written behind its end", what);
    for (size_t i = 0; i < floats; i++)
        sum += fabs(a->op_memory[i]);
    for (size_t i = 0; i < a->n; i++)
        plain += fabs(a->data[i]);
    cr_assert(fabs(sum - plain) <= 1e-9 * plain, "%s: padding is not zero", what);
}

static void array_free(struct array *a)
{
    if (a->op != a->plain)
        kern_tensor_free(a->op);
    kern_tensor_free(a->plain);
    free(a->op_memory);
    free(a->memory);
    free(a->wide);
}

/* The result must be as near to the reference as rounding allows: `terms` is
 * how many products the longest sum has. */
static void expect_near(struct array *a, double terms, const char *what, const char *shape)
{
    double largest = sqrt(terms), tolerance;

    array_back(a, what);
    for (size_t i = 0; i < a->n; i++)
        largest = fmax(largest, fabs(a->wide[i]));
    tolerance = 2e-7 * (2 + sqrt(terms)) * largest;
    for (size_t i = 0; i < a->n; i++)
        cr_assert(fabs(a->data[i] - a->wide[i]) <= tolerance, "%s of %s: element %zu is %g, not %g",
                  what, shape, i, a->data[i], a->wide[i]);
    for (size_t i = 0; i < GUARD; i++) {
        cr_assert_eq(a->memory[i], guard_word, "%s: written before its start", what);
        cr_assert_eq(a->data[a->n + i], guard_word, "%s: written behind its end", what);
    }
}

static void run(struct kern_nn *nn, const struct kern_op_shape *shape,
                struct kern_op_tensors *tensors, const struct kern_op_gradients *gradients,
                const char *text)
{
    struct mx_err   err;
    struct kern_op *op = kern_op_new(nn, shape, tensors, &err);

    cr_assert_not_null(op, "%s: %s", text, err.text);
    if (gradients)
        cr_assert_eq(kern_op_add_backward(op, tensors, gradients, &err), 0, "%s: %s", text,
                     err.text);
    cr_assert_eq(kern_op_forward(op, &err), 0, "%s: %s", text, err.text);
    cr_assert_eq(kern_op_backward(op, &err), 0, "%s: %s", text, err.text);
    kern_op_free(op);
}

static double bias_sum(const struct array *dy, const struct naive_conv *s, uint32_t channel)
{
    const size_t area = (size_t)s->out_height * s->out_width;
    double       sum = 0;

    for (size_t k = 0; k < dy->n; k++)
        sum += k / area % s->out == channel ? dy->wide[k] : 0;
    return sum;
}

static void check_conv(struct kern_nn *nn, const struct naive_conv *s, bool biased,
                       struct mx_rng *rng)
{
    const uint32_t       x_dims[] = {s->n, s->in, s->height, s->width};
    const uint32_t       y_dims[] = {s->n, s->out, s->out_height, s->out_width};
    const uint32_t       whole[] = {s->out, s->in, s->kernel, s->kernel};
    const uint32_t       grouped[] = {s->groups, s->out / s->groups, s->in / s->groups, s->kernel,
                                      s->kernel};
    const unsigned       w_ndims = s->groups > 1 ? 5 : 4;
    const uint32_t      *w_dims = s->groups > 1 ? grouped : whole;
    struct kern_op_shape shape = {.kind = KERN_CONV,
                                  .training = true,
                                  .channels = s->out,
                                  .kernel = s->kernel,
                                  .stride = s->stride,
                                  .pad = s->pad,
                                  .groups = s->groups,
                                  .bias = biased};
    struct array         x = array_new(nn, 4, x_dims, rng), w = array_new(nn, w_ndims, w_dims, rng);
    struct array         y = array_new(nn, 4, y_dims, NULL), dy = array_new(nn, 4, y_dims, rng);
    struct array dx = array_new(nn, 4, x_dims, NULL), dw = array_new(nn, w_ndims, w_dims, NULL);
    struct array b = array_new(nn, 1, &s->out, rng), db = array_new(nn, 1, &s->out, NULL);
    char         text[96];

    memcpy(shape.more, s->more, sizeof shape.more);
    snprintf(text, sizeof text, "%u x %u x %u x %u to %u by %u stride %u in %u", s->n, s->in,
             s->height, s->width, s->out, s->kernel, s->stride, s->groups);
    run(nn, &shape,
        &(struct kern_op_tensors){
            .src = x.op, .weights = w.op, .bias = biased ? b.op : NULL, .dst = y.op},
        &(struct kern_op_gradients){dy.op, dx.op, dw.op, biased ? db.op : NULL}, text);
    naive_conv_forward(s, x.wide, w.wide, y.wide);
    naive_conv_backward(s, x.wide, w.wide, dy.wide, dx.wide, dw.wide);
    for (size_t k = 0; biased && k < y.n; k++)
        y.wide[k] += b.wide[k / ((size_t)s->out_height * s->out_width) % s->out];
    for (uint32_t c = 0; c < s->out; c++)
        db.wide[c] = bias_sum(&dy, s, c);
    expect_near(&y, (double)s->in * s->kernel * s->kernel, "output", text);
    expect_near(&dx, (double)s->out * s->kernel * s->kernel, "input gradient", text);
    expect_near(&dw, (double)s->n * s->out_height * s->out_width, "weight gradient", text);
    if (biased)
        expect_near(&db, (double)s->n * s->out_height * s->out_width, "bias gradient", text);
    array_free(&x), array_free(&w), array_free(&y), array_free(&b);
    array_free(&dx), array_free(&dw), array_free(&dy), array_free(&db);
}

/* n, in, height, width, out */
static const uint32_t cases[][5] = {
    {1, 1, 1, 1, 1},   {2, 1, 28, 28, 16}, {3, 3, 9, 7, 5},   {1, 3, 32, 32, 16}, {5, 5, 5, 8, 17},
    {7, 16, 7, 7, 16}, {16, 17, 3, 5, 3},  {17, 1, 2, 3, 16}, {2, 16, 17, 9, 5},  {3, 16, 8, 8, 17},
    {2, 17, 9, 9, 16}, {1, 16, 32, 5, 3},  {4, 64, 2, 2, 64}, {2, 8, 1, 7, 24},   {2, 32, 8, 8, 64},
};
enum {
    CASES = sizeof cases / sizeof cases[0]
};

Test(nn, convolutions_equal_their_definition)
{
    static const uint32_t windows[][3] = {{3, 1, 1}, {3, 2, 1}, {1, 1, 0}, {1, 2, 0}};
    struct mx_rng         rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct kern_nn       *nn = kern_nn_new(1, NULL);

    cr_assert_not_null(nn);
    for (size_t c = 0; c < CASES; c++)
        for (size_t k = 0; k < 4; k++) {
            const uint32_t   *at = cases[c], *window = windows[k];
            struct naive_conv shape = naive_conv_shape(at[0], at[1], at[2], at[3], at[4], window[0],
                                                       window[1], window[2]);

            check_conv(nn, &shape, false, &rng);
        }
    cr_expect_eq(kern_nn_bytes(nn) > 0, true); /* scratch or reorders were needed somewhere */
    kern_nn_free(nn);
}

/* With a bias, with a channel each, with padding on some sides only. */
Test(nn, other_convolutions_equal_their_definition)
{
    static const uint32_t more[][4] = {{0, 0, 0, 0}, {0, 0, 1, 1}, {1, 0, 1, 1}, {1, 2, 2, 2}};
    struct mx_rng         rng = mx_rng_at(mx_stream_make(7, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct kern_nn       *nn = kern_nn_new(1, NULL);

    for (size_t c = 1; c < CASES; c++)
        for (unsigned k = 0; k < 8; k++) {
            const uint32_t   *at = cases[c], kernel = k & 1 ? 3 : 1, groups = k & 2 ? at[1] : 1;
            struct naive_conv shape =
                naive_conv_shape(at[0], at[1], at[2], at[3], groups > 1 ? at[1] : at[4], kernel,
                                 k & 4 ? 2 : 1, kernel / 2);

            naive_conv_pad(&shape, groups, more[kernel == 3 ? (c + k) % 4 : 0]);
            check_conv(nn, &shape, k & 1, &rng);
        }
    kern_nn_free(nn);
}

/* The order in which a convolution likes its output. */
static struct kern_tensor *liked_order(struct kern_nn *nn, const uint32_t dims[4])
{
    struct kern_op_shape shape = {
        .kind = KERN_CONV, .training = true, .channels = dims[1], .kernel = 1, .stride = 1};
    const uint32_t         src[] = {dims[0], 16, dims[2], dims[3]};
    struct kern_op_tensors tensors = {.src = kern_tensor_plain(nn, 4, src, NULL)};
    struct kern_op        *op = kern_op_new(nn, &shape, &tensors, NULL);

    cr_assert_not_null(op);
    kern_op_free(op);
    kern_tensor_free(tensors.src);
    kern_tensor_free(tensors.weights);
    return tensors.dst;
}

/* Pools over windows, in the order of a convolution's output. */
static void check_window_pool(struct kern_nn *nn, const struct naive_conv *s, bool max,
                              struct mx_rng *rng)
{
    const uint32_t       x_dims[] = {s->n, s->in, s->height, s->width};
    const uint32_t       y_dims[] = {s->n, s->in, s->out_height, s->out_width};
    struct kern_op_shape shape = {.kind = max ? KERN_MAX_POOL : KERN_POOL,
                                  .training = true,
                                  .kernel = s->kernel,
                                  .stride = s->stride,
                                  .pad = s->pad};
    struct array         x = array_new(nn, 4, x_dims, rng), y = array_new(nn, 4, y_dims, NULL);
    struct array         dy = array_new(nn, 4, y_dims, rng), dx = array_new(nn, 4, x_dims, NULL);
    struct kern_tensor  *order = liked_order(nn, x_dims), *small = liked_order(nn, y_dims);
    const char          *text = max ? "max-pool" : "pool over windows";

    array_reorder(&x, order);
    array_reorder(&dx, order);
    array_reorder(&y, small);
    array_reorder(&dy, small);
    run(nn, &shape, &(struct kern_op_tensors){.src = x.op, .dst = y.op},
        &(struct kern_op_gradients){.dst = dy.op, .src = dx.op}, text);
    naive_pool_forward(s, max, x.wide, y.wide);
    naive_pool_backward(s, max, x.wide, dy.wide, dx.wide);
    expect_near(&y, (double)s->kernel * s->kernel, "output", text);
    expect_near(&dx, (double)s->kernel * s->kernel, "input gradient", text);
    array_free(&x), array_free(&y), array_free(&dx), array_free(&dy);
    kern_tensor_free(order);
    kern_tensor_free(small);
}

Test(nn, pools_over_windows_equal_their_definition)
{
    struct mx_rng   rng = mx_rng_at(mx_stream_make(8, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct kern_nn *nn = kern_nn_new(1, NULL);

    for (size_t c = 1; c < CASES; c++) {
        const uint32_t   *at = cases[c];
        struct naive_conv three = naive_conv_shape(at[0], at[1], at[2], at[3], at[1], 3, 2, 1);
        struct naive_conv two =
            naive_conv_shape(at[0], at[1], at[2] + 1, at[3] + 1, at[1], 2, 2, 0);

        check_window_pool(nn, &three, true, &rng);
        check_window_pool(nn, &two, true, &rng);
        check_window_pool(nn, &two, false, &rng);
    }
    kern_nn_free(nn);
}

/* Norms in the order of a convolution's output, with padded channels and all;
 * in place, as the engine runs them backward. */
static void check_norm(struct kern_nn *nn, const uint32_t dims[4], bool relu, struct mx_rng *rng)
{
    struct kern_op_shape shape = {.kind = KERN_NORM, .training = true, .relu = relu};
    struct naive_norm    s = {dims[0], dims[1], dims[2] * dims[3], true, relu, 1e-5};
    struct kern_tensor  *order = liked_order(nn, dims);
    struct array         a[10]; /* x, y, dy, scale, shift, mean, variance, dscale, dshift, dx */
    const char          *name = relu ? "norm with ReLU" : "norm";

    shape.epsilon = 1e-5f;
    for (int k = 0; k < 10; k++) {
        bool drawn = k == 0 || (k >= 2 && k <= 4);

        a[k] = k < 3 || k == 9 ? array_new(nn, 4, dims, drawn ? rng : NULL)
                               : array_new(nn, 1, &dims[1], drawn ? rng : NULL);
        if (k < 3)
            array_reorder(&a[k], order);
    }
    run(nn, &shape, &(struct kern_op_tensors){a[0].op, a[3].op, a[4].op, a[5].op, a[6].op, a[1].op},
        &(struct kern_op_gradients){a[2].op, a[2].op, a[7].op, a[8].op}, name);
    naive_norm_forward(&s, a[0].wide, a[3].wide, a[4].wide, a[5].wide, a[6].wide, a[1].wide);
    naive_norm_backward(&s, a[0].wide, a[1].wide, a[3].wide, a[5].wide, a[6].wide, a[2].wide,
                        a[9].wide, a[7].wide, a[8].wide);
    memcpy(a[2].wide, a[9].wide, a[2].n * sizeof(double));
    expect_near(&a[5], 0, "mean", name);
    expect_near(&a[6], 0, "variance", name);
    expect_near(&a[1], 16, "output", name);
    expect_near(&a[7], (double)s.n * s.size, "scale gradient", name);
    expect_near(&a[8], (double)s.n * s.size, "shift gradient", name);
    expect_near(&a[2], 16, "input gradient", name);
    for (int k = 0; k < 10; k++)
        array_free(&a[k]);
    kern_tensor_free(order);
}

Test(nn, norms_equal_their_definition)
{
    struct mx_rng   rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct kern_nn *nn = kern_nn_new(1, NULL);

    for (size_t c = 1; c < CASES; c++)
        for (int relu = 0; relu < 2; relu++)
            check_norm(nn, cases[c], relu, &rng);
    check_norm(nn, (const uint32_t[]){1080, 16, 5, 4}, true, &rng);
    kern_nn_free(nn);
}

/* With the statistics given, and written over its input. */
Test(nn, norms_infer_with_given_statistics_in_place)
{
    struct mx_rng        rng = mx_rng_at(mx_stream_make(3, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct kern_nn      *nn = kern_nn_new(1, NULL);
    struct kern_op_shape shape = {.kind = KERN_NORM, .relu = true, .epsilon = 1e-5f, .fixed = true};

    for (size_t c = 1; c < CASES; c++) {
        const uint32_t     *dims = cases[c];
        struct naive_norm   s = {dims[0], dims[1], dims[2] * dims[3], false, true, 1e-5};
        struct array        x = array_new(nn, 4, dims, &rng), y = array_new(nn, 4, dims, NULL);
        struct array        v[4];
        struct kern_tensor *order = liked_order(nn, dims);

        for (int k = 0; k < 4; k++)
            v[k] = array_new(nn, 1, &dims[1], &rng);
        for (size_t k = 0; k < v[3].n; k++)
            v[3].wide[k] = v[3].data[k] = fabsf(v[3].data[k]);
        array_reorder(&x, order);
        run(nn, &shape, &(struct kern_op_tensors){x.op, v[0].op, v[1].op, v[2].op, v[3].op, x.op},
            NULL, "norm");
        naive_norm_forward(&s, x.wide, v[0].wide, v[1].wide, v[2].wide, v[3].wide, y.wide);
        memcpy(x.wide, y.wide, x.n * sizeof(double));
        expect_near(&x, 16, "output", "a norm in inference");
        for (int k = 0; k < 4; k++)
            array_free(&v[k]);
        array_free(&x), array_free(&y);
        kern_tensor_free(order);
    }
    kern_nn_free(nn);
}

/* Over all of it (side 0), or down to side x side: then the output is not row-major. */
static void check_pool(struct kern_nn *nn, const uint32_t dims[4], uint32_t side,
                       struct mx_rng *rng)
{
    const uint32_t           to = side ? side : 1, pooled[] = {dims[0], dims[1], to, to};
    const struct naive_share share = {dims[0] * dims[1], dims[2], dims[3], to, to};
    struct kern_op_shape     shape = {.kind = KERN_POOL, .training = true, .side = side};
    struct array             x = array_new(nn, 4, dims, rng), y = array_new(nn, 4, pooled, NULL);
    struct array             dy = array_new(nn, 4, pooled, rng), dx = array_new(nn, 4, dims, NULL);
    struct kern_tensor      *order = liked_order(nn, dims), *small = liked_order(nn, pooled);
    char                     text[64];

    snprintf(text, sizeof text, "a pool to %u x %u", to, to);
    array_reorder(&x, order);
    array_reorder(&dx, order);
    if (side)
        array_reorder(&y, small);
    run(nn, &shape, &(struct kern_op_tensors){.src = x.op, .dst = y.op},
        &(struct kern_op_gradients){.dst = dy.op, .src = dx.op}, text);
    naive_share_forward(&share, x.wide, y.wide);
    naive_share_backward(&share, dy.wide, dx.wide);
    expect_near(&y, (double)dims[2] * dims[3], "mean", text);
    expect_near(&dx, (double)to * to, "input gradient", text);
    array_free(&x), array_free(&y), array_free(&dy), array_free(&dx);
    kern_tensor_free(order);
    kern_tensor_free(small);
}

static void check_linear(struct kern_nn *nn, const uint32_t dims[4], uint32_t out,
                         struct mx_rng *rng)
{
    const uint32_t       in = dims[1] * dims[2] * dims[3], y_dims[] = {dims[0], out};
    const uint32_t       w_dims[] = {out, dims[1], dims[2], dims[3]};
    struct kern_op_shape shape = {.kind = KERN_LINEAR, .training = true, .channels = out};
    struct array         x = array_new(nn, 4, dims, rng), dx = array_new(nn, 4, dims, NULL);
    struct array         w = array_new(nn, 4, w_dims, rng), dw = array_new(nn, 4, w_dims, NULL);
    struct array         bias = array_new(nn, 1, &out, rng), dbias = array_new(nn, 1, &out, NULL);
    struct array         y = array_new(nn, 2, y_dims, NULL), dy = array_new(nn, 2, y_dims, rng);

    run(nn, &shape,
        &(struct kern_op_tensors){.src = x.op, .weights = w.op, .bias = bias.op, .dst = y.op},
        &(struct kern_op_gradients){dy.op, dx.op, dw.op, dbias.op}, "linear");
    naive_linear_forward(dims[0], in, out, x.wide, w.wide, bias.wide, y.wide);
    naive_linear_backward(dims[0], in, out, x.wide, w.wide, dy.wide, dx.wide, dw.wide, dbias.wide);
    expect_near(&y, in, "output", "a linear layer");
    expect_near(&dx, out, "input gradient", "a linear layer");
    expect_near(&dw, dims[0], "weight gradient", "a linear layer");
    expect_near(&dbias, dims[0], "bias gradient", "a linear layer");
    array_free(&x), array_free(&dx), array_free(&w), array_free(&dw);
    array_free(&bias), array_free(&dbias), array_free(&y), array_free(&dy);
}

Test(nn, pools_and_linear_layers_equal_their_definition)
{
    struct mx_rng   rng = mx_rng_at(mx_stream_make(4, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct kern_nn *nn = kern_nn_new(1, NULL);

    for (size_t c = 0; c < CASES; c++) {
        for (uint32_t side = 0; side <= 7; side++)
            check_pool(nn, cases[c], side, &rng);
        check_linear(nn, cases[c], cases[c][4], &rng);
    }
    kern_nn_free(nn);
}
