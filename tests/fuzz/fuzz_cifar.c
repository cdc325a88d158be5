/* CIFAR's binary version: every file of the set holds the same bytes. */
#include "tests/fuzz/fuzz.h"
#include "worker/choices.h"
#include "worker/dataset.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                        "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
                                        "train.bin",        "test.bin",         NULL};
    static struct worker_params params;
    uint64_t                    fingerprint;

    if (size == 0)
        return 0;
    snprintf(params.data_path, sizeof params.data_path, "%s", fuzz_folder(names));
    params.data_set = data[0] & 1 ? WORKER_DATA_CIFAR100 : WORKER_DATA_CIFAR10;
    fuzz_file(data + 1, size - 1);
    worker_dataset_probe(&params, &fingerprint, NULL);
    worker_dataset_free(worker_dataset_open(&params, 1, NULL));
    return 0;
}
