/* Which engine of cuDNN computes a convolution. */
#include "kernels/plan_cuda_parts.h"

enum {
    FIRST = 4,             /* of those the library ranks: to read one takes it some 70 us */
    RANKED = 128,          /* all of them, at most */
    NOTES = 32,            /* of an engine, at most */
    MOST_ROOM = 512 << 20, /* bytes of workspace */
};

/* Whether an engine computes as was asked for. Transforms of large tiles lose digits. */
static bool suits(const struct kern_planner *planner, const cudnnBackendNumericalNote_t *notes,
                  int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        switch (notes[k]) {
        case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
            if (planner->precision == KERN_F32)
                return false;
            break;
        case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
            if (planner->repeats)
                return false;
            break;
        case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
        case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
        case CUDNN_NUMERICAL_NOTE_FFT:
        case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13:
            return false;
        default:
            break;
        }
    return true;
}

/* To compile an engine takes a second, as long as a small training does. */
static bool is_compiled(const cudnnBackendBehaviorNote_t *notes, int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        if (notes[k] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION)
            return true;
    return false;
}

/* Look at the engine of a configuration; 1: it may be used, 0: not, -1: *err. */
static int look(struct kern_plan *plan, const struct kern_planner *planner,
                cudnnBackendDescriptor_t configuration, struct mx_err *err)
{
    cudnnBackendNumericalNote_t numbers[NOTES];
    cudnnBackendBehaviorNote_t  behaviour[NOTES];
    int64_t                     nnumbers = 0, nbehaviour = 0, one;
    int                         result = -1;
    cudnnBackendDescriptor_t    engine = kern_plan_part(plan, CUDNN_BACKEND_ENGINE_DESCRIPTOR, err);

    if (!engine)
        return -1;
    DNN_TRY(cudnnBackendGetAttribute(configuration, CUDNN_ATTR_ENGINECFG_ENGINE,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &one, &engine),
            err);
    DNN_TRY(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                     CUDNN_TYPE_NUMERICAL_NOTE, NOTES, &nnumbers, numbers),
            err);
    DNN_TRY(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
                                     CUDNN_TYPE_BEHAVIOR_NOTE, NOTES, &nbehaviour, behaviour),
            err);
    result = suits(planner, numbers, nnumbers) && !is_compiled(behaviour, nbehaviour);

fail:
    kern_plan_drop(plan);
    return result;
}

/* 1 if a descriptor could be finished, 0 if this is nothing that the library does, -1 with *err if it found no memory. */
static int finish(cudnnBackendDescriptor_t part, struct mx_err *err)
{
    const cudnnStatus_t status = cudnnBackendFinalize(part);

    if (status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
        status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED)
        return kern_cudnn_check(status, "cudnnBackendFinalize", __FILE__, __LINE__, err);
    return status == CUDNN_STATUS_SUCCESS;
}

/* Try to make the plan of a configuration; 1: it is there, 0: the library cannot, or only with too much
 * memory, -1: *err. */
static int try_plan(struct kern_plan *plan, const struct kern_planner *planner,
                    cudnnBackendDescriptor_t configuration, struct mx_err *err)
{
    int64_t bytes = 0, one;
    int     result;

    if (!(plan->plan = kern_plan_part(plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, err)))
        return -1;
    DNN_TRY(cudnnBackendSetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE,
                                     CUDNN_TYPE_HANDLE, 1, &planner->handle),
            err);
    DNN_TRY(cudnnBackendSetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &configuration),
            err);
    result = finish(plan->plan, err);
    if (result > 0)
        DNN_TRY(cudnnBackendGetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                         CUDNN_TYPE_INT64, 1, &one, &bytes),
                err);
    plan->workspace = (size_t)bytes;
    if (result != 0 && bytes <= MOST_ROOM)
        return result;
    kern_plan_drop(plan);
    kern_plan_drop(plan); /* the configuration */
    return 0;

fail:
    return -1;
}

/* What the library's rules say of a graph, best first. */
struct ranking {
    cudnnBackendDescriptor_t configurations[RANKED];
    int64_t                  count;
};

static void forget(struct ranking *ranking)
{
    while (ranking->count-- > 0)
        if (ranking->configurations[ranking->count])
            (void)cudnnBackendDestroyDescriptor(ranking->configurations[ranking->count]);
}

