#include "worker/device.h"

#include <stdio.h>
#include <string.h>

const struct worker_choice worker_devices[WORKER_DEVICES + 1] = {
    {"cpu", WORKER_READY}, {"cuda", WORKER_READY}, {NULL, WORKER_READY}};

const char *worker_device_instructions(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return "avx512";
    return __builtin_cpu_supports("avx2") ? "avx2" : "sse2";
#else
    return "generic";
#endif
}

/* Copy the value of "model name : VALUE" from /proc/cpuinfo; "CPU" without one. */
static void model_name(char *out, size_t room)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char  line[256];

    snprintf(out, room, "CPU");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) != 0 || !colon || colon[1] != ' ')
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(out, room, "%s", colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

void worker_device_name(char *out, size_t room)
{
    char model[128];

    model_name(model, sizeof model);
    snprintf(out, room, "%s, %s", model, worker_device_instructions());
}
