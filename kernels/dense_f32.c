/* dense_f32.c - the products of dense.h in single precision. */
#include <math.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define REAL  float
#define LANES 8
#define TABLE kern_dense_f32
#define SPREAD(s)                                                                                  \
    {                                                                                              \
        (s), (s), (s), (s), (s), (s), (s), (s)                                                     \
    }
#define FMA_ONE   fmaf
#define SQRT_ONE  sqrtf
#define FMA_WIDE  _mm256_fmadd_ps
#define SQRT_WIDE _mm256_sqrt_ps
#include "kernels/dense_variants.h"
