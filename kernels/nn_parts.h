/* nn_parts.h - what every backend's devices, tensors and operations begin with.
 *
 * Private to kernels/. A backend embeds struct kern_nn and struct kern_op as the first
 * member of its own; a tensor has a layout where rows are not one behind the other.
 */
#ifndef KERN_NN_PARTS_H
#define KERN_NN_PARTS_H

#include "kernels/device.h"
#include "kernels/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kern_layout; /* oneDNN's description of an order */

struct kern_tensor {
    struct kern_nn     *nn;
    float              *data;
    size_t              bytes;
    unsigned            ndims;
    int64_t             dims[12]; /* as many as oneDNN's arrays have */
    struct kern_layout *layout;   /* NULL: row-major */
    bool                last;     /* CUDA: bfloat16, channels last, up to a multiple of 8 */
};

struct kern_op {
    struct kern_nn          *nn;
    struct kern_op_shape     shape;
    struct kern_op_tensors   tensors;
    struct kern_op_gradients gradients;
};

/* What nn.h declares, as a backend does it; documented there. */
struct kern_nn_table {
    void (*close)(struct kern_nn *nn);
    struct kern_tensor *(*plain)(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                 struct mx_err *err);
    struct kern_tensor *(*like)(const struct kern_tensor *tensor, struct mx_err *err);
    struct kern_tensor *(*inner)(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                 struct mx_err *err);
    void (*tensor_free)(struct kern_tensor *tensor);
    bool (*same_order)(const struct kern_tensor *a, const struct kern_tensor *b);
    bool (*by_image)(const struct kern_tensor *tensor);
    int (*channels)(const struct kern_tensor *tensor, struct kern_channels *where,
                    struct mx_err *err);
    int (*bind)(struct kern_tensor *tensor, float *data, struct mx_err *err);
    int (*copy)(const struct kern_tensor *from, struct kern_tensor *to, struct mx_err *err);
    int (*write)(struct kern_tensor *tensor, const float *host, struct mx_err *err);
    int (*read)(const struct kern_tensor *tensor, float *host, struct mx_err *err);
    struct kern_op *(*op_new)(struct kern_nn *nn, const struct kern_op_shape *shape,
                              struct kern_op_tensors *tensors, struct mx_err *err);
    void (*op_free)(struct kern_op *op);
    int (*add_backward)(struct kern_op *op, const struct kern_op_tensors *tensors,
                        const struct kern_op_gradients *gradients, struct mx_err *err);
    unsigned (*image_reorders)(const struct kern_op *op);
    int (*forward)(struct kern_op *op, struct mx_err *err);
    int (*backward)(struct kern_op *op, struct mx_err *err);
};

struct kern_nn {
    const struct kern_nn_table *table;
    const struct kern_device   *device;
    size_t                      bytes; /* that operations hold */
    unsigned                    threads;
    char                        name[64];
};

/* The CPU's table of what needs no library. */
extern const struct kern_device     kern_device_cpu;
extern const struct kern_map_device kern_maps_cpu;

#ifdef __cplusplus
}
#endif

#endif
