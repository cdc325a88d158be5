/* formula_features.c - features that C and Python compute alike, to the bit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/reference/naive_hsfm.h"

double formula(const char *name, uint32_t k)
{
    uint32_t h = 2166136261u;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    h += k * 0x9E3779B1u;
    h = (h ^ h >> 15) * 0x2C1B3C6Du;
    h = (h ^ h >> 12) * 0x297A2D39u;
    h ^= h >> 15;
    return (h >> 8) / 16777216.0 - 0.5;
}

/* In single precision the values are rounded. */
static double value_of(uint32_t label, uint32_t attribute, uint32_t j, double noise)
{
    char class_name[32], attribute_name[32];

    snprintf(class_name, sizeof class_name, "class%u", label);
    snprintf(attribute_name, sizeof attribute_name, "attribute%u", attribute);
    return 2 * noise + 0.5 * formula(class_name, j) + formula(attribute_name, j);
}

static void fill(struct worker_features *f, enum worker_feature_part part, uint32_t n,
                 unsigned seed)
{
    static const char *const     words[] = {"train", "val", "test"};
    struct worker_feature_split *split = &f->split[part];
    char                         rows[32], odd[32];

    snprintf(rows, sizeof rows, "%s%u", words[part], seed);
    snprintf(odd, sizeof odd, "odd%s%u", words[part], seed);
    *split = (struct worker_feature_split){.n = n,
                                           .labels = malloc(n * sizeof *split->labels),
                                           .groups = malloc(n * sizeof *split->groups)};
    if (f->precision == WORKER_F32)
        split->x32 = malloc((size_t)n * f->dims * sizeof *split->x32);
    else
        split->x64 = malloc((size_t)n * f->dims * sizeof *split->x64);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t label = i % f->classes;
        const bool     other = formula(odd, i) < (part == WORKER_FEATURES_TRAIN ? -0.45 : 0);
        const uint32_t attribute = (label + other) % 2;

        split->labels[i] = label;
        split->groups[i] = 2 * label + attribute;
        for (uint32_t j = 0; j < f->dims; j++) {
            const uint32_t k = i * f->dims + j;
            const double   value = value_of(label, attribute, j, formula(rows, k));

            if (split->x32)
                split->x32[k] = (float)value;
            else
                split->x64[k] = value;
        }
    }
}

/* A head that leans on the attribute too. */
static void fill_head(struct worker_features *f)
{
    for (uint32_t c = 0; c < f->classes; c++) {
        char class_name[32], attribute_name[32];

        snprintf(class_name, sizeof class_name, "class%u", c);
        snprintf(attribute_name, sizeof attribute_name, "attribute%u", c % 2);
        f->head_b[c] = 0.05 * formula("bias", c);
        for (uint32_t j = 0; j < f->dims; j++)
            f->head_w[c * f->dims + j] =
                0.05 * (formula(class_name, j) + 0.3 * formula(attribute_name, j) +
                        0.25 * formula("head", c * f->dims + j));
    }
}

struct worker_features *formula_features(enum worker_precision precision, uint32_t dims,
                                         uint32_t classes, uint32_t train, uint32_t val,
                                         uint32_t test, unsigned seed)
{
    struct worker_features *f = calloc(1, sizeof *f);

    f->precision = precision;
    f->dims = dims;
    f->classes = classes;
    f->groups = 2 * classes;
    f->head_w = malloc((size_t)classes * dims * sizeof *f->head_w);
    f->head_b = malloc(classes * sizeof *f->head_b);
    fill(f, WORKER_FEATURES_TRAIN, train, seed);
    fill(f, WORKER_FEATURES_VAL, val, seed);
    fill(f, WORKER_FEATURES_TEST, test, seed);
    fill_head(f);
    return f;
}

void formula_features_free(struct worker_features *features)
{
    for (int part = 0; part < WORKER_FEATURE_PARTS; part++) {
        free(features->split[part].x32);
        free(features->split[part].x64);
        free(features->split[part].labels);
        free(features->split[part].groups);
    }
    free(features->head_w);
    free(features->head_b);
    free(features);
}

static double feature(const struct worker_feature_split *split, size_t k)
{
    return split->x32 ? (double)split->x32[k] : split->x64[k];
}

/* Of equal logits the first. */
static uint32_t predict(const struct worker_features *f, const struct worker_feature_split *split,
                        uint32_t i, const double *w, const double *b)
{
    uint32_t best = 0;
    double   most = -INFINITY;

    for (uint32_t c = 0; c < f->classes; c++) {
        double z = b[c];

        for (uint32_t j = 0; j < f->dims; j++)
            z += w[c * f->dims + j] * feature(split, (size_t)i * f->dims + j);
        if (z > most) {
            most = z;
            best = c;
        }
    }
    return best;
}

double formula_worst_group(const struct worker_features *f, enum worker_feature_part part,
                           const double *w, const double *b)
{
    const struct worker_feature_split *split = &f->split[part];
    double                             worst = INFINITY;

    for (uint32_t g = 0; g < f->groups; g++) {
        double n = 0, right = 0;

        for (uint32_t i = 0; i < split->n; i++)
            if (split->groups[i] == g) {
                n++;
                right += predict(f, split, i, w, b) == split->labels[i];
            }
        if (n > 0 && right / n < worst)
            worst = right / n;
    }
    return worst;
}
