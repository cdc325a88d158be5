#include "tests/reference/head_data.h"

#include <math.h>
#include <stdlib.h>

double head_data_uniform(uint32_t name, uint32_t k)
{
    uint32_t h = name * 0x85EBCA6Bu + k * 0x9E3779B1u;

    h = (h ^ h >> 15) * 0x2C1B3C6Du;
    h = (h ^ h >> 12) * 0x297A2D39u;
    h ^= h >> 15;
    return (h >> 8) / 16777216.0;
}

/* Close to normal: four uniforms, with mean 0 and variance 1. */
static double noise(uint32_t name, uint32_t k)
{
    double sum = 0;

    for (uint32_t j = 0; j < 4; j++)
        sum += head_data_uniform(name, 4 * k + j);
    return (sum - 2) * sqrt(3);
}

/* What a label (name 1) or an attribute (name 2) adds to a feature. */
static double signal(uint32_t name, uint32_t which, uint32_t k)
{
    return 2 * head_data_uniform(name, which * HEAD_DATA_DIMS + k) - 1;
}

static void fill(struct worker_feature_split *split, uint32_t part, uint32_t classes)
{
    const double   agree = part == WORKER_FEATURES_TRAIN ? 0.85 : 0.6;
    const uint32_t name = 10 + 10 * part;

    for (uint32_t i = 0; i < split->n; i++) {
        double   u = head_data_uniform(name, 2 * i);
        uint32_t label = (uint32_t)(classes * u * u * 0.5 + classes * u * 0.5);
        uint32_t attribute = (head_data_uniform(name, 2 * i + 1) < agree) == (label > 0) ? 1 : 0;

        split->labels[i] = label;
        if (split->groups)
            split->groups[i] = 2 * label + attribute;
        for (uint32_t k = 0; k < HEAD_DATA_DIMS; k++) {
            double x = 0.7 * signal(1, label, k) + 0.9 * signal(2, attribute, k) +
                       noise(name + 1, i * HEAD_DATA_DIMS + k);

            x = 0.3 * k + (1 + k % 5) * x;
            if (split->x64)
                split->x64[i * HEAD_DATA_DIMS + k] = x;
            else
                split->x32[i * HEAD_DATA_DIMS + k] = (float)x;
        }
    }
}

struct worker_features *head_data_new(enum worker_precision precision, uint32_t classes,
                                      int with_groups)
{
    static const uint32_t   sizes[] = {HEAD_DATA_TRAIN, HEAD_DATA_VAL, HEAD_DATA_TEST};
    struct worker_features *features = calloc(1, sizeof *features);

    features->precision = precision;
    features->dims = HEAD_DATA_DIMS;
    features->classes = classes;
    features->groups = with_groups ? 2 * classes : 0;
    for (uint32_t part = 0; part < WORKER_FEATURE_PARTS; part++) {
        struct worker_feature_split *split = &features->split[part];

        split->n = sizes[part];
        split->labels = calloc(split->n, sizeof *split->labels);
        if (with_groups)
            split->groups = calloc(split->n, sizeof *split->groups);
        if (precision == WORKER_F64)
            split->x64 = calloc((size_t)split->n * HEAD_DATA_DIMS, sizeof *split->x64);
        else
            split->x32 = calloc((size_t)split->n * HEAD_DATA_DIMS, sizeof *split->x32);
        fill(split, part, classes);
    }
    features->head_w = calloc((size_t)classes * HEAD_DATA_DIMS, sizeof *features->head_w);
    features->head_b = calloc(classes, sizeof *features->head_b);
    for (uint32_t c = 0; c < classes; c++)
        for (uint32_t k = 0; k < HEAD_DATA_DIMS; k++) {
            double w = (signal(1, c, k) + signal(2, c > 0, k)) / (1 + k % 5);

            features->head_w[c * HEAD_DATA_DIMS + k] = (double)(float)(0.4 * w);
            features->head_b[c] -= 0.4 * w * 0.3 * k;
        }
    for (uint32_t c = 0; c < classes; c++)
        features->head_b[c] = (double)(float)features->head_b[c];
    return features;
}

void head_data_free(struct worker_features *features)
{
    for (uint32_t part = 0; features && part < WORKER_FEATURE_PARTS; part++) {
        free(features->split[part].x32);
        free(features->split[part].x64);
        free(features->split[part].labels);
        free(features->split[part].groups);
    }
    if (features) {
        free(features->head_w);
        free(features->head_b);
    }
    free(features);
}
