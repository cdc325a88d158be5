/* half.h - numbers of IEEE half precision: 1 sign, 5 exponent, 10 mantissa bits. */
#ifndef MX_HALF_H
#define MX_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number that 16 bits stand for; floats hold all of them exactly. */
static inline float mx_half_float(uint16_t half)
{
    const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1fu;
    const uint32_t mantissa = half & 0x3ffu;
    uint32_t       bits;
    float          x;

    if (exponent == 0) {
        x = ldexpf((float)mantissa, -24);
        return sign ? -x : x;
    }
    bits = sign | (exponent == 0x1f ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#ifdef __cplusplus
}
#endif

#endif
