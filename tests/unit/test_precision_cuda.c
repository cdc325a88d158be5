/* Products on a GPU in each arithmetic beside their definition in double precision, at awkward shapes; whose
 * sums repeat, and whose need not.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/device.h"
#include "kernels/kern.h"
#include "kernels/nn.h"

enum {
    SKIPPED = 77,
    PARTS = 6
};

/* A convolution without bias; height 1 and kernel 0: a linear layer. */
struct shape {
    const char *name;
    uint32_t    n, in, height, width, out, kernel, stride, pad;
};

static const struct shape shapes[] = {
    {"3x3", 4, 16, 9, 7, 24, 3, 1, 1},
    {"3x3, odd channels, stride 2", 3, 5, 8, 11, 7, 3, 2, 1},
    {"1x1 of one image", 1, 33, 4, 5, 3, 1, 1, 0},
    {"5x5 of three channels", 2, 3, 13, 12, 8, 5, 3, 2},
    {"linear", 5, 37, 1, 1, 10, 0, 1, 0},
};

/* What is read, then what is made of it. */
enum part {
    X,
    W,
    DY,
    Y,
    DX,
    DW
};

static const char *const part_names[PARTS] = {
    "x", "w", "dy", "output", "input's gradient", "weights' gradient"};

/* Sums by definition, and sums of the products' sizes. */
struct sums {
    uint32_t p, q; /* height and width of the output */
    size_t   n[PARTS];
    float   *read[3];
    double  *want[PARTS], *sizes[PARTS];
};

static bool linear(const struct shape *s)
{
    return s->kernel == 0;
}

static uint32_t places(const struct shape *s, uint32_t length)
{
    return linear(s) ? 1 : (length + 2 * s->pad - s->kernel) / s->stride + 1;
}

static void add(struct sums *sums, const size_t at[3])
{
    const double x = (double)sums->read[X][at[0]], w = (double)sums->read[W][at[1]];
    const double dy = (double)sums->read[DY][at[2]];

    sums->want[Y][at[2]] += x * w;
    sums->want[DX][at[0]] += w * dy;
    sums->want[DW][at[1]] += x * dy;
    sums->sizes[Y][at[2]] += fabs(x * w);
    sums->sizes[DX][at[0]] += fabs(w * dy);
    sums->sizes[DW][at[1]] += fabs(x * dy);
}

/* Every product of output (i, k, p, q) and input channel c. */
static void add_window(const struct shape *s, struct sums *sums, const uint32_t out[4], uint32_t c)
{
    const uint32_t side = linear(s) ? 1 : s->kernel;

    for (uint32_t r = 0; r < side; r++)
        for (uint32_t t = 0; t < side; t++) {
            const int64_t h = (int64_t)out[2] * s->stride - s->pad + r;
            const int64_t v = (int64_t)out[3] * s->stride - s->pad + t;
            const size_t  at[3] = {
                 (((size_t)out[0] * s->in + c) * s->height + (size_t)h) * s->width + (size_t)v,
                 (((size_t)out[1] * s->in + c) * side + r) * side + t,
                 (((size_t)out[0] * s->out + out[1]) * sums->p + out[2]) * sums->q + out[3]};

            if (h >= 0 && h < (int64_t)s->height && v >= 0 && v < (int64_t)s->width)
                add(sums, at);
        }
}

static struct sums sums_of(const struct shape *s, struct mx_rng *rng)
{
    struct sums sums = {.p = places(s, s->height), .q = places(s, s->width)};

    sums.n[X] = sums.n[DX] = (size_t)s->n * s->in * s->height * s->width;
    sums.n[W] = sums.n[DW] = (size_t)s->out * s->in * (linear(s) ? 1 : s->kernel * s->kernel);
    sums.n[DY] = sums.n[Y] = (size_t)s->n * s->out * sums.p * sums.q;
    for (int part = 0; part < PARTS; part++) {
        sums.want[part] = calloc(sums.n[part], sizeof(double));
        sums.sizes[part] = calloc(sums.n[part], sizeof(double));
    }
    for (int part = 0; part < 3; part++) {
        sums.read[part] = calloc(sums.n[part], sizeof(float));
        for (size_t k = 0; k < sums.n[part]; k++)
            sums.read[part][k] = (float)mx_rng_normal(rng);
    }
    for (size_t k = 0; k < sums.n[DY] * s->in; k++) {
        const size_t   at = k / s->in;
        const uint32_t out[4] = {(uint32_t)(at / ((size_t)s->out * sums.p * sums.q)),
                                 (uint32_t)(at / ((size_t)sums.p * sums.q) % s->out),
                                 (uint32_t)(at / sums.q % sums.p), (uint32_t)(at % sums.q)};

        add_window(s, &sums, out, (uint32_t)(k % s->in));
    }
    return sums;
}

