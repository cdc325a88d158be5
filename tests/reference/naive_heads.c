#include "tests/reference/naive_heads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/naive_head_parts.h"

const double *naive_row(const struct naive_run *run, enum worker_feature_part part, uint32_t i)
{
    return run->f->split[part].x64 + (size_t)i * run->f->dims;
}

static double logit(const struct naive_run *run, const double *x, uint32_t c)
{
    double z = run->b[c];

    for (uint32_t k = 0; k < run->f->dims; k++)
        z += run->w[c * run->f->dims + k] * x[k];
    return z;
}

double naive_probability(const struct naive_run *run, const double *x, uint32_t c)
{
    double sum = 0;

    for (uint32_t other = 0; other < run->f->classes; other++)
        sum += exp(logit(run, x, other) - logit(run, x, c));
    return 1 / sum;
}

uint32_t naive_answer(const struct naive_run *run, const double *x)
{
    uint32_t best = 0;

    for (uint32_t c = 1; c < run->f->classes; c++)
        if (logit(run, x, c) > logit(run, x, best))
            best = c;
    return best;
}

void naive_no_gradient(struct naive_run *run)
{
    memset(run->gw, 0, sizeof(double) * run->f->classes * run->f->dims);
    memset(run->gb, 0, sizeof(double) * run->f->classes);
}

double naive_add_sample(struct naive_run *run, const double *x, uint32_t label, double by)
{
    for (uint32_t c = 0; c < run->f->classes; c++) {
        double d = by * (naive_probability(run, x, c) - (c == label));

        run->gb[c] += d;
        for (uint32_t k = 0; k < run->f->dims; k++)
            run->gw[c * run->f->dims + k] += d * x[k];
    }
    return -by * log(naive_probability(run, x, label));
}

void naive_go_down(struct naive_run *run, double lr)
{
    for (uint32_t k = 0; k < run->f->classes * run->f->dims; k++)
        run->w[k] -= lr * run->gw[k];
    for (uint32_t c = 0; c < run->f->classes; c++)
        run->b[c] -= lr * run->gb[c];
}

void naive_end_epoch(struct naive_run *run, const uint32_t *rows, uint32_t n, double loss)
{
    const struct worker_feature_split *val = &run->f->split[WORKER_FEATURES_VAL];
    double                             worst = INFINITY;

    for (uint32_t g = 0; g < run->f->groups; g++) {
        uint32_t all = 0, right = 0;

        for (uint32_t i = 0; i < n; i++) {
            uint32_t row = rows ? rows[i] : i;

            if (val->groups[row] != g)
                continue;
            all++;
            right +=
                naive_answer(run, naive_row(run, WORKER_FEATURES_VAL, row)) == val->labels[row];
        }
        if (all > 0 && (double)right / all < worst)
            worst = (double)right / all;
    }
    run->head->losses[run->epoch] = loss;
    run->head->worst[run->epoch] = worst;
    if (run->epoch == 0 || worst >= run->head->worst[run->head->kept]) {
        run->head->kept = run->epoch;
        memcpy(run->head->w, run->w, sizeof(double) * run->f->classes * run->f->dims);
        memcpy(run->head->b, run->b, sizeof(double) * run->f->classes);
    }
    run->epoch++;
}

uint32_t naive_kth(const uint32_t *of, uint32_t n, uint32_t which, uint64_t k)
{
    for (uint32_t i = 0; i < n; i++)
        if (of[i] == which && k-- == 0)
            return i;
    return UINT32_MAX;
}

uint32_t naive_count(const uint32_t *of, uint32_t n, uint32_t which)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++)
        found += of[i] == which;
    return found;
}

static double dro_step(struct naive_run *run, double *q, uint32_t epoch, uint32_t batch)
{
    const struct worker_params        *p = run->task->params;
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    struct mx_rng                      rng = mx_rng_at(run->task->head, 5, epoch, batch);
    double                             sums[8] = {0}, total = 0, loss = 0;
    uint32_t                           rows[128], counts[8] = {0};

    for (int i = 0; i < 128; i++) {
        uint32_t g = (uint32_t)mx_rng_below(&rng, run->f->groups);

        rows[i] = naive_kth(train->groups, train->n, g,
                            mx_rng_below(&rng, naive_count(train->groups, train->n, g)));
        counts[g]++;
        sums[g] -= log(naive_probability(run, naive_row(run, WORKER_FEATURES_TRAIN, rows[i]),
                                         train->labels[rows[i]]));
    }
    for (uint32_t g = 0; g < run->f->groups; g++) {
        if (counts[g] > 0)
            q[g] *= exp(p->head_group_dro_group_lr * sums[g] / counts[g]);
        total += q[g];
    }
    naive_no_gradient(run);
    for (uint32_t g = 0; g < run->f->groups; g++)
        q[g] /= total;
    for (int i = 0; i < 128; i++)
        loss += naive_add_sample(run, naive_row(run, WORKER_FEATURES_TRAIN, rows[i]),
                                 train->labels[rows[i]],
                                 q[train->groups[rows[i]]] / counts[train->groups[rows[i]]]);
    for (uint32_t k = 0; k < run->f->classes * run->f->dims; k++)
        run->gw[k] += p->head_group_dro_l2 * run->w[k];
    for (uint32_t c = 0; c < run->f->classes; c++)
        run->gb[c] += p->head_group_dro_l2 * run->b[c];
    naive_go_down(run, p->head_group_dro_lr);
    return loss;
}

