#include "sweep/cross.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/axis.h"
#include "sweep/lines.h"
#include "sweep/stages.h"
#include "sweep/value.h"
#include "worker/choices.h"

static const char reference_auto[] = "auto";

bool mx_cross_asked(const struct mx_config *config)
{
    const struct mx_value *metrics = &config->base[KEY_SCORE_METRICS];

    for (size_t k = 0; k < metrics->list.count; k++)
        if (metrics->list.items[k].choice >= MX_METRIC_INTER_MODEL_MAP &&
            metrics->list.items[k].choice <= MX_METRIC_INTER_MODEL_REFERENCE)
            return config->base[KEY_SCORE_ATTRIBUTIONS].list.count > 0;
    return false;
}

enum mx_cross_outside mx_cross_outside(const struct mx_config *config)
{
    const char *reference = config->base[KEY_SCORE_INTER_MODEL_REFERENCE].text;

    if (!reference || !*reference)
        return MX_OUTSIDE_NONE;
    return strcmp(reference, reference_auto) == 0 ? MX_OUTSIDE_TRAINED : MX_OUTSIDE_FILE;
}

/* What is done to training images alone may differ between models. */
static bool tells_images(enum mx_key_id key)
{
    return mx_keys[key].section == MX_SECTION_DATA && key != KEY_DATA_TRAIN_LIMIT &&
           key != KEY_DATA_VAL_FRACTION && key != KEY_DATA_AUGMENT;
}

uint64_t mx_cross_group(const struct mx_point *point)
{
    uint64_t sum = 0;

    for (unsigned key = 0; key < KEY_COUNT; key++)
        if (tells_images(key) && point->used[key] && mx_value_given(key, &point->value[key]))
            sum += mx_value_hash(key, &point->value[key]);
    return sum;
}

uint64_t mx_cross_models(const struct mx_config *config, uint64_t all)
{
    const uint64_t asked = (uint64_t)config->base[KEY_SCORE_INTER_MODEL_MODELS].integer;
    const uint64_t n = asked > 0 && asked < all ? asked : all;

    return n >= 2 ? n : 0;
}

bool mx_cross_kind(enum worker_kind kind)
{
    return kind == WORKER_STAGE_STANDING || mx_cross_goes_on(kind);
}

bool mx_cross_goes_on(enum worker_kind kind)
{
    return kind == WORKER_STAGE_SCORER || kind == WORKER_STAGE_INTER_MODEL;
}

void mx_cross_alter(const struct mx_grid *grid, enum mx_stage_of of, struct mx_point *point)
{
    switch (of) {
    case MX_STAGE_OF_TRIAL:
        break;
    case MX_STAGE_OF_PLAIN:
        point->value[KEY_MIX_STRATEGY].choice = WORKER_MIX_NONE;
        mx_grid_refold(grid, point);
        break;
    case MX_STAGE_OF_OUTSIDE:
        point->value[KEY_MODEL_WEIGHTS] = point->value[KEY_SCORE_INTER_MODEL_REFERENCE];
        point->used[KEY_MODEL_WEIGHTS] = true;
        break;
    }
}

void mx_cross_name_input(const struct mx_plan *plan, const struct mx_stage *stage,
                         struct worker_input *input)
{
    char name[MX_TRIAL_NAME_SIZE];

    input->repeat = stage->repeat;
    if (stage->of == MX_STAGE_OF_TRIAL)
        memcpy(input->name, mx_trial_name(&plan->trials[stage->first_trial], name), sizeof name);
}

/* A trained network and its maps. */
struct model {
    uint32_t group, order;       /* numbers by first appearance */
    uint32_t train, maps, trial; /* trial: the first that has it */
    uint32_t repeat;
};

struct crossing {
    struct mx_plan         *plan;
    const struct mx_config *config;
    mx_fingerprint_fn      *fingerprint_of;
    void                   *user;
    struct mx_stage_streams streams;
    struct mx_lines        *lines;
    struct mx_buf           text;
    struct model           *models;
    uint32_t                nmodels, ngroups, ninputs;
    uint64_t               *groups;   /* (ngroups) */
    uint32_t               *model_of; /* by train stage: its place in models; UINT32_MAX */
    uint32_t (*added)[3];             /* (nmodels): stages of its trials; UINT32_MAX: none */
    uint32_t          *inputs;        /* of the stage that is being added ... */
    struct mx_hash128 *keys;          /* ... and their keys */
};

