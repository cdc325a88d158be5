/* Graphs of cuDNN's backend: how a plan is made of a convolution, and run. */
#include "tests/fakegpu/use_graph.h"

#include "tests/fakegpu/use.h"

enum {
    LISTED = 16,     /* engines that are looked at */
    NOTES = 16,      /* of an engine */
    VIRTUAL = 100,   /* identifiers of tensors that lie nowhere, from here on */
    ROOM = 64 << 20, /* bytes of workspace at most */
};

static cudnnBackendDescriptor_t part(struct plan *plan, cudnnBackendDescriptorType_t type)
{
    cudnnBackendDescriptor_t made = NULL;

    if (plan->n == PARTS)
        exit(1);
    OK(cudnnBackendCreateDescriptor(type, &made));
    plan->parts[plan->n++] = made;
    return made;
}

static void drop(struct plan *plan)
{
    OK(cudnnBackendDestroyDescriptor(plan->parts[--plan->n]));
}

static void set(cudnnBackendDescriptor_t part, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *elements)
{
    OK(cudnnBackendSetAttribute(part, name, type, count, elements));
}

static void link_to(cudnnBackendDescriptor_t part, cudnnBackendAttributeName_t name,
                    cudnnBackendDescriptor_t other)
{
    set(part, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &other);
}

static void set_whole(cudnnBackendDescriptor_t part, cudnnBackendAttributeName_t name,
                      int64_t count, int64_t value)
{
    const int64_t values[2] = {value, value};

    set(part, name, CUDNN_TYPE_INT64, count, values);
}

static void set_type(cudnnBackendDescriptor_t part, cudnnBackendAttributeName_t name,
                     cudnnDataType_t type)
{
    set(part, name, CUDNN_TYPE_DATA_TYPE, 1, &type);
}

/* ---- the graph ---- */

void dims_of(const struct job *job, int tensor, int64_t dims[4])
{
    const int64_t reach = job->dilation * (job->side - 1) + 1;
    const int64_t p = (job->h + 2 * job->pad - reach) / job->stride + 1;
    const int64_t q = (job->w + 2 * job->pad - reach) / job->stride + 1;
    const int64_t all[TENSORS][4] = {[X] = {job->n, job->c, job->h, job->w},
                                     [W] = {job->k, job->c / job->groups, job->side, job->side},
                                     [Y] = {job->n, job->k, p, q},
                                     [SUMMAND] = {job->n, job->k, p, q},
                                     [BIAS] = {1, job->k, 1, 1}};

    for (int d = 0; d < 4; d++)
        dims[d] = all[tensor][d];
}

bool has_tensor(const struct job *job, int tensor)
{
    return tensor <= Y || (tensor == SUMMAND && job->sum) || (tensor == BIAS && job->bias);
}

/* id: of a tensor that lies in memory, or VIRTUAL and more. */
static cudnnBackendDescriptor_t tensor(struct plan *plan, int64_t id)
{
    const struct job        *job = &plan->job;
    const bool               inside = id >= VIRTUAL;
    cudnnBackendDescriptor_t made = part(plan, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    int64_t                  d[4];

    dims_of(job, inside ? Y : (int)id, d);
    set_type(made, CUDNN_ATTR_TENSOR_DATA_TYPE,
             job->half && !inside ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT);
    set(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, d);
    if (job->last)
        set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4,
            (int64_t[4]){d[1] * d[2] * d[3], 1, d[3] * d[1], d[1]});
    else
        set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4,
            (int64_t[4]){d[1] * d[2] * d[3], d[2] * d[3], d[3], 1});
    set_whole(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, 1, id);
    set_whole(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 1, 16);
    if (inside)
        set(made, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &inside);
    OK(cudnnBackendFinalize(made));
    return made;
}

