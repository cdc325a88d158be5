/* engine.h - a network with its optimiser, on one device.
 *
 * What the train stage needs of a network and nothing else; what it takes and gives is the host's. On the CPU it
 * stands on oneDNN with blocked layouts from end to end; every buffer is made
 * by worker_engine_new() and nothing is allocated afterwards.
 */
#ifndef MX_WORKER_ENGINE_H
#define MX_WORKER_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/batch.h"
#include "worker/device.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_engine;
struct worker_progress;
struct kern_nn;

/* Build params->model_arch for images of `shape` and at most `batch_size`
 * images at a time, with weights drawn from `init` (methods.md 0), on params->device: MX_EGPU where
 * there is none, or it fails. */
struct worker_engine *worker_engine_new(const struct worker_params *params,
                                        const struct worker_shape *shape, uint32_t batch_size,
                                        struct mx_stream init, struct mx_err *err);
void                  worker_engine_free(struct worker_engine *engine); /* NULL is allowed */

/* On a device that is not the host, the engine's room for the batch_size images of a batch, and the
 * device (if nn is not NULL): functions that take images take those that lie there without a copy.
 * NULL on the host. */
float *worker_engine_images(struct worker_engine *engine, struct kern_nn **nn);

/* One step of the optimiser on a batch at learning rate lr. *loss is the mean
 * of lambda CE(y_a) + (1 - lambda) CE(y_b), labels smoothed. Returns 0; or -1 with MX_EDIVERGED
 * if the loss is not finite, MX_EINVAL for targets of another number of classes, or
 * MX_EINTERNAL. */
int worker_engine_step(struct worker_engine *engine, const struct worker_batch *batch, double lr,
                       double *loss, struct mx_err *err);

/* Of the last step, worker_batch_hits() of what the network made of its batch
 * before it learned from it. */
double worker_engine_hits(const struct worker_engine *engine);

/* Say once, if it is so, that steps on a GPU are not replayed as one graph, and why one could not be noted:
 * they are slower then, and have the same bits. */
void worker_engine_tell(struct worker_engine *engine, const struct worker_progress *progress);

/* Make ready for batches of n images. Without it, the first step of another
 * size than batch_size does so itself: the only time that a step allocates.
 * Four sizes are kept at a time. */
int worker_engine_prepare(struct worker_engine *engine, uint32_t n, struct mx_err *err);

/* Returns 0 if every weight and running statistic is finite; else -1 with
 * MX_EDIVERGED that names the tensor. A ReLU can hide a NaN from the loss. */
int worker_engine_check(const struct worker_engine *engine, struct mx_err *err);

/* Bytes held: state, activations, and what the operations hold for themselves. */
size_t worker_engine_bytes(const struct worker_engine *engine);

/* Logits (n, classes) in eval mode (running statistics), for any n; with
 * params->train_ema, of the averaged weights and statistics. An image has the
 * same bits alone and in company. */
int worker_engine_infer(struct worker_engine *engine, const float *images, uint32_t n,
                        float *logits, struct mx_err *err);

/* What the last linear layer gets: numbers an image (channels, height and width of
 * the layer before it, as one row), and these numbers for n images, (n, dims), under
 * the same conditions as worker_engine_infer(). */
uint32_t worker_engine_feature_dims(const struct worker_engine *engine);
int      worker_engine_features(struct worker_engine *engine, const float *images, uint32_t n,
                                float *features, struct mx_err *err);

/* That layer's weights (classes, dims) and biases (classes), row-major: those that
 * are scored, as in worker_engine_export(). */
int worker_engine_head(struct worker_engine *engine, float *weights, float *biases,
                       struct mx_err *err);

/* The gradient of sum_i CE(labels[i]) by the images, (n, channels, height, width),
 * in eval mode (running statistics), for 1 <= n <= batch_size. Only of an engine
 * whose params ask for it by their strategy. An image has the same bits alone
 * and in company; memory that the gradient shares with the images is allowed. */
int worker_engine_image_gradient(struct worker_engine *engine, const float *images,
                                 const uint32_t *labels, uint32_t n, float *gradient,
                                 struct mx_err *err);

/* The network as named tensors with torchvision's names, in plain row-major
 * order: parameters, then running_mean and running_var; with params->train_ema
 * the averages, once there has been a step. */
struct worker_tensor {
    char     name[64];
    uint32_t ndims, dims[4];
    float   *data; /* owned by the array they came in */
};
size_t worker_engine_parameter_count(const struct worker_engine *engine); /* trainable scalars */
int    worker_engine_export(struct worker_engine *engine, struct worker_tensor **tensors,
                            size_t *count, struct mx_err *err);
void   worker_tensors_free(struct worker_tensor *tensors, size_t count);

/* What the next step depends on, as one block where it lies: weights, running
 * statistics, the optimiser's means, the moving average; and the count of steps.
 * Written back as they were, in an engine of the same order, training goes on
 * as it would have. Lent. Takes as long as drawing the weights. */
struct worker_engine_memory {
    void     *data;
    size_t    bytes;
    uint64_t *steps;
    uint64_t  order; /* names the places of the elements and the library that chose them */
};
int worker_engine_memory(struct worker_engine *engine, struct worker_engine_memory *memory,
                         struct mx_err *err);

/* On a device whose memory is not the host's, that block is a copy: bring it up to date before it
 * is read; let the engine have it after it was written. Elsewhere they do nothing. */
int worker_engine_memory_take(struct worker_engine              *engine,
                              const struct worker_engine_memory *memory, struct mx_err *err);
int worker_engine_memory_give(struct worker_engine              *engine,
                              const struct worker_engine_memory *memory, struct mx_err *err);

/* What training costs, without building anything: floating-point operations a
 * training image (forward and backward), bytes of one executor at this batch
 * size (weights, activations, workspace, data set aside), trainable scalars. */
struct worker_cost {
    double   train_flop, infer_flop;
    uint64_t memory_bytes, parameters;
    uint32_t features; /* as worker_engine_feature_dims() */
};
int worker_engine_cost(const struct worker_params *params, const struct worker_shape *shape,
                       struct worker_cost *cost, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
