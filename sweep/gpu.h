/* gpu.h - the GPUs of this machine, as NVIDIA's management library tells them, and which of
 * them are fit for a sweep. No CUDA: a supervisor asks, and only executors compute.
 */
#ifndef MX_SWEEP_GPU_H
#define MX_SWEEP_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/wire.h"

enum {
    MX_GPU_UUID = 64,  /* "GPU-" or "MIG-" and 36 digits and dashes */
    MX_GPU_MODEL = 64, /* "NVIDIA H100 80GB HBM3" */
    MX_MAX_GPUS = 128, /* of a node: more are not looked at */
};

/* A GPU, or a MIG device, which is a part of one. */
struct mx_gpu {
    char     uuid[MX_GPU_UUID], model[MX_GPU_MODEL];
    char     alias[96]; /* of a MIG device: "MIG-GPU-.../3/0", as older drivers have it; or "" */
    char     card[MX_GPU_UUID]; /* of a MIG device: the UUID of its GPU; or "" */
    int      parent;            /* of a MIG device: the GPU's place in the list; -1 */
    int      index;     /* among GPUs in the order of their bus; of a MIG device its parent's */
    int      minor;     /* N of /dev/nvidiaN, by which Slurm counts; -1: not told */
    bool     divided;   /* into MIG devices: it cannot be used itself */
    bool     exclusive; /* one process at a time */
    uint64_t speed;     /* cores times clock, to compare models; 0: not told */
    uint64_t memory_bytes, memory_used;
    uint64_t ecc_errors; /* uncorrected, since the driver was loaded */
    unsigned processes;  /* that compute on it */
    double   memory_now; /* in use while the sweep runs; NaN: not told */
    double   load;       /* 0..1; NaN: not told */
    double   energy_j;   /* a counter; NaN: not told */
    char     fault[160]; /* why nothing should run on it; "" = fit */
    char     mend[160];  /* and what to do about it */
};

struct mx_gpus {
    struct mx_gpu *list; /* a divided GPU is followed by its MIG devices */
    size_t         n;
    char           driver[64]; /* version; "" without a driver */
    bool           mps;        /* its control daemon runs: mx_gpu_mps_runs() */
    int            cuda;       /* newest that the driver can do: 13000 is 13.0; 0: not told */
};

/* Look at all GPUs. `library`: NULL, or the management library's file. Returns 0; or -1 with
 * MX_EGPU, which says why there are none, or MX_ENOMEM; *gpus then is empty. */
int  mx_gpus_look(const char *library, struct mx_gpus *gpus, struct mx_err *err);
void mx_gpus_free(struct mx_gpus *gpus);

/* The UUID of the GPU that it is, or is a part of. */
const char *mx_gpu_card(const struct mx_gpu *gpu);

struct mx_nvml;

/* Load, memory and energy of GPUs now, in a list that was looked at before, or came in a message: NaN
 * for what is not told, or gone. *nvml is opened if it is not. */
void mx_gpus_update(struct mx_nvml *nvml, struct mx_gpus *gpus);

/* Append these figures to a message, and take them from one, for a list in the same order. */
void mx_gpus_put_figures(struct mx_buf *out, const struct mx_gpus *gpus);
void mx_gpus_take_figures(struct mx_wire *wire, struct mx_gpus *gpus);

/* Append to a message, and take from one: what other ranks need to know of them, UUID, model,
 * memory, faults. Returns 0; or -1 with MX_ENOMEM or, for a damaged one, MX_EINTERNAL. */
void mx_gpus_put(struct mx_buf *out, const struct mx_gpus *gpus);
int  mx_gpus_take(struct mx_wire *wire, struct mx_gpus *gpus, struct mx_err *err);

/* How MPS, by which processes share a GPU at once, stands here: the control daemon's pipe
 * folder ($CUDA_MPS_PIPE_DIRECTORY or /tmp/nvidia-mps) has the number of a living process. */
bool mx_gpu_mps_runs(void);

#endif
