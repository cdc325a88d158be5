#include "sweep/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/walk.h"

enum {
    LOOKED_AT = 2000000, /* points */
    SEEN = 1024,         /* settings that are told apart; most of them are only counted */
};

/* What a point has on the axes. */
struct place {
    struct mx_value value[MX_PREVIEW_AXES];
    bool            used[MX_PREVIEW_AXES];
};

struct finder {
    const struct mx_grid *grid;
    enum mx_key_id        keys[MX_PREVIEW_AXES];
    size_t                nkeys;
    struct place          seen[SEEN];
    size_t                nseen;
};

static void choose_axes(struct finder *finder)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(finder->grid, &keys);

    for (size_t k = 0; k < n && finder->nkeys < MX_PREVIEW_AXES; k++)
        if (mx_keys[keys[k]].section == MX_SECTION_MIX)
            finder->keys[finder->nkeys++] = keys[k];
}

/* Remember the place of a point; false if it was there before. */
static bool is_new(struct finder *finder, const struct mx_point *point)
{
    struct place place = {.used = {false}};

    for (size_t k = 0; k < finder->nkeys; k++) {
        place.used[k] = point->used[finder->keys[k]];
        place.value[k] = point->value[finder->keys[k]];
    }
    for (size_t s = 0; s < finder->nseen; s++) {
        bool same = true;

        for (size_t k = 0; k < finder->nkeys; k++)
            same &= finder->seen[s].used[k] == place.used[k] &&
                    (!place.used[k] ||
                     mx_value_equal(finder->keys[k], &finder->seen[s].value[k], &place.value[k]));
        if (same)
            return false;
    }
    if (finder->nseen == SEEN)
        return false;
    finder->seen[finder->nseen++] = place;
    return true;
}

/* "alpha 0.2", for an axis other than the strategy; lists with blanks, where lines may end. */
static void name_axis(const struct mx_point *point, enum mx_key_id key, struct mx_buf *out)
{
    struct mx_buf value = {0};

    if (key == KEY_MIX_STRATEGY || !point->used[key])
        return;
    mx_buf_printf(out, "%s%s ", out->len > 0 ? ", " : "", strchr(mx_keys[key].name, '.') + 1);
    mx_value_format(key, &point->value[key], &value);
    for (const char *at = mx_buf_str(&value); *at; at++)
        mx_buf_printf(out, "%c%s", *at, *at == ',' ? " " : "");
    mx_buf_free(&value);
}

static int take(const struct finder *finder, const struct mx_point *point,
                struct mx_preview_setting *setting, struct mx_err *err)
{
    struct mx_buf text = {0};

    if (mx_grid_params(finder->grid, point, &setting->params, err))
        return -1;
    setting->has_alpha = point->used[KEY_MIX_ALPHA];
    snprintf(setting->title, sizeof setting->title, "%s",
             worker_strategies[setting->params.mix_strategy].word);
    for (size_t k = 0; k < finder->nkeys; k++) {
        name_axis(point, finder->keys[k], &text);
        if (!point->used[finder->keys[k]])
            continue;
        setting->keys[setting->naxes] = finder->keys[k];
        setting->values[setting->naxes++] = point->value[finder->keys[k]];
    }
    snprintf(setting->below, sizeof setting->below, "%s", mx_buf_str(&text));
    mx_buf_free(&text);
    return 0;
}

/* A new setting is kept, or counted where there is no room. */
static int meet(struct finder *finder, const struct mx_point *point,
                struct mx_preview_settings *settings, struct mx_err *err)
{
    if (!is_new(finder, point))
        return 0;
    if (settings->n == MX_PREVIEW_SETTINGS) {
        settings->left_out++;
        return 0;
    }
    if (take(finder, point, &settings->setting[settings->n], err))
        return -1;
    settings->n++;
    return 0;
}

int mx_preview_settings_find(const struct mx_grid *grid, struct mx_preview_settings *settings,
                             struct mx_err *err)
{
    struct finder  *finder = calloc(1, sizeof *finder);
    struct mx_walk *walk = mx_walk_new(grid, err);
    uint64_t        left = LOOKED_AT;
    int             rc = walk ? 0 : -1;

    *settings = (struct mx_preview_settings){0};
    settings->setting = calloc(MX_PREVIEW_SETTINGS, sizeof *settings->setting);
    if (rc == 0 && (!finder || !settings->setting))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the settings of a preview");
    if (rc == 0) {
        finder->grid = grid;
        choose_axes(finder);
    }
    while (rc == 0 && left-- > 0 && mx_walk_next(walk))
        if (mx_walk_fate(walk) == MX_POINT_CELL)
            rc = meet(finder, mx_walk_point(walk), settings, err);
    settings->cut = mx_grid_count(grid) > LOOKED_AT;
    if (rc == 0 && settings->n == 0)
        rc = mx_fail(err, MX_EINVAL, "the exclude rules leave no cell");
    mx_walk_free(walk);
    free(finder);
    if (rc)
        mx_preview_settings_free(settings);
    return rc;
}

void mx_preview_settings_free(struct mx_preview_settings *settings)
{
    free(settings->setting);
    *settings = (struct mx_preview_settings){0};
}

void mx_preview_example_free(struct mx_preview_example *example)
{
    free(example->image);
    free(example->shares);
    *example = (struct mx_preview_example){0};
}
