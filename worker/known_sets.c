#include "worker/known_sets.h"

#include <stddef.h>

#include "worker/choices.h"
#include "worker/set_format.h"

#define IDX_ADVICE(name)                                                                           \
    "get it with `mixsweep data fetch " name "`, put its four files (train-images-idx3-ubyte and " \
    "so on, gzipped or not) there, or set data.path"
#define EMNIST_ADVICE                                                                              \
    "get one with `mixsweep data fetch emnist`, put the four files of one split "                  \
    "(emnist-balanced-train-images-idx3-ubyte.gz and so on) there, or set data.path"
#define CIFAR_ADVICE(name)                                                                         \
    "get it with `mixsweep data fetch " name "`, put the files of the set's binary version "       \
    "there, or the folder that its archive unpacks to, or set data.path"
#define PUBLISHED_ADVICE(name)                                                                     \
    "set data.path to the folder of its files; `mixsweep data fetch " name "` tells where to get " \
    "them"
#define FOLDER_ADVICE   "set data.path to the folder that holds the class folders"
#define FEATURES_ADVICE "set data.path to the folder that holds train_x.npy and so on"
#define DOMINOES_ADVICE                                                                            \
    "put X_, y_ and env_{train,test}.npy there, or take data.path out to build the set"

static const char *const clothes[] = {"T-shirt", "trouser", "pullover", "dress", "coat",
                                      "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};
static const char *const cifar10[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                      "dog",      "frog",       "horse", "ship", "truck"};

static const char *const shapes[] = {
    "disc", "plus",          "frame",  "triangle",         "bars",    "cross",
    "ring", "standing bars", "square", "hanging triangle", "diamond", "crescent"};
static const char *const kana[] = {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"};
/* clang-format off */
static const char *const cifar100[] = {
    "apple", "aquarium fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle",
    "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle",
    "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch",
    "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox",
    "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple tree", "motorcycle", "mountain", "mouse", "mushroom",
    "oak tree", "orange", "orchid", "otter", "palm tree", "pear", "pickup truck", "pine tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road",
    "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake",
    "spider", "squirrel", "streetcar", "sunflower", "sweet pepper", "table", "tank", "telephone",
    "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow tree", "wolf", "woman", "worm",
};
/* clang-format on */

static const struct worker_known_set known[] = {
    [WORKER_DATA_SYNTHETIC] = {.format = &worker_synthetic_format, .class_names = shapes},
    [WORKER_DATA_MNIST] = {.format = &worker_idx_format,
                           .channels = 1,
                           .height = 28,
                           .width = 28,
                           .classes = 10,
                           .train = 60000,
                           .test = 10000,
                           .advice = IDX_ADVICE("mnist"),
                           .mean = {.1307f},
                           .sd = {.3081f}},
    [WORKER_DATA_FASHION_MNIST] = {.format = &worker_idx_format,
                                   .channels = 1,
                                   .height = 28,
                                   .width = 28,
                                   .classes = 10,
                                   .train = 60000,
                                   .test = 10000,
                                   .package_path = "/usr/share/datasets/fashion-mnist",
                                   .advice = "install the Debian package dataset-fashion-mnist, or "
                                             "get it with `mixsweep data fetch "
                                             "fashion-mnist`, or set data.path",
                                   .mean = {.2860f},
                                   .sd = {.3530f},
                                   .class_names = clothes},
    [WORKER_DATA_KMNIST] = {.format = &worker_idx_format,
                            .channels = 1,
                            .height = 28,
                            .width = 28,
                            .classes = 10,
                            .train = 60000,
                            .test = 10000,
                            .advice = IDX_ADVICE("kmnist"),
                            .class_names = kana},
    [WORKER_DATA_EMNIST] = {.format = &worker_emnist_format,
                            .channels = 1,
                            .height = 28,
                            .width = 28,
                            .advice = EMNIST_ADVICE},
    [WORKER_DATA_CIFAR10] = {.format = &worker_cifar_format,
                             .channels = 3,
                             .height = 32,
                             .width = 32,
                             .classes = 10,
                             .train = 50000,
                             .test = 10000,
                             .advice = CIFAR_ADVICE("cifar10"),
                             .mean = {.4914f, .4822f, .4465f},
                             .sd = {.2470f, .2435f, .2616f},
                             .class_names = cifar10},
    [WORKER_DATA_CIFAR100] = {.format = &worker_cifar_format,
                              .channels = 3,
                              .height = 32,
                              .width = 32,
                              .classes = 100,
                              .train = 50000,
                              .test = 10000,
                              .advice = CIFAR_ADVICE("cifar100"),
                              .mean = {.5071f, .4865f, .4409f},
                              .sd = {.2673f, .2564f, .2762f},
                              .class_names = cifar100},
    [WORKER_DATA_DOMINOES] = {.format = &worker_dominoes_format, .advice = DOMINOES_ADVICE},
    [WORKER_DATA_FOLDER] = {.format = &worker_folder_format, .advice = FOLDER_ADVICE},
    [WORKER_DATA_WATERBIRDS] = {.format = &worker_folder_format,
                                .channels = 3,
                                .advice = PUBLISHED_ADVICE("waterbirds"),
                                .mean = {.485f, .456f, .406f},
                                .sd = {.229f, .224f, .225f}},
    [WORKER_DATA_CELEBA] = {.format = &worker_folder_format,
                            .channels = 3,
                            .advice = PUBLISHED_ADVICE("celeba"),
                            .mean = {.485f, .456f, .406f},
                            .sd = {.229f, .224f, .225f}},
    [WORKER_DATA_METASHIFT] = {.format = &worker_folder_format,
                               .channels = 3,
                               .advice = PUBLISHED_ADVICE("metashift"),
                               .mean = {.485f, .456f, .406f},
                               .sd = {.229f, .224f, .225f}},
    [WORKER_DATA_CUB] =
        {.format = &worker_folder_format,
         .channels = 3,
         .advice =
             "get it with `mixsweep data fetch cub`, or set data.path to the folder of its files",
         .mean = {.485f, .456f, .406f},
         .sd = {.229f, .224f, .225f}},
    [WORKER_DATA_IMAGENET] = {.format = &worker_folder_format,
                              .channels = 3,
                              .advice = PUBLISHED_ADVICE("imagenet"),
                              .mean = {.485f, .456f, .406f},
                              .sd = {.229f, .224f, .225f}},
    [WORKER_DATA_FEATURES] = {.format = &worker_features_format, .advice = FEATURES_ADVICE},
};

unsigned worker_domino_data_set(unsigned domino_set)
{
    static const unsigned data_sets[] = {
        [WORKER_DOMINO_MNIST] = WORKER_DATA_MNIST,
        [WORKER_DOMINO_FASHION_MNIST] = WORKER_DATA_FASHION_MNIST,
        [WORKER_DOMINO_KMNIST] = WORKER_DATA_KMNIST,
        [WORKER_DOMINO_CIFAR10] = WORKER_DATA_CIFAR10,
        [WORKER_DOMINO_CIFAR100] = WORKER_DATA_CIFAR100,
    };

    return data_sets[domino_set];
}

bool worker_set_cached(unsigned data_set)
{
    return data_set < sizeof known / sizeof known[0] &&
           known[data_set].format == &worker_folder_format;
}

const char *worker_set_name(unsigned data_set)
{
    return data_set <= WORKER_DATA_FEATURES ? worker_data_sets[data_set].word : "unknown set";
}

const struct worker_known_set *worker_known_set(unsigned data_set, struct mx_err *err)
{
    if (data_set < sizeof known / sizeof known[0] && known[data_set].format)
        return &known[data_set];
    mx_fail(err, MX_EINVAL, "data.set %s cannot be read by this version",
            worker_set_name(data_set));
    return NULL;
}
