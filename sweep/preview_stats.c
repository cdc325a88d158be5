/* What a setting's draws are like on the whole. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/rng.h"
#include "sweep/preview.h"
#include "sweep/value.h"
#include "worker/batch.h"
#include "worker/engine.h"
#include "worker/mix.h"

const double mx_preview_quantiles[MX_PREVIEW_QUANTILES] = {.01, .05, .25, .5, .75, .95, .99};

/* The strategies whose draws depend on what the images show. */
static const uint32_t looking = UINT32_C(1) << WORKER_MIX_SALIENCYMIX | UINT32_C(1)
                                                                            << WORKER_MIX_PUZZLEMIX;

enum {
    MOST_TRIES = 100000, /* without one mixed draw */
};

/* What was drawn for one image. */
struct drawn {
    bool   mixed;
    double lambda, drawn, hidden;
};

/* Sum of values and of their squares. */
struct sums {
    double sum, squares;
};

struct drawing {
    struct worker_params   params;
    struct worker_shape    shape;
    uint64_t               seed;
    struct worker_dataset *set; /* of strategies that look at images, or where only it tells the
                                   shape; else NULL */
    struct worker_batch   *batch;
    struct worker_engine  *engine; /* or NULL */
    double                *lambda; /* (n) */
    struct sums            drawn, hidden;
    uint64_t               n, tried;
};

static struct mx_stream stream_of(const struct drawing *d, enum mx_purpose purpose)
{
    return mx_stream_make(d->seed, 0, purpose, 0);
}

static bool looks(const struct drawing *d)
{
    return (worker_mix_strategies(&d->params) & looking) != 0;
}

/* The shape, and the images if they are needed. */
static int open_set(struct drawing *d, struct mx_err *err)
{
    if (!looks(d) && worker_dataset_shape(&d->params, &d->shape, NULL) == 0)
        return 0;
    if (!(d->set = worker_dataset_open(&d->params, d->seed, err)))
        return -1;
    d->shape = d->set->shape;
    if (d->set->train.n < 2)
        return mx_fail(err, MX_EDATA, "there is only one training image: nothing to mix it with");
    return 0;
}

static int open_drawing(struct drawing *d, uint64_t n, struct mx_err *err)
{
    if (!(d->lambda = calloc(n, sizeof *d->lambda)))
        return mx_fail(err, MX_ENOMEM, "no memory for %" PRIu64 " draws", n);
    if (open_set(d, err) || !(d->batch = worker_batch_new(&d->params, &d->shape, 2, err)))
        return -1;
    return mx_preview_lend(&d->params, &d->shape, d->seed, d->batch, &d->engine, err);
}

static void close_drawing(struct drawing *d)
{
    worker_batch_free(d->batch);
    worker_engine_free(d->engine);
    worker_dataset_free(d->set);
    free(d->lambda);
}

/* Share of the base image's pixels that are not seen at all. `mask` is NULL, or has
 * twice the weight of each. */
static double hidden_area(const struct drawing *d, size_t box, float inside, float outside,
                          const uint8_t *mask)
{
    const size_t pixels = (size_t)d->shape.height * d->shape.width;
    size_t       none = 0;

    for (size_t k = 0; mask && k < pixels; k++)
        none += mask[k] == 0;
    if (!mask)
        none = (inside > 0 ? 0 : box) + (outside > 0 ? 0 : pixels - box);
    return (double)none / (double)pixels;
}

static size_t area(uint32_t y0, uint32_t y1, uint32_t x0, uint32_t x1)
{
    return (size_t)(y1 - y0) * (x1 - x0);
}

/* The draw of batch `number` alone, without images. */
static void draw_blind(struct drawing *d, unsigned which, uint32_t number, struct drawn *drawn)
{
    const struct worker_mix *strategy = &worker_mixes[which];
    const struct mx_stream   stream = stream_of(d, MX_PURPOSE_MIX);
    const bool               each = d->params.mix_granularity == WORKER_GRANULARITY_SAMPLE;
    struct worker_mix_scene  scene = {.params = &d->params,
                                      .shape = &d->shape,
                                      .place = {stream, 0, number, each},
                                      .host = d->params.mix_labels == WORKER_LABELS_HOST,
                                      .mask = d->batch->masks,
                                      .moves = d->batch->moves,
                                      .scratch = d->batch->scratch[which],
                                      .batch = d->batch};
    struct worker_mix_draw   draw = worker_mix_blank;

    drawn->mixed = strategy->draw && worker_mix_whether(&d->params, stream, 0, number);
    if (!drawn->mixed)
        return;
    strategy->draw(&scene, &draw);
    drawn->lambda = worker_mix_weight(&d->params, strategy, draw.share, draw.drawn);
    drawn->drawn = draw.drawn;
    drawn->hidden = hidden_area(d, area(draw.y0, draw.y1, draw.x0, draw.x1), draw.inside[0],
                                draw.outside[0], draw.masked ? scene.mask : NULL);
    if (strategy->traits & WORKER_MIX_PAIRS && d->params.mix_labels == WORKER_LABELS_ONLY)
        drawn->hidden = 0;
}

