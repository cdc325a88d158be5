#include "tests/reference/naive_optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "worker/choices.h"

static double **arrays_of_parameters(const struct naive_net *naive)
{
    double **arrays = calloc(naive->nparameters, sizeof *arrays);

    for (size_t p = 0; p < naive->nparameters; p++)
        arrays[p] = calloc(naive->infos[p].count, sizeof(double));
    return arrays;
}

static double **arrays_of_layers(const struct naive_net *naive)
{
    double **arrays = calloc(naive->net->nlayers, sizeof *arrays);

    for (uint32_t l = 0; l < naive->net->nlayers; l++)
        arrays[l] = calloc(naive->net->layers[l].channels, sizeof(double));
    return arrays;
}

struct naive_moments *naive_moments_new(const struct naive_net *naive)
{
    struct naive_moments *moments = calloc(1, sizeof *moments);

    moments->first = arrays_of_parameters(naive);
    moments->second = arrays_of_parameters(naive);
    moments->average = arrays_of_parameters(naive);
    moments->average_mean = arrays_of_layers(naive);
    moments->average_variance = arrays_of_layers(naive);
    return moments;
}

static void free_arrays(double **arrays, size_t n)
{
    for (size_t k = 0; k < n; k++)
        free(arrays[k]);
    free(arrays);
}

void naive_moments_free(struct naive_moments *moments, const struct naive_net *naive)
{
    free_arrays(moments->first, naive->nparameters);
    free_arrays(moments->second, naive->nparameters);
    free_arrays(moments->average, naive->nparameters);
    free_arrays(moments->average_mean, naive->net->nlayers);
    free_arrays(moments->average_variance, naive->net->nlayers);
    free(moments);
}

/* The factor of every gradient. */
static double clip(const struct naive_net *naive, double most)
{
    double squares = 0, norm;

    for (size_t p = 0; p < naive->nparameters; p++)
        for (size_t k = 0; k < naive->infos[p].count; k++)
            squares += naive->gradients[p][k] * naive->gradients[p][k];
    norm = sqrt(squares);
    return most > 0 && norm > most ? most / (norm + 1e-6) : 1;
}

static void step_sgd(const struct worker_params *params, double lr, double decay, double g,
                     uint64_t steps, double *w, double *buffer)
{
    g += decay * *w;
    *buffer = steps == 0 ? g : params->train_momentum * *buffer + g;
    *w -= lr * (params->train_nesterov ? g + params->train_momentum * *buffer : *buffer);
}

static void step_adamw(double lr, double decay, double g, uint64_t steps, double *w, double *mean,
                       double *square)
{
    double t = (double)steps + 1;

    *w -= lr * decay * *w;
    *mean = 0.9 * *mean + 0.1 * g;
    *square = 0.999 * *square + 0.001 * g * g;
    *w -= lr * (*mean / (1 - pow(0.9, t))) / (sqrt(*square / (1 - pow(0.999, t))) + 1e-8);
}

static void average(double *into, double value, double decay, uint64_t steps)
{
    *into = steps == 0 ? value : decay * *into + (1 - decay) * value;
}

static void update_averages(struct naive_net *naive, double decay)
{
    struct naive_moments *m = naive->moments;

    for (size_t p = 0; p < naive->nparameters; p++)
        for (size_t k = 0; k < naive->infos[p].count; k++)
            average(&m->average[p][k], naive->parameters[p][k], decay, m->steps);
    for (uint32_t l = 0; l < naive->net->nlayers; l++)
        for (uint32_t c = 0; c < naive->net->layers[l].channels; c++) {
            average(&m->average_mean[l][c], naive->running_mean[l][c], decay, m->steps);
            average(&m->average_variance[l][c], naive->running_variance[l][c], decay, m->steps);
        }
}

void naive_update(struct naive_net *naive, const struct worker_params *params, double lr)
{
    struct naive_moments *m = naive->moments;
    double                scale = clip(naive, params->train_clip_norm);

    for (size_t p = 0; p < naive->nparameters; p++) {
        bool   decayed = naive->infos[p].role == WORKER_WEIGHT || params->train_decay_norm_and_bias;
        double decay = decayed ? params->train_weight_decay : 0;

        for (size_t k = 0; k < naive->infos[p].count; k++) {
            double g = scale * naive->gradients[p][k];

            if (params->train_optimizer == WORKER_OPTIMIZER_ADAMW)
                step_adamw(lr, decay, g, m->steps, &naive->parameters[p][k], &m->first[p][k],
                           &m->second[p][k]);
            else
                step_sgd(params, lr, decay, g, m->steps, &naive->parameters[p][k], &m->first[p][k]);
        }
    }
    update_averages(naive, params->train_ema);
    m->steps++;
}
