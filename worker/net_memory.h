/* net_memory.h - where the arrays of a network lie in one block of memory.
 *
 * Training keeps every layer's output for the backward pass, except outputs
 * that a sum may overwrite; gradients, and in inference the outputs, share
 * places as soon as nothing needs them any more. A norm that goes into a sum has no
 * output, and gives its gradient when the sum does. Explaining is a forward and a
 * backward pass too, for the sake of the gradient of the images. Pure arithmetic, so that the
 * engine and the estimate of its memory cannot disagree.
 */
#ifndef MX_WORKER_NET_MEMORY_H
#define MX_WORKER_NET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/net.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WORKER_NOWHERE SIZE_MAX

/* Offsets in bytes from the start of the block, multiples of 64. */
struct worker_layer_memory {
    size_t   value;    /* its output; NOWHERE: absorbed */
    size_t   grad;     /* the whole gradient of its output (training) */
    size_t   parts[2]; /* where its users leave their parts of that gradient; */
    uint32_t nparts;   /* grad is one of them, or a place of its own */
    size_t   gives[2]; /* where it leaves the gradients of its inputs; NOWHERE: not wanted */
};

struct worker_memory {
    struct worker_layer_memory *layers; /* (net->nlayers), owned */
    size_t                      bytes;  /* of the whole block */
};

enum worker_memory_use {
    WORKER_INFER,
    WORKER_TRAIN,
    WORKER_EXPLAIN,
};

/* Lay out a network whose layer l has an output of bytes[l]. In training the
 * images (layer 0) lie elsewhere, and have no gradient. Returns 0, or -1 with
 * MX_ENOMEM, or MX_EINTERNAL for a layer with more than two users. */
int  worker_memory_plan(const struct worker_net *net, const size_t *bytes,
                        enum worker_memory_use use, struct worker_memory *memory,
                        struct mx_err *err);
void worker_memory_free(struct worker_memory *memory);

/* The sum into which a norm goes as one operation with it, by kernels/norm.h, so that
 * its own output is never in memory; 0: none. In training only. */
uint32_t worker_memory_absorber(const struct worker_net *net, enum worker_memory_use use,
                                uint32_t layer);

/* To which multiple a block of this size is rounded up and aligned: 64, or a
 * huge page where the block has several. */
size_t worker_memory_align(size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
