#include "tests/reference/naive_heads.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A head being trained, and what is needed for it. */
struct run {
    const struct worker_head_task *task;
    const struct worker_features  *f;
    struct naive_head             *head;
    double                        *w, *b, *gw, *gb;
    uint32_t                       epoch;
};

static const double *row_of(const struct run *run, enum worker_feature_part part, uint32_t i)
{
    return run->f->split[part].x64 + (size_t)i * run->f->dims;
}

static double logit(const struct run *run, const double *x, uint32_t c)
{
    double z = run->b[c];

    for (uint32_t k = 0; k < run->f->dims; k++)
        z += run->w[c * run->f->dims + k] * x[k];
    return z;
}

static double probability(const struct run *run, const double *x, uint32_t c)
{
    double sum = 0;

    for (uint32_t other = 0; other < run->f->classes; other++)
        sum += exp(logit(run, x, other) - logit(run, x, c));
    return 1 / sum;
}

static uint32_t answer(const struct run *run, const double *x)
{
    uint32_t best = 0;

    for (uint32_t c = 1; c < run->f->classes; c++)
        if (logit(run, x, c) > logit(run, x, best))
            best = c;
    return best;
}

static void no_gradient(struct run *run)
{
    memset(run->gw, 0, sizeof(double) * run->f->classes * run->f->dims);
    memset(run->gb, 0, sizeof(double) * run->f->classes);
}

/* Add `by` times one sample's gradient; its loss times `by`. */
static double add_sample(struct run *run, const double *x, uint32_t label, double by)
{
    for (uint32_t c = 0; c < run->f->classes; c++) {
        double d = by * (probability(run, x, c) - (c == label));

        run->gb[c] += d;
        for (uint32_t k = 0; k < run->f->dims; k++)
            run->gw[c * run->f->dims + k] += d * x[k];
    }
    return -by * log(probability(run, x, label));
}

static void go_down(struct run *run, double lr)
{
    for (uint32_t k = 0; k < run->f->classes * run->f->dims; k++)
        run->w[k] -= lr * run->gw[k];
    for (uint32_t c = 0; c < run->f->classes; c++)
        run->b[c] -= lr * run->gb[c];
}

/* rows NULL: all n of val. */
static void end_epoch(struct run *run, const uint32_t *rows, uint32_t n, double loss)
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
            right += answer(run, row_of(run, WORKER_FEATURES_VAL, row)) == val->labels[row];
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

static void measure(const struct run *run, double *mean, double *sd)
{
    const uint32_t n = run->f->split[WORKER_FEATURES_TRAIN].n, dims = run->f->dims;

    for (uint32_t k = 0; k < dims; k++) {
        mean[k] = sd[k] = 0;
        for (uint32_t i = 0; i < n; i++)
            mean[k] += row_of(run, WORKER_FEATURES_TRAIN, i)[k] / n;
        for (uint32_t i = 0; i < n; i++)
            sd[k] += pow(row_of(run, WORKER_FEATURES_TRAIN, i)[k] - mean[k], 2) / n;
        sd[k] = sqrt(sd[k]);
    }
}

/* A standardised row, with a 1 behind it. */
static void standard_row(const struct run *run, uint32_t i, const double *mean, const double *sd,
                         double *z)
{
    const double *x = row_of(run, WORKER_FEATURES_TRAIN, i);

    for (uint32_t k = 0; k < run->f->dims; k++)
        z[k] = (x[k] - mean[k]) / sd[k];
    z[run->f->dims] = 1;
}