static cudnnBackendDescriptor_t windows(struct plan *plan)
{
    const struct job            *job = &plan->job;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    cudnnBackendDescriptor_t     made = part(plan, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);

    set_whole(made, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 1, 2);
    set_type(made, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    set(made, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set_whole(made, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 2, job->pad);
    set_whole(made, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, 2, job->pad);
    set_whole(made, CUDNN_ATTR_CONVOLUTION_DILATIONS, 2, job->dilation);
    set_whole(made, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 2, job->stride);
    OK(cudnnBackendFinalize(made));
    return made;
}

static cudnnBackendDescriptor_t convolution(struct plan *plan, cudnnBackendDescriptor_t y)
{
    static const struct {
        cudnnBackendDescriptorType_t type;
        cudnnBackendAttributeName_t  x, w, y, windows, alpha, beta;
    } names[] = {
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA}};
    const enum pass          pass = plan->job.pass;
    const float              one = 1.0f, beta = plan->job.beta;
    cudnnBackendDescriptor_t x = tensor(plan, X), w = tensor(plan, W), how = windows(plan);
    cudnnBackendDescriptor_t made = part(plan, names[pass].type);

    link_to(made, names[pass].x, x);
    link_to(made, names[pass].w, w);
    link_to(made, names[pass].y, y);
    link_to(made, names[pass].windows, how);
    set(made, names[pass].alpha, CUDNN_TYPE_FLOAT, 1, &one);
    set(made, names[pass].beta, CUDNN_TYPE_FLOAT, 1, &beta);
    OK(cudnnBackendFinalize(made));
    return made;
}

/* The sum of x and another tensor, or without one the ReLU of x. */
static cudnnBackendDescriptor_t pointwise(struct plan *plan, cudnnBackendDescriptor_t x,
                                          cudnnBackendDescriptor_t other,
                                          cudnnBackendDescriptor_t y)
{
    const cudnnPointwiseMode_t  mode = other ? CUDNN_POINTWISE_ADD : CUDNN_POINTWISE_RELU_FWD;
    const cudnnNanPropagation_t nan = CUDNN_PROPAGATE_NAN;
    const double                cap = (double)plan->job.cap;
    cudnnBackendDescriptor_t    how = part(plan, CUDNN_BACKEND_POINTWISE_DESCRIPTOR), made;

    set(how, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    set_type(how, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    if (!other && plan->job.keeps_nan)
        set(how, CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, 1, &nan);
    if (!other && cap > 0.0)
        set(how, CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 1, &cap);
    OK(cudnnBackendFinalize(how));
    made = part(plan, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    link_to(made, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
    link_to(made, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (other)
        link_to(made, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, other);
    link_to(made, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    OK(cudnnBackendFinalize(made));
    return made;
}

static void make_graph(struct plan *plan, cudnnHandle_t handle)
{
    const struct job        *job = &plan->job;
    const bool               there[] = {job->sum, job->bias, job->relu};
    const int                added[] = {SUMMAND, BIAS, 0};
    int                      left = job->sum + job->bias + job->relu;
    int64_t                  n = 0;
    cudnnBackendDescriptor_t y = tensor(plan, left > 0 ? VIRTUAL : Y), operations[4];

    operations[n++] = convolution(plan, y);
    for (int k = 0; k < 3; k++) {
        cudnnBackendDescriptor_t x = y, other;

        if (!there[k])
            continue;
        other = added[k] ? tensor(plan, added[k]) : NULL;
        y = tensor(plan, --left > 0 ? VIRTUAL + n : Y);
        operations[n++] = pointwise(plan, x, other, y);
    }
    plan->graph = part(plan, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(plan->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    set(plan->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, n, operations);
    OK(cudnnBackendFinalize(plan->graph));
}

/* ---- the engine ---- */

static bool is_usable(struct plan *plan, cudnnBackendDescriptor_t configuration)
{
    cudnnBackendNumericalNote_t numbers[NOTES];
    cudnnBackendBehaviorNote_t  behaviour[NOTES];
    int64_t                     n = 0;
    bool                        usable = true;
    cudnnBackendDescriptor_t    engine = part(plan, CUDNN_BACKEND_ENGINE_DESCRIPTOR);

    OK(cudnnBackendGetAttribute(configuration, CUDNN_ATTR_ENGINECFG_ENGINE,
                                CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n, &engine));
    OK(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                NOTES, &n, numbers));
    for (int64_t k = 0; k < n; k++)
        usable &= plan->job.half && numbers[k] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
    OK(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
                                NOTES, &n, behaviour));
    for (int64_t k = 0; k < n; k++)
        usable &= behaviour[k] != CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
    drop(plan);
    return usable;
}

/* Whether a plan could be made, and needs no more memory than there is. */
static bool try_plan(struct plan *plan, cudnnHandle_t handle,
                     cudnnBackendDescriptor_t configuration)
{
    int64_t       one = 0;
    cudnnStatus_t status;

    plan->plan = part(plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    link_to(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    status = cudnnBackendFinalize(plan->plan);
    if (status == CUDNN_STATUS_SUCCESS) {
        OK(cudnnBackendGetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                    CUDNN_TYPE_INT64, 1, &one, &plan->workspace));
        if (plan->workspace <= ROOM)
            return true;
    } else if (status != CUDNN_STATUS_NOT_SUPPORTED) {
        printf("a plan fails with %d\n", (int)status);
        exit(1);
    }
    drop(plan);
    return false;
}

/* Descriptors of what is ranked; how many. */
static int64_t rank(struct plan *plan, cudnnBackendHeurMode_t mode,
                    cudnnBackendDescriptor_t ranked[LISTED])
{
    cudnnBackendDescriptor_t heuristic = part(plan, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    int64_t                  room = 0, n = 0;

    link_to(heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, plan->graph);
    set(heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    OK(cudnnBackendFinalize(heuristic));
    OK(cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &room, NULL));
    if (room > LISTED)
        room = LISTED;
    for (int64_t k = 0; k < room; k++)
        ranked[k] = part(plan, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (room > 0)
        OK(cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, room, &n, ranked));
    return n < room ? n : room;
}

bool make_plan(struct plan *plan, cudnnHandle_t handle, const struct job *job, int engine)
{
    static const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};

    *plan = (struct plan){.job = *job};
    make_graph(plan, handle);
    for (int m = 0; m < 2; m++) {
        cudnnBackendDescriptor_t ranked[LISTED];
        const int64_t            n = rank(plan, modes[m], ranked);

        plan->fallback = m == 1;
        for (int64_t k = 0; k < n; k++)
            if ((engine == USABLE ? is_usable(plan, ranked[k]) : engine == k) &&
                try_plan(plan, handle, ranked[k]))
                return true;
    }
    return false;
}

/* ---- running ---- */

void run_plan(const struct plan *plan, cudnnHandle_t handle, void *const at[TENSORS],
              void *workspace)
{
    cudnnBackendDescriptor_t pack = NULL;
    int64_t                  ids[TENSORS], n = 0;
    void                    *pointers[TENSORS];

    for (int t = 0; t < TENSORS; t++)
        if (has_tensor(&plan->job, t)) {
            ids[n] = t;
            pointers[n++] = at[t];
        }
    OK(cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack));
    set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, n, pointers);
    set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, n, ids);
    set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    OK(cudnnBackendFinalize(pack));
    OK(cudnnBackendExecute(handle, plan->plan, pack));
    OK(cudnnBackendDestroyDescriptor(pack));
}

void end_plan(struct plan *plan)
{
    while (plan->n > 0)
        drop(plan);
}
