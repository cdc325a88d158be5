#include "worker/known_sets.h"

#include <stddef.h>

#include "worker/choices.h"

#define ADVICE                                                                                     \
    "put its four files (train-images-idx3-ubyte and so on, gzipped or not) there, or set "        \
    "data.path"

static const struct worker_known_set known[] = {
    [WORKER_DATA_MNIST] = {1, 28, 28, 10, 60000, 10000, NULL, ADVICE, 0.1307f, 0.3081f},
    [WORKER_DATA_FASHION_MNIST] = {1, 28, 28, 10, 60000, 10000, "/usr/share/datasets/fashion-mnist",
                                   "install the Debian package dataset-fashion-mnist, or set "
                                   "data.path",
                                   0.2860f, 0.3530f},
    [WORKER_DATA_KMNIST] = {1, 28, 28, 10, 60000, 10000, NULL, ADVICE, 0, 0},
};

const char *worker_set_name(unsigned data_set)
{
    return data_set <= WORKER_DATA_FEATURES ? worker_data_sets[data_set].word : "unknown set";
}

const struct worker_known_set *worker_known_set(unsigned data_set, struct mx_err *err)
{
    if (data_set < sizeof known / sizeof known[0] && known[data_set].classes > 0)
        return &known[data_set];
    mx_fail(err, MX_EINVAL, "data.set %s cannot be read by this version",
            worker_set_name(data_set));
    return NULL;
}
