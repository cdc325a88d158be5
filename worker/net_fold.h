/* net_fold.h - a network as it is run where nothing is learnt.
 *
 * A convolution takes in the norm that reads it, the ReLU after that, and the
 * residual sum, if it is the last term to be made: then it adds to the other term
 * where that lies. What is left is another list of layers with the same output.
 */
#ifndef MX_WORKER_NET_FOLD_H
#define MX_WORKER_NET_FOLD_H

#include <stdint.h>

#include "base/err.h"
#include "worker/net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a layer comes from: the layer of the whole network whose parameters it has,
 * and the norm that it took in (0: none). */
struct worker_origin {
    uint32_t layer, norm;
};

struct worker_folded {
    struct worker_net     net;     /* convolutions with a norm have a bias */
    struct worker_origin *origins; /* (net.nlayers), owned */
};

/* Returns 0 and what is to be released with worker_folded_free(); or -1 with
 * MX_ENOMEM. */
int worker_net_fold(const struct worker_net *net, struct worker_folded *folded, struct mx_err *err);
void worker_folded_free(struct worker_folded *folded);

#ifdef __cplusplus
}
#endif

#endif
