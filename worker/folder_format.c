/* Sets of JPEG and PNG files, a file an image: class folders, and published sets whose tables
 * name the files (worker/listing.h). */
#include "base/clock.h"
#include "worker/file_index.h"
#include "worker/folder_read.h"
#include "worker/image_cache.h"
#include "worker/listing.h"
#include "worker/set_format.h"

static int shape_of(const struct worker_params *params, const char *path,
                    struct worker_shape *shape, struct mx_err *err)
{
    struct worker_folder *folder;

    if (worker_check_size(params, WORKER_FOLDER_LEAST, WORKER_FOLDER_MOST, err))
        return -1;
    if (params->data_size == 0)
        return mx_fail(err, MX_EINVAL,
                       "only the files of a folder tell their size, and none is read: set "
                       "data.size");
    if (!(folder = worker_listing(params, path, err)))
        return -1;
    worker_folder_shape(params, folder, shape);
    worker_folder_free(folder);
    return 0;
}

static int counts(const struct worker_params *params, const char *path, uint64_t *train,
                  uint64_t *test, struct mx_err *err)
{
    struct worker_folder *folder = worker_listing(params, path, err);
    int                   rc = -1;

    /* Which files are held out depends on the seed, how many does not. */
    if (folder && worker_folder_hold_out(folder, params->data_test_fraction, 0, path, err) == 0) {
        *train = (uint64_t)folder->parts[WORKER_PART_TRAIN].n + folder->parts[WORKER_PART_VAL].n;
        *test = folder->parts[WORKER_PART_TEST].n;
        rc = 0;
    }
    worker_folder_free(folder);
    return rc;
}

static int add_files(struct worker_file_index *index, const struct worker_folder_part *part,
                     struct mx_buf *text, struct mx_err *err)
{
    for (uint32_t i = 0; i < part->n; i++) {
        uint64_t bytes, hash;

        if (worker_file_index_hash(index, part->files[i].name, &bytes, &hash, err))
            return -1;
        worker_fingerprint_line(text, part->files[i].name, bytes, hash);
    }
    return 0;
}

static int probe(const struct worker_params *params, const char *path, uint64_t *fingerprint,
                 struct mx_err *err)
{
    struct worker_folder     *folder = worker_listing(params, path, err);
    struct worker_file_index *index = NULL;
    struct mx_buf             text = {0}, cache = {0};
    bool                      cached = worker_image_cache_folder(&cache, NULL) == 0;
    int                       rc = -1;

    if (folder && (index = worker_file_index_open(cached ? mx_buf_str(&cache) : NULL, path,
                                                  mx_clock_utc_s(), err)))
        rc = 0;
    for (int p = 0; rc == 0 && p < WORKER_PARTS; p++)
        rc = add_files(index, &folder->parts[p], &text, err);
    if (rc == 0)
        rc = worker_fingerprint_end(&text, fingerprint, err);
    worker_file_index_close(index);
    mx_buf_free(&text);
    mx_buf_free(&cache);
    worker_folder_free(folder);
    return rc;
}

const struct worker_set_format worker_folder_format = {shape_of, counts, probe, worker_folder_read};
