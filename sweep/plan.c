#include "sweep/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/cross.h"
#include "sweep/lines.h"
#include "sweep/plan_early.h"
#include "sweep/plan_index.h"
#include "sweep/same_ids.h"
#include "sweep/stages.h"
#include "sweep/walk.h"
#include "worker/map_scores.h"
#include "worker/params.h"

enum {
    MAX_TRIALS = 10000000,
};

/* What building needs besides the plan itself. */
struct builder {
    struct mx_plan         *plan;
    const struct mx_config *config;
    mx_fingerprint_fn      *fingerprint_of;
    void                   *user;
    struct mx_walk         *walk;
    struct mx_lines        *lines;
    struct mx_stage_streams streams;
    uint32_t                repeats;
    bool                    data_moved; /* the fingerprint is not of the present point */
    uint64_t                fingerprint;
    struct mx_buf           scratch;
    struct mx_buf           text[WORKER_STAGE_KINDS]; /* of the present cell; empty: not planned */
    struct mx_plan_index    cells, stages;            /* of first trials; of stages */
    size_t                  trials_room, stages_room, stage_of_room, inputs_room;
    uint32_t                nstage_of, ninputs;
};

/* Room for one more item behind `count`. Returns the array, perhaps moved, or
 * NULL, and then the old one is as before. */
static void *grow(void *array, size_t count, size_t size, size_t *room, struct mx_err *err)
{
    size_t want = *room ? 2 * *room : 64;
    void  *bigger;

    if (count < *room)
        return array;
    if (!(bigger = realloc(array, want * size))) {
        mx_fail(err, MX_ENOMEM, "no memory for a plan of %zu entries", want);
        return NULL;
    }
    *room = want;
    return bigger;
}

/* grow() on a member of the plan; false if there is no memory. */
#define GROW(array, count, room, err)                                                              \
    ((grown = grow((array), (count), sizeof *(array), (room), (err))) != NULL)

static struct mx_hash128 cell_key(const void *user, uint32_t trial)
{
    const struct mx_plan *plan = user;

    return (struct mx_hash128){0, plan->trials[trial].cell};
}

static struct mx_hash128 stage_key(const void *user, uint32_t stage)
{
    const struct mx_plan *plan = user;

    return plan->stages[stage].key;
}

/* Find or add a stage; its number in *stage. */
static int take_stage(struct builder *b, const struct mx_stage_kind *kind, struct mx_hash128 key,
                      uint32_t repeat, const uint32_t *inputs, uint32_t ninputs, uint32_t *stage,
                      struct mx_err *err)
{
    struct mx_plan *plan = b->plan;
    void           *grown;

    if (mx_plan_index_find(&b->stages, key, stage)) {
        plan->stages[*stage].nuses++;
        return 0;
    }
    if (!GROW(plan->stages, plan->nstages, &b->stages_room, err))
        return -1;
    plan->stages = grown;
    plan->stages[plan->nstages] = (struct mx_stage){.key = key,
                                                    .kind = kind->kind,
                                                    .first_trial = plan->ntrials,
                                                    .repeat = repeat,
                                                    .nuses = 1,
                                                    .first_input = b->ninputs,
                                                    .ninputs = ninputs};
    for (uint32_t i = 0; i < ninputs; i++) {
        if (!GROW(plan->inputs, b->ninputs, &b->inputs_room, err))
            return -1;
        plan->inputs = grown;
        plan->inputs[b->ninputs++] = inputs[i];
    }
    *stage = plan->nstages++;
    return mx_plan_index_add(&b->stages, *stage, err);
}

/* The stages of the present trial that come before one of this kind. */
static uint32_t find_inputs(const struct mx_plan *plan, const struct mx_stage_kind *kind,
                            const uint32_t *stages, uint32_t n, uint32_t *inputs,
                            struct mx_hash128 *keys)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++)
        if (kind->inputs >> plan->stages[stages[i]].kind & 1u) {
            inputs[found] = stages[i];
            keys[found++] = plan->stages[stages[i]].key;
        }
    return found;
}

