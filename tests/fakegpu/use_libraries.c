/* A plain user of the libraries' stand-ins: products and convolutions with awkward shapes, each
 * compared with its definition; ends with 1 and a line where one differs. What planted misuse is
 * planted into. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cublas_v2.h>
#include <cudnn.h>

#include "tests/fakegpu/use.h"

/* Small whole numbers: sums are exact in any order. */
static float number(size_t k)
{
    return (float)((int)(k * 7919 % 11) - 5);
}

static float *host_numbers(size_t n, size_t from)
{
    float *made = malloc(n * sizeof *made);

    for (size_t k = 0; k < n; k++)
        made[k] = number(k + from);
    return made;
}

static float *sent(const float *host, size_t n)
{
    void *device = NULL;

    OK(cudaMalloc(&device, n * sizeof *host));
    OK(cudaMemcpy(device, host, n * sizeof *host, cudaMemcpyHostToDevice));
    return device;
}

static void compare(const char *what, const float *wanted, const float *device, size_t n,
                    cudaStream_t stream)
{
    float *got = malloc(n * sizeof *got);

    OK(cudaStreamSynchronize(stream));
    OK(cudaMemcpy(got, device, n * sizeof *got, cudaMemcpyDeviceToHost));
    for (size_t k = 0; k < n; k++)
        if (!(fabsf(got[k] - wanted[k]) <= 1e-4f)) {
            printf("%s: element %zu is %g, not %g\n", what, k, (double)got[k], (double)wanted[k]);
            exit(1);
        }
    free(got);
}

/* ---- products ---- */

static void product(cublasHandle_t handle, cudaStream_t stream, bool ta, bool tb, float beta)
{
    enum {
        M = 5,
        N = 3,
        K = 7,
        LDC = 6
    };
    const float alpha = 2.0f;
    const int   lda = ta ? K : M, ldb = tb ? N : K;
    float *a = host_numbers(M * K, 0), *b = host_numbers(K * N, 5), *c = host_numbers(LDC * N, 9);
    float *da = sent(a, M * K), *db = sent(b, K * N), *dc = sent(c, LDC * N);

    OK(cublasSgemm(handle, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_T : CUBLAS_OP_N, M, N, K,
                   &alpha, da, lda, db, ldb, &beta, dc, LDC));
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            float sum = 0.0f;

            for (int k = 0; k < K; k++)
                sum += a[ta ? i * lda + k : k * lda + i] * b[tb ? k * ldb + j : j * ldb + k];
            c[j * LDC + i] = alpha * sum + beta * c[j * LDC + i];
        }
    compare("product", c, dc, LDC * N, stream);
    OK(cudaFree(da));
    OK(cudaFree(db));
    OK(cudaFree(dc));
    free(a);
    free(b);
    free(c);
}

/* ---- convolutions ---- */

struct shape {
    int n, c, h, w, k, kernel, stride, pad, dilation, groups;
    int last; /* channels last */
};

struct convolution {
    struct shape                 of;
    int                          p, q;
    size_t                       xs, ws, ys; /* numbers */
    float                       *x, *filter, *y;
    float                       *dx, *dw, *dy; /* on the device: x, filter, y */
    void                        *workspace;
    cudnnTensorDescriptor_t      x_desc, y_desc;
    cudnnFilterDescriptor_t      w_desc;
    cudnnConvolutionDescriptor_t desc;
};

/* Where an element of a tensor, or of the filter, lies. */
static size_t at(int last, int channels, int height, int width, int n, int c, int h, int w)
{
    return last ? (size_t)(((n * height + h) * width + w) * channels + c)
                : (size_t)(((n * channels + c) * height + h) * width + w);
}