/* The matrix of weighted second moments is written out; sixteen times it is applied. */
static double largest_eigenvalue(const struct run *run, const double *weight, const double *mean,
                                 const double *sd)
{
    const uint32_t n = run->f->dims + 1;
    double        *matrix = calloc((size_t)n * n, sizeof *matrix), size = 0;
    double        *v = calloc(n, sizeof *v), *next = calloc(n, sizeof *next);
    double        *z = calloc(n, sizeof *z);

    for (uint32_t i = 0; i < run->f->split[WORKER_FEATURES_TRAIN].n; i++) {
        standard_row(run, i, mean, sd, z);
        for (uint32_t a = 0; a < n; a++)
            for (uint32_t b = 0; b < n; b++)
                matrix[a * n + b] += weight[i] * z[a] * z[b];
    }
    for (uint32_t k = 0; k < n; k++) {
        double place = (k + 1) * (sqrt(5) - 1) / 2;

        v[k] = 2 * (place - floor(place)) - 1;
        size += v[k] * v[k];
    }
    for (int pass = 0; pass < 16; pass++) {
        double squares = 0;

        for (uint32_t a = 0; a < n; a++) {
            next[a] = 0;
            for (uint32_t b = 0; b < n; b++)
                next[a] += matrix[a * n + b] * v[b] / sqrt(size);
            squares += next[a] * next[a];
        }
        memcpy(v, next, n * sizeof *v);
        size = squares;
    }
    free(matrix);
    free(v);
    free(next);
    free(z);
    return sqrt(size);
}

/* Steps of a head of standardised features, which starts at zero: in `own`
 * (classes, dims + 1). Returns the last loss before a step. */
static double jtt_steps(struct run *run, const double *weight, const double *mean, const double *sd,
                        double *own)
{
    const struct worker_params        *p = run->task->params;
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    const uint32_t                     n = run->f->dims + 1, classes = run->f->classes;
    const double rate = p->head_jtt_head_lr / (largest_eigenvalue(run, weight, mean, sd) / 2);
    double      *gradient = calloc((size_t)classes * n, sizeof *gradient), loss = 0;
    double      *z = calloc(n, sizeof *z), *share = calloc(classes, sizeof *share);

    for (int64_t s = 0; s < p->head_jtt_head_steps; s++) {
        loss = 0;
        memset(gradient, 0, classes * n * sizeof *gradient);
        for (uint32_t i = 0; i < train->n; i++) {
            double sum = 0;

            standard_row(run, i, mean, sd, z);
            for (uint32_t c = 0; c < classes; c++) {
                share[c] = 0;
                for (uint32_t k = 0; k < n; k++)
                    share[c] += own[c * n + k] * z[k];
                share[c] = exp(share[c]);
                sum += share[c];
            }
            loss -= weight[i] * log(share[train->labels[i]] / sum);
            for (uint32_t c = 0; c < classes; c++)
                for (uint32_t k = 0; k < n; k++)
                    gradient[c * n + k] +=
                        weight[i] * (share[c] / sum - (c == train->labels[i])) * z[k];
        }
        for (uint32_t k = 0; k < classes * n; k++)
            own[k] -= rate * gradient[k];
    }
    free(gradient);
    free(z);
    free(share);
    for (uint32_t c = 0; c < classes; c++) {
        run->b[c] = own[c * n + run->f->dims];
        for (uint32_t k = 0; k < run->f->dims; k++) {
            run->w[c * run->f->dims + k] = own[c * n + k] / sd[k];
            run->b[c] -= own[c * n + k] * mean[k] / sd[k];
        }
    }
    return loss;
}

static void jtt(struct run *run)
{
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    const size_t                       n = run->f->dims + 1;
    double                            *weight = calloc(train->n, sizeof *weight), sum = 0;
    double                            *mean = calloc(n, sizeof *mean), *sd = calloc(n, sizeof *sd);
    double                            *own = calloc(run->f->classes * n, sizeof *own);

    measure(run, mean, sd);
    for (uint32_t i = 0; i < train->n; i++)
        weight[i] = 1.0 / train->n;
    jtt_steps(run, weight, mean, sd, own);
    for (uint32_t i = 0; i < train->n; i++) {
        bool wrong = answer(run, row_of(run, WORKER_FEATURES_TRAIN, i)) != train->labels[i];

        run->head->errors += wrong;
        weight[i] = wrong ? run->task->params->head_jtt_head_upweight : 1;
        sum += weight[i];
    }
    for (uint32_t i = 0; i < train->n; i++)
        weight[i] /= sum;
    memset(own, 0, run->f->classes * n * sizeof *own);
    for (int round = 0; round < 10; round++) {
        double loss = jtt_steps(run, weight, mean, sd, own);

        end_epoch(run, NULL, run->f->split[WORKER_FEATURES_VAL].n, loss);
    }
    free(weight);
    free(mean);
    free(sd);
    free(own);
}

