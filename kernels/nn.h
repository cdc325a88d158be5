/* nn.h - the operations that networks are made of, on one device.
 *
 * A tensor is an array whose order in memory the backend chose; an operation
 * is made once for given tensors and then run as often as wanted. Operations
 * tell which order they like best, and the next one takes its input in that
 * order, so that a network runs from end to end without reordering. Where two
 * orders do not match, the operation reorders on its own.
 *
 * Memory is the caller's: tensors are made first, and given their memory with
 * kern_tensor_bind() when it is known how much all of them need. Running an
 * operation allocates nothing. Images are (n, channels, height, width).
 *
 * On the CPU this is oneDNN (docs/decisions/001-onednn-two-generations.md), on a GPU cuDNN,
 * cuBLAS and kernels of ours (docs/decisions/019-networks-on-a-gpu.md). Memory of tensors is the
 * device's: kernels/device.h.
 * Every function that can fail returns -1 or NULL with MX_EINTERNAL, or
 * MX_ENOMEM, and says which call of the library refused.
 */
#ifndef KERN_NN_H
#define KERN_NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kernels/statistics.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kern_nn;     /* a device with its queue and scratch memory */
struct kern_tensor; /* an array, see above */
struct kern_op;     /* an operation at one size */

enum {
    KERN_ALIGN = 64 /* bytes; memory given to a tensor starts at such an address */
};

/* Open the CPU with this many threads for every operation. Returns NULL with
 * *err. Operations and tensors must be released before it. */
struct kern_nn *kern_nn_new(unsigned threads, struct mx_err *err);
void            kern_nn_free(struct kern_nn *nn); /* NULL is allowed */

/* How a GPU computes. With KERN_TF32 the factors of convolutions and linear layers are rounded to 10 bits
 * behind the leading one, and their products added in float32 (docs/decisions/023-precision-of-networks.md). */
enum kern_precision {
    KERN_F32,
    KERN_TF32,
    KERN_BF16, /* images and gradients within the network are bfloat16, channels last; weights, statistics, their
                  gradients and what LINEAR makes `wide` are float32 */
};

/* Open the first visible CUDA device. repeats: only algorithms that add in a fixed order, so that
 * results have the same bits every time; else what the library thinks is fastest. Returns NULL with MX_EGPU
 * and why there is none, or MX_ENOMEM. */
struct kern_nn *kern_nn_new_cuda(enum kern_precision precision, bool repeats, struct mx_err *err);

/* The library and its version: "oneDNN 2.6.3". */
const char *kern_nn_name(const struct kern_nn *nn);

/* Bytes that operations hold for themselves: workspaces, scratch, reorders. */
size_t kern_nn_bytes(const struct kern_nn *nn);

/* A tensor in row-major order, of 1 to 5 dimensions; one with the shape and
 * order of another. Neither has memory yet. */
struct kern_tensor *kern_tensor_plain(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                      struct mx_err *err);
struct kern_tensor *kern_tensor_like(const struct kern_tensor *tensor, struct mx_err *err);

/* A tensor of images (4 dimensions) or rows (2) as operations pass them on: row-major but on a device of KERN_BF16. */
struct kern_tensor *kern_tensor_inner(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                      struct mx_err *err);
void                kern_tensor_free(struct kern_tensor *tensor); /* NULL is allowed */

/* Bytes that it needs, padding included (a multiple of four). Padding is zero
 * in every output, so elementwise work may run over all of it. */
size_t kern_tensor_bytes(const struct kern_tensor *tensor);

/* Its elements, padding included: what functions on arrays of a network count. */
size_t kern_tensor_elements(const struct kern_tensor *tensor);

/* True if element i of both arrays is the same element. */
bool kern_tensor_same_order(const struct kern_tensor *a, const struct kern_tensor *b);

/* True if the images of a tensor lie one behind the other, none in another. */
bool kern_tensor_by_image(const struct kern_tensor *tensor);

/* Where the channels of images lie. Returns 0, or -1 with MX_EINTERNAL for an order
 * that it cannot be told in. */
int kern_tensor_channels(const struct kern_tensor *tensor, struct kern_channels *where,
                         struct mx_err *err);

