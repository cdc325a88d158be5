#include "worker/hsfm.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "worker/hsfm_parts.h"
#include "worker/npy.h"

struct worker_hsfm_options worker_hsfm_defaults(void)
{
    return (struct worker_hsfm_options){.support_per_class = 16,
                                        .inner_steps = 15,
                                        .inner_lr = 5e-5,
                                        .outer_lr = 1,
                                        .edit_steps = 15,
                                        .hard_per_class = 64,
                                        .epochs = 40,
                                        .grad_clip = 10,
                                        .form = WORKER_HSFM_FORM_AUTO};
}

double worker_hsfm_cost(bool gram, uint32_t n, uint32_t dims, uint32_t classes, uint32_t steps,
                        uint32_t hard)
{
    const double N = n, d = dims, C = classes, T = steps, outer = 2.0 * hard * C * d;

    return gram ? 2 * N * N * d + 3 * T * N * N * C + outer + 5 * N * C * d
                : 6 * T * N * d * C + outer;
}

bool worker_hsfm_is_gram(enum worker_hsfm_form form, uint32_t n, uint32_t dims, uint32_t classes,
                         uint32_t steps)
{
    if (form != WORKER_HSFM_FORM_AUTO)
        return form == WORKER_HSFM_FORM_GRAM;
    return worker_hsfm_cost(true, n, dims, classes, steps, 0) <
           worker_hsfm_cost(false, n, dims, classes, steps, 0);
}

int worker_hsfm_gradient(const struct worker_hsfm_edit *edit, enum worker_precision precision,
                         double *gradient, double *loss, struct mx_err *err)
{
    return precision == WORKER_F32 ? hsfm_gradient_f32(edit, gradient, loss, err)
                                   : hsfm_gradient_f64(edit, gradient, loss, err);
}

/* Room for everything that an hsfm head holds. */
static int head_new(struct worker_head *head, const struct hsfm_plan *plan, struct mx_err *err)
{
    const struct worker_features *features = plan->task->features;
    const size_t                  rows = (size_t)plan->n * features->dims;

    *head = (struct worker_head){.classes = features->classes,
                                 .dims = features->dims,
                                 .groups = features->groups,
                                 .nsupport = plan->n,
                                 .chosen = NAN,
                                 .gram = plan->gram,
                                 .fit_rows = plan->n};
    head->w = calloc((size_t)head->classes * head->dims, sizeof *head->w);
    head->b = calloc(head->classes, sizeof *head->b);
    head->epochs = calloc(plan->options->epochs, sizeof *head->epochs);
    head->support_rows = calloc(plan->n, sizeof *head->support_rows);
    head->support_before = calloc(rows, sizeof *head->support_before);
    head->support_after = calloc(rows, sizeof *head->support_after);
    if (!head->w || !head->b || !head->epochs || !head->support_rows || !head->support_before ||
        !head->support_after)
        return mx_fail(err, MX_ENOMEM, "no memory for an hsfm head");
    for (uint32_t i = 0; i < plan->n; i++)
        head->support_rows[i] = plan->support[i];
    for (; head->nepochs < plan->options->epochs; head->nepochs++) {
        struct worker_head_epoch *epoch = &head->epochs[head->nepochs];

        epoch->group_accuracy = calloc((size_t)head->groups + 1, sizeof *epoch->group_accuracy);
        epoch->hard_count = calloc((size_t)head->groups + 1, sizeof *epoch->hard_count);
        if (!epoch->group_accuracy || !epoch->hard_count) {
            head->nepochs++; /* so that both are released */
            return mx_fail(err, MX_ENOMEM, "no memory for the epochs of an hsfm head");
        }
    }
    return 0;
}

int worker_hsfm_train(const struct worker_head_task    *task,
                      const struct worker_hsfm_options *options, struct worker_head *head,
                      struct mx_err *err)
{
    struct hsfm_plan plan;
    int              result = hsfm_plan_make(&plan, task, options, err);

    if (result == 0)
        result = head_new(head, &plan, err);
    if (result == 0)
        result = task->features->precision == WORKER_F32 ? hsfm_run_f32(&plan, head, err)
                                                         : hsfm_run_f64(&plan, head, err);
    if (result)
        worker_head_free(head);
    hsfm_plan_free(&plan);
    return result;
}

/* The rows in head.hsfm.support_indices, for the caller to free. */
static int read_support(const char *path, uint32_t below, uint32_t **rows, uint32_t *n,
                        struct mx_err *err)
{
    const uint64_t     any[] = {UINT64_MAX};
    struct worker_npy *file = worker_npy_open(path, err);
    int                result = -1;

    if (!file || worker_npy_want(file, 1, any, err))
        goto done;
    if (worker_npy_shape(file)->rows > below) {
        mx_fail(err, MX_EDATA,
                "%s: %" PRIu64
                " rows for a support set, and there are %u training samples: give fewer",
                path, worker_npy_shape(file)->rows, below);
        goto done;
    }
    *n = (uint32_t)worker_npy_shape(file)->rows;
    if (!(*rows = calloc((size_t)*n + 1, sizeof **rows))) {
        mx_fail(err, MX_ENOMEM, "no memory for a support set of %u rows", *n);
        goto done;
    }
    result = worker_npy_read_u32(file, 0, *n, below, "training sample", *rows, err);

done:
    worker_npy_close(file);
    return result;
}

int worker_head_hsfm(const struct worker_head_task *task, struct worker_head *head,
                     struct mx_err *err)
{
    const struct worker_params *params = task->params;
    uint32_t                   *rows = NULL;
    int                         result = 0;
    struct worker_hsfm_options  options = {
         .support_per_class = (uint32_t)params->head_hsfm_support_per_class,
         .inner_steps = (uint32_t)params->head_hsfm_inner_steps,
         .inner_lr = params->head_hsfm_inner_lr,
         .outer_lr = params->head_hsfm_outer_lr,
         .edit_steps = (uint32_t)params->head_hsfm_edit_steps,
         .hard_per_class = (uint32_t)params->head_hsfm_hard_per_class,
         .epochs = (uint32_t)params->head_hsfm_epochs,
         .grad_clip = params->head_hsfm_grad_clip,
         .half = params->head_hsfm_hard_split == WORKER_HARD_SPLIT_HALF,
         .form = params->head_hsfm_form};

    if (params->head_hsfm_support_indices[0] != '\0')
        result = read_support(params->head_hsfm_support_indices,
                              task->features->split[WORKER_FEATURES_TRAIN].n, &rows,
                              &options.nsupport, err);
    options.support = rows;
    if (result == 0)
        result = worker_hsfm_train(task, &options, head, err);
    free(rows);
    return result;
}
