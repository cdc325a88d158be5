/* cuDNN's backend: descriptors, whose attributes are set, finalised and asked for. */
#include <string.h>

#include "tests/fakegpu/cudnn_backend.h"

_Static_assert(sizeof(struct fake_part) <= FAKE_OBJECT, "a part is an object");

/* ---- parts ---- */

static struct fake_part *part_of_any(const char *argument, const void *descriptor)
{
    return fake_object(argument, descriptor, FAKE_BACKEND);
}

static const char *name_of(const struct fake_part *part)
{
    return fake_part_name((int)part->type);
}

static bool is_operation(cudnnBackendDescriptorType_t type)
{
    return type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ||
           type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ||
           type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR ||
           type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR;
}

struct fake_part *fake_part_of(const char *argument, const void *descriptor, int type)
{
    struct fake_part *part = part_of_any(argument, descriptor);

    if (type == FAKE_ANY_OPERATION ? !is_operation(part->type) : (int)part->type != type)
        fake_misuse(argument, "is %s, not %s", name_of(part), fake_part_name(type));
    if (!part->final)
        fake_misuse(argument, "is %s that was not finalised", fake_part_name(type));
    return part;
}

const struct fake_value *fake_value_of(const struct fake_part     *part,
                                       cudnnBackendAttributeName_t name)
{
    int                      n;
    const struct fake_row   *first = fake_rows_of(part->type, &n);
    const struct fake_value *value = &part->values[fake_row_of(part->type, name) - first];

    return value->n > 0 ? value : NULL;
}

int64_t fake_integer_of(const struct fake_part *part, cudnnBackendAttributeName_t name, int k)
{
    const struct fake_value *value = fake_value_of(part, name);
    const size_t             size = fake_element_size(fake_row_of(part->type, name)->type);
    int64_t                  wide = 0;
    int32_t                  narrow = 0;

    if (!value)
        return 0;
    if (size == sizeof wide) {
        memcpy(&wide, value->bytes + (size_t)k * size, size);
        return wide;
    }
    memcpy(&narrow, value->bytes + (size_t)k * size, size);
    return narrow;
}

struct fake_part *fake_link_of(const struct fake_part *part, cudnnBackendAttributeName_t name,
                               int k)
{
    const struct fake_value *value = fake_value_of(part, name);
    struct fake_part        *link = NULL;

    if (value)
        memcpy(&link, value->bytes + (size_t)k * sizeof link, sizeof link);
    return link;
}

const void *fake_pointer_of(const struct fake_part *part, cudnnBackendAttributeName_t name, int k)
{
    return (const void *)(uintptr_t)fake_integer_of(part, name, k);
}

void fake_part_fill(const char *argument, void *descriptor, cudnnBackendDescriptorType_t type,
                    struct fake_part *graph, int engine)
{
    struct fake_part *part = part_of_any(argument, descriptor);

    if (part->type != type)
        fake_misuse(argument, "is %s, not %s", name_of(part), fake_part_name((int)type));
    if (part->final)
        fake_misuse(argument, "is %s that was filled before", fake_part_name((int)type));
    part->final = true;
    part->graph = graph;
    part->engine = engine;
    graph->held++;
}

/* Count those that the elements of an attribute refer to, once more or once less. */
static void hold(const struct fake_part *part, const struct fake_row *row, int by)
{
    const struct fake_value *value = fake_value_of(part, row->name);

    if (row->type != CUDNN_TYPE_BACKEND_DESCRIPTOR || !value)
        return;
    for (int k = 0; k < (int)value->n; k++)
        fake_link_of(part, row->name, k)->held += by;
}

/* ---- making and ending ---- */

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t    *descriptor)
{
    struct fake_part *part;

    (void)fake_enter("cudnnBackendCreateDescriptor");
    if (!fake_part_name((int)type))
        fake_misuse("descriptorType", "%d is none that this project uses", (int)type);
    fake_check_host("descriptor", descriptor, sizeof(void *));
    part = fake_object_new(FAKE_BACKEND);
    part->type = type;
    *descriptor = part;
    return fake_cudnn_leave(cudaSuccess);
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    struct fake_part      *part;
    const struct fake_row *row;
    int                    n;

    (void)fake_enter("cudnnBackendDestroyDescriptor");
    part = part_of_any("descriptor", descriptor);
    if (part->held > 0)
        fake_misuse("descriptor", "is %s that %d living descriptors refer to", name_of(part),
                    part->held);
    row = fake_rows_of(part->type, &n);
    for (int k = 0; k < n; k++)
        hold(part, &row[k], -1);
    if (part->type == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR ||
        part->type == CUDNN_BACKEND_ENGINE_DESCRIPTOR)
        if (part->graph)
            part->graph->held--;
    fake_object_free(part);
    return fake_cudnn_leave(cudaSuccess);
}

/* ---- setting and asking ---- */

