/* The ResNets for small images of He, Zhang, Ren, Sun (2016), section 4.2, with
 * 1x1 convolution + norm shortcuts where the shape changes. */
#include <stdio.h>

#include "worker/net.h"

static uint32_t conv_norm(struct worker_net *net, const char *conv, const char *norm,
                          uint32_t input, uint32_t channels, uint32_t kernel, uint32_t stride,
                          bool relu)
{
    input = worker_net_conv(net, conv, input, channels, kernel, stride, kernel / 2);
    return worker_net_norm(net, norm, input, relu);
}

static uint32_t block(struct worker_net *net, unsigned stage, unsigned number, uint32_t input,
                      uint32_t channels, uint32_t stride)
{
    static const char *const parts[] = {"conv1",        "bn1",          "conv2", "bn2",
                                        "downsample.0", "downsample.1", "add"};
    char                     names[7][WORKER_LAYER_NAME];
    uint32_t                 main, shortcut = input;

    for (size_t p = 0; p < 7; p++)
        snprintf(names[p], sizeof names[p], "layer%u.%u.%s", stage, number, parts[p]);
    main = conv_norm(net, names[0], names[1], input, channels, 3, stride, true);
    main = conv_norm(net, names[2], names[3], main, channels, 3, 1, false);
    if (stride != 1)
        shortcut = conv_norm(net, names[4], names[5], input, channels, 1, stride, false);
    return worker_net_add(net, names[6], main, shortcut, true);
}

void worker_net_cifar_resnet(struct worker_net *net, const struct worker_shape *shape,
                             unsigned depth)
{
    const unsigned blocks = (depth - 2) / 6;
    uint32_t       at = conv_norm(net, "conv1", "bn1", 0, 16, 3, 1, true);

    for (unsigned stage = 1; stage <= 3; stage++)
        for (unsigned b = 0; b < blocks; b++)
            at = block(net, stage, b, at, 8u << stage, stage > 1 && b == 0 ? 2 : 1);
    at = worker_net_pool(net, "avgpool", at);
    worker_net_linear(net, "fc", at, shape->classes);
}
