/* cuDNN's backend: which engines it ranks for a graph, what it tells of them, and what they compute. What is ranked
 * first is what this project must not take, so that who chooses badly fails or computes something else:
 *
 *     1. one whose plan is not supported       2. one that wants more memory than anybody has
 *     3. one that would be compiled first      4. one that adds in an order of its own
 *     5. one that rounds float32 to half precision
 *     6. one that rounds float32 to TF32, or sums of bfloat16 on their way
 *     7. one that does neither
 *
 * For filters of 5 rows with stride 2 there are the first three alone, and the last one where asked what works at all
 * (CUDNN_HEUR_MODE_FALLBACK); for filters of 4 rows there is none. */
#include <string.h>

#include "tests/fakegpu/cudnn_backend.h"

enum {
    SIZE_OF_LIST = 7,
    NONE = -1 /* ends notes */
};

/* Ranked; of float32 and of bfloat16, which tensor cores alone know. */
static const struct fake_engine engines[2][SIZE_OF_LIST] = {
    {
        {.notes = {NONE}, .broken = true},
        {.notes = {NONE}, .greedy = true},
        {.notes = {NONE}, .compiled = true},
        {.notes = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, NONE}, .any_order = true},
        {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS,
                   NONE},
         .rounding = FAKE_TO_HALF},
        {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, NONE}, .rounding = FAKE_TO_TF32},
        {.notes = {NONE}},
    },
    {
        {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, NONE}, .broken = true},
        {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, NONE}, .greedy = true},
        {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, NONE}, .compiled = true},
        {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, NONE},
         .any_order = true},
        {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE,
                   CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION, NONE},
         .rough = true},
        {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, NONE}},
    },
};

enum {
    UNUSABLE = 3 /* the first so many of a list */
};

static const struct fake_engine *list_of(const struct fake_part *graph, int *n)
{
    const bool half = graph->work.x.type == CUDNN_DATA_BFLOAT16;

    *n = half ? SIZE_OF_LIST - 1 : SIZE_OF_LIST;
    return engines[half];
}

const struct fake_engine *fake_engine_of(const struct fake_part *part)
{
    int n;

    return &list_of(part->graph, &n)[part->engine];
}

/* ---- heuristics ---- */

void fake_finalize_heuristic(struct fake_part *part)
{
    const int64_t mode = fake_integer_of(part, CUDNN_ATTR_ENGINEHEUR_MODE, 0);

    if (mode != CUDNN_HEUR_MODE_A && mode != CUDNN_HEUR_MODE_FALLBACK)
        fake_misuse("CUDNN_ATTR_ENGINEHEUR_MODE", "%lld is none that this project uses",
                    (long long)mode);
}

/* Which engines are ranked, as a range of the list: how many from `first` on. */
static int ranked(const struct fake_part *heuristic, const struct fake_part *graph, int *first)
{
    const int rows = graph->work.w.dims[2];
    int       n;

    (void)list_of(graph, &n);
    *first = 0;
    if (rows == 4)
        return 0;
    if (fake_integer_of(heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, 0) == CUDNN_HEUR_MODE_FALLBACK) {
        *first = n - 1;
        return 1;
    }
    return rows == 5 && graph->work.convolution.stride[0] == 2 ? UNUSABLE : n;
}

/* How many there are is first told as one more: the library may find that one of them does not work after all. */
static int64_t tell_ranked(struct fake_part *part, int64_t room, void *elements)
{
    struct fake_part *graph = fake_link_of(part, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, 0);
    int               first;
    const int         n = ranked(part, graph, &first);

    for (int k = 0; k < n && k < room; k++) {
        void *descriptor;

        memcpy(&descriptor, (const char *)elements + (size_t)k * sizeof descriptor,
               sizeof descriptor);
        fake_part_fill("CUDNN_ATTR_ENGINEHEUR_RESULTS", descriptor,
                       CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, graph, first + k);
    }
    return room == 0 && n > 0 ? n + 1 : n;
}

/* ---- what is told ---- */

static int64_t tell_numbers(const struct fake_engine *engine, int64_t room, int32_t *notes)
{
    int64_t n = 0;

    for (; engine->notes[n] != NONE; n++)
        if (n < room)
            notes[n] = engine->notes[n];
    return n;
}

/* All that work can be part of CUDA graphs, which is no reason against them. */
static int64_t tell_behaviour(const struct fake_engine *engine, int64_t room, int32_t *notes)
{
    const int32_t all[] = {CUDNN_BEHAVIOR_NOTE_SUPPORTS_CUDA_GRAPH_NATIVE_API,
                           CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION};
    const int64_t n = engine->compiled ? 2 : 1;

    for (int64_t k = 0; k < n && k < room; k++)
        notes[k] = all[k];
    return n;
}

size_t fake_plan_workspace(const struct fake_part *plan)
{
    const struct fake_tensor *w = &plan->graph->work.w;

    if (fake_engine_of(plan)->greedy)
        return (size_t)1 << 40;
    return fake_workspace(w, w->dims[2] == 1 ? 0 : plan->engine);
}

int64_t fake_tell(struct fake_part *part, const struct fake_row *row, int64_t room, void *elements)
{
    int64_t bytes;

    switch (row->name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS:
        return tell_ranked(part, room, elements);
    case CUDNN_ATTR_ENGINECFG_ENGINE:
        if (room > 0) {
            void *engine;

            memcpy(&engine, elements, sizeof engine);
            fake_part_fill(row->text, engine, CUDNN_BACKEND_ENGINE_DESCRIPTOR, part->graph,
                           part->engine);
        }
        return 1;
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
        return tell_numbers(fake_engine_of(part), room, elements);
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
        return tell_behaviour(fake_engine_of(part), room, elements);
    default:
        bytes = (int64_t)fake_plan_workspace(part);
        if (room > 0)
            memcpy(elements, &bytes, sizeof bytes);
        return 1;
    }
}

/* ---- plans ---- */

cudnnStatus_t fake_finalize_plan(struct fake_part *part)
{
    const struct fake_part *configuration =
        fake_link_of(part, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, 0);

    part->graph = configuration->graph;
    part->engine = configuration->engine;
    if (fake_pointer_of(part, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, 0) !=
        fake_pointer_of(part->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, 0))
        fake_misuse("CUDNN_ATTR_EXECUTION_PLAN_HANDLE", "is not the handle of the graph");
    return fake_engine_of(part)->broken ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
}
