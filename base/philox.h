/* philox.h - the function behind base/rng.h, for every compiler that needs it inside a kernel.
 *
 * Philox4x32-10 of Salmon, Moraes, Dror and Shaw (SC 2011).
 */
#ifndef MX_PHILOX_H
#define MX_PHILOX_H

#include <stdint.h>

#ifdef __CUDACC__
#define MX_PHILOX_PLACE static __host__ __device__ __forceinline__
#else
#define MX_PHILOX_PLACE static inline
#endif

/* 128 bits that depend on counter and key alone. */
MX_PHILOX_PLACE void mx_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < 10; round++) {
        uint64_t first = (uint64_t)0xD2511F53u * c0, second = (uint64_t)0xCD9E8D57u * c2;

        c0 = (uint32_t)(second >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)second;
        c2 = (uint32_t)(first >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)first;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

#endif
