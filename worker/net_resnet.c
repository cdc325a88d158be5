/* Residual networks: He, Zhang, Ren, Sun (2016), for small images (section 4.2)
 * and for ImageNet, with 1x1 convolution + norm shortcuts where the shape
 * changes and, in bottlenecks, the stride at the 3x3 convolution, as torchvision
 * has it. */
#include <stdio.h>

#include "worker/net.h"

enum {
    STAGES = 4
};

static const struct sizes {
    unsigned depth, blocks[STAGES]; /* 0: no such stage */
    bool     bottleneck;
} known[] = {
    {8, {1, 1, 1, 0}, false},  {20, {3, 3, 3, 0}, false}, {32, {5, 5, 5, 0}, false},
    {56, {9, 9, 9, 0}, false}, {18, {2, 2, 2, 2}, false}, {34, {3, 4, 6, 3}, false},
    {50, {3, 4, 6, 3}, true},
};

enum part {
    CONV1,
    BN1,
    CONV2,
    BN2,
    CONV3,
    BN3,
    DOWNSAMPLE_0,
    DOWNSAMPLE_1,
    ADD,
    PARTS
};

struct names {
    char of[PARTS][WORKER_LAYER_NAME];
};

static void name_parts(struct names *names, unsigned stage, unsigned number)
{
    static const char *const parts[PARTS] = {
        "conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "downsample.0", "downsample.1", "add"};

    for (size_t p = 0; p < PARTS; p++)
        snprintf(names->of[p], sizeof names->of[p], "layer%u.%u.%s", stage, number, parts[p]);
}

static uint32_t conv_norm(struct worker_net *net, const struct names *names, enum part conv,
                          uint32_t input, uint32_t channels, uint32_t kernel, uint32_t stride,
                          bool relu)
{
    input = worker_net_conv(net, names->of[conv], input, channels, kernel, stride, kernel / 2);
    return worker_net_norm(net, names->of[conv + 1], input, relu);
}

/* What one block is made of. */
struct block {
    uint32_t width, stride; /* of the 3x3 convolutions */
    uint32_t channels;      /* of the output */
    bool     bottleneck, reshapes;
};

static uint32_t add_block(struct worker_net *net, const struct names *names,
                          const struct block *block, uint32_t input)
{
    uint32_t main = input, shortcut = input;

    if (block->bottleneck) {
        main = conv_norm(net, names, CONV1, main, block->width, 1, 1, true);
        main = conv_norm(net, names, CONV2, main, block->width, 3, block->stride, true);
        main = conv_norm(net, names, CONV3, main, block->channels, 1, 1, false);
    } else {
        main = conv_norm(net, names, CONV1, main, block->width, 3, block->stride, true);
        main = conv_norm(net, names, CONV2, main, block->channels, 3, 1, false);
    }
    if (block->reshapes)
        shortcut =
            conv_norm(net, names, DOWNSAMPLE_0, input, block->channels, 1, block->stride, false);
    return worker_net_add(net, names->of[ADD], main, shortcut, true);
}

uint32_t worker_net_stem(struct worker_net *net, const struct worker_form *form, uint32_t channels)
{
    return form->imagenet ? worker_net_conv(net, "conv1", 0, channels, 7, 2, 3)
                          : worker_net_conv(net, "conv1", 0, channels, 3, 1, 1);
}

void worker_net_resnet(struct worker_net *net, const struct worker_form *form, unsigned depth)
{
    const struct sizes *sizes = known;
    uint32_t            at;

    while (sizes->depth != depth)
        sizes++;
    at = worker_net_norm(net, "bn1", worker_net_stem(net, form, form->width), true);
    if (form->imagenet)
        at = worker_net_max(net, "maxpool", at, 3, 2, 1);
    for (unsigned stage = 0; stage < STAGES; stage++)
        for (unsigned b = 0; b < sizes->blocks[stage]; b++) {
            const bool         first = b == 0;
            const struct block block = {.width = form->width << stage,
                                        .stride = stage > 0 && first ? 2 : 1,
                                        .channels =
                                            (form->width << stage) * (sizes->bottleneck ? 4 : 1),
                                        .bottleneck = sizes->bottleneck,
                                        .reshapes = first && (stage > 0 || sizes->bottleneck)};
            struct names       names;

            name_parts(&names, stage + 1, b);
            at = add_block(net, &names, &block, at);
        }
    worker_net_linear(net, "fc", worker_net_pool(net, "avgpool", at), form->classes);
}