static void sums_free(struct sums *sums)
{
    for (int part = 0; part < PARTS; part++) {
        free(sums->want[part]);
        free(sums->sizes[part]);
        if (part < 3)
            free(sums->read[part]);
    }
}

static void must(bool ok, const char *what, const struct mx_err *err)
{
    if (ok)
        return;
    printf("FAILED: %s: %s\n", what, err->text);
    exit(1);
}

/* A tensor with memory, and numbers or NaN in it. */
static void fill(struct kern_nn *nn, struct kern_tensor *tensor, const float *numbers, size_t n)
{
    const struct kern_device *on = kern_nn_device(nn);
    float                    *nothing = malloc(n * sizeof *nothing);
    struct mx_err             err = {0};
    void                     *memory = on->alloc(nn, KERN_ALIGN, kern_tensor_bytes(tensor), &err);

    for (size_t k = 0; nothing && k < n; k++)
        nothing[k] = NAN;
    must(nothing && memory && !kern_tensor_bind(tensor, memory, &err) &&
             !kern_tensor_write(tensor, numbers ? numbers : nothing, &err),
         "a tensor", &err);
    free(nothing);
}

/* All three passes; got[Y], got[DX], got[DW] are the caller's. */
static void compute(struct kern_nn *nn, const struct shape *s, const struct sums *sums,
                    float *got[PARTS])
{
    const struct kern_device  *on = kern_nn_device(nn);
    const uint32_t             dims[4] = {s->n, s->in, s->height, s->width};
    const uint32_t             biases = s->out;
    const struct kern_op_shape shape = {.kind = linear(s) ? KERN_LINEAR : KERN_CONV,
                                        .training = true,
                                        .channels = s->out,
                                        .kernel = s->kernel,
                                        .stride = s->stride,
                                        .pad = s->pad};
    struct mx_err              err = {0};
    struct kern_tensor        *held[PARTS] = {NULL}, *bias[2] = {NULL, NULL};
    struct kern_op_tensors     tensors = {0};
    struct kern_op_gradients   gradients;
    float                     *none = calloc(biases, sizeof *none);
    struct kern_op            *op;

    held[X] = tensors.src = kern_tensor_plain(nn, 4, dims, &err);
    for (int b = 0; linear(s) && b < 2; b++)
        bias[b] = kern_tensor_plain(nn, 1, &biases, &err);
    tensors.bias = bias[0];
    must((op = kern_op_new(nn, &shape, &tensors, &err)) != NULL, s->name, &err);
    held[W] = tensors.weights;
    held[Y] = tensors.dst;
    held[DX] = kern_tensor_like(held[X], &err);
    held[DW] = kern_tensor_like(held[W], &err);
    held[DY] = kern_tensor_like(held[Y], &err);
    gradients = (struct kern_op_gradients){held[DY], held[DX], held[DW], bias[1]};
    must(!kern_op_add_backward(op, &tensors, &gradients, &err), s->name, &err);
    for (int part = 0; part < PARTS; part++)
        fill(nn, held[part], part < 3 ? sums->read[part] : NULL, sums->n[part]);
    for (int b = 0; b < 2 && bias[b]; b++)
        fill(nn, bias[b], none, biases);
    must(!kern_op_forward(op, &err) && !kern_op_backward(op, &err), s->name, &err);
    for (int part = Y; part < PARTS; part++)
        must(!kern_tensor_read(held[part], got[part], &err), s->name, &err);
    kern_op_free(op);
    for (int part = 0; part < PARTS; part++) {
        on->release(nn, kern_tensor_data(held[part]));
        kern_tensor_free(held[part]);
    }
    for (int b = 0; b < 2 && bias[b]; b++) {
        on->release(nn, kern_tensor_data(bias[b]));
        kern_tensor_free(bias[b]);
    }
    free(none);
}