static void group_dro(struct naive_run *run)
{
    const uint32_t batches = (run->f->split[WORKER_FEATURES_TRAIN].n + 127) / 128;
    double         q[8];

    for (uint32_t g = 0; g < run->f->groups; g++)
        q[g] = 1.0 / run->f->groups;
    for (uint32_t e = 0; e < run->task->params->head_group_dro_epochs; e++) {
        double loss = 0;

        for (uint32_t b = 0; b < batches; b++)
            loss += dro_step(run, q, e, b) / batches;
        naive_end_epoch(run, NULL, run->f->split[WORKER_FEATURES_VAL].n, loss);
    }
}

/* The rank-th hardest validation row of a class; n rows in all. */
static uint32_t hardest(const struct naive_run *run, uint32_t class, uint32_t rank)
{
    const struct worker_feature_split *val = &run->f->split[WORKER_FEATURES_VAL];

    for (uint32_t i = 0; i < val->n; i++) {
        double   p = naive_probability(run, naive_row(run, WORKER_FEATURES_VAL, i), class);
        uint32_t before = 0;

        for (uint32_t j = 0; j < val->n && val->labels[i] == class; j++) {
            double other = naive_probability(run, naive_row(run, WORKER_FEATURES_VAL, j), class);

            before += val->labels[j] == class && (other < p || (other == p && j < i));
        }
        if (val->labels[i] == class && before == rank)
            return i;
    }
    return UINT32_MAX;
}

static uint32_t easy_row(const struct naive_run *run, uint32_t class, struct mx_rng *rng)
{
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    uint32_t                          *right = calloc(train->n, sizeof *right), n = 0, row;

    for (uint32_t i = 0; i < train->n; i++)
        if (train->labels[i] == class &&
            naive_answer(run, naive_row(run, WORKER_FEATURES_TRAIN, i)) == class)
            right[n++] = i;
    row = right[mx_rng_below(rng, n)];
    free(right);
    return row;
}

static void adam(struct naive_run *run, double *mean, double *square, double t)
{
    const uint32_t nw = run->f->classes * run->f->dims;

    for (uint32_t k = 0; k < nw + run->f->classes; k++) {
        double  g = k < nw ? run->gw[k] : run->gb[k - nw];
        double *w = k < nw ? &run->w[k] : &run->b[k - nw];

        mean[k] += 0.1 * (g - mean[k]);
        square[k] += 0.001 * (g * g - square[k]);
        *w -= run->task->params->head_feature_mixup_lr * mean[k] / (1 - pow(0.9, t)) /
              (sqrt(square[k] / (1 - pow(0.999, t))) + 1e-8);
    }
}

static void feature_mixup(struct naive_run *run)
{
    const struct worker_params        *p = run->task->params;
    const struct worker_feature_split *val = &run->f->split[WORKER_FEATURES_VAL];
    const uint32_t dims = run->f->dims, most = (uint32_t)p->head_hsfm_hard_per_class;
    const size_t   size = (size_t)run->f->classes * (dims + 1);
    double   *x = calloc((size_t)val->n * dims, sizeof *x), *mean = calloc(2 * size, sizeof *mean);
    uint32_t *labels = calloc(val->n, sizeof *labels);
    double    t = 0;

    for (uint32_t e = 0; e < p->head_feature_mixup_epochs; e++) {
        uint32_t n = 0;
        double   loss = 0;

        for (uint32_t c = 0; c < run->f->classes; c++)
            for (uint32_t r = 0; r < most && r < naive_count(val->labels, val->n, c); r++, n++) {
                struct mx_rng rng = mx_rng_at(run->task->head, 6, e, n);
                const double *hard = naive_row(run, WORKER_FEATURES_VAL, hardest(run, c, r));
                const double *easy = naive_row(run, WORKER_FEATURES_TRAIN, easy_row(run, c, &rng));
                double        lambda =
                    mx_rng_beta(&rng, p->head_feature_mixup_alpha, p->head_feature_mixup_alpha);

                labels[n] = c;
                for (uint32_t k = 0; k < dims; k++)
                    x[(size_t)n * dims + k] = lambda * hard[k] + (1 - lambda) * easy[k];
            }
        for (int64_t s = 0; s < p->head_hsfm_inner_steps; s++) {
            naive_no_gradient(run);
            loss = 0;
            for (uint32_t i = 0; i < n; i++)
                loss += naive_add_sample(run, x + (size_t)i * dims, labels[i], 1.0 / n);
            adam(run, mean, mean + size, ++t);
        }
        naive_end_epoch(run, NULL, val->n, loss);
    }
    free(x);
    free(mean);
    free(labels);
}

void naive_head_train(const struct worker_head_task *task, struct naive_head *head)
{
    const struct worker_features *f = task->features;
    const size_t                  nw = (size_t)f->classes * f->dims;
    struct naive_run              run = {.task = task, .f = f, .head = head};

    *head = (struct naive_head){.w = calloc(nw, sizeof(double)),
                                .b = calloc(f->classes, sizeof(double))};
    run.w = calloc(nw, sizeof(double));
    run.b = calloc(f->classes, sizeof(double));
    run.gw = calloc(nw, sizeof(double));
    run.gb = calloc(f->classes, sizeof(double));
    if (task->params->head_method != WORKER_HEAD_JTT_HEAD) {
        memcpy(run.w, f->head_w, nw * sizeof(double));
        memcpy(run.b, f->head_b, f->classes * sizeof(double));
    }
    if (task->params->head_method == WORKER_HEAD_JTT_HEAD)
        naive_jtt(&run);
    else if (task->params->head_method == WORKER_HEAD_GROUP_DRO)
        group_dro(&run);
    else if (task->params->head_method == WORKER_HEAD_AFR)
        naive_afr(&run);
    else
        feature_mixup(&run);
    free(run.w);
    free(run.b);
    free(run.gw);
    free(run.gb);
}

void naive_head_free(struct naive_head *head)
{
    free(head->w);
    free(head->b);
}
