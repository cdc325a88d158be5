/* Whole sets of IDX files: MNIST's kin, and EMNIST's letters, whose classes begin with 1. The first
 * byte chooses the set, the next two how much of the rest is images; what follows is labels. */
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "worker/choices.h"
#include "worker/dataset.h"

static const char *const names[] = {"set/train-images-idx3-ubyte",
                                    "+set/train-labels-idx1-ubyte",
                                    "set/t10k-images-idx3-ubyte",
                                    "+set/t10k-labels-idx1-ubyte",
                                    "letters/emnist-letters-train-images-idx3-ubyte",
                                    "+letters/emnist-letters-train-labels-idx1-ubyte",
                                    "letters/emnist-letters-test-images-idx3-ubyte",
                                    "+letters/emnist-letters-test-labels-idx1-ubyte",
                                    NULL};

static void look_at(const struct worker_dataset *set)
{
    for (uint32_t i = 0; i < set->train.n; i++)
        fuzz_expect(set->train.labels[i] < set->shape.classes, "a label is one of the classes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned sets[] = {WORKER_DATA_MNIST, WORKER_DATA_KMNIST, WORKER_DATA_EMNIST};
    static struct worker_params params;
    struct worker_dataset      *set;
    uint64_t                    fingerprint;
    size_t                      images;

    if (size < 3)
        return 0;
    params.data_set = sets[data[0] % 3];
    snprintf(params.data_path, sizeof params.data_path, "%s/%s", fuzz_folder(names),
             params.data_set == WORKER_DATA_EMNIST ? "letters" : "set");
    images = ((size_t)data[1] << 8 | data[2]) % (size - 2);
    fuzz_file(data + 3, images);
    fuzz_other_file(data + 3 + images, size - 3 - images);
    worker_dataset_probe(&params, &fingerprint, NULL);
    if ((set = worker_dataset_open(&params, 1, NULL)))
        look_at(set);
    worker_dataset_free(set);
    return 0;
}
