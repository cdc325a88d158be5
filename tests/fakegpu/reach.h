/* reach.h - what each kernel reads and writes, by its arguments: reach_NAME() for every mx_kernel_NAME.
 *
 * A body does not say it; these rows are written beside it, and a launch that touches more is found (fake_launch_run).
 */
#ifndef FAKEGPU_REACH_H
#define FAKEGPU_REACH_H

#include "kernels/bf16_args.h"
#include "kernels/kernel_args.h"
#include "kernels/mask_args.h"
#include "tests/fakegpu/fake.h"

/* Begin such a function; its arguments are p. */
#define REACH(name)                                                                                \
    static void name##_spans(const struct kern_##name##_args *p, struct fake_reach *reach);        \
    void        reach_##name(const void *data, struct fake_reach *reach)                           \
    {                                                                                              \
        name##_spans(data, reach);                                                                 \
    }                                                                                              \
    static void name##_spans(const struct kern_##name##_args *p, struct fake_reach *reach)

/* An array of `of`, and how many elements; the last two: if it is not NULL. */
#define READS(of, array, count)                                                                    \
    fake_reads(reach, "args." #array, (of)->array, (size_t)(count) * sizeof *(of)->array)
#define WRITES(of, array, count)                                                                   \
    fake_writes(reach, "args." #array, (of)->array, (size_t)(count) * sizeof *(of)->array)
#define MAY_READ(of, array, count)                                                                 \
    do {                                                                                           \
        if ((of)->array)                                                                           \
            READS(of, array, count);                                                               \
    } while (0)
#define MAY_WRITE(of, array, count)                                                                \
    do {                                                                                           \
        if ((of)->array)                                                                           \
            WRITES(of, array, count);                                                              \
    } while (0)

#define REACH_DECLARED(name) void reach_##name(const void *data, struct fake_reach *reach);
KERN_KERNELS(REACH_DECLARED, REACH_DECLARED)
KERN_MASK_KERNELS(REACH_DECLARED, REACH_DECLARED)
KERN_BF16_KERNELS(REACH_DECLARED, REACH_DECLARED)
#undef REACH_DECLARED

#endif
