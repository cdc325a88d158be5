#include "worker/miniature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/known_sets.h"
#include "worker/miniature_parts.h"
#include "worker/picture.h"
#include "worker/set_format.h"
#include "worker/synthetic.h"

enum {
    MINIATURE_TRAIN = 640, /* images; the test split has a quarter */
    IDX_BYTES = 0x08,      /* type code: unsigned bytes */
    CIFAR_BATCHES = 5,
    FOLDER_TRAIN = 160, /* a file each: fewer of them */
    FOLDER_CLASSES = 4,
    FOLDER_SIZE = 32,
    BESIDE = 1 + FOLDER_CLASSES, /* the concept of what is no shape */
};

static void put_big_endian(struct mx_buf *out, uint32_t x)
{
    unsigned char raw[4] = {(unsigned char)(x >> 24), (unsigned char)(x >> 16),
                            (unsigned char)(x >> 8), (unsigned char)x};

    mx_buf_add(out, raw, sizeof raw);
}

int worker_miniature_file(const char *folder, const char *name, const struct mx_buf *content,
                          struct mx_err *err)
{
    char *path = mx_path_join(folder, name), *slash = path ? strrchr(path, '/') : NULL;
    int   rc = -1;

    if (!slash || !mx_buf_ok(content)) {
        mx_fail(err, MX_ENOMEM, "no memory to generate %s", name);
        goto done;
    }
    *slash = '\0';
    rc = mx_dir_make(path, err);
    *slash = '/';
    if (rc == 0)
        rc = mx_file_write(path, mx_buf_str(content), content->len, err);
done:
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
    rc = worker_miniature_file(folder, name, &out, err);
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
    rc = worker_miniature_file(folder, name, &out, err);
    mx_buf_free(&out);
    return rc;
}

/* The four files of EMNIST's digits. */
static int make_emnist(const struct worker_dataset *set, const char *folder, struct mx_err *err)
{
    const char *images[] = {"emnist-digits-train-images-idx3-ubyte",
                            "emnist-digits-test-images-idx3-ubyte"};
    const char *labels[] = {"emnist-digits-train-labels-idx1-ubyte",
                            "emnist-digits-test-labels-idx1-ubyte"};

    for (int p = 0; p < 2; p++)
        if (write_images(folder, images[p], &set->shape, p ? &set->test : &set->train, err) ||
            write_labels(folder, labels[p], p ? &set->test : &set->train, err))
            return -1;
    return 0;
}

static int make_idx(const struct worker_dataset *set, const char *folder, struct mx_err *err)
{
    return write_images(folder, "train-images-idx3-ubyte", &set->shape, &set->train, err) ||
                   write_labels(folder, "train-labels-idx1-ubyte", &set->train, err) ||
                   write_images(folder, "t10k-images-idx3-ubyte", &set->shape, &set->test, err) ||
                   write_labels(folder, "t10k-labels-idx1-ubyte", &set->test, err)
               ? -1
               : 0;
}

/* Rows [first, first + n) of a split as `labels` bytes of label and the pixels. The
 * coarse label of 100 classes is never read: 0. */
static int write_rows(const char *folder, const char *name, size_t labels,
                      const struct worker_dataset *set, const struct worker_split *split,
                      uint32_t first, uint32_t n, struct mx_err *err)
{
    const size_t  bytes = (size_t)set->shape.channels * set->shape.height * set->shape.width;
    struct mx_buf out = {0};
    int           rc;

    for (uint32_t i = first; i < first + n; i++) {
        unsigned char label[2] = {0, (unsigned char)split->labels[i]};

        mx_buf_add(&out, label + 2 - labels, labels);
        mx_buf_add(&out, split->pixels + i * bytes, bytes);
    }
    rc = worker_miniature_file(folder, name, &out, err);
    mx_buf_free(&out);
    return rc;
}

static int make_cifar10(const struct worker_dataset *set, const char *folder, struct mx_err *err)
{
    const uint32_t n = set->train.n / CIFAR_BATCHES;

    for (uint32_t b = 0; b < CIFAR_BATCHES; b++) {
        char name[] = "data_batch_1.bin";

        name[strlen("data_batch_")] = (char)('1' + b);
        if (write_rows(folder, name, 1, set, &set->train, b * n, n, err))
            return -1;
    }
    return write_rows(folder, "test_batch.bin", 1, set, &set->test, 0, set->test.n, err);
}

static int make_cifar100(const struct worker_dataset *set, const char *folder, struct mx_err *err)
{
    if (write_rows(folder, "train.bin", 2, set, &set->train, 0, set->train.n, err))
        return -1;
    return write_rows(folder, "test.bin", 2, set, &set->test, 0, set->test.n, err);
}

static int put_grey(const char *folder, const char *name, const uint8_t *pixels, struct mx_err *err)
{
    struct mx_buf file = {0};
    int           rc = worker_png_encode(pixels, FOLDER_SIZE, FOLDER_SIZE, 1, &file, err);

    if (rc == 0)
        rc = worker_miniature_file(folder, name, &file, err);
    mx_buf_free(&file);
    return rc;
}

