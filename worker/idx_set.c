#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "worker/idx.h"

void worker_idx_paths_free(struct worker_idx_paths *paths)
{
    for (int f = 0; f < WORKER_IDX_FILES; f++)
        free(paths->file[f]);
    *paths = (struct worker_idx_paths){0};
}

static int check_folder(const char *folder, const char *set_name, const char *advice,
                        struct mx_err *err)
{
    DIR *dir = opendir(folder);

    if (!dir && errno == ENOENT)
        return mx_fail(err, MX_EDATA, "%s: there is no folder %s: %s", set_name, folder, advice);
    if (!dir)
        return mx_fail_errno(err, MX_EDATA, errno, "%s: cannot read the folder %s", set_name,
                             folder);
    closedir(dir);
    return 0;
}

/* The usual name, and the one that some archives unpack to. */
static const char *const file_names[WORKER_IDX_FILES][2] = {
    [WORKER_IDX_TRAIN_IMAGES] = {"train-images-idx3-ubyte", "train-images.idx3-ubyte"},
    [WORKER_IDX_TRAIN_LABELS] = {"train-labels-idx1-ubyte", "train-labels.idx1-ubyte"},
    [WORKER_IDX_TEST_IMAGES] = {"t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"},
    [WORKER_IDX_TEST_LABELS] = {"t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"},
};

/* The first spelling of a file's name that exists, or NULL with *err. */
static char *find_one(const char *folder, const char *set_name, const char *advice,
                      const char *const names[2], struct mx_err *err)
{
    for (int k = 0; k < 4; k++) {
        char  name[64];
        char *path;

        snprintf(name, sizeof name, "%s%s", names[k / 2], k % 2 ? ".gz" : "");
        if (!(path = mx_path_join(folder, name))) {
            mx_fail(err, MX_ENOMEM, "no memory for a path in %s", folder);
            return NULL;
        }
        if (mx_file_exists(path))
            return path;
        free(path);
    }
    mx_fail(err, MX_EDATA, "%s: there is no %s or %s.gz in %s: %s", set_name, names[0], names[0],
            folder, advice);
    return NULL;
}

int worker_idx_find_named(const char *folder, const char *set_name, const char *advice,
                          const char *const        names[WORKER_IDX_FILES][2],
                          struct worker_idx_paths *paths, struct mx_err *err)
{
    *paths = (struct worker_idx_paths){0};
    if (check_folder(folder, set_name, advice, err))
        return -1;
    for (int f = 0; f < WORKER_IDX_FILES; f++)
        if (!(paths->file[f] = find_one(folder, set_name, advice, names[f], err))) {
            worker_idx_paths_free(paths);
            return -1;
        }
    return 0;
}

int worker_idx_find(const char *folder, const char *set_name, const char *advice,
                    struct worker_idx_paths *paths, struct mx_err *err)
{
    return worker_idx_find_named(folder, set_name, advice, file_names, paths, err);
}

/* Labels as numbers below `classes`. */
static int take_labels(const struct worker_idx *idx, const char *path, uint32_t classes,
                       struct worker_images *images, struct mx_err *err)
{
    if (!(images->labels = calloc(idx->dims[0], sizeof *images->labels)))
        return mx_fail(err, MX_ENOMEM, "no memory for the labels of %s", path);
    for (uint32_t i = 0; i < idx->dims[0]; i++) {
        if (idx->data[i] >= classes)
            return mx_fail(err, MX_EDATA,
                           "%s: label %u of image %" PRIu32
                           " is not one of the classes 0 to %" PRIu32 ": get the file again",
                           path, idx->data[i], i, classes - 1);
        images->labels[i] = idx->data[i];
    }
    return 0;
}

int worker_idx_load(const char *images_path, const char *labels_path,
                    const struct worker_known_set *known, struct worker_images *images,
                    struct mx_err *err)
{
    struct worker_idx pixels = {.data = NULL}, labels = {.data = NULL};
    int               rc = -1;

    *images = (struct worker_images){0};
    if (worker_idx_read(images_path, 3, &pixels, err) ||
        worker_idx_read(labels_path, 1, &labels, err))
        goto done;
    if (pixels.dims[1] != known->height || pixels.dims[2] != known->width) {
        mx_fail(err, MX_EDATA,
                "%s holds images of %" PRIu32 " x %" PRIu32 " pixels, not %" PRIu32 " x %" PRIu32,
                images_path, pixels.dims[1], pixels.dims[2], known->height, known->width);
        goto done;
    }
    if (pixels.dims[0] != labels.dims[0]) {
        mx_fail(err, MX_EDATA,
                "%s holds %" PRIu32 " images, but %s holds %" PRIu32
                " labels: they are not of one set",
                images_path, pixels.dims[0], labels_path, labels.dims[0]);
        goto done;
    }
    if (take_labels(&labels, labels_path, known->classes, images, err))
        goto done;
    images->n = pixels.dims[0];
    images->channels = known->channels;
    images->height = known->height;
    images->width = known->width;
    images->pixels = pixels.data;
    pixels.data = NULL;
    rc = 0;
done:
    if (rc)
        worker_images_free(images);
    free(pixels.data);
    free(labels.data);
    return rc;
}
