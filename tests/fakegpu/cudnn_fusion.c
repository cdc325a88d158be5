/* cuDNN's backend: graphs. One is one pass of a convolution; behind a forward pass a tensor of the result's shape may
 * be added, then one number a channel, then a ReLU taken. */
#include "tests/fakegpu/cudnn_backend.h"

#define OPS "CUDNN_ATTR_OPERATIONGRAPH_OPS"

static void place(struct fake_part *graph, enum fake_role role, const struct fake_part *tensor)
{
    graph->places[role] =
        (struct fake_place){true, fake_integer_of(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, 0),
                            (size_t)fake_integer_of(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 0)};
}

/* Of the same dimensions: whether elements lie in the same places. */
static bool lies_as(const struct fake_tensor *a, const struct fake_tensor *b)
{
    for (int d = 0; d < 4; d++)
        if (a->dims[d] > 1 && a->strides[d] != b->strides[d])
            return false;
    return true;
}

/* What an addition adds: images of the result's shape first, then a number a channel, each at most once. */
static void take_sum(struct fake_part *graph, const struct fake_part *other)
{
    struct fake_work *work = &graph->work;
    const bool        first = !graph->places[FAKE_SUMMAND].used && !graph->places[FAKE_BIAS].used;

    if (work->relu || graph->places[FAKE_BIAS].used)
        fake_misuse(OPS, "a sum stands behind a bias or a ReLU");
    if (other->tensor.type != work->x.type)
        fake_misuse(OPS, "data type %d is added, and that of the images is %d",
                    (int)other->tensor.type, (int)work->x.type);
    if (first && fake_same_dims(&other->tensor, &work->y)) {
        if (!lies_as(&other->tensor, &work->y))
            fake_misuse(OPS, "what is added does not lie as the convolution's result");
        work->summand_as = other->tensor;
        place(graph, FAKE_SUMMAND, other);
    } else if (fake_is_one_a_channel(&other->tensor, &work->y)) {
        work->bias_as = other->tensor;
        place(graph, FAKE_BIAS, other);
    } else {
        fake_misuse(OPS, "a second tensor is added that is no bias");
    }
}

/* Take up a pointwise operation behind what is there; its result. */
static const struct fake_part *take(struct fake_part *graph, const struct fake_part *operation,
                                    const struct fake_part *so_far)
{
    const struct fake_part *how =
        fake_link_of(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, 0);

    if (fake_link_of(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, 0) != so_far)
        fake_misuse(OPS, "an operation does not take the result of the one before");
    if (!fake_is_virtual(so_far))
        fake_misuse(OPS, "a result that another operation takes is not virtual");
    if (how->work.relu) {
        if (graph->work.relu)
            fake_misuse(OPS, "two ReLUs");
        graph->work.relu = true;
        graph->work.cap = how->work.cap;
        graph->work.keeps_nan = how->work.keeps_nan;
    } else {
        take_sum(graph, fake_link_of(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, 0));
    }
    return fake_link_of(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, 0);
}

/* The tensors of an operation, behind those of others in `all`; how many there are then. */
static int gather_tensors(const struct fake_part *operation, const struct fake_part **all, int n)
{
    int                    rows;
    const struct fake_row *row = fake_rows_of(operation->type, &rows);

    for (int k = 0; k < rows; k++)
        if (row[k].link == CUDNN_BACKEND_TENSOR_DESCRIPTOR &&
            fake_link_of(operation, row[k].name, 0))
            all[n++] = fake_link_of(operation, row[k].name, 0);
    return n;
}

/* The library knows tensors by their identifiers. */
static void check_identifiers(const struct fake_part *graph, int operations)
{
    const struct fake_part *all[4 * 3];
    int                     n = 0;

    for (int k = 0; k < operations; k++)
        n = gather_tensors(fake_link_of(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, k), all, n);
    for (int a = 0; a < n; a++)
        for (int b = 0; b < a; b++)
            if (all[a] != all[b] && fake_integer_of(all[a], CUDNN_ATTR_TENSOR_UNIQUE_ID, 0) ==
                                        fake_integer_of(all[b], CUDNN_ATTR_TENSOR_UNIQUE_ID, 0))
                fake_misuse(OPS, "two tensors have the identifier %lld",
                            (long long)fake_integer_of(all[a], CUDNN_ATTR_TENSOR_UNIQUE_ID, 0));
}

void fake_finalize_graph(struct fake_part *graph)
{
    const struct fake_part *first = fake_link_of(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, 0);
    const int               n = (int)fake_value_of(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS)->n;
    const struct fake_part *result;

    if (first->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
        fake_misuse(OPS, "the first is no convolution");
    graph->work = first->work;
    for (int k = 0; k < 3; k++)
        place(graph, (enum fake_role)k, fake_tensor_of_pass(first, (enum fake_role)k));
    result = fake_tensor_of_pass(first, FAKE_Y);
    for (int k = 1; k < n; k++) {
        const struct fake_part *next = fake_link_of(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, k);

        if (graph->work.pass != FAKE_FORWARD ||
            next->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
            fake_misuse(OPS, "behind a forward pass alone stand operations, pointwise ones");
        result = take(graph, next, result);
    }
    if (fake_is_virtual(result))
        fake_misuse(OPS, "the last result is virtual: it lies nowhere");
    if (result->tensor.type != graph->work.x.type)
        fake_misuse(OPS, "data type %d comes out, and that of the images is %d",
                    (int)result->tensor.type, (int)graph->work.x.type);
    if (!lies_as(&result->tensor, &graph->work.y))
        fake_misuse(OPS, "what comes out does not lie as the convolution's result");
    graph->work.y = result->tensor;
    place(graph, FAKE_Y, result);
    check_identifiers(graph, n);
}
