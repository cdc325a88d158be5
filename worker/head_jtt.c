/* jtt_head: just train twice, on a last layer (after Liu et al. 2021; ours). A
 * head from zero makes `steps` full-batch gradient steps on the training
 * samples; those it is wrong about then weigh `upweight` times as much as the
 * others, and a second head, from zero too, is trained on the weighted mean
 * loss. The second one makes ROUNDS times as many steps and is judged on val
 * after each round.
 *
 * Steps are taken on features standardised by train, and their length is measured by
 * how sharply the loss can bend there: rate / L, where L is half of the largest
 * eigenvalue of the samples' weighted second moments. Any rate below 2 goes downhill,
 * whatever the backbone's features are like
 * (docs/decisions/013-rate-of-jtt-head.md). */
#include <math.h>
#include <stdlib.h>

#include "worker/head.h"
#include "worker/linear_head.h"
#include "worker/logistic.h"
#include "worker/selection.h"

enum {
    ROUNDS = 10,
    PASSES = 16, /* of the power iteration; a half of the eigenvalue would do */
};

struct jtt {
    const struct worker_head_task *task;
    struct worker_head            *head;
    struct worker_rows             train;
    struct worker_linear           linear;
    struct worker_scale            scale;   /* of train */
    double                        *weight;  /* (train) of each sample, summing to 1 */
    double                        *scratch; /* (2 (dims + 1)) */
};

/* Products of the samples' weighted second moments, standardised and with a 1 for the
 * intercept, with v (dims + 1), in out. The standardisation is folded into v. */
static void moments_times(const struct jtt *jtt, const double *weight, double *v, double *out)
{
    const uint32_t dims = jtt->train.dims;
    double         shift = v[dims], total = 0;

    for (uint32_t d = 0; d < dims; d++) {
        v[d] *= jtt->scale.inverse[d];
        shift -= v[d] * jtt->scale.mean[d];
        out[d] = 0;
    }
    for (uint32_t i = 0; i < jtt->train.n; i++) {
        double by =
            (weight ? weight[i] : 1.0 / jtt->train.n) * (worker_row_dot(&jtt->train, i, v) + shift);

        worker_row_add(&jtt->train, i, by, out);
        total += by;
    }
    for (uint32_t d = 0; d < dims; d++)
        out[d] = (out[d] - total * jtt->scale.mean[d]) * jtt->scale.inverse[d];
    out[dims] = total;
}

static double norm(const double *v, size_t n)
{
    double squares = 0;

    for (size_t k = 0; k < n; k++)
        squares += v[k] * v[k];
    return sqrt(squares);
}

/* The largest eigenvalue, from below, by power iteration from a fixed vector that is
 * even over all directions. It is 1 or more: the intercept's own is. */
static double largest_moment(const struct jtt *jtt, const double *weight)
{
    const size_t n = (size_t)jtt->train.dims + 1;
    double      *v = jtt->scratch, *next = jtt->scratch + n, length;

    for (size_t k = 0; k < n; k++)
        v[k] = 2 * fmod(0.61803398874989484 * (double)(k + 1), 1) - 1;
    length = norm(v, n);
    for (int p = 0; p < PASSES; p++) {
        double *swap = v;

        for (size_t k = 0; k < n; k++)
            v[k] /= length;
        moments_times(jtt, weight, v, next);
        length = norm(next, n);
        v = next;
        next = swap;
    }
    return fmax(length, 1);
}

/* One step down the gradient with respect to weights of standardised features, made on the
 * weights of features as they are. */
static void step_down(struct jtt *jtt, double rate)
{
    struct worker_linear *linear = &jtt->linear;
    const uint32_t        dims = jtt->train.dims;

    for (uint32_t c = 0; c < jtt->head->classes; c++) {
        double *w = linear->w + (size_t)c * dims, slope = linear->gradient_b[c], shift = slope;
        const double *gradient = linear->gradient_w + (size_t)c * dims;

        for (uint32_t d = 0; d < dims; d++) {
            const double mean = jtt->scale.mean[d], inverse = jtt->scale.inverse[d];
            const double by = (gradient[d] - mean * slope) * inverse * inverse;

            w[d] -= rate * by;
            shift -= mean * by;
        }
        linear->b[c] -= rate * shift;
    }
    worker_head_round(linear->features, linear->w, linear->b);
}