/* Lend memory to a tensor, for as long as it is used; read it back. */
int    kern_tensor_bind(struct kern_tensor *tensor, float *data, struct mx_err *err);
float *kern_tensor_data(const struct kern_tensor *tensor);

/* Copy between two tensors of one shape, whatever their orders. Allocates:
 * meant for filling and exporting, not for the training loop. */
int kern_tensor_copy(const struct kern_tensor *from, struct kern_tensor *to, struct mx_err *err);

/* Fill a tensor from row-major numbers in the host's memory, and the other way round; as
 * kern_tensor_copy(), and complete on return. */
int kern_tensor_write(struct kern_tensor *tensor, const float *host, struct mx_err *err);
int kern_tensor_read(const struct kern_tensor *tensor, float *host, struct mx_err *err);

enum kern_op_kind {
    KERN_CONV,     /* square window */
    KERN_NORM,     /* batch norm over n, height, width, with an optional ReLU: kernels/norm.h */
    KERN_POOL,     /* mean over a square window without padding; kernel 0: over windows that
                      make side x side of it, as kernels/pool.h does */
    KERN_MAX_POOL, /* maximum over a square window; padding is less than any value */
    KERN_LINEAR,   /* over all of channels, height, width; with bias */
};

struct kern_op_shape {
    enum kern_op_kind kind;
    bool              training;            /* a backward pass will be added */
    bool              relu;                /* NORM; CONV: after bias and sum */
    float             cap;                 /* CONV: relu is at most this, if above 0 */
    bool              sum;                 /* CONV: is added to what dst holds; not in training */
    uint32_t          channels;            /* of the output; CONV and LINEAR */
    uint32_t          kernel, stride, pad; /* CONV and pools */
    uint32_t          side;                /* POOL with kernel 0; 0: 1, over all of it */
    uint32_t          more[4];             /* padding besides: above, left, below, right */
    uint32_t          groups;              /* CONV; 0 or 1: every channel sees all of the input */
    bool              bias;                /* CONV */
    float             epsilon;             /* NORM */
    bool              wide;                /* LINEAR: dst is float32 on every device */
    bool              fixed;               /* NORM: statistics are read, not made, and constants
                                              to the backward pass */
};

/* What an operation works on. weights (CONV, LINEAR) and dst may be NULL:
 * kern_op_new() then makes them in the order it likes best, and the caller
 * owns them. A weights or dst that is given keeps its order. */
struct kern_op_tensors {
    struct kern_tensor *src;
    struct kern_tensor *weights;  /* CONV, LINEAR: (channels, in, h, w), with groups
                                    (groups, channels / groups, in / groups, h, w), a LINEAR over
                                    another (channels, in); NORM: scale (channels) */
    struct kern_tensor *bias;     /* LINEAR, CONV: (channels); NORM: shift (channels) */
    struct kern_tensor *mean;     /* NORM (channels): written unless fixed, else read */
    struct kern_tensor *variance; /* NORM (channels), biased; likewise */
    struct kern_tensor *dst;
};

/* Make an operation. What it made in *tensors before failing stays there. */
struct kern_op *kern_op_new(struct kern_nn *nn, const struct kern_op_shape *shape,
                            struct kern_op_tensors *tensors, struct mx_err *err);
void            kern_op_free(struct kern_op *op); /* NULL is allowed */

/* Gradients: dst is read, the others are written (not added to). src NULL: not
 * wanted (CONV, LINEAR only). weights and bias as in kern_op_tensors; weights
 * NULL: neither is wanted. NORM may have src and dst in the same memory. */
struct kern_op_gradients {
    struct kern_tensor *dst;
    struct kern_tensor *src;
    struct kern_tensor *weights;
    struct kern_tensor *bias;
};

/* Add the backward pass to an operation made with `tensors`. */
int kern_op_add_backward(struct kern_op *op, const struct kern_op_tensors *tensors,
                         const struct kern_op_gradients *gradients, struct mx_err *err);

/* How many images, outputs and gradients of these it copies into another order, over
 * all its passes; weights, which are small, aside. */
unsigned kern_op_image_reorders(const struct kern_op *op);

/* Run it. Every tensor must have its memory. */
int kern_op_forward(struct kern_op *op, struct mx_err *err);
int kern_op_backward(struct kern_op *op, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
