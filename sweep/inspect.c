#include "sweep/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/choices.h"
#include "worker/picture.h"

const char *const mx_inspect_parts[MX_INSPECT_PARTS] = {"train", "val", "test"};

static const double lent_for_test = 0.2;

unsigned mx_inspect_guess(const char *folder)
{
    static const struct {
        const char *name;
        unsigned    set;
    } signs[] = {
        {"train-images-idx3-ubyte", WORKER_DATA_MNIST},
        {"train-images-idx3-ubyte.gz", WORKER_DATA_MNIST},
        {"emnist-balanced-train-images-idx3-ubyte.gz", WORKER_DATA_EMNIST},
        {"data_batch_1.bin", WORKER_DATA_CIFAR10},
        {"cifar-10-batches-bin", WORKER_DATA_CIFAR10},
        {"train.bin", WORKER_DATA_CIFAR100},
        {"cifar-100-binary", WORKER_DATA_CIFAR100},
        {"metadata.csv", WORKER_DATA_WATERBIRDS},
        {"list_attr_celeba.csv", WORKER_DATA_CELEBA},
        {"list_attr_celeba.txt", WORKER_DATA_CELEBA},
        {"celeba_split.csv", WORKER_DATA_CELEBA},
        {"image_class_labels.txt", WORKER_DATA_CUB},
        {"train_x.npy", WORKER_DATA_FEATURES},
        {"X_train.npy", WORKER_DATA_DOMINOES},
    };

    for (size_t k = 0; k < sizeof signs / sizeof signs[0]; k++) {
        char *path = mx_path_join(folder, signs[k].name);
        bool  there = path && mx_file_exists(path);

        free(path);
        if (there)
            return signs[k].set;
    }
    return WORKER_DATA_FOLDER;
}

const struct worker_split *mx_inspect_part(const struct worker_dataset *set, int part)
{
    return part == 0 ? &set->train : part == 1 ? &set->val : &set->test;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void note_size(const struct worker_image_size *size, const char *name,
                      struct mx_inspect_sizes *sizes)
{
    const uint32_t longer = size->width > size->height ? size->width : size->height;
    const double   shape = (double)longer / (size->width + size->height - longer);

    sizes->grey += size->channels == 1;
    if (shape > sizes->longest) {
        char shown[WORKER_SHOWN_SIZE];

        sizes->longest = shape;
        snprintf(sizes->longest_name, sizeof sizes->longest_name, "%s",
                 worker_shown_path(name, shown));
    }
}

/* From `values` of one side, sorted in place. */
static void end_sizes(struct mx_inspect_sizes *sizes, int side, uint32_t *values)
{
    qsort(values, sizes->files, sizeof *values, by_value);
    sizes->least[side] = values[0];
    sizes->most[side] = values[sizes->files - 1];
    sizes->middle[side] = values[sizes->files / 2];
}

int mx_inspect_sizes(const struct worker_image_files *files, struct mx_inspect_sizes *sizes,
                     struct mx_err *err)
{
    uint64_t  n = 0;
    uint32_t *widths, *heights;

    for (int p = 0; p < WORKER_PARTS; p++)
        n += worker_image_files_count(files, p);
    widths = calloc(n + 1, sizeof *widths);
    heights = calloc(n + 1, sizeof *heights);
    for (int p = 0; widths && heights && p < WORKER_PARTS; p++)
        for (uint32_t i = 0; i < worker_image_files_count(files, p); i++) {
            struct worker_image_size size;

            if (worker_image_files_size(files, p, i, &size))
                continue;
            note_size(&size, worker_image_files_name(files, p, i), sizes);
            widths[sizes->files] = size.width;
            heights[sizes->files++] = size.height;
        }
    if (widths && heights && sizes->files > 0) {
        end_sizes(sizes, 0, widths);
        end_sizes(sizes, 1, heights);
    }
    free(widths);
    free(heights);
    return widths && heights ? 0
                             : mx_fail(err, MX_ENOMEM, "no memory for the sizes of %llu images",
                                       (unsigned long long)n);
}

static int look_at_files(struct mx_inspection *in, uint64_t seed, struct mx_err *err)
{
    struct mx_err why = {.code = MX_OK};

    if (!(in->files = worker_image_files_list(&in->params, seed, &why)))
        return why.code == MX_EINVAL ? 0 : mx_fail(err, why.code, "%s", why.text);
    if (mx_inspect_sizes(in->files, &in->sizes, err))
        return -1;
    in->resized =
        in->params.data_size == 0 && in->sizes.files > 0 &&
        (in->sizes.least[0] != in->sizes.most[0] || in->sizes.least[1] != in->sizes.most[1]);
    if (in->resized)
        in->params.data_size = MX_INSPECT_SIDE;
    if (worker_image_files_own_test(in->files) || in->params.data_test_fraction > 0)
        return 0;
    in->held_out = true;
    in->params.data_test_fraction = lent_for_test;
    worker_image_files_free(in->files);
    in->files = worker_image_files_list(&in->params, seed, err);
    return in->files ? 0 : -1;
}

static void look_at_marks(struct mx_inspection *in, uint64_t seed)
{
    struct mx_err why = {.code = MX_OK};

    in->annotations = worker_annotations_read(&in->params, seed, in->set, &why);
    if (!in->annotations && why.code != MX_EINVAL)
        snprintf(in->why_not, sizeof in->why_not, "%s", why.text);
    for (uint32_t i = 0; in->annotations && i < in->set->test.n; i++) {
        const struct worker_marks marks = worker_annotations_of(in->annotations, i);
        bool                      some = false;

        for (size_t k = 0; marks.mask && k < (size_t)marks.height * marks.width; k++)
            some |= marks.mask[k];
        in->boxed += marks.nboxes > 0;
        in->masked += some;
    }
}

static bool is_flat(const uint8_t *image, uint32_t channels, size_t plane)
{
    for (uint32_t c = 0; c < channels; c++)
        for (size_t k = 1; k < plane; k++)
            if (image[c * plane + k] != image[c * plane])
                return false;
    return true;
}

static void count_flat(struct mx_inspection *in)
{
    const struct worker_shape *shape = &in->set->shape;
    const size_t               plane = (size_t)shape->height * shape->width;

    for (int p = 0; p < MX_INSPECT_PARTS; p++) {
        const struct worker_split *split = mx_inspect_part(in->set, p);

        for (uint32_t i = 0; i < split->n; i++)
            in->flat += is_flat(worker_split_image(split, i, shape->channels * plane),
                                shape->channels, plane);
    }
}

int mx_inspect(const struct worker_params *params, uint64_t seed, struct mx_inspection *in,
               struct mx_err *err)
{
    *in = (struct mx_inspection){.params = *params};
    in->params.data_on_decode_error = WORKER_ON_DECODE_ERROR_SKIP;
    if (look_at_files(in, seed, err) == 0 &&
        (in->set = worker_dataset_open(&in->params, seed, err)) &&
        mx_inspect_copies(in, err) == 0) {
        count_flat(in);
        look_at_marks(in, seed);
        return 0;
    }
    mx_inspection_free(in);
    return -1;
}

void mx_inspection_free(struct mx_inspection *in)
{
    worker_annotations_free(in->annotations);
    worker_image_files_free(in->files);
    worker_dataset_free(in->set);
    *in = (struct mx_inspection){.set = NULL};
}
