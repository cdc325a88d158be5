/* run_look.c - what the cells of a sweep ask of their data, looked at before anything runs. */
#include <stdlib.h>
#include <string.h>

#include "sweep/run_state.h"
#include "sweep/smoke_data.h"
#include "worker/annotations.h"
#include "worker/engine.h"
#include "worker/hsfm.h"
#include "worker/map_scores.h"
#include "worker/segments.h"

enum {
    MOST_FORMS = 200 /* that provenance.json tells */
};

static bool same_form(const struct run_form *a, const struct run_form *b)
{
    return a->set == b->set && a->arch == b->arch && a->classes == b->classes &&
           a->support_per_class == b->support_per_class && a->inner_steps == b->inner_steps &&
           a->chosen == b->chosen;
}

/* How many numbers the network of a cell gives of an image; 0 if that is not known. */
static uint32_t dims_of(const struct worker_params *params, const struct run_data *data)
{
    struct worker_cost cost;

    if (data->dims > 0)
        return data->dims;
    return worker_engine_cost(params, &data->shape, &cost, NULL) ? 0 : cost.features;
}

static int note_form(struct run *run, const struct worker_params *params,
                     const struct run_data *data, struct mx_err *err)
{
    const bool       images = data->dims == 0;
    struct run_form *more,
        form = {.set = worker_data_sets[params->data_set].word,
                .arch = images ? worker_archs[params->model_arch].word : NULL,
                .classes = data->counts.classes,
                .support_per_class = (uint32_t)params->head_hsfm_support_per_class,
                .inner_steps = (uint32_t)params->head_hsfm_inner_steps,
                .chosen = params->head_hsfm_form == WORKER_HSFM_FORM_AUTO};

    for (size_t k = 0; k < run->nforms; k++)
        if (same_form(&run->forms[k], &form))
            return 0;
    if (run->nforms == MOST_FORMS || (form.dims = dims_of(params, data)) == 0)
        return 0;
    form.gram = worker_hsfm_is_gram(params->head_hsfm_form, form.classes * form.support_per_class,
                                    form.dims, form.classes, form.inner_steps);
    if (!(more = realloc(run->forms, (run->nforms + 1) * sizeof *more)))
        return mx_fail(err, MX_ENOMEM, "no memory to remember the forms of hsfm");
    run->forms = more;
    more[run->nforms++] = form;
    return 0;
}

/* Whether the data can carry a head's method. */
static int look_at_head(struct run *run, struct worker_params *params, struct mx_err *err)
{
    const struct run_data *data = run_data_of(run, params);

    if (!data)
        return 0;
    if (run->made_directory && worker_head_needs(params, &data->counts, err))
        return -1;
    return params->head_method == WORKER_HEAD_HSFM ? note_form(run, params, data, err) : 0;
}

/* Whether there are the boxes or masks that maps are to be compared with. */
static int look_at_marks(struct run *run, struct worker_params *params, struct mx_err *err)
{
    const struct run_data *data = run_data_of(run, params);
    struct mx_err          why = {.code = MX_OK};

    if (!run->made_directory || !worker_annotations_possible(params->data_set) ||
        !(params->score_metrics & worker_scores_that_are(WORKER_SCORE_MARKS)) ||
        (data && data->has_marks))
        return 0;
    mx_smoke_use(run->smoke_data, params);
    if (worker_annotations_check(params, &why))
        return mx_fail(err, why.code == MX_EINVAL ? MX_EDATA : why.code, "%s: %s",
                       "score.metrics asks how maps agree with boxes and masks", why.text);
    if (data)
        run->data[data - run->data].has_marks = true;
    return 0;
}

/* Whether there are the segments that channels are to be compared with, each of them sound. */
static int look_at_segments(struct run *run, struct worker_params *params, struct mx_err *err)
{
    const struct run_data *data = run_data_of(run, params);
    const uint64_t         concepts = worker_scores_that_are(WORKER_SCORE_SEGMENTS);
    struct mx_err          why = {.code = MX_OK};

    if (!run->made_directory || !(params->score_metrics & concepts) ||
        !worker_segments_possible(params->data_set) || (data && data->has_segments))
        return 0;
    mx_smoke_use(run->smoke_data, params);
    if (worker_segments_check(params, (uint64_t)run->config->base[KEY_SEED].integer,
                              params->score_images, &why))
        return mx_fail(err, why.code, "score.metrics asks which concepts channels tell: %s",
                       why.text);
    if (data)
        run->data[data - run->data].has_segments = true;
    return 0;
}

/* Look at each cell that has stages of a kind. */
static int look_at(struct run *run, enum worker_kind kind,
                   int (*look)(struct run *, struct worker_params *, struct mx_err *),
                   struct mx_err *err)
{
    const struct mx_plan *plan = run->plan;
    struct worker_params *params = malloc(sizeof *params);
    uint64_t              last = UINT64_MAX;
    int                   rc = params ? 0 : mx_fail(err, MX_ENOMEM, "no memory to look at cells");

    for (uint32_t s = 0; rc == 0 && s < plan->nstages; s++) {
        const uint64_t  number = plan->trials[plan->stages[s].first_trial].point;
        struct mx_point point;

        if (plan->stages[s].kind != kind || number == last)
            continue;
        last = number;
        mx_grid_point(run->grid, number, &point);
        rc = mx_grid_params(run->grid, &point, params, err) || look(run, params, err) ? -1 : 0;
    }
    free(params);
    return rc;
}

int run_look(struct run *run, struct mx_err *err)
{
    return look_at(run, WORKER_STAGE_HEAD, look_at_head, err) ||
                   look_at(run, WORKER_STAGE_SCORES, look_at_marks, err) ||
                   look_at(run, WORKER_STAGE_SCORES, look_at_segments, err)
               ? -1
               : 0;
}
