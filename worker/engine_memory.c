/* What a training's next step depends on, for checkpoints. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "worker/engine_parts.h"

/* Numbers of the elements, up to where a float is exact. */
static void count_up(float *plain, size_t n)
{
    enum {
        EXACT = 1 << 24
    };

    for (size_t i = 0; i < n; i++)
        plain[i] = (float)(i % EXACT);
}

/* A hash of where the elements of a parameter lie in memory. */
static int hash_order(const struct engine_parameter *parameter, uint64_t *hash, struct mx_err *err)
{
    const size_t        bytes = engine_parameter_room(parameter) * sizeof(float);
    float              *plain = malloc(parameter->info.count * sizeof *plain);
    float              *held = aligned_alloc(KERN_ALIGN, bytes);
    struct kern_tensor *tensor = NULL;
    int                 result = -1;

    if (!plain || !held) {
        mx_fail(err, MX_ENOMEM, "no memory to look at the order of %s", parameter->info.name);
        goto done;
    }
    count_up(plain, parameter->info.count);
    memset(held, 0, bytes);
    if (!(tensor = kern_tensor_like(parameter->value, err)) ||
        kern_tensor_bind(tensor, held, err) || kern_tensor_write(tensor, plain, err))
        goto done;
    *hash = mx_hash64(held, bytes);
    result = 0;

done:
    kern_tensor_free(tensor);
    free(plain);
    free(held);
    return result;
}

int worker_engine_memory(struct worker_engine *engine, struct worker_engine_memory *memory,
                         struct mx_err *err)
{
    struct mx_buf text = {0};
    int           result = -1;

    mx_buf_text(&text, kern_nn_name(engine->nn));
    for (size_t p = 0; p < engine->nparameters; p++) {
        uint64_t hash = 0;

        if (engine->on->host && hash_order(&engine->parameters[p], &hash, err))
            goto done;
        mx_buf_add(&text, &hash, sizeof hash);
    }
    if (!mx_buf_ok(&text)) {
        mx_fail(err, MX_ENOMEM, "no memory to look at the order of a network");
        goto done;
    }
    memory->bytes = (size_t)(engine->part[ENGINE_GRADIENTS] - engine->state) * sizeof(float);
    if (!engine->on->host && !engine->shadow && !(engine->shadow = malloc(memory->bytes))) {
        mx_fail(err, MX_ENOMEM, "no memory for a copy of the weights");
        goto done;
    }
    memory->data = engine->shadow ? engine->shadow : engine->state;
    memory->steps = &engine->steps;
    memory->order = mx_hash64(text.data, text.len);
    result = 0;

done:
    mx_buf_free(&text);
    return result;
}

int worker_engine_memory_take(struct worker_engine              *engine,
                              const struct worker_engine_memory *memory, struct mx_err *err)
{
    return engine->shadow
               ? engine->on->get(engine->nn, memory->data, engine->state, memory->bytes, err)
               : 0;
}

int worker_engine_memory_give(struct worker_engine              *engine,
                              const struct worker_engine_memory *memory, struct mx_err *err)
{
    engine->changes++;
    return engine->shadow
               ? engine->on->put(engine->nn, engine->state, memory->data, memory->bytes, err)
               : 0;
}
