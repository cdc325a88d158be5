/* mix_draws.h - what a strategy draws, one draw at a time. */
#ifndef MX_TEST_MIX_DRAWS_H
#define MX_TEST_MIX_DRAWS_H

#include <stdlib.h>

#include "worker/choices.h"
#include "worker/mix.h"

/* Memory for the draws of one strategy at one size. */
struct mix_drawer {
    struct worker_params params;
    struct worker_shape  shape;
    uint8_t             *mask; /* of the last draw that has one */
    void                *scratch;
    struct mx_stream     stream;
};

static inline struct worker_params mix_params(enum worker_strategy strategy)
{
    return (struct worker_params){.mix_strategy = strategy,
                                  .mix_alpha = 1,
                                  .mix_prob = 1,
                                  .mix_cells = 4,
                                  .mix_decay = 3,
                                  .mix_beta = 1.2,
                                  .mix_gamma = 0.5,
                                  .mix_eta = 0.2,
                                  .mix_transport_cost = 0.8,
                                  .mix_layers = {3, {0, 1, 2}},
                                  .mix_scale = {2, {0.1, 0.8}}};
}

static inline struct mix_drawer mix_drawer_make(const struct worker_params *params,
                                                const struct worker_shape  *shape)
{
    const struct worker_mix *strategy = &worker_mixes[params->mix_strategy];
    struct mix_drawer drawer = {*params, *shape, malloc((size_t)shape->height * shape->width), NULL,
                                mx_stream_make(11, 0, MX_PURPOSE_MIX, 0)};

    if (strategy->scratch_new)
        drawer.scratch = strategy->scratch_new(params, shape, NULL);
    if (!drawer.mask || (strategy->scratch_new && !drawer.scratch))
        abort();
    return drawer;
}

static inline void mix_drawer_free(struct mix_drawer *drawer)
{
    if (drawer->scratch)
        worker_mixes[drawer->params.mix_strategy].scratch_free(drawer->scratch);
    free(drawer->mask);
}

/* The draw of a whole batch; of strategies that look at no image. */
static inline struct worker_mix_draw mix_draw(const struct mix_drawer *drawer, uint32_t batch,
                                              bool host)
{
    struct worker_mix_scene scene = {.params = &drawer->params,
                                     .shape = &drawer->shape,
                                     .place = {drawer->stream, 0, batch, 0},
                                     .host = host,
                                     .mask = drawer->mask,
                                     .scratch = drawer->scratch};
    struct worker_mix_draw  draw = worker_mix_blank;

    worker_mixes[drawer->params.mix_strategy].draw(&scene, &draw);
    return draw;
}

#endif
