/* Sets of IDX files. */
#include <string.h>

#include "worker/idx.h"
#include "worker/known_sets.h"
#include "worker/set_format.h"

static int find(const struct worker_params *params, const char *folder,
                struct worker_idx_paths *paths, struct mx_err *err)
{
    return worker_idx_find(folder, worker_set_name(params->data_set),
                           worker_known_set(params->data_set, NULL)->advice, paths, err);
}

static int load(const struct worker_params *params, const char *folder,
                const struct worker_idx_paths *paths, struct worker_raw_set *raw,
                struct mx_err *err)
{
    const struct worker_known_set *known = worker_known_set(params->data_set, NULL);

    if (worker_idx_load(paths->file[WORKER_IDX_TRAIN_IMAGES], paths->file[WORKER_IDX_TRAIN_LABELS],
                        known, &raw->parts[WORKER_PART_TRAIN], err) ||
        worker_images_differ(&raw->parts[WORKER_PART_TRAIN], worker_set_name(params->data_set),
                             folder, err))
        return -1;
    return worker_idx_load(paths->file[WORKER_IDX_TEST_IMAGES], paths->file[WORKER_IDX_TEST_LABELS],
                           known, &raw->parts[WORKER_PART_TEST], err);
}

int worker_idx_fingerprint(const struct worker_idx_paths *paths, uint64_t *fingerprint,
                           struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc = 0;

    for (int f = 0; rc == 0 && f < WORKER_IDX_FILES; f++)
        rc = worker_fingerprint_add(&text, paths->file[f], strrchr(paths->file[f], '/') + 1, err);
    if (rc == 0)
        rc = worker_fingerprint_end(&text, fingerprint, err);
    mx_buf_free(&text);
    return rc;
}

static int probe(const struct worker_params *params, const char *folder, uint64_t *fingerprint,
                 struct mx_err *err)
{
    struct worker_idx_paths paths = {{NULL}};
    struct worker_raw_set   raw = {.measured = false};
    int                     rc = find(params, folder, &paths, err);

    if (rc == 0 && (load(params, folder, &paths, &raw, err) ||
                    worker_idx_fingerprint(&paths, fingerprint, err)))
        rc = -1;
    for (int p = 0; p < WORKER_PARTS; p++)
        worker_images_free(&raw.parts[p]);
    worker_idx_paths_free(&paths);
    return rc;
}

static int read_set(const struct worker_params *params, const char *folder, uint64_t seed,
                    struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err)
{
    struct worker_idx_paths paths = {{NULL}};
    int                     rc = -1;

    (void)seed;
    if (!worker_known_shape(params, folder, shape, err) && !find(params, folder, &paths, err) &&
        !load(params, folder, &paths, raw, err))
        rc = worker_raw_fit(raw, shape, err);
    worker_idx_paths_free(&paths);
    return rc;
}

const struct worker_set_format worker_idx_format = {worker_known_shape, worker_known_counts, probe,
                                                    read_set};