/* Concept 1 + label where the shape is, and BESIDE where it is not. */
static int put_segments(const char *folder, const char *name, const struct worker_dataset *set,
                        uint32_t i, struct mx_err *err)
{
    const struct worker_box box =
        worker_synthetic_box(0, WORKER_SYNTHETIC_TEST, set->test.rows[i], FOLDER_SIZE);
    bool    covered[FOLDER_SIZE * FOLDER_SIZE];
    uint8_t pixels[FOLDER_SIZE * FOLDER_SIZE];
    char    path[96];

    worker_synthetic_mask(&box, set->test.labels[i], FOLDER_SIZE, covered);
    for (size_t k = 0; k < sizeof pixels; k++)
        pixels[k] = (uint8_t)(covered[k] ? 1 + set->test.labels[i] : BESIDE);
    snprintf(path, sizeof path, "segments/%.*s.png", (int)(strrchr(name, '.') - name), name);
    return put_grey(folder, path, pixels, err);
}

int worker_miniature_picture(const char *folder, const char *name, const struct worker_dataset *set,
                             const struct worker_split *split, uint32_t i, struct mx_err *err)
{
    const size_t   plane = (size_t)set->shape.height * set->shape.width;
    const uint8_t *pixels = split->pixels + i * 3 * plane;
    struct mx_buf  file = {0};
    uint8_t       *rows = malloc(3 * plane);
    int            rc = -1;

    if (!rows)
        return mx_fail(err, MX_ENOMEM, "no memory to generate data");
    for (size_t k = 0; k < 3 * plane; k++)
        rows[k] = pixels[k % 3 * plane + k / 3];
    if (worker_png_encode(rows, set->shape.height, set->shape.width, 3, &file, err) == 0)
        rc = worker_miniature_file(folder, name, &file, err);
    if (rc == 0 && split == &set->test)
        rc = put_segments(folder, name, set, i, err);
    mx_buf_free(&file);
    free(rows);
    return rc;
}

int worker_miniature_mark(const char *folder, const char *name, const struct worker_split *split,
                          uint32_t i, uint32_t half, struct mx_buf *boxes, struct mx_err *err)
{
    const struct worker_box box = worker_synthetic_box(0, half, split->rows[i], FOLDER_SIZE);
    const char             *dot = strrchr(name, '.');
    bool                    covered[FOLDER_SIZE * FOLDER_SIZE];
    uint8_t                 pixels[FOLDER_SIZE * FOLDER_SIZE];
    char                    path[96];

    mx_buf_printf(boxes, "%s,%u,%u,%u,%u\n", name, box.left, box.top, box.right, box.bottom);
    worker_synthetic_mask(&box, split->labels[i], FOLDER_SIZE, covered);
    for (size_t k = 0; k < sizeof pixels; k++)
        pixels[k] = covered[k];
    snprintf(path, sizeof path, "masks/%.*s.png", dot ? (int)(dot - name) : (int)strlen(name),
             name);
    return put_grey(folder, path, pixels, err);
}

static int put_concepts(const char *folder, struct mx_err *err)
{
    struct mx_buf names = {0};
    int           rc;

    mx_buf_text(&names, "number,name\n1,disc\n2,plus\n3,frame\n4,triangle\n5,beside\n");
    rc = worker_miniature_file(folder, "segments/names.csv", &names, err);
    mx_buf_free(&names);
    return rc;
}

/* Images as part/class/NNN.png, with boxes and masks. */
static int make_folder(const struct worker_dataset *set, const char *folder, struct mx_err *err)
{
    const struct worker_split *splits[] = {&set->train, &set->test};
    const char *const          parts[] = {"train", "test"};
    static const char *const   names[] = {"disc", "plus", "frame", "triangle"};
    struct mx_buf              boxes = {0};
    int                        rc = 0;

    mx_buf_text(&boxes, "file,x0,y0,x1,y1\n");
    for (uint32_t p = 0; p < 2; p++)
        for (uint32_t i = 0; i < splits[p]->n && rc == 0; i++) {
            char name[64];

            snprintf(name, sizeof name, "%s/%s/%04u.png", parts[p], names[splits[p]->labels[i]], i);
            rc = worker_miniature_picture(folder, name, set, splits[p], i, err);
            if (rc == 0)
                rc = worker_miniature_mark(folder, name, splits[p], i, p, &boxes, err);
        }
    if (rc == 0)
        rc = worker_miniature_file(folder, "boxes.csv", &boxes, err);
    mx_buf_free(&boxes);
    return rc;
}

