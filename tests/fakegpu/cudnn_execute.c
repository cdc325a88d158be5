/* cuDNN's backend: plans run with what a variant pack says of memory. */
#include "tests/fakegpu/cudnn_backend.h"

void fake_finalize_pack(struct fake_part *part)
{
    const int n = (int)fake_value_of(part, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS)->n;

    if (fake_value_of(part, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS)->n != n)
        fake_misuse("CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS", "%d, and %d pointers", n,
                    (int)fake_value_of(part, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS)->n);
    for (int a = 0; a < n; a++)
        for (int b = 0; b < a; b++)
            if (fake_integer_of(part, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, a) ==
                fake_integer_of(part, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, b))
                fake_misuse(
                    "CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS", "%lld is there twice",
                    (long long)fake_integer_of(part, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, a));
}

/* Where each tensor of a graph lies: NULL where the graph has none. */
static void find_places(const struct fake_part *graph, const struct fake_part *pack,
                        const void *at[FAKE_ROLES])
{
    const int n = (int)fake_value_of(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS)->n;
    bool      found[FAKE_ROLES] = {false};

    for (int k = 0; k < n; k++) {
        const int64_t id = fake_integer_of(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, k);
        int           role = 0;

        while (role < FAKE_ROLES && !(graph->places[role].used && graph->places[role].id == id))
            role++;
        if (role == FAKE_ROLES)
            fake_misuse("CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS",
                        "%lld is no tensor of the graph that lies in memory", (long long)id);
        at[role] = fake_pointer_of(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, k);
        found[role] = true;
    }
    for (int role = 0; role < FAKE_ROLES; role++)
        if (graph->places[role].used && !found[role])
            fake_misuse("CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS", "tensor %lld of the graph is missing",
                        (long long)graph->places[role].id);
}

/* The memory of one tensor, aligned as its descriptor says. */
static struct fake_span span_of(const struct fake_part *graph, enum fake_role role,
                                const void *const at[FAKE_ROLES], bool write)
{
    static const char *const names[FAKE_PASSES][3] = {
        {"x", "w", "y"}, {"dx", "w", "dy"}, {"x", "dw", "dy"}};
    static const char *const  others[] = {"summand", "bias"};
    const struct fake_work   *work = &graph->work;
    const struct fake_tensor *tensors[FAKE_ROLES] = {&work->x, &work->w, &work->y,
                                                     &work->summand_as, &work->bias_as};
    struct fake_span          span = fake_tensor_span(role < FAKE_SUMMAND ? names[work->pass][role]
                                                                          : others[role - FAKE_SUMMAND],
                                             tensors[role], at[role], write);

    span.align = graph->places[role].align;
    return span;
}

/* What runs, and which memory it touches. A sum may be in place: then what is added is the output itself. */
static int spans_of(const struct fake_part *plan, const void *const at[FAKE_ROLES],
                    struct fake_work *work, struct fake_span spans[FAKE_ROLES + 1])
{
    static const enum fake_role roles[FAKE_PASSES][3] = {
        {FAKE_X, FAKE_W, FAKE_Y}, {FAKE_W, FAKE_Y, FAKE_X}, {FAKE_X, FAKE_Y, FAKE_W}};
    const enum fake_role     *role = roles[work->pass];
    const struct fake_engine *engine = fake_engine_of(plan);
    int                       n = 0;

    work->in = at[role[0]];
    work->other = at[role[1]];
    work->out = (void *)(uintptr_t)at[role[2]];
    work->summand = at[FAKE_SUMMAND];
    work->bias = at[FAKE_BIAS];
    work->rounding = engine->rounding;
    work->any_order = engine->any_order;
    work->rough = engine->rough;
    for (int k = 0; k < 3; k++)
        spans[n++] = span_of(plan->graph, role[k], at, k == 2);
    if (plan->graph->places[FAKE_SUMMAND].used && work->summand != work->out)
        spans[n++] = span_of(plan->graph, FAKE_SUMMAND, at, false);
    if (plan->graph->places[FAKE_BIAS].used)
        spans[n++] = span_of(plan->graph, FAKE_BIAS, at, false);
    spans[n++] = (struct fake_span){"workspace", work->workspace, work->workspace_bytes, 16, true};
    return n;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t executionPlan,
                                  cudnnBackendDescriptor_t variantPack)
{
    const struct fake_cudnn *of;
    const struct fake_part  *plan, *pack;
    const void              *at[FAKE_ROLES] = {NULL};
    struct fake_span         spans[FAKE_ROLES + 1];
    struct fake_work         work;
    int                      n;

    (void)fake_enter("cudnnBackendExecute");
    of = fake_object("handle", handle, FAKE_CUDNN);
    plan = fake_part_of("executionPlan", executionPlan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    pack = fake_part_of("variantPack", variantPack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    if (fake_pointer_of(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, 0) != (const void *)handle)
        fake_misuse("handle", "is not the handle of the plan");
    if (fake_library_lacks_memory()) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    }
    if (fake_engine_of(plan)->compiled)
        fake_misuse("executionPlan", "its engine is compiled when it runs, and a sweep would wait");
    find_places(plan->graph, pack, at);
    work = plan->graph->work;
    work.workspace = (void *)(uintptr_t)fake_pointer_of(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, 0);
    work.workspace_bytes = fake_plan_workspace(plan);
    n = spans_of(plan, at, &work, spans);
    if (fake_sticking() == cudaSuccess)
        fake_cudnn_queue(of, fake_convolve, &work, sizeof work, spans, n);
    return fake_cudnn_leave(fake_sticking());
}
