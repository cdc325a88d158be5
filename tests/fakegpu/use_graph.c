/* A plain user of the stand-in of cuDNN's backend: each pass of convolutions with awkward shapes, compared with its
 * definition in double precision, and what the engines do that it does not take; ends with 1 and a line where something
 * is not as it should be. What planted misuse is planted into. */
#include "tests/fakegpu/use_graph.h"

#include <math.h>
#include <string.h>

#include "tests/fakegpu/use.h"

struct used {
    cudnnHandle_t handle;
    cudaStream_t  stream;
};

/* The tensors of a job: as numbers, which of them is written, and in device memory. */
struct arrays {
    const struct job *job;
    int64_t           dims[TENSORS][4];
    size_t            n[TENSORS];
    float            *host[TENSORS];
    void             *at[TENSORS];
    int               out;
};

/* ---- numbers ---- */

/* Of 24 bits, or of the 8 that bfloat16 keeps. */
static float number(size_t k, bool half)
{
    return half ? (float)((int)(k * 7919 % 255) - 127) / 128.0f
                : (float)((int)(k * 7919 % 2003) - 1001) / 1001.0f;
}

static void send(const struct arrays *a, int tensor, const float *numbers)
{
    const size_t n = a->n[tensor];
    uint16_t    *halves = malloc(n * sizeof *halves);

    for (size_t k = 0; k < n; k++)
        memcpy(&halves[k], (const char *)&numbers[k] + 2, 2);
    OK(cudaMemcpy(a->at[tensor], a->job->half ? (const void *)halves : numbers,
                  n * (a->job->half ? 2 : 4), cudaMemcpyHostToDevice));
    free(halves);
}

static float *receive(const struct arrays *a, int tensor)
{
    const size_t n = a->n[tensor];
    float       *numbers = calloc(n, sizeof *numbers);
    uint16_t    *halves = malloc(n * sizeof *halves);

    OK(cudaMemcpy(a->job->half ? (void *)halves : numbers, a->at[tensor],
                  n * (a->job->half ? 2 : 4), cudaMemcpyDeviceToHost));
    for (size_t k = 0; a->job->half && k < n; k++)
        memcpy((char *)&numbers[k] + 2, &halves[k], 2);
    free(halves);
    return numbers;
}

static struct arrays make_arrays(const struct job *job)
{
    static const int outs[] = {[FORWARD] = Y, [TO_DATA] = X, [TO_FILTER] = W};
    struct arrays    a = {.job = job, .out = outs[job->pass]};

    for (int t = 0; t < TENSORS; t++) {
        dims_of(job, t, a.dims[t]);
        a.n[t] = (size_t)(a.dims[t][0] * a.dims[t][1] * a.dims[t][2] * a.dims[t][3]);
        a.host[t] = malloc(a.n[t] * sizeof(float));
        for (size_t k = 0; k < a.n[t]; k++)
            a.host[t][k] = number(k + 100 * (size_t)t, job->half);
        if (t == SUMMAND && job->in_place) {
            a.at[t] = a.at[a.out];
            memcpy(a.host[t], a.host[a.out], a.n[t] * sizeof(float));
            continue;
        }
        OK(cudaMalloc(&a.at[t], a.n[t] * (job->half ? 2 : 4)));
        send(&a, t, a.host[t]);
    }
    return a;
}

static void end_arrays(struct arrays *a)
{
    for (int t = 0; t < TENSORS; t++) {
        if (t != SUMMAND || !a->job->in_place)
            OK(cudaFree(a->at[t]));
        free(a->host[t]);
    }
}

/* ---- the definition ---- */

static size_t at(const struct arrays *a, int tensor, int64_t n, int64_t c, int64_t h, int64_t w)
{
    const int64_t *d = a->dims[tensor];

    return (size_t)(a->job->last ? ((n * d[2] + h) * d[3] + w) * d[1] + c
                                 : ((n * d[1] + c) * d[2] + h) * d[3] + w);
}

