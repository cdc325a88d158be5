/* What a training step leaves out once it has run.
 *
 * The allocator is counted by standing in for it (a sanitizer does so itself). oneDNN
 * makes lists of arguments for each call, and its products of small matrices take 16 KB;
 * any activation is larger. */
#include <errno.h>

#include "tests/unit/engine_pairs.h"

static const struct {
    unsigned           arch;
    struct worker_form form;
} cases[] = {{WORKER_ARCH_RESNET8, {0, 16, false}},          {WORKER_ARCH_RESNET20, {0, 16, false}},
             {WORKER_ARCH_RESNET18, {0, 16, false}},         {WORKER_ARCH_RESNET50, {0, 16, false}},
             {WORKER_ARCH_PREACT_RESNET18, {0, 16, false}},  {WORKER_ARCH_VGG11_BN, {0, 16, false}},
             {WORKER_ARCH_EFFICIENTNET_LITE0, {0, 8, false}}};

enum {
    CASES = sizeof cases / sizeof cases[0],
    BATCH = 5
};

static struct pair *make(size_t c)
{
    struct worker_params params = pair_plain;
    struct pair         *pair;

    params.model_arch = cases[c].arch;
    params.train_batch_size = BATCH;
    params.train_momentum = 0.9;
    params.train_ema = 0.9;
    params.train_clip_norm = 1;
    pair = pair_new_form(params, cases[c].form, (struct worker_shape){3, 32, 32, 10, 0});
    pair_draw_batch(pair, BATCH, 0);
    return pair;
}

/* Activations keep their order but for those of the first layer, whose images come in
 * another, and where a window is hardly smaller than the image. Channels are in whole blocks
 * of 16: AVX-512 has no other, and fewer are put in one with room left over. */
Test(engine_steady, images_are_put_in_another_order_and_nothing_else)
{
    for (size_t c = 0; c < CASES; c++) {
        struct pair              *pair = make(c);
        const struct engine_plan *plan = &pair->engine->training[0];

        for (uint32_t l = 1; l < pair->net.nlayers; l++) {
            const struct worker_layer *layer = &pair->net.layers[l];

            if (plan->layers[l].op && layer->kind != WORKER_LINEAR && layer->inputs[0] != 0 &&
                layer->width > 4 && layer->groups <= 1)
                cr_expect_eq(kern_op_image_reorders(plan->layers[l].op), 0,
                             "%s: %s reorders %u tensors", worker_archs[cases[c].arch].word,
                             layer->name, kern_op_image_reorders(plan->layers[l].op));
        }
        pair_free(pair);
    }
}

#ifndef __SANITIZE_ADDRESS__

enum {
    SMALL = 32 << 10 /* bytes */
};

static volatile bool   counting;
static volatile size_t large;

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t align, size_t bytes);

static size_t counted(size_t bytes)
{
    large += counting && bytes > SMALL;
    return bytes;
}

void *malloc(size_t bytes)
{
    return __libc_malloc(counted(bytes));
}

void *calloc(size_t n, size_t bytes)
{
    return __libc_calloc(n, counted(n * bytes) / (n ? n : 1));
}

void *realloc(void *old, size_t bytes)
{
    return __libc_realloc(old, counted(bytes));
}

void *aligned_alloc(size_t align, size_t bytes)
{
    return __libc_memalign(align, counted(bytes));
}

int posix_memalign(void **out, size_t align, size_t bytes)
{
    *out = __libc_memalign(align, counted(bytes));
    return *out ? 0 : ENOMEM;
}

static void step(struct pair *pair)
{
    struct mx_err err;
    double        loss;

    cr_assert_eq(worker_engine_step(pair->engine, &pair->batch, 0.01, &loss, &err), 0, "%s",
                 err.text);
}

Test(engine_steady, a_step_after_the_first_allocates_nothing)
{
    for (size_t c = 0; c < CASES; c++) {
        struct pair *pair = make(c);

        step(pair);
        large = 0;
        counting = true;
        step(pair);
        counting = false;
        cr_expect_eq(large, 0, "%s allocates %zu times", worker_archs[cases[c].arch].word, large);
        pair_free(pair);
    }
}

Test(engine_steady, the_count_sees_what_is_allocated)
{
    void *volatile kept;

    counting = true;
    large = 0;
    kept = malloc(SMALL + 1);
    counting = false;
    cr_expect_eq(large, 1);
    free(kept);
}

#endif
