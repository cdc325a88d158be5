#include "worker/test_files.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/choices.h"
#include "worker/listing.h"
#include "worker/picture.h"
#include "worker/set_format.h"

static bool has_files(unsigned data_set)
{
    switch (data_set) {
    case WORKER_DATA_FOLDER:
    case WORKER_DATA_WATERBIRDS:
    case WORKER_DATA_CELEBA:
    case WORKER_DATA_METASHIFT:
    case WORKER_DATA_CUB:
    case WORKER_DATA_IMAGENET:
        return true;
    default:
        return false;
    }
}

/* 1 if a file is an image, 0 if it is a damaged one, -1 with *err. */
static int is_whole(const char *folder, const char *name, struct mx_err *err)
{
    struct worker_picture picture = {.pixels = NULL};
    struct mx_err         why = {.code = MX_OK};
    char                 *path = mx_path_join(folder, name);
    int                   rc;

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory for a path in %s", folder);
    rc = worker_picture_read(path, &picture, &why) ? 0 : 1;
    worker_picture_free(&picture);
    free(path);
    return rc || why.code == MX_EDATA ? rc : mx_fail(err, why.code, "%s", why.text);
}

static int take_names(const struct worker_params *params, const char *path, uint32_t most,
                      struct worker_test_files *files, struct mx_err *err)
{
    const struct worker_folder_part *part = &files->folder->parts[WORKER_PART_TEST];
    const bool skips = params->data_on_decode_error == WORKER_ON_DECODE_ERROR_SKIP;

    if (!(files->names = calloc((size_t)most + 1, sizeof *files->names)))
        return mx_fail(err, MX_ENOMEM, "no memory for the names of %u files", most);
    for (uint32_t i = 0; i < part->n && files->n < most; i++) {
        const int whole = skips ? is_whole(path, part->files[i].name, err) : 1;

        if (whole < 0)
            return -1;
        if (whole > 0)
            files->names[files->n++] = part->files[i].name;
    }
    return 0;
}

int worker_test_files_list(const struct worker_params *params, uint64_t seed, uint32_t most,
                           struct worker_test_files *files, struct mx_err *err)
{
    struct mx_buf path = {0};
    int           rc = -1;

    *files = (struct worker_test_files){.n = 0};
    if (!has_files(params->data_set))
        return 0;
    if (worker_set_folder(params, &path, err) == 0 &&
        (files->folder = worker_listing(params, mx_buf_str(&path), err)) &&
        worker_folder_hold_out(files->folder, params->data_test_fraction, seed, mx_buf_str(&path),
                               err) == 0)
        rc = take_names(params, mx_buf_str(&path), most, files, err);
    mx_buf_free(&path);
    if (rc)
        worker_test_files_free(files);
    return rc;
}

void worker_test_files_free(struct worker_test_files *files)
{
    worker_folder_free(files->folder);
    free(files->names);
    *files = (struct worker_test_files){.n = 0};
}
