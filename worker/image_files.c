#include "worker/image_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/image_store.h"
#include "worker/known_sets.h"
#include "worker/listing.h"
#include "worker/picture.h"
#include "worker/set_format.h"

enum {
    HEAD_BYTES = 1 << 18, /* of a file: a JPEG's size stands behind its metadata */
    PNG_HEAD = 26,
};

struct worker_image_files {
    struct worker_folder *folder;
    struct mx_buf         path;
    bool                  own_test;
};

struct worker_image_files *worker_image_files_list(const struct worker_params *params,
                                                   uint64_t seed, struct mx_err *err)
{
    const struct worker_known_set *known = worker_known_set(params->data_set, err);
    struct worker_image_files     *files;

    if (!known)
        return NULL;
    if (known->format != &worker_folder_format) {
        mx_fail(err, MX_EINVAL, "%s has no image files", worker_set_name(params->data_set));
        return NULL;
    }
    if (!(files = calloc(1, sizeof *files))) {
        mx_fail(err, MX_ENOMEM, "no memory to list image files");
        return NULL;
    }
    if (worker_set_folder(params, &files->path, err) == 0 &&
        (files->folder = worker_listing(params, mx_buf_str(&files->path), err))) {
        files->own_test = files->folder->parts[WORKER_PART_TEST].n > 0;
        if (files->own_test || params->data_test_fraction == 0 ||
            worker_folder_hold_out(files->folder, params->data_test_fraction, seed,
                                   mx_buf_str(&files->path), err) == 0)
            return files;
    }
    worker_image_files_free(files);
    return NULL;
}

void worker_image_files_free(struct worker_image_files *files)
{
    if (!files)
        return;
    worker_folder_free(files->folder);
    mx_buf_free(&files->path);
    free(files);
}

uint32_t worker_image_files_count(const struct worker_image_files *files, int part)
{
    return files->folder->parts[part].n;
}

const char *worker_image_files_name(const struct worker_image_files *files, int part, uint32_t i)
{
    return files->folder->parts[part].files[i].name;
}

/* Which file of its part a row is, damaged ones being left out; the number of all files where that
 * is not known. */
static uint32_t file_of_row(const struct worker_image_files *files,
                            const struct worker_dataset *set, int part, uint32_t row)
{
    const struct worker_image_store *store = set->stores[part];
    const uint32_t                   n = files->folder->parts[part].n;
    uint32_t                         file = 0;

    if (set->remarks.skipped == 0)
        return row;
    if (!files->own_test || !store || store->nfiles != n)
        return n;
    for (; file < n; file++)
        if (store->state[file] >= WORKER_FILE_GOOD && row-- == 0)
            break;
    return file;
}

const char *worker_image_files_of(const struct worker_image_files *files,
                                  const struct worker_dataset *set, int part, uint32_t i)
{
    const bool cut = part == WORKER_PART_VAL && files->folder->parts[WORKER_PART_VAL].n == 0;
    const int  from = cut ? WORKER_PART_TRAIN : part; /* validation that is cut from training */
    const struct worker_split *split = part == WORKER_PART_TRAIN ? &set->train
                                       : part == WORKER_PART_VAL ? &set->val
                                                                 : &set->test;
    const uint32_t             file = file_of_row(files, set, from, split->rows[i]);

    return file < files->folder->parts[from].n ? files->folder->parts[from].files[file].name : NULL;
}

bool worker_image_files_own_test(const struct worker_image_files *files)
{
    return files->own_test;
}

static uint32_t big_endian(const uint8_t *bytes, int n)
{
    uint32_t value = 0;

    for (int k = 0; k < n; k++)
        value = value << 8 | bytes[k];
    return value;
}

/* The first chunk of a PNG file is its IHDR. */
static int png_size(const uint8_t *data, size_t len, struct worker_image_size *size)
{
    if (len < PNG_HEAD || memcmp(data + 12, "IHDR", 4) != 0)
        return -1;
    size->width = big_endian(data + 16, 4);
    size->height = big_endian(data + 20, 4);
    size->channels = data[25] == 0 || data[25] == 4 ? 1 : 3;
    return 0;
}

/* Segment after segment up to the start of a frame. */
static int jpeg_size(const uint8_t *data, size_t len, struct worker_image_size *size)
{
    size_t at = 2;

    while (at + 10 <= len) {
        const uint8_t marker = data[at + 1];
        const bool    frame =
            marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;

        if (data[at] != 0xFF)
            return -1;
        if (frame) {
            size->height = big_endian(data + at + 5, 2);
            size->width = big_endian(data + at + 7, 2);
            size->channels = data[at + 9] == 1 ? 1 : 3;
            return 0;
        }
        at += marker == 0xFF ? 1 : 2 + (size_t)big_endian(data + at + 2, 2);
    }
    return -1;
}

int worker_image_size_of(const char *folder, const char *name, struct worker_image_size *size)
{
    char         *path = mx_path_join(folder, name);
    struct mx_buf data = {0};
    int           rc = -1;

    if (path && worker_picture_check(path, NULL) == 0 &&
        mx_file_read_head(path, HEAD_BYTES, &data, NULL) == 0 && data.len > 8) {
        const uint8_t *bytes = (const uint8_t *)data.data;

        rc = bytes[0] == 0xFF && bytes[1] == 0xD8 ? jpeg_size(bytes, data.len, size)
                                                  : png_size(bytes, data.len, size);
    }
    mx_buf_free(&data);
    free(path);
    return rc == 0 && size->width > 0 && size->height > 0 ? 0 : -1;
}

int worker_image_files_size(const struct worker_image_files *files, int part, uint32_t i,
                            struct worker_image_size *size)
{
    return worker_image_size_of(mx_buf_str(&files->path), worker_image_files_name(files, part, i),
                                size);
}
