/* EfficientNet-Lite0: Tan, Le (2019) without squeeze-and-excitation and with
 * ReLU6, as timm's tf_efficientnet_lite0 has it: TensorFlow's padding, eps 1e-3.
 * Its dropout and stochastic depth are for training from scratch and left out. */
#include <stdio.h>

#include "worker/net.h"

static const double   epsilon = 1e-3;
static const float    cap = 6;
static const uint32_t published = 32; /* channels of the stem, to which `config` belongs */

static const struct stage {
    unsigned blocks;
    uint32_t kernel, stride, expansion, channels;
} config[] = {
    {1, 3, 1, 1, 16},  {2, 3, 2, 6, 24},  {2, 5, 2, 6, 40},  {3, 3, 2, 6, 80},
    {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320},
};
static const uint32_t head_channels = 1280;

struct place {
    struct worker_net *net;
    unsigned           stage, block, norms; /* norms of the block so far */
};

static void name_part(const struct place *place, const char *part, char name[WORKER_LAYER_NAME])
{
    snprintf(name, WORKER_LAYER_NAME, "blocks.%u.%u.%s", place->stage, place->block, part);
}

static uint32_t conv_norm(struct place *place, const char *part, uint32_t input, uint32_t channels,
                          const struct worker_window *window, bool relu)
{
    char name[WORKER_LAYER_NAME], norm[16];

    name_part(place, part, name);
    input = worker_net_window(place->net, name, input, channels, window);
    snprintf(norm, sizeof norm, "bn%u", ++place->norms);
    name_part(place, norm, name);
    input = worker_net_norm(place->net, name, input, false);
    snprintf(norm, sizeof norm, "act%u", place->norms);
    name_part(place, norm, name);
    return relu ? worker_net_relu(place->net, name, input, cap, 0) : input;
}

static uint32_t add_block(struct place *place, const struct stage *stage, uint32_t input,
                          uint32_t in, uint32_t out)
{
    const struct worker_window point = {.kernel = 1, .stride = 1};
    const struct worker_window deep = {.kernel = stage->kernel,
                                       .stride = place->block == 0 ? stage->stride : 1,
                                       .same = true,
                                       .depthwise = true};
    const uint32_t             inner = in * stage->expansion;
    uint32_t                   at = input;
    char                       name[WORKER_LAYER_NAME];

    if (stage->expansion > 1)
        at = conv_norm(place, "conv_pw", at, inner, &point, true);
    at = conv_norm(place, "conv_dw", at, inner, &deep, true);
    at = conv_norm(place, stage->expansion > 1 ? "conv_pwl" : "conv_pw", at, out, &point, false);
    if (deep.stride > 1 || in != out)
        return at;
    name_part(place, "add", name);
    return worker_net_add(place->net, name, at, input, false);
}

static uint32_t scaled(const struct worker_form *form, uint32_t channels)
{
    return channels * form->width / published;
}

void worker_net_efficientnet_lite(struct worker_net *net, const struct worker_form *form,
                                  unsigned depth)
{
    const struct worker_window stem = {.kernel = 3, .stride = 2, .same = true};
    uint32_t                   at, in = form->width;

    (void)depth;
    at = worker_net_window(net, "conv_stem", 0, in, &stem);
    at = worker_net_relu(net, "act1", worker_net_norm(net, "bn1", at, false), cap, 0);
    for (unsigned s = 0; s < sizeof config / sizeof config[0]; s++)
        for (unsigned b = 0; b < config[s].blocks; b++) {
            struct place   place = {net, s, b, 0};
            const uint32_t out = scaled(form, config[s].channels);

            at = add_block(&place, &config[s], at, in, out);
            in = out;
        }
    at = worker_net_conv(net, "conv_head", at, scaled(form, head_channels), 1, 1, 0);
    at = worker_net_relu(net, "act2", worker_net_norm(net, "bn2", at, false), cap, 0);
    worker_net_linear(net, "classifier", worker_net_pool(net, "avgpool", at), form->classes);
    worker_net_epsilon(net, epsilon);
}