static int descend(struct jtt *jtt, const double *weight, double rate, uint64_t done, double *loss,
                   struct mx_err *err)
{
    const uint64_t steps = (uint64_t)jtt->task->params->head_jtt_head_steps;

    for (uint64_t s = 0; s < steps; s++) {
        if (worker_head_tick(jtt->task, done + s, (ROUNDS + 1) * steps, err))
            return -1;
        *loss = worker_linear_gradient(&jtt->linear, &jtt->train, weight);
        step_down(jtt, rate);
    }
    return 0;
}

/* Of equal logits the first class is predicted, as everywhere. */
static bool is_right(const struct jtt *jtt, uint32_t i, double *probability)
{
    uint32_t best = 0;

    worker_linear_loss(&jtt->linear, &jtt->train, i, probability);
    for (uint32_t c = 1; c < jtt->head->classes; c++)
        if (probability[c] > probability[best])
            best = c;
    return best == worker_row_label(&jtt->train, i);
}

static int weigh(struct jtt *jtt, struct mx_err *err)
{
    double *probability = calloc(jtt->head->classes, sizeof *probability);
    double  sum = 0;

    if (!probability)
        return mx_fail(err, MX_ENOMEM, "no memory for %u classes", jtt->head->classes);
    for (uint32_t i = 0; i < jtt->train.n; i++) {
        bool right = is_right(jtt, i, probability);

        jtt->head->errors += !right;
        jtt->weight[i] = right ? 1 : jtt->task->params->head_jtt_head_upweight;
        sum += jtt->weight[i];
    }
    for (uint32_t i = 0; i < jtt->train.n; i++)
        jtt->weight[i] /= sum;
    free(probability);
    return 0;
}

static int train_twice(struct jtt *jtt, struct mx_err *err)
{
    const struct worker_rows val = worker_rows_all(jtt->task->features, WORKER_FEATURES_VAL);
    const uint64_t           steps = (uint64_t)jtt->task->params->head_jtt_head_steps;
    const double             lr = 2 * jtt->task->params->head_jtt_head_lr;
    double                   loss = 0, rate = lr / largest_moment(jtt, NULL);

    if (descend(jtt, NULL, rate, 0, &loss, err) || weigh(jtt, err))
        return -1;
    worker_linear_reset(&jtt->linear);
    rate = lr / largest_moment(jtt, jtt->weight);
    for (uint64_t r = 0; r < ROUNDS; r++)
        if (descend(jtt, jtt->weight, rate, (r + 1) * steps, &loss, err) ||
            worker_head_end_epoch(&val, jtt->head, jtt->linear.w, jtt->linear.b, loss, err))
            return -1;
    return worker_head_settle(jtt->task, jtt->head, err);
}

int worker_head_jtt(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err)
{
    struct jtt jtt = {.task = task,
                      .head = head,
                      .train = worker_rows_all(task->features, WORKER_FEATURES_TRAIN)};
    int        result = -1;

    if (worker_head_start(task->features, head, err) ||
        worker_head_make_epochs(head, ROUNDS, err) ||
        worker_linear_new(task->features, &jtt.linear, err))
        return -1;
    jtt.weight = calloc(jtt.train.n ? jtt.train.n : 1, sizeof *jtt.weight);
    jtt.scratch = calloc((size_t)jtt.train.dims + 1, 2 * sizeof *jtt.scratch);
    if (!jtt.weight || !jtt.scratch)
        mx_fail(err, MX_ENOMEM, "no memory for the weights of %u samples", jtt.train.n);
    else if (!worker_scale_measure(&jtt.train, &jtt.scale, err))
        result = train_twice(&jtt, err);
    free(jtt.weight);
    free(jtt.scratch);
    worker_scale_free(&jtt.scale);
    worker_linear_free(&jtt.linear);
    return result;
}