/* Add a product to the number of the output that it belongs to, and its size to `sizes`. */
static void add(const struct arrays *a, const size_t where[3], double *sums, double *sizes)
{
    double product = 1.0;

    for (int t = X; t <= Y; t++)
        if (t != a->out)
            product *= (double)a->host[t][where[t]];
    sums[where[a->out]] += product;
    sizes[where[a->out]] += fabs(product);
}

static void add_products(const struct arrays *a, double *sums, double *sizes)
{
    const struct job *job = a->job;
    const int64_t    *y = a->dims[Y], *w = a->dims[W], *x = a->dims[X];
    const int64_t     total = y[0] * y[1] * y[2] * y[3] * w[1] * w[2] * w[3];

    for (int64_t e = 0; e < total; e++) {
        int64_t s = e % w[3], r = e / w[3] % w[2], c = e / (w[3] * w[2]) % w[1];
        int64_t rest = e / (w[3] * w[2] * w[1]);
        int64_t q = rest % y[3], p = rest / y[3] % y[2], k = rest / (y[3] * y[2]) % y[1];
        int64_t n = rest / (y[3] * y[2] * y[1]);
        int64_t height = p * job->stride - job->pad + r * job->dilation;
        int64_t width = q * job->stride - job->pad + s * job->dilation;
        int64_t channel = k / (y[1] / job->groups) * w[1] + c;

        if (height < 0 || height >= x[2] || width < 0 || width >= x[3])
            continue;
        add(a,
            (size_t[3]){at(a, X, n, channel, height, width), at(a, W, k, c, r, s),
                        at(a, Y, n, k, p, q)},
            sums, sizes);
    }
}

/* What stands behind a forward pass. */
static void add_others(const struct arrays *a, double *sums, double *sizes)
{
    const struct job *job = a->job;
    const size_t      plane = job->last ? 1 : (size_t)(a->dims[Y][2] * a->dims[Y][3]);

    for (size_t k = 0; k < a->n[a->out]; k++) {
        if (job->sum)
            sums[k] += (double)a->host[SUMMAND][k];
        if (job->bias)
            sums[k] += (double)a->host[BIAS][k / plane % a->n[BIAS]];
        sums[k] += (double)(job->beta * a->host[a->out][k]);
        sizes[k] += 3.0;
        if (job->relu && !(sums[k] > 0.0))
            sums[k] = 0.0;
        if (job->relu && job->cap > 0.0f && sums[k] > (double)job->cap)
            sums[k] = (double)job->cap;
    }
}

/* The largest error as a part of what rounding explains: of sums in float32, and of results in bfloat16. */
static double worst(const struct arrays *a, const float *got)
{
    const size_t n = a->n[a->out];
    double      *sums = calloc(n, sizeof *sums), *sizes = calloc(n, sizeof *sizes);
    double       most = 0.0;

    add_products(a, sums, sizes);
    add_others(a, sums, sizes);
    for (size_t k = 0; k < n; k++) {
        double allowed = 4e-6 * sizes[k] + (a->job->half ? 0.00392 * fabs(sums[k]) : 0.0);
        double error = fabs((double)got[k] - sums[k]) / allowed;

        if (!(error <= most))
            most = error; /* a NaN stays */
    }
    free(sums);
    free(sizes);
    return most;
}

/* ---- jobs ---- */

static void fail(const struct job *job, const char *what, double value)
{
    printf("pass %d, %lld channels to %lld, filters of %lld, bfloat16 %d: %s (%g)\n",
           (int)job->pass, (long long)job->c, (long long)job->k, (long long)job->side, job->half,
           what, value);
    fflush(stdout);
    exit(1);
}

