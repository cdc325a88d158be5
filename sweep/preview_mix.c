/* One image, mixed by the code that training uses. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "sweep/preview.h"
#include "worker/batch.h"
#include "worker/engine.h"
#include "worker/mix.h"
#include "worker/weights.h"

/* A batch of two, base and partner. */
struct pair {
    const struct worker_dataset *set;
    uint64_t                     seed;
    struct worker_params         params;
    struct worker_batch         *batch;
    struct worker_engine        *engine; /* or NULL: the strategy looks at no gradient */
};

static struct mx_stream stream_of(const struct pair *pair, enum mx_purpose purpose)
{
    return mx_stream_make(pair->seed, 0, purpose, 0);
}

static int gradient_of(void *engine, const float *images, const uint32_t *labels, uint32_t n,
                       float *gradient, struct mx_err *err)
{
    return worker_engine_image_gradient(engine, images, labels, n, gradient, err);
}

int mx_preview_lend(const struct worker_params *params, const struct worker_shape *shape,
                    uint64_t seed, struct worker_batch *batch, struct worker_engine **engine,
                    struct mx_err *err)
{
    struct worker_params own = *params;
    struct mx_buf        note = {0}; /* which tensors the file lacks: training tells */
    int                  failed = 0;

    *engine = NULL;
    own.train_precision = WORKER_NET_F32; /* a preview is made on the CPU */
    if (!(worker_mix_traits(params) & WORKER_MIX_GRADIENT))
        return 0;
    if (worker_weights_stem(&own, err) ||
        !(*engine = worker_engine_new(&own, shape, batch->room,
                                      mx_stream_make(seed, 0, MX_PURPOSE_INIT, 0), err)))
        return -1;
    if (own.model_weights[0])
        failed = worker_weights_load(*engine, &own, false, &note, err);
    mx_buf_free(&note);
    if (failed)
        return -1;
    worker_batch_lend(batch, (struct worker_gradient){gradient_of, *engine});
    return 0;
}

static void close_pair(struct pair *pair)
{
    worker_batch_free(pair->batch);
    worker_engine_free(pair->engine);
}

static int open_pair(struct pair *pair, const struct mx_preview_setting *setting,
                     const struct worker_dataset *set, uint64_t seed, struct mx_err *err)
{
    pair->set = set;
    pair->seed = seed;
    pair->params = setting->params;
    pair->params.mix_prob = 1;
    pair->params.mix_off_epochs = pair->params.mix_ramp_epochs = 0;
    if (!(pair->batch = worker_batch_new(&pair->params, &set->shape, 2, err)))
        return -1;
    return mx_preview_lend(&pair->params, &set->shape, seed, pair->batch, &pair->engine, err);
}

/* The first batch number of a row's own in which the two images meet each other. */
static uint32_t number_of(const struct pair *pair, uint32_t row)
{
    enum {
        TRIED = 64
    };
    struct worker_mix_place place = {.stream = stream_of(pair, MX_PURPOSE_MIX)};

    for (uint32_t k = 1; k < TRIED; k++) {
        struct mx_rng rng;
        uint32_t      order[2];

        place.batch = row * TRIED + k;
        rng = worker_mix_rng(&place, WORKER_DRAW_PARTNER);
        mx_rng_permutation(&rng, order, 2);
        if (order[0] == 1)
            break;
    }
    return place.batch;
}

static int mix(struct pair *pair, const uint32_t order[2], uint32_t number, struct mx_err *err)
{
    return worker_batch_train(pair->batch, &pair->params, pair->set, order, 2,
                              stream_of(pair, MX_PURPOSE_AUGMENT), stream_of(pair, MX_PURPOSE_MIX),
                              0, number, err);
}

static uint8_t to_byte(double x)
{
    return x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t)(x + 0.5);
}

/* The batch's first image back in bytes. */
static void take_image(const struct pair *pair, uint8_t *out)
{
    const struct worker_shape *shape = &pair->set->shape;
    const size_t               plane = (size_t)shape->height * shape->width;

    for (size_t k = 0; k < plane; k++)
        for (uint32_t c = 0; c < 3; c++) {
            uint32_t from = c < shape->channels ? c : 0;
            double   value = (double)pair->batch->images[from * plane + k];

            value = value * (double)pair->set->sd[from] + (double)pair->set->mean[from];
            *out++ = to_byte(255 * value);
        }
}

