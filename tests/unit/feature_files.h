/* feature_files.h - a folder of frozen features for tests. */
#ifndef MX_TESTS_FEATURE_FILES_H
#define MX_TESTS_FEATURE_FILES_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "worker/features.h"
#include "worker/npy.h"

enum {
    FEATURE_DIMS = 16,
    FEATURE_CLASSES = 2,
    FEATURE_GROUPS = 4
};

static const uint32_t feature_rows[WORKER_FEATURE_PARTS] = {60, 40, 50};

static inline void feature_file(const char *folder, const char *name, enum worker_npy_type type,
                                uint32_t rows, uint32_t columns, const void *data)
{
    const uint64_t dims[2] = {rows, columns};
    char          *path = mx_path_join(folder, name);
    struct mx_err  err = {.text = ""};

    cr_assert_eq(worker_npy_write(path, type, columns > 0 ? 2 : 1, dims, data, &err), 0, "%s",
                 err.text);
    free(path);
}

/* Row i has label i % 2 and group i % 4; feature d of it is a number of its own,
 * and the label and the group's attribute show in features 0 and 1. */
static inline float feature_value(unsigned part, uint32_t i, uint32_t d)
{
    struct mx_stream stream = mx_stream_make(1, 0, MX_PURPOSE_DATA, 0);
    struct mx_rng    rng = mx_rng_at(stream, part, i, d);
    float            signal = d == 0 ? (float)(i % 2) : d == 1 ? (float)(i % 4 / 2) : 0.5f;

    return 2 * signal - 1 + (float)mx_rng_normal(&rng);
}

static inline void feature_folder(const char *folder, bool groups)
{
    static float    x[60 * FEATURE_DIMS];
    static uint32_t ids[60];
    const float     w[FEATURE_CLASSES * FEATURE_DIMS] = {-1, -0.5f, [FEATURE_DIMS] = 1, 0.5f};
    const float     b[FEATURE_CLASSES] = {0.25f, -0.25f};

    for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++) {
        char name[16];

        for (uint32_t i = 0; i < feature_rows[p]; i++)
            for (uint32_t d = 0; d < FEATURE_DIMS; d++)
                x[i * FEATURE_DIMS + d] = feature_value(p, i, d);
        snprintf(name, sizeof name, "%s_x.npy", worker_feature_parts[p]);
        feature_file(folder, name, WORKER_NPY_F32, feature_rows[p], FEATURE_DIMS, x);
        for (int letter = 0; letter < (groups ? 2 : 1); letter++) {
            for (uint32_t i = 0; i < feature_rows[p]; i++)
                ids[i] = i % (letter ? FEATURE_GROUPS : FEATURE_CLASSES);
            snprintf(name, sizeof name, "%s_%c.npy", worker_feature_parts[p], "yg"[letter]);
            feature_file(folder, name, WORKER_NPY_U32, feature_rows[p], 0, ids);
        }
    }
    feature_file(folder, "head_w.npy", WORKER_NPY_F32, FEATURE_CLASSES, FEATURE_DIMS, w);
    feature_file(folder, "head_b.npy", WORKER_NPY_F32, FEATURE_CLASSES, 0, b);
}

#endif
