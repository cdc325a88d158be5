/* nn_cuda.h - what the files of the CUDA backend share.
 *
 * Private to *_cuda.c: device, memory and tensors are in nn_cuda.c, operations in nn_cuda_op.c and
 * nn_cuda_conv.c (plans of cuDNN in plan_cuda.c), work without an operation in device_cuda.c, one allocation for all in arena_cuda.c, graphs in replay_cuda.c, the loss in loss_cuda.c, norms in norm_cuda.c. Tensors are row-major. All work goes to one stream.
 */
#ifndef KERN_NN_CUDA_H
#define KERN_NN_CUDA_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include "kernels/bf16_args.h"
#include "kernels/nn_parts.h"

/* One allocation for all that was asked for while it was collecting. */
struct cuda_arena {
    char             *memory;
    size_t            bytes;
    struct cuda_want *wants;
    size_t            nwants, room; /* of wants */
    bool              collecting;
    void             *kept[64]; /* rooms that became too small */
    size_t            nkept;
};

/* Its struct kern_nn is its beginning. */
struct cuda {
    struct kern_nn      nn;
    struct kern_device  on; /* nn's table */
    cudaStream_t        stream;
    cudnnHandle_t       dnn;
    cublasHandle_t      blas;
    void               *blas_room;     /* its workspace: with it, results repeat */
    void               *scratch;       /* shared: operations run one after another */
    size_t              scratch_bytes; /* workspaces of convolutions */
    void               *vectors;       /* of norms: what blocks found, what is made of a channel */
    size_t              vectors_bytes;
    void               *rows; /* small arrays of the host's, and what is made of an image */
    size_t              rows_bytes;
    void               *mixing; /* shares and partners, where rows mix */
    size_t              mixing_bytes;
    void               *squares; /* sums of squares */
    size_t              squares_bytes;
    void               *halves; /* KERN_BF16: sums of norms and biases */
    size_t              halves_bytes;
    void               *copies; /* KERN_BF16: of the operation that runs */
    size_t              copies_bytes;
    struct cuda_arena   arena;
    struct kern_plan   *plans; /* of convolutions (plan_cuda.h) */
    enum kern_precision precision;
    bool                repeats; /* algorithms whose sums have a fixed order alone */
    bool                noting;  /* the stream is being captured */
    struct mx_err       failed;  /* the first failure of work that cannot tell one; code 0: none */
};

static inline struct cuda *cuda_of(struct kern_nn *nn)
{
    return (struct cuda *)nn;
}

extern const struct kern_device     kern_device_cuda;
extern const struct kern_feed_table kern_feed_cuda;
extern const struct kern_map_device kern_maps_cuda; /* device_cuda_maps.c */

/* Turn a status of each library into *err; 0 if it is none. `call` is what was called. */
int kern_cuda_check(cudaError_t status, const char *call, const char *file, int line,
                    struct mx_err *err);
int kern_cudnn_check(cudnnStatus_t status, const char *call, const char *file, int line,
                     struct mx_err *err);
int kern_cublas_check(cublasStatus_t status, const char *call, const char *file, int line,
                      struct mx_err *err);

