#include "worker/bench_deletion.h"

#include <stdlib.h>

#include "worker/bench_clock.h"
#include "worker/curve.h"
#include "worker/engine.h"

enum {
    STEPS = 28,
    CHANNELS = 3,
    CLASSES = 10
};

static const double least_s = 0.2; /* of one measurement */

struct bench {
    struct worker_params  params;
    struct worker_shape   shape;
    struct worker_engine *engine;
    uint32_t              n;      /* images */
    float                *images; /* (n, channels, side, side) */
    float                *maps;   /* (n, side, side) */
    float                *curves, *logits;
    uint32_t             *targets, *rows;
};

static int predict(void *bench, const float *images, uint32_t n, float *logits, struct mx_err *err)
{
    return worker_engine_infer(((struct bench *)bench)->engine, images, n, logits, err);
}

static int allocate(struct bench *bench, struct mx_err *err)
{
    const size_t n = bench->n, pixels = (size_t)bench->shape.height * bench->shape.width;

    bench->images = calloc(n * CHANNELS * pixels, sizeof(float));
    bench->maps = calloc(n * pixels, sizeof(float));
    bench->curves = calloc(n * (STEPS + 1), sizeof(float));
    bench->logits = calloc(n * CLASSES, sizeof(float));
    bench->targets = calloc(n, sizeof(uint32_t));
    bench->rows = calloc(n, sizeof(uint32_t));
    if (!bench->images || !bench->maps || !bench->curves || !bench->logits || !bench->targets ||
        !bench->rows)
        return mx_fail(err, MX_ENOMEM, "no memory for a benchmark of %u images", bench->n);
    return 0;
}

static int fill_bench(struct bench *bench, const struct worker_bench_curves *what,
                      struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    const size_t  pixels = (size_t)what->side * what->side;

    bench->n = what->images;
    bench->shape = (struct worker_shape){CHANNELS, what->side, what->side, CLASSES, 0};
    bench->params = (struct worker_params){.model_arch = what->arch,
                                           .device = what->device,
                                           .train_threads = 1,
                                           .train_batch_size = what->images,
                                           .train_deterministic = true};
    if (allocate(bench, err))
        return -1;
    for (size_t k = 0; k < bench->n * CHANNELS * pixels; k++)
        bench->images[k] = (float)mx_rng_normal(&rng);
    for (size_t k = 0; k < bench->n * pixels; k++)
        bench->maps[k] = (float)mx_rng_uniform(&rng);
    for (uint32_t i = 0; i < bench->n; i++) {
        bench->rows[i] = i;
        bench->targets[i] = i % CLASSES;
    }
    bench->engine = worker_engine_new(&bench->params, &bench->shape, bench->n,
                                      mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), err);
    return bench->engine ? 0 : -1;
}

static void empty_bench(struct bench *bench)
{
    worker_engine_free(bench->engine);
    free(bench->images);
    free(bench->maps);
    free(bench->curves);
    free(bench->logits);
    free(bench->targets);
    free(bench->rows);
}

static int infer_all(struct bench *bench, struct mx_err *err)
{
    for (int t = 0; t <= STEPS; t++)
        if (predict(bench, bench->images, bench->n, bench->logits, err))
            return -1;
    return 0;
}

static int delete_all(struct bench *bench, enum worker_fill fill, struct mx_err *err)
{
    struct worker_curve_spec        spec = {.shape = bench->shape,
                                            .steps = STEPS,
                                            .kind = WORKER_CURVE_DELETION,
                                            .fill = fill,
                                            .is_signed = true,
                                            .stream = mx_stream_make(0, 0, MX_PURPOSE_SCORE, 0),
                                            .batch = bench->n,
                                            .predict = predict,
                                            .model = bench};
    const struct worker_curve_batch batch = {bench->images, bench->maps, bench->targets,
                                             bench->rows, bench->n};

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
        images += (double)bench->n * (STEPS + 1);
    }
    *share = inferring / deleting;
    *rate = images / deleting;
    return 0;
}

int worker_bench_deletion(const struct worker_bench_curves *what, enum worker_fill fill,
                          double shares[WORKER_BENCH_DELETION_REPEATS],
                          double rates[WORKER_BENCH_DELETION_REPEATS], struct mx_err *err)
{
    struct bench bench = {.n = 0};
    int          rc = -1;

    if (fill_bench(&bench, what, err) == 0)
        rc = measure(&bench, fill, &shares[0], &rates[0], err); /* makes code, touches memory */
    for (int r = 0; r < WORKER_BENCH_DELETION_REPEATS && rc == 0; r++)
        rc = measure(&bench, fill, &shares[r], &rates[r], err);
    empty_bench(&bench);
    return rc;
}
