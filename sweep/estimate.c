#include "sweep/estimate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/axis.h"
#include "sweep/cost.h"
#include "sweep/cost_cross.h"
#include "sweep/cross.h"
#include "sweep/distinct.h"
#include "sweep/lines.h"
#include "sweep/same_ids.h"
#include "sweep/stages.h"
#include "sweep/walk.h"
#include "sweep/words.h"

/* Stages are told apart by sums of hashes, one a used key, that change by the
 * keys that move: the same distinctions as the stage keys of a plan make, with
 * data.path standing for the data, at a hundredth of the cost. */
struct tally {
    uint64_t            key[KEY_COUNT]; /* hash of a used key's line, 0 if it has none */
    uint64_t            section[MX_SECTIONS];
    uint64_t            cost_of[KEY_COUNT]; /* what each says about the cost of a training */
    uint64_t            cost;               /* their sum */
    struct mx_distinct *distinct[WORKER_STAGE_KINDS]; /* of one repeat */
    uint64_t            uses[WORKER_STAGE_KINDS];
    bool                holdout;

    struct mx_cross_count cross;
};

static void tally_free(struct tally *tally)
{
    for (size_t k = 0; k < WORKER_STAGE_KINDS; k++)
        mx_distinct_free(tally->distinct[k]);
    free(tally);
}

static struct tally *tally_new(struct mx_err *err)
{
    struct tally *tally = calloc(1, sizeof *tally);

    if (!tally) {
        mx_fail(err, MX_ENOMEM, "no memory to count stages");
        return NULL;
    }
    for (size_t k = 0; k < mx_stage_nkinds; k++)
        if (!(tally->distinct[k] = mx_distinct_new(MX_DISTINCT_EXACT, err))) {
            tally_free(tally);
            return NULL;
        }
    return tally;
}

/* What a value says about the cost of a training; 0: nothing. Of some only
 * matters whether they are 0. */
static uint64_t cost_hash(enum mx_key_id key, const struct mx_value *value, uint64_t hash)
{
    enum mx_section section = mx_keys[key].section;

    if (section == MX_SECTION_DATA || section == MX_SECTION_MODEL || key == KEY_TRAIN_EPOCHS ||
        key == KEY_TRAIN_BATCH_SIZE || key == KEY_TRAIN_OPTIMIZER || key == KEY_MIX_STRATEGY ||
        key == KEY_MIX_CHOICES || key == KEY_MIX_LAYERS)
        return hash;
    if ((key == KEY_TRAIN_EMA || key == KEY_TRAIN_MOMENTUM) && hash && value->real > 0)
        return mx_mix64(key);
    return 0;
}

static void tally_move(struct tally *tally, const struct mx_walk *walk)
{
    const struct mx_point *point = mx_walk_point(walk);
    const enum mx_key_id  *changed;

    for (size_t n = mx_walk_changed(walk, &changed); n-- > 0;) {
        enum mx_key_id         key = changed[n];
        const struct mx_value *value = &point->value[key];
        uint64_t               hash = 0;

        if (point->used[key] && mx_value_given(key, value))
            hash = mx_value_hash(key, value);
        tally->section[mx_keys[key].section] += hash - tally->key[key];
        tally->key[key] = hash;
        hash = cost_hash(key, value, hash);
        tally->cost += hash - tally->cost_of[key];
        tally->cost_of[key] = hash;
    }
}

/* Hash of everything that tells this stage of the present point from others. */
static uint64_t stage_hash(const struct tally *tally, const struct mx_point *point, size_t k,
                           const uint64_t inputs[WORKER_STAGE_KINDS])
{
    const struct mx_stage_kind *kind = &mx_stage_kinds[k];
    uint64_t                    sum = 0;

    for (unsigned s = 0; s < MX_SECTIONS; s++)
        if (kind->sections >> s & 1u)
            sum += tally->section[s];
    for (const struct mx_condition *other = kind->others; other->words != 0; other++)
        if (mx_key_sweepable(other->key) && mx_condition_holds(other, &point->value[other->key]))
            sum += mx_value_hash(other->key, &point->value[other->key]);
    for (size_t i = 0; i < k; i++)
        if (kind->inputs >> mx_stage_kinds[i].kind & 1u)
            sum += inputs[i];
    return mx_mix64(sum + k + 1);
}

/* The network of a cell meets others; `fresh`: certainly a new one. What mx_cross_group()
 * adds up is here already. */
