/* cuDNN: convolutions and their gradients, each as products with a matrix of windows. */
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/cudnn_parts.h"

/* One of the three passes. */
enum pass {
    FORWARD,
    TO_DATA,
    TO_FILTER
};

struct work {
    enum pass               pass;
    struct fake_convolution convolution;
    struct fake_tensor      x, w, y;
    float                   alpha, beta;
    const void             *in, *other; /* x and w; w and dy; x and dy */
    void                   *out;
    void                   *workspace;
    size_t                  workspace_bytes;
    int                     algo;
};

/* ---- doing it ---- */

/* Between an image's channels of one group and its windows: (c, r, s) rows of (p, q). */
static void windows(const struct work *work, float *image, float *matrix, bool back)
{
    const struct fake_convolution *of = &work->convolution;
    const int                     *w = work->w.dims, *x = work->x.dims, *y = work->y.dims;

    for (int row = 0; row < w[1] * w[2] * w[3]; row++) {
        int    s = row % w[3], r = row / w[3] % w[2], c = row / (w[2] * w[3]);
        float *plane = image + (size_t)c * (size_t)(x[2] * x[3]);

        for (int p = 0; p < y[2]; p++) {
            int    h = p * of->stride[0] - of->pad[0] + r * of->dilation[0];
            float *to = matrix + ((size_t)row * (size_t)y[2] + (size_t)p) * (size_t)y[3];

            for (int q = 0; q < y[3]; q++) {
                int    v = q * of->stride[1] - of->pad[1] + s * of->dilation[1];
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

/* One group of one image; all arrays are dense. */
static void one_group(const struct work *work, float *image, float *filter, float *output,
                      float *matrix)
{
    const dnnl_dim_t k = work->w.dims[0] / work->convolution.groups;
    const dnnl_dim_t window = (dnnl_dim_t)work->w.dims[1] * work->w.dims[2] * work->w.dims[3];
    const dnnl_dim_t places = (dnnl_dim_t)work->y.dims[2] * work->y.dims[3];

    if (work->pass != TO_DATA)
        windows(work, image, matrix, false);
    if (work->pass == FORWARD)
        dnnl_sgemm('N', 'N', k, places, window, 1.0f, filter, window, matrix, places, 0.0f, output,
                   places);
    else if (work->pass == TO_FILTER)
        dnnl_sgemm('N', 'T', k, window, places, 1.0f, output, places, matrix, places, 1.0f, filter,
                   window);
    else
        dnnl_sgemm('T', 'N', window, places, k, 1.0f, filter, window, output, places, 0.0f, matrix,
                   places);
    if (work->pass == TO_DATA)
        windows(work, image, matrix, true);
}

/* One that adds in an order of its own: now from the first image on, now from the last one. */
static bool in_any_order(const struct work *work)
{
    return (work->pass == TO_DATA && work->algo == CUDNN_CONVOLUTION_BWD_DATA_ALGO_0) ||
           (work->pass == TO_FILTER && (work->algo == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 ||
                                        work->algo == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3));
}

static bool backwards(const struct work *work)
{
    static unsigned times[TO_FILTER + 1]; /* of each pass */

    return in_any_order(work) && times[work->pass]++ % 2 == 1;
}

static float *zeros(size_t n)
{
    float *made = calloc(n, sizeof *made);

    if (!made)
        fake_misuse("fakegpu", "no memory for a convolution");
    return made;
}

static void run(const void *data)
{
    const struct work *work = data;
    const int          groups = work->convolution.groups;
    const size_t       pairs = (size_t)(work->x.dims[0] * groups); /* of image and group */
    const bool         turned = backwards(work);
    const size_t       filter = fake_tensor_count(&work->w) / (size_t)groups;
    const size_t       image = fake_tensor_count(&work->x) / pairs;
    const size_t       output = fake_tensor_count(&work->y) / pairs;
    const size_t       window = (size_t)(work->w.dims[1] * work->w.dims[2] * work->w.dims[3]);
    float             *matrix = zeros(window * (size_t)(work->y.dims[2] * work->y.dims[3]));
    float             *x = work->pass == TO_DATA ? zeros(fake_tensor_count(&work->x))
                                                 : fake_gather(&work->x, work->in);
    float             *w = work->pass == TO_FILTER
                               ? zeros(fake_tensor_count(&work->w))
                               : fake_gather(&work->w, work->pass == FORWARD ? work->other : work->in);
    float             *y = work->pass == FORWARD ? zeros(fake_tensor_count(&work->y))
                                                 : fake_gather(&work->y, work->other);

    /* Whatever is there belongs to the algorithm. */
    if (work->workspace_bytes > 0)
        memset(work->workspace, 0xFF, work->workspace_bytes);
    if (work->convolution.math != CUDNN_FMA_MATH &&
        work->x.type == CUDNN_DATA_FLOAT) { /* outputs are 0 so far */
        fake_round_tf32(x, pairs * image);
        fake_round_tf32(w, (size_t)groups * filter);
        fake_round_tf32(y, pairs * output);
    }
    for (size_t k = 0; k < pairs; k++) {
        const size_t i = turned ? pairs - 1 - k : k;

        one_group(work, x + i * image, w + i % (size_t)groups * filter, y + i * output, matrix);
    }
    if (work->pass == FORWARD)
        fake_scatter(&work->y, work->out, y, work->alpha, work->beta);
    else if (work->pass == TO_DATA)
        fake_scatter(&work->x, work->out, x, work->alpha, work->beta);
    else
        fake_scatter(&work->w, work->out, w, work->alpha, work->beta);
    free(matrix);
    free(x);
    free(w);
    free(y);
}

/* ---- checks ---- */

static int output_side(const struct work *work, int d)
{
    const struct fake_convolution *of = &work->convolution;
    int                            reach = of->dilation[d] * (work->w.dims[2 + d] - 1) + 1;

    return (work->x.dims[2 + d] + 2 * of->pad[d] - reach) / of->stride[d] + 1;
}

static bool channels_last(const struct fake_tensor *t)
{
    return t->strides[1] == 1 && (t->strides[3] == t->dims[1] || t->dims[3] == 1);
}

/* bfloat16: channels last and in eights, unless each is alone, by the algorithms that tensor cores know. */
static void check_half(const struct work *work, const struct fake_filter *filter,
                       const char *const names[3])
{
    static const int          known[] = {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                                         CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
                                         CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1};
    const struct fake_tensor *all[] = {&work->x, &work->w, &work->y};
    const bool                alone = work->w.dims[1] == 1 && work->convolution.groups > 1;

    for (int t = 0; t < 3; t++)
        if (all[t]->type != work->x.type)
            fake_misuse(names[t], "data type %d, and that of %s is %d", (int)all[t]->type, names[0],
                        (int)work->x.type);
    if (work->x.type == CUDNN_DATA_FLOAT)
        return;
    if (filter->format != CUDNN_TENSOR_NHWC || !channels_last(&work->x) || !channels_last(&work->y))
        fake_misuse(names[0], "bfloat16 is supported channels-last alone");
    if (work->x.dims[1] % 8 != 0 || work->y.dims[1] % 8 != 0 ||
        (!alone && work->w.dims[1] % 8 != 0))
        fake_misuse(names[1], "%d to %d channels in %d groups are no multiples of 8",
                    work->x.dims[1], work->y.dims[1], work->convolution.groups);
    if (work->convolution.math != CUDNN_TENSOR_OP_MATH)
        fake_misuse("convDesc", "bfloat16 without CUDNN_TENSOR_OP_MATH");
    if (work->algo != known[work->pass])
        fake_misuse("algo", "%d is not supported with bfloat16", work->algo);
}

/* Dimensions and orders that go together; names as the pass calls them. */
static void check_shapes(const struct work *work, const struct fake_filter *filter,
                         const char *const names[3])
{
    const struct fake_convolution *of = &work->convolution;

    if (work->x.dims[1] != work->w.dims[1] * of->groups)
        fake_misuse(names[1], "%d channels in each of %d groups, of %d channels", work->w.dims[1],
                    of->groups, work->x.dims[1]);
    if (work->w.dims[0] % of->groups != 0)
        fake_misuse(names[1], "%d filters do not divide into %d groups", work->w.dims[0],
                    of->groups);
    if (work->y.dims[0] != work->x.dims[0] || work->y.dims[1] != work->w.dims[0] ||
        work->y.dims[2] != output_side(work, 0) || work->y.dims[3] != output_side(work, 1))
        fake_misuse(names[2], "is %d x %d x %d x %d, and the convolution gives %d x %d x %d x %d",
                    work->y.dims[0], work->y.dims[1], work->y.dims[2], work->y.dims[3],
                    work->x.dims[0], work->w.dims[0], output_side(work, 0), output_side(work, 1));
    if (filter->format == CUDNN_TENSOR_NHWC &&
        !(channels_last(&work->x) && channels_last(&work->y)))
        fake_misuse(names[1], "is NHWC, and a tensor is not");
    check_half(work, filter, names);
}

size_t fake_workspace(const struct fake_tensor *w, int algo)
{
    return algo == 0 ? 0 : (size_t)(w->dims[1] * w->dims[2] * w->dims[3]) * 64 + (size_t)algo * 256;
}

/* Algorithms that add in an order of their own are no use to results that repeat; who asks for
 * the fastest ones does not want that. */
static void check_algorithm(const struct fake_cudnn *handle, struct work *work, int algo)
{
    static const int count[] = {CUDNN_CONVOLUTION_FWD_ALGO_COUNT,
                                CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT,
                                CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT};

    if (algo < 0 || algo >= count[work->pass])
        fake_misuse("algo", "%d is none", algo);
    work->algo = algo;
    if (!handle->ranked && in_any_order(work))
        fake_misuse("algo", "%d does not repeat its sums", algo);
}

static cudnnStatus_t convolve(cudnnHandle_t handle, struct work *work, int algo,
                              const struct fake_filter *filter, const char *const names[3],
                              const char *const data[3])
{
    const struct fake_cudnn  *of = fake_object("handle", handle, FAKE_CUDNN);
    cudaError_t               status = fake_sticking();
    size_t                    needed = fake_workspace(&work->w, algo);
    const struct fake_tensor *tensors[3][3] = {{&work->x, &work->w, &work->y},
                                               {&work->w, &work->y, &work->x},
                                               {&work->x, &work->y, &work->w}};
    struct fake_span          spans[4];

    check_algorithm(of, work, algo);
    check_shapes(work, filter, names);
    if (work->workspace_bytes < needed)
        fake_misuse("workSpaceSizeInBytes", "%zu, and the algorithm needs %zu",
                    work->workspace_bytes, needed);
    spans[0] = fake_tensor_span(data[0], tensors[work->pass][0], work->in, false);
    spans[1] = fake_tensor_span(data[1], tensors[work->pass][1], work->other, false);
    spans[2] = fake_tensor_span(data[2], tensors[work->pass][2], work->out, true);
    spans[3] = (struct fake_span){"workSpace", work->workspace, work->workspace_bytes, 16, true};
    if (status == cudaSuccess)
        fake_cudnn_queue(of, run, work, sizeof *work, spans, 4);
    return fake_cudnn_leave(status);
}

static struct work work_of(const char *call, enum pass pass, const void *alpha, const void *beta,
                           const void *convolution)
{
    struct work work = {.pass = pass};

    (void)fake_enter(call);
    work.alpha = fake_scalar("alpha", alpha);
    work.beta = fake_scalar("beta", beta);
    work.convolution = *fake_convolution_of("convDesc", convolution);
    return work;
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                      const cudnnTensorDescriptor_t xDesc, const void *x,
                                      const cudnnFilterDescriptor_t wDesc, const void *w,
                                      const cudnnConvolutionDescriptor_t convDesc,
                                      cudnnConvolutionFwdAlgo_t algo, void *workSpace, size_t bytes,
                                      const void *beta, const cudnnTensorDescriptor_t yDesc,
                                      void *y)
{
    static const char *const names[] = {"xDesc", "wDesc", "yDesc"}, *const data[] = {"x", "w", "y"};
    struct work work = work_of("cudnnConvolutionForward", FORWARD, alpha, beta, convDesc);
    const struct fake_filter *filter = fake_filter_of("wDesc", wDesc);

    if (fake_library_lacks_memory()) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    }
    work.x = *fake_tensor_of("xDesc", xDesc);
    work.w = fake_tensor_of_filter(filter);
    work.y = *fake_tensor_of("yDesc", yDesc);
    work.in = x;
    work.other = w;
    work.out = y;
    work.workspace = workSpace;
    work.workspace_bytes = bytes;
    return convolve(handle, &work, (int)algo, filter, names, data);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha,
                                           const cudnnFilterDescriptor_t wDesc, const void *w,
                                           const cudnnTensorDescriptor_t dyDesc, const void *dy,
                                           const cudnnConvolutionDescriptor_t convDesc,
                                           cudnnConvolutionBwdDataAlgo_t algo, void *workSpace,
                                           size_t bytes, const void *beta,
                                           const cudnnTensorDescriptor_t dxDesc, void *dx)
{
    static const char *const names[] = {"dxDesc", "wDesc", "dyDesc"};
    static const char *const data[] = {"w", "dy", "dx"};
    struct work work = work_of("cudnnConvolutionBackwardData", TO_DATA, alpha, beta, convDesc);
    const struct fake_filter *filter = fake_filter_of("wDesc", wDesc);

    if (fake_library_lacks_memory()) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    }
    work.x = *fake_tensor_of("dxDesc", dxDesc);
    work.w = fake_tensor_of_filter(filter);
    work.y = *fake_tensor_of("dyDesc", dyDesc);
    work.in = w;
    work.other = dy;
    work.out = dx;
    work.workspace = workSpace;
    work.workspace_bytes = bytes;
    return convolve(handle, &work, (int)algo, filter, names, data);
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void *alpha,
                                             const cudnnTensorDescriptor_t xDesc, const void *x,
                                             const cudnnTensorDescriptor_t dyDesc, const void *dy,
                                             const cudnnConvolutionDescriptor_t convDesc,
                                             cudnnConvolutionBwdFilterAlgo_t algo, void *workSpace,
                                             size_t bytes, const void *beta,
                                             const cudnnFilterDescriptor_t dwDesc, void *dw)
{
    static const char *const names[] = {"xDesc", "dwDesc", "dyDesc"};
    static const char *const data[] = {"x", "dy", "dw"};
    struct work work = work_of("cudnnConvolutionBackwardFilter", TO_FILTER, alpha, beta, convDesc);
    const struct fake_filter *filter = fake_filter_of("dwDesc", dwDesc);

    if (fake_library_lacks_memory()) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    }
    work.x = *fake_tensor_of("xDesc", xDesc);
    work.w = fake_tensor_of_filter(filter);
    work.y = *fake_tensor_of("dyDesc", dyDesc);
    work.in = x;
    work.other = dy;
    work.out = dw;
    work.workspace = workSpace;
    work.workspace_bytes = bytes;
    return convolve(handle, &work, (int)algo, filter, names, data);
}

/* ---- questions ---- */

static cudnnStatus_t ask(const char *call, enum pass pass, cudnnHandle_t handle, const void *x,
                         const void *w, const void *y, const void *convolution, int algo,
                         size_t *bytes)
{
    static const char *const  names[] = {"xDesc", "wDesc", "yDesc"};
    struct work               work = {.pass = pass};
    const struct fake_cudnn  *of;
    const struct fake_filter *filter;

    (void)fake_enter(call);
    of = fake_object("handle", handle, FAKE_CUDNN);
    filter = fake_filter_of("wDesc", w);
    work.convolution = *fake_convolution_of("convDesc", convolution);
    work.x = *fake_tensor_of("xDesc", x);
    work.w = fake_tensor_of_filter(filter);
    work.y = *fake_tensor_of("yDesc", y);
    check_algorithm(of, &work, algo);
    check_shapes(&work, filter, names);
    fake_check_host("sizeInBytes", bytes, sizeof *bytes);
    *bytes = fake_workspace(&work.w, algo);
    return fake_cudnn_leave(fake_sticking());
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t                      handle,
                                                      const cudnnTensorDescriptor_t      xDesc,
                                                      const cudnnFilterDescriptor_t      wDesc,
                                                      const cudnnConvolutionDescriptor_t convDesc,
                                                      const cudnnTensorDescriptor_t      yDesc,
                                                      cudnnConvolutionFwdAlgo_t algo, size_t *bytes)
{
    return ask("cudnnGetConvolutionForwardWorkspaceSize", FORWARD, handle, xDesc, wDesc, yDesc,
               convDesc, (int)algo, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t wDesc, const cudnnTensorDescriptor_t dyDesc,
    const cudnnConvolutionDescriptor_t convDesc, const cudnnTensorDescriptor_t dxDesc,
    cudnnConvolutionBwdDataAlgo_t algo, size_t *bytes)
{
    return ask("cudnnGetConvolutionBackwardDataWorkspaceSize", TO_DATA, handle, dxDesc, wDesc,
               dyDesc, convDesc, (int)algo, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t xDesc, const cudnnTensorDescriptor_t dyDesc,
    const cudnnConvolutionDescriptor_t convDesc, const cudnnFilterDescriptor_t dwDesc,
    cudnnConvolutionBwdFilterAlgo_t algo, size_t *bytes)
{
    return ask("cudnnGetConvolutionBackwardFilterWorkspaceSize", TO_FILTER, handle, xDesc, dwDesc,
               dyDesc, convDesc, (int)algo, bytes);
}
