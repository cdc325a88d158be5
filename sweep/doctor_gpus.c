/* doctor_gpus.c - GPUs: driver, libraries, each card and what is wrong with it. */
#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kern.h"
#include "sweep/doctor.h"
#include "sweep/gpu_choice.h"

/* How a library tells its version. */
enum telling {
    TELLS_BY_POINTER, /* int f(int *version), 0 if it did */
    TELLS_DIRECTLY,   /* size_t f(void) */
};

struct library {
    const char  *name;
    const char  *files[4]; /* the newest first */
    const char  *call;
    enum telling telling;
    int          major, minor; /* what stands for one of them in the number */
};

static const struct library libraries[] = {
    {"CUDA runtime",
     {"libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0"},
     "cudaRuntimeGetVersion",
     TELLS_BY_POINTER,
     1000,
     10},
    {"cuDNN", {"libcudnn.so.9", "libcudnn.so.8"}, "cudnnGetVersion", TELLS_DIRECTLY, 10000, 100},
    {"NCCL", {"libnccl.so.2"}, "ncclGetVersion", TELLS_BY_POINTER, 10000, 100},
};

/* The version that a loaded library tells; 0 if it does not. */
static int ask_library(void *library, const struct library *kind)
{
    void *address = dlsym(library, kind->call);
    int   version = 0;

    if (!address)
        return 0;
    if (kind->telling == TELLS_DIRECTLY) {
        size_t (*call)(void);

        memcpy(&call, &address, sizeof call);
        return (int)call();
    } else {
        int (*call)(int *);

        memcpy(&call, &address, sizeof call);
        return call(&version) == 0 ? version : 0;
    }
}

/* Versions before cuDNN 9 count thousands, not ten thousands. */
static void tell_version(const struct library *kind, const char *file, int version,
                         struct mx_doctor_check *check)
{
    const int major = kind->telling == TELLS_DIRECTLY && version < 10000 ? 1000 : kind->major;

    if (version > 0)
        snprintf(check->text, sizeof check->text, "%d.%d (%s)", version / major,
                 version % major / kind->minor, file);
    else
        snprintf(check->text, sizeof check->text, "%s is there and tells no version", file);
}

static void look_at_library(struct mx_doctor *doctor, const struct library *kind, bool gpus)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, kind->name);

    for (size_t k = 0; k < 4 && kind->files[k]; k++) {
        void *library = dlopen(kind->files[k], RTLD_LAZY | RTLD_LOCAL);

        if (library) {
            tell_version(kind, kind->files[k], ask_library(library, kind), check);
            dlclose(library);
            return;
        }
    }
    check->health = MX_HEALTH_ABSENT;
    snprintf(check->text, sizeof check->text, "not installed: only sweeps on GPUs would use it");
    if (gpus)
        snprintf(check->hint, sizeof check->hint,
                 "install it, or add its folder to LD_LIBRARY_PATH, for sweeps on these GPUs");
}

/* "NVIDIA H100 80GB HBM3, 81559 MiB, GPU-...", and what is wrong, if anything is. */
static void look_at_gpu(struct mx_doctor *doctor, const struct mx_gpu *gpu, const char *name,
                        bool chosen)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, name);
    size_t                  n;

    n = (size_t)snprintf(check->text, sizeof check->text, "%s", gpu->model);
    if (gpu->memory_bytes > 0)
        n += (size_t)snprintf(check->text + n, sizeof check->text - n, ", %" PRIu64 " MiB",
                              gpu->memory_bytes >> 20);
    if (isfinite(gpu->load))
        n += (size_t)snprintf(check->text + n, sizeof check->text - n, ", %.0f %% busy",
                              100 * gpu->load);
    n += (size_t)snprintf(check->text + n, sizeof check->text - n, ", %s%s%s", gpu->uuid,
                          gpu->exclusive ? ", for one process at a time" : "",
                          chosen || gpu->divided ? "" : "; hidden from sweeps by the environment");
    if (gpu->divided)
        snprintf(check->text + n, sizeof check->text - n,
                 ", divided: sweeps use its MIG devices, each as a GPU");
    if (!gpu->fault[0])
        return;
    check->health = MX_HEALTH_WARN;
    snprintf(check->text + n, sizeof check->text - n, "; left out: %s", gpu->fault);
    snprintf(check->hint, sizeof check->hint, "%s", gpu->mend);
}