/* Call; on failure go to `fail`, which must be there. */
#define CUDA_TRY(call, err)                                                                        \
    do {                                                                                           \
        if (kern_cuda_check((call), #call, __FILE__, __LINE__, err))                               \
            goto fail;                                                                             \
    } while (0)
#define DNN_TRY(call, err)                                                                         \
    do {                                                                                           \
        if (kern_cudnn_check((call), #call, __FILE__, __LINE__, err))                              \
            goto fail;                                                                             \
    } while (0)
#define BLAS_TRY(call, err)                                                                        \
    do {                                                                                           \
        if (kern_cublas_check((call), #call, __FILE__, __LINE__, err))                             \
            goto fail;                                                                             \
    } while (0)

/* Keep the first failure of a launch. */
void kern_launched(struct cuda *cuda, int status, const char *kernel);

/* Launch kernel NAME with its arguments. */
#define LAUNCH(cuda, name, args)                                                                   \
    kern_launched(cuda, kern_launch_##name(args, (cuda)->stream), #name)

/* 0, or -1 with the failure that was kept. */
int kern_tell_failure(const struct cuda *cuda, struct mx_err *err);

/* Memory of the device; NULL with *err. */
void *kern_cuda_alloc(struct cuda *cuda, size_t bytes, struct mx_err *err);
void  kern_cuda_release(struct cuda *cuda, void *memory);

/* Memory as kern_device's want() gives it; the arena's functions of that table (arena_cuda.c). */
int kern_cuda_want(struct kern_nn *nn, void *place, size_t align, size_t bytes, struct mx_err *err);
void kern_cuda_collect(struct kern_nn *nn);
int  kern_cuda_settle(struct kern_nn *nn, const struct kern_expected *expected, struct mx_err *err);

void kern_cuda_arena_free(struct cuda *cuda);

/* Bytes of the rooms that a loss and a sum of norms need. */
size_t kern_cuda_loss_bytes(size_t n, size_t targets);
size_t kern_cuda_norm_bytes(size_t channels);
size_t kern_cuda_rows_bytes(size_t n);
size_t kern_cuda_squares_bytes(void);

/* The loss, of that table (loss_cuda.c). */
int  kern_cuda_bring_loss(struct kern_nn *nn, const struct kern_loss *loss, struct mx_err *err);
void kern_cuda_queue_loss(struct kern_nn *nn, const struct kern_loss *loss);
int  kern_cuda_tell_loss(struct kern_nn *nn, const struct kern_loss *loss, double *value,
                         struct mx_err *err);
int  kern_cuda_loss(struct kern_nn *nn, const struct kern_loss *loss, double *value,
                    struct mx_err *err);

/* Sums of norms, of that table (norm_cuda.c). */
void kern_cuda_norm_forward(struct kern_nn *nn, const struct kern_norm_sum *sum);
void kern_cuda_norm_backward(struct kern_nn *nn, const struct kern_norm_sum *sum,
                             const struct kern_norm_gradient *gradient);

/* Notes of work, of that table (replay_cuda.c). */
int                 kern_cuda_note_begin(struct kern_nn *nn, struct mx_err *err);
void                kern_cuda_note_drop(struct kern_nn *nn);
struct kern_replay *kern_cuda_note_end(struct kern_nn *nn, struct mx_err *err);
int  kern_cuda_replay(struct kern_nn *nn, struct kern_replay *work, struct mx_err *err);
void kern_cuda_replay_free(struct kern_nn *nn, struct kern_replay *work);

/* The workspace of cuBLAS, with which results repeat, if it has none yet. */
int kern_cuda_blas_room(struct cuda *cuda, struct mx_err *err);

/* Make a room at least so large; what was in it is lost, though its memory stays until the end. */
int kern_cuda_room(struct cuda *cuda, void **room, size_t *have, size_t bytes, struct mx_err *err);

/* What an operation copies in bfloat16: its bytes, 0 where there is none. */
struct cuda_halves {
    struct kern_bf16_filters filters;
    uint32_t                 groups, all;       /* all filters, those that are more included */
    size_t                   weights, gradient; /* of them: bfloat16 of a CONV, else float32 */
    size_t src, src_gradient; /* where they are float32 or to be padded unevenly */
    size_t dst_gradient;      /* of a dst that is float32 */
    size_t bias;              /* of a CONV */
};

/* Where these copies are while the operation runs; NULL where there is none. */
struct cuda_copies {
    void *weights, *gradient, *src, *src_gradient, *dst_gradient, *bias;
};

/* An operation; its struct kern_op is its beginning. The rest is of convolutions. */
struct cuda_op {
    struct kern_op               op;
    cudnnTensorDescriptor_t      x, y;
    cudnnFilterDescriptor_t      w;
    cudnnConvolutionDescriptor_t conv;
    const struct kern_plan      *plans[3]; /* of its passes; NULL: by calls with descriptors */
    float                       *padded;   /* CONV with more padding on some sides: src with it */
    float                       *padded_grad;
    size_t                       padded_bytes;
    uint32_t                     height, width; /* of what is convolved */
    struct cuda_halves           halves;        /* KERN_BF16 */
};

/* Elements of a point: channels, and those that are more. */
static inline uint32_t kern_cuda_width(const struct kern_tensor *tensor)
{
    const uint32_t channels = (uint32_t)tensor->dims[1];

    return tensor->last ? (channels + KERN_EIGHT - 1) / KERN_EIGHT * KERN_EIGHT : channels;
}

/* Whether a convolution has padding on some sides only. */
bool kern_cuda_is_uneven(const struct kern_op_shape *shape);

/* How cuDNN may compute in the precision of a device. */
cudnnMathType_t kern_cuda_math(const struct cuda *cuda);

/* Convolutions: what the functions of an operation do for them. */
int  kern_cuda_conv_new(struct cuda_op *op, struct mx_err *err);
int  kern_cuda_conv_add_backward(struct cuda_op *op, struct mx_err *err);
int  kern_cuda_conv_forward(struct cuda_op *op, struct mx_err *err);
int  kern_cuda_conv_backward(struct cuda_op *op, struct mx_err *err);
void kern_cuda_conv_free(struct cuda_op *op);

/* In bfloat16: what convolutions and linear layers hold besides (bf16_op_cuda.c); linear layers and pools. */
int  kern_cuda_bf16_prepare(struct cuda_op *op, struct mx_err *err);
int  kern_cuda_bf16_prepare_backward(struct cuda_op *op, struct mx_err *err);
int  kern_cuda_bf16_linear_forward(struct cuda_op *op, struct mx_err *err);
int  kern_cuda_bf16_linear_backward(struct cuda_op *op, struct mx_err *err);
void kern_cuda_bf16_pool(const struct cuda_op *op, bool backward);

/* What both do around a product: from src and weights in float32, and back to their gradients; bias and ReLU;
 * the gradient of the bias. */
struct cuda_copies kern_cuda_bf16_copies(const struct cuda_op *op);
void               kern_cuda_bf16_bring(const struct cuda_op *op, bool src, bool weights);
void               kern_cuda_bf16_bring_bias(const struct cuda_op *op);
void               kern_cuda_bf16_give_src(const struct cuda_op *op);
void               kern_cuda_bf16_give_weights(const struct cuda_op *op);
void               kern_cuda_bf16_finish(const struct cuda_op *op);
void               kern_cuda_bf16_sum_bias(const struct cuda_op *op);

/* How images of these dimensions (two: rows) lie in float32, row-major, and in bfloat16, channels last; copies of `images`
 * from one to the other. */
struct kern_bf16_between kern_cuda_between(const struct kern_tensor *tensor);
void kern_cuda_narrow(struct cuda *cuda, const float *in, void *out, size_t images,
                      const struct kern_bf16_between *of);
void kern_cuda_widen(struct cuda *cuda, const void *in, float *out, size_t images,
                     const struct kern_bf16_between *of);

/* Functions of kernels/device.h for images in bfloat16 (bf16_cuda.c); bytes of their room; sums over points
 * of (points, channels). */
void   kern_cuda_bf16_functions(struct kern_device *device);
size_t kern_cuda_bf16_bytes(size_t channels);
void kern_cuda_bf16_channel_sum(struct cuda *cuda, const float *x, size_t points, uint32_t channels,
                                float *sum);

/* Rows that mix, where the host's arrays were brought; false, having kept why, if they could not be. */
bool kern_cuda_rows(struct kern_nn *nn, float *out, const float *in, const struct kern_rows *rows,
                    struct kern_mix_rows_args *args);

/* Bias and ReLU behind a product; the gradient of the bias. */
void kern_cuda_finish(const struct cuda_op *op);
void kern_cuda_sum_bias(const struct cuda_op *op);

/* Operations; documented in nn.h. */
struct kern_op *kern_cuda_op_new(struct kern_nn *nn, const struct kern_op_shape *shape,
                                 struct kern_op_tensors *tensors, struct mx_err *err);
void            kern_cuda_op_free(struct kern_op *op);
int             kern_cuda_add_backward(struct kern_op *op, const struct kern_op_tensors *tensors,
                                       const struct kern_op_gradients *gradients, struct mx_err *err);
int             kern_cuda_forward(struct kern_op *op, struct mx_err *err);
int             kern_cuda_backward(struct kern_op *op, struct mx_err *err);

#endif
