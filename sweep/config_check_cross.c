/* config_check_cross.c - checks of what is compared across models. */
#include "sweep/config_reader.h"
#include "sweep/cross.h"

/* The first word of score.metrics that is of a comparison, but for reference; -1 if none. */
static int first_metric(const struct mx_reader *reader, unsigned from, unsigned to)
{
    const struct mx_value *metrics = &reader->config->base[KEY_SCORE_METRICS];

    for (size_t i = 0; i < metrics->list.count; i++)
        if (metrics->list.items[i].choice >= from && metrics->list.items[i].choice <= to)
            return (int)metrics->list.items[i].choice;
    return -1;
}

static bool is_trained(const struct mx_reader *reader)
{
    const struct mx_axis_values *axis = NULL;

    for (size_t b = 0; b < reader->nblocks && !axis; b++)
        axis = mx_reader_axis(&reader->blocks[b], KEY_TRAIN_EPOCHS, NULL);
    return axis || reader->config->base[KEY_TRAIN_EPOCHS].integer > 0;
}

static void check_reference(const struct mx_reader *reader)
{
    const enum mx_cross_outside who = mx_cross_outside(reader->config);

    if (who == MX_OUTSIDE_NONE &&
        first_metric(reader, MX_METRIC_INTER_MODEL_REFERENCE, MX_METRIC_INTER_MODEL_REFERENCE) >= 0)
        mx_error_at(reader->values.messages, reader->places[KEY_SCORE_METRICS],
                    "score.metrics: 'inter_model_reference' needs an outside scorer (write score: "
                    "{inter_model: {reference: auto}}, or a safetensors file)");
    if (who == MX_OUTSIDE_TRAINED && !is_trained(reader))
        mx_error_at(reader->values.messages, reader->places[KEY_SCORE_INTER_MODEL_REFERENCE],
                    "score.inter_model.reference: auto is one more training, and train.epochs is 0 "
                    "(give a safetensors file)");
}

void mx_reader_check_cross(const struct mx_reader *reader)
{
    const struct mx_value *base = reader->config->base;
    const enum mx_key_id   images = KEY_SCORE_INTER_MODEL_IMAGES;
    const int              metric =
        first_metric(reader, MX_METRIC_INTER_MODEL_MAP, MX_METRIC_INTER_MODEL_REFERENCE);

    if (reader->broken[KEY_SCORE_METRICS] || metric < 0)
        return;
    /* By default, of all maps that there are. */
    if (!mx_value_equal(images, &base[images], &reader->defaults[images]) &&
        !reader->broken[images] && !reader->broken[KEY_SCORE_IMAGES] &&
        base[images].integer > base[KEY_SCORE_IMAGES].integer)
        mx_error_at(reader->values.messages, reader->places[images],
                    "score.inter_model.images: %lld is more than the %lld that maps are made of "
                    "(write score: {images: %lld})",
                    (long long)base[images].integer, (long long)base[KEY_SCORE_IMAGES].integer,
                    (long long)base[images].integer);
    if (!reader->broken[KEY_SCORE_INTER_MODEL_REFERENCE] && !reader->broken[KEY_TRAIN_EPOCHS])
        check_reference(reader);
}
