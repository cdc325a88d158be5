/* nn_onednn.h - what the files of the oneDNN backend share.
 *
 * Private to nn_onednn*.c: devices and tensors are in nn_onednn.c, operations
 * in nn_onednn_op.c, what the library runs of them in nn_onednn_pass.c, the choice of implementations in nn_onednn_choose.c. What
 * differs between oneDNN 2 and 3 is in nn_onednn_v2.c and nn_onednn_v3.c, of
 * which one is empty, whichever does not fit the headers at hand: memory
 * descriptors are plain structs in 2 and opaque in 3; primitive descriptors are
 * made in two steps in 2 and in one in 3.
 */
#ifndef KERN_NN_ONEDNN_H
#define KERN_NN_ONEDNN_H

#include <dnnl.h>

#include "kernels/nn_parts.h"

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t       kern_md;
typedef const_dnnl_memory_desc_t kern_const_md;
#else
typedef dnnl_memory_desc_t       *kern_md;
typedef const dnnl_memory_desc_t *kern_const_md;
#endif

/* A pass over an operation. BACKWARD covers it all where weights have no pass
 * of their own (pool). */
enum kern_pass {
    KERN_FORWARD,
    KERN_BACKWARD,
    KERN_BACKWARD_WEIGHTS,
    KERN_PASSES
};

/* What a primitive descriptor is made from. In the backward passes dst is the
 * gradient of dst; src (BACKWARD) or weights and bias (BACKWARD_WEIGHTS) are
 * gradients too. */
struct kern_request {
    const struct kern_op_shape *shape;
    enum kern_pass              pass;
    kern_const_md               src, weights, bias, dst;
    dnnl_dims_t                 window, stride; /* pools */
    const_dnnl_primitive_desc_t hint;           /* of the forward pass, for the others */
    const_dnnl_primitive_attr_t attr;
};

/* Padding above and left, below and right of a window. */
struct kern_padding {
    dnnl_dims_t before, after;
};
struct kern_padding kern_padding(const struct kern_op_shape *shape);

/* Make a descriptor; any: the library chooses the order, else row-major. */
dnnl_status_t kern_md_new(kern_md *md, int ndims, const dnnl_dims_t dims, bool any);
dnnl_status_t kern_md_eights(kern_md *md, const dnnl_dims_t dims); /* OIhw8i8o */
dnnl_status_t kern_md_copy(kern_md *md, kern_const_md from);
void          kern_md_free(kern_md md); /* NULL is allowed */

/* Where elements lie: strides of the dimensions in floats, in blocks of which
 * the last has `block` neighbours of dimension `blocked` (block 1: of none).
 * Returns false for any other order. */
struct kern_order {
    dnnl_dims_t strides;
    int         blocked;
    dnnl_dim_t  block;
};
bool kern_md_order(kern_const_md md, struct kern_order *order);

/* What a convolution does to its sum with the bias, forward: shape->sum, then ReLU. */
dnnl_status_t kern_post_ops(dnnl_post_ops_t ops, const struct kern_op_shape *shape);

dnnl_status_t kern_pd_new(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                          const struct kern_request *request);

/* Reports which call refused, and jumps to fail so that nothing leaks. */
#define DNN_TRY(call, err)                                                                         \
    do {                                                                                           \
        dnnl_status_t status_ = (call);                                                            \
        if (status_ != dnnl_success) {                                                             \
            kern_fail_status(err, status_, #call, __FILE__, __LINE__);                             \
            goto fail;                                                                             \
        }                                                                                          \
    } while (0)

void kern_fail_status(struct mx_err *err, dnnl_status_t status, const char *call, const char *file,
                      int line);

/* A device of oneDNN; its struct kern_nn is its beginning. */
struct dnn {
    struct kern_nn nn;
    dnnl_engine_t  engine;
    dnnl_stream_t  stream;
    void          *scratch; /* shared: operations run one after another */
    size_t         scratch_bytes;
};

static inline struct dnn *dnn_of(struct kern_nn *nn)
{
    return (struct dnn *)nn;
}

struct kern_layout {
    kern_md       md;
    dnnl_memory_t memory;
};

/* Operations, in nn_onednn_op.c; documented in nn.h. */
struct kern_op *dnn_op_new(struct kern_nn *nn, const struct kern_op_shape *shape,
                           struct kern_op_tensors *tensors, struct mx_err *err);
void            dnn_op_free(struct kern_op *op);
int             dnn_add_backward(struct kern_op *op, const struct kern_op_tensors *tensors,
                                 const struct kern_op_gradients *gradients, struct mx_err *err);
unsigned        dnn_image_reorders(const struct kern_op *op);
int             dnn_forward(struct kern_op *op, struct mx_err *err);
int             dnn_backward(struct kern_op *op, struct mx_err *err);

/* A tensor of the given order, which is copied; NULL: row-major. */
struct kern_tensor *kern_tensor_new(struct kern_nn *nn, unsigned ndims, const dnnl_dims_t dims,
                                    kern_const_md md, struct mx_err *err);

/* True if images lie in blocks of eight channels, without padding; if the weights of a
 * convolution lie in blocks of 8 x 8: as kernels/winograd.h wants them. */
bool kern_images_in_eights(const struct kern_tensor *tensor);
bool kern_weights_in_eights(const struct kern_tensor *tensor);

/* Make the scratch memory that operations share at least so large. */
int kern_reserve_scratch(struct kern_nn *nn, size_t bytes, struct mx_err *err);

/* Memory of an operation's own, zeroed, and counted by the device; NULL if
 * there is none. */
void *kern_own_memory(struct kern_nn *nn, size_t bytes);
void  kern_free_memory(struct kern_nn *nn, void *data, size_t bytes);

dnnl_status_t kern_reorder_new(dnnl_primitive_t *reorder, struct kern_nn *nn, kern_const_md from,
                               kern_const_md to);

/* Shapes of an operation's weights and output. */
struct kern_op_dims {
    dnnl_dims_t weights, dst, bias;
    unsigned    weights_ndims, dst_ndims;
};
struct kern_op_dims kern_op_dims(const struct kern_op_shape *shape, const struct kern_tensor *src);

/* The library's choice of an implementation for one pass; hint: that of the
 * forward pass, for the others. Needs tensors->src, and tensors->dst for the
 * others. The caller destroys *pd. */
int kern_choose(struct kern_nn *nn, const struct kern_op_shape *shape, enum kern_pass pass,
                const struct kern_op_tensors *tensors, const_dnnl_primitive_desc_t hint,
                dnnl_primitive_desc_t *pd, struct mx_err *err);

#endif
