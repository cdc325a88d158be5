/* Each function hands on to the backend that made its device. */
#include "kernels/nn_parts.h"

void kern_nn_free(struct kern_nn *nn)
{
    if (nn)
        nn->table->close(nn);
}

const char *kern_nn_name(const struct kern_nn *nn)
{
    return nn->name;
}

size_t kern_nn_bytes(const struct kern_nn *nn)
{
    return nn->bytes;
}

const struct kern_device *kern_nn_device(const struct kern_nn *nn)
{
    return nn->device;
}

struct kern_tensor *kern_tensor_plain(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                      struct mx_err *err)
{
    return nn->table->plain(nn, ndims, dims, err);
}

struct kern_tensor *kern_tensor_like(const struct kern_tensor *tensor, struct mx_err *err)
{
    return tensor->nn->table->like(tensor, err);
}

struct kern_tensor *kern_tensor_inner(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                      struct mx_err *err)
{
    return nn->table->inner(nn, ndims, dims, err);
}

void kern_tensor_free(struct kern_tensor *tensor)
{
    if (tensor)
        tensor->nn->table->tensor_free(tensor);
}

size_t kern_tensor_bytes(const struct kern_tensor *tensor)
{
    return tensor->bytes;
}

size_t kern_tensor_elements(const struct kern_tensor *tensor)
{
    return tensor->bytes / (tensor->last ? sizeof(uint16_t) : sizeof(float));
}

bool kern_tensor_same_order(const struct kern_tensor *a, const struct kern_tensor *b)
{
    return a->nn->table->same_order(a, b);
}

bool kern_tensor_by_image(const struct kern_tensor *tensor)
{
    return tensor->nn->table->by_image(tensor);
}

int kern_tensor_channels(const struct kern_tensor *tensor, struct kern_channels *where,
                         struct mx_err *err)
{
    return tensor->nn->table->channels(tensor, where, err);
}

int kern_tensor_bind(struct kern_tensor *tensor, float *data, struct mx_err *err)
{
    return tensor->nn->table->bind(tensor, data, err);
}

float *kern_tensor_data(const struct kern_tensor *tensor)
{
    return tensor->data;
}

int kern_tensor_copy(const struct kern_tensor *from, struct kern_tensor *to, struct mx_err *err)
{
    return from->nn->table->copy(from, to, err);
}

int kern_tensor_write(struct kern_tensor *tensor, const float *host, struct mx_err *err)
{
    return tensor->nn->table->write(tensor, host, err);
}

int kern_tensor_read(const struct kern_tensor *tensor, float *host, struct mx_err *err)
{
    return tensor->nn->table->read(tensor, host, err);
}

struct kern_op *kern_op_new(struct kern_nn *nn, const struct kern_op_shape *shape,
                            struct kern_op_tensors *tensors, struct mx_err *err)
{
    return nn->table->op_new(nn, shape, tensors, err);
}

void kern_op_free(struct kern_op *op)
{
    if (op)
        op->nn->table->op_free(op);
}

int kern_op_add_backward(struct kern_op *op, const struct kern_op_tensors *tensors,
                         const struct kern_op_gradients *gradients, struct mx_err *err)
{
    return op->nn->table->add_backward(op, tensors, gradients, err);
}

unsigned kern_op_image_reorders(const struct kern_op *op)
{
    return op->nn->table->image_reorders(op);
}

int kern_op_forward(struct kern_op *op, struct mx_err *err)
{
    return op->nn->table->forward(op, err);
}

int kern_op_backward(struct kern_op *op, struct mx_err *err)
{
    return op->nn->table->backward(op, err);
}