/* How each set's miniature is written; classes: of sets of image files, 0: the set's own. */
static const struct {
    worker_miniature_writer *write;
    uint32_t                 classes, groups;
} writers[] = {
    [WORKER_DATA_MNIST] = {make_idx, 0, 0},
    [WORKER_DATA_FASHION_MNIST] = {make_idx, 0, 0},
    [WORKER_DATA_KMNIST] = {make_idx, 0, 0},
    [WORKER_DATA_EMNIST] = {make_emnist, 0, 0},
    [WORKER_DATA_CIFAR10] = {make_cifar10, 0, 0},
    [WORKER_DATA_CIFAR100] = {make_cifar100, 0, 0},
    [WORKER_DATA_FOLDER] = {make_folder, FOLDER_CLASSES, 0},
    [WORKER_DATA_WATERBIRDS] = {worker_miniature_waterbirds, 2, 4},
    [WORKER_DATA_CELEBA] = {worker_miniature_celeba, 2, 4},
    [WORKER_DATA_METASHIFT] = {worker_miniature_metashift, 2, 6},
    [WORKER_DATA_CUB] = {worker_miniature_cub, FOLDER_CLASSES, 0},
    [WORKER_DATA_IMAGENET] = {worker_miniature_imagenet, FOLDER_CLASSES, 0},
};

/* Shape and number of the images. */
static int describe(unsigned data_set, struct worker_params *params, struct mx_err *err)
{
    struct worker_shape shape = {3, FOLDER_SIZE, FOLDER_SIZE, writers[data_set].classes, 0};
    const bool          files = shape.classes > 0;

    /* EMNIST's own shape is told by its files; its digits have that of MNIST. */
    params->data_set = data_set == WORKER_DATA_EMNIST ? (unsigned)WORKER_DATA_MNIST : data_set;
    if (!files && worker_dataset_shape(params, &shape, err))
        return -1;
    params->data_set = WORKER_DATA_SYNTHETIC;
    params->data_size = shape.width;
    params->data_channels = shape.channels;
    params->data_synthetic_n = files ? FOLDER_TRAIN : MINIATURE_TRAIN;
    params->data_synthetic_classes =
        shape.classes < WORKER_SYNTHETIC_CLASSES ? shape.classes : WORKER_SYNTHETIC_CLASSES;
    params->data_synthetic_noise = 0.1;
    params->data_spurious_rate = 0.5;
    return 0;
}

static uint64_t limited(uint64_t n, int64_t limit)
{
    return limit > 0 && (uint64_t)limit < n ? (uint64_t)limit : n;
}

/* How many of the lower set's n images dominoes use: their classes are equally large. */
static uint64_t domino_share(const struct worker_params *params, uint64_t n)
{
    const struct worker_known_set *bottom =
        worker_known_set(worker_domino_data_set(params->data_dominoes_bottom), NULL);
    const uint32_t classes =
        bottom->classes < WORKER_SYNTHETIC_CLASSES ? bottom->classes : WORKER_SYNTHETIC_CLASSES;

    return n * params->data_dominoes_bottom_classes.count / classes;
}

int worker_miniature_size(const struct worker_params *params, struct worker_shape *shape,
                          uint64_t *train, uint64_t *test, struct mx_err *err)
{
    const unsigned set = params->data_set;
    uint64_t       n = MINIATURE_TRAIN;

    if (set == WORKER_DATA_SYNTHETIC || set == WORKER_DATA_FEATURES)
        return worker_dataset_shape(params, shape, err) ||
                       worker_dataset_counts(params, train, test, err)
                   ? -1
                   : 0;
    if (set < sizeof writers / sizeof writers[0] && writers[set].classes > 0) {
        const uint32_t side = params->data_size ? (uint32_t)params->data_size : FOLDER_SIZE;

        *shape = (struct worker_shape){params->data_channels ? (uint32_t)params->data_channels : 3,
                                       side, side, writers[set].classes, writers[set].groups};
        n = FOLDER_TRAIN;
    } else {
        struct worker_params known = *params;

        /* EMNIST's own shape is told by its files; its digits have that of MNIST. */
        if (set == WORKER_DATA_EMNIST)
            known.data_set = WORKER_DATA_MNIST;
        if (worker_dataset_shape(&known, shape, err))
            return -1;
        if (set == WORKER_DATA_DOMINOES)
            n = domino_share(params, n);
    }
    *train = limited(n, params->data_train_limit);
    *test = limited(n / 4, params->data_test_limit);
    return 0;
}

int worker_miniature_make(unsigned data_set, const char *folder, struct mx_err *err)
{
    struct worker_params  *params = NULL;
    struct worker_dataset *drawn = NULL;
    int                    rc = -1;

    if (mx_dir_make(folder, err))
        return -1;
    if (data_set == WORKER_DATA_SYNTHETIC)
        return 0;
    if (data_set == WORKER_DATA_FEATURES)
        return worker_miniature_features(folder, err);
    if (data_set >= sizeof writers / sizeof writers[0] || !writers[data_set].write)
        return mx_fail(err, MX_EINVAL, "--smoke cannot generate data of the set '%s'",
                       worker_data_sets[data_set].word);
    if (!(params = calloc(1, sizeof *params)))
        mx_fail(err, MX_ENOMEM, "no memory to generate data");
    else if (describe(data_set, params, err) == 0 && (drawn = worker_dataset_open(params, 0, err)))
        rc = writers[data_set].write(drawn, folder, err);
    if (rc == 0 && writers[data_set].classes > 0)
        rc = put_concepts(folder, err);
    worker_dataset_free(drawn);
    free(params);
    return rc;
}
