/* CIFAR-10 and CIFAR-100 in their binary version: rows of a label (for 100 classes
 * a coarse one and then ours, the fine one) and three planes of 32 x 32 bytes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "worker/choices.h"
#include "worker/known_sets.h"
#include "worker/set_format.h"

enum {
    PIXELS = 3 * 32 * 32,
    MAX_BYTES = 1 << 30,
};

/* How one of the sets lies in files. */
struct layout {
    const char        *folder; /* that the archive unpacks to */
    const char *const *train;  /* files, ended by NULL */
    const char *const *test;
    size_t             labels; /* bytes before the pixels; the last one counts */
};

static const char *const batches[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                      "data_batch_4.bin", "data_batch_5.bin", NULL};
static const char *const test_batch[] = {"test_batch.bin", NULL};
static const char *const train_bin[] = {"train.bin", NULL};
static const char *const test_bin[] = {"test.bin", NULL};

static struct layout layout_of(const struct worker_params *params)
{
    if (params->data_set == WORKER_DATA_CIFAR10)
        return (struct layout){"cifar-10-batches-bin", batches, test_batch, 1};
    return (struct layout){"cifar-100-binary", train_bin, test_bin, 2};
}

/* Where the files are: in the folder, or in the one that the archive makes in it. To be
 * freed; NULL with *err. */
static char *find(const struct worker_params *params, const char *folder,
                  const struct layout *layout, struct mx_err *err)
{
    const char *tries[] = {"", layout->folder};
    char       *found = NULL;

    for (int k = 0; k < 2 && !found; k++) {
        char *place = k ? mx_path_join(folder, tries[k]) : strdup(folder);
        char *file = place ? mx_path_join(place, layout->train[0]) : NULL;

        if (file && mx_file_exists(file)) {
            found = place;
            place = NULL;
        }
        free(file);
        free(place);
    }
    if (!found)
        mx_fail(err, MX_EDATA, "%s: there is no %s in %s: %s", worker_set_name(params->data_set),
                layout->train[0], folder, worker_known_set(params->data_set, NULL)->advice);
    return found;
}

/* Append the rows of a file to a part. */
static int add_rows(const struct mx_buf *file, const char *path, size_t nlabels, uint32_t classes,
                    struct worker_images *images, struct mx_err *err)
{
    const size_t   row = nlabels + PIXELS, rows = file->len / row;
    const uint8_t *at = (const uint8_t *)mx_buf_str(file);
    uint8_t       *pixels;
    uint32_t      *labels;

    if (file->len == 0 || file->len % row != 0)
        return mx_fail(err, MX_EDATA,
                       "%s has %zu bytes, not a whole number of rows of %zu: get the file again",
                       path, file->len, row);
    if (!(pixels = realloc(images->pixels, (images->n + rows) * PIXELS)))
        return mx_fail(err, MX_ENOMEM, "no memory for the images of %s", path);
    images->pixels = pixels;
    if (!(labels = realloc(images->labels, (images->n + rows) * sizeof *labels)))
        return mx_fail(err, MX_ENOMEM, "no memory for the labels of %s", path);
    images->labels = labels;
    for (size_t r = 0; r < rows; r++, at += row, images->n++) {
        if (at[nlabels - 1] >= classes)
            return mx_fail(err, MX_EDATA,
                           "%s: label %u of row %zu is not one of the classes 0 to %" PRIu32
                           ": get the file again",
                           path, at[nlabels - 1], r, classes - 1);
        labels[images->n] = at[nlabels - 1];
        memcpy(pixels + (size_t)images->n * PIXELS, at + nlabels, PIXELS);
    }
    return 0;
}

static int read_file(const char *path, struct mx_buf *file, struct mx_err *err)
{
    struct stat st;

    if (stat(path, &st))
        return errno == ENOENT
                   ? mx_fail(err, MX_EDATA, "there is no %s: get the set's files again", path)
                   : mx_fail_errno(err, MX_EDATA, errno, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return mx_fail(err, MX_EDATA, "%s is not a file", path);
    return mx_file_read(path, MAX_BYTES, file, err);
}

/* Read all files of one part; `text` collects the fingerprint, or is NULL. */
static int read_part(const char *place, const char *const *names, size_t nlabels, uint32_t classes,
                     struct worker_images *images, struct mx_buf *text, struct mx_err *err)
{
    struct mx_buf file = {0};
    int           rc = 0;

    images->channels = 3;
    images->height = images->width = 32;
    for (; rc == 0 && *names; names++) {
        char *path = mx_path_join(place, *names);

        if (!path)
            rc = mx_fail(err, MX_ENOMEM, "no memory for a path in %s", place);
        else if (read_file(path, &file, err) ||
                 add_rows(&file, path, nlabels, classes, images, err) ||
                 (text && worker_fingerprint_add(text, path, *names, err)))
            rc = -1;
        free(path);
    }
    mx_buf_free(&file);
    return rc;
}

static int load(const struct worker_params *params, const char *folder, struct worker_raw_set *raw,
                struct mx_buf *text, struct mx_err *err)
{
    const uint32_t classes = worker_known_set(params->data_set, NULL)->classes;
    struct layout  layout = layout_of(params);
    char          *place = find(params, folder, &layout, err);
    int            rc = place ? 0 : -1;

    if (rc == 0)
        rc = read_part(place, layout.train, layout.labels, classes, &raw->parts[WORKER_PART_TRAIN],
                       text, err);
    if (rc == 0)
        rc = worker_images_differ(&raw->parts[WORKER_PART_TRAIN], worker_set_name(params->data_set),
                                  place, err);
    if (rc == 0)
        rc = read_part(place, layout.test, layout.labels, classes, &raw->parts[WORKER_PART_TEST],
                       text, err);
    free(place);
    return rc;
}

static int probe(const struct worker_params *params, const char *folder, uint64_t *fingerprint,
                 struct mx_err *err)
{
    struct worker_raw_set raw = {.measured = false};
    struct mx_buf         text = {0};
    int                   rc = load(params, folder, &raw, &text, err);

    if (rc == 0)
        rc = worker_fingerprint_end(&text, fingerprint, err);
    for (int p = 0; p < WORKER_PARTS; p++)
        worker_images_free(&raw.parts[p]);
    mx_buf_free(&text);
    return rc;
}

static int read_set(const struct worker_params *params, const char *folder, uint64_t seed,
                    struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err)
{
    (void)seed;
    if (worker_known_shape(params, folder, shape, err) || load(params, folder, raw, NULL, err))
        return -1;
    return worker_raw_fit(raw, shape, err);
}

const struct worker_set_format worker_cifar_format = {worker_known_shape, worker_known_counts,
                                                      probe, read_set};
