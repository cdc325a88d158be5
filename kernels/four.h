/* four.h - neighbours of an array that a lane reads or writes at once.
 *
 * Where they are aligned, a GPU does it in one access of 16 bytes.
 */
#ifndef MX_KERN_FOUR_H
#define MX_KERN_FOUR_H

#include <stdint.h>

#include "kernels/port.h"

enum {
    KERN_FOUR = 4
};

struct kern_four {
    float at[KERN_FOUR];
};

/* count of them, 1 to KERN_FOUR, the rest 0; aligned: to 16 bytes, and all there. */
KERN_BODY struct kern_four four_get(const float *from, uint32_t count, int aligned)
{
    struct kern_four four = {{0.0f, 0.0f, 0.0f, 0.0f}};

#ifdef __CUDA_ARCH__
    if (aligned) {
        float4 all = *(const float4 *)(const void *)from;

        four.at[0] = all.x;
        four.at[1] = all.y;
        four.at[2] = all.z;
        four.at[3] = all.w;
        return four;
    }
#endif
    (void)aligned;
    for (unsigned j = 0; j < KERN_FOUR; j++)
        if (j < count)
            four.at[j] = from[j];
    return four;
}

KERN_BODY void four_put(float *to, const struct kern_four *four, uint32_t count, int aligned)
{
#ifdef __CUDA_ARCH__
    if (aligned) {
        *(float4 *)(void *)to = make_float4(four->at[0], four->at[1], four->at[2], four->at[3]);
        return;
    }
#endif
    (void)aligned;
    for (unsigned j = 0; j < KERN_FOUR; j++)
        if (j < count)
            to[j] = four->at[j];
}

#endif
