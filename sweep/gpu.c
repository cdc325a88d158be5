#include "sweep/gpu.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/nvml.h"

enum {
    MOST_PROCESSES = 64 /* on one GPU: more are counted as so many */
};

/* Memory that an idle GPU may have in use: the driver's own, and a desktop's. */
static const uint64_t idle_bytes = (uint64_t)1 << 30;
static const double   idle_share = 0.02;

static const double joules = 1e-3; /* of a millijoule */

static void set_fault(struct mx_gpu *gpu, const char *mend, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The first fault counts. */
static void set_fault(struct mx_gpu *gpu, const char *mend, const char *fmt, ...)
{
    va_list args;

    if (gpu->fault[0])
        return;
    va_start(args, fmt);
    vsnprintf(gpu->fault, sizeof gpu->fault, fmt, args);
    va_end(args);
    snprintf(gpu->mend, sizeof gpu->mend, "%s", mend);
}

/* What a call's number says of the GPU as a whole. */
static void judge_answer(struct mx_gpu *gpu, int rc)
{
    if (rc == MX_NVML_GPU_IS_LOST)
        set_fault(gpu, "restart the machine; if it happens again, the card or its seat is bad",
                  "it has fallen off the bus");
    else if (rc == MX_NVML_RESET_REQUIRED)
        set_fault(gpu, "end what runs on it, then nvidia-smi --gpu-reset", "it needs a reset");
}

static void look_at_memory(const struct mx_nvml *nvml, mx_nvml_device device, struct mx_gpu *gpu)
{
    struct mx_nvml_memory memory = {0};
    int                   rc = nvml->memory(device, &memory);

    judge_answer(gpu, rc);
    gpu->memory_bytes = memory.total;
    gpu->memory_used = memory.used;
    if (rc != MX_NVML_SUCCESS)
        set_fault(gpu, "nvidia-smi tells more", "its memory cannot be asked for (error %d)", rc);
}

static void look_at_errors(const struct mx_nvml *nvml, mx_nvml_device device, struct mx_gpu *gpu)
{
    unsigned long long errors = 0;
    unsigned           corrected, uncorrected, pending = 0, failed = 0;

    if (nvml->ecc_errors &&
        nvml->ecc_errors(device, MX_NVML_UNCORRECTED, MX_NVML_VOLATILE, &errors) == MX_NVML_SUCCESS)
        gpu->ecc_errors = errors;
    if (gpu->ecc_errors > 0)
        set_fault(gpu,
                  "end what runs on it, then nvidia-smi --gpu-reset; if errors come back, "
                  "have the card replaced",
                  "%" PRIu64 " uncorrected memory error%s (ECC) since the driver was loaded",
                  gpu->ecc_errors, gpu->ecc_errors == 1 ? "" : "s");
    if (!nvml->remapped_rows ||
        nvml->remapped_rows(device, &corrected, &uncorrected, &pending, &failed) != MX_NVML_SUCCESS)
        return;
    if (failed)
        set_fault(gpu, "have the card replaced", "bad rows of its memory could not be remapped");
    if (pending)
        set_fault(gpu, "end what runs on it, then nvidia-smi --gpu-reset",
                  "bad rows of its memory wait for a reset to be remapped");
}

/* The server of MPS computes for whoever connects to it: being there, it takes nothing. */
static bool is_mps_server(unsigned pid)
{
    static const char name[] = "nvidia-cuda-mps"; /* all that comm has of nvidia-cuda-mps-server */
    char              path[32];
    struct mx_buf     text = {0};
    bool              is;

    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    is = mx_file_read(path, 64, &text, NULL) == 0 &&
         strncmp(mx_buf_str(&text), name, sizeof name - 1) == 0;
    mx_buf_free(&text);
    return is;
}

/* " (4711 with 300 MiB)", as far as it is told. */
static void tell_process(const struct mx_nvml_process *process, char text[64])
{
    if (process->used == ~0ULL)
        snprintf(text, 64, " (%u)", process->pid);
    else
        snprintf(text, 64, " (%u with %llu MiB)", process->pid, process->used >> 20);
}

/* Whoever computes here, or holds memory, is not us: nothing of ours runs yet. Of more processes than there is room
 * for only their number is told. */
static void look_at_others(const struct mx_nvml *nvml, mx_nvml_device device, struct mx_gpu *gpu)
{
    static const char elsewhere[] = "end that process, or hide the GPU with CUDA_VISIBLE_DEVICES";
    struct mx_nvml_process list[MOST_PROCESSES] = {{0}};
    unsigned               n = MOST_PROCESSES;
    int                    rc = nvml->processes ? nvml->processes(device, &n, list) : -1;
    char                   first[64] = "";

    if (rc == MX_NVML_SUCCESS || rc == MX_NVML_INSUFFICIENT_SIZE)
        gpu->processes = n;
    for (unsigned k = 0; rc == MX_NVML_SUCCESS && k < gpu->processes;)
        if (is_mps_server(list[k].pid))
            list[k] = list[--gpu->processes];
        else
            k++;
    if (gpu->processes > 0 && rc == MX_NVML_SUCCESS)
        tell_process(&list[0], first);
    if (gpu->processes > 0)
        set_fault(gpu, elsewhere, "%u other process%s on it%s", gpu->processes,
                  gpu->processes == 1 ? " computes" : "es compute", first);
    else if ((double)gpu->memory_used > (double)idle_bytes + idle_share * (double)gpu->memory_bytes)
        set_fault(gpu,
                  "see with nvidia-smi who holds it (in a container: outside), or hide the GPU "
                  "with CUDA_VISIBLE_DEVICES",
                  "%" PRIu64 " of its %" PRIu64 " MiB are in use by others", gpu->memory_used >> 20,
                  gpu->memory_bytes >> 20);
}

static void look_at_mode(const struct mx_nvml *nvml, mx_nvml_device device, struct mx_gpu *gpu)
{
    int mode = 0;

    if (!nvml->compute_mode || nvml->compute_mode(device, &mode) != MX_NVML_SUCCESS)
        return;
    gpu->exclusive = mode == MX_NVML_COMPUTE_EXCLUSIVE;
    if (mode == MX_NVML_COMPUTE_PROHIBITED)
        set_fault(gpu, "nvidia-smi --compute-mode=DEFAULT", "its mode forbids computing");
}

/* Figures that change, and that not every card has. */
static void look_at_figures(const struct mx_nvml *nvml, mx_nvml_device device, struct mx_gpu *gpu)
{
    struct mx_nvml_utilization share;
    unsigned long long         millijoules;
    unsigned                   cores, clock;

    gpu->load = gpu->energy_j = NAN;
    if (nvml->utilization && nvml->utilization(device, &share) == MX_NVML_SUCCESS)
        gpu->load = share.gpu / 100.0;
    if (nvml->energy && nvml->energy(device, &millijoules) == MX_NVML_SUCCESS)
        gpu->energy_j = (double)millijoules * joules;
    if (nvml->cores && nvml->clock && nvml->cores(device, &cores) == MX_NVML_SUCCESS &&
        nvml->clock(device, MX_NVML_CLOCK_SM, &clock) == MX_NVML_SUCCESS)
        gpu->speed = (uint64_t)cores * clock;
}

static void copy_names(const struct mx_nvml *nvml, mx_nvml_device device, struct mx_gpu *gpu)
{
    char text[MX_NVML_TEXT] = "";
    int  rc = nvml->uuid(device, text, sizeof text);

    judge_answer(gpu, rc);
    snprintf(gpu->uuid, sizeof gpu->uuid, "%.*s", MX_GPU_UUID - 1, text);
    text[0] = '\0';
    judge_answer(gpu, nvml->name(device, text, sizeof text));
    snprintf(gpu->model, sizeof gpu->model, "%.*s", MX_GPU_MODEL - 1, text[0] ? text : "GPU");
    if (rc != MX_NVML_SUCCESS)
        set_fault(gpu, "nvidia-smi tells more", "its UUID cannot be asked for (error %d)", rc);
}

/* What is asked of a GPU and of a MIG device alike. */
static void look_at_device(const struct mx_nvml *nvml, mx_nvml_device device, struct mx_gpu *gpu)
{
    copy_names(nvml, device, gpu);
    look_at_memory(nvml, device, gpu);
    look_at_errors(nvml, device, gpu);
    look_at_mode(nvml, device, gpu);
    look_at_figures(nvml, device, gpu);
}

static struct mx_gpu *add(struct mx_gpus *gpus, struct mx_err *err)
{
    struct mx_gpu *grown = realloc(gpus->list, (gpus->n + 1) * sizeof *grown);

    if (!grown) {
        mx_fail(err, MX_ENOMEM, "no memory for a list of GPUs");
        return NULL;
    }
    gpus->list = grown;
    grown[gpus->n] =
        (struct mx_gpu){.parent = -1, .minor = -1, .memory_now = NAN, .load = NAN, .energy_j = NAN};
    return &grown[gpus->n++];
}

/* The MIG devices of the last GPU of the list. A fault of the whole is one of each part. */
static int add_parts(const struct mx_nvml *nvml, mx_nvml_device device, struct mx_gpus *gpus,
                     struct mx_err *err)
{
    const size_t parent = gpus->n - 1;
    unsigned     most = 0;

    nvml->mig_count(device, &most);
    for (unsigned k = 0; k < most && gpus->n < MX_MAX_GPUS; k++) {
        mx_nvml_device part;
        struct mx_gpu *gpu;
        unsigned       instance = 0, compute = 0;

        if (nvml->mig_device(device, k, &part) != MX_NVML_SUCCESS)
            continue; /* a slot without a device */
        if (!(gpu = add(gpus, err)))
            return -1;
        gpu->parent = (int)parent;
        memcpy(gpu->card, gpus->list[parent].uuid, sizeof gpu->card);
        gpu->index = gpus->list[parent].index;
        gpu->minor = gpus->list[parent].minor;
        memcpy(gpu->fault, gpus->list[parent].fault, sizeof gpu->fault);
        memcpy(gpu->mend, gpus->list[parent].mend, sizeof gpu->mend);
        look_at_device(nvml, part, gpu);
        look_at_others(nvml, part, gpu);
        if (nvml->gpu_instance && nvml->compute_instance &&
            nvml->gpu_instance(part, &instance) == MX_NVML_SUCCESS &&
            nvml->compute_instance(part, &compute) == MX_NVML_SUCCESS)
            snprintf(gpu->alias, sizeof gpu->alias, "MIG-%s/%u/%u", gpus->list[parent].uuid,
                     instance, compute);
    }
    return 0;
}

static int add_gpu(const struct mx_nvml *nvml, unsigned place, int index, struct mx_gpus *gpus,
                   struct mx_err *err)
{
    mx_nvml_device device = NULL;
    unsigned       minor, current = 0, pending;
    int            rc = nvml->device(place, &device);
    struct mx_gpu *gpu;

    if (!(gpu = add(gpus, err)))
        return -1;
    gpu->index = index;
    if (rc != MX_NVML_SUCCESS) {
        snprintf(gpu->uuid, sizeof gpu->uuid, "GPU %d", index);
        snprintf(gpu->model, sizeof gpu->model, "GPU");
        judge_answer(gpu, rc);
        set_fault(gpu, "nvidia-smi tells more", "it does not answer (error %d)", rc);
        return 0;
    }
    if (nvml->minor && nvml->minor(device, &minor) == MX_NVML_SUCCESS)
        gpu->minor = (int)minor;
    look_at_device(nvml, device, gpu);
    if (nvml->mig_mode && nvml->mig_count && nvml->mig_device &&
        nvml->mig_mode(device, &current, &pending) == MX_NVML_SUCCESS && current != 0) {
        gpu->divided = true;
        return add_parts(nvml, device, gpus, err);
    }
    look_at_others(nvml, device, gpu);
    return 0;
}

/* GPUs that a job's control group hides count for nothing, as they do for CUDA. */
static int add_all(const struct mx_nvml *nvml, struct mx_gpus *gpus, struct mx_err *err)
{
    unsigned n = 0;
    int      rc = nvml->count(&n), index = 0;

    if (rc != MX_NVML_SUCCESS)
        return mx_fail(err, MX_EGPU, "the NVIDIA driver does not count its GPUs (error %d)", rc);
    for (unsigned k = 0; k < n && gpus->n < MX_MAX_GPUS; k++) {
        mx_nvml_device device;

        if (nvml->device(k, &device) == MX_NVML_NO_PERMISSION)
            continue;
        if (add_gpu(nvml, k, index++, gpus, err))
            return -1;
    }
    return gpus->n > 0 ? 0
                       : mx_fail(err, MX_EGPU,
                                 "the NVIDIA driver knows of no GPU that this "
                                 "process may use");
}

int mx_gpus_look(const char *library, struct mx_gpus *gpus, struct mx_err *err)
{
    struct mx_nvml nvml;
    char           version[MX_NVML_TEXT] = "";
    int            rc;

    *gpus = (struct mx_gpus){.list = NULL};
    if (mx_nvml_open(library, &nvml, err))
        return -1;
    nvml.driver_version(version, sizeof version);
    snprintf(gpus->driver, sizeof gpus->driver, "%.*s", (int)sizeof gpus->driver - 1, version);
    nvml.cuda_version(&gpus->cuda);
    gpus->mps = mx_gpu_mps_runs();
    rc = add_all(&nvml, gpus, err);
    mx_nvml_close(&nvml);
    if (rc)
        mx_gpus_free(gpus);
    return rc;
}

/* One that did not answer when it was looked at has a name of ours. */
static bool has_uuid(const struct mx_gpu *gpu)
{
    return strncmp(gpu->uuid, "GPU-", 4) == 0 || strncmp(gpu->uuid, "MIG-", 4) == 0;
}

void mx_gpus_update(struct mx_nvml *nvml, struct mx_gpus *gpus)
{
    const bool there = nvml->library || mx_nvml_open(NULL, nvml, NULL) == 0;

    for (size_t k = 0; k < gpus->n; k++) {
        struct mx_gpu        *gpu = &gpus->list[k];
        struct mx_nvml_memory memory;
        mx_nvml_device        device;

        gpu->memory_now = gpu->load = gpu->energy_j = NAN;
        if (!there || !nvml->device_by_uuid || !has_uuid(gpu) ||
            nvml->device_by_uuid(gpu->uuid, &device) != MX_NVML_SUCCESS)
            continue;
        if (nvml->memory(device, &memory) == MX_NVML_SUCCESS)
            gpu->memory_now = (double)memory.used;
        look_at_figures(nvml, device, gpu);
    }
}

void mx_gpus_put_figures(struct mx_buf *out, const struct mx_gpus *gpus)
{
    for (size_t k = 0; k < gpus->n; k++) {
        mx_put_real(out, gpus->list[k].memory_now);
        mx_put_real(out, gpus->list[k].load);
        mx_put_real(out, gpus->list[k].energy_j);
    }
}

void mx_gpus_take_figures(struct mx_wire *wire, struct mx_gpus *gpus)
{
    for (size_t k = 0; k < gpus->n && wire->at < wire->end; k++) {
        gpus->list[k].memory_now = mx_take_real(wire);
        gpus->list[k].load = mx_take_real(wire);
        gpus->list[k].energy_j = mx_take_real(wire);
    }
}

const char *mx_gpu_card(const struct mx_gpu *gpu)
{
    return gpu->card[0] ? gpu->card : gpu->uuid;
}

void mx_gpus_free(struct mx_gpus *gpus)
{
    free(gpus->list);
    gpus->list = NULL;
    gpus->n = 0;
}

void mx_gpus_put(struct mx_buf *out, const struct mx_gpus *gpus)
{
    mx_put_u32(out, gpus ? (uint32_t)gpus->n : 0);
    mx_put_u8(out, gpus && gpus->mps);
    for (size_t k = 0; gpus && k < gpus->n; k++) {
        const struct mx_gpu *gpu = &gpus->list[k];

        mx_put_text(out, gpu->uuid);
        mx_put_text(out, gpu->card);
        mx_put_text(out, gpu->model);
        mx_put_text(out, gpu->fault);
        mx_put_text(out, gpu->mend);
        mx_put_u64(out, gpu->memory_bytes);
        mx_put_u8(out, gpu->exclusive);
    }
}

int mx_gpus_take(struct mx_wire *wire, struct mx_gpus *gpus, struct mx_err *err)
{
    const uint32_t n = mx_take_u32(wire);

    *gpus = (struct mx_gpus){.list = NULL};
    gpus->mps = mx_take_u8(wire) != 0;
    if (n > MX_MAX_GPUS)
        return mx_fail(err, MX_EINTERNAL, "a list of %u GPUs", (unsigned)n);
    for (uint32_t k = 0; k < n; k++) {
        struct mx_gpu *gpu = add(gpus, err);

        if (!gpu)
            return -1;
        mx_take_text(wire, gpu->uuid, sizeof gpu->uuid);
        mx_take_text(wire, gpu->card, sizeof gpu->card);
        mx_take_text(wire, gpu->model, sizeof gpu->model);
        mx_take_text(wire, gpu->fault, sizeof gpu->fault);
        mx_take_text(wire, gpu->mend, sizeof gpu->mend);
        gpu->memory_bytes = mx_take_u64(wire);
        gpu->exclusive = mx_take_u8(wire) != 0;
    }
    return 0;
}

bool mx_gpu_mps_runs(void)
{
    const char   *folder = getenv("CUDA_MPS_PIPE_DIRECTORY");
    char          path[4096];
    struct mx_buf text = {0};
    long          pid = 0;

    snprintf(path, sizeof path, "%.4000s/nvidia-cuda-mps-control.pid",
             folder && *folder ? folder : "/tmp/nvidia-mps");
    if (mx_file_read(path, 64, &text, NULL) == 0)
        pid = strtol(mx_buf_str(&text), NULL, 10);
    mx_buf_free(&text);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}
