/* Maps by themselves, and beside those of the same network with new weights. */
#include <math.h>
#include <stdlib.h>

#include "worker/map_numbers.h"
#include "worker/score_parts.h"

enum {
    OTHER_REPEAT = 1u << 31 /* of the stream INIT: no training starts from these weights */
};

/* The network's weights as they are drawn, under another name than that of any training. */
static int draw_weights(struct scoring *s, struct worker_tensor **tensors, size_t *count,
                        struct mx_err *err)
{
    struct mx_stream      init = mx_stream_make(s->job.seed, s->job.repeat | OTHER_REPEAT,
                                                MX_PURPOSE_INIT, s->job.stream_extra);
    struct worker_engine *engine = worker_engine_new(&s->job.params, &s->set->shape, 1, init, err);
    int                   rc = -1;

    if (engine)
        rc = worker_engine_export(engine, tensors, count, err);
    worker_engine_free(engine);
    return rc;
}

int score_maps_begin(struct scoring *s, struct mx_err *err)
{
    struct worker_explainer_plan plan;
    struct worker_tensor        *tensors = NULL;
    size_t                       count = 0;

    if (!score_wanted(s, WORKER_SCORE_BIT(RANDOMISATION_CORRELATION)))
        return 0;
    if (worker_net_build(&s->job.params, &s->set->shape, &s->net, err) ||
        draw_weights(s, &tensors, &count, err))
        return -1;
    plan = worker_explainer_plan(&s->job.params, s->there[WORKER_MAP_LAYER_RELEVANCE]);
    s->untrained = worker_explainer_new(&s->net, tensors, count, &plan, err);
    worker_tensors_free(tensors, count);
    return s->untrained ? 0 : -1;
}

/* s->others: the maps of these images by the network with new weights. */
static int explain_again(struct scoring *s, uint32_t first, uint32_t n, struct mx_err *err)
{
    const struct worker_map_options options = worker_job_map_options(&s->job);

    worker_batch_plain(s->batch, s->set, &s->set->test, first, n);
    for (uint32_t done = 0; done < n; done += WORKER_MAP_BATCH) {
        const uint32_t some = n - done < WORKER_MAP_BATCH ? n - done : WORKER_MAP_BATCH;
        const size_t   image = s->pixels * s->set->shape.channels;
        const struct worker_map_batch batch = {s->batch->images + done * image,
                                               s->targets + first + done, s->rows + first + done,
                                               some, some};

        if (score_tick(s, err) || worker_explain(s->untrained, s->which, &options, &batch,
                                                 s->others + done * s->pixels, NULL, err))
            return -1;
    }
    return 0;
}

static int correlate(struct scoring *s, struct mx_err *err)
{
    for (uint32_t first = 0; first < s->n; first += SCORE_CHUNK) {
        const uint32_t n = score_chunk(s, first);

        if (score_read_maps(s, first, n, err) || explain_again(s, first, n, err))
            return -1;
        for (uint32_t i = 0; i < n; i++) {
            double correlation;

            if (worker_map_spearman(s->maps + i * s->pixels, s->others + i * s->pixels, s->pixels,
                                    &correlation, err))
                return -1;
            s->values[first + i] = (float)correlation;
        }
    }
    return score_add_values(s, WORKER_SCORE_RANDOMISATION_CORRELATION, err);
}

static int measure(struct scoring *s, enum worker_score score, struct mx_err *err)
{
    for (uint32_t first = 0; first < s->n; first += SCORE_CHUNK) {
        const uint32_t n = score_chunk(s, first);

        if (score_read_maps(s, first, n, err) || score_tick(s, err))
            return -1;
        for (uint32_t i = 0; i < n; i++) {
            const float *map = s->maps + i * s->pixels;
            double       value = NAN;

            if (score == WORKER_SCORE_ENTROPY)
                value = worker_map_entropy(map, s->pixels);
            else if (worker_map_gini(map, s->pixels, &value, err))
                return -1;
            s->values[first + i] = (float)value;
        }
    }
    return score_add_values(s, score, err);
}

int score_maps(struct scoring *s, struct mx_err *err)
{
    if (score_wanted(s, WORKER_SCORE_BIT(GINI)) && measure(s, WORKER_SCORE_GINI, err))
        return -1;
    if (score_wanted(s, WORKER_SCORE_BIT(ENTROPY)) && measure(s, WORKER_SCORE_ENTROPY, err))
        return -1;
    return s->untrained ? correlate(s, err) : 0;
}
