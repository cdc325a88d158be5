#include "worker/bench_norm.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "kernels/device.h"
#include "kernels/nn.h"

static const double least_s = 0.05; /* of one measurement */

/* Arrays of images, and vectors of channels. */
enum {
    X,
    Y,
    A, /* gradient of y */
    DX,
    ARRAYS,
    SCALE = ARRAYS,
    SHIFT,
    MEAN,
    VARIANCE,
    DSCALE,
    DSHIFT,
    ALL
};

struct bench {
    struct kern_nn           *nn;
    const struct kern_device *on;
    struct kern_channels      where;
    size_t                    floats; /* of an array */
    float                    *at[ALL];
};

static size_t floats_of(const struct bench *bench, int which)
{
    return which < ARRAYS ? bench->floats : bench->where.channels;
}

/* All arrays get noise: what is written later is written over it. */
static int make_arrays(struct bench *bench, struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    float        *noise = malloc(bench->floats * sizeof *noise);
    int           rc = noise ? 0 : mx_fail(err, MX_ENOMEM, "no memory for a benchmark");

    for (size_t k = 0; noise && k < bench->floats; k++)
        noise[k] = (float)mx_rng_normal(&rng);
    for (int k = 0; k < ALL && rc == 0; k++) {
        const size_t bytes = floats_of(bench, k) * sizeof(float);

        bench->at[k] = bench->on->alloc(bench->nn, KERN_ALIGN, bytes, err);
        rc = bench->at[k] ? bench->on->put(bench->nn, bench->at[k], noise, bytes, err) : -1;
    }
    free(noise);
    return rc;
}

static void run_pass(const struct bench *bench, enum worker_bench_norm_pass pass)
{
    float *const              *at = bench->at;
    const struct kern_norm     norm = {.x = at[X],
                                       .scale = at[SCALE],
                                       .shift = at[SHIFT],
                                       .mean = at[MEAN],
                                       .variance = at[VARIANCE],
                                       .epsilon = 1e-5,
                                       .dx = at[DX],
                                       .dscale = at[DSCALE],
                                       .dshift = at[DSHIFT]};
    const struct kern_norm_sum sum = {
        .where = bench->where, .norms = {&norm, NULL}, .y = at[Y], .relu = true};
    const struct kern_norm_gradient gradient = {.a = at[A]};

    switch (pass) {
    case WORKER_BENCH_NORM_COPY:
        bench->on->copy(bench->nn, at[Y], at[X], bench->floats * sizeof(float));
        break;
    case WORKER_BENCH_NORM_FORWARD:
        bench->on->norm_forward(bench->nn, &sum);
        break;
    default:
        bench->on->norm_backward(bench->nn, &sum, &gradient);
    }
}

/* Seconds of so many, one behind the other. */
static int time_passes(const struct bench *bench, enum worker_bench_norm_pass pass, unsigned times,
                       double *seconds, struct mx_err *err)
{
    const double start = mx_clock_monotonic_s();
    float        any;

    for (unsigned t = 0; t < times; t++)
        run_pass(bench, pass);
    if (bench->on->get(bench->nn, &any, bench->at[MEAN], sizeof any, err))
        return -1;
    *seconds = mx_clock_monotonic_s() - start;
    return 0;
}

static int measure(const struct bench *bench, enum worker_bench_norm_pass pass, double *rates,
                   struct mx_err *err)
{
    static const double arrays[WORKER_BENCH_NORM_PASSES] = {2, 3, 5}; /* read or written */
    const double        bytes = arrays[pass] * (double)bench->floats * sizeof(float);
    unsigned            times = 1;
    double              seconds = 0;

    /* The first ones are not counted: memory is touched, and it is seen how long one takes. */
    while (seconds < least_s) {
        times *= 2;
        if (time_passes(bench, pass, times, &seconds, err))
            return -1;
    }
    for (int r = 0; r < WORKER_BENCH_NORM_REPEATS; r++) {
        if (time_passes(bench, pass, times, &seconds, err))
            return -1;
        rates[r] = times * bytes / seconds;
    }
    return 0;
}

int worker_bench_norm(const struct worker_bench_norm_shape *shape,
                      double         rates[WORKER_BENCH_NORM_PASSES][WORKER_BENCH_NORM_REPEATS],
                      struct mx_err *err)
{
    const uint32_t points = shape->side * shape->side;
    struct bench   bench = {.nn = kern_nn_new_cuda(KERN_F32, true, err),
                            .where = {.n = shape->images,
                                      .channels = shape->channels,
                                      .points = points,
                                      .block = 1,
                                      .image = (size_t)shape->channels * points,
                                      .group = points,
                                      .point = 1}};
    int            rc;

    if (!bench.nn)
        return -1;
    bench.on = kern_nn_device(bench.nn);
    bench.floats = shape->images * bench.where.image;
    rc = make_arrays(&bench, err);
    for (unsigned pass = 0; pass < WORKER_BENCH_NORM_PASSES && rc == 0; pass++)
        rc = measure(&bench, (enum worker_bench_norm_pass)pass, rates[pass], err);
    for (int k = 0; k < ALL; k++)
        bench.on->release(bench.nn, bench.at[k]);
    kern_nn_free(bench.nn);
    return rc;
}
