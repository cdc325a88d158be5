#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "worker/features.h"
#include "worker/miniature.h"
#include "worker/npy.h"

enum {
    DIMS = 32,
    CLASSES = 2,
    MOST_ROWS = 640
};

static const uint32_t rows_of[WORKER_FEATURE_PARTS] = {MOST_ROWS, 320, 320};

/* What an image shows: feature 0 is its label's, feature 1, which is clearer,
 * its attribute's; the rest is noise. */
struct example {
    uint32_t label, group;
    float    x[DIMS];
};

static struct example draw(unsigned part, uint32_t row)
{
    const double   agree = part == WORKER_FEATURES_TRAIN ? 0.9 : 0.6;
    struct mx_rng  rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), part, row, 0);
    struct example e = {.label = row % CLASSES};
    uint32_t       attribute = mx_rng_uniform(&rng) < agree ? e.label : 1 - e.label;

    e.group = e.label * 2 + attribute;
    for (uint32_t d = 0; d < DIMS; d++)
        e.x[d] = (float)mx_rng_normal(&rng);
    e.x[0] += 3 * (float)e.label - 1.5f;
    e.x[1] += 4 * (float)attribute - 2;
    return e;
}

static int write(const char *folder, const char *name, enum worker_npy_type type, uint32_t rows,
                 uint32_t columns, const void *data, struct mx_err *err)
{
    const uint64_t dims[2] = {rows, columns};
    char          *path = mx_path_join(folder, name);
    int            rc = path ? worker_npy_write(path, type, columns > 0 ? 2 : 1, dims, data, err)
                             : mx_fail(err, MX_ENOMEM, "no memory to generate %s", name);

    free(path);
    return rc;
}

static int write_part(const char *folder, unsigned part, float *x, uint32_t *y, uint32_t *g,
                      struct mx_err *err)
{
    static const char *const names[WORKER_FEATURE_PARTS][3] = {
        {"train_x.npy", "train_y.npy", "train_g.npy"},
        {"val_x.npy", "val_y.npy", "val_g.npy"},
        {"test_x.npy", "test_y.npy", "test_g.npy"}};
    const uint32_t n = rows_of[part];

    for (uint32_t i = 0; i < n; i++) {
        struct example e = draw(part, i);

        y[i] = e.label;
        g[i] = e.group;
        for (uint32_t d = 0; d < DIMS; d++)
            x[i * DIMS + d] = e.x[d];
    }
    if (write(folder, names[part][0], WORKER_NPY_F32, n, DIMS, x, err) ||
        write(folder, names[part][1], WORKER_NPY_U32, n, 0, y, err))
        return -1;
    return write(folder, names[part][2], WORKER_NPY_U32, n, 0, g, err);
}

int worker_miniature_features(const char *folder, struct mx_err *err)
{
    static const float w[CLASSES * DIMS] = {-0.5f, -1, [DIMS] = 0.5f, 1}, b[CLASSES] = {0, 0};
    float             *x = malloc(MOST_ROWS * DIMS * sizeof *x);
    uint32_t          *ids = malloc(2 * MOST_ROWS * sizeof *ids);
    int                failed = 0;

    if (!x || !ids)
        failed = mx_fail(err, MX_ENOMEM, "no memory to generate features");
    for (unsigned p = 0; p < WORKER_FEATURE_PARTS && !failed; p++)
        failed = write_part(folder, p, x, ids, ids + MOST_ROWS, err);
    failed = failed || write(folder, "head_w.npy", WORKER_NPY_F32, CLASSES, DIMS, w, err) ||
             write(folder, "head_b.npy", WORKER_NPY_F32, CLASSES, 0, b, err);
    free(x);
    free(ids);
    return failed ? -1 : 0;
}
