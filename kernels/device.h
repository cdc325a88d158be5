/* device.h - memory of a device, and the work on its arrays that needs no operation object.
 *
 * A table of functions for each kind of device, so that the code above is written once. Large arrays lie
 * where alloc() put them; small ones, with an element an image, are the host's. Work is queued in order.
 * It cannot fail on the CPU; on a GPU the first failure is kept, and told by the next function of
 * this device or of its operations that can tell one: get(), loss functions and all of nn.h that run.
 *
 * What each function computes is documented in kernels/elementwise.h, optimizer.h and norm.h, whose
 * functions the CPU's table calls.
 */
#ifndef KERN_DEVICE_H
#define KERN_DEVICE_H

#include "base/err.h"
#include "kernels/device_maps.h"
#include "kernels/elementwise.h"
#include "kernels/norm.h"
#include "kernels/optimizer.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kern_nn;
struct kern_feed_table; /* kernels/feed.h */

/* What kern_softmax_loss() and kern_softmax_target_loss() take: y_a, y_b and lambda, or
 * targets. All but logits and gradient are the host's. */
struct kern_loss {
    const float    *logits; /* (n, classes) */
    const uint32_t *y_a, *y_b;
    const float    *lambda;  /* NULL: 1; of a sum only */
    const float    *targets; /* (n, classes); NULL: the labels say it all */
    double          smoothing;
    uint32_t        n, classes;
    bool            summed;   /* over the images, instead of their mean */
    float          *gradient; /* may be NULL */
};

/* How rows of `width` floats mix; the host's arrays of n. On a device that is not the host share NULL:
 * those that bring_rows() brought last. */
struct kern_rows {
    const float    *share;
    const uint32_t *partner;
    uint32_t        n;
    size_t          width;
};

/* The largest batch, and how many classes and channels at most. */
struct kern_expected {
    uint32_t n, classes, channels;
};

struct kern_replay; /* work that was noted */

struct kern_device {
    const char *kind; /* "cpu", "cuda" */
    bool        host; /* its memory can be read and written in place */

    /* align: a power of two, at least 64. NULL with MX_ENOMEM, which says how much was asked for
     * and was free, or MX_EGPU. What is in it is not set. release takes NULL. */
    void *(*alloc)(struct kern_nn *nn, size_t align, size_t bytes, struct mx_err *err);
    void (*release)(struct kern_nn *nn, void *memory);

    /* Memory in one allocation. After collect(), what want() is asked for, and what operations need for
     * themselves, is only added up; settle() allocates all of it and fills in the places: pointers to any type, which
     * must still be there. Elsewhere, and on the CPU, want() is alloc(). Each is released by release(), the whole
     * with the device. settle() fails as alloc() does; `expected` says what steps will need rooms for. */
    void (*collect)(struct kern_nn *nn);
    int (*want)(struct kern_nn *nn, void *place, size_t align, size_t bytes, struct mx_err *err);
    int (*settle)(struct kern_nn *nn, const struct kern_expected *expected, struct mx_err *err);

    /* From the host's memory, which can be changed at once; to the host's memory, complete on
     * return; within the device; zeros. */
    int (*put)(struct kern_nn *nn, void *to, const void *host, size_t bytes, struct mx_err *err);
    int (*get)(struct kern_nn *nn, void *host, const void *from, size_t bytes, struct mx_err *err);
    void (*copy)(struct kern_nn *nn, void *to, const void *from, size_t bytes);
    void (*zero)(struct kern_nn *nn, void *to, size_t bytes);

    void (*add)(struct kern_nn *nn, float *out, const float *a, const float *b, size_t n,
                bool relu);
    void (*relu)(struct kern_nn *nn, float *out, const float *in, size_t n, float cap);
    void (*relu_backward)(struct kern_nn *nn, float *gradient, const float *y, size_t n, float cap,
                          float drop);
    void (*dropout)(struct kern_nn *nn, float *data, size_t n, float drop, struct mx_rng rng);
    void (*add_backward)(struct kern_nn *nn, float *out, const float *a, const float *b,
                         const float *y, size_t n);
    void (*running)(struct kern_nn *nn, float *running, const float *batch, size_t n, double rate,
                    double scale);
    void (*mix_rows)(struct kern_nn *nn, float *out, const float *in, const struct kern_rows *rows);
    void (*mix_rows_backward)(struct kern_nn *nn, float *out, const float *gradient,
                              const struct kern_rows *rows);
    void (*norm_forward)(struct kern_nn *nn, const struct kern_norm_sum *sum);
    void (*norm_backward)(struct kern_nn *nn, const struct kern_norm_sum *sum,
                          const struct kern_norm_gradient *gradient);
    void (*sgd)(struct kern_nn *nn, const struct kern_sgd *sgd, float *weights,
                const float *gradient, float *buffer, size_t n);
    void (*adamw)(struct kern_nn *nn, const struct kern_adamw *adamw, float *weights,
                  const float *gradient, float *mean, float *square, size_t n);
    void (*average)(struct kern_nn *nn, float *average, const float *value, double decay, size_t n);

    /* Complete on return. */
    int (*square_sum)(struct kern_nn *nn, const float *values, size_t n, double *sum,
                      struct mx_err *err);
    int (*loss)(struct kern_nn *nn, const struct kern_loss *loss, double *value,
                struct mx_err *err);

    const struct kern_map_device *maps; /* attribution maps: kernels/device_maps.h */

    /* What follows is NULL where `host`. A step whose work does not depend on what it found: first it
     * brings what it needs of the host, last it waits and looks. loss() is these three. */
    int (*bring_loss)(struct kern_nn *nn, const struct kern_loss *loss, struct mx_err *err);
    void (*queue_loss)(struct kern_nn *nn, const struct kern_loss *loss);
    int (*tell_loss)(struct kern_nn *nn, const struct kern_loss *loss, double *value,
                     struct mx_err *err);
    int (*bring_rows)(struct kern_nn *nn, const struct kern_rows *rows, struct mx_err *err);
    /* dropout() by a generator whose last two names are now->steps; now->scale as of
     * torch.nn.utils.clip_grad_norm_(). now is the device's. */
    void (*dropout_now)(struct kern_nn *nn, float *data, size_t n, float drop, struct mx_rng rng,
                        const struct kern_now *now);
    void (*clip)(struct kern_nn *nn, const float *gradient, size_t n, double most, double epsilon,
                 struct kern_now *now);

    /* Between the two, work is noted instead of done: nothing may bring, look or allocate. note_end()
     * gives what was noted, to be queued by replay() as often as wanted; NULL with *err where that
     * is impossible, and with it the failures since note_begin() are forgotten: nothing of it was done.
     * Where a call in between failed, note_drop() forgets what was noted, and these failures, instead. */
    int (*note_begin)(struct kern_nn *nn, struct mx_err *err);
    void (*note_drop)(struct kern_nn *nn);
    struct kern_replay *(*note_end)(struct kern_nn *nn, struct mx_err *err);
    int (*replay)(struct kern_nn *nn, struct kern_replay *work, struct mx_err *err);
    void (*replay_free)(struct kern_nn *nn, struct kern_replay *work); /* NULL is allowed */

    const struct kern_feed_table *feed; /* batches made on the device; NULL: the host makes them */
};

/* The table of the device that networks' operations run on. */
const struct kern_device *kern_nn_device(const struct kern_nn *nn);

#ifdef __cplusplus
}
#endif

#endif
