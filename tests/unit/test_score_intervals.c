/* Intervals of the scores of maps, against plain loops over what the stage left of each image. */
#include "tests/unit/score_stages.h"
#include "worker/features.h"
#include "worker/resamples.h"

TestSuite(score_intervals, .init = make_folder, .fini = remove_folder);

#define BIT(score) WORKER_SCORE_BIT(score)

/* Of areas and a second number an image, as a score has them: the 2.5 and 97.5 percentiles over the
 * resamples that every cell of the repeat shares. */
static void naive_interval(const struct world *w, const double *a, const double *b,
                           double (*number)(double, double), double ends[2])
{
    enum {
        RESAMPLES = 40 /* percentiles between the first two, and the last two */
    };
    double values[RESAMPLES];

    for (uint32_t r = 0; r < RESAMPLES; r++) {
        uint8_t drawn[IMAGES];
        double  sums[2] = {0, 0}, weight = 0, value;
        int     at = 0;

        worker_resample(mx_stream_make(w->job->seed, 0, MX_PURPOSE_BOOTSTRAP, 0),
                        WORKER_FEATURES_TEST, r, IMAGES, drawn);
        for (int i = 0; i < IMAGES; i++)
            if (!isnan(a[i])) {
                weight += drawn[i];
                sums[0] += drawn[i] * a[i];
                sums[1] += drawn[i] * b[i];
            }
        value = number(sums[0] / weight, sums[1] / weight);
        for (uint32_t q = r; q > 0 && values[q - 1] > value; q--, at++)
            values[q] = values[q - 1];
        values[(int)r - at] = value;
    }
    ends[0] = values[0] + 0.025 * (RESAMPLES - 1) * (values[1] - values[0]);
    ends[1] = values[RESAMPLES - 1] -
              0.025 * (RESAMPLES - 1) * (values[RESAMPLES - 1] - values[RESAMPLES - 2]);
}

static void expect_interval(const struct worker_result *result, const char *word, const char *rest,
                            const double ends[2])
{
    static const char *const names[] = {"low", "high"};

    for (int k = 0; k < 2; k++) {
        char name[96];

        snprintf(name, sizeof name, "test.%s_%s.%s", word, names[k], rest);
        cr_expect(fabs(metric(result, name) - ends[k]) <= 1e-6, "%s: %g, not %g", name,
                  metric(result, name), ends[k]);
    }
}

static double own(double a, double b)
{
    (void)b;
    return a;
}

static double less(double a, double b)
{
    return b - a;
}

static double share(double a, double b)
{
    return a / b;
}

static double saved(double a, double b)
{
    return (b - a) / b;
}

Test(score_intervals, are_there_where_they_are_wanted)
{
    static const enum worker_attribution kinds[] = {WORKER_MAP_GRADIENT};
    static const char *const             files[] = {"deletion", "deletion_least_first",
                                                    "random_order_deletion"};
    struct world                         w = {.job = NULL};
    struct worker_result                 result;
    double                               area[3][IMAGES], start[IMAGES], rank[IMAGES], ends[2];
    float                               *values;

    begin(&w,
          BIT(DELETION) | BIT(DELETION_NORMALISED) | BIT(SYMMETRIC_RELEVANCE_GAIN) |
              BIT(RANDOM_ORDER_DELETION) | BIT(RELEVANCE_RANK) | BIT(MAP_INTERVALS),
          kinds, 1);
    w.job->params.score_bootstrap = 40;
    result = run(w.job, w.cache);
    for (int f = 0; f < 3; f++) {
        char name[96];

        snprintf(name, sizeof name, "%s.gradient.zero.npy", files[f]);
        values = read_rows(name, STEPS + 1);
        for (int i = 0; i < IMAGES; i++) {
            const float *curve = values + i * (STEPS + 1);

            area[f][i] = 0;
            for (int t = 1; t <= 8; t++)
                area[f][i] += ((double)curve[t] + curve[t - 1]) / 2 / 8;
            start[i] = f == 0 ? (double)curve[0] : start[i];
        }
        free(values);
    }
    values = read_rows("relevance_rank.gradient.npy", 1);
    for (int i = 0; i < IMAGES; i++)
        rank[i] = (double)values[i];
    free(values);
    naive_interval(&w, area[0], area[0], own, ends);
    cr_expect(ends[0] < ends[1]);
    expect_interval(&result, "deletion", "gradient.zero", ends);
    naive_interval(&w, area[0], start, share, ends);
    expect_interval(&result, "deletion_normalised", "gradient.zero", ends);
    naive_interval(&w, area[0], area[1], less, ends);
    expect_interval(&result, "symmetric_relevance_gain", "gradient.zero", ends);
    naive_interval(&w, area[0], area[2], saved, ends);
    expect_interval(&result, "random_order_deletion", "gradient.zero", ends);
    naive_interval(&w, rank, rank, own, ends);
    expect_interval(&result, "relevance_rank", "gradient", ends);
    worker_result_free(&result);

    become(w.job, WORKER_STAGE_SCORES, "44444444444444444444444444444444");
    w.job->params.score_bootstrap = 0; /* asked for, and none can be had */
    result = run(w.job, w.cache);
    cr_expect(isnan(metric(&result, "test.deletion_low.gradient.zero")));
    cr_expect_not(isnan(metric(&result, "test.deletion.gradient.zero")));
    worker_result_free(&result);
    end(&w);
}
