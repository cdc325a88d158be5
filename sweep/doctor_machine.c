/* doctor_machine.c - processor, memory, limits, folders. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sweep/capacity.h"
#include "sweep/doctor.h"
#include "sweep/machine.h"
#include "worker/image_cache.h"

enum {
    FEW_FILES = 1024 /* descriptors: rank 0 holds a few for each executor of its node */
};

static const double gib = 1024.0 * 1024 * 1024;
static const double little_memory = 1, little_disk = 1, little_shared = 1.0 / 16; /* GiB */

static void look_at_cpus(struct mx_doctor *doctor, const struct mx_capacity *capacity)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "processor");
    struct mx_machine       machine;

    mx_machine_look(&machine);
    snprintf(check->text, sizeof check->text, "%s (%s), %s; %u CPUs usable by this process%s",
             machine.cpu[0] ? machine.cpu : "of a model that is not told", machine.architecture,
             machine.isa[0] ? machine.isa : "no AVX", mx_capacity_cpus(capacity),
             capacity->quota_cpus > 0 && capacity->quota_cpus < capacity->affinity_cpus
                 ? " (limited by its control group)"
                 : "");
    if (!machine.isa[0] && strcmp(machine.architecture, "x86_64") == 0) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->hint, sizeof check->hint,
                 "networks train several times slower without AVX: is it switched off in a virtual "
                 "machine?");
    }
}

static void look_at_memory(struct mx_doctor *doctor, const struct mx_capacity *capacity)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "memory");
    const double            free_gib = (double)capacity->memory_bytes / gib;

    snprintf(check->text, sizeof check->text, "%.1f GiB free", free_gib);
    if (free_gib < little_memory) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->hint, sizeof check->hint,
                 "mixsweep plan CONFIG tells what an executor needs; fewer executors: --workers");
    }
}

static void look_at_files(struct mx_doctor *doctor)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "open files");
    struct rlimit           limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = 0;
    if (limit.rlim_cur == RLIM_INFINITY)
        snprintf(check->text, sizeof check->text, "without a limit");
    else
        snprintf(check->text, sizeof check->text, "at most %llu for each process",
                 (unsigned long long)limit.rlim_cur);
    if (limit.rlim_cur < FEW_FILES) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->hint, sizeof check->hint, "ulimit -n %d, before many executors are started",
                 4 * FEW_FILES);
    }
}

/* Limits that end a process in the middle of its work. */
static void look_at_limits(struct mx_doctor *doctor)
{
    static const struct {
        int         limit;
        const char *what, *undo;
    } limits[] = {{RLIMIT_CPU, "CPU time", "-t"},
                  {RLIMIT_FSIZE, "size of a file", "-f"},
                  {RLIMIT_AS, "address space", "-v"}};
    struct mx_doctor_check *check = mx_doctor_add(doctor, "limits");

    for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
        const size_t  text = strlen(check->text), hint = strlen(check->hint);
        struct rlimit limit;

        if (getrlimit((__rlimit_resource_t)limits[k].limit, &limit) != 0 ||
            limit.rlim_cur == RLIM_INFINITY)
            continue;
        check->health = MX_HEALTH_WARN;
        snprintf(check->text + text, sizeof check->text - text, "%s%s %llu", text > 0 ? ", " : "",
                 limits[k].what, (unsigned long long)limit.rlim_cur);
        snprintf(check->hint + hint, sizeof check->hint - hint, "%sulimit %s unlimited",
                 hint > 0 ? "; " : "", limits[k].undo);
    }
    if (!check->text[0])
        snprintf(check->text, sizeof check->text,
                 "none on CPU time, size of files or address space");
}

static void look_at_folder(struct mx_doctor_check *check, const char *what, const char *folder,
                           double little_gib, enum mx_health bad, const char *hint)
{
    struct statvfs info;
    double         free_gib;

    if (statvfs(folder, &info) != 0 || access(folder, W_OK) != 0) {
        check->health = bad;
        snprintf(check->text, sizeof check->text, "%s %.200s cannot be written: %s", what, folder,
                 strerror(errno));
        snprintf(check->hint, sizeof check->hint, "%s", hint);
        return;
    }
    free_gib = (double)info.f_bavail * (double)info.f_frsize / gib;
    snprintf(check->text, sizeof check->text, "%s %.200s, %.1f GiB free", what, folder, free_gib);
    if (free_gib < little_gib) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->hint, sizeof check->hint, "%s", hint);
    }
}

static void look_at_cache(struct mx_doctor *doctor)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "cache");
    struct mx_buf           folder = {0};
    struct mx_err           err = {0};

    if (worker_image_cache_folder(&folder, &err)) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->text, sizeof check->text, "decoded images are kept in memory: %.300s",
                 err.text);
        snprintf(check->hint, sizeof check->hint,
                 "MIXSWEEP_CACHE: a folder that can be written, on a local disk");
    } else {
        look_at_folder(check, "decoded images in", mx_buf_str(&folder), little_disk, MX_HEALTH_WARN,
                       "MIXSWEEP_CACHE: a folder with more room, on a local disk");
    }
    mx_buf_free(&folder);
}

void mx_doctor_machine(struct mx_doctor *doctor)
{
    struct mx_capacity capacity;

    mx_capacity_read("", &capacity);
    look_at_cpus(doctor, &capacity);
    look_at_memory(doctor, &capacity);
    look_at_files(doctor);
    look_at_limits(doctor);
    look_at_folder(mx_doctor_add(doctor, "disk"), "this folder,", ".", little_disk, MX_HEALTH_WARN,
                   "run from a folder with more room, or give --out; mixsweep plan CONFIG tells "
                   "how much a sweep needs");
    look_at_folder(mx_doctor_add(doctor, "shared memory"), "ranks of one node meet in", "/dev/shm",
                   little_shared, MX_HEALTH_WARN,
                   "in a container: --shm-size=1g; sweeps without mpirun do not need it");
    look_at_cache(doctor);
}
