/* gpu_choice.h - which GPUs a process may use, by what its environment says.
 *
 * A pure function of a list of GPUs and some variables: CUDA's own rules for
 * CUDA_VISIBLE_DEVICES, and Slurm's variables where that is not set. Executors are then
 * given UUIDs, so that what CUDA makes of the same variables does not matter.
 */
#ifndef MX_SWEEP_GPU_CHOICE_H
#define MX_SWEEP_GPU_CHOICE_H

#include <stddef.h>

#include "sweep/gpu.h"

/* Variables; NULL: not set. */
struct mx_gpu_environment {
    const char *cuda_visible_devices;
    const char *cuda_device_order;
    const char *gpu_device_ordinal; /* as CUDA_VISIBLE_DEVICES; Slurm sets both */
    const char *slurm_step_gpus;    /* numbers of /dev/nvidiaN, of the node's own count */
    const char *slurm_job_gpus;
};

/* Those of this process. */
struct mx_gpu_environment mx_gpu_environment(void);

/* Write the places in gpus->list of what may be used, at most `room`, in the order that the
 * variables ask for, to chosen; returns how many. Appends to *why a line for everything that
 * is odd: a number that ends the list, models that differ where CUDA's order is not known.
 *
 * CUDA_VISIBLE_DEVICES is a list of numbers, or of UUIDs that may be cut short as long as
 * they mean one, all of GPUs or all of MIG devices. The first entry that is none of these
 * ends the list; one that comes twice, an empty text and "NoDevFiles" mean no GPU at all.
 * Numbers count GPUs in the order of their bus, but that the fastest comes first unless
 * CUDA_DEVICE_ORDER is PCI_BUS_ID. A GPU that is divided stands for all of its MIG devices.
 * Without it GPU_DEVICE_ORDINAL counts, then Slurm's lists, unless a control group hides
 * GPUs already; without any, all GPUs. GPUs with faults are chosen as the others are. */
size_t mx_gpu_choose(const struct mx_gpus *gpus, const struct mx_gpu_environment *environment,
                     unsigned *chosen, size_t room, struct mx_buf *why);

/* Look at the GPUs of this machine, and keep those that this process may use, with their
 * faults. As mx_gpus_look(); if the environment leaves none, MX_EGPU says by which variable. */
int mx_gpus_of_process(struct mx_gpus *gpus, struct mx_buf *why, struct mx_err *err);

/* The number of this process among those of its node, by what its launcher told it
 * (OMPI_COMM_WORLD_LOCAL_RANK, SLURM_LOCALID and others, asked for with get()); -1: not told. */
int mx_gpu_local_rank(const char *(*get)(const char *name));

#endif