static int no_memory(struct mx_err *err)
{
    return mx_fail(err, MX_ENOMEM, "no memory to plan a comparison of models");
}

static uint32_t stage_of_kind(const struct mx_plan *plan, uint32_t trial, enum worker_kind kind)
{
    const struct mx_trial *t = &plan->trials[trial];

    for (uint32_t k = 0; k < t->nstages; k++)
        if (plan->stages[plan->stage_of[t->first_stage + k]].kind == kind)
            return plan->stage_of[t->first_stage + k];
    return UINT32_MAX;
}

static uint32_t group_of(struct crossing *x, uint32_t trial)
{
    struct mx_point point;
    uint64_t        group;

    mx_grid_point(x->plan->grid, x->plan->trials[trial].point, &point);
    group = mx_cross_group(&point);
    for (uint32_t g = 0; g < x->ngroups; g++)
        if (x->groups[g] == group)
            return g;
    x->groups[x->ngroups] = group;
    return x->ngroups++;
}

static int by_turn(const void *a, const void *b)
{
    const struct model *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->repeat != y->repeat)
        return x->repeat < y->repeat ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Every network that has maps, group by group, first repeats first. */
static int find_models(struct crossing *x, struct mx_err *err)
{
    const struct mx_plan *plan = x->plan;

    x->models = calloc(plan->ntrials, sizeof *x->models);
    x->groups = calloc(plan->ntrials, sizeof *x->groups);
    x->model_of = malloc(plan->nstages * sizeof *x->model_of);
    if (!x->models || !x->groups || !x->model_of)
        return no_memory(err);
    memset(x->model_of, 0xFF, plan->nstages * sizeof *x->model_of);
    for (uint32_t t = 0; t < plan->ntrials; t++) {
        const uint32_t train = stage_of_kind(plan, t, WORKER_STAGE_TRAIN);
        const uint32_t maps = stage_of_kind(plan, t, WORKER_STAGE_MAPS);

        if (train == UINT32_MAX || maps == UINT32_MAX || x->model_of[train] != UINT32_MAX)
            continue;
        x->model_of[train] = x->nmodels;
        x->models[x->nmodels] =
            (struct model){group_of(x, t), x->nmodels, train, maps, t, plan->trials[t].repeat};
        x->nmodels++;
    }
    qsort(x->models, x->nmodels, sizeof *x->models, by_turn);
    for (uint32_t m = 0; m < x->nmodels; m++)
        x->model_of[x->models[m].train] = m;
    return 0;
}

/* Room for the stages of all groups together. */
static int make_room(struct crossing *x, struct mx_err *err)
{
    struct mx_plan *plan = x->plan;
    const size_t    n = x->nmodels;
    size_t          inputs = 0, at = 0;
    void           *grown;

    for (uint32_t s = 0; s < plan->nstages; s++)
        x->ninputs += plan->stages[s].ninputs;
    while (at < n) {
        size_t first = at;

        while (at < n && x->models[at].group == x->models[first].group)
            at++;
        first = mx_cross_models(x->config, at - first);
        if (first > MX_CROSS_MODELS)
            return mx_fail(err, MX_EINVAL,
                           "%zu models would be compared with each other, and the cost is their "
                           "square; set score.inter_model.models to at most %d",
                           first, MX_CROSS_MODELS);
        inputs += (first + 1) * (first + 1) + 2 * first + 1 + 2 * first;
    }
    x->added = malloc((n + 1) * sizeof *x->added);
    x->inputs = malloc((2 * n + 2) * sizeof *x->inputs);
    x->keys = malloc((2 * n + 2) * sizeof *x->keys);
    if (!x->added || !x->inputs || !x->keys)
        return no_memory(err);
    memset(x->added, 0xFF, (n + 1) * sizeof *x->added);
    if (!(grown = realloc(plan->stages,
                          (plan->nstages + 2 * n + 3 * (size_t)x->ngroups) * sizeof *plan->stages)))
        return no_memory(err);
    plan->stages = grown;
    if (!(grown = realloc(plan->inputs, (x->ninputs + inputs + 1) * sizeof *plan->inputs)))
        return no_memory(err);
    plan->inputs = grown;
    return 0;
}

