#include "worker/features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "worker/feature_names.h"
#include "worker/npy.h"
#include "worker/params.h"

enum {
    MAX_CLASSES = 1 << 20,
    MAX_GROUPS = 1 << 16, /* ids of groups that nothing says the number of */
    ANY_GROUP = UINT32_MAX,
};

static const uint64_t any = UINT64_MAX;

const char *const worker_feature_parts[WORKER_FEATURE_PARTS] = {"train", "val", "test"};

/* Open FOLDER/NAME, or FOLDER/PART_NAME; NULL with *err. */
static struct worker_npy *open_file(const char *folder, const char *part, const char *name,
                                    struct mx_err *err)
{
    struct worker_npy *file;
    char               own[32], *path;

    snprintf(own, sizeof own, "%s%s%s.npy", part ? part : "", part ? "_" : "", name);
    if (!(path = mx_path_join(folder, own))) {
        mx_fail(err, MX_ENOMEM, "no memory to open %s", own);
        return NULL;
    }
    file = worker_npy_open(path, err);
    free(path);
    return file;
}

static bool has_groups(const char *folder, enum worker_feature_part part)
{
    char own[32], *path;
    bool found;

    snprintf(own, sizeof own, "%s_g.npy", worker_feature_parts[part]);
    path = mx_path_join(folder, own);
    found = path && mx_file_exists(path);
    free(path);
    return found;
}

/* Weights as other libraries have them, (features, classes), are told from wrong ones by the
 * intercepts, of which there is one a class. */
static int check_turned(const char *folder, const struct worker_npy *w, const struct worker_npy *b,
                        struct mx_err *err)
{
    const struct worker_npy_shape *weights = worker_npy_shape(w), *intercepts = worker_npy_shape(b);

    if (intercepts->rows == weights->rows || intercepts->rows != weights->row)
        return 0;
    return mx_fail(err, MX_EDATA,
                   "%s/head_w.npy is (%llu, %llu) and head_b.npy (%llu): a head is (classes, "
                   "features), so transpose head_w",
                   folder, (unsigned long long)weights->rows, (unsigned long long)weights->row,
                   (unsigned long long)intercepts->rows);
}

/* The classifier tells the number of classes and of features. */
static int read_head(struct worker_features *f, const char *folder, struct mx_err *err)
{
    struct worker_npy             *w = open_file(folder, NULL, "head_w", err), *b = NULL;
    const struct worker_npy_shape *shape;
    int                            rc = -1;

    if (!w || worker_npy_want(w, 2, (const uint64_t[]){any, any}, err))
        goto done;
    shape = worker_npy_shape(w);
    if (shape->rows < 2 || shape->rows > MAX_CLASSES || shape->row < 1 ||
        shape->row > UINT32_MAX / shape->rows) {
        mx_fail(err, MX_EDATA,
                "%s/head_w.npy is of %llu classes and %llu features; a head has two classes or "
                "more, and a feature or more",
                folder, (unsigned long long)shape->rows, (unsigned long long)shape->row);
        goto done;
    }
    f->classes = (uint32_t)shape->rows;
    f->dims = (uint32_t)shape->row;
    if (!(b = open_file(folder, NULL, "head_b", err)) || check_turned(folder, w, b, err) ||
        worker_npy_want(b, 1, &shape->rows, err))
        goto done;
    f->head_w = malloc((size_t)f->classes * f->dims * sizeof *f->head_w);
    f->head_b = malloc(f->classes * sizeof *f->head_b);
    if (!f->head_w || !f->head_b)
        mx_fail(err, MX_ENOMEM, "no memory for the head in %s", folder);
    else if (worker_npy_read_f64(w, 0, f->classes, f->head_w, err) == 0)
        rc = worker_npy_read_f64(b, 0, f->classes, f->head_b, err);
done:
    worker_npy_close(w);
    worker_npy_close(b);
    return rc;
}