static int add_trial(struct builder *b, uint64_t cell, uint32_t repeat, struct mx_err *err)
{
    struct mx_plan   *plan = b->plan;
    struct mx_trial   trial = {mx_walk_number(b->walk), cell, repeat, b->nstage_of, 0};
    uint32_t          stages[WORKER_STAGE_KINDS], inputs[WORKER_STAGE_KINDS];
    struct mx_hash128 keys[WORKER_STAGE_KINDS];
    void             *grown;

    if (plan->ntrials == MAX_TRIALS)
        return mx_fail(err, MX_ERANGE,
                       "the plan has more than %d trials; use fewer values or repeats", MAX_TRIALS);
    for (size_t k = 0; k < mx_stage_nkinds; k++) {
        const struct mx_stage_kind *kind = &mx_stage_kinds[k];
        uint32_t                    ninputs;

        if (b->text[k].len == 0)
            continue;
        ninputs = find_inputs(plan, kind, stages, trial.nstages, inputs, keys);
        if (take_stage(b, kind, mx_stage_key(&b->text[k], repeat, keys, ninputs), repeat, inputs,
                       ninputs, &stages[trial.nstages], err) ||
            !GROW(plan->stage_of, b->nstage_of, &b->stage_of_room, err))
            return -1;
        plan->stage_of = grown;
        plan->stage_of[b->nstage_of++] = stages[trial.nstages++];
    }
    if (!GROW(plan->trials, plan->ntrials, &b->trials_room, err))
        return -1;
    plan->trials = grown;
    plan->trials[plan->ntrials++] = trial;
    return 0;
}

static int read_fingerprint(struct builder *b, struct mx_err *err)
{
    struct worker_params params;

    if (!b->data_moved)
        return 0;
    if (mx_grid_params(b->plan->grid, mx_walk_point(b->walk), &params, err))
        return -1;
    params.head_hsfm_support_indices[0] = '\0'; /* a head's alone */
    params.score_metrics = 0;                   /* those of scores alone */
    if (b->fingerprint_of(b->user, &params, &b->fingerprint, err))
        return -1;
    b->data_moved = false;
    return 0;
}

/* A head may read a file more, and scores what people marked. */
static bool reads_more(const struct mx_point *point, enum worker_kind kind)
{
    const enum mx_key_id rows = KEY_HEAD_HSFM_SUPPORT_INDICES;

    if (kind == WORKER_STAGE_HEAD)
        return point->used[rows] && mx_value_given(rows, &point->value[rows]);
    return kind == WORKER_STAGE_SCORES &&
           mx_scores_asked(&point->value[KEY_SCORE_METRICS]) &
               worker_scores_that_are(WORKER_SCORE_MARKS | WORKER_SCORE_SEGMENTS);
}

static int kind_fingerprint(struct builder *b, enum worker_kind kind, uint64_t *fingerprint,
                            struct mx_err *err)
{
    const struct mx_point *point = mx_walk_point(b->walk);
    struct worker_params   params;

    *fingerprint = b->fingerprint;
    if (!reads_more(point, kind))
        return 0;
    if (mx_grid_params(b->plan->grid, point, &params, err))
        return -1;
    if (kind == WORKER_STAGE_HEAD)
        params.score_metrics = 0;
    else
        params.head_hsfm_support_indices[0] = '\0';
    return b->fingerprint_of(b->user, &params, fingerprint, err);
}

/* What the keys of the present cell's stages are made of, but for repeats and inputs. */
static int write_texts(struct builder *b, struct mx_err *err)
{
    for (size_t k = 0; k < mx_stage_nkinds; k++) {
        const struct mx_stage_kind *kind = &mx_stage_kinds[k];
        uint64_t                    fingerprint;

        mx_buf_clear(&b->text[k]);
        if (!kind->planned(mx_walk_point(b->walk)))
            continue;
        if (kind_fingerprint(b, kind->kind, &fingerprint, err))
            return -1;
        mx_stage_text(kind, mx_walk_point(b->walk), &b->streams, fingerprint, b->lines,
                      &b->text[k]);
        if (!mx_buf_ok(&b->text[k]))
            return mx_fail(err, MX_ENOMEM, "no memory for the text of a stage");
    }
    return 0;
}

