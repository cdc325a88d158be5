/* Plans of cuDNN: those that were made, and how one runs. */
#include "kernels/plan_cuda_parts.h"

#include <stdlib.h>

cudnnBackendDescriptor_t kern_plan_part(struct kern_plan *plan, cudnnBackendDescriptorType_t type,
                                        struct mx_err *err)
{
    cudnnBackendDescriptor_t *part = &plan->parts[plan->nparts];

    if (plan->nparts == KERN_PLAN_PARTS) {
        mx_fail(err, MX_EINTERNAL, "a plan of more than %d parts", KERN_PLAN_PARTS);
        return NULL;
    }
    DNN_TRY(cudnnBackendCreateDescriptor(type, part), err);
    plan->nparts++;
    return *part;

fail:
    return NULL;
}

void kern_plan_drop(struct kern_plan *plan)
{
    (void)cudnnBackendDestroyDescriptor(plan->parts[--plan->nparts]);
}

/* All parts go. */
static void clear(struct kern_plan *plan)
{
    while (plan->nparts > 0)
        kern_plan_drop(plan);
    plan->plan = NULL;
}

void kern_plans_free(struct kern_plan *plans)
{
    while (plans) {
        struct kern_plan *next = plans->next;

        clear(plans);
        free(plans);
        plans = next;
    }
}

size_t kern_plan_workspace(const struct kern_plan *plan)
{
    return plan->workspace;
}

static bool is_same(const struct kern_convolution *a, const struct kern_convolution *b)
{
    for (int d = 0; d < 4; d++)
        if (a->x[d] != b->x[d] || a->w[d] != b->w[d] || a->y[d] != b->y[d])
            return false;
    return a->pass == b->pass && a->pad == b->pad && a->stride == b->stride && a->sum == b->sum &&
           a->bias == b->bias && a->relu == b->relu &&
           (!a->relu || !(a->cap < b->cap || a->cap > b->cap));
}

/* A plan, or what is remembered of there being none; NULL with *err. */
static struct kern_plan *new_plan(const struct kern_planner     *planner,
                                  const struct kern_convolution *convolution, struct mx_err *err)
{
    struct kern_plan *plan = calloc(1, sizeof *plan);
    int               found;

    if (!plan) {
        mx_fail(err, MX_ENOMEM, "no memory for the plan of a convolution");
        return NULL;
    }
    plan->of = *convolution;
    found = kern_plan_choose(plan, planner, err);
    if (found <= 0)
        clear(plan);
    if (found < 0) {
        free(plan);
        return NULL;
    }
    return plan;
}

int kern_plan_of(struct kern_plan **plans, const struct kern_planner *planner,
                 const struct kern_convolution *convolution, const struct kern_plan **plan,
                 struct mx_err *err)
{
    struct kern_plan *known = *plans;

    *plan = NULL;
    while (known && !is_same(&known->of, convolution))
        known = known->next;
    if (!known) {
        if (!(known = new_plan(planner, convolution, err)))
            return -1;
        known->next = *plans;
        *plans = known;
    }
    *plan = known->plan ? known : NULL;
    return 0;
}

/* ---- running ---- */

int kern_plan_run(const struct kern_plan *plan, cudnnHandle_t handle,
                  const struct kern_plan_places *at, struct mx_err *err)
{
    int64_t                  ids[KERN_PLAN_TENSORS] = {KERN_PLAN_X, KERN_PLAN_W, KERN_PLAN_Y};
    const void              *places[KERN_PLAN_TENSORS] = {at->x, at->w, at->y};
    int64_t                  n = 3;
    cudnnBackendDescriptor_t pack = NULL;
    int                      result = -1;

    if (plan->has_sum) {
        ids[n] = KERN_PLAN_SUM;
        places[n++] = at->y;
    }
    if (plan->of.bias) {
        ids[n] = KERN_PLAN_BIAS;
        places[n++] = at->bias;
    }
    DNN_TRY(cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack), err);
    DNN_TRY(cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                                     CUDNN_TYPE_VOID_PTR, n, places),
            err);
    DNN_TRY(cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, n,
                                     ids),
            err);
    DNN_TRY(cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR,
                                     1, &at->workspace),
            err);
    DNN_TRY(cudnnBackendFinalize(pack), err);
    DNN_TRY(cudnnBackendExecute(handle, plan->plan, pack), err);
    result = 0;

fail:
    if (pack)
        (void)cudnnBackendDestroyDescriptor(pack);
    return result;
}