/* A float32 head is one of floats' values. */
static int check_head(struct worker_features *f, const char *folder, struct mx_err *err)
{
    for (uint32_t c = 0; c < f->classes; c++) {
        double *row = f->head_w + (size_t)c * f->dims;

        for (uint32_t d = 0; d <= f->dims; d++) {
            double *value = d < f->dims ? &row[d] : &f->head_b[c];

            if (f->precision == WORKER_F32)
                *value = (double)(float)*value;
            if (!isfinite(*value))
                return mx_fail(err, MX_EDATA, "%s/head_%c.npy: row %u is not finite%s", folder,
                               d < f->dims ? 'w' : 'b', c,
                               f->precision == WORKER_F32 ? " in float32" : "");
        }
    }
    return 0;
}

static bool finite_row(const struct worker_features *f, const struct worker_feature_split *split,
                       uint32_t row)
{
    size_t at = (size_t)row * f->dims;
    bool   finite = true;

    for (uint32_t d = 0; d < f->dims; d++)
        finite &= split->x32 ? isfinite(split->x32[at + d]) : isfinite(split->x64[at + d]);
    return finite;
}

static int read_x(struct worker_features *f, struct worker_feature_split *split,
                  const struct worker_npy *x, const char *where, struct mx_err *err)
{
    size_t count = (size_t)split->n * f->dims;
    bool   wide = f->precision == WORKER_F64;

    if (wide)
        split->x64 = malloc((count + 1) * sizeof *split->x64);
    else
        split->x32 = malloc((count + 1) * sizeof *split->x32);
    if (!split->x64 && !split->x32)
        return mx_fail(err, MX_ENOMEM, "no memory for %u features of %u images (%s)", f->dims,
                       split->n, where);
    if (wide ? worker_npy_read_f64(x, 0, split->n, split->x64, err)
             : worker_npy_read_f32(x, 0, split->n, split->x32, err))
        return -1;
    for (uint32_t i = 0; i < split->n; i++)
        if (!finite_row(f, split, i))
            return mx_fail(err, MX_EDATA, "%s_x.npy: row %u holds a number that is not finite%s",
                           where, i, wide ? "" : " in float32");
    return 0;
}

/* The first n of one number a row; all of them are looked at. */
static int read_ids(const struct worker_npy *file, uint64_t rows, uint32_t n, uint32_t below,
                    const char *what, uint32_t **out, uint32_t *most, struct mx_err *err)
{
    uint32_t *ids, *fewer;

    if (worker_npy_want(file, 1, &rows, err))
        return -1;
    if (!(ids = malloc((size_t)(rows + 1) * sizeof *ids)))
        return mx_fail(err, MX_ENOMEM, "no memory for the %ss of %llu rows", what,
                       (unsigned long long)rows);
    *out = ids;
    if (worker_npy_read_u32(file, 0, rows, below, what, ids, err))
        return -1;
    for (uint64_t i = 0; i < rows; i++)
        if (ids[i] >= *most)
            *most = ids[i] + 1;
    if (n < rows && (fewer = realloc(ids, ((size_t)n + 1) * sizeof *ids)))
        *out = fewer;
    return 0;
}

/* Heads are trained to tell two classes or more apart. */
static int check_classes(const struct worker_feature_split *train, const char *where,
                         struct mx_err *err)
{
    uint32_t i = 1;

    while (i < train->n && train->labels[i] == train->labels[0])
        i++;
    if (train->n < 2 || i < train->n)
        return 0;
    return mx_fail(err, MX_EDATA,
                   "%s_y.npy: the first %u rows are all of class %u: there is nothing to tell "
                   "apart: shuffle the rows, or raise data.train_limit",
                   where, train->n, train->labels[0]);
}

