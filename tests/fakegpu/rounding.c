/* Numbers as tensor cores read them. */
#include <math.h>
#include <string.h>

#include "tests/fakegpu/fake.h"

enum {
    TF32_DROPS = 13 /* bits of float32's 23 */
};

float fake_tf32(float value)
{
    uint32_t bits, half = 1u << (TF32_DROPS - 1);

    if (!isfinite(value))
        return value;
    memcpy(&bits, &value, sizeof bits);
    bits += half - 1 + (bits >> TF32_DROPS & 1);
    bits &= ~((1u << TF32_DROPS) - 1);
    memcpy(&value, &bits, sizeof value);
    return value;
}

void fake_round_tf32(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = fake_tf32(values[i]);
}

float fake_half(float value)
{
    const float fine = 0x1p-24f, largest = 65504.0f;

    if (!isfinite(value))
        return value;
    value = fabsf(value) < 0x1p-14f ? rintf(value / fine) * fine : fake_tf32(value);
    return fabsf(value) > largest ? copysignf(INFINITY, value) : value;
}

void fake_round_half(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = fake_half(values[i]);
}

float fake_from_bf16(uint16_t value)
{
    uint32_t bits = (uint32_t)value << 16;
    float    wide;

    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

uint16_t fake_to_bf16(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