static int tally_cross(struct tally *tally, const struct mx_point *point, struct mx_costs *costs,
                       bool fresh, struct mx_err *err)
{
    const uint64_t training = tally->key[KEY_DATA_TRAIN_LIMIT] + tally->key[KEY_DATA_VAL_FRACTION] +
                              tally->key[KEY_DATA_AUGMENT];

    if (!tally->cross.asked)
        return 0;
    mx_cross_count_take(&tally->cross, tally->section[MX_SECTION_DATA] - training, fresh);
    return fresh && costs ? mx_costs_take(costs, WORKER_STAGE_SCORER, point, tally->cost, true, err)
                          : 0;
}

/* Take the stages of a cell. */
static int tally_cell(struct tally *tally, const struct mx_point *point, struct mx_costs *costs,
                      struct mx_err *err)
{
    uint64_t hashes[WORKER_STAGE_KINDS] = {0};

    tally->holdout |= point->value[KEY_HEAD_AFR_SPLIT].choice == WORKER_AFR_SPLIT_HOLDOUT;
    for (size_t k = 0; k < mx_stage_nkinds; k++) {
        int fresh;

        if (!mx_stage_kinds[k].planned(point))
            continue;
        hashes[k] = stage_hash(tally, point, k, hashes);
        tally->uses[k]++;
        if ((fresh = mx_distinct_add(tally->distinct[k], hashes[k], err)) < 0)
            return -1;
        if (costs &&
            mx_costs_take(costs, mx_stage_kinds[k].kind, point, tally->cost, fresh > 0, err))
            return -1;
        if (mx_stage_kinds[k].kind == WORKER_STAGE_TRAIN &&
            tally_cross(tally, point, costs, fresh > 0, err))
            return -1;
    }
    return 0;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* Walk through the grid. tally and costs may be NULL. */
static int count(const struct mx_config *config, const struct mx_grid *grid, struct tally *tally,
                 struct mx_costs *costs, struct mx_counts *counts, struct mx_err *err)
{
    struct mx_walk *walk;

    *counts = (struct mx_counts){.points = mx_grid_count(grid)};
    if (mx_same_ids_check(grid, err))
        return -1;
    if (mx_grid_walked(grid) > MX_ESTIMATE_POINTS)
        return 0;
    if (!(walk = mx_walk_new(grid, err)))
        return -1;
    while (mx_walk_next(walk)) {
        enum mx_point_fate fate = mx_walk_fate(walk);

        counts->cells += fate == MX_POINT_CELL;
        counts->excluded += fate == MX_POINT_EXCLUDED;
        counts->folded += fate == MX_POINT_FOLDED;
        if (tally)
            tally_move(tally, walk);
        if (tally && fate == MX_POINT_CELL && tally_cell(tally, mx_walk_point(walk), costs, err)) {
            mx_walk_free(walk);
            return -1;
        }
    }
    mx_walk_free(walk);
    counts->counted = true;
    counts->not_chosen = mx_grid_searched(grid) ? counts->points - counts->cells : 0;
    counts->trials = times(counts->cells, (uint64_t)config->base[KEY_REPEATS].integer);
    return 0;
}

int mx_estimate_counts(const struct mx_config *config, const struct mx_grid *grid,
                       struct mx_counts *counts, struct mx_err *err)
{
    return count(config, grid, NULL, NULL, counts, err);
}

/* Repeats have streams of their own, hence stages of their own. An estimate of
 * the stages can be larger than their uses, which are exact. */
static void fill_kinds(const struct tally *tally, uint64_t repeats, struct mx_estimate *estimate)
{
    estimate->holdout = tally->holdout;
    for (size_t k = 0; k < mx_stage_nkinds; k++) {
        uint64_t planned = mx_distinct_count(tally->distinct[k]), uses = tally->uses[k];

        estimate->kinds[mx_stage_kinds[k].kind] = (struct mx_kind_counts){
            .planned = times(planned < uses ? planned : uses, repeats),
            .uses = times(uses, repeats),
            .estimated = mx_distinct_estimated(tally->distinct[k]),
        };
    }
}

int mx_estimate(const struct mx_config *config, const struct mx_grid *grid, unsigned workers,
                struct mx_estimate *estimate, struct mx_err *err)
{
    struct tally    *tally = tally_new(err);
    struct mx_costs *costs = tally ? mx_costs_new(config, grid, err) : NULL;
    int              rc = -1;

    *estimate = (struct mx_estimate){.timed = false};
    if (tally)
        tally->cross.asked = mx_cross_asked(config);
    if (costs && !count(config, grid, tally, costs, &estimate->counts, err)) {
        fill_kinds(tally, (uint64_t)config->base[KEY_REPEATS].integer, estimate);
        mx_cross_count_fill(&tally->cross, config, estimate);
        mx_costs_fill(costs, workers, estimate);
        rc = 0;
    }
    mx_costs_free(costs);
    if (tally)
        tally_free(tally);
    return rc;
}
