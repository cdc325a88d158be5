/* VGG with batch norm, configuration A: Simonyan, Zisserman (2015), as torchvision
 * numbers its layers. The ImageNet form pools to 7x7, whatever is left of the images, and ends in three linear
 * layers, with dropout after the first two; the form for small images takes the
 * mean over what is left and ends in one. */
#include <stdio.h>

#include "worker/net.h"

enum {
    POOL_SIDE = 7
};

static uint32_t add_features(struct worker_net *net, const struct worker_form *form)
{
    /* Channels in widths of the first stage; 0: max-pooling. */
    static const uint32_t config[] = {1, 0, 2, 0, 4, 4, 0, 8, 8, 0, 8, 8, 0};
    uint32_t              at = 0;
    unsigned              number = 0;
    char                  name[2][WORKER_LAYER_NAME];

    for (size_t k = 0; k < sizeof config / sizeof config[0]; k++) {
        const struct worker_window window = {.kernel = 3, .stride = 1, .pad = 1, .bias = true};

        snprintf(name[0], sizeof name[0], "features.%u", number);
        snprintf(name[1], sizeof name[1], "features.%u", number + 1);
        if (config[k] == 0) {
            at = worker_net_max(net, name[0], at, 2, 2, 0);
            number += 1;
        } else {
            at = worker_net_window(net, name[0], at, form->width * config[k], &window);
            at = worker_net_norm(net, name[1], at, true);
            number += 3; /* the ReLU has a number too */
        }
    }
    return at;
}

void worker_net_vgg(struct worker_net *net, const struct worker_form *form, unsigned depth)
{
    uint32_t at = add_features(net, form);

    (void)depth;
    if (!form->imagenet) {
        worker_net_linear(net, "classifier", worker_net_pool(net, "avgpool", at), form->classes);
        return;
    }
    at = worker_net_pool_to(net, "avgpool", at, POOL_SIDE);
    at = worker_net_linear(net, "classifier.0", at, 64 * form->width);
    at = worker_net_relu(net, "classifier.1", at, 0, 0.5f);
    at = worker_net_linear(net, "classifier.3", at, 64 * form->width);
    at = worker_net_relu(net, "classifier.4", at, 0, 0.5f);
    worker_net_linear(net, "classifier.6", at, form->classes);
}