/* The k-th row of a group (class), counted in the order of the split; UINT32_MAX behind the last. */
static uint32_t kth(const uint32_t *of, uint32_t n, uint32_t which, uint64_t k)
{
    for (uint32_t i = 0; i < n; i++)
        if (of[i] == which && k-- == 0)
            return i;
    return UINT32_MAX;
}

static uint32_t count(const uint32_t *of, uint32_t n, uint32_t which)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++)
        found += of[i] == which;
    return found;
}

static double dro_step(struct run *run, double *q, uint32_t epoch, uint32_t batch)
{
    const struct worker_params        *p = run->task->params;
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    struct mx_rng                      rng = mx_rng_at(run->task->head, 5, epoch, batch);
    double                             sums[8] = {0}, total = 0, loss = 0;
    uint32_t                           rows[128], counts[8] = {0};

    for (int i = 0; i < 128; i++) {
        uint32_t g = (uint32_t)mx_rng_below(&rng, run->f->groups);

        rows[i] =
            kth(train->groups, train->n, g, mx_rng_below(&rng, count(train->groups, train->n, g)));
        counts[g]++;
        sums[g] -= log(
            probability(run, row_of(run, WORKER_FEATURES_TRAIN, rows[i]), train->labels[rows[i]]));
    }
    for (uint32_t g = 0; g < run->f->groups; g++) {
        if (counts[g] > 0)
            q[g] *= exp(p->head_group_dro_group_lr * sums[g] / counts[g]);
        total += q[g];
    }
    no_gradient(run);
    for (uint32_t g = 0; g < run->f->groups; g++)
        q[g] /= total;
    for (int i = 0; i < 128; i++)
        loss += add_sample(run, row_of(run, WORKER_FEATURES_TRAIN, rows[i]), train->labels[rows[i]],
                           q[train->groups[rows[i]]] / counts[train->groups[rows[i]]]);
    for (uint32_t k = 0; k < run->f->classes * run->f->dims; k++)
        run->gw[k] += p->head_group_dro_l2 * run->w[k];
    for (uint32_t c = 0; c < run->f->classes; c++)
        run->gb[c] += p->head_group_dro_l2 * run->b[c];
    go_down(run, p->head_group_dro_lr);
    return loss;
}

static void group_dro(struct run *run)
{
    const uint32_t batches = (run->f->split[WORKER_FEATURES_TRAIN].n + 127) / 128;
    double         q[8];

    for (uint32_t g = 0; g < run->f->groups; g++)
        q[g] = 1.0 / run->f->groups;
    for (uint32_t e = 0; e < run->task->params->head_group_dro_epochs; e++) {
        double loss = 0;

        for (uint32_t b = 0; b < batches; b++)
            loss += dro_step(run, q, e, b) / batches;
        end_epoch(run, NULL, run->f->split[WORKER_FEATURES_VAL].n, loss);
    }
}

