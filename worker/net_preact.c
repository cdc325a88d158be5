/* Residual networks in pre-activation order, norm + ReLU before each convolution:
 * He, Zhang, Ren, Sun, "Identity mappings in deep residual networks" (2016), and
 * Zagoruyko, Komodakis, "Wide residual networks" (2016). Where the shape changes,
 * the shortcut is a 1x1 convolution of the normalised input. A norm + ReLU
 * follows the last block. */
#include <stdio.h>

#include "worker/net.h"

enum part {
    BN1,
    CONV1,
    BN2,
    CONV2,
    DOWNSAMPLE,
    ADD,
    PARTS
};

static uint32_t add_block(struct worker_net *net, unsigned stage, unsigned number, uint32_t input,
                          uint32_t channels, uint32_t stride, bool reshapes)
{
    static const char *const parts[PARTS] = {"bn1", "conv1", "bn2", "conv2", "downsample.0", "add"};
    char                     names[PARTS][WORKER_LAYER_NAME];
    uint32_t                 active, main;

    for (size_t p = 0; p < PARTS; p++)
        snprintf(names[p], sizeof names[p], "layer%u.%u.%s", stage, number, parts[p]);
    active = worker_net_norm(net, names[BN1], input, true);
    main = worker_net_conv(net, names[CONV1], active, channels, 3, stride, 1);
    main = worker_net_norm(net, names[BN2], main, true);
    main = worker_net_conv(net, names[CONV2], main, channels, 3, 1, 1);
    if (reshapes)
        input = worker_net_conv(net, names[DOWNSAMPLE], active, channels, 1, stride, 0);
    return worker_net_add(net, names[ADD], main, input, false);
}

static void add_all(struct worker_net *net, const struct worker_form *form, uint32_t stem,
                    unsigned stages, unsigned blocks)
{
    uint32_t at = worker_net_stem(net, form, stem);

    if (form->imagenet)
        at = worker_net_max(net, "maxpool", at, 3, 2, 1);
    for (unsigned stage = 0; stage < stages; stage++)
        for (unsigned b = 0; b < blocks; b++) {
            const bool first = b == 0;

            at = add_block(net, stage + 1, b, at, form->width << stage, stage > 0 && first ? 2 : 1,
                           first && (stage > 0 || stem != form->width));
        }
    at = worker_net_pool(net, "avgpool", worker_net_norm(net, "bn1", at, true));
    worker_net_linear(net, "fc", at, form->classes);
}

void worker_net_preact_resnet(struct worker_net *net, const struct worker_form *form,
                              unsigned depth)
{
    add_all(net, form, form->width, 4, (depth - 2) / 8);
}

void worker_net_wide_resnet(struct worker_net *net, const struct worker_form *form, unsigned depth)
{
    const uint32_t widening = 10;

    add_all(net, form, form->width / widening, 3, (depth - 4) / 6);
}