/* Configuration k becomes the plan's, which is made from it. */
static cudnnBackendDescriptor_t keep(struct kern_plan *plan, struct ranking *ranking, int64_t k)
{
    cudnnBackendDescriptor_t kept = ranking->configurations[k];

    plan->parts[plan->nparts++] = kept;
    ranking->configurations[k] = NULL;
    return kept;
}

/* Those that it cannot make after all are left out by the library. */
static int read_ranking(cudnnBackendDescriptor_t heuristic, int64_t most, struct ranking *ranking,
                        struct mx_err *err)
{
    int64_t there = 0, made = 0;

    DNN_TRY(cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &there, NULL),
            err);
    for (; ranking->count < there && ranking->count < most; ranking->count++)
        DNN_TRY(cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                                             &ranking->configurations[ranking->count]),
                err);
    if (ranking->count > 0)
        DNN_TRY(cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                         CUDNN_TYPE_BACKEND_DESCRIPTOR, ranking->count, &made,
                                         ranking->configurations),
                err);
    while (ranking->count > made)
        (void)cudnnBackendDestroyDescriptor(ranking->configurations[--ranking->count]);
    return 0;

fail:
    return -1;
}

/* By which rules engines are ranked, and how many are looked at. */
struct rules {
    cudnnBackendHeurMode_t mode;
    int64_t                most;
};

/* Rules that know nothing of a graph rank nothing. */
static int rank(struct kern_plan *plan, cudnnBackendDescriptor_t graph, const struct rules *rules,
                struct ranking *ranking, struct mx_err *err)
{
    cudnnBackendDescriptor_t heuristic =
        kern_plan_part(plan, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, err);
    int result;

    if (!heuristic)
        return -1;
    DNN_TRY(cudnnBackendSetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph),
            err);
    DNN_TRY(cudnnBackendSetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1,
                                     &rules->mode),
            err);
    result = finish(heuristic, err);
    return result > 0 ? read_ranking(heuristic, rules->most, ranking, err) : result;

fail:
    return -1;
}

/* Take the first usable configuration, by the rules for what is fast, else by those for what works; 1: the plan is
 * there, 0: none is usable, -1: *err. */
static int choose(struct kern_plan *plan, const struct kern_planner *planner,
                  cudnnBackendDescriptor_t graph, struct mx_err *err)
{
    static const struct rules rules[] = {{CUDNN_HEUR_MODE_A, FIRST},
                                         {CUDNN_HEUR_MODE_A, RANKED},
                                         {CUDNN_HEUR_MODE_FALLBACK, RANKED}};
    int                       result = 0;

    for (size_t m = 0; result == 0 && m < sizeof rules / sizeof *rules; m++) {
        struct ranking ranking = {.count = 0};

        result = rank(plan, graph, &rules[m], &ranking, err);
        for (int64_t k = 0; result == 0 && k < ranking.count; k++) {
            result = look(plan, planner, ranking.configurations[k], err);
            if (result > 0)
                result = try_plan(plan, planner, keep(plan, &ranking, k), err);
        }
        forget(&ranking);
    }
    return result;
}

/* 1: *graph is there, 0: it is none that the library knows, -1: *err. */
static int describe(struct kern_plan *plan, const struct kern_planner *planner,
                    cudnnBackendDescriptor_t *graph, struct mx_err *err)
{
    cudnnBackendDescriptor_t operations[4];
    const size_t             n = kern_plan_operations(plan, planner, operations, err);

    if (n == 0 || !(*graph = kern_plan_part(plan, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, err)))
        return -1;
    DNN_TRY(cudnnBackendSetAttribute(*graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1,
                                     &planner->handle),
            err);
    DNN_TRY(cudnnBackendSetAttribute(*graph, CUDNN_ATTR_OPERATIONGRAPH_OPS,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, (int64_t)n, operations),
            err);
    return finish(*graph, err);

fail:
    return -1;
}

int kern_plan_choose(struct kern_plan *plan, const struct kern_planner *planner, struct mx_err *err)
{
    cudnnBackendDescriptor_t graph;
    const int                found = describe(plan, planner, &graph, err);

    return found > 0 ? choose(plan, planner, graph, err) : found;
}
