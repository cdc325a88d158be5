/* wide.h - functions compiled for wide vectors, where the machine has them.
 *
 * The machine that the build is for need not have wide vectors, and converting to
 * double in narrow ones takes twice as long. A function's inside is KERN_IN_PLACE
 * and called from two: one as the build is, one KERN_WIDE, of which
 * kern_has_wide_vectors() chooses. Bits do not depend on the width, since no product
 * is contracted with a sum.
 */
#ifndef KERN_WIDE_H
#define KERN_WIDE_H

#include <stdbool.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define KERN_WIDE __attribute__((target("avx2")))
#else
#define KERN_WIDE
#endif
#define KERN_IN_PLACE __attribute__((always_inline)) static inline

static inline bool kern_has_wide_vectors(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

#endif
