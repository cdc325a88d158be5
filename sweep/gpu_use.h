/* gpu_use.h - what a stage, a trial or a sweep took of GPUs: time and energy. */
#ifndef MX_SWEEP_GPU_USE_H
#define MX_SWEEP_GPU_USE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/wire.h"

/* A zeroed one is that of a CPU. Executors that share a GPU at a time share its time, too: two
 * that compute on it for an hour took half an hour each. */
struct mx_gpu_use {
    bool   known; /* it ran on a GPU */
    double seconds;
    double energy_j; /* NaN: no meter told it */
};

/* Add to a sum: its energy is that of all that told theirs, NaN while none has. */
void mx_gpu_use_add(struct mx_gpu_use *sum, const struct mx_gpu_use *use);

/* The same for the parts of one thing: its energy is known only if that of each part is. */
void mx_gpu_use_join(struct mx_gpu_use *whole, const struct mx_gpu_use *part);

/* Its hours, and its energy, NaN if it is none of a GPU. */
double mx_gpu_use_hours(const struct mx_gpu_use *use);
double mx_gpu_use_energy_j(const struct mx_gpu_use *use);

/* Append for people: "1.3 GPU hours, 0.42 kWh"; nothing if it is none of a GPU. */
void mx_gpu_use_text(const struct mx_gpu_use *use, struct mx_buf *out);

/* Append to, and take from, the body of a frame. */
void mx_gpu_use_put(struct mx_buf *out, const struct mx_gpu_use *use);
void mx_gpu_use_take(struct mx_wire *wire, struct mx_gpu_use *use);

#endif
