/* A folder of frozen features. The first byte chooses the precision and limits; two lengths of two
 * bytes each, high byte first, divide the rest: the rows of all splits, which are also the head's
 * weights; the labels, which are also the groups and the head's biases; names of classes. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "worker/features.h"

static const char *const names[] = {"train_x.npy",  "val_x.npy",   "test_x.npy",  "head_w.npy",
                                    "+train_y.npy", "+val_y.npy",  "+test_y.npy", "+train_g.npy",
                                    "+val_g.npy",   "+test_g.npy", "+head_b.npy", NULL};

static void put_names(const char *folder, const uint8_t *data, size_t size)
{
    char path[256];
    int  fd;

    snprintf(path, sizeof path, "%s/class_names.txt", folder);
    unlink(path);
    if (size == 0)
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    fuzz_expect(fd >= 0 && write(fd, data, size) == (ssize_t)size, "a file can be written");
    close(fd);
}

static void look_at(const struct worker_features *features)
{
    for (int p = 0; p < WORKER_FEATURE_PARTS; p++) {
        const struct worker_feature_split *split = &features->split[p];

        for (uint32_t i = 0; i < split->n; i++) {
            fuzz_expect(split->labels[i] < features->classes, "a label is a class of the head");
            fuzz_expect(split->groups && split->groups[i] < features->groups,
                        "a group is one of the groups");
        }
        for (size_t k = 0; k < (size_t)split->n * features->dims; k++)
            fuzz_expect(split->x64 ? isfinite(split->x64[k]) : isfinite(split->x32[k]),
                        "every number is finite");
    }
    for (uint32_t c = 0; c < features->classes; c++)
        worker_feature_name(features, WORKER_FEATURE_CLASS_NAMES, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char             *folder = fuzz_folder(names);
    struct worker_features *features;
    size_t                  rows, labels;
    unsigned                flags;

    if (size < 5)
        return 0;
    flags = data[0];
    rows = ((size_t)data[1] << 8 | data[2]) % (size - 4);
    labels = ((size_t)data[3] << 8 | data[4]) % (size - 4 - rows);
    data += 5;
    size -= 5;
    fuzz_file(data, rows);
    fuzz_other_file(data + rows, labels);
    put_names(folder, data + rows + labels, size - rows - labels);
    features = worker_features_read(folder, flags & 1 ? WORKER_F64 : WORKER_F32, flags >> 1 & 3,
                                    flags >> 3 & 3, NULL);
    if (features)
        look_at(features);
    worker_features_free(features);
    return 0;
}
