/* A bound on what a process may still take. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "worker/memory_cap.h"

enum {
    MIB = 1 << 20
};

/* Pages that count as the process's data; MAP_FAILED: they are not given. */
static void *take(size_t bytes)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

Test(memory_cap, counts_from_what_the_process_has)
{
    struct mx_err err = {0};
    void         *had = take((size_t)512 * MIB); /* as libraries of a GPU bring */

    cr_assert_neq(had, MAP_FAILED);
    cr_assert_eq(worker_memory_cap((uint64_t)64 * MIB, &err), 0, "%s", err.text);
    cr_assert_neq(take((size_t)48 * MIB), MAP_FAILED, "what may still be taken");
#if !defined(__SANITIZE_ADDRESS__)
    cr_assert_eq(take((size_t)48 * MIB), MAP_FAILED, "and no more");
    cr_assert_eq(munmap(had, (size_t)512 * MIB), 0);
    cr_assert_neq(take((size_t)48 * MIB), MAP_FAILED, "what was given back can be taken");
#endif
}

#if !defined(__SANITIZE_ADDRESS__)
Test(memory_cap, leaves_a_lower_bound_as_it_is)
{
    struct rlimit bound = {(rlim_t)512 * MIB, (rlim_t)512 * MIB};
    struct mx_err err = {0};

    cr_assert_eq(setrlimit(RLIMIT_DATA, &bound), 0);
    cr_assert_eq(worker_memory_cap((uint64_t)4096 * MIB, &err), 0, "%s", err.text);
    cr_assert_eq(getrlimit(RLIMIT_DATA, &bound), 0);
    cr_expect_eq(bound.rlim_cur, (rlim_t)512 * MIB);
    cr_expect_eq(bound.rlim_max, (rlim_t)512 * MIB);
}
#endif
