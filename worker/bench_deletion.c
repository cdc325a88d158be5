#include "worker/bench_deletion.h"

#include <stdlib.h>

#include "worker/bench_clock.h"
#include "worker/curve.h"
#include "worker/engine.h"
#include "worker/features.h"

enum {
    IMAGES = WORKER_FEATURE_BATCH, /* that the scores stage looks at together */
    STEPS = 28,
    PIXELS = 32 * 32,
    FLOATS = 3 * PIXELS
};

static const struct worker_shape shape = {3, 32, 32, 10, 0};
static const double              least_s = 0.2; /* of one measurement */

struct bench {
    struct worker_params  params;
    struct worker_engine *engine;
    float                 images[IMAGES * FLOATS], maps[IMAGES * PIXELS];
    float                 curves[IMAGES * (STEPS + 1)], logits[IMAGES * 10];
    uint32_t              targets[IMAGES], rows[IMAGES];
};

static int predict(void *bench, const float *images, uint32_t n, float *logits, struct mx_err *err)
{
    return worker_engine_infer(((struct bench *)bench)->engine, images, n, logits, err);
}

static int fill_bench(struct bench *bench, unsigned arch, enum worker_device device,
                      struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    bench->params = (struct worker_params){.model_arch = arch,
                                           .device = device,
                                           .train_threads = 1,
                                           .train_batch_size = IMAGES,
                                           .train_deterministic = true};
    for (size_t k = 0; k < (size_t)IMAGES * FLOATS; k++)
        bench->images[k] = (float)mx_rng_normal(&rng);
    for (size_t k = 0; k < (size_t)IMAGES * PIXELS; k++)
        bench->maps[k] = (float)mx_rng_uniform(&rng);
    for (uint32_t i = 0; i < IMAGES; i++) {
        bench->rows[i] = i;
        bench->targets[i] = i % shape.classes;
    }
    bench->engine = worker_engine_new(&bench->params, &shape, IMAGES,
                                      mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), err);
    return bench->engine ? 0 : -1;
}

static int infer_all(struct bench *bench, struct mx_err *err)
{
    for (int t = 0; t <= STEPS; t++)
        if (predict(bench, bench->images, IMAGES, bench->logits, err))
            return -1;
    return 0;
}

static int delete_all(struct bench *bench, enum worker_fill fill, struct mx_err *err)
{
    struct worker_curve_spec        spec = {.shape = shape,
                                            .steps = STEPS,
                                            .kind = WORKER_CURVE_DELETION,
                                            .fill = fill,
                                            .is_signed = true,
                                            .stream = mx_stream_make(0, 0, MX_PURPOSE_SCORE, 0),
                                            .batch = IMAGES,
                                            .predict = predict,
                                            .model = bench};
    const struct worker_curve_batch batch = {bench->images, bench->maps, bench->targets,
                                             bench->rows, IMAGES};

    worker_curve_use(&spec, bench->engine);
    return worker_curves(&spec, &batch, bench->curves, err);
}

/* Both by turns until they took long enough; *share: seconds of inference by those of curves. */
static int measure(struct bench *bench, enum worker_fill fill, double *share, double *rate,
                   struct mx_err *err)
{
    const enum worker_device device = (enum worker_device)bench->params.device;
    double                   inferring = 0, deleting = 0, images = 0;

    while (inferring < least_s) {
        const double start = worker_bench_clock(device);
        double       middle;

        if (infer_all(bench, err))
            return -1;
        middle = worker_bench_clock(device);
        if (delete_all(bench, fill, err))
            return -1;
        inferring += middle - start;
        deleting += worker_bench_clock(device) - middle;
        images += (double)IMAGES * (STEPS + 1);
    }
    *share = inferring / deleting;
    *rate = images / deleting;
    return 0;
}

int worker_bench_deletion(unsigned arch, enum worker_device device, enum worker_fill fill,
                          double shares[WORKER_BENCH_DELETION_REPEATS],
                          double rates[WORKER_BENCH_DELETION_REPEATS], struct mx_err *err)
{
    struct bench *bench = calloc(1, sizeof *bench);
    int           rc = -1;

    if (!bench)
        return mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
    if (fill_bench(bench, arch, device, err) == 0)
        rc = measure(bench, fill, &shares[0], &rates[0], err); /* makes code, touches memory */
    for (int r = 0; r < WORKER_BENCH_DELETION_REPEATS && rc == 0; r++)
        rc = measure(bench, fill, &shares[r], &rates[r], err);
    worker_engine_free(bench->engine);
    free(bench);
    return rc;
}