static const struct fake_row *row_of(const struct fake_part *part, cudnnBackendAttributeName_t name,
                                     cudnnBackendAttributeType_t type)
{
    const struct fake_row *row = fake_row_of(part->type, name);

    if (!row)
        fake_misuse("attributeName", "%d is none of %s that this project uses", (int)name,
                    name_of(part));
    if (row->type != type)
        fake_misuse(row->text, "is set or asked for as type %d, and has type %d", (int)type,
                    (int)row->type);
    return row;
}

/* Handles and descriptors among the elements that are set. */
static void check_elements(const struct fake_row *row, int64_t n, const void *elements)
{
    for (int64_t k = 0; k < n; k++) {
        void *element;

        if (row->type != CUDNN_TYPE_HANDLE && row->type != CUDNN_TYPE_BACKEND_DESCRIPTOR)
            return;
        memcpy(&element, (const char *)elements + (size_t)k * sizeof element, sizeof element);
        if (row->type == CUDNN_TYPE_HANDLE)
            (void)fake_object(row->text, element, FAKE_CUDNN);
        else
            (void)fake_part_of(row->text, element, row->link);
    }
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t    descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void *elements)
{
    struct fake_part      *part;
    struct fake_value     *value;
    const struct fake_row *row;
    int                    n;

    (void)fake_enter("cudnnBackendSetAttribute");
    part = part_of_any("descriptor", descriptor);
    row = row_of(part, name, type);
    if (row->use == FAKE_TOLD)
        fake_misuse(row->text, "is the library's to tell");
    if (part->final)
        fake_misuse("descriptor", "is %s that was finalised: nothing more can be set",
                    name_of(part));
    if (count < row->least || count > row->most)
        fake_misuse(row->text, "%lld elements, not %d to %d", (long long)count, row->least,
                    row->most);
    fake_check_host("arrayOfElements", elements, (size_t)count * fake_element_size(type));
    check_elements(row, count, elements);
    hold(part, row, -1);
    value = &part->values[row - fake_rows_of(part->type, &n)];
    value->n = count;
    memcpy(value->bytes, elements, (size_t)count * fake_element_size(type));
    hold(part, row, 1);
    return fake_cudnn_leave(cudaSuccess);
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t    name,
                                       cudnnBackendAttributeType_t type, int64_t room,
                                       int64_t *count, void *elements)
{
    struct fake_part      *part;
    const struct fake_row *row;

    (void)fake_enter("cudnnBackendGetAttribute");
    part = part_of_any("descriptor", descriptor);
    row = row_of(part, name, type);
    if (row->use != FAKE_TOLD)
        fake_misuse(row->text, "is set by this project, which does not ask for it");
    if (!part->final)
        fake_misuse("descriptor", "is %s that was not finalised: nothing is known of it yet",
                    name_of(part));
    if (room < 0)
        fake_misuse("requestedElementCount", "%lld is below 0", (long long)room);
    fake_check_host("elementCount", count, sizeof *count);
    if (room > 0)
        fake_check_host("arrayOfElements", elements, (size_t)room * fake_element_size(type));
    *count = fake_tell(part, row, room, elements);
    return fake_cudnn_leave(fake_sticking());
}

/* ---- finalising ---- */

static cudnnStatus_t finalize(struct fake_part *part)
{
    switch (part->type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
        fake_finalize_tensor(part);
        break;
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
        fake_finalize_windows(part);
        break;
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
        fake_finalize_pointwise(part);
        break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
        fake_finalize_convolution(part, FAKE_FORWARD);
        break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
        fake_finalize_convolution(part, FAKE_TO_DATA);
        break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
        fake_finalize_convolution(part, FAKE_TO_FILTER);
        break;
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
        fake_finalize_operation(part);
        break;
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
        fake_finalize_graph(part);
        break;
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
        fake_finalize_heuristic(part);
        break;
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
        return fake_finalize_plan(part);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
        fake_finalize_pack(part);
        break;
    default:
        fake_misuse("descriptor", "is %s, which the library fills", name_of(part));
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    struct fake_part      *part;
    const struct fake_row *row;
    cudnnStatus_t          status;
    int                    n;

    (void)fake_enter("cudnnBackendFinalize");
    part = part_of_any("descriptor", descriptor);
    if (part->final)
        fake_misuse("descriptor", "is %s that was finalised before", name_of(part));
    row = fake_rows_of(part->type, &n);
    for (int k = 0; k < n; k++)
        if (row[k].use == FAKE_NEEDED && part->values[k].n == 0)
            fake_misuse(row[k].text, "was never set");
    status = finalize(part);
    part->final = status == CUDNN_STATUS_SUCCESS;
    if (status == CUDNN_STATUS_SUCCESS)
        return fake_cudnn_leave(fake_sticking());
    (void)fake_leave(cudaSuccess);
    return status;
}