static void take_shares(const struct pair *pair, uint8_t *out)
{
    const struct worker_shape      *shape = &pair->set->shape;
    const struct kern_batch_sample *sample = &pair->batch->samples[0];
    const size_t                    plane = (size_t)shape->height * shape->width;
    const uint8_t *mask = sample->mask ? pair->batch->masks + (sample->mask - 1) * plane : NULL;

    for (uint32_t y = 0; y < shape->height; y++)
        for (uint32_t x = 0; x < shape->width; x++) {
            bool in = y >= sample->y0 && y < sample->y1 && x >= sample->x0 && x < sample->x1;
            const float *weight = in ? sample->inside : sample->outside;
            double       own = mask ? *mask++ / 2.0 : (double)weight[0];

            *out++ = to_byte(255 * own);
            *out++ = to_byte(255 * (mask ? 1 - own : (double)weight[1]));
        }
}

/* The two labels that count most, the base's first if it is one of them. */
static void take_targets(const float *targets, uint32_t classes, uint32_t base,
                         struct mx_preview_example *example)
{
    uint32_t best[2] = {base, base};

    for (uint32_t c = 0; c < classes; c++)
        if (c != base && (best[1] == base || targets[c] > targets[best[1]]))
            best[1] = c;
    for (uint32_t k = 0; k < 2; k++)
        if (targets[best[k]] > 0 && (k == 0 || best[1] != base)) {
            example->labels[example->nlabels] = best[k];
            example->weights[example->nlabels++] = (double)targets[best[k]];
        }
}

static void take_labels(const struct worker_batch *batch, struct mx_preview_example *example)
{
    example->labels[0] = batch->y_a[0];
    example->labels[1] = batch->y_b[0];
    example->weights[0] = (double)batch->lambda[0];
    example->weights[1] = 1 - (double)batch->lambda[0];
    example->nlabels = batch->y_a[0] == batch->y_b[0] ? 1 : 2;
    if (example->nlabels == 1)
        example->weights[0] = 1;
}

static int take_example(const struct pair *pair, uint32_t number, uint32_t base,
                        struct mx_preview_example *example, struct mx_err *err)
{
    const struct worker_batch *batch = pair->batch;
    const struct worker_shape *shape = &pair->set->shape;
    const size_t               plane = (size_t)shape->height * shape->width;

    *example = (struct mx_preview_example){
        .share = (double)batch->area[0], .layer = batch->layer, .mixed = batch->mixed > 0};
    example->strategy =
        worker_mix_strategy(&pair->params, stream_of(pair, MX_PURPOSE_MIX), 0, number);
    example->image = malloc(3 * plane);
    example->shares = malloc(2 * plane);
    if (!example->image || !example->shares) {
        mx_preview_example_free(example);
        return mx_fail(err, MX_ENOMEM, "no memory for a picture");
    }
    take_image(pair, example->image);
    take_shares(pair, example->shares);
    if (batch->targets)
        take_targets(batch->targets, shape->classes, pair->set->train.labels[base], example);
    else
        take_labels(batch, example);
    return 0;
}

int mx_preview_mix(const struct mx_preview_setting *setting, const struct worker_dataset *set,
                   uint64_t seed, uint32_t row, uint32_t base, uint32_t partner,
                   struct mx_preview_example *example, struct mx_err *err)
{
    const uint32_t order[2] = {base, partner};
    struct pair    pair = {.batch = NULL};
    int            rc = -1;

    if (open_pair(&pair, setting, set, seed, err) == 0) {
        uint32_t number = number_of(&pair, row);
        bool     history = worker_mix_traits(&pair.params) & WORKER_MIX_HISTORY;

        /* What takes its second image from the batch before gets one. */
        if ((!history || mix(&pair, order, number - 1, err) == 0) &&
            mix(&pair, order, number, err) == 0)
            rc = take_example(&pair, number, base, example, err);
    }
    close_pair(&pair);
    return rc;
}

uint8_t *mx_preview_plain(const struct worker_dataset *set, uint32_t image, struct mx_err *err)
{
    const struct worker_shape *shape = &set->shape;
    const size_t               plane = (size_t)shape->height * shape->width;
    const uint8_t *from = worker_split_image(&set->train, image, shape->channels * plane);
    uint8_t       *out = malloc(3 * plane);

    if (!out)
        mx_fail(err, MX_ENOMEM, "no memory for a picture");
    for (size_t k = 0; out && k < 3 * plane; k++)
        out[k] = from[(k % 3 < shape->channels ? k % 3 : 0) * plane + k / 3];
    return out;
}
