/* An engine's memory: one block a use, each wanted before any is there (kernels/device.h). */
#include <sys/mman.h>

#include "worker/engine_parts.h"

/* One block for the activations of all plans, as they never run together; and one for the
 * statistics of a batch. */
static int want_block(struct worker_engine *engine, struct mx_err *err)
{
    const size_t sizes[] = {engine->training[0].memory.bytes, engine->inference.memory.bytes,
                            engine->explaining.memory.bytes};
    size_t       align;

    for (int k = 0; k < 3; k++)
        engine->block_bytes = sizes[k] > engine->block_bytes ? sizes[k] : engine->block_bytes;
    align = worker_memory_align(engine->block_bytes);
    engine->block_bytes = (engine->block_bytes + align - 1) / align * align;
    if (engine->on->want(engine->nn, &engine->block, align, engine->block_bytes, err))
        return mx_err_prefix(err, "activations");
    if (align > KERN_ALIGN &&
        engine->on->host) /* a wish: it saves one step in twenty, and may be refused */
        madvise(engine->block, engine->block_bytes, MADV_HUGEPAGE);
    engine->statistics_bytes = engine_plan_statistics(&engine->training[0]);
    if (engine->statistics_bytes > 0 && engine->on->want(engine->nn, &engine->statistics,
                                                         KERN_ALIGN, engine->statistics_bytes, err))
        return mx_err_prefix(err, "statistics of a network");
    return 0;
}

/* What steps will need besides. */
static struct kern_expected expect(const struct worker_engine *engine)
{
    const struct worker_net *net = &engine->net;
    struct kern_expected     expected = {.n = engine->batch_size,
                                         .classes = net->layers[net->nlayers - 1].channels};

    for (uint32_t l = 0; l < net->nlayers; l++)
        if (net->layers[l].channels > expected.channels)
            expected.channels = net->layers[l].channels;
    return expected;
}

/* All of the memory, when it is known how much that is; then everything has its place. */
int engine_make_memory(struct worker_engine *engine, struct mx_err *err)
{
    const struct kern_expected expected = expect(engine);

    if (want_block(engine, err) || engine_state_want(engine, err) ||
        engine_fold_want(engine, err) || engine->on->settle(engine->nn, &expected, err) ||
        engine_plan_bind(engine, &engine->training[0], err) ||
        (engine->explaining.n > 0 && engine_plan_bind(engine, &engine->explaining, err)) ||
        engine_plan_bind(engine, &engine->inference, err))
        return -1;
    return engine_fold_bind(engine, err);
}
