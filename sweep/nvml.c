#include "sweep/nvml.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static const char standard_file[] = "libnvidia-ml.so.1";

/* Where a function goes in struct mx_nvml. */
struct call {
    const char *name;
    size_t      at;
};

#define ROW(member, name, parameters) {name, offsetof(struct mx_nvml, member)},
static const struct call needed[] = {MX_NVML_NEEDED(ROW)};
static const struct call optional[] = {MX_NVML_OPTIONAL(ROW)};
#undef ROW

/* The name of the first that is missing; NULL if none is. Addresses of data and of functions
 * are the same wherever there is dlsym. */
static const char *find_calls(struct mx_nvml *nvml, const struct call *calls, size_t n)
{
    const char *missing = NULL;

    for (size_t k = 0; k < n; k++) {
        void *address = dlsym(nvml->library, calls[k].name);

        memcpy((char *)nvml + calls[k].at, &address, sizeof address);
        if (!address && !missing)
            missing = calls[k].name;
    }
    return missing;
}

int mx_nvml_open(const char *file, struct mx_nvml *nvml, struct mx_err *err)
{
    const char *missing;
    int         rc;

    *nvml = (struct mx_nvml){0};
    if (!file)
        file = standard_file;
    if (!(nvml->library = dlopen(file, RTLD_NOW | RTLD_LOCAL)))
        return mx_fail(err, MX_EGPU, "there is no %s: no NVIDIA driver is installed", file);
    missing = find_calls(nvml, needed, sizeof needed / sizeof needed[0]);
    find_calls(nvml, optional, sizeof optional / sizeof optional[0]);
    if (missing) {
        mx_fail(err, MX_EGPU, "%s has no %s: the NVIDIA driver is too old", file, missing);
        goto fail;
    }
    if ((rc = nvml->init()) != MX_NVML_SUCCESS) {
        mx_fail(err, MX_EGPU,
                "%s does not start (its error %d): the NVIDIA driver is not loaded, or is of "
                "another version than the library",
                file, rc);
        goto fail;
    }
    return 0;
fail:
    dlclose(nvml->library);
    nvml->library = NULL;
    return -1;
}

void mx_nvml_close(struct mx_nvml *nvml)
{
    if (!nvml->library)
        return;
    nvml->shutdown();
    dlclose(nvml->library);
    nvml->library = NULL;
}
