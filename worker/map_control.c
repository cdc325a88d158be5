/* Maps that know nothing of the network, to hold the others against. */
#include <math.h>

#include "worker/explain_parts.h"

EXPLAIN_MAP(map_random)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const size_t               pixels = (size_t)input->height * input->width;

    (void)figures;
    (void)err;
    for (uint32_t i = 0; i < batch->n; i++) {
        struct mx_rng rng = mx_rng_at(options->stream, WORKER_MAP_RANDOM, batch->rows[i], 0);

        for (size_t p = 0; p < pixels; p++)
            maps[i * pixels + p] = (float)mx_rng_uniform(&rng);
    }
    return 0;
}

/* A Gaussian whose standard deviation is a quarter of each side. */
EXPLAIN_MAP(map_centre)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const double               height = input->height, width = input->width;

    (void)options;
    (void)figures;
    (void)err;
    for (uint32_t i = 0; i < batch->n; i++)
        for (uint32_t y = 0; y < input->height; y++)
            for (uint32_t x = 0; x < input->width; x++) {
                const double v = (y + 0.5 - height / 2) / (height / 4);
                const double u = (x + 0.5 - width / 2) / (width / 4);

                maps[((size_t)i * input->height + y) * input->width + x] =
                    (float)exp(-(u * u + v * v) / 2);
            }
    return 0;
}
