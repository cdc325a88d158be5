#include "sweep/check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sweep/cross.h"
#include "sweep/estimate.h"
#include "sweep/walk.h"

static int warn_of_idle_rules(const struct mx_config *config, const struct mx_grid *grid,
                              struct mx_buf *messages, struct mx_err *err)
{
    bool *unmatched = calloc(config->nexcludes + 1, sizeof *unmatched);
    int   rc = -1;

    if (!unmatched)
        return mx_fail(err, MX_ENOMEM, "no memory to look at the exclude rules");
    if (mx_grid_unmatched_excludes(grid, unmatched, err) != 0)
        goto done;
    for (size_t i = 0; i < config->nexcludes; i++)
        if (unmatched[i])
            mx_buf_printf(messages, "%s:%u:%u: warning: this exclude rule matches no point\n",
                          config->file, config->excludes[i].line, config->excludes[i].column);
    rc = 0;
done:
    free(unmatched);
    return rc;
}

enum {
    FEWEST_MODELS = 3 /* that a fit over pairs takes */
};

/* How many trials there are, counted no further than to FEWEST_MODELS. */
static int count_few(const struct mx_config *config, const struct mx_grid *grid, uint64_t *trials,
                     struct mx_err *err)
{
    struct mx_walk *walk = mx_walk_new(grid, err);

    if (!walk)
        return -1;
    for (*trials = 0; *trials < FEWEST_MODELS && mx_walk_next(walk);)
        if (mx_walk_fate(walk) == MX_POINT_CELL)
            *trials += (uint64_t)config->base[KEY_REPEATS].integer;
    mx_walk_free(walk);
    return 0;
}

/* That trials may share networks is not looked at: a sweep that runs tells. */
static int warn_of_few_models(const struct mx_config *config, const struct mx_grid *grid,
                              struct mx_buf *messages, struct mx_err *err)
{
    uint64_t trials, models;

    if (!mx_cross_asked(config) || mx_grid_walked(grid) > MX_ESTIMATE_POINTS)
        return 0;
    if (count_few(config, grid, &trials, err))
        return -1;
    models = mx_cross_models(config, trials);
    if (models < FEWEST_MODELS)
        mx_buf_printf(messages,
                      "%s: warning: score.metrics: inter_model_map, _scorer and _self compare %d "
                      "models or more, _reference two, and here are %" PRIu64
                      ": columns stay empty (write repeats: %d, or more cells)\n",
                      config->file, FEWEST_MODELS, models > 0 ? models : trials, FEWEST_MODELS);
    return 0;
}

int mx_check_warnings(const struct mx_config *config, const struct mx_grid *grid,
                      struct mx_buf *messages, struct mx_err *err)
{
    if (warn_of_idle_rules(config, grid, messages, err) ||
        warn_of_few_models(config, grid, messages, err))
        return -1;
    return config->smoke ? 0 : mx_estimate_missing_data(config, grid, messages, err);
}

static int check_grid(const struct mx_config *config, const struct mx_grid *grid,
                      struct mx_buf *out, struct mx_buf *messages, struct mx_err *err)
{
    struct mx_counts counts;

    if (mx_check_warnings(config, grid, messages, err) ||
        mx_estimate_counts(config, grid, &counts, err))
        return -1;
    if (!counts.counted)
        mx_buf_printf(out, "%s: ok, %" PRIu64 " points, too many to count their cells\n",
                      config->file, counts.points);
    else if (counts.cells == 0)
        return mx_fail(err, MX_EINVAL, "%s: the exclude rules leave no cell", config->file);
    else
        mx_buf_printf(out, "%s: ok, %" PRIu64 " cell%s, %" PRIu64 " trial%s\n", config->file,
                      counts.cells, counts.cells == 1 ? "" : "s", counts.trials,
                      counts.trials == 1 ? "" : "s");
    return mx_buf_ok(out) ? 0 : mx_fail(err, MX_ENOMEM, "no memory for a line of text");
}

int mx_check(const char *file, const char *const *sets, size_t nsets, bool smoke,
             struct mx_buf *out, struct mx_buf *messages, struct mx_err *err)
{
    struct mx_config_report report = {0};
    struct mx_config       *config = mx_config_read(file, sets, nsets, smoke, &report, err);
    struct mx_grid         *grid = NULL;
    int                     rc = -1;

    mx_buf_text(messages, mx_buf_str(&report.text));
    mx_buf_free(&report.text);
    if (config && (grid = mx_grid_new(config, err)))
        rc = check_grid(config, grid, out, messages, err);
    mx_grid_free(grid);
    mx_config_free(config);
    return rc;
}
