/* cuFFT: many inverse transforms of half spectra into real images, one behind the other. */
#include <complex.h>
#include <cufft.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/fake.h"

enum {
    PLANS = 1024 /* of a process */
};

struct plan {
    cudaStream_t stream;
    bool         made, own_work; /* own_work: the caller brings the work area */
    void        *work;
    size_t       work_bytes;
    int          height, width, batch;
};

static struct {
    struct plan *all[PLANS];
    int          n;
} plans;

static cufftResult leave(cudaError_t status)
{
    (void)fake_leave(cudaSuccess);
    return status == cudaSuccess ? CUFFT_SUCCESS : CUFFT_EXEC_FAILED;
}

static struct plan *plan_of(cufftHandle handle)
{
    if (handle < 1 || handle > plans.n)
        fake_misuse("plan", "%d is no plan of cufftCreate", handle);
    return fake_object("plan", plans.all[handle - 1], FAKE_CUFFT);
}

static struct plan *made_plan(cufftHandle handle)
{
    struct plan *plan = plan_of(handle);

    if (!plan->made)
        fake_misuse("plan", "was never made: what it transforms is not known");
    return plan;
}

cufftResult cufftCreate(cufftHandle *handle)
{
    cudaError_t status = fake_enter("cufftCreate");

    if (!handle)
        fake_misuse("handle", "is NULL");
    if (status != cudaSuccess) {
        (void)fake_leave(cudaSuccess);
        return CUFFT_SETUP_FAILED;
    }
    if (plans.n == PLANS)
        fake_misuse("handle", "more than %d plans", PLANS);
    plans.all[plans.n++] = fake_object_new(FAKE_CUFFT);
    *handle = plans.n;
    return leave(cudaSuccess);
}

cufftResult cufftDestroy(cufftHandle handle)
{
    cudaError_t status = fake_enter("cufftDestroy");

    fake_object_free(plan_of(handle));
    return leave(status);
}

cufftResult cufftSetAutoAllocation(cufftHandle handle, int automatic)
{
    cudaError_t  status = fake_enter("cufftSetAutoAllocation");
    struct plan *plan = plan_of(handle);

    if (plan->made)
        fake_misuse("plan", "is made already: it has its work area");
    if (automatic != 0 && automatic != 1)
        fake_misuse("autoAllocate", "%d is neither 0 nor 1", automatic);
    plan->own_work = !automatic;
    return leave(status);
}

static void check_distance(const char *argument, const int *embed, int stride, int distance,
                           int numbers)
{
    if (embed)
        fake_misuse(argument, "is not NULL: this project's images lie one behind the other");
    if (stride != 1)
        fake_misuse(argument, "the stride %d goes with an embedding alone", stride);
    if (distance != numbers)
        fake_misuse(argument, "one is %d numbers after the other, and has %d", distance, numbers);
}

cufftResult cufftMakePlanMany(cufftHandle handle, int rank, int *n, int *inembed, int istride,
                              int idist, int *onembed, int ostride, int odist, cufftType type,
                              int batch, size_t *bytes)
{
    cudaError_t  status = fake_enter("cufftMakePlanMany");
    struct plan *plan = plan_of(handle);

    fake_check_host("workSize", bytes, sizeof *bytes);
    if (plan->made)
        fake_misuse("plan", "is made already");
    if (rank != 2)
        fake_misuse("rank", "%d is not the 2 of an image", rank);
    fake_check_host("n", n, 2 * sizeof *n);
    if (n[0] < 1 || n[1] < 1 || batch < 1)
        fake_misuse("n", "%d images of %d x %d", batch, n[0], n[1]);
    if (type != CUFFT_C2R)
        fake_misuse("type", "%d is not CUFFT_C2R", (int)type);
    check_distance("inembed", inembed, istride, idist, n[0] * (n[1] / 2 + 1));
    check_distance("onembed", onembed, ostride, odist, n[0] * n[1]);
    plan->made = true;
    plan->height = n[0];
    plan->width = n[1];
    plan->batch = batch;
    plan->work_bytes = *bytes = (size_t)batch * (size_t)idist * sizeof(cufftComplex);
    return leave(status);
}

cufftResult cufftSetWorkArea(cufftHandle handle, void *work)
{
    cudaError_t  status = fake_enter("cufftSetWorkArea");
    struct plan *plan = made_plan(handle);

    if (!plan->own_work)
        fake_misuse("plan", "has a work area of its own");
    (void)fake_block_of("workArea", work, plan->work_bytes, fake_device());
    if ((uintptr_t)work % FAKE_ALIGN != 0)
        fake_misuse("workArea", "must be aligned to %d bytes", FAKE_ALIGN);
    plan->work = work;
    return leave(status);
}

cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream)
{
    cudaError_t  status = fake_enter("cufftSetStream");
    struct plan *plan = plan_of(handle);

    (void)fake_stream_of("stream", stream);
    plan->stream = stream;
    return leave(status);
}

/* ---- transforms, in double precision by their definition, axis by axis ---- */

struct transform {
    int           height, width, batch;
    cufftComplex *spectra;
    cufftReal    *images;
};

static double complex number(const cufftComplex *at)
{
    return (double)at->x + I * (double)at->y;
}

/* exp(2 pi i k / n) of k = 0 .. n - 1. */
static double complex *roots(int n)
{
    double complex *made = malloc((size_t)n * sizeof *made);

    for (int k = 0; made && k < n; k++)
        made[k] = cexp(2 * M_PI * I * k / n);
    return made;
}

/* Of a column that is its own mirror image, the numbers must be each other's conjugates, or what a
 * transform makes of them is not defined. */
static void check_mirror(const struct transform *t, const cufftComplex *spectrum, int column)
{
    const int columns = t->width / 2 + 1;

    for (int v = 0; v < t->height; v++) {
        double complex a = number(&spectrum[v * columns + column]);
        double complex b = number(&spectrum[(t->height - v) % t->height * columns + column]);

        if (!(cabs(a - conj(b)) <= 1e-6 * (cabs(a) + cabs(b))))
            fake_misuse_in("cufftExecC2R", "idata",
                           "column %d is not the mirror image of itself: no real image has it",
                           column);
    }
}

/* lines (columns, height): each column transformed. */
static void down(const struct transform *t, const cufftComplex *spectrum, double complex *lines)
{
    const int       columns = t->width / 2 + 1, height = t->height;
    double complex *root = roots(height);

    for (int u = 0; u < columns; u++)
        for (int y = 0; y < height; y++) {
            double complex sum = 0;

            for (int v = 0; v < height; v++)
                sum += number(&spectrum[v * columns + u]) * root[(long)v * y % height];
            lines[u * height + y] = sum;
        }
    free(root);
}

static void along(const struct transform *t, const double complex *lines, cufftReal *image)
{
    const int       columns = t->width / 2 + 1, height = t->height, width = t->width;
    double complex *root = roots(width);

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double sum = 0;

            for (int u = 0; u < columns; u++) {
                double part = creal(lines[u * height + y] * root[(long)u * x % width]);

                sum += u == 0 || 2 * u == width ? part : 2 * part;
            }
            image[y * width + x] = (cufftReal)sum;
        }
    free(root);
}

/* The spectra are spoilt, as the library may do. */
static void run_transform(const void *data)
{
    const struct transform *t = data;
    const size_t            numbers = (size_t)t->height * (size_t)(t->width / 2 + 1);
    double complex         *lines = malloc(numbers * sizeof *lines);

    for (int k = 0; lines && k < t->batch; k++) {
        const cufftComplex *spectrum = t->spectra + (size_t)k * numbers;

        check_mirror(t, spectrum, 0);
        if (t->width % 2 == 0)
            check_mirror(t, spectrum, t->width / 2);
        down(t, spectrum, lines);
        along(t, lines, t->images + (size_t)k * (size_t)t->height * (size_t)t->width);
    }
    memset(t->spectra, 0xFF, (size_t)t->batch * numbers * sizeof *t->spectra);
    free(lines);
}

static void check_apart(const struct fake_span *a, const struct fake_span *b)
{
    const char *first = a->at, *second = b->at;

    if (first < second + b->bytes && second < first + a->bytes)
        fake_misuse(b->argument, "overlaps %s", a->argument);
}

cufftResult cufftExecC2R(cufftHandle handle, cufftComplex *idata, cufftReal *odata)
{
    cudaError_t            status = fake_enter("cufftExecC2R");
    const struct plan     *plan = made_plan(handle);
    const size_t           images = (size_t)plan->batch * (size_t)plan->height;
    const struct transform work = {plan->height, plan->width, plan->batch, idata, odata};
    struct fake_span       spans[3] = {
              {"idata", idata, images * (size_t)(plan->width / 2 + 1) * sizeof *idata, sizeof *idata,
               true},
              {"odata", odata, images * (size_t)plan->width * sizeof *odata, sizeof *odata, true},
              {"work area", plan->work, plan->work_bytes, FAKE_ALIGN, true}};

    if (plan->own_work && !plan->work)
        fake_misuse("plan", "has no work area: cufftSetWorkArea gives it one");
    check_apart(&spans[0], &spans[1]);
    if (plan->own_work) {
        check_apart(&spans[0], &spans[2]);
        check_apart(&spans[1], &spans[2]);
    }
    if (status == cudaSuccess)
        fake_queue(fake_stream_of("plan's stream", plan->stream), run_transform, &work, sizeof work,
                   spans, plan->own_work ? 3 : 2);
    return leave(status);
}
