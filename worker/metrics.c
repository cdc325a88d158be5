#include "worker/metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BINS = 15,
    TOP = 5
};

/* Samples of a class, group or confidence bin, and the hits among them. */
struct tally {
    uint64_t n, hits;
};

struct bin {
    struct tally tally;
    double       confidence; /* summed */
};

struct worker_metrics {
    uint32_t      classes, groups;
    struct tally  all;
    uint64_t      top_hits;
    double        cross_entropy, confidence; /* summed */
    struct bin    bins[BINS];
    struct tally *by_class; /* (classes) */
    struct tally *by_group; /* (groups) */
    double       *share;    /* (groups), of the training images */
    double       *row;      /* (classes): logits that came as floats */
    uint8_t      *hits;     /* lent: where the next sample's verdict goes; NULL: nowhere */
};

struct worker_metrics *worker_metrics_new(uint32_t classes, uint32_t groups,
                                          const uint64_t *train_group_counts, struct mx_err *err)
{
    struct worker_metrics *metrics = calloc(1, sizeof *metrics);
    double                 total = 0;

    if (!metrics)
        goto nomem;
    metrics->classes = classes;
    metrics->groups = groups;
    metrics->by_class = calloc(classes, sizeof *metrics->by_class);
    metrics->by_group = calloc(groups ? groups : 1, sizeof *metrics->by_group);
    metrics->share = calloc(groups ? groups : 1, sizeof *metrics->share);
    metrics->row = calloc(classes, sizeof *metrics->row);
    if (!metrics->by_class || !metrics->by_group || !metrics->share || !metrics->row)
        goto nomem;
    for (uint32_t g = 0; g < groups; g++)
        total += (double)train_group_counts[g];
    for (uint32_t g = 0; g < groups && total > 0; g++)
        metrics->share[g] = (double)train_group_counts[g] / total;
    return metrics;
nomem:
    worker_metrics_free(metrics);
    mx_fail(err, MX_ENOMEM, "no memory for the scores of %u classes and %u groups", classes,
            groups);
    return NULL;
}

void worker_metrics_free(struct worker_metrics *metrics)
{
    if (!metrics)
        return;
    free(metrics->by_class);
    free(metrics->by_group);
    free(metrics->share);
    free(metrics->row);
    free(metrics);
}

/* What one row of logits says. */
struct verdict {
    bool   hit, top_hit;
    double cross_entropy, confidence;
};

/* The class with the largest logit is predicted, the first of equals; a row
 * with a NaN predicts nothing. */
static struct verdict judge(const double *logits, uint32_t classes, uint32_t label)
{
    uint32_t best = 0, ahead = 0;
    bool     sound = true;
    double   sum = 0, largest;

    for (uint32_t c = 0; c < classes; c++) {
        if (logits[c] > logits[best])
            best = c;
        ahead += logits[c] > logits[label] || (logits[c] == logits[label] && c < label);
        sound = sound && !isnan(logits[c]);
    }
    largest = logits[best];
    for (uint32_t c = 0; c < classes; c++)
        sum += exp(logits[c] - largest);
    return (struct verdict){
        .hit = sound && best == label,
        .top_hit = sound && ahead < TOP,
        .cross_entropy = log(sum) + (largest - logits[label]),
        .confidence = 1.0 / sum,
    };
}

/* Bins are (lo, hi]: a confidence on an edge belongs to the bin below it. */
static unsigned bin_of(double confidence)
{
    unsigned bin = 0;

    while (bin < BINS - 1 && confidence > (bin + 1.0) / BINS)
        bin++;
    return bin;
}

static void count(struct tally *tally, bool hit)
{
    tally->n++;
    tally->hits += hit;
}

static void add(struct worker_metrics *metrics, const double *logits, uint32_t label,
                const uint32_t *group)
{
    struct verdict verdict = judge(logits, metrics->classes, label);
    struct bin    *bin = &metrics->bins[bin_of(verdict.confidence)];

    if (metrics->hits)
        *metrics->hits++ = verdict.hit;
    count(&metrics->all, verdict.hit);
    count(&metrics->by_class[label], verdict.hit);
    count(&bin->tally, verdict.hit);
    bin->confidence += verdict.confidence;
    if (metrics->groups > 0 && group)
        count(&metrics->by_group[*group], verdict.hit);
    metrics->top_hits += verdict.top_hit;
    metrics->cross_entropy += verdict.cross_entropy;
    metrics->confidence += verdict.confidence;
}

void worker_metrics_record(struct worker_metrics *metrics, uint8_t *hits)
{
    metrics->hits = hits;
}