/* The first half of each group, drawn; the rest is the other half. */
static void halve(const struct run *run, bool *in_first)
{
    const struct worker_feature_split *val = &run->f->split[WORKER_FEATURES_VAL];
    struct mx_rng                      rng = mx_rng_at(run->task->head, 4, 0, 0);

    memset(in_first, 0, val->n);
    for (uint32_t g = 0; g < run->f->groups; g++) {
        uint32_t  n = count(val->groups, val->n, g);
        uint32_t *rows = calloc(n + 1, sizeof *rows);

        for (uint32_t i = 0; i < n; i++)
            rows[i] = kth(val->groups, val->n, g, i);
        for (uint32_t i = 0; i < n - n / 2; i++) {
            uint32_t j = i + (uint32_t)mx_rng_below(&rng, n - i), row = rows[j];

            rows[j] = rows[i];
            rows[i] = row;
            in_first[row] = true;
        }
        free(rows);
    }
}

/* The part that afr is fitted to, and which of its rows: half of val, or a fifth of each
 * class of train. */
struct weighed {
    enum worker_feature_part part;
    bool                    *in;     /* (rows of the part) */
    double                  *weight; /* (rows of the part) */
};

static double afr_epoch(struct run *run, const struct weighed *fit)
{
    const struct worker_params        *p = run->task->params;
    const struct worker_feature_split *split = &run->f->split[fit->part];
    double                             loss = 0;

    no_gradient(run);
    for (uint32_t i = 0; i < split->n; i++)
        if (fit->in[i])
            loss += add_sample(run, row_of(run, fit->part, i), split->labels[i], fit->weight[i]);
    for (uint32_t k = 0; k < run->f->classes * run->f->dims; k++) {
        loss += p->head_afr_reg * pow(run->w[k] - run->f->head_w[k], 2);
        run->gw[k] += 2 * p->head_afr_reg * (run->w[k] - run->f->head_w[k]);
    }
    for (uint32_t c = 0; c < run->f->classes; c++) {
        loss += p->head_afr_reg * pow(run->b[c] - run->f->head_b[c], 2);
        run->gb[c] += 2 * p->head_afr_reg * (run->b[c] - run->f->head_b[c]);
    }
    go_down(run, p->head_afr_lr);
    return loss;
}

/* Place (class, 5) of the split stream draws them; .2 n is rounded, half up. */
static void hold_out(const struct run *run, bool *in)
{
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    const struct mx_stream stream = mx_stream_make(run->task->seed, 0, MX_PURPOSE_SPLIT, 0);
    uint32_t              *order = calloc(train->n, sizeof *order);
    uint32_t              *members = calloc(train->n, sizeof *members);

    for (uint32_t c = 0; c < run->f->classes; c++) {
        struct mx_rng rng = mx_rng_at(stream, c, 5, 0);
        uint32_t      n = 0;

        for (uint32_t i = 0; i < train->n; i++)
            if (train->labels[i] == c)
                members[n++] = i;
        mx_rng_permutation(&rng, order, n);
        for (uint32_t k = 0; k < (2 * n + 5) / 10; k++)
            in[members[order[k]]] = true;
    }
    free(order);
    free(members);
}

static void afr_weights(const struct run *run, const struct weighed *fit)
{
    const struct worker_feature_split *split = &run->f->split[fit->part];
    double                             sum = 0;

    for (uint32_t i = 0; i < split->n; i++) {
        const double *row = row_of(run, fit->part, i);
        uint32_t      same = 0;

        for (uint32_t j = 0; j < split->n; j++)
            same += fit->in[j] && split->labels[j] == split->labels[i];
        if (fit->in[i])
            fit->weight[i] =
                exp(-run->task->params->head_afr_gamma * probability(run, row, split->labels[i])) /
                same;
        sum += fit->weight[i];
    }
    for (uint32_t i = 0; i < split->n; i++)
        fit->weight[i] /= sum;
}