/* The first image of batch `number`, made as training makes it. Returns 1, 0 where the
 * image met itself, which says nothing about two; or -1. */
static int draw_seeing(struct drawing *d, unsigned which, uint32_t number, struct drawn *drawn,
                       struct mx_err *err)
{
    const uint32_t                  images = d->set->train.n;
    const uint32_t                  first = (uint32_t)(2 * (uint64_t)number % images);
    const uint32_t                  order[2] = {first, (first + 1) % images};
    const struct worker_batch      *batch = d->batch;
    const struct kern_batch_sample *sample = &batch->samples[0];
    const size_t                    plane = (size_t)d->shape.height * d->shape.width;

    if (worker_batch_train(d->batch, &d->params, d->set, order, 2, stream_of(d, MX_PURPOSE_AUGMENT),
                           stream_of(d, MX_PURPOSE_MIX), 0, number, err))
        return -1;
    drawn->mixed = batch->mixed > 0;
    drawn->drawn = (double)batch->drawn[0];
    drawn->lambda =
        worker_mix_weight(&d->params, &worker_mixes[which], (double)batch->area[0], drawn->drawn);
    drawn->hidden = hidden_area(d, area(sample->y0, sample->y1, sample->x0, sample->x1),
                                sample->inside[0], sample->outside[0],
                                sample->mask ? batch->masks + (sample->mask - 1) * plane : NULL);
    return !drawn->mixed || !(worker_mixes[which].traits & WORKER_MIX_PAIRS) ||
           batch->partner[0] != 0;
}

static void add(struct sums *sums, double value)
{
    sums->sum += value;
    sums->squares += value * value;
}

static void spread(const struct sums *sums, double n, double *mean, double *sd)
{
    *mean = sums->sum / n;
    *sd = sqrt(fmax(sums->squares / n - *mean * *mean, 0));
}

