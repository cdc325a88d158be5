#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/grid.h"
#include "sweep/outdir.h"
#include "sweep/walk.h"

/* The cells of a configuration as sorted ids. */
struct cells {
    uint64_t *ids;
    size_t    count, room;
};

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static int add(struct cells *cells, uint64_t id)
{
    size_t    room = cells->room ? 2 * cells->room : 1024;
    uint64_t *ids;

    if (cells->count == cells->room) {
        if (!(ids = realloc(cells->ids, room * sizeof ids[0])))
            return -1;
        cells->ids = ids;
        cells->room = room;
    }
    cells->ids[cells->count++] = id;
    return 0;
}

static int collect(const struct mx_config *config, struct cells *cells, struct mx_err *err)
{
    struct mx_grid *grid = mx_grid_new(config, err);
    struct mx_walk *walk = grid ? mx_walk_new(grid, err) : NULL;
    struct mx_buf   scratch = {0};
    int             rc = walk ? 0 : -1;

    while (rc == 0 && mx_walk_next(walk))
        if (mx_walk_fate(walk) == MX_POINT_CELL &&
            add(cells, mx_grid_cell(mx_walk_point(walk), &scratch)))
            rc = mx_fail(err, MX_ENOMEM, "no memory to compare %s", config->file);
    mx_walk_free(walk);
    if (rc == 0 && cells->count > 0)
        qsort(cells->ids, cells->count, sizeof cells->ids[0], by_id);
    mx_buf_free(&scratch);
    mx_grid_free(grid);
    return rc;
}

/* How many of the old ones the new ones lack. */
static size_t count_missing(const struct cells *old, const struct cells *new)
{
    size_t missing = 0, k = 0;

    for (size_t i = 0; i < old->count; i++) {
        while (k < new->count &&new->ids[k] < old->ids[i])
            k++;
        missing += k == new->count || new->ids[k] != old->ids[i];
    }
    return missing;
}

static void worsen(enum mx_edit *edit, enum mx_edit to)
{
    if (to > *edit)
        *edit = to;
}

enum {
    MOST_VALUES = 10000, /* of an axis, compared one by one; the cells tell the rest */
    SHOWN = 100          /* bytes of a value in a message */
};

static void values_text(const struct mx_axis_values *values, enum mx_key_id key, struct mx_buf *out)
{
    mx_buf_text(out, out->len > 0 ? " and [" : "[");
    for (uint64_t i = 0; i < values->count && i < MOST_VALUES; i++) {
        struct mx_value value = mx_axis_value(values, key, i);

        mx_buf_text(out, i > 0 ? ", " : "");
        mx_value_format(key, &value, out);
    }
    mx_buf_text(out, "]");
}

/* The values of a key as an axis, "[0.1, 0.2]", of several blocks one after the
 * other; "" where it is none. */
static void axis_text(const struct mx_config *config, enum mx_key_id key, struct mx_buf *out)
{
    for (size_t b = 0; b < config->nblocks; b++)
        for (size_t a = 0; a < config->blocks[b].naxes; a++) {
            const struct mx_axis *axis = &config->blocks[b].axes[a];

            for (size_t k = 0; k < axis->nkeys; k++)
                if (axis->keys[k] == key)
                    values_text(&axis->values[k], key, out);
        }
}

static void key_text(const struct mx_config *config, enum mx_key_id key, struct mx_buf *out)
{
    axis_text(config, key, out);
    if (out->len == 0)
        mx_value_format(key, &config->base[key], out);
    if (out->len == 0)
        mx_buf_text(out, "unset");
}

/* Append "KEY: was A, is B" if it differs. */
static bool compare_key(const struct mx_config *old, const struct mx_config *edited,
                        enum mx_key_id key, struct mx_buf *text)
{
    struct mx_buf was = {0}, is = {0};
    bool          differs;

    key_text(old, key, &was);
    key_text(edited, key, &is);
    differs = strcmp(mx_buf_str(&was), mx_buf_str(&is)) != 0;
    if (differs)
        mx_buf_printf(text, "%s: was %.*s%s, is %.*s%s\n", mx_keys[key].name, SHOWN,
                      mx_buf_str(&was), was.len > SHOWN ? "..." : "", SHOWN, mx_buf_str(&is),
                      is.len > SHOWN ? "..." : "");
    text->failed |= was.failed || is.failed;
    mx_buf_free(&was);
    mx_buf_free(&is);
    return differs;
}

/* What a key outside the cells does when it changes. */
static enum mx_edit weigh_key(const struct mx_config *old, const struct mx_config *edited,
                              enum mx_key_id key)
{
    switch ((int)key) {
    case KEY_SEED:
    case KEY_SEEDS:
        return MX_EDIT_INCOMPATIBLE;
    case KEY_SCHEDULE_DEVICE: /* stages of the other kind would all be done again */
        return MX_EDIT_INCOMPATIBLE;
    /* Trainings that were stopped by one rule are not to be compared by another. */
    case KEY_SCHEDULE_EARLY_STOP:
    case KEY_SCHEDULE_MIN_EPOCHS:
    case KEY_SCHEDULE_REDUCTION_FACTOR:
    case KEY_SCHEDULE_BRACKETS:
        return MX_EDIT_INCOMPATIBLE;
    case KEY_SEARCH_METRIC:
    case KEY_SEARCH_MODE:
        return old->base[KEY_SCHEDULE_EARLY_STOP].choice == MX_EARLY_STOP_NONE
                   ? MX_EDIT_HARMLESS
                   : MX_EDIT_INCOMPATIBLE;
    case KEY_REPEATS:
        return edited->base[key].integer > old->base[key].integer ? MX_EDIT_ADDS
                                                                  : MX_EDIT_INCOMPATIBLE;
    default:
        return MX_EDIT_HARMLESS;
    }
}

void mx_outdir_compare_keys(const struct mx_config *old, const struct mx_config *edited,
                            enum mx_edit *edit, struct mx_buf *text)
{
    for (int k = 0; k < KEY_COUNT; k++) {
        enum mx_key_id key = (enum mx_key_id)k;

        /* Where the file lies and what the sweep is called mean nothing to a trial. */
        if (key == KEY_NAME || key == KEY_DIRECTORY)
            continue;
        if (compare_key(old, edited, key, text))
            worsen(edit, weigh_key(old, edited, key));
    }
}

int mx_outdir_compare(const struct mx_config *old, const struct mx_config *edited,
                      enum mx_edit *edit, struct mx_buf *text, struct mx_err *err)
{
    struct cells before = {0}, after = {0};
    size_t       missing;
    int          rc = -1;

    *edit = MX_EDIT_NONE;
    mx_outdir_compare_keys(old, edited, edit, text);
    if (collect(old, &before, err) || collect(edited, &after, err))
        goto done;
    missing = count_missing(&before, &after);
    if (missing > 0) {
        worsen(edit, MX_EDIT_INCOMPATIBLE);
        mx_buf_printf(text, "%zu of the %zu cells that are there would be gone\n", missing,
                      before.count);
    } else if (after.count > before.count) {
        worsen(edit, MX_EDIT_ADDS);
        mx_buf_printf(text, "%zu cells are added to the %zu that are there\n",
                      after.count - before.count, before.count);
    }
    rc = mx_buf_ok(text) ? 0 : mx_fail(err, MX_ENOMEM, "no memory to compare %s", edited->file);
done:
    free(before.ids);
    free(after.ids);
    return rc;
}