void worker_metrics_add(struct worker_metrics *metrics, const float *logits, const uint32_t *labels,
                        const uint32_t *group_ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t c = 0; c < metrics->classes; c++)
            metrics->row[c] = (double)logits[(size_t)i * metrics->classes + c];
        add(metrics, metrics->row, labels[i], group_ids ? &group_ids[i] : NULL);
    }
}

void worker_metrics_add_f64(struct worker_metrics *metrics, const double *logits,
                            const uint32_t *labels, const uint32_t *group_ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        add(metrics, logits + (size_t)i * metrics->classes, labels[i],
            group_ids ? &group_ids[i] : NULL);
}

/* NaN without samples. */
static double rate(struct tally tally)
{
    return tally.n > 0 ? (double)tally.hits / (double)tally.n : NAN;
}

double worker_metrics_accuracy(const struct worker_metrics *metrics)
{
    return rate(metrics->all);
}

static double mean(const struct worker_metrics *metrics, double sum)
{
    return metrics->all.n > 0 ? sum / (double)metrics->all.n : NAN;
}

double worker_metrics_cross_entropy(const struct worker_metrics *metrics)
{
    return mean(metrics, metrics->cross_entropy);
}

static double calibration_error(const struct worker_metrics *metrics)
{
    double sum = 0;

    for (unsigned b = 0; b < BINS; b++)
        sum += fabs((double)metrics->bins[b].tally.hits - metrics->bins[b].confidence);
    return mean(metrics, sum);
}

/* The lowest and highest rate of those that have samples, NaN if none has. */
static double lowest(const struct tally *tallies, uint32_t n)
{
    double low = NAN;

    for (uint32_t k = 0; k < n; k++)
        if (tallies[k].n > 0 && !(rate(tallies[k]) >= low))
            low = rate(tallies[k]);
    return low;
}

static double highest(const struct tally *tallies, uint32_t n)
{
    double high = NAN;

    for (uint32_t k = 0; k < n; k++)
        if (tallies[k].n > 0 && !(rate(tallies[k]) <= high))
            high = rate(tallies[k]);
    return high;
}

/* Weighed by training shares; groups without samples are left out of both sums. */
static double adjusted_average(const struct worker_metrics *metrics)
{
    double sum = 0, weight = 0;

    for (uint32_t g = 0; g < metrics->groups; g++)
        if (metrics->by_group[g].n > 0) {
            sum += metrics->share[g] * rate(metrics->by_group[g]);
            weight += metrics->share[g];
        }
    return weight > 0 ? sum / weight : NAN;
}

static int put(struct worker_result *result, const char *split, const char *word, double value,
               struct mx_err *err)
{
    char name[WORKER_METRIC_NAME_SIZE];

    snprintf(name, sizeof name, "%s.%s", split, word);
    return worker_result_add(result, name, value, err);
}

static int put_groups(const struct worker_metrics *metrics, const char *split,
                      struct worker_result *result, struct mx_err *err)
{
    double worst = lowest(metrics->by_group, metrics->groups);
    double best = highest(metrics->by_group, metrics->groups);

    if (put(result, split, "worst_group_accuracy", worst, err) ||
        put(result, split, "adjusted_average_accuracy", adjusted_average(metrics), err) ||
        put(result, split, "group_gap", best - worst, err))
        return -1;
    for (uint32_t g = 0; g < metrics->groups; g++) {
        char word[32];

        snprintf(word, sizeof word, "group_accuracy.%u", g);
        if (put(result, split, word, rate(metrics->by_group[g]), err))
            return -1;
        snprintf(word, sizeof word, "group_count.%u", g);
        if (put(result, split, word, (double)metrics->by_group[g].n, err))
            return -1;
    }
    return 0;
}

int worker_metrics_report(const struct worker_metrics *metrics, const char *split,
                          struct worker_result *result, struct mx_err *err)
{
    double top = metrics->classes > TOP ? mean(metrics, (double)metrics->top_hits) : NAN;

    if (put(result, split, "accuracy", worker_metrics_accuracy(metrics), err) ||
        put(result, split, "top5_accuracy", top, err) ||
        put(result, split, "cross_entropy", worker_metrics_cross_entropy(metrics), err) ||
        put(result, split, "calibration_error", calibration_error(metrics), err) ||
        put(result, split, "confidence", mean(metrics, metrics->confidence), err) ||
        put(result, split, "worst_class_accuracy", lowest(metrics->by_class, metrics->classes),
            err))
        return -1;
    return metrics->groups > 0 ? put_groups(metrics, split, result, err) : 0;
}