/* Count the draw of batch `number` in. */
static int draw(struct drawing *d, uint32_t number, struct mx_err *err)
{
    unsigned     which = worker_mix_strategy(&d->params, stream_of(d, MX_PURPOSE_MIX), 0, number);
    struct drawn drawn = {.mixed = false};

    if (looking >> which & 1) {
        int rc = draw_seeing(d, which, number, &drawn, err);

        if (rc <= 0)
            return rc;
    } else {
        draw_blind(d, which, number, &drawn);
    }
    d->tried++;
    if (!drawn.mixed)
        return 0;
    d->lambda[d->n++] = worker_mixes[which].traits & WORKER_MIX_PAIRS ? drawn.lambda : 1;
    add(&d->drawn, drawn.drawn);
    add(&d->hidden, drawn.hidden);
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Between two neighbours of the sorted values, linear. */
static double quantile(const double *sorted, uint64_t n, double q)
{
    double   place = q * (double)(n - 1);
    uint64_t low = (uint64_t)place, high = low + 1 < n ? low + 1 : low;

    return sorted[low] + (place - (double)low) * (sorted[high] - sorted[low]);
}

static void sum_up(struct drawing *d, struct mx_preview_stats *stats)
{
    const double n = (double)d->n;
    double       mean = 0, squares = 0;
    uint64_t     below = 0;

    qsort(d->lambda, d->n, sizeof *d->lambda, by_size);
    for (uint64_t k = 0; k < d->n; k++) {
        mean += d->lambda[k];
        below += d->lambda[k] < 0.5;
    }
    mean /= n;
    for (uint64_t k = 0; k < d->n; k++)
        squares += (d->lambda[k] - mean) * (d->lambda[k] - mean) / n;
    stats->lambda_mean = mean;
    stats->lambda_sd = sqrt(squares);
    for (int q = 0; q < MX_PREVIEW_QUANTILES; q++)
        stats->lambda_quantiles[q] = quantile(d->lambda, d->n, mx_preview_quantiles[q]);
    stats->lambda_below_half = (double)below / n;
    spread(&d->drawn, n, &stats->drawn_mean, &stats->drawn_sd);
    spread(&d->hidden, n, &stats->hidden_mean, &stats->hidden_sd);
}

int mx_preview_stats(const struct mx_preview_setting *setting, uint64_t seed, uint64_t n,
                     struct mx_preview_stats *stats, struct mx_err *err)
{
    struct drawing *d = calloc(1, sizeof *d);
    int             rc = -1;

    if (!d)
        return mx_fail(err, MX_ENOMEM, "no memory for draws");
    *stats = (struct mx_preview_stats){.unmixed = 1, .lambda_mean = NAN, .lambda_sd = NAN};
    stats->lambda_below_half = stats->hidden_mean = stats->hidden_sd = NAN;
    stats->drawn_mean = stats->drawn_sd = NAN;
    for (int q = 0; q < MX_PREVIEW_QUANTILES; q++)
        stats->lambda_quantiles[q] = NAN;
    d->params = setting->params;
    d->seed = seed;
    d->params.data_augment = WORKER_AUGMENT_NONE;
    d->params.mix_off_epochs = d->params.mix_ramp_epochs = 0;
    d->params.data_test_limit = 1;
    if (open_drawing(d, n, err))
        goto done;
    rc = 0;
    for (uint32_t number = 0; rc == 0 && d->n < n && number < UINT32_MAX; number++) {
        if (d->n == 0 && d->tried >= MOST_TRIES)
            break; /* none, or hardly ever */
        rc = draw(d, number, err);
    }
    stats->height = d->shape.height;
    stats->width = d->shape.width;
    stats->n = d->n;
    stats->unmixed = d->tried > 0 ? 1 - (double)d->n / (double)d->tried : 1;
    if (d->n > 0)
        sum_up(d, stats);
done:
    close_drawing(d);
    free(d);
    return rc;
}

static void json_spread(struct mx_json *json, const char *key, double mean, double sd)
{
    mx_json_object(json, key);
    mx_json_real(json, "mean", mean);
    mx_json_real(json, "sd", sd);
}

void mx_preview_stats_json(const struct mx_preview_setting *setting,
                           const struct mx_preview_stats *stats, struct mx_buf *out)
{
    struct mx_json json = {.out = out};
    char           name[MX_NUM_SIZE];

    mx_json_object(&json, NULL);
    mx_json_text(&json, "strategy", setting->title);
    mx_json_real(&json, "alpha", setting->has_alpha ? setting->params.mix_alpha : NAN);
    if (stats->height == stats->width) {
        mx_json_uint(&json, "size", stats->height);
    } else {
        mx_json_array(&json, "size");
        mx_json_uint(&json, NULL, stats->height);
        mx_json_uint(&json, NULL, stats->width);
        mx_json_end_array(&json);
    }
    mx_json_uint(&json, "n", stats->n);
    json_spread(&json, "lambda", stats->lambda_mean, stats->lambda_sd);
    mx_json_object(&json, "quantiles");
    for (int q = 0; q < MX_PREVIEW_QUANTILES; q++)
        mx_json_real(&json, mx_num_format(mx_preview_quantiles[q], name),
                     stats->lambda_quantiles[q]);
    mx_json_end_object(&json);
    mx_json_end_object(&json);
    mx_json_real(&json, "lambda_below_half", stats->lambda_below_half);
    json_spread(&json, "hidden_area", stats->hidden_mean, stats->hidden_sd);
    mx_json_end_object(&json);
    mx_json_real(&json, "unmixed", stats->unmixed);
    json_spread(&json, "drawn_weight", stats->drawn_mean, stats->drawn_sd);
    mx_json_end_object(&json);
    mx_json_object(&json, "axes");
    for (size_t k = 0; k < setting->naxes; k++)
        mx_value_json(&json, mx_keys[setting->keys[k]].name, setting->keys[k], &setting->values[k]);
    mx_json_end_object(&json);
    mx_json_end_object(&json);
}

void mx_preview_stats_text(const struct mx_preview_setting *setting,
                           const struct mx_preview_stats *stats, struct mx_buf *out)
{
    mx_buf_printf(out, "%s%s%s", setting->title, *setting->below ? ", " : "", setting->below);
    if (stats->n == 0) {
        mx_buf_text(out, ": mixes nothing\n");
        return;
    }
    mx_buf_printf(out, ": %" PRIu64 " draws at %u x %u pixels\n", stats->n, stats->width,
                  stats->height);
    mx_buf_printf(out, "  lambda       mean %.4f, sd %.4f, below 0.5 in %.2f %%\n",
                  stats->lambda_mean, stats->lambda_sd, 100 * stats->lambda_below_half);
    mx_buf_text(out, "  quantiles   ");
    for (int q = 0; q < MX_PREVIEW_QUANTILES; q++)
        mx_buf_printf(out, " %g %%: %.3f%s", 100 * mx_preview_quantiles[q],
                      stats->lambda_quantiles[q], q + 1 < MX_PREVIEW_QUANTILES ? "," : "\n");
    mx_buf_printf(out, "  drawn weight mean %.4f, sd %.4f\n", stats->drawn_mean, stats->drawn_sd);
    mx_buf_printf(out, "  hidden area  mean %.4f, sd %.4f\n", stats->hidden_mean, stats->hidden_sd);
    mx_buf_printf(out, "  not mixed    %.2f %%\n", 100 * stats->unmixed);
}
