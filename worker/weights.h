/* weights.h - a network's first weights from a file (model.weights).
 *
 * Names are torchvision's (efficientnet_lite0: timm's), shapes must be those of the
 * network. Only the last layer may differ in its number of classes, or be missing:
 * it then keeps the weights that were drawn.
 */
#ifndef MX_WORKER_WEIGHTS_H
#define MX_WORKER_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "worker/engine.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Size and XXH3-64 of a file, as one number. Returns 0, or -1 with MX_EDATA where
 * it cannot be read. */
int worker_weights_fingerprint(const char *path, uint64_t *fingerprint, struct mx_err *err);

/* Decide model.stem auto by the first convolution in model.weights (vgg11_bn: by
 * its last layer), where there is a file and it tells; else leave it auto, for
 * worker_net_build() to decide by size. Returns 0, or -1 with MX_EDATA. */
int worker_weights_stem(struct worker_params *params, struct mx_err *err);

/* Fill a network that has just been made from params->model_weights. Which tensors
 * the file does not give is appended to *note, one line, if any. With `whole` they
 * are an error. Returns 0; or -1 with MX_EDATA (not such a file, a tensor that is
 * missing, of another shape, not finite, or unknown) or MX_ENOMEM, and the
 * network is good for nothing. */
int worker_weights_load(struct worker_engine *engine, const struct worker_params *params,
                        bool whole, struct mx_buf *note, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
