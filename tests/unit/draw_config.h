/* draw_config.h - random configurations, for tests that compare two ways to
 * look at the same sweep. */
#ifndef MX_TESTS_DRAW_CONFIG_H
#define MX_TESTS_DRAW_CONFIG_H

#include "base/rng.h"
#include "tests/unit/build_config.h"

enum {
    DRAW_VALUES = 5
};

static const struct mx_value draw_milestones[] = {{.integer = 3}, {.integer = 9}};

/* Keys that are axes, and values to draw from; equal ones may be drawn twice. */
static const struct draw_pool {
    enum mx_key_id  key;
    size_t          n;
    struct mx_value values[DRAW_VALUES];
} draw_pools[] = {
    {KEY_DATA_SET,
     3,
     {{.choice = WORKER_DATA_SYNTHETIC},
      {.choice = WORKER_DATA_MNIST},
      {.choice = WORKER_DATA_FEATURES}}},
    {KEY_DATA_SIZE, 2, {{.integer = 0}, {.integer = 16}}},
    {KEY_DATA_SPURIOUS_RATE, 2, {{.real = 0.5}, {.real = 0.95}}},
    {KEY_MODEL_ARCH, 2, {{.choice = WORKER_ARCH_LINEAR}, {.choice = WORKER_ARCH_RESNET8}}},
    {KEY_MODEL_STEM, 2, {{.choice = WORKER_STEM_AUTO}, {.choice = WORKER_STEM_CIFAR}}},
    {KEY_MODEL_WEIGHTS, 3, {{.text = ""}, {.text = "a.safetensors"}, {.text = "b/c"}}},
    {KEY_TRAIN_EPOCHS, 3, {{.integer = 0}, {.integer = 1}, {.integer = 7}}},
    {KEY_TRAIN_LR, 4, {{.real = 0.1}, {.real = 1e-5}, {.real = 1}, {.real = 0.3}}},
    {KEY_TRAIN_OPTIMIZER,
     2,
     {{.choice = WORKER_OPTIMIZER_SGD}, {.choice = WORKER_OPTIMIZER_ADAMW}}},
    {KEY_TRAIN_MOMENTUM, 3, {{.real = 0.0}, {.real = -0.0}, {.real = 0.9}}},
    {KEY_TRAIN_NESTEROV, 2, {{.boolean = false}, {.boolean = true}}},
    {KEY_TRAIN_SCHEDULE,
     3,
     {{.choice = WORKER_SCHEDULE_COSINE},
      {.choice = WORKER_SCHEDULE_STEP},
      {.choice = WORKER_SCHEDULE_MULTI_STEP}}},
    {KEY_TRAIN_GAMMA, 2, {{.real = 0.1}, {.real = 0.5}}},
    {KEY_TRAIN_MILESTONES,
     3,
     {{.list = {draw_milestones, 1}},
      {.list = {draw_milestones, 2}},
      {.list = {draw_milestones + 1, 1}}}},
    {KEY_MIX_STRATEGY,
     5,
     {{.choice = WORKER_MIX_NONE},
      {.choice = WORKER_MIX_MIXUP},
      {.choice = WORKER_MIX_CUTOUT},
      {.choice = WORKER_MIX_CUTMIX},
      {.choice = WORKER_MIX_MANIFOLD_MIXUP}}},
    {KEY_MIX_ALPHA, 3, {{.real = 0.2}, {.real = 1}, {.real = 1.6}}},
    {KEY_MIX_LABELS, 2, {{.choice = WORKER_LABELS_MIXED}, {.choice = WORKER_LABELS_DOMINANT}}},
    {KEY_MIX_SIZE, 2, {{.integer = 0}, {.integer = 8}}},
    {KEY_HEAD_METHOD,
     4,
     {{.choice = WORKER_HEAD_ERM},
      {.choice = WORKER_HEAD_DFR},
      {.choice = WORKER_HEAD_HSFM},
      {.choice = WORKER_HEAD_AFR}}},
    {KEY_HEAD_AFR_SPLIT,
     2,
     {{.choice = WORKER_AFR_SPLIT_VAL_HALF}, {.choice = WORKER_AFR_SPLIT_HOLDOUT}}},
    {KEY_HEAD_HSFM_INNER_STEPS, 2, {{.integer = 5}, {.integer = 15}}},
    {KEY_HEAD_DFR_SUBSETS, 2, {{.integer = 10}, {.integer = 20}}},
};

enum {
    DRAW_POOLS = sizeof draw_pools / sizeof draw_pools[0]
};

static inline struct mx_value draw_value(struct mx_rng *rng, const struct draw_pool *pool)
{
    return pool->values[mx_rng_below(rng, pool->n)];
}

static inline void draw_axis(struct mx_rng *rng, struct build *b, const uint32_t *order,
                             size_t nkeys)
{
    struct mx_value        values[3][DRAW_VALUES];
    const struct mx_value *lists[3] = {values[0], values[1], values[2]};
    enum mx_key_id         keys[3];
    size_t                 n = 1 + mx_rng_below(rng, DRAW_VALUES);

    for (size_t k = 0; k < nkeys; k++) {
        keys[k] = draw_pools[order[k]].key;
        for (size_t i = 0; i < n; i++)
            values[k][i] = draw_value(rng, &draw_pools[order[k]]);
    }
    build_zip(b, nkeys, keys, n, lists);
}

static inline void draw_block(struct mx_rng *rng, struct build *b)
{
    uint32_t order[DRAW_POOLS];
    size_t   used = 0, naxes = mx_rng_below(rng, 6);

    mx_rng_permutation(rng, order, DRAW_POOLS);
    for (size_t a = 0; a < naxes; a++) {
        size_t nkeys = 1 + mx_rng_below(rng, 3);

        draw_axis(rng, b, &order[used], nkeys);
        used += nkeys;
    }
    if (mx_rng_below(rng, 4) == 0) /* 1, 1.5, 2, ... as whole numbers: some twice */
        build_linear(b, KEY_TRAIN_STEP_EPOCHS, 1, 3, 1 + mx_rng_below(rng, 5));
}

static inline void draw_rule(struct mx_rng *rng, struct build *b)
{
    struct mx_match matches[2];
    size_t          n = 1 + mx_rng_below(rng, 2);

    for (size_t m = 0; m < n; m++) {
        const struct draw_pool *pool = &draw_pools[mx_rng_below(rng, DRAW_POOLS)];

        matches[m] = build_is(b, pool->key, draw_value(rng, pool));
        if (mx_keys[pool->key].type == MX_TYPE_REAL && mx_rng_below(rng, 2) == 0)
            matches[m] = (struct mx_match){.key = pool->key, .has_below = true, .below = 0.4};
        if (mx_keys[pool->key].type == MX_TYPE_INT && mx_rng_below(rng, 2) == 0)
            matches[m] = (struct mx_match){.key = pool->key, .has_above = true, .above = 5};
    }
    build_exclude(b, n, matches);
}

static inline struct build *draw_config(struct mx_rng *rng)
{
    struct build *b = build_new();

    for (size_t i = 0; i < DRAW_POOLS; i++)
        if (mx_rng_below(rng, 3) == 0) {
            b->config.base[draw_pools[i].key] = draw_value(rng, &draw_pools[i]);
            b->config.given[draw_pools[i].key] = true;
        }
    draw_block(rng, b);
    while (b->config.nblocks < BUILD_BLOCKS && mx_rng_below(rng, 2) == 0) {
        build_block(b);
        draw_block(rng, b);
    }
    for (uint64_t n = mx_rng_below(rng, 3); n > 0; n--)
        draw_rule(rng, b);
    return b;
}

#endif
