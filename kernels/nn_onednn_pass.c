#include "kernels/nn_onednn_pass.h"

struct row {
    int               arg;
    enum kern_operand operand;
};

/* The arguments of each pass; one that is 0 ends the list. A pass without
 * arguments does not exist. A convolution may have no bias. */
// clang-format off
static const struct row passes[][KERN_PASSES][KERN_MAX_OPERANDS] = {
    [KERN_CONV] = {
        [KERN_FORWARD] = {{DNNL_ARG_SRC, KERN_SRC}, {DNNL_ARG_WEIGHTS, KERN_WEIGHTS}, {DNNL_ARG_BIAS, KERN_BIAS},
                          {DNNL_ARG_DST, KERN_DST}},
        [KERN_BACKWARD] = {{DNNL_ARG_WEIGHTS, KERN_WEIGHTS}, {DNNL_ARG_DIFF_DST, KERN_GRAD_DST},
                           {DNNL_ARG_DIFF_SRC, KERN_GRAD_SRC}},
        [KERN_BACKWARD_WEIGHTS] = {{DNNL_ARG_SRC, KERN_SRC}, {DNNL_ARG_DIFF_DST, KERN_GRAD_DST},
                                   {DNNL_ARG_DIFF_WEIGHTS, KERN_GRAD_WEIGHTS},
                                   {DNNL_ARG_DIFF_BIAS, KERN_GRAD_BIAS}}},
    [KERN_POOL] = {
        [KERN_FORWARD] = {{DNNL_ARG_SRC, KERN_SRC}, {DNNL_ARG_DST, KERN_DST}},
        [KERN_BACKWARD] = {{DNNL_ARG_DIFF_DST, KERN_GRAD_DST}, {DNNL_ARG_DIFF_SRC, KERN_GRAD_SRC}}},
    [KERN_MAX_POOL] = {
        [KERN_FORWARD] = {{DNNL_ARG_SRC, KERN_SRC}, {DNNL_ARG_DST, KERN_DST}},
        [KERN_BACKWARD] = {{DNNL_ARG_DIFF_DST, KERN_GRAD_DST}, {DNNL_ARG_DIFF_SRC, KERN_GRAD_SRC}}},
    [KERN_LINEAR] = {
        [KERN_FORWARD] = {{DNNL_ARG_SRC, KERN_SRC}, {DNNL_ARG_WEIGHTS, KERN_WEIGHTS}, {DNNL_ARG_BIAS, KERN_BIAS},
                          {DNNL_ARG_DST, KERN_DST}},
        [KERN_BACKWARD] = {{DNNL_ARG_WEIGHTS, KERN_WEIGHTS}, {DNNL_ARG_DIFF_DST, KERN_GRAD_DST},
                           {DNNL_ARG_DIFF_SRC, KERN_GRAD_SRC}},
        [KERN_BACKWARD_WEIGHTS] = {{DNNL_ARG_SRC, KERN_SRC}, {DNNL_ARG_DIFF_DST, KERN_GRAD_DST},
                                   {DNNL_ARG_DIFF_WEIGHTS, KERN_GRAD_WEIGHTS},
                                   {DNNL_ARG_DIFF_BIAS, KERN_GRAD_BIAS}}},
};
// clang-format on

bool kern_pass_exists(enum kern_op_kind kind, enum kern_pass pass)
{
    return passes[kind][pass][0].arg != 0;
}

static bool is_output(enum kern_operand operand)
{
    return operand == KERN_DST || operand >= KERN_GRAD_SRC;
}

/* Put a reorder between a tensor and the order in which the primitive takes it. */
static int add_port(struct kern_nn *nn, struct kern_primitive *pass, const struct row *row,
                    const struct kern_tensor *tensor, kern_const_md wanted, struct mx_err *err)
{
    struct kern_port *port = &pass->ports[pass->nports++];
    bool              output = is_output(row->operand);

    port->output = output;
    port->images = row->operand != KERN_WEIGHTS && row->operand != KERN_GRAD_WEIGHTS;
    port->bytes = dnnl_memory_desc_get_size(wanted);
    if (!(port->data = kern_own_memory(nn, port->bytes)))
        return mx_fail(err, MX_ENOMEM, "no memory to reorder a tensor of %zu bytes", port->bytes);
    DNN_TRY(dnnl_memory_create(&port->inner, wanted, dnn_of(nn)->engine, port->data), err);
    DNN_TRY(kern_reorder_new(&port->reorder, nn, output ? wanted : tensor->layout->md,
                             output ? tensor->layout->md : wanted),
            err);
    port->args[0].arg = DNNL_ARG_FROM;
    port->args[0].memory = output ? port->inner : tensor->layout->memory;
    port->args[1].arg = DNNL_ARG_TO;
    port->args[1].memory = output ? tensor->layout->memory : port->inner;
    return 0;

fail:
    return -1;
}

static int add_operand(struct kern_nn *nn, struct kern_primitive *pass,
                       const_dnnl_primitive_desc_t pd, const struct row *row,
                       const struct kern_tensor *tensor, struct mx_err *err)
{
    dnnl_memory_t memory = tensor->layout->memory;

    if (tensor->ndims > 1) { /* vectors have one order only */
        kern_const_md wanted = dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, row->arg);

        if (!dnnl_memory_desc_equal(wanted, tensor->layout->md)) {
            if (add_port(nn, pass, row, tensor, wanted, err))
                return -1;
            memory = pass->ports[pass->nports - 1].inner;
        }
    }
    pass->args[pass->nargs].arg = row->arg;
    pass->args[pass->nargs++].memory = memory;
    return 0;
}