static int add_cell(struct builder *b, struct mx_err *err)
{
    const struct mx_point *point = mx_walk_point(b->walk);
    uint64_t               cell = mx_lines_cell(b->lines, point, &b->scratch);
    uint32_t               trial;

    if (!mx_buf_ok(&b->scratch))
        return mx_fail(err, MX_ENOMEM, "no memory for the text of a cell");
    if (mx_plan_index_find(&b->cells, (struct mx_hash128){0, cell}, &trial))
        return mx_same_id(b->plan->grid, b->plan->trials[trial].point, mx_walk_number(b->walk),
                          cell, err);
    if (read_fingerprint(b, err) || write_texts(b, err))
        return -1;
    trial = b->plan->ntrials;
    for (uint32_t r = 0; r < b->repeats; r++)
        if (add_trial(b, cell, r, err))
            return -1;
    b->plan->cells++;
    return mx_plan_index_add(&b->cells, trial, err);
}

static int build(struct builder *b, struct mx_err *err)
{
    const enum mx_key_id *changed;

    while (mx_walk_next(b->walk)) {
        for (size_t n = mx_walk_changed(b->walk, &changed); n-- > 0;)
            b->data_moved |=
                mx_keys[changed[n]].section == MX_SECTION_DATA || changed[n] == KEY_MODEL_WEIGHTS;
        switch (mx_walk_fate(b->walk)) {
        case MX_POINT_CELL:
            if (add_cell(b, err))
                return -1;
            break;
        case MX_POINT_EXCLUDED:
            b->plan->excluded++;
            break;
        case MX_POINT_FOLDED:
            b->plan->folded++;
            break;
        }
    }
    if (b->plan->cells == 0)
        return mx_fail(err, MX_EINVAL,
                       "no cell is left: exclude rules match all %" PRIu64 " points",
                       b->plan->points);
    return 0;
}

static void builder_free(struct builder *b)
{
    mx_walk_free(b->walk);
    mx_lines_free(b->lines);
    mx_buf_free(&b->scratch);
    for (size_t k = 0; k < WORKER_STAGE_KINDS; k++)
        mx_buf_free(&b->text[k]);
    mx_plan_index_free(&b->cells);
    mx_plan_index_free(&b->stages);
}

uint64_t mx_fingerprint_add(uint64_t fingerprint, uint64_t file)
{
    const uint64_t both[] = {fingerprint, file};

    return mx_hash64(both, sizeof both);
}

struct mx_plan *mx_plan_new(const struct mx_config *config, const struct mx_grid *grid,
                            mx_fingerprint_fn *fingerprint, void *user, struct mx_err *err)
{
    struct mx_plan *plan = calloc(1, sizeof *plan);
    struct builder  b = {.plan = plan,
                         .config = config,
                         .fingerprint_of = fingerprint,
                         .user = user,
                         .streams = mx_stage_streams(config),
                         .repeats = (uint32_t)config->base[KEY_REPEATS].integer,
                         .data_moved = true,
                         .cells = {.key_of = cell_key, .user = plan},
                         .stages = {.key_of = stage_key, .user = plan}};

    if (!plan) {
        mx_fail(err, MX_ENOMEM, "no memory for a plan");
        return NULL;
    }
    plan->grid = grid;
    plan->points = mx_grid_count(grid);
    if (mx_grid_walked(grid) > MAX_TRIALS) {
        mx_fail(err, MX_ERANGE,
                "the grid has %" PRIu64 " points, more than the %d that can be run without "
                "search.budget; use fewer values",
                plan->points, MAX_TRIALS);
        goto fail;
    }
    if (!(b.walk = mx_walk_new(grid, err)) || !(b.lines = mx_lines_new(err)) || build(&b, err) ||
        mx_cross_plan(plan, config, fingerprint, user, err))
        goto fail;
    builder_free(&b);
    mx_plan_early_mark(plan, config);
    return plan;
fail:
    builder_free(&b);
    mx_plan_free(plan);
    return NULL;
}

void mx_plan_free(struct mx_plan *plan)
{
    if (!plan)
        return;
    free(plan->trials);
    free(plan->stages);
    free(plan->stage_of);
    free(plan->inputs);
    free(plan);
}

/* What differs between the repeats of a cell. */
static int name_job(const struct mx_plan *plan, const struct mx_config *config, uint32_t stage,
                    struct worker_job *job, struct mx_err *err)
{
    const struct mx_stage *row = &plan->stages[stage];