static void look_at_list(struct mx_doctor *doctor, const struct mx_gpus *gpus,
                         const unsigned *chosen, size_t nchosen)
{
    for (size_t k = 0, part = 0; k < gpus->n; k++) {
        const struct mx_gpu *gpu = &gpus->list[k];
        bool                 is_chosen = false;
        char                 name[32];

        for (size_t c = 0; c < nchosen; c++)
            is_chosen |= chosen[c] == k;
        part = gpu->parent < 0 ? 0 : part + 1;
        if (part > 0)
            snprintf(name, sizeof name, "GPU %d.%zu", gpu->index, part - 1);
        else
            snprintf(name, sizeof name, "GPU %d", gpu->index);
        look_at_gpu(doctor, gpu, name, is_chosen);
    }
}

/* What sweeps make of it all. */
static void sum_up(struct mx_doctor_check *check, const struct mx_gpus *gpus,
                   const unsigned *chosen, size_t nchosen, const char *why)
{
    struct mx_err err = {0};
    size_t        fit = 0;

    for (size_t c = 0; c < nchosen; c++)
        fit += !gpus->list[chosen[c]].fault[0];
    snprintf(check->text, sizeof check->text, "%zu of %zu can be used; MPS %s%s%.200s", fit,
             nchosen, gpus->mps ? "runs" : "does not run", why[0] ? ". " : "", why);
    if (fit < nchosen || nchosen == 0)
        check->health = MX_HEALTH_WARN;
    if (fit < nchosen)
        snprintf(check->hint, sizeof check->hint, "the lines of the GPUs say what to do");
    if (!kern_cuda(&err)) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->hint, sizeof check->hint, "sweeps run on the CPU: %.250s", err.text);
    } else if (nchosen == 0) {
        snprintf(check->hint, sizeof check->hint,
                 "see CUDA_VISIBLE_DEVICES, and what Slurm gave to the job (--gres, --gpus)");
    }
}

static void without_gpus(struct mx_doctor_check *gpu, struct mx_doctor_check *driver,
                         const struct mx_err *err)
{
    gpu->health = driver->health = MX_HEALTH_ABSENT;
    snprintf(gpu->text, sizeof gpu->text, "no GPU is seen: sweeps run on the CPU");
    snprintf(driver->text, sizeof driver->text, "%.390s", err->text);
}

void mx_doctor_gpus(struct mx_doctor *doctor)
{
    const struct mx_gpu_environment environment = mx_gpu_environment();
    struct mx_doctor_check         *gpu = mx_doctor_add(doctor, "GPU");
    struct mx_doctor_check         *driver = mx_doctor_add(doctor, "GPU driver");
    struct mx_gpus                  gpus;
    struct mx_err                   err = {0};
    struct mx_buf                   why = {0};
    unsigned                        chosen[MX_MAX_GPUS];
    size_t                          n;
    const bool                      there = mx_gpus_look(NULL, &gpus, &err) == 0;

    if (there) {
        n = mx_gpu_choose(&gpus, &environment, chosen, MX_MAX_GPUS, &why);
        snprintf(driver->text, sizeof driver->text, "%s, for CUDA up to %d.%d", gpus.driver,
                 gpus.cuda / 1000, gpus.cuda % 1000 / 10);
        sum_up(gpu, &gpus, chosen, n, mx_buf_str(&why));
        gpu->text[strcspn(gpu->text, "\n")] = '\0';
        look_at_list(doctor, &gpus, chosen, n);
        mx_gpus_free(&gpus);
    } else {
        without_gpus(gpu, driver, &err);
    }
    mx_buf_free(&why);
    for (size_t k = 0; k < sizeof libraries / sizeof libraries[0]; k++)
        look_at_library(doctor, &libraries[k], there);
}
