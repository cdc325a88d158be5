#include "sweep/same_ids.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "sweep/lines.h"
#include "sweep/plan_index.h"
#include "sweep/walk.h"

enum {
    LOOKED_AT = 1000000
};

/* "number 12 (mix.strategy=cutmix mix.alpha=0.2)" */
static void describe(const struct mx_grid *grid, uint64_t number, struct mx_buf *out)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(grid, &keys);
    const char           *space = "";
    struct mx_point       point;

    mx_grid_point(grid, number, &point);
    mx_buf_printf(out, "number %" PRIu64 " (", number);
    for (size_t i = 0; i < n; i++)
        if (point.used[keys[i]]) {
            mx_buf_printf(out, "%s%s=", space, mx_keys[keys[i]].name);
            mx_value_format(keys[i], &point.value[keys[i]], out);
            space = " ";
        }
    mx_buf_text(out, ")");
}

int mx_same_id(const struct mx_grid *grid, uint64_t first, uint64_t second, uint64_t id,
               struct mx_err *err)
{
    struct mx_buf both = {0};
    char          hex[MX_HASH64_HEX];

    describe(grid, first, &both);
    mx_buf_text(&both, " and ");
    describe(grid, second, &both);
    mx_fail(err, MX_EINVAL,
            "two different cells have the id %s: %s; data.path is no part of an id, so cells must "
            "differ in another key",
            mx_hash64_hex(id, hex), mx_buf_str(&both));
    mx_buf_free(&both);
    return -1;
}

/* Cells met so far. */
struct met {
    struct cell {
        uint64_t id, number;
    } * cells;
    size_t               room;
    uint32_t             n;
    struct mx_plan_index index;
};

static struct mx_hash128 key_of(const void *user, uint32_t i)
{
    const struct met *met = user;

    return (struct mx_hash128){0, met->cells[i].id};
}

static int meet(struct met *met, const struct mx_grid *grid, uint64_t id, uint64_t number,
                struct mx_err *err)
{
    uint32_t earlier;

    if (mx_plan_index_find(&met->index, (struct mx_hash128){0, id}, &earlier))
        return mx_same_id(grid, met->cells[earlier].number, number, id, err);
    if (met->n == met->room) {
        size_t       room = met->room ? 2 * met->room : 64;
        struct cell *cells = realloc(met->cells, room * sizeof *cells);

        if (!cells)
            return mx_fail(err, MX_ENOMEM, "no memory to compare the ids of cells");
        met->cells = cells;
        met->room = room;
    }
    met->cells[met->n] = (struct cell){id, number};
    return mx_plan_index_add(&met->index, met->n++, err);
}

static bool is_axis(const struct mx_grid *grid, enum mx_key_id key)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(grid, &keys);

    while (n > 0 && keys[n - 1] != key)
        n--;
    return n > 0;
}

int mx_same_ids_check(const struct mx_grid *grid, struct mx_err *err)
{
    struct met       met = {.index = {.key_of = key_of, .user = &met}};
    struct mx_walk  *walk;
    struct mx_lines *lines;
    struct mx_buf    scratch = {0};
    int              rc;

    if (!is_axis(grid, KEY_DATA_PATH))
        return 0;
    walk = mx_walk_new(grid, err);
    lines = mx_lines_new(err);
    rc = walk && lines ? 0 : -1;
    for (uint32_t left = LOOKED_AT; rc == 0 && left > 0 && mx_walk_next(walk); left--)
        if (mx_walk_fate(walk) == MX_POINT_CELL)
            rc = meet(&met, grid, mx_lines_cell(lines, mx_walk_point(walk), &scratch),
                      mx_walk_number(walk), err);
    mx_walk_free(walk);
    mx_lines_free(lines);
    mx_buf_free(&scratch);
    mx_plan_index_free(&met.index);
    free(met.cells);
    return rc;
}
