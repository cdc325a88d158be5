/* cudnn_work.h - one pass of a convolution: what both interfaces of the cuDNN stand-in fill in, and how it is
 * computed. */
#ifndef FAKEGPU_CUDNN_WORK_H
#define FAKEGPU_CUDNN_WORK_H

#include "tests/fakegpu/cudnn_parts.h"

/* One of the three passes. */
enum fake_pass {
    FAKE_FORWARD,
    FAKE_TO_DATA,
    FAKE_TO_FILTER,
    FAKE_PASSES
};

/* What factors are rounded to first. */
enum fake_rounding {
    FAKE_EXACT,
    FAKE_TO_TF32,
    FAKE_TO_HALF
};

struct fake_work {
    enum fake_pass          pass;
    struct fake_convolution convolution;
    struct fake_tensor      x, w, y;
    float                   alpha, beta;
    const void             *in, *other; /* x and w; w and dy; x and dy */
    void                   *out;
    void                   *workspace;
    size_t                  workspace_bytes;
    enum fake_rounding      rounding;  /* of float32 */
    bool                    any_order; /* every second time it adds from the other end */
    bool                    rough;     /* sums are rounded to bfloat16 on their way */

    /* What is added to a result of FAKE_FORWARD, in this order; NULL: nothing is. */
    const void        *summand, *bias;
    struct fake_tensor summand_as, bias_as; /* as y; one number a channel */
    bool               relu, keeps_nan;     /* or it becomes 0 */
    float              cap;                 /* of the ReLU, infinite if it has none */
};

/* The number of images behind the convolution, along the height (d = 0) or the width. */
int  fake_output_side(const struct fake_work *work, int d);
/* A misuse, under the names of x, w and y, unless channels, groups and sides go together. */
void fake_check_shapes(const struct fake_work *work, const char *const names[3]);
/* The same for bfloat16: channels in eights, unless each is alone. */
void fake_check_eights(const struct fake_work *work, const char *name);
/* Do it: for fake_cudnn_queue(), with a struct fake_work. */
void fake_convolve(const void *work);

#endif