static int read_split(struct worker_features *f, const char *folder, enum worker_feature_part part,
                      bool grouped, uint64_t limit, uint64_t *rows_there, struct mx_err *err)
{
    struct worker_feature_split *split = &f->split[part];
    const char                  *name = worker_feature_parts[part];
    struct worker_npy           *x = open_file(folder, name, "x", err), *y = NULL, *g = NULL;
    char                         where[WORKER_PATH_SIZE + 8];
    uint64_t                     rows;
    uint32_t                     most = 0;
    int                          rc = -1;

    snprintf(where, sizeof where, "%s/%s", folder, name);
    if (!x || worker_npy_want(x, 2, (const uint64_t[]){any, f->dims}, err))
        goto done;
    rows = *rows_there = worker_npy_shape(x)->rows;
    if (rows >= UINT32_MAX) {
        mx_fail(err, MX_EDATA, "%s_x.npy has %llu rows, more than can be numbered: split it", where,
                (unsigned long long)rows);
        goto done;
    }
    if (rows == 0 && part != WORKER_FEATURES_VAL) {
        mx_fail(err, MX_EDATA, "%s_x.npy has no rows: there is nothing to %s", where,
                part == WORKER_FEATURES_TRAIN ? "train heads on" : "test them on");
        goto done;
    }
    split->n = (uint32_t)(limit > 0 && limit < rows ? limit : rows);
    if (!(y = open_file(folder, name, "y", err)) ||
        read_ids(y, rows, split->n, f->classes, "label", &split->labels, &most, err))
        goto done;
    if (part == WORKER_FEATURES_TRAIN && check_classes(split, where, err))
        goto done;
    if (grouped &&
        (!(g = open_file(folder, name, "g", err)) ||
         read_ids(g, rows, split->n, MAX_GROUPS, "group", &split->groups, &f->groups, err)))
        goto done;
    rc = read_x(f, split, x, where, err);
done:
    worker_npy_close(x);
    worker_npy_close(y);
    worker_npy_close(g);
    return rc;
}

struct worker_features *worker_features_read(const char *folder, enum worker_precision precision,
                                             uint64_t train_limit, uint64_t test_limit,
                                             struct mx_err *err)
{
    const uint64_t          limits[WORKER_FEATURE_PARTS] = {train_limit, 0, test_limit};
    struct worker_features *f = calloc(1, sizeof *f);
    uint64_t                rows[WORKER_FEATURE_PARTS];
    bool                    grouped = false;

    if (!f) {
        mx_fail(err, MX_ENOMEM, "no memory for the features in %s", folder);
        return NULL;
    }
    f->precision = precision;
    for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++)
        grouped |= has_groups(folder, p);
    if (read_head(f, folder, err) || check_head(f, folder, err))
        goto fail;
    for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++)
        if (read_split(f, folder, p, grouped, limits[p], &rows[p], err))
            goto fail;
    if (worker_feature_names_read(folder, rows[WORKER_FEATURES_TRAIN], f, err))
        goto fail;
    return f;
fail:
    worker_features_free(f);
    return NULL;
}

void worker_features_free(struct worker_features *features)
{
    if (!features)
        return;
    for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++) {
        free(features->split[p].x32);
        free(features->split[p].x64);
        free(features->split[p].labels);
        free(features->split[p].groups);
    }
    worker_feature_names_free(features);
    free(features->head_w);
    free(features->head_b);
    free(features);
}

size_t worker_features_bytes(const struct worker_features *features)
{
    const size_t number = features->precision == WORKER_F64 ? sizeof(double) : sizeof(float);
    size_t       bytes =
        ((size_t)features->classes * features->dims + features->classes) * sizeof(double);

    for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++) {
        const struct worker_feature_split *split = &features->split[p];

        bytes += split->n * (features->dims * number + sizeof *split->labels +
                             (split->groups ? sizeof *split->groups : 0));
    }
    return bytes;
}

int worker_features_fingerprint(const char *folder, uint64_t *fingerprint, struct mx_err *err)
{
    static const char *const names[] = {"train_x.npy", "train_y.npy", "train_g.npy", "val_x.npy",
                                        "val_y.npy",   "val_g.npy",   "test_x.npy",  "test_y.npy",
                                        "test_g.npy",  "head_w.npy",  "head_b.npy"};
    uint64_t                 facts[sizeof names / sizeof names[0]][2] = {{0}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = mx_path_join(folder, names[i]);
        bool  optional = strstr(names[i], "_g.") != NULL;
        int   failed;

        if (!path)
            return mx_fail(err, MX_ENOMEM, "no memory to look at %s", folder);
        failed = 0;
        if (mx_file_exists(path))
            failed = mx_hash_file(path, &facts[i][0], &facts[i][1], err);
        else if (!optional)
            failed = mx_fail(err, MX_EDATA,
                             "%s is not there; set data.path to the folder that holds "
                             "{train,val,test}_{x,y,g}.npy and head_{w,b}.npy",
                             path);
        free(path);
        if (failed)
            return -1;
    }
    *fingerprint = mx_hash64(facts, sizeof facts);
    return 0;
}