static void describe(struct convolution *v)
{
    const struct shape       *s = &v->of;
    const cudnnTensorFormat_t format = s->last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;

    OK(cudnnCreateTensorDescriptor(&v->x_desc));
    OK(cudnnCreateTensorDescriptor(&v->y_desc));
    OK(cudnnCreateFilterDescriptor(&v->w_desc));
    OK(cudnnCreateConvolutionDescriptor(&v->desc));
    OK(cudnnSetTensor4dDescriptor(v->x_desc, format, CUDNN_DATA_FLOAT, s->n, s->c, s->h, s->w));
    if (s->last)
        OK(cudnnSetTensor4dDescriptor(v->y_desc, format, CUDNN_DATA_FLOAT, s->n, s->k, v->p, v->q));
    else
        OK(cudnnSetTensor4dDescriptorEx(v->y_desc, CUDNN_DATA_FLOAT, s->n, s->k, v->p, v->q,
                                        s->k * v->p * v->q, v->p * v->q, v->q, 1));
    OK(cudnnSetFilter4dDescriptor(v->w_desc, CUDNN_DATA_FLOAT, format, s->k, s->c / s->groups,
                                  s->kernel, s->kernel));
    OK(cudnnSetConvolution2dDescriptor(v->desc, s->pad, s->pad, s->stride, s->stride, s->dilation,
                                       s->dilation, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
    OK(cudnnSetConvolutionGroupCount(v->desc, s->groups));
}

static struct convolution make(struct shape s)
{
    struct convolution v = {.of = s};
    const int          reach = s.dilation * (s.kernel - 1) + 1;

    v.p = (s.h + 2 * s.pad - reach) / s.stride + 1;
    v.q = (s.w + 2 * s.pad - reach) / s.stride + 1;
    v.xs = (size_t)(s.n * s.c * s.h * s.w);
    v.ws = (size_t)(s.k * s.c / s.groups * s.kernel * s.kernel);
    v.ys = (size_t)(s.n * s.k * v.p * v.q);
    v.x = host_numbers(v.xs, 1);
    v.filter = host_numbers(v.ws, 2);
    v.y = host_numbers(v.ys, 3);
    v.dx = sent(v.x, v.xs);
    v.dw = sent(v.filter, v.ws);
    v.dy = sent(v.y, v.ys);
    OK(cudaMalloc(&v.workspace, 1 << 20));
    describe(&v);
    return v;
}

static void end(struct convolution *v)
{
    OK(cudnnDestroyTensorDescriptor(v->x_desc));
    OK(cudnnDestroyTensorDescriptor(v->y_desc));
    OK(cudnnDestroyFilterDescriptor(v->w_desc));
    OK(cudnnDestroyConvolutionDescriptor(v->desc));
    OK(cudaFree(v->dx));
    OK(cudaFree(v->dw));
    OK(cudaFree(v->dy));
    OK(cudaFree(v->workspace));
    free(v->x);
    free(v->filter);
    free(v->y);
}

/* Call for every product of a convolution: indices of the three numbers that it joins. */
static void each(const struct convolution *v,
                 void (*see)(size_t x, size_t w, size_t y, void *extra), void *extra)
{
    const struct shape *s = &v->of;
    const int           in = s->c / s->groups, out = s->k / s->groups, side = s->kernel;
    const int           total = s->n * s->k * v->p * v->q * in * side * side;

    for (int e = 0; e < total; e++) {
        int j = e % side, i = e / side % side, c = e / (side * side) % in;
        int rest = e / (side * side * in), q = rest % v->q, p = rest / v->q % v->p;
        int k = rest / (v->q * v->p) % s->k, n = rest / (v->q * v->p * s->k);
        int h = p * s->stride - s->pad + i * s->dilation;
        int w = q * s->stride - s->pad + j * s->dilation;

        if (h >= 0 && h < s->h && w >= 0 && w < s->w)
            see(at(s->last, s->c, s->h, s->w, n, k / out * in + c, h, w),
                at(s->last, in, side, side, k, c, i, j), at(s->last, s->k, v->p, v->q, n, k, p, q),
                extra);
    }
}

struct sums {
    const struct convolution *of;
    float                    *y, *x, *w;
};

static void add(size_t x, size_t w, size_t y, void *extra)
{
    struct sums *sums = extra;

    sums->y[y] += sums->of->x[x] * sums->of->filter[w];
    sums->x[x] += sums->of->filter[w] * sums->of->y[y];
    sums->w[w] += sums->of->x[x] * sums->of->y[y];
}

static void convolution(cudnnHandle_t handle, cudaStream_t stream, struct shape s)
{
    const float        one = 1.0f, zero = 0.0f;
    struct convolution v = make(s);
    float             *nothing = host_numbers(v.xs + v.ys + v.ws, 0);
    float      *y = sent(nothing, v.ys), *dx = sent(nothing, v.xs), *dw = sent(nothing, v.ws);
    struct sums sums = {&v, calloc(v.ys, 4), calloc(v.xs, 4), calloc(v.ws, 4)};
    size_t      bytes = 0;

    OK(cudnnGetConvolutionForwardWorkspaceSize(handle, v.x_desc, v.w_desc, v.desc, v.y_desc,
                                               CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                                               &bytes));
    OK(cudnnConvolutionForward(handle, &one, v.x_desc, v.dx, v.w_desc, v.dw, v.desc,
                               CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, v.workspace, bytes,
                               &zero, v.y_desc, y));
    OK(cudnnGetConvolutionBackwardDataWorkspaceSize(handle, v.w_desc, v.y_desc, v.desc, v.x_desc,
                                                    CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, &bytes));
    OK(cudnnConvolutionBackwardData(handle, &one, v.w_desc, v.dw, v.y_desc, v.dy, v.desc,
                                    CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, v.workspace, bytes, &zero,
                                    v.x_desc, dx));
    OK(cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, v.x_desc, v.y_desc, v.desc, v.w_desc,
                                                      CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, &bytes));
    OK(cudnnConvolutionBackwardFilter(handle, &one, v.x_desc, v.dx, v.y_desc, v.dy, v.desc,
                                      CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, v.workspace, bytes,
                                      &zero, v.w_desc, dw));
    each(&v, add, &sums);
    compare("convolution", sums.y, y, v.ys, stream);
    compare("gradient of its input", sums.x, dx, v.xs, stream);
    compare("gradient of its filter", sums.w, dw, v.ws, stream);
    OK(cudaFree(y));
    OK(cudaFree(dx));
    OK(cudaFree(dw));
    free(nothing);
    free(sums.y);
    free(sums.x);
    free(sums.w);
    end(&v);
}

int main(void)
{
    static const struct shape shapes[] = {
        {2, 3, 7, 5, 4, 3, 1, 1, 1, 1, 0}, {3, 4, 8, 8, 6, 3, 2, 1, 1, 2, 0},
        {2, 4, 6, 9, 4, 1, 1, 0, 1, 1, 1}, {1, 6, 9, 9, 6, 3, 1, 2, 2, 6, 1},
        {2, 1, 5, 5, 3, 5, 1, 0, 1, 1, 0},
    };
    cublasHandle_t blas = NULL;
    cudnnHandle_t  dnn = NULL;
    cudaStream_t   stream = NULL;

    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    OK(cublasCreate(&blas));
    OK(cublasSetStream(blas, stream));
    OK(cudnnCreate(&dnn));
    OK(cudnnSetStream(dnn, stream));
    for (int k = 0; k < 8; k++)
        product(blas, stream, k & 1, k & 2, k & 4 ? -1.0f : 0.0f);
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        convolution(dnn, stream, shapes[k]);
    OK(cublasDestroy(blas));
    OK(cudnnDestroy(dnn));
    OK(cudaStreamDestroy(stream));
    return 0;
}
