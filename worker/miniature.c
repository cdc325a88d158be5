#include "worker/miniature.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/choices.h"
#include "worker/dataset.h"

enum {
    MINIATURE_TRAIN = 640, /* images; the test split has a quarter */
    IDX_BYTES = 0x08,      /* type code: unsigned bytes */
};

static void put_big_endian(struct mx_buf *out, uint32_t x)
{
    unsigned char raw[4] = {(unsigned char)(x >> 24), (unsigned char)(x >> 16),
                            (unsigned char)(x >> 8), (unsigned char)x};

    mx_buf_add(out, raw, sizeof raw);
}

static int write_file(const char *folder, const char *name, const struct mx_buf *content,
                      struct mx_err *err)
{
    char *path = mx_path_join(folder, name);
    int   rc = path && mx_buf_ok(content) ? mx_file_write(path, content->data, content->len, err)
                                          : mx_fail(err, MX_ENOMEM, "no memory to generate %s", name);

    free(path);
    return rc;
}

static int write_images(const char *folder, const char *name, const struct worker_shape *shape,
                        const struct worker_split *split, struct mx_err *err)
{
    struct mx_buf out = {0};
    int           rc;

    put_big_endian(&out, IDX_BYTES << 8 | 3);
    put_big_endian(&out, split->n);
    put_big_endian(&out, shape->height);
    put_big_endian(&out, shape->width);
    mx_buf_add(&out, split->pixels, (size_t)split->n * shape->height * shape->width);
    rc = write_file(folder, name, &out, err);
    mx_buf_free(&out);
    return rc;
}

static int write_labels(const char *folder, const char *name, const struct worker_split *split,
                        struct mx_err *err)
{
    struct mx_buf out = {0};
    int           rc;

    put_big_endian(&out, IDX_BYTES << 8 | 1);
    put_big_endian(&out, split->n);
    for (uint32_t i = 0; i < split->n; i++) {
        unsigned char label = (unsigned char)split->labels[i];

        mx_buf_add(&out, &label, 1);
    }
    rc = write_file(folder, name, &out, err);
    mx_buf_free(&out);
    return rc;
}

/* Synthetic images of the shape that the set has. */
static struct worker_dataset *draw(unsigned data_set, struct mx_err *err)
{
    struct worker_params  *params = calloc(1, sizeof *params);
    struct worker_dataset *drawn = NULL;
    struct worker_shape    shape;

    if (!params) {
        mx_fail(err, MX_ENOMEM, "no memory to generate data");
        return NULL;
    }
    params->data_set = data_set;
    if (worker_dataset_shape(params, &shape, err) == 0) {
        params->data_set = WORKER_DATA_SYNTHETIC;
        params->data_size = shape.width;
        params->data_channels = shape.channels;
        params->data_synthetic_n = MINIATURE_TRAIN;
        params->data_synthetic_classes = shape.classes;
        params->data_synthetic_noise = 0.1;
        params->data_spurious_rate = 0.5;
        drawn = worker_dataset_open(params, 0, err);
    }
    free(params);
    return drawn;
}

static int make_idx(unsigned data_set, const char *folder, struct mx_err *err)
{
    struct worker_dataset *set = draw(data_set, err);
    int                    rc = -1;

    if (!set)
        return -1;
    if (!write_images(folder, "train-images-idx3-ubyte", &set->shape, &set->train, err) &&
        !write_labels(folder, "train-labels-idx1-ubyte", &set->train, err) &&
        !write_images(folder, "t10k-images-idx3-ubyte", &set->shape, &set->test, err) &&
        !write_labels(folder, "t10k-labels-idx1-ubyte", &set->test, err))
        rc = 0;
    worker_dataset_free(set);
    return rc;
}

int worker_miniature_make(unsigned data_set, const char *folder, struct mx_err *err)
{
    if (mx_dir_make(folder, err))
        return -1;
    switch (data_set) {
    case WORKER_DATA_SYNTHETIC:
        return 0;
    case WORKER_DATA_MNIST:
    case WORKER_DATA_FASHION_MNIST:
    case WORKER_DATA_KMNIST:
        return make_idx(data_set, folder, err);
    default:
        return mx_fail(err, MX_EINVAL, "--smoke cannot generate data of the set '%s'",
                       worker_data_sets[data_set].word);
    }
}
