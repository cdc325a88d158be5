#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "sweep/cross.h"
#include "sweep/downloads.h"
#include "sweep/estimate.h"
#include "sweep/walk.h"
#include "worker/annotations.h"
#include "worker/dataset.h"
#include "worker/map_scores.h"
#include "worker/params.h"
#include "worker/segments.h"

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
    char        room[WORKER_PATH_SIZE];
    const char *place = worker_dataset_place(params, room);
    uint64_t    hash = mx_hash64(place, strlen(place)) + params->data_set +
                    3 * mx_hash64(params->model_weights, strlen(params->model_weights));

    for (size_t i = 0; i < looked->n; i++)
        if (looked->hashes[i] == hash)
            return false;
    if (looked->n == MAX_SETS)
        return false;
    looked->hashes[looked->n++] = hash;
    return true;
}

/* A set that lies nowhere, or not there. */
static void tell_missing(const struct mx_config *config, unsigned set, const char *path,
                         struct mx_buf *out)
{
    const char               *word = worker_data_sets[set].word;
    const struct mx_download *download = mx_download_find(word, NULL);
    struct mx_buf             look = {0};

    worker_dataset_look_path(set, &look);
    if (!*path && !download) {
        mx_buf_printf(out, "%s: warning: data set %s has no known place; set data.path\n",
                      config->file, word);
    } else if (!*path && look.len == 0) {
        mx_buf_printf(out,
                      "%s: warning: there is no home directory to look for data set %s in; set "
                      "data.path\n",
                      config->file, word);
    } else if (!mx_file_exists(*path ? path : mx_buf_str(&look))) {
        mx_buf_printf(out, "%s: warning: data set %s is not at %s; ", config->file, word,
                      *path ? path : mx_buf_str(&look));
        if (!download || (*path && strcmp(path, mx_buf_str(&look)) != 0))
            mx_buf_text(out, "put it there or set data.path\n");
        else
            mx_buf_printf(out, "`mixsweep data fetch %s` %s, or set data.path\n", word,
                          download->by_hand ? "tells where to get it" : "gets it");
    }
    mx_buf_free(&look);
}

/* What scores compare maps or channels with, where the images are there and that is not. */
static void tell_marks(const struct mx_config *config, const struct worker_params *params,
                       struct mx_buf *out)
{
    const uint64_t concepts = worker_scores_that_are(WORKER_SCORE_SEGMENTS);
    const char    *word = worker_data_sets[params->data_set].word;
    char           place[WORKER_PATH_SIZE];

    worker_dataset_place(params, place);
    if (!mx_file_exists(place))
        return;
    if (params->score_metrics & worker_scores_that_are(WORKER_SCORE_MARKS) &&
        !worker_annotations_there(params))
        mx_buf_printf(out,
                      "%s: warning: score.metrics asks how maps agree with boxes and masks, and "
                      "data set %s has neither at %s\n",
                      config->file, word, place);
    if (params->score_metrics & concepts && !worker_segments_there(params))
        mx_buf_printf(out,
                      "%s: warning: score.metrics asks which concepts channels tell, and data set "
                      "%s has no %s/segments/names.csv\n",
                      config->file, word, place);
}

/* The outside scorer of a comparison of models. */
static int look_for_reference(const struct mx_config *config, const struct mx_grid *grid,
                              struct mx_buf *out, struct mx_err *err)
{
    struct worker_params params;
    struct mx_point      point;

    if (!mx_cross_asked(config) || mx_cross_outside(config) != MX_OUTSIDE_FILE)
        return 0;
    mx_grid_point(grid, 0, &point);
    mx_cross_alter(grid, MX_STAGE_OF_OUTSIDE, &point);
    if (mx_grid_params(grid, &point, &params, err))
        return -1;
    if (!mx_file_exists(params.model_weights))
        mx_buf_printf(out, "%s: warning: score.inter_model.reference: %s is not there\n",
                      config->file, params.model_weights);
    return 0;
}

static int look(const struct mx_config *config, const struct mx_grid *grid,
                const struct mx_point *point, struct looked *looked, struct mx_buf *out,
                struct mx_err *err)
{
    struct worker_params params;
    unsigned             sets[WORKER_DATASET_SOURCES];
    const char          *paths[WORKER_DATASET_SOURCES];

    if (mx_grid_params(grid, point, &params, err))
        return -1;
    if (!is_new(looked, &params))
        return 0;
    if (*params.model_weights && !mx_file_exists(params.model_weights))
        mx_buf_printf(out, "%s: warning: model.weights: %s is not there\n", config->file,
                      params.model_weights);
    if (point->used[KEY_DATA_PATH])
        for (unsigned k = 0, n = worker_dataset_sources(&params, sets, paths); k < n; k++)
            tell_missing(config, sets[k], paths[k], out);
    tell_marks(config, &params, out);
    return 0;
}

static bool names_files(enum mx_key_id key)
{
    return key == KEY_DATA_SET || key == KEY_DATA_PATH || key == KEY_MODEL_WEIGHTS ||
           (key >= KEY_DATA_DOMINOES_TOP && key <= KEY_DATA_DOMINOES_BOTTOM_PATH);
}

/* True if no point can have other data than the one before. */
static bool one_set_only(const struct mx_grid *grid)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(grid, &keys);

    for (size_t i = 0; i < n; i++)
        if (names_files(keys[i]))
            return false;
    return true;
}

static bool data_moved(const struct mx_walk *walk)
{
    const enum mx_key_id *changed;

    for (size_t n = mx_walk_changed(walk, &changed); n-- > 0;)
        if (names_files(changed[n]))
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
    return rc == 0 ? look_for_reference(config, grid, out, err) : rc;
}
