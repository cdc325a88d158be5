/* naive_layers.h - the operations of networks by definition: double precision,
 * plain loops, row-major arrays. */
#ifndef MX_NAIVE_LAYERS_H
#define MX_NAIVE_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

/* A convolution of (n, in, height, width) by (out, in, kernel, kernel). */
struct naive_conv {
    uint32_t n, in, height, width, out, kernel, stride, pad;
    uint32_t out_height, out_width;
    uint32_t groups;  /* the input's channels are shared out over them */
    uint32_t more[4]; /* padding besides: above, left, below, right */
};

/* One group and the same padding all round; naive_conv_pad() changes that. */
struct naive_conv naive_conv_shape(uint32_t n, uint32_t in, uint32_t height, uint32_t width,
                                   uint32_t out, uint32_t kernel, uint32_t stride, uint32_t pad);
void              naive_conv_pad(struct naive_conv *shape, uint32_t groups, const uint32_t more[4]);
void naive_conv_forward(const struct naive_conv *shape, const double *x, const double *w,
                        double *y);
/* Weights are (out, in / groups, kernel, kernel). Gradients are added to dx and dw. */
void naive_conv_backward(const struct naive_conv *shape, const double *x, const double *w,
                         const double *dy, double *dx, double *dw);

/* Mean or maximum (the first in raster order of equal ones) over windows; `in` counts
 * the channels, `out` is not used. Padding holds no value. */
void naive_pool_forward(const struct naive_conv *shape, bool max, const double *x, double *y);
void naive_pool_backward(const struct naive_conv *shape, bool max, const double *x,
                         const double *dy, double *dx);

/* Mean over windows that share out planes of height x width: row i of out_height is the mean
 * of rows floor(i height / out_height) to ceil((i + 1) height / out_height) - 1, columns
 * likewise. `planes`: images x channels. The gradient is added to dx. */
struct naive_share {
    uint32_t planes, height, width, out_height, out_width;
};
void naive_share_forward(const struct naive_share *shape, const double *x, double *y);
void naive_share_backward(const struct naive_share *shape, const double *dy, double *dx);

/* Batch norm of (n, channels, size), y = max(0, .) if relu. Training takes mean
 * and (biased) variance from x and writes them; else they are read. */
struct naive_norm {
    uint32_t n, channels, size;
    bool     training, relu;
    double   epsilon;
};

void naive_norm_forward(const struct naive_norm *shape, const double *x, const double *scale,
                        const double *shift, double *mean, double *variance, double *y);
/* Of training; y as the forward pass left it. Adds to dx, dscale, dshift. */
void naive_norm_backward(const struct naive_norm *shape, const double *x, const double *y,
                         const double *scale, const double *mean, const double *variance,
                         const double *dy, double *dx, double *dscale, double *dshift);

/* (n, in) by (out, in), plus bias (out). Gradients are added. */
void naive_linear_forward(uint32_t n, uint32_t in, uint32_t out, const double *x, const double *w,
                          const double *bias, double *y);
void naive_linear_backward(uint32_t n, uint32_t in, uint32_t out, const double *x, const double *w,
                           const double *dy, double *dx, double *dw, double *dbias);

#endif
