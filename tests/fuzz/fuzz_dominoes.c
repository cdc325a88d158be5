/* Ready-made dominoes: images in one npy file, labels and attributes in another. The first two bytes
 * tell how much of the rest is images. */
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "worker/choices.h"
#include "worker/dataset.h"

static const char *const names[] = {"X_train.npy", "+y_train.npy", "+env_train.npy",
                                    "X_test.npy",  "+y_test.npy",  "+env_test.npy",
                                    NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker_params params = {.data_set = WORKER_DATA_DOMINOES, .data_size = 8};
    struct worker_dataset      *set;
    size_t                      images;

    if (size < 2)
        return 0;
    snprintf(params.data_path, sizeof params.data_path, "%s", fuzz_folder(names));
    images = ((size_t)data[0] << 8 | data[1]) % (size - 1);
    fuzz_file(data + 2, images);
    fuzz_other_file(data + 2 + images, size - 2 - images);
    if ((set = worker_dataset_open(&params, 1, NULL)))
        for (uint32_t i = 0; i < set->train.n; i++)
            fuzz_expect(set->train.labels[i] < set->shape.classes &&
                            set->train.groups[i] < set->shape.groups,
                        "labels and groups are those of the set");
    worker_dataset_free(set);
    return 0;
}