/* Run a plan and return what came out; `captured`: as a graph of CUDA's. */
static float *outcome(const struct used *used, const struct plan *plan, const struct arrays *a,
                      bool captured)
{
    void  *workspace = NULL;
    float *got;

    if (plan->workspace > 0)
        OK(cudaMalloc(&workspace, (size_t)plan->workspace));
    if (captured)
        OK(cudaStreamBeginCapture(used->stream, cudaStreamCaptureModeThreadLocal));
    run_plan(plan, used->handle, a->at, workspace);
    if (captured) {
        cudaGraph_t     graph = NULL;
        cudaGraphExec_t exec = NULL;

        OK(cudaStreamEndCapture(used->stream, &graph));
        OK(cudaGraphInstantiate(&exec, graph, 0));
        OK(cudaGraphLaunch(exec, used->stream));
        OK(cudaGraphExecDestroy(exec));
        OK(cudaGraphDestroy(graph));
    }
    OK(cudaStreamSynchronize(used->stream));
    got = receive(a, a->out);
    OK(cudaFree(workspace));
    return got;
}

/* By the engine that a careful user takes. */
static void compute(const struct used *used, const struct job *job, bool captured)
{
    struct plan   plan;
    struct arrays a = make_arrays(job);
    float        *got;
    double        error;

    if (!make_plan(&plan, used->handle, job, USABLE))
        fail(job, "no engine", 0.0);
    if (plan.fallback != (job->side == 5 && job->stride == 2))
        fail(job, "an engine from the other list", plan.fallback);
    got = outcome(used, &plan, &a, captured);
    error = worst(&a, got);
    if (!(error <= 1.0))
        fail(job, "errors larger than rounding explains", error);
    free(got);
    end_plan(&plan);
    end_arrays(&a);
}

/* Errors of the engine that is ranked so, and whether it repeats itself. */
static double try_engine(const struct used *used, const struct job *job, int engine, bool *repeats)
{
    struct plan   plan;
    struct arrays a = make_arrays(job);
    float        *first, *second;
    double        error;

    if (!make_plan(&plan, used->handle, job, engine))
        fail(job, "no such engine", engine);
    first = outcome(used, &plan, &a, false);
    second = outcome(used, &plan, &a, false);
    *repeats = memcmp(first, second, a.n[a.out] * sizeof *first) == 0;
    error = worst(&a, first);
    free(first);
    free(second);
    end_plan(&plan);
    end_arrays(&a);
    return error;
}

/* Engines that this project does not take are told apart by what they compute. */
static void try_engines(const struct used *used, const struct job *job)
{
    static const struct {
        bool half, repeats, exact;
        int  engine;
    } known[] = {{false, false, true, 3}, {false, true, false, 4}, {false, true, false, 5},
                 {false, true, true, 6},  {true, false, true, 3},  {true, true, false, 4},
                 {true, true, true, 5}};

    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        bool   repeats = false;
        double error;

        if (known[k].half != job->half)
            continue;
        error = try_engine(used, job, known[k].engine, &repeats);
        if (!job->half && repeats != known[k].repeats)
            fail(job, "repeats itself, or not", known[k].engine);
        if ((error <= 1.0) != known[k].exact || !(error <= 1000.0))
            fail(job, "errors that this engine should not have", error);
    }
}

/* A ReLU keeps what is no number if it was told so, and not otherwise. */
static void take_relu_of_nan(const struct used *used, const struct job *job)
{
    struct plan   plan;
    struct arrays a = make_arrays(job);
    float        *got;

    for (size_t k = 0; k < a.n[BIAS]; k++)
        a.host[BIAS][k] = NAN;
    send(&a, BIAS, a.host[BIAS]);
    if (!make_plan(&plan, used->handle, job, USABLE))
        fail(job, "no engine", 0.0);
    got = outcome(used, &plan, &a, false);
    for (size_t k = 0; k < a.n[Y]; k++)
        if (job->keeps_nan ? !isnan(got[k]) : !(got[k] == 0.0f))
            fail(job, "the ReLU of no number", (double)got[k]);
    free(got);
    end_plan(&plan);
    end_arrays(&a);
}

