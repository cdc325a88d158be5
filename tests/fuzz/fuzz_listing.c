/* Tables that name the images of published sets; the first byte chooses the set and the form. All
 * tables of a set hold the same bytes but one, which begins behind the first byte 0. */
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "worker/choices.h"
#include "worker/listing.h"

static const char *const names[] = {"birds/metadata.csv",
                                    "split/celeba_split.csv",
                                    "other/metadata.csv",
                                    "csv/list_attr_celeba.csv",
                                    "+csv/list_eval_partition.csv",
                                    "txt/list_attr_celeba.txt",
                                    "+txt/list_eval_partition.txt",
                                    "cub/images.txt",
                                    "+cub/image_class_labels.txt",
                                    "+cub/train_test_split.txt",
                                    "cub/classes.txt",
                                    NULL};

static const struct form {
    unsigned    set;
    const char *below;
} forms[] = {
    {WORKER_DATA_WATERBIRDS, "birds"}, {WORKER_DATA_CELEBA, "split"}, {WORKER_DATA_CELEBA, "other"},
    {WORKER_DATA_CELEBA, "csv"},       {WORKER_DATA_CELEBA, "txt"},   {WORKER_DATA_CUB, "cub"},
};

static void look_at(const struct worker_folder *listed)
{
    for (int p = 0; p < WORKER_PARTS; p++)
        for (uint32_t i = 0; i < listed->parts[p].n; i++) {
            const struct worker_folder_file *file = &listed->parts[p].files[i];

            fuzz_expect(file->name != NULL, "an image has a name");
            fuzz_expect(file->label < listed->nclasses, "a label is one of the classes");
            fuzz_expect(listed->ngroups == 0 || file->group < listed->ngroups,
                        "a group is one of the groups");
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct form    *form;
    struct worker_params  params = {.data_set = 0};
    struct worker_folder *listed;
    const uint8_t        *zero;
    char                  path[256];

    if (size == 0)
        return 0;
    form = &forms[data[0] % (sizeof forms / sizeof forms[0])];
    data++;
    size--;
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(names), form->below);
    zero = size ? memchr(data, 0, size) : NULL;
    fuzz_file(data, zero ? (size_t)(zero - data) : size);
    fuzz_other_file(zero ? zero + 1 : data, zero ? size - (size_t)(zero - data) - 1 : size);
    params.data_set = form->set;
    if ((listed = worker_listing(&params, path, NULL)))
        look_at(listed);
    worker_folder_free(listed);
    return 0;
}
