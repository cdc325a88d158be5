/* planted.h - misuse planted into calls: MX_PLANT names one. The linker turns a program's calls
 * into the __wrap_ functions of planted*.c (--wrap), which spoil one and pass all others on. */
#ifndef FAKEGPU_PLANTED_H
#define FAKEGPU_PLANTED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cuda_runtime_api.h>

/* What can be wrong with a copy, whichever call makes it (planted.c). */
void spoil_copy(void **to, const void **from, size_t *bytes, enum cudaMemcpyKind *kind);

/* A wrapped call, and the one that it stands before. */
#define WRAPPED(result, name, ...)                                                                 \
    result __wrap_##name(__VA_ARGS__);                                                             \
    result __real_##name(__VA_ARGS__)

static inline bool planted(const char *name)
{
    const char *plant = getenv("MX_PLANT");

    return plant && strcmp(plant, name) == 0;
}

#endif