/* No engine at all. */
static void find_none(const struct used *used, const struct job *job)
{
    struct plan plan;

    if (make_plan(&plan, used->handle, job, USABLE))
        fail(job, "an engine where there is none", 0.0);
    end_plan(&plan);
}

static void compute_all(const struct used *used)
{
    static const struct job jobs[] = {
        {.n = 2, .c = 3, .h = 7, .w = 5, .k = 4, .side = 3, .stride = 1, .pad = 1},
        {.n = 3, .c = 4, .h = 8, .w = 8, .k = 6, .side = 3, .stride = 2, .pad = 1, .groups = 2},
        {.n = 1,
         .c = 6,
         .h = 9,
         .w = 9,
         .k = 6,
         .side = 3,
         .stride = 1,
         .pad = 2,
         .dilation = 2,
         .groups = 6},
        {.n = 2, .c = 4, .h = 6, .w = 9, .k = 5, .side = 1, .stride = 1, .last = true},
        {.n = 2, .c = 2, .h = 9, .w = 9, .k = 3, .side = 5, .stride = 2, .pad = 2},
        {.n = 2, .c = 16, .h = 7, .w = 5, .k = 8, .side = 3, .stride = 1, .pad = 1, .half = true},
        {.n = 2,
         .c = 32,
         .h = 6,
         .w = 6,
         .k = 16,
         .side = 1,
         .stride = 2,
         .groups = 2,
         .half = true},
        {.n = 1,
         .c = 8,
         .h = 9,
         .w = 9,
         .k = 16,
         .side = 3,
         .stride = 2,
         .pad = 1,
         .groups = 8,
         .half = true},
    };

    for (size_t k = 0; k < sizeof jobs / sizeof *jobs; k++)
        for (int pass = FORWARD; pass <= TO_FILTER; pass++) {
            struct job job = jobs[k];

            job.pass = (enum pass)pass;
            job.groups = job.groups ? job.groups : 1;
            job.dilation = job.dilation ? job.dilation : 1;
            job.last |= job.half;
            job.beta = k % 2 == 0 ? 0.0f : 1.0f;
            compute(used, &job, false);
            for (int behind = 1; pass == FORWARD && behind < 8; behind++) {
                job.beta = 0.0f;
                job.sum = behind & 1;
                job.bias = behind & 2;
                job.relu = behind & 4;
                job.cap = k % 2 == 0 ? 0.5f : 0.0f;
                job.in_place = job.sum && k % 3 == 0;
                compute(used, &job, behind == 7);
            }
        }
}

int main(void)
{
    const struct job wide = {.n = 3,
                             .c = 16,
                             .h = 9,
                             .w = 9,
                             .k = 32,
                             .side = 3,
                             .stride = 1,
                             .pad = 1,
                             .dilation = 1,
                             .groups = 1};
    struct used      used = {NULL, NULL};

    OK(cudaStreamCreateWithFlags(&used.stream, cudaStreamNonBlocking));
    OK(cudnnCreate(&used.handle));
    OK(cudnnSetStream(used.handle, used.stream));
    compute_all(&used);
    for (int k = 0; k < 4; k++) {
        struct job job = wide;

        job.bias = job.relu = true;
        job.half = job.last = k & 1;
        job.keeps_nan = k & 2;
        take_relu_of_nan(&used, &job);
    }
    for (int pass = FORWARD; pass <= TO_FILTER; pass++)
        for (int half = 0; half < 2; half++) {
            struct job job = wide;

            job.pass = (enum pass)pass;
            job.half = job.last = half;
            try_engines(&used, &job);
            job.side = 4;
            find_none(&used, &job);
        }
    OK(cudnnDestroy(used.handle));
    OK(cudaStreamDestroy(used.stream));
    return 0;
}