static void afr(struct run *run)
{
    const struct worker_params        *p = run->task->params;
    const bool                         holdout = p->head_afr_split == WORKER_AFR_SPLIT_HOLDOUT;
    const struct worker_feature_split *val = &run->f->split[WORKER_FEATURES_VAL];
    const uint32_t                     most = val->n + run->f->split[WORKER_FEATURES_TRAIN].n;
    struct weighed                     fit = {holdout ? WORKER_FEATURES_TRAIN : WORKER_FEATURES_VAL,
                          calloc(most, sizeof *fit.in), calloc(most, sizeof *fit.weight)};
    uint32_t *others = calloc(val->n, sizeof *others), nothers = 0;

    if (holdout)
        hold_out(run, fit.in);
    else
        halve(run, fit.in);
    afr_weights(run, &fit);
    for (uint32_t i = 0; i < val->n; i++)
        if (holdout || !fit.in[i])
            others[nothers++] = i;
    for (int64_t e = 0; e < p->head_afr_epochs; e++) {
        double loss = afr_epoch(run, &fit);

        end_epoch(run, others, nothers, loss);
    }
    free(fit.in);
    free(fit.weight);
    free(others);
}

/* The rank-th hardest validation row of a class; n rows in all. */
static uint32_t hardest(const struct run *run, uint32_t class, uint32_t rank)
{
    const struct worker_feature_split *val = &run->f->split[WORKER_FEATURES_VAL];

    for (uint32_t i = 0; i < val->n; i++) {
        double   p = probability(run, row_of(run, WORKER_FEATURES_VAL, i), class);
        uint32_t before = 0;

        for (uint32_t j = 0; j < val->n && val->labels[i] == class; j++) {
            double other = probability(run, row_of(run, WORKER_FEATURES_VAL, j), class);

            before += val->labels[j] == class && (other < p || (other == p && j < i));
        }
        if (val->labels[i] == class && before == rank)
            return i;
    }
    return UINT32_MAX;
}

static uint32_t easy_row(const struct run *run, uint32_t class, struct mx_rng *rng)
{
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    uint32_t                          *right = calloc(train->n, sizeof *right), n = 0, row;

    for (uint32_t i = 0; i < train->n; i++)
        if (train->labels[i] == class &&
            answer(run, row_of(run, WORKER_FEATURES_TRAIN, i)) == class)
            right[n++] = i;
    row = right[mx_rng_below(rng, n)];
    free(right);
    return row;
}

static void adam(struct run *run, double *mean, double *square, double t)
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

static void feature_mixup(struct run *run)
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
            for (uint32_t r = 0; r < most && r < count(val->labels, val->n, c); r++, n++) {
                struct mx_rng rng = mx_rng_at(run->task->head, 6, e, n);
                const double *hard = row_of(run, WORKER_FEATURES_VAL, hardest(run, c, r));
                const double *easy = row_of(run, WORKER_FEATURES_TRAIN, easy_row(run, c, &rng));
                double        lambda =
                    mx_rng_beta(&rng, p->head_feature_mixup_alpha, p->head_feature_mixup_alpha);

                labels[n] = c;
                for (uint32_t k = 0; k < dims; k++)
                    x[(size_t)n * dims + k] = lambda * hard[k] + (1 - lambda) * easy[k];
            }
        for (int64_t s = 0; s < p->head_hsfm_inner_steps; s++) {
            no_gradient(run);
            loss = 0;
            for (uint32_t i = 0; i < n; i++)
                loss += add_sample(run, x + (size_t)i * dims, labels[i], 1.0 / n);
            adam(run, mean, mean + size, ++t);
        }
        end_epoch(run, NULL, val->n, loss);
    }
    free(x);
    free(mean);
    free(labels);
}

void naive_head_train(const struct worker_head_task *task, struct naive_head *head)
{
    const struct worker_features *f = task->features;
    const size_t                  nw = (size_t)f->classes * f->dims;
    struct run                    run = {.task = task, .f = f, .head = head};

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
        jtt(&run);
    else if (task->params->head_method == WORKER_HEAD_GROUP_DRO)
        group_dro(&run);
    else if (task->params->head_method == WORKER_HEAD_AFR)
        afr(&run);
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