    job->repeat = row->repeat;
    job->stream_extra = mx_stage_streams(config).independent ? row->key.high : 0;
    mx_hash128_hex(row->key, job->key);
    job->ninputs = 0;
    for (uint32_t i = 0; i < row->ninputs; i++) {
        const struct mx_stage *input = &plan->stages[plan->inputs[row->first_input + i]];
        char                   key[MX_HASH128_HEX];

        if (worker_job_add_input(job, input->kind, mx_hash128_hex(input->key, key), err))
            return -1;
        if (mx_cross_kind(row->kind))
            mx_cross_name_input(plan, input, &job->inputs[i]);
    }
    return 0;
}

/* Keys that the stage does not use hold their defaults. The set has those of the others that
 * are parameters. */
static void reset_unused(const struct mx_plan *plan, const struct mx_stage_kind *kind,
                         struct mx_point *point, struct worker_param_set *used)
{
    struct mx_point whole = *point;

    mx_grid_reset(plan->grid, point, ~kind->sections);
    *used = (struct worker_param_set){{0}};
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (mx_stage_uses(kind, &whole, k)) {
            point->value[k] = whole.value[k];
            if (mx_keys[k].offset >= 0)
                worker_param_add(used, mx_keys[k].field);
        }
}

int mx_plan_job(const struct mx_plan *plan, const struct mx_config *config, uint32_t stage,
                struct worker_job *job, struct mx_err *err)
{
    const struct mx_stage      *row = &plan->stages[stage];
    const struct mx_trial      *trial = &plan->trials[row->first_trial];
    const struct mx_stage_kind *kind = mx_stage_kind_of(row->kind);
    struct mx_point             point;

    mx_grid_point(plan->grid, trial->point, &point);
    mx_cross_alter(plan->grid, row->of, &point);
    *job = (struct worker_job){.kind = row->kind,
                               .seed = mx_stage_streams(config).seed,
                               .inputs = job->inputs,
                               .inputs_room = job->inputs_room};
    reset_unused(plan, kind, &point, &job->used);
    if (name_job(plan, config, stage, job, err))
        return -1;
    if (mx_grid_params(plan->grid, &point, &job->params, err))
        return -1;
    job->params.device = mx_stage_streams(config).device;
    job->params.score_metrics &= worker_scores_of(row->kind);
    return 0;
}

int mx_plan_next_job(const struct mx_plan *plan, const struct mx_config *config, uint32_t before,
                     uint32_t stage, struct worker_job *job, struct mx_err *err)
{
    const struct mx_stage *last = &plan->stages[before], *next = &plan->stages[stage];

    if (last->kind != next->kind || last->of != next->of ||
        plan->trials[last->first_trial].point != plan->trials[next->first_trial].point)
        return mx_plan_job(plan, config, stage, job, err);
    return name_job(plan, config, stage, job, err);
}

const char *mx_trial_name(const struct mx_trial *trial, char out[MX_TRIAL_NAME_SIZE])
{
    char     digits[10]; /* of the largest repeat */
    char    *at = digits + sizeof digits;
    uint32_t repeat = trial->repeat;
    size_t   n;

    do
        *--at = (char)('0' + repeat % 10);
    while ((repeat /= 10) > 0);
    n = (size_t)(digits + sizeof digits - at);
    mx_hash64_hex(trial->cell, out);
    memcpy(out + MX_HASH64_HEX - 1, ".r", 2);
    memcpy(out + MX_HASH64_HEX + 1, at, n);
    out[MX_HASH64_HEX + 1 + n] = '\0';
    return out;
}

bool mx_trial_is(const struct mx_trial *trial, const char *id)
{
    char   name[MX_TRIAL_NAME_SIZE];
    size_t len = strlen(id);

    mx_trial_name(trial, name);
    return strncmp(name, id, len) == 0 && (name[len] == '\0' || name[len] == '.');
}

char *mx_plan_stage_path(const struct mx_plan *plan, uint32_t stage, const char *directory,
                         const char *file)
{
    char   key[MX_HASH128_HEX];
    size_t room = strlen(directory) + sizeof "/stages//" + sizeof key + strlen(file);
    char  *path = malloc(room);

    if (path)
        snprintf(path, room, "%s/stages/%s%s%s", directory,
                 mx_hash128_hex(plan->stages[stage].key, key), *file ? "/" : "", file);
    return path;
}
