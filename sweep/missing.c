#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "sweep/estimate.h"
#include "sweep/walk.h"
#include "worker/dataset.h"
#include "worker/params.h"

enum {
    LOOKED_AT = 1000000, /* points, where the data is an axis */
    MAX_SETS = 64,       /* different ones that are remembered */
};

/* The sets and paths that were looked at. */
struct looked {
    uint64_t hashes[MAX_SETS];
    size_t   n;
};

static bool is_new(struct looked *looked, const struct worker_params *params)
{
    uint64_t hash = mx_hash64(params->data_path, strlen(params->data_path)) + params->data_set +
                    3 * mx_hash64(params->model_weights, strlen(params->model_weights));

    for (size_t i = 0; i < looked->n; i++)
        if (looked->hashes[i] == hash)
            return false;
    if (looked->n == MAX_SETS)
        return false;
    looked->hashes[looked->n++] = hash;
    return true;
}

static int look(const struct mx_config *config, const struct mx_grid *grid,
                const struct mx_point *point, struct looked *looked, struct mx_buf *out,
                struct mx_err *err)
{
    struct worker_params params;

    if (mx_grid_params(grid, point, &params, err))
        return -1;
    if (!is_new(looked, &params))
        return 0;
    if (*params.model_weights && !mx_file_exists(params.model_weights))
        mx_buf_printf(out, "%s: warning: model.weights: %s is not there\n", config->file,
                      params.model_weights);
    if (!point->used[KEY_DATA_PATH])
        return 0;
    if (!*params.data_path)
        mx_buf_printf(out, "%s: warning: data set %s has no known place; set data.path\n",
                      config->file, worker_data_sets[params.data_set].word);
    else if (!mx_file_exists(params.data_path))
        mx_buf_printf(out, "%s: warning: data set %s is not at %s; put it there or set data.path\n",
                      config->file, worker_data_sets[params.data_set].word, params.data_path);
    return 0;
}

/* True if no point can have other data than the one before. */
static bool one_set_only(const struct mx_grid *grid)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(grid, &keys);

    for (size_t i = 0; i < n; i++)
        if (keys[i] == KEY_DATA_SET || keys[i] == KEY_DATA_PATH || keys[i] == KEY_MODEL_WEIGHTS)
            return false;
    return true;
}

static bool data_moved(const struct mx_walk *walk)
{
    const enum mx_key_id *changed;

    for (size_t n = mx_walk_changed(walk, &changed); n-- > 0;)
        if (changed[n] == KEY_DATA_SET || changed[n] == KEY_DATA_PATH ||
            changed[n] == KEY_MODEL_WEIGHTS)
            return true;
    return false;
}

int mx_estimate_missing_data(const struct mx_config *config, const struct mx_grid *grid,
                             struct mx_buf *out, struct mx_err *err)
{
    uint64_t        left = one_set_only(grid) ? 1 : LOOKED_AT;
    struct mx_walk *walk = mx_walk_new(grid, err);
    struct looked   looked = {.n = 0};
    int             rc = walk ? 0 : -1;

    while (rc == 0 && left-- > 0 && mx_walk_next(walk))
        if (data_moved(walk))
            rc = look(config, grid, mx_walk_point(walk), &looked, out, err);
    mx_walk_free(walk);
    return rc;
}
