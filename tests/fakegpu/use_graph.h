/* use_graph.h - a plain user of cuDNN's backend: convolutions as graphs. */
#ifndef FAKEGPU_USE_GRAPH_H
#define FAKEGPU_USE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cudnn.h>

enum pass {
    FORWARD,
    TO_DATA,
    TO_FILTER
};

/* One pass of a convolution, forward with what stands behind it. */
struct job {
    enum pass pass;
    int64_t   n, c, h, w, k, side, stride, pad, dilation, groups;
    bool      half, last; /* bfloat16; channels last */
    bool      sum, bias, relu;
    float     cap;       /* above 0: of the ReLU */
    float     beta;      /* 1: added to what the output holds */
    bool      in_place;  /* the summand is the output */
    bool      keeps_nan; /* the ReLU of no number is none either */
};

/* Identifiers of tensors, and places of their memory. */
enum {
    X,
    W,
    Y,
    SUMMAND,
    BIAS,
    TENSORS
};

enum {
    PARTS = 64
};

struct plan {
    cudnnBackendDescriptor_t parts[PARTS]; /* in the order in which they were made */
    int                      n;
    cudnnBackendDescriptor_t graph, plan;
    int64_t                  workspace; /* bytes */
    bool                     fallback;  /* it was not among those that are fast */
    struct job               job;
};

/* Dimensions of x, w, y, and of what is added. */
void dims_of(const struct job *job, int tensor, int64_t dims[4]);
bool has_tensor(const struct job *job, int tensor);

/* A plan by the first engine that computes as float32 does, and repeats its sums, or by the one that is ranked so
 * (0: the best). false: there is none. */
enum {
    USABLE = -1
};
bool make_plan(struct plan *plan, cudnnHandle_t handle, const struct job *job, int engine);
void run_plan(const struct plan *plan, cudnnHandle_t handle, void *const at[TENSORS],
              void *workspace);
void end_plan(struct plan *plan);

#endif
