/* The memory that a plan reckons for a trial beside what its engine takes on a GPU, in each precision: never
 * less, and not more than twice as much.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include <stdbool.h>
#include <stdio.h>

#include "kernels/kern.h"
#include "worker/engine.h"

enum {
    SKIPPED = 77,
    CLASSES = 10,
    LIBRARY = 20 << 20 /* what does not depend on the network: workspaces, rooms that all share */
};

static const struct {
    unsigned arch, batch, side;
} trials[] = {
    {WORKER_ARCH_LINEAR, 32, 32},
    {WORKER_ARCH_RESNET8, 2, 9},
    {WORKER_ARCH_RESNET20, 8, 16},
};
static const unsigned precisions[] = {WORKER_NET_F32, WORKER_NET_TF32, WORKER_NET_BF16};

static bool holds(const struct worker_params *params, uint32_t side)
{
    const struct worker_shape shape = {3, side, side, CLASSES, 0};
    struct worker_engine     *engine;
    struct worker_cost        cost;
    struct mx_err             err = {0};
    size_t                    bytes;
    bool                      good;

    if (worker_engine_cost(params, &shape, &cost, &err) ||
        !(engine = worker_engine_new(params, &shape, (uint32_t)params->train_batch_size,
                                     mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), &err))) {
        printf("%s\n", err.text);
        return false;
    }
    bytes = worker_engine_bytes(engine);
    good = cost.memory_bytes >= bytes && cost.memory_bytes <= 2 * bytes + LIBRARY;
    printf("%s: %s, %s, %u x %u x %u: %zu bytes, estimated %llu\n", good ? "passed" : "FAILED",
           worker_archs[params->model_arch].word,
           worker_net_precisions[params->train_precision].word, (unsigned)params->train_batch_size,
           side, side, bytes, (unsigned long long)cost.memory_bytes);
    worker_engine_free(engine);
    return good;
}

int main(void)
{
    struct mx_err err = {0};
    bool          good = true;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!kern_cuda(&err)) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    for (size_t t = 0; t < sizeof trials / sizeof *trials; t++)
        for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
            struct worker_params params = {.model_arch = trials[t].arch,
                                           .device = WORKER_DEVICE_CUDA,
                                           .train_batch_size = trials[t].batch,
                                           .train_threads = 1,
                                           .train_momentum = 0.9,
                                           .train_deterministic = true,
                                           .train_precision = precisions[p]};

            good &= holds(&params, trials[t].side);
        }
    return good ? 0 : 1;
}