/* Add a stage that has the parameters of a model, or of what a model's trial would be;
 * x->inputs[0 .. ninputs) are its inputs. Its number in *stage. */
static int add_stage(struct crossing *x, enum worker_kind kind, enum mx_stage_of of,
                     const struct model *model, uint32_t repeat, uint32_t ninputs, uint32_t *stage,
                     struct mx_err *err)
{
    struct mx_plan             *plan = x->plan;
    const struct mx_stage_kind *row = mx_stage_kind_of(kind);
    struct worker_params        params;
    struct mx_point             point;
    uint64_t                    fingerprint;

    mx_grid_point(plan->grid, plan->trials[model->trial].point, &point);
    mx_cross_alter(plan->grid, of, &point);
    if (mx_grid_params(plan->grid, &point, &params, err))
        return -1;
    params.head_hsfm_support_indices[0] = '\0'; /* a head's alone */
    params.score_metrics = 0;                   /* marks are for scores of one model */
    if (x->fingerprint_of(x->user, &params, &fingerprint, err))
        return -1;
    mx_buf_clear(&x->text);
    mx_stage_text(row, &point, &x->streams, fingerprint, x->lines, &x->text);
    for (uint32_t i = 0; i < ninputs; i++)
        x->keys[i] = plan->stages[x->inputs[i]].key;
    plan->stages[plan->nstages] =
        (struct mx_stage){.key = mx_stage_key(&x->text, repeat, x->keys, ninputs),
                          .kind = kind,
                          .of = of,
                          .first_trial = model->trial,
                          .repeat = repeat,
                          .first_input = x->ninputs,
                          .ninputs = ninputs};
    if (!mx_buf_ok(&x->text))
        return no_memory(err);
    for (uint32_t i = 0; i < ninputs; i++)
        plan->inputs[x->ninputs++] = x->inputs[i];
    *stage = plan->nstages++;
    return 0;
}

/* Whoever trains the outside scorer starts from the first of the group without mixing. */
static const struct model *plain_model(const struct crossing *x, const struct model *models,
                                       uint32_t n)
{
    for (uint32_t m = 0; m < n; m++) {
        struct mx_point point;

        mx_grid_point(x->plan->grid, x->plan->trials[models[m].trial].point, &point);
        if (point.value[KEY_MIX_STRATEGY].choice == WORKER_MIX_NONE)
            return &models[m];
    }
    return models;
}

/* x->inputs[1 .. 1 + n): maps of the models. */
static void put_maps(struct crossing *x, uint32_t at, const struct model *models, uint32_t n)
{
    for (uint32_t m = 0; m < n; m++)
        x->inputs[at + m] = models[m].maps;
}

/* The outside scorer, if one is asked for: 1 with *stage, else 0; -1. */
static int add_outside(struct crossing *x, const struct model *models, uint32_t n, uint32_t *stage,
                       struct mx_err *err)
{
    const struct model *plain = plain_model(x, models, n);
    const uint32_t      repeat = (uint32_t)x->config->base[KEY_REPEATS].integer;
    uint32_t            train;

    switch (mx_cross_outside(x->config)) {
    case MX_OUTSIDE_NONE:
        return 0;
    case MX_OUTSIDE_TRAINED:
        if (add_stage(x, WORKER_STAGE_TRAIN, MX_STAGE_OF_PLAIN, plain, repeat, 0, &train, err))
            return -1;
        x->inputs[0] = train;
        put_maps(x, 1, models, n);
        return add_stage(x, WORKER_STAGE_SCORER, MX_STAGE_OF_PLAIN, plain, repeat, n + 1, stage,
                         err)
                   ? -1
                   : 1;
    case MX_OUTSIDE_FILE:
        put_maps(x, 0, models, n);
        return add_stage(x, WORKER_STAGE_SCORER, MX_STAGE_OF_OUTSIDE, plain, 0, n, stage, err) ? -1
                                                                                               : 1;
    }
    return 0;
}