/* The largest error of a part, in units of the sum of its products' sizes. A number that is none is the largest. */
static double worst(const struct sums *sums, int part, const float *got)
{
    double most = 0;

    for (size_t k = 0; k < sums->n[part]; k++) {
        const double off = fabs((double)got[k] - sums->want[part][k]) /
                           (sums->sizes[part][k] > 0 ? sums->sizes[part][k] : 1);

        if (!(off <= most))
            most = isfinite(off) ? off : INFINITY;
    }
    return most;
}

/* How factors are rounded, at most: both of a product. And, of the pretended GPU, whose engines that repeat round whatever they
 * may, by how much at least somewhere. */
struct arithmetic {
    const char         *name;
    enum kern_precision precision;
    double              most, least;
};

static const struct arithmetic arithmetics[] = {
    {"f32", KERN_F32, 1e-6, 0},
    {"tf32", KERN_TF32, 2.0 / 2048 + 1e-6, 1e-4},
    {"bf16", KERN_BF16, 3.0 / 256 + 1e-4, 1e-3}, /* and the sum once more */
};

static unsigned expect_near(const struct arithmetic *by, const struct shape *s,
                            const struct sums *sums, bool repeats, float *const got[PARTS])
{
    const bool   pretended = getenv("MX_FAKEGPU_BUILD") != NULL;
    const double least = pretended && repeats ? by->least : 0;
    unsigned     failed = 0;

    for (int part = Y; part < PARTS; part++) {
        const double off = worst(sums, part, got[part]);

        if (off <= by->most && off >= least)
            continue;
        printf("FAILED: %s, %s: %s is off by %g, expected %g to %g\n", by->name, s->name,
               part_names[part], off, least, by->most);
        failed++;
    }
    return failed;
}

/* Runs again (rounding to bfloat16 hides the order of sums): the same bits where they are to repeat; the pretended GPU adds in another order where they need not, which shows from three images on. */
static unsigned expect_repeats(const struct arithmetic *by, const struct shape *s,
                               const struct sums *sums, bool repeats, float *const got[PARTS],
                               float *const again[PARTS])
{
    const bool pretended = getenv("MX_FAKEGPU_BUILD") != NULL;
    bool       same = true;

    for (int part = Y; part < PARTS; part++)
        same = same && memcmp(got[part], again[part], sums->n[part] * sizeof(float)) == 0;
    if (repeats ? same
                : !pretended || !same || linear(s) || s->n <= 2 || by->precision == KERN_BF16)
        return 0;
    printf("FAILED: %s: results %s\n", s->name, same ? "repeat" : "do not repeat");
    return 1;
}

static unsigned check(const struct arithmetic *by, bool repeats, const struct shape *s,
                      struct mx_rng *rng)
{
    struct sums     sums = sums_of(s, rng);
    struct mx_err   err = {0};
    struct kern_nn *nn = kern_nn_new_cuda(by->precision, repeats, &err);
    float          *got[2][PARTS] = {{NULL}};
    unsigned        failed;

    must(nn != NULL, "a GPU", &err);
    for (int part = Y; part < PARTS; part++)
        for (int run = 0; run < 2; run++)
            got[run][part] = calloc(sums.n[part], sizeof(float));
    for (int run = 0; run < 2; run++)
        compute(nn, s, &sums, got[run]);
    failed = expect_near(by, s, &sums, repeats, got[0]) +
             expect_near(by, s, &sums, repeats, got[1]) +
             expect_repeats(by, s, &sums, repeats, got[0], got[1]);
    for (int part = Y; part < PARTS; part++)
        for (int run = 0; run < 2; run++)
            free(got[run][part]);
    kern_nn_free(nn);
    sums_free(&sums);
    return failed;
}

int main(void)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(7, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct mx_err err = {0};
    unsigned      failed = 0;

    if (!kern_cuda(&err)) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    for (size_t a = 0; a < sizeof arithmetics / sizeof *arithmetics; a++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int repeats = 0; repeats < 2; repeats++)
                failed += check(&arithmetics[a], repeats, &shapes[s], &rng);
    return failed > 0;
}