/* Scratch is shared by all operations and as large as the largest wants. */
static int add_scratch(struct kern_nn *nn, struct kern_primitive *pass,
                       const_dnnl_primitive_desc_t pd, struct mx_err *err)
{
    kern_const_md md = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    size_t        bytes = md ? dnnl_memory_desc_get_size(md) : 0;

    if (bytes == 0)
        return 0;
    if (kern_reserve_scratch(nn, bytes, err))
        return -1;
    pass->scratch_at = dnn_of(nn)->scratch;
    DNN_TRY(dnnl_memory_create(&pass->scratch, md, dnn_of(nn)->engine, dnn_of(nn)->scratch), err);
    pass->args[pass->nargs].arg = DNNL_ARG_SCRATCHPAD;
    pass->args[pass->nargs++].memory = pass->scratch;
    return 0;

fail:
    return -1;
}

static int add_workspace(struct kern_nn *nn, struct kern_primitive *pass,
                         const_dnnl_primitive_desc_t pd, struct kern_workspace *workspace,
                         struct mx_err *err)
{
    kern_const_md md = dnnl_primitive_desc_query_md(pd, dnnl_query_workspace_md, 0);
    size_t        bytes = md ? dnnl_memory_desc_get_size(md) : 0;

    if (bytes == 0)
        return 0;
    if (!workspace->memory) {
        if (!(workspace->data = kern_own_memory(nn, bytes)))
            return mx_fail(err, MX_ENOMEM, "no memory for a workspace of %zu bytes", bytes);
        workspace->bytes = bytes;
        DNN_TRY(dnnl_memory_create(&workspace->memory, md, dnn_of(nn)->engine, workspace->data),
                err);
    }
    pass->args[pass->nargs].arg = DNNL_ARG_WORKSPACE;
    pass->args[pass->nargs++].memory = workspace->memory;
    return 0;

fail:
    return -1;
}

int kern_primitive_build(const struct kern_pass_plan *plan, struct kern_workspace *workspace,
                         struct kern_primitive *out, struct mx_err *err)
{
    const struct row *rows = passes[plan->kind][plan->pass];

    for (int r = 0; r < KERN_MAX_OPERANDS && rows[r].arg; r++) {
        const struct kern_tensor *tensor = plan->tensors[rows[r].operand];

        if (tensor && add_operand(plan->nn, out, plan->pd, &rows[r], tensor, err))
            return -1;
    }
    if (add_workspace(plan->nn, out, plan->pd, workspace, err) ||
        add_scratch(plan->nn, out, plan->pd, err))
        return -1;
    DNN_TRY(dnnl_primitive_create(&out->primitive, plan->pd), err);
    return 0;

fail:
    return -1;
}

void kern_primitive_free(struct kern_primitive *pass, struct kern_nn *nn)
{
    for (int p = 0; p < pass->nports; p++) {
        struct kern_port *port = &pass->ports[p];

        if (port->reorder)
            dnnl_primitive_destroy(port->reorder);
        if (port->inner)
            dnnl_memory_destroy(port->inner);
        kern_free_memory(nn, port->data, port->bytes);
    }
    if (pass->scratch)
        dnnl_memory_destroy(pass->scratch);
    if (pass->primitive)
        dnnl_primitive_destroy(pass->primitive);
}

void kern_workspace_free(struct kern_workspace *workspace, struct kern_nn *nn)
{
    if (workspace->memory)
        dnnl_memory_destroy(workspace->memory);
    kern_free_memory(nn, workspace->data, workspace->bytes);
}

unsigned kern_primitive_image_reorders(const struct kern_primitive *pass)
{
    unsigned reorders = 0;

    for (int p = 0; p < pass->nports; p++)
        reorders += pass->ports[p].images;
    return reorders;
}

static dnnl_status_t run_ports(struct kern_nn *nn, const struct kern_primitive *pass, bool output)
{
    dnnl_status_t status = dnnl_success;

    for (int p = 0; status == dnnl_success && p < pass->nports; p++)
        if (pass->ports[p].output == output)
            status = dnnl_primitive_execute(pass->ports[p].reorder, dnn_of(nn)->stream, 2,
                                            pass->ports[p].args);
    return status;
}

int kern_primitive_run(struct kern_primitive *pass, struct kern_nn *nn, struct mx_err *err)
{
    if (!pass->primitive)
        return 0;
    if (pass->scratch && pass->scratch_at != dnn_of(nn)->scratch) { /* it grew meanwhile */
        pass->scratch_at = dnn_of(nn)->scratch;
        DNN_TRY(dnnl_memory_set_data_handle(pass->scratch, pass->scratch_at), err);
    }
    DNN_TRY(run_ports(nn, pass, false), err);
    DNN_TRY(dnnl_primitive_execute(pass->primitive, dnn_of(nn)->stream, pass->nargs, pass->args),
            err);
    DNN_TRY(run_ports(nn, pass, true), err);
    DNN_TRY(dnnl_stream_wait(dnn_of(nn)->stream), err);
    return 0;

fail:
    return -1;
}