/* The comparison of the models [first .. first + n), all of one group. */
static int add_comparison(struct crossing *x, uint32_t first, uint32_t n, struct mx_err *err)
{
    const struct model *models = &x->models[first];
    uint32_t(*added)[3] = &x->added[first], outside = 0, join;
    int has_outside;

    put_maps(x, 1, models, n);
    for (uint32_t m = 0; m < n; m++) {
        x->inputs[0] = models[m].train;
        if (add_stage(x, WORKER_STAGE_SCORER, MX_STAGE_OF_TRIAL, &models[m], models[m].repeat,
                      n + 1, &added[m][0], err))
            return -1;
    }
    if ((has_outside = add_outside(x, models, n, &outside, err)) < 0)
        return -1;
    put_maps(x, 0, models, n);
    for (uint32_t m = 0; m < n; m++)
        x->inputs[n + m] = added[m][0];
    x->inputs[2 * n] = outside;
    if (add_stage(x, WORKER_STAGE_INTER_MODEL, MX_STAGE_OF_TRIAL, models, 0,
                  2 * n + (has_outside > 0), &join, err))
        return -1;
    for (uint32_t m = 0; m < n; m++) {
        added[m][1] = join;
        x->inputs[0] = join;
        x->inputs[1] = models[m].maps;
        if (add_stage(x, WORKER_STAGE_STANDING, MX_STAGE_OF_TRIAL, &models[m], models[m].repeat, 2,
                      &added[m][2], err))
            return -1;
    }
    return 0;
}

/* Trials get the stages of their models behind their own. */
static int extend_trials(struct crossing *x, struct mx_err *err)
{
    struct mx_plan *plan = x->plan;
    size_t          total = 0;
    uint32_t       *stage_of, at = 0;

    for (uint32_t t = 0; t < plan->ntrials; t++)
        total += plan->trials[t].nstages + 3;
    if (!(stage_of = malloc((total + 1) * sizeof *stage_of)))
        return no_memory(err);
    for (uint32_t t = 0; t < plan->ntrials; t++) {
        struct mx_trial *trial = &plan->trials[t];
        const uint32_t   train = stage_of_kind(plan, t, WORKER_STAGE_TRAIN);
        const uint32_t   model = train == UINT32_MAX ? UINT32_MAX : x->model_of[train];

        memcpy(stage_of + at, plan->stage_of + trial->first_stage,
               trial->nstages * sizeof *stage_of);
        trial->first_stage = at;
        at += trial->nstages;
        for (unsigned k = 0; k < 3 && model != UINT32_MAX && x->added[model][0] != UINT32_MAX;
             k++) {
            plan->stages[x->added[model][k]].nuses++;
            stage_of[at++] = x->added[model][k];
            trial->nstages++;
        }
    }
    free(plan->stage_of);
    plan->stage_of = stage_of;
    return 0;
}

static int add_all(struct crossing *x, struct mx_err *err)
{
    if (find_models(x, err) || make_room(x, err))
        return -1;
    for (uint32_t first = 0, end; first < x->nmodels; first = end) {
        uint32_t n;

        for (end = first; end < x->nmodels && x->models[end].group == x->models[first].group;)
            end++;
        n = (uint32_t)mx_cross_models(x->config, end - first);
        if (n > 0 && add_comparison(x, first, n, err))
            return -1;
    }
    return extend_trials(x, err);
}

int mx_cross_plan(struct mx_plan *plan, const struct mx_config *config,
                  mx_fingerprint_fn *fingerprint, void *user, struct mx_err *err)
{
    struct crossing x = {.plan = plan,
                         .config = config,
                         .fingerprint_of = fingerprint,
                         .user = user,
                         .streams = mx_stage_streams(config)};
    int             rc = 0;

    if (!mx_cross_asked(config))
        return 0;
    rc = (x.lines = mx_lines_new(err)) ? add_all(&x, err) : -1;
    mx_lines_free(x.lines);
    mx_buf_free(&x.text);
    free(x.models);
    free(x.groups);
    free(x.model_of);
    free(x.added);
    free(x.inputs);
    free(x.keys);
    return rc;
}
